"""What became of a task: the file of its unit, or what stopped it."""

from collections.abc import Callable
from dataclasses import dataclass

from rankone.errors import Refusal, visible

Worker = Callable[[int], str]
"""Carries out the task at a place of the list, from 0; returns the name of its unit's file."""

MakeWorker = Callable[[], Worker]
"""Loads what all tasks need, once in each process; picklable, and small: it travels to every worker."""


@dataclass(frozen=True)
class Receipt:
    """place: of the task in the list; unit: the name of its unit's file, or, where the task came to no end,
    error: why, in one line.
    """

    place: int
    unit: str = ""
    error: str = ""


def receipt(worker: Worker, place: int) -> Receipt:
    """The task is carried out; whatever it raises is its own, but for Ctrl-C."""
    try:
        return Receipt(place, unit=worker(place))
    except (Exception, SystemExit) as error:
        return Receipt(place, error=reason(error))


def reason(error: BaseException) -> str:
    """An error in one line: a refusal by what it says, any other with its kind."""
    said = visible(str(error))
    if isinstance(error, Refusal):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
