"""Methods as written on a command line: "z_plus", "alpha_beta:2:1", "pattern_net:FILE", "my.py:mine"."""

import inspect
from collections.abc import Callable

from rankone.errors import refuse
from torch_backend.inputs.user_file import own
from torch_backend.methods import Method, gradients, lrp, without_held
from torch_backend.methods.deeplift import deeplift_rescale
from torch_backend.methods.patterns import load_patterns, pattern_attribution, pattern_net
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms

# Their contributions, or for a chain that sets and reads the same quantity, as CSC asks for, the multipliers.
DEEPLIFT = [deeplift_rescale(), deeplift_reveal_cancel(), deeplift_without_cross_terms()]
REFERENCED = {method.name: method for lift in DEEPLIFT for method in (lift, lift.multipliers)}
BUILT_IN = {**vars(gradients), **vars(lrp)}
PATTERNED = {"pattern_net": pattern_net, "pattern_attribution": pattern_attribution}


def method(text: str) -> Method:
    """The method of that name; numbers after colons are its arguments, in order.

    DeepLIFT's reference is zero. pattern_net and pattern_attribution take a file of `rankone patterns`.
    FILE.py:NAME is a method of one's own, or a function that returns it.
    Raises ValueError with the known names for an unknown one, and with the arguments expected for wrong ones;
    FileNotFoundError for a file that is not there.
    """
    text = text.strip()
    if ".py:" in text:
        return _own(text)
    name, *arguments = text.split(":")
    if name in PATTERNED:
        if not arguments:
            refuse("method", expected=spellings()[name], got=repr(text), do="name the file of patterns")
        return PATTERNED[name](load_patterns(text.partition(":")[2]))
    found = {**BUILT_IN, **REFERENCED}[name] if name in spellings() else None
    if found is None:
        expected = f"one of {', '.join(spellings().values())}"
        refuse(
            "method", expected=expected, got=repr(text), do="copy one of these, numbers for words in capitals"
        )
    try:
        numbers = [float(argument) for argument in arguments]
        inspect.signature((lambda: found) if isinstance(found, Method) else found).bind(*numbers)
    except (ValueError, TypeError):
        refuse("method", expected=spellings()[name], got=repr(text), do="give a number after each colon")
    return found if isinstance(found, Method) else found(*numbers)


def chosen(text: str, *, held: bool) -> Method:
    """The method of that name. Not held: it refuses what it would hold constant (`without_held`)."""
    return method(text) if held else without_held(method(text))


def _own(text: str) -> Method:
    found = own(text, "method")()
    if not isinstance(found, Method):
        refuse(
            "method",
            expected=f"{text} to be a Method, or a function that returns one",
            got=type(found).__name__,
            do="make one with dataclasses.replace(methods.z_plus, ...), as in docs/conventions.md",
        )
    return found


def spellings() -> dict[str, str]:
    """Every method's name -> how to write it: {"z_plus": "z_plus", "alpha_beta": "alpha_beta:ALPHA:BETA"}."""
    return {
        name: ":".join([name, *(p.upper() for p in _parameters(value))])
        for name, value in BUILT_IN.items()
        if not name.startswith("_") and (isinstance(value, Method) or _makes_method(value))
    } | {**{name: name for name in REFERENCED}, **{name: f"{name}:FILE" for name in PATTERNED}}


def _makes_method(value: object) -> bool:
    return inspect.isfunction(value) and inspect.signature(value).return_annotation in (Method, "Method")


def _parameters(value: Method | Callable[..., Method]) -> list[str]:
    return [] if isinstance(value, Method) else list(inspect.signature(value).parameters)
