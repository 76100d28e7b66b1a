"""Curves as geometry: axes, paths and marks in pixels; pieces.html.j2 writes SVG, page.js draws alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite, log10

from paper_figs.report.wording import SUPERSCRIPTS, number, shortened

LETTERS = 13  # of a name below an axis
LETTER = 5.4  # pixels that a letter of it takes downwards
APART = 19  # pixels between two names below an axis
LOWEST = 1e-33  # exact zeros are drawn at the bottom, and no decade below this one
MOST_DECADES = 5  # that an axis names
MARKED = ("measured",)  # the kinds of curves that have markers


@dataclass(frozen=True)
class Axis:
    """The vertical axis: linear from low to high, or logarithmic from 10^low to 10^high."""

    low: float
    high: float
    log: bool

    def share(self, value: float) -> float:
        """How far up a value stands: 0 at the bottom, 1 at the top; NaN stays NaN."""
        if self.log:
            value = log10(max(value, 10**self.low)) if value == value else value
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) if value == value else value

    def ticks(self) -> list[tuple[float, str]]:
        """Values and how they are written."""
        if self.log:
            step = max(1, ceil((self.high - self.low) / MOST_DECADES))
            decades = range(int(self.high), int(self.low) - 1, -step)
            return [(10.0**k, f"10{str(k).translate(SUPERSCRIPTS)}" if k else "1") for k in decades]
        step = 0.25 if self.low == 0 else 0.5
        count = round((self.high - self.low) / step)
        return [(self.low + k * step, f"{self.low + k * step:g}".replace("-", "−")) for k in range(count + 1)]


def linear(values: Sequence[float]) -> Axis:
    """From 0, or −1/2, or −1, to 1."""
    lowest = min([0.0, *(v for v in values if isfinite(v))])
    return Axis(max(-1.0, floor(2 * lowest) / 2), 1.0, log=False)


def logarithmic(values: Sequence[float]) -> Axis:
    """Whole decades, from that of the smallest value above 0 to that of the largest, or to 1."""
    positive = [v for v in values if v > LOWEST and isfinite(v)]
    low, high = floor(log10(min([1.0, *positive]))), ceil(log10(max([1.0, *positive])))
    return Axis(min(-1, low), high, log=True)


@dataclass(frozen=True)
class Curve:
    """A number at each place, NaN where there is none.

    kind    measured, predicted, null, forward, proved, operator: its class in page.css
    method  whose, by its number in the summary
    band    low and high ends about the curve, or none
    """

    kind: str
    method: int
    values: Sequence[float]
    band: tuple[Sequence[float], Sequence[float]] | None = None


@dataclass(frozen=True)
class Box:
    """A chart's size in pixels, and the room within it for the axes' names."""

    width: float
    height: float
    left: float = 42
    right: float = 10
    top: float = 10
    bottom: float = 20

    def below(self, names: Sequence[str]) -> "Box":
        """The same axes with room for these names below."""
        room = round(LETTER * max(map(len, names), default=0))
        return replace(self, height=self.height + room, bottom=self.bottom + room)

    def x(self, place: int, places: int) -> float:
        """A single place stands in the middle."""
        inner = self.width - self.left - self.right
        return self.left + inner * ((place + 0.5) / places if places < 3 else place / (places - 1))

    def y(self, share: float) -> float:
        return self.top + (self.height - self.top - self.bottom) * (1 - share)


PANEL = Box(330, 196)
WIDE = Box(760, 350, left=52)


@dataclass(frozen=True)
class Line:
    """One curve in pixels. path, band: of SVG, "" where there is nothing; marks: where its markers stand, and
    what each says.
    """

    curve: Curve
    path: str
    band: str
    marks: list[tuple[float, float, str]]


@dataclass(frozen=True)
class Chart:
    """What the template writes: named places on both axes, and the lines."""

    box: Box
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    lines: list[Line]


def chart(curves: Sequence[Curve], places: Sequence[str], axis: Axis, box: Box) -> Chart:
    """The curves over named places, the first at the left; below the box grows with their names."""
    names = [shortened(place, LETTERS) for place in places]
    box = box.below(names)
    xs = [box.x(k, len(places)) for k in range(len(places))]
    step = ceil(APART * len(places) / (box.width - box.left - box.right))
    named = range(len(places))[::-step][::-1]  # the lowest always
    across = [(xs[k], names[k]) for k in named]
    up = [(box.y(axis.share(value)), words) for value, words in axis.ticks()]
    return Chart(box, across, up, [_line(curve, xs, places, axis, box) for curve in curves])


def axis_of(curves: Sequence[Curve], kind: Callable[[Sequence[float]], Axis]) -> Axis:
    """The axis of that kind, linear or logarithmic, that has room for all curves."""
    return kind([float(value) for curve in curves for value in curve.values])


def _line(curve: Curve, xs: Sequence[float], places: Sequence[str], axis: Axis, box: Box) -> Line:
    points = [(x, box.y(axis.share(v))) for x, v in zip(xs, curve.values, strict=True)]
    band = ""
    if curve.band is not None:
        low, high = ([box.y(axis.share(v)) for v in end] for end in curve.band)
        both = [(x, a, b) for x, a, b in zip(xs, low, high, strict=True) if a == a and b == b]
        band = _path([(x, b) for x, _, b in both] + [(x, a) for x, a, _ in reversed(both)])
    marks = [
        (x, y, f"{place}: {number(v)}")
        for (x, y), place, v in zip(points, places, curve.values, strict=True)
        if y == y and curve.kind in MARKED
    ]
    return Line(curve, _path(points), band, marks)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Straight pieces; a NaN is a gap."""
    words, pen = [], "M"
    for x, y in points:
        if y == y:
            words.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L" if y == y else "M"
    return "".join(words)
