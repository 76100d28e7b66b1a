"""How long it will take, on stderr: an estimate once the first unit is done, then how far it is.

    for image in progress(images, "mri-vgg16, z_plus", unit="image"):
        ...
    with Progress("mri-vgg16", total=40, unit="image") as report:
        report.advance(5)

On a terminal a bar of tqdm's, elsewhere a line now and then; what is done within a minute has neither there.
"""

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")

LONG = 60.0  # seconds of work from which an estimate is worth a line
EVERY = 30.0  # seconds between lines where there is no terminal
READ = 0.1  # of the slowest unit's time: what is faster was read from a disk, and tells nothing of the others
SPANS = ((3600.0, 5400.0, "hour"), (60.0, 90.0, "minute"), (1.0, 0.0, "second"))  # length, used from, name


class Progress:
    """So many of `total` units are done; says so on `stream`, stderr by default, unless `quiet`.

    clock: gives seconds
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str = "unit",
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.quiet, self.clock = quiet, clock
        self.stream = sys.stderr if stream is None else stream
        self.done = 0
        self._paces: list[tuple[float, int]] = []  # seconds a unit, units
        self._announced = False
        self._begun = self._since = self._said = clock()
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if not self.quiet and self.stream.isatty():
            options = {"desc": self.label, "unit": self.unit, "file": self.stream, "leave": False}
            self._bar = tqdm(total=self.total, **options)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, count: int = 1) -> None:
        """So many more units are done."""
        now = self.clock()
        self._paces.append(((now - self._since) / count, count))
        self._since = now
        self.done += count
        if not self.quiet:
            self._say(now)

    def over(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches; each counts as many units as it is long, when the next is asked for."""
        for batch in batches:
            yield batch
            self.advance(len(batch))  # type: ignore[arg-type]

    @contextmanager
    def part(self, count: int) -> Iterator[None]:
        """What is expected to be `count` units: if it ends with others, or fails, the total is mended."""
        begun = self.done
        try:
            yield
        finally:
            self.total += self.done - begun - count
            if self._bar is not None:
                self._bar.total = self.total
                self._bar.refresh()

    def left(self) -> float:
        """Seconds that the rest will take, if it takes as long as what was computed so far."""
        slowest = max((pace for pace, _ in self._paces), default=0.0)
        computed = [(pace, count) for pace, count in self._paces if pace >= READ * slowest]
        units = sum(count for _, count in computed)
        return (self.total - self.done) * sum(p * n for p, n in computed) / units if units else 0.0

    def _say(self, now: float) -> None:
        if self._bar is not None:
            self._bar.update(self.done - self._bar.n)
        left = self.left()
        if now - self._begun + left <= LONG:
            return
        if not self._announced:
            self._announced, self._said = True, now
            self._line(f"about {lasting(left)} for {self._units(self.total - self.done)}")
        elif self._bar is None and now - self._said >= EVERY and self.done < self.total:
            self._said = now
            self._line(f"{self.done} of {self._units(self.total)}, about {lasting(left)} left")

    def _line(self, text: str) -> None:
        tqdm.write(f"{self.label}: {text}", file=self.stream)

    def _units(self, count: int) -> str:
        return f"{count} {self.unit}" + ("" if count == 1 else "s")


def progress(
    items: Iterable[T], label: str, *, unit: str = "unit", total: int | None = None, quiet: bool = False
) -> Iterator[T]:
    """The items, one after the other, each a unit that is done when the next is asked for.

    total: how many there are, if they have no length.
    """
    if total is None:
        total = len(items) if isinstance(items, Collection) else 0
    with Progress(label, total, unit, quiet=quiet) as report:
        for item in items:
            yield item
            report.advance()


def lasting(seconds: float) -> str:
    """A time in words: 40 seconds, 6 minutes, 2 hours."""
    length, name = next((length, name) for length, least, name in SPANS if seconds >= least)
    count = max(1, round(seconds / length))
    return f"{count} {name}" + ("" if count == 1 else "s")
