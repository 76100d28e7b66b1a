"""Several methods, one after the other: a failure is one method's own, and what the others gave is kept."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rankone.errors import refuse

if TYPE_CHECKING:
    from torch_backend.methods import Method

T = TypeVar("T")


class Runs:
    """Runs of `methods`. failed: what each method raised that came to no end; stopped: Ctrl-C, if pressed.

    runs = Runs(methods)
    results = runs.each(measure)   # of those that succeed
    ...                            # write them
    runs.end(path)                 # raises what has to be said of the others
    """

    def __init__(self, methods: Sequence["Method"]) -> None:
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

    def end(self, written: Path | None = None) -> None:
        """Raise Ctrl-C and bugs as they are; ValueError naming each method that failed, with its reason.

        Where nothing is `written` and all methods have one reason, that reason alone.
        """
        if self.stopped:
            raise self.stopped
        for error in self.failed.values():
            if not isinstance(error, (ValueError, OSError, MemoryError)):
                raise error
        if not self.failed:
            return
        reasons = {str(error): error for error in self.failed.values()}
        if written is None and len(reasons) == 1:
            raise next(iter(reasons.values()))
        named = [f"{name} ({error or type(error).__name__})" for name, error in self.failed.items()]
        refuse(
            "methods",
            expected=f"results of {len(self.methods)}",
            got=f"none of {', '.join(named)}",
            do=f"the others are in {written}" if written else "ask for others",
        )
