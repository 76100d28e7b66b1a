"""Small programs that take views of tensors and write into them, to be compared with torch itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.helpers.twins.users import net

SHAPE = (2, 3, 4)  # of one image's part of what a program begins with
VIEWS = ("slice", "step", "select", "transpose", "images behind", "flat", "one more axis")
WRITES = (
    "relu_",
    "clamp_",
    "sigmoid_",
    "add_ number",
    "mul_ number",
    "add_",
    "sub_",
    "mul_",
    "copy_",
    "[...] =",
    "copy_ number",
    "fill_",
    "zero_",
    "masked_fill_",
    "+= itself",
)
READS = ("twice", "relu", "clone", "tanh")
BUFFERS = ("zeros", "full", "empty", "zeros_like")


@dataclass(frozen=True)
class Line:
    """One line of a program. which: the tensor, other: a second one; at: a place, along an axis."""

    what: str
    which: int
    other: int
    axis: int
    at: int


def programs(*, images_behind: bool) -> st.SearchStrategy[tuple[Line, ...]]:
    """Up to eight lines; images_behind: also with views in which the images are on another axis."""
    views = [view for view in VIEWS if images_behind or view != "images behind"]
    kinds = st.one_of(*(st.sampled_from(kind) for kind in (views, WRITES, READS, BUFFERS)))
    any_of, places = st.integers(0, 5), st.integers(0, 3)
    lines = st.builds(Line, kinds, any_of, any_of, places, places)
    return st.lists(lines, min_size=1, max_size=8).map(tuple)


@dataclass(frozen=True)
class Place:
    """A tensor of the program, and the axis of its images."""

    tensor: Tensor
    images: int

    def axis(self, wanted: int) -> int | None:
        """An axis other than the images'; None if there is none longer than one."""
        t = self.tensor
        axes = [k for k in range(t.dim()) if k != self.images and t.shape[k] > 1]
        return axes[wanted % len(axes)] if axes else None


def carried_out(program: tuple[Line, ...], h: Tensor) -> list[Place]:
    """The tensors that the program leaves, h (B, *SHAPE) first."""
    places = [Place(h, 0)]
    for line in program:
        place = places[line.which % len(places)]
        if line.what in VIEWS:
            places.append(_view(line, place))
        elif line.what in READS:
            places.append(_read(line, place))
        elif line.what in BUFFERS:
            places.append(Place(_buffer(line, h, place), 0))
        else:
            _write(line, place, places[line.other % len(places)])
    return places


def _view(line: Line, place: Place) -> Place:
    t, axis = place.tensor, place.axis(line.axis)
    if line.what == "one more axis":
        k = line.at % (t.dim() + 1)
        return Place(t.unsqueeze(k), place.images + (k <= place.images))
    if axis is None:
        return place
    n = t.shape[axis]
    at = (slice(None),) * axis
    match line.what:
        case "slice":
            start = line.at % n
            return Place(t[(*at, slice(start, max(start + 1, n - line.other % 2)))], place.images)
        case "step":
            return Place(t[(*at, slice(line.at % 2, None, 2))], place.images)
        case "select":
            return Place(t[(*at, line.at % n)], place.images - (axis < place.images))
        case "transpose":
            other = place.axis(line.other)
            return Place(t.transpose(axis, other), place.images)
        case "images behind":
            return Place(t.transpose(axis, place.images), axis)
        case "flat":
            if place.images == 0 and t.is_contiguous() and t[0].numel() == prod(SHAPE):
                return Place(t.view(len(t), -1), 0)
    return place


def _read(line: Line, place: Place) -> Place:
    t = place.tensor
    y = {
        "twice": lambda: 2 * t,
        "relu": lambda: torch.relu(t),
        "clone": t.clone,
        "tanh": lambda: torch.tanh(t),
    }[line.what]()
    return Place(y, place.images)


def _buffer(line: Line, h: Tensor, place: Place) -> Tensor:
    match line.what:
        case "zeros":
            return torch.zeros(len(h), *SHAPE, dtype=h.dtype)
        case "full":
            return h.new_full(h.shape, 0.5)
        case "zeros_like":
            return torch.zeros_like(h)
    k = 1 + line.at % 3  # two parts make it whole
    both = torch.empty(len(h), *SHAPE, dtype=h.dtype)
    both[..., :k] = 1.5 * h[..., :k]
    both[..., k:] = torch.tanh(h[..., k:])
    return both


def _write(line: Line, place: Place, other: Place) -> None:
    t = place.tensor
    numbers = {
        "relu_": lambda: t.relu_(),
        "clamp_": lambda: t.clamp_(min=0),
        "sigmoid_": lambda: t.sigmoid_(),
        "add_ number": lambda: t.add_(0.25),
        "mul_ number": lambda: t.mul_(-1.5),
        "fill_": lambda: t.fill_(0.75),
        "zero_": lambda: t.zero_(),
        "copy_ number": lambda: t.copy_(torch.tensor(0.3, dtype=t.dtype)),
        "masked_fill_": lambda: t.masked_fill_(torch.tensor(True), 0.2),  # noqa: FBT003
        "+= itself": lambda: t.add_(t.clone()),
    }
    if line.what in numbers:
        numbers[line.what]()
        return
    source = other.tensor.movedim(other.images, place.images if place.images < other.tensor.dim() else -1)
    while source.dim() < t.dim():
        source = source.unsqueeze(-1)
    while source.dim() > t.dim():
        source = source.select(-1, 0) if place.images != source.dim() - 1 else source.select(0, 0)
    if source.shape[place.images] != t.shape[place.images]:
        return
    corner = tuple(slice(0, n) if n > 1 else slice(None) for n in map(min, source.shape, t.shape))
    source, into = source[corner].clone(), t[corner]
    match line.what:
        case "add_":
            into.add_(source)
        case "sub_":
            into.sub_(source, alpha=0.5)
        case "mul_":
            into.mul_(source)
        case "copy_":
            into.copy_(source)
        case "[...] =":
            t[corner] = source


def model_of(program: tuple[Line, ...]) -> nn.Module:
    """The program between two dense layers; all tensors that it leaves are read in the end."""

    def body(m, x):
        places = carried_out(program, m.a(x).view(len(x), *SHAPE))
        return m.b(torch.cat([p.tensor.movedim(p.images, 0).reshape(len(x), -1) for p in places], 1))

    size = sum(p.tensor[..., None].numel() for p in carried_out(program, torch.zeros(1, *SHAPE)))
    return net(body, a=nn.Linear(5, 24), b=nn.Linear(size, 3))
