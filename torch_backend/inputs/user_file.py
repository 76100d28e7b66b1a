"""What a file of the user's own defines: a network or a method, "path/to/file.py:attribute"."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from rankone.errors import refuse

# Top-level modules of users' own that are loaded: the name -> the folder it lies in.
OWN_MODULES: dict[str, Path] = {}


def own(name: str, what: str = "model") -> Callable[[], object]:
    """A function that makes what "path/to/file.py:attribute" names: called without arguments if it is a
    function or a class, else the object there.

    The file may import its neighbours, as if it were run by itself. ValueError for whatever it raises, a call
    of sys.exit included; FileNotFoundError if it is not there.
    """
    _, found = defined(name, what)
    if not callable(found) or isinstance(found, nn.Module):
        return lambda: found
    path, _, attribute = name.rpartition(":")

    def make() -> object:
        try:
            with neighbours_of(Path(path).resolve().parent):
                return found()
        except (Exception, SystemExit) as error:
            refuse(
                what,
                expected=f"{attribute} of {path} to be called without arguments",
                got=repr(error),
                do="write a function without arguments that returns it",
            )

    return make


def defined(name: str, what: str = "model") -> tuple[ModuleType, object]:
    """The module that "path/to/file.py:attribute" names, and what it defines there; errors as of `own`."""
    path, _, attribute = name.rpartition(":")
    if not path:
        refuse(what, expected="FILE.py:NAME", got=repr(name), do="say what the file calls it")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{what}: no file {path}")
    file = Path(path).resolve()
    try:
        with neighbours_of(file.parent):
            module = _run(file)
            return module, getattr(module, attribute)
    except (Exception, SystemExit) as error:  # whatever the user's file raises, the user's file is wrong
        refuse(what, expected=f"{path} to define {attribute}", got=repr(error), do="run the file by itself")


def _run(file: Path) -> ModuleType:
    """The file as a module, which dataclasses and pickling in it find under its name."""
    specification = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(specification)
    if file.stem in OWN_MODULES:
        _forget(file.stem)
    sys.modules.setdefault(file.stem, module)
    specification.loader.exec_module(module)
    return module


@contextmanager
def neighbours_of(folder: Path) -> Iterator[None]:
    """The folder first on sys.path, as `python folder/file.py` has it; afterwards sys.path is as before.

    Modules of other folders are forgotten before: two folders may both have a layers.py.
    """
    for name in [name for name, place in OWN_MODULES.items() if place != folder]:
        _forget(name)
    before = dict(sys.modules)
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        new = [name for name, module in sys.modules.items() if before.get(name) is not module]
        OWN_MODULES.update({name: folder for name in new if _lies_in(folder, name)})


def _lies_in(folder: Path, name: str) -> bool:
    """Whether the module is a file or a package of this very folder, not of one below such as .venv."""
    module = sys.modules[name]
    if "." in name:
        return False
    places = [*getattr(module, "__path__", []), getattr(module, "__file__", None) or "/"]
    return Path(places[0]).parent == folder


def _forget(name: str) -> None:
    """The module and all that is below it, as if they had never been imported."""
    del OWN_MODULES[name]
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == name]:
        del sys.modules[loaded]
