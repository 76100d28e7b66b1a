"""Methods as they are written on a command line: "z_plus", "alpha_beta:2:1"."""

import inspect
from collections.abc import Callable

from rankone.errors import refuse
from torch_backend import methods
from torch_backend.methods import Method


def method(text: str) -> Method:
    """The method of `torch_backend.methods` of that name; numbers after colons are its arguments, in order.

    Raises ValueError with the known names for an unknown one, and with the arguments expected for wrong ones.
    """
    name, *arguments = text.strip().split(":")
    found = getattr(methods, name, None) if name in spellings() else None
    if found is None:
        refuse(
            "method", expected=f"one of {', '.join(spellings().values())}", got=repr(text), do="choose one"
        )
    try:
        numbers = [float(argument) for argument in arguments]
        inspect.signature((lambda: found) if isinstance(found, Method) else found).bind(*numbers)
    except (ValueError, TypeError):
        refuse("method", expected=spellings()[name], got=repr(text), do="give a number after each colon")
    return found if isinstance(found, Method) else found(*numbers)


def spellings() -> dict[str, str]:
    """Every method's name -> how to write it: {"z_plus": "z_plus", "alpha_beta": "alpha_beta:ALPHA:BETA"}."""
    return {
        name: ":".join([name, *(p.upper() for p in _parameters(value))])
        for name, value in vars(methods).items()
        if not name.startswith("_") and (isinstance(value, Method) or _makes_method(value))
    }


def _makes_method(value: object) -> bool:
    return inspect.isfunction(value) and inspect.signature(value).return_annotation in (Method, "Method")


def _parameters(value: Method | Callable[..., Method]) -> list[str]:
    return [] if isinstance(value, Method) else list(inspect.signature(value).parameters)
