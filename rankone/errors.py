"""The one way to refuse bad input at the public border, and to say so in one line at the end of a program."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Refusal(ValueError):
    """Bad input, said in one line."""


class Overflow(Refusal):
    """Numbers left the range of their precision; a larger one may hold them."""


class TooLarge(Refusal):
    """What was asked for has no room on this machine; another one may have it."""


def refuse(name: str, *, expected: str, got: object, do: str, kind: type[Refusal] = Refusal) -> NoReturn:
    """Raise a ValueError (a Refusal) in the house form: "name: expected ..., got ..., do ...".

    >>> refuse("samples", expected="an integer >= 1", got=0, do="ask for at least one sample")
    Traceback (most recent call last):
    rankone.errors.Refusal: samples: expected an integer >= 1, got 0; ask for at least one sample
    """
    raise kind(f"{name}: expected {expected}, got {got}; {do}")


def visible(text: str) -> str:
    """One line, safe to print wherever it comes from: what a terminal would obey is written as \\x1b."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))


@contextmanager
def one_line(program: str) -> Iterator[None]:
    """Bad input ends a program with one line on stderr and exit status 2, Ctrl-C with 130; no traceback."""
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        print(f"{program}: {visible(str(error)) or type(error).__name__}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)
