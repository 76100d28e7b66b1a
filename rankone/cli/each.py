"""Several methods, one after the other: a failure is one method's own, and what the others gave is kept."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rankone.errors import refuse, visible
from rankone.results.tables import FAILED

if TYPE_CHECKING:
    from torch_backend.methods import Method

T = TypeVar("T")

SOME_FAILED = 3  # the exit status where the others were delivered


class Runs:
    """Runs of `methods`, of different names. failed: what each method raised that came to no end; stopped:
    Ctrl-C, if pressed.

    runs = Runs(methods)
    results = runs.each(measure)   # of those that succeed
    ...                            # write them, and runs.write_failed(...)
    runs.end(path)                 # says what has to be said of the others
    """

    def __init__(self, methods: Sequence["Method"]) -> None:
        names = [method.name for method in methods]
        if doubled := [name for k, name in enumerate(names) if name in names[:k]]:
            do = "leave one of them out, or give it another name"
            refuse("methods", expected="different names", got=f"{doubled[0]} twice", do=do)
        self.methods = methods
        self.failed: dict[str, Exception] = {}
        self.stopped: KeyboardInterrupt | None = None

    def each(self, run: Callable[["Method"], Iterable[T]]) -> list[T]:
        """What `run` gives for each method, joined, without those that failed; Ctrl-C ends the loop."""
        found: list[T] = []
        for method in self.methods:
            if self.stopped or method.name in self.failed:
                continue
            try:
                found += run(method)
            except KeyboardInterrupt as stopped:
                self.stopped = stopped
            except Exception as error:  # whatever it is, it must not cost the others' results
                self.failed[method.name] = error
        return found

    def write_failed(self, path: Path) -> Path | None:
        """Write the table of those that failed; None, and no such file, where none did."""
        if not self.failed:
            FAILED.remove(path)
            return None
        return FAILED.write(path, [{"method": name, "reason": _said(e)} for name, e in self.failed.items()])

    def end(self, written: Path | None = None) -> int:
        """The exit status: 0, or 3 where some failed, each then named with its reason on stderr.

        Raises Ctrl-C and bugs as they are, and where nothing is `written` ValueError naming each method that
        failed, or the one reason that all of them have.
        """
        if self.stopped:
            raise self.stopped
        for error in self.failed.values():
            if not isinstance(error, (ValueError, OSError, MemoryError)):
                raise error
        if not self.failed:
            return 0
        if written is None:
            self._refuse()
        for name, error in self.failed.items():
            print(f"rankone: {name} failed, the others are in {written}: {_said(error)}", file=sys.stderr)
        return SOME_FAILED

    def _refuse(self) -> None:
        reasons = {str(error): error for error in self.failed.values()}
        if len(reasons) == 1:
            raise next(iter(reasons.values()))
        named = [f"{name} ({_said(error)})" for name, error in self.failed.items()]
        expected, got = f"results of {len(self.methods)}", f"none of {', '.join(named)}"
        refuse("methods", expected=expected, got=got, do="ask for others")


def _said(error: Exception) -> str:
    return visible(str(error)) or type(error).__name__
