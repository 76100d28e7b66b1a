"""Additions and subtractions, of layers, of slices of one layer, of the same value.

Left out: `h.repeat` and other ways to add what was copied; a sum over an axis is an average to αβ, which has
another rule for averages than for additions (see "a stack summed", measured and not tested).
"""

import copy
from functools import reduce

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import StochasticDepth

from tests.helpers.twins.spelling import (
    Made,
    all_inside,
    ends,
    inside,
    merged_after,
    tail,
    twins,
    with_weight,
)
from tests.helpers.wrapped import Wrapped


def _pair():
    return {"a": nn.Conv2d(3, 4, 3, padding=1), "b": nn.Conv2d(3, 4, 1), **tail()}


def _iadd(h, g):
    h += g
    return h


def _loop(start, *parts):
    total = start
    for part in parts:
        total = total + part
    return total


def _accumulated(*parts):
    total = torch.zeros_like(parts[0])
    for part in parts:
        total += part
    return total


PLUS = {
    "+": lambda a, b: a + b,
    "torch.add": lambda a, b: torch.add(a, b),
    "add": lambda a, b: a.add(b),
    "add_": lambda a, b: a.add_(b),
    "+=": _iadd,
    "the other way round": lambda a, b: b + a,
    "out of a loop": lambda a, b: _loop(0, a, b),
    "onto zeros": _accumulated,
    "sum of a list": lambda a, b: sum([a, b]),
    "reduce": lambda a, b: reduce(torch.add, [a, b]),
    "minus minus": lambda a, b: a - (-b),
    "alpha one": lambda a, b: torch.add(a, b, alpha=1),
    "alpha": lambda a, b: torch.add(a, 2 * b, alpha=0.5),
    "keywords": lambda a, b: torch.add(input=a, other=b),
}
twins(
    "two layers added",
    (3, 6, 6),
    _pair,
    {name: inside(lambda m, x, plus=plus: plus(m.a(x), m.b(x))) for name, plus in PLUS.items()},
)


def _block(join):
    """A residual block around the piece; `h` is read before and after."""
    return lambda m, x: ends(m, join(m, torch.relu(m.stem(x))))


twins(
    "residual connection",
    (3, 6, 6),
    lambda: {"stem": nn.Conv2d(3, 4, 3, padding=1), "b": nn.Conv2d(4, 4, 3, padding=1), **tail()},
    {
        name: _block(join)
        for name, join in {
            "h + f(h)": lambda m, h: h + m.b(h),
            "f(h) + h": lambda m, h: m.b(h) + h,
            "+=": lambda m, h: _iadd(h.clone(), m.b(h)),
            "out += identity": lambda m, h: _iadd(m.b(h), h),
            "add_": lambda m, h: m.b(h).add_(h),
            "identity module": lambda m, h: nn.Identity()(h) + m.b(h),
            "clone": lambda m, h: h.clone() + m.b(h),
            "dropout": lambda m, h: h + F.dropout2d(m.b(h), 0.5, training=False),
            "stochastic depth": lambda m, h: h + StochasticDepth(0.5, "row").eval()(m.b(h)),
            "times one": lambda m, h: 1.0 * h + m.b(h),
            "no skip module": lambda m, h: sum((h, m.b(h))),
        }.items()
    },
)
twins(
    "subtraction",
    (3, 6, 6),
    _pair,
    {
        "negated weights": Made(
            lambda m: Wrapped(
                inside(lambda n, x: n.a(x) + n.b(x)),
                **{**vars(m), "b": with_weight(copy.deepcopy(m.b), -m.b.weight, -m.b.bias)},
            )
        ),
        **{
            name: inside(lambda m, x, minus=minus: minus(m.a(x), m.b(x)))
            for name, minus in {
                "-": lambda a, b: a - b,
                "torch.sub": lambda a, b: torch.sub(a, b),
                "sub_": lambda a, b: a.sub_(b),
                "torch.rsub": lambda a, b: torch.rsub(b, a),
                "plus minus": lambda a, b: a + (-b),
                "minus plus": lambda a, b: -b + a,
                "times minus one": lambda a, b: a + b * -1.0,
                "alpha": lambda a, b: torch.add(a, b, alpha=-1),
                "neg_": lambda a, b: b.neg_().add_(a),
                "negated twice": lambda a, b: -(b - a),
            }.items()
        },
    },
)


def _half(layer):
    return merged_after(layer, torch.full((4,), 0.5), torch.zeros(4))


twins(
    "weighted addition",
    (3, 6, 6),
    _pair,
    {
        "merged": Made(
            lambda m: Wrapped(inside(lambda n, x: n.a(x) + n.b(x)), **{**vars(m), "b": _half(m.b)})
        ),
        **all_inside(
            times=lambda m, x: m.a(x) + 0.5 * m.b(x),
            divided=lambda m, x: m.a(x) + m.b(x) / 2,
            alpha=lambda m, x: torch.add(m.a(x), m.b(x), alpha=0.5),
            alpha_in_place=lambda m, x: m.a(x).add_(m.b(x), alpha=0.5),
            minus_alpha=lambda m, x: torch.sub(m.a(x), m.b(x), alpha=-0.5),
            mul_in_place=lambda m, x: m.b(x).mul_(0.5).add_(m.a(x)),
        ),
    },
)


def _three():
    return {"a": nn.Conv2d(3, 4, 3, padding=1), "b": nn.Conv2d(3, 4, 1), "c": nn.Conv2d(3, 4, 1), **tail()}


def _of_three(join):
    return inside(lambda m, x: join(*(torch.relu(layer(x)) for layer in (m.a, m.b, m.c))))


twins(
    "three layers added",
    (3, 6, 6),
    _three,
    {
        name: _of_three(join)
        for name, join in {
            "a + b + c": lambda a, b, c: a + b + c,
            "sum of a list": lambda a, b, c: sum([a, b, c]),
            "sum with a start": lambda a, b, c: sum([b, c], start=a),
            "loop": lambda a, b, c: _loop(0.0, a, b, c),
            "add": lambda a, b, c: a.add(b).add(c),
            "+=": lambda a, b, c: _iadd(_iadd(a.clone(), b), c),
            "onto zeros": _accumulated,
            "c first": lambda a, b, c: c + (b + a),
        }.items()
    },
)
twins(
    "three layers added in another order",
    (3, 6, 6),
    _three,
    {
        "(a + b) + c": _of_three(lambda a, b, c: a + b + c),
        "a + (b + c)": _of_three(lambda a, b, c: a + (b + c)),
    },
)
twins(
    "three layers of either sign added in another order",
    (3, 6, 6),
    _three,
    {
        "(a + b) + c": inside(lambda m, x: m.a(x) + m.b(x) + m.c(x)),
        "a + (b + c)": inside(lambda m, x: m.a(x) + (m.b(x) + m.c(x))),
    },
)
twins(
    "a stack summed",
    (3, 6, 6),
    _three,
    {
        name: _of_three(join)
        for name, join in {
            "a + b + c": lambda a, b, c: a + b + c,
            "stacked in front": lambda a, b, c: torch.stack([a, b, c]).sum(0),
            "stacked behind the images": lambda a, b, c: torch.stack([a, b, c], dim=1).sum(1),
            "stacked last": lambda a, b, c: torch.stack([a, b, c], dim=-1).sum(-1),
            "joined and seen as three": lambda a, b, c: torch.cat([a, b, c], 1).unflatten(1, (3, 4)).sum(1),
        }.items()
    },
)
SUMMED = "stack|first axis|images"
twins(
    "a stack summed, ways to stack",
    (3, 6, 6),
    _three,
    {
        name: _of_three(join)
        for name, join in {
            "joined and seen as three": lambda a, b, c: torch.cat([a, b, c], 1).view(-1, 3, 4, 6, 6).sum(1),
            "unflatten": lambda a, b, c: torch.cat([a, b, c], 1).unflatten(1, (3, 4)).sum(1),
            "stack": lambda a, b, c: torch.stack([a, b, c], dim=1).sum(1),
            "stacked last": lambda a, b, c: torch.stack([a, b, c], dim=-1).sum(-1),
            "stacked in front": lambda a, b, c: torch.stack([a, b, c]).sum(0),
            "unsqueezed and joined": lambda a, b, c: torch.cat([h[:, None] for h in (a, b, c)], 1).sum(1),
        }.items()
    },
    refusals=dict.fromkeys(("stack", "stacked last", "stacked in front"), SUMMED),
)
twins(
    "a value added to itself",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        "2 h": inside(lambda m, x: 2 * torch.relu(m.conv(x))),
        "h + h": inside(lambda m, x: (h := torch.relu(m.conv(x))) + h),
    },
)


# ---------------------------------------------------------------- slices of one layer


def _wide():
    return {"conv": nn.Conv2d(3, 8, 3, padding=1), **tail()}


def _halves(m):
    first, second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
    for i, half in enumerate((first, second)):
        with_weight(half, m.conv.weight.chunk(2)[i], m.conv.bias.chunk(2)[i])
    return Wrapped(inside(lambda n, x: n.first(x) + n.second(x)), **vars(m), first=first, second=second)


def _halves_in_place(h):
    a, b = h[:, :4], h[:, 4:]
    a += b
    return a


def _halves_written(h):
    h[:, :4] += h[:, 4:]
    return h[:, :4]


def _unpacked(h):
    a, b = h.chunk(2, dim=1)
    return a + b


ADDED = {
    "chunk": lambda h: (g := h.chunk(2, 1))[0] + g[1],
    "slices": lambda h: h[:, :4] + h[:, 4:],
    "the other way round": lambda h: h[:, 4:] + h[:, :4],
    "split": lambda h: (g := torch.split(h, [4, 4], dim=1))[0] + g[1],
    "tensor_split": lambda h: (g := h.tensor_split(2, dim=1))[0] + g[1],
    "narrow": lambda h: h.narrow(1, 0, 4) + h.narrow(1, 4, 4),
    "seen as two": lambda h: (g := h.view(h.shape[0], 2, 4, 6, 6))[:, 0] + g[:, 1],
    "select": lambda h: (g := h.unflatten(1, (2, 4))).select(1, 0) + g.select(1, 1),
    "unbind": lambda h: (g := h.view(h.shape[0], 2, 4, 6, 6).unbind(1))[0] + g[1],
    "+= of a slice": _halves_in_place,
    "written into the slice": _halves_written,
    "indices": lambda h: h[:, [0, 1, 2, 3]] + h[:, torch.arange(4, 8)],
    "sum of chunks": lambda h: sum(h.chunk(2, dim=1)),
    "unpacked": _unpacked,
}
twins(
    "halves of one convolution added",
    (3, 6, 6),
    _wide,
    {
        "two convolutions": Made(_halves),
        **{name: inside(lambda m, x, add=add: add(m.conv(x))) for name, add in ADDED.items()},
    },
)


# Autograd itself refuses what writes over the output of a ReLU.
ADDED_APART = {name: add for name, add in ADDED.items() if add not in (_halves_in_place, _halves_written)}


def _rectified_halves(m):
    net = _halves(m)
    return Wrapped(
        inside(lambda n, x: torch.relu(n.first(x)) + torch.relu(n.second(x))),
        **{name: part for name, part in net.named_children() if name != "body"},
    )


twins(
    "halves of one rectified convolution added",
    (3, 6, 6),
    _wide,
    {
        "two convolutions": Made(_rectified_halves),
        **{
            name: inside(lambda m, x, add=add: add(torch.relu(m.conv(x))))
            for name, add in ADDED_APART.items()
        },
    },
    differ={(name, "rectgrad"): "its quantile is over the units of one layer" for name in ADDED_APART},
)
twins(
    "halves of one convolution subtracted",
    (3, 6, 6),
    _wide,
    all_inside(
        slices=lambda m, x: (h := m.conv(x))[:, :4] - h[:, 4:],
        chunk=lambda m, x: (h := m.conv(x).chunk(2, 1))[0] - h[1],
        plus_minus=lambda m, x: (h := m.conv(x))[:, :4] + -h[:, 4:],
        torch_add=lambda m, x: torch.add((h := m.conv(x))[:, :4], h[:, 4:], alpha=-1),
    ),
)


# ---------------------------------------------------------------- broadcasting


def _mean(h):
    return h.mean((2, 3), keepdim=True)


twins(
    "a mean added to every pixel",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        name: inside(lambda m, x, add=add: add(torch.relu(m.conv(x))))
        for name, add in {
            "h + mean": lambda h: h + _mean(h),
            "mean + h": lambda h: _mean(h) + h,
            "expand_as": lambda h: h + _mean(h).expand_as(h),
            "expand": lambda h: h + _mean(h).expand(-1, -1, 4, 4),
            "broadcast_to": lambda h: h + torch.broadcast_to(_mean(h), h.shape),
            "adaptive pooling": lambda h: h + F.adaptive_avg_pool2d(h, 1),
            "indexed": lambda h: h + h.mean((2, 3))[:, :, None, None],
            "viewed": lambda h: h + h.mean((2, 3)).view(h.shape[0], 4, 1, 1),
            "+=": lambda h: _iadd(h.clone(), _mean(h)),
            "nearest": lambda h: h + F.interpolate(_mean(h), size=(4, 4)),
            "repeat": lambda h: h + _mean(h).repeat(1, 1, 4, 4),
        }.items()
    },
    refusals={"nearest": "interpolate|upsample", "repeat": "repeat"},
)
