"""The one way to refuse bad input at the public border."""

from typing import NoReturn


def refuse(name: str, *, expected: str, got: object, do: str) -> NoReturn:
    """Raise ValueError in the house form: "name: expected ..., got ..., do ...".

    >>> refuse("samples", expected="an integer >= 1", got=0, do="ask for at least one sample")
    Traceback (most recent call last):
    ValueError: samples: expected an integer >= 1, got 0; ask for at least one sample
    """
    raise ValueError(f"{name}: expected {expected}, got {got}; {do}")
