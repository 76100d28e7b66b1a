"""Normalisation of images inside forward: mean and deviation, a range, channel by channel."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.transforms import v2

from tests.helpers.twins.spelling import DTYPE, Made, inside, merged_before, tail, twins
from tests.helpers.wrapped import Wrapped

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _constants(x):
    return (torch.tensor(value, dtype=x.dtype).view(1, 3, 1, 1) for value in (MEAN, STD))


def _normalised(x):
    mean, std = _constants(x)
    return (x - mean) / std


def _in_place(x):
    mean, std = _constants(x)
    return x.clone().sub_(mean).div_(std)


def _scale_shift(x):
    mean, std = _constants(x)
    return x * (1 / std) - mean / std


def _as_batch_norm(x):
    mean, std = (value.flatten() for value in _constants(x))
    return F.batch_norm(x, mean, std**2, eps=0.0)


def _reciprocal(x):
    mean, std = _constants(x)
    return torch.mul(torch.sub(x, mean), torch.reciprocal(std))


class Normalise(nn.Module):
    """Mean and deviation as buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN, dtype=DTYPE)[:, None, None])
        self.register_buffer("std", torch.tensor(STD, dtype=DTYPE)[:, None, None])

    def forward(self, x):
        return x.sub(self.mean).div(self.std)


def _normalisations(*, merged):
    found = {}
    if merged:
        scale = 1 / torch.tensor(STD, dtype=DTYPE)
        shift = -torch.tensor(MEAN, dtype=DTYPE) * scale
        found["merged"] = Made(
            lambda m: Wrapped(
                inside(lambda n, x: n.conv(x)), **{**vars(m), "conv": merged_before(m.conv, scale, shift)}
            )
        )
    ways = {
        "(x - mean) / std": _normalised,
        "in place": _in_place,
        "scale and shift": _scale_shift,
        "as a batch norm": _as_batch_norm,
        "times a reciprocal": _reciprocal,
        "module with buffers": lambda x: Normalise()(x),
        "torchvision's transform": lambda x: v2.functional.normalize(x, MEAN, STD),
    }
    for name, way in ways.items():
        found[name] = inside(lambda m, x, way=way: m.conv(way(x)))
    return found


twins(
    "normalised images",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    _normalisations(merged=True),
)
twins(
    "normalised images before padding",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), **tail()},
    _normalisations(merged=False),
)


def _two_x_minus_one(m):
    return merged_before(m.conv, torch.full((3,), 2.0, dtype=DTYPE), torch.full((3,), -1.0, dtype=DTYPE))


twins(
    "images from [0, 1] to [-1, 1]",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        "merged": Made(
            lambda m: Wrapped(inside(lambda n, x: n.conv(x)), **{**vars(m), "conv": _two_x_minus_one(m)})
        ),
        "2 x - 1": inside(lambda m, x: m.conv(2 * x - 1)),
        "(x - 0.5) / 0.5": inside(lambda m, x: m.conv((x - 0.5) / 0.5)),
        "shift first": inside(lambda m, x: m.conv((x - 0.5).mul(2))),
        "divided by 127.5": inside(lambda m, x: m.conv((x * 255) / 127.5 - 1.0)),
        "rsub": inside(lambda m, x: m.conv(-(1 - 2 * x))),
    },
)


def _by_slices(x):
    """As in torchvision's GoogLeNet and Inception with transform_input."""
    parts = [x[:, i : i + 1] * (1 / s) - mu / s for i, (mu, s) in enumerate(zip(MEAN, STD, strict=True))]
    return torch.cat(parts, 1)


twins(
    "images normalised channel by channel",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        "(x - mean) / std": inside(lambda m, x: m.conv(_normalised(x))),
        "by slices": inside(lambda m, x: m.conv(_by_slices(x))),
    },
)
