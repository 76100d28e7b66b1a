"""What a file of the user's own defines: a network or a method, "path/to/file.py:attribute"."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from torch import nn

from rankone.errors import refuse


def own(name: str, what: str = "model") -> Callable[[], object]:
    """A function that makes what "path/to/file.py:attribute" names: called without arguments if it is a
    function or a class, else the object there.
    """
    path, _, attribute = name.rpartition(":")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{what}: no file {path}")
    specification = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules.setdefault(
        specification.name, module
    )  # dataclasses and pickling in the user's file look here
    try:
        specification.loader.exec_module(module)
        found = getattr(module, attribute)
    except Exception as error:  # whatever the user's file raises, it is the user's file that is wrong
        refuse(what, expected=f"{path} to define {attribute}", got=repr(error), do="run the file by itself")
    if not callable(found) or isinstance(found, nn.Module):
        return lambda: found

    def make() -> object:
        try:
            return found()
        except Exception as error:
            refuse(
                what,
                expected=f"{attribute} of {path} to be called without arguments",
                got=repr(error),
                do="write a function without arguments that returns it",
            )

    return make
