"""A tool in a file of one's own, `--attribute my_tool.py:attribute`. Under the name stands one of these:

    def attribute(model): ...        of one argument: returns a function of x and classes, for that model
    attribute = captum.tool(...)     a `Tool`, such as torch_backend.adapters make
    def attribute(x, classes): ...   of two: the maps, of the network that the file calls `model`

The first two are made anew for each network: `--model` names it, or the file has a `model` of its own. The
third has its network inside; other weights are written into it for the time of a call. Beside them the file
may say what is hidden, `hides = (magnitudes,)` (torch_backend.audit.hidden), and which trained network's
pictures its own network reads, `reads = "digits-vgg"`; else they are normalised as ImageNet's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from rankone.errors import refuse
from torch_backend.audit.hidden import Hidden
from torch_backend.audit.subject import Subject
from torch_backend.audit.tool import Tool, in_place, made_anew
from torch_backend.commands.keeping import files
from torch_backend.inputs.user_file import defined, neighbours_of


@dataclass(frozen=True, eq=False)
class ToolFile:
    """The tool, as a subject; and the file's own network, to be audited, where --model names none, with the
    name of the one whose pictures it reads, "" for ImageNet's.
    """

    subject: Subject
    model: nn.Module | None
    reads: str = ""


def read(text: str, model: str | None = None) -> ToolFile:
    """What `--attribute` says, beside `--model`, if that is given.

    ValueError for a file that defines something else, for a tool without a network and for one with two;
    FileNotFoundError for a file that is not there.
    """
    module, found = defined(text, "attribute")
    here, source = _among_its_neighbours(text), repr(files([text]))
    hides, own, count = _hides(module), getattr(module, "model", None), _positions(found)
    if not isinstance(found, Tool) and count not in (1, 2):
        expected = f"{text} to be attribute(model), attribute(x, classes) or a Tool"
        refuse("attribute", expected=expected, got=_said(found), do="write one of these")
    if count == 2:
        subject = in_place(here(found), text, hides, source)
        return ToolFile(subject, _inside(text, own, model), _reads(module))
    tool = _named(found, text, hides) if isinstance(found, Tool) else Tool(text, found, hides)
    subject = made_anew(replace(tool, attribute_for=here(tool.attribute_for)), source)
    return ToolFile(subject, _network(text, own, model), _reads(module))


def _named(tool: Tool, text: str, hides: tuple[Hidden, ...]) -> Tool:
    """The tool that a file made, called as it was written."""
    if hides:
        do = "put it into the Tool"
        refuse("hides", expected="none beside a Tool's own", got=f"some in {text}", do=do)
    return replace(tool, name=text)


def _reads(module: ModuleType) -> str:
    reads = getattr(module, "reads", "")
    if not isinstance(reads, str):
        got, do = type(reads).__name__, 'write reads = "digits-vgg"'
        refuse("reads", expected="the name of a trained network", got=got, do=do)
    return reads


def _network(text: str, own: object, named: str | None) -> nn.Module | None:
    """The network that a tool is made for: `--model`'s, None here, or else the file's."""
    if named is not None:
        return None
    if not isinstance(own, nn.Module):
        refuse("attribute", expected="a network", got=f"none beside {text}", do="name one: --model")
    return own


def _inside(text: str, own: object, named: str | None) -> nn.Module:
    """The network that attribute(x, classes) has inside."""
    path, _, attribute = text.rpartition(":")
    if not isinstance(own, nn.Module):
        do = f"call it model, or write {attribute}(model)"
        got = f"{_said(own)}" if own is not None else "none"
        refuse("attribute", expected=f"the network inside {attribute} to be model in {path}", got=got, do=do)
    if named is not None:
        do = f"leave out --model, or write {attribute}(model)"
        refuse("model", expected=f"that of {path}, which {attribute} has inside", got=named, do=do)
    return own


def _hides(module: ModuleType) -> tuple[Hidden, ...]:
    hides = getattr(module, "hides", ())
    hides = (hides,) if isinstance(hides, Hidden) else hides
    if not isinstance(hides, tuple | list) or not all(isinstance(one, Hidden) for one in hides):
        do = "import them: from torch_backend.audit.hidden import magnitudes"
        refuse("hides", expected="what is hidden, such as (magnitudes,)", got=repr(hides), do=do)
    return tuple(hides)


def _positions(found: object) -> int:
    """How many arguments a function must be given; 0 for what is none, and for a network."""
    if not callable(found) or isinstance(found, nn.Module):
        return 0
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return 0
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is p.empty and p.kind in by_place for p in parameters)


def _said(found: object) -> str:
    count = _positions(found)
    return f"a function of {count} arguments" if count else type(found).__name__


def _among_its_neighbours(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes functions of the file, and those that they return, find the file's neighbours when they run."""
    folder = Path(text.rpartition(":")[0]).resolve().parent

    def here(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any) -> Any:
            with neighbours_of(folder):
                found = function(*args)
            return here(found) if callable(found) else found

        return run

    return here
