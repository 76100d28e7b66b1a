"""Transposed convolutions, interpolations and padded edges: as modules, functions, and in smaller steps.

Left out: weights merged with an affine map before a transposed convolution, whose outputs read different
numbers of its inputs, so that no bias by channel has the shift.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.twins.spelling import DTYPE, Made, affine_of, column, inside, tail, twins, with_weight
from tests.helpers.wrapped import Wrapped


def _spread(x, stride=2):
    """Zeros between the pixels."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, c, stride * (h - 1) + 1, stride * (w - 1) + 1)
    wide[..., ::stride, ::stride] = x
    return wide


def _spread_and_convolved(m, x):
    """The transposed convolution as the convolution that it is of an image with zeros between its pixels."""
    weight = m.up.weight.transpose(0, 1).flip(2, 3)
    return F.conv2d(_spread(x), weight, m.up.bias, padding=1)


def _by_groups(m, x):
    weights, biases = m.up.weight.split(2), m.up.bias.split(2)
    parts = zip(x.split(2, 1), weights, biases, strict=True)
    return torch.cat([F.conv_transpose2d(h, w, b, 2, 1) for h, w, b in parts], 1)


twins(
    "transposed convolution",
    (3, 4, 4),
    lambda: {"up": nn.ConvTranspose2d(3, 4, 3, 2, 1), **tail()},
    {
        "module": inside(lambda m, x: m.up(x)),
        "functional": inside(lambda m, x: F.conv_transpose2d(x, m.up.weight, m.up.bias, 2, 1)),
        "bias apart": inside(
            lambda m, x: F.conv_transpose2d(x, m.up.weight, None, 2, 1) + m.up.bias[:, None, None]
        ),
        "cropped": inside(lambda m, x: F.conv_transpose2d(x, m.up.weight, m.up.bias, 2)[..., 1:-1, 1:-1]),
        "convolution of a spread image": inside(_spread_and_convolved),
    },
    differ={
        ("cropped", "pattern_net"): "patterns are estimated at the cropped places, too",
        ("cropped", "pattern_attribution"): "patterns are estimated at the cropped places, too",
        ("convolution of a spread image", "deep_taylor"): "w² counts the weights that meet the zeros",
        ("convolution of a spread image", "deep_taylor_in_bounds"): "z^B bounds the zeros, too",
    },
)
twins(
    "transposed convolution in groups",
    (4, 4, 4),
    lambda: {"up": nn.ConvTranspose2d(4, 4, 3, 2, 1, groups=2), **tail()},
    {"module": inside(lambda m, x: m.up(x)), "a group each": inside(_by_groups)},
)
twins(
    "transposed convolution of one pixel",
    (3, 1, 1),
    lambda: {"up": nn.ConvTranspose2d(3, 4, 5), **tail()},
    {
        "dense": Made(
            lambda m: Wrapped(
                inside(lambda n, x: n.dense(x.flatten(1)).unflatten(1, (4, 5, 5))),
                dense=with_weight(
                    nn.Linear(3, 100), m.up.weight.flatten(1).T, m.up.bias.repeat_interleave(25)
                ),
                **vars(m),
            )
        ),
        "module": inside(lambda m, x: m.up(x)),
        "cropped by padding": Made(
            lambda m: Wrapped(
                inside(lambda n, x: F.conv_transpose2d(x, F.pad(n.up.weight, [1] * 4), n.up.bias, padding=1)),
                **vars(m),
            )
        ),
    },
)


@torch.no_grad()
def _merged(m):
    up, (scale, shift) = copy.deepcopy(m.up), affine_of(m.norm)
    up.weight.mul_(scale[:, None, None])
    up.bias.mul_(scale).add_(shift)
    return up


def _affine(m, h):
    scale, shift = affine_of(m.norm)
    return h * column(scale, m.norm) + column(shift, m.norm)


twins(
    "transposed convolution and batch norm",
    (3, 4, 4),
    lambda: {"up": nn.ConvTranspose2d(3, 4, 2, 2), "norm": nn.BatchNorm2d(4), **tail()},
    {
        "merged": Made(lambda m: Wrapped(inside(lambda n, x: n.up(x)), **{**vars(m), "up": _merged(m)})),
        "module": inside(lambda m, x: m.norm(m.up(x))),
        "a x + b": inside(lambda m, x: _affine(m, m.up(x))),
        "in place": inside(
            lambda m, x: (
                m.up(x).mul_(column(affine_of(m.norm)[0], m.norm)).add_(column(affine_of(m.norm)[1], m.norm))
            )
        ),
    },
)
twins(
    "batch norm and transposed convolution",
    (4, 4, 4),
    lambda: {"norm": nn.BatchNorm2d(4), "up": nn.ConvTranspose2d(4, 4, 3, 2, groups=2), **tail()},
    {
        "module": inside(lambda m, x: m.up(m.norm(torch.relu(x)))),
        "a x + b": inside(lambda m, x: m.up(_affine(m, torch.relu(x)))),
    },
)


def _conv(**more):
    return lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1, **more), **tail()}


def _edges(how):
    """The image with an edge of one pixel, put together from slices."""

    def along(x, dim):
        first, second, second_last, last = (x.narrow(dim, i % x.shape[dim], 1) for i in (0, 1, -2, -1))
        before, behind = {
            "circular": (last, first),
            "reflect": (second, second_last),
            "replicate": (first, last),
        }[how]
        return torch.cat([before, x, behind], dim)

    return lambda x: along(along(x, 3), 2)


for mode in ("circular", "reflect", "replicate"):
    twins(
        f"edges: {mode}",
        (3, 5, 5),
        _conv(padding_mode=mode),
        {
            "F.pad": inside(
                lambda m, x, mode=mode: F.conv2d(F.pad(x, [1] * 4, mode), m.conv.weight, m.conv.bias)
            ),
            "module": inside(lambda m, x: m.conv(x)),
            "from slices": inside(
                lambda m, x, mode=mode: F.conv2d(_edges(mode)(x), m.conv.weight, m.conv.bias)
            ),
        },
    )


def _written_inside(x, value):
    wide = torch.full((len(x), 3, 7, 7), value, dtype=DTYPE)
    wide[..., 1:-1, 1:-1] = x
    return wide


twins(
    "edges: a constant",
    (3, 5, 5),
    _conv(),
    {
        "F.pad": inside(lambda m, x: F.conv2d(F.pad(x, [1] * 4, value=0.7), m.conv.weight, m.conv.bias)),
        "module": inside(lambda m, x: F.conv2d(nn.ConstantPad2d(1, 0.7)(x), m.conv.weight, m.conv.bias)),
        "written inside": inside(lambda m, x: F.conv2d(_written_inside(x, 0.7), m.conv.weight, m.conv.bias)),
    },
)


def _shuffled(h):
    n, _, height, width = h.shape
    return h.view(n, 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3).reshape(n, 4, 2 * height, 2 * width)


twins(
    "pixel shuffle",
    (3, 4, 4),
    lambda: {"conv": nn.Conv2d(3, 16, 3, padding=1), **tail()},
    {
        "functional": inside(lambda m, x: F.pixel_shuffle(m.conv(x), 2)),
        "module": inside(lambda m, x: nn.PixelShuffle(2)(m.conv(x))),
        "views": inside(lambda m, x: _shuffled(m.conv(x))),
        "there and back": inside(
            lambda m, x: F.pixel_shuffle(F.pixel_unshuffle(F.pixel_shuffle(m.conv(x), 2), 2), 2)
        ),
    },
)
twins(
    "nearest upsampling",
    (3, 4, 4),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), **tail()},
    {
        "interpolate": inside(lambda m, x: F.interpolate(m.conv(x), scale_factor=2)),
        "module": inside(lambda m, x: nn.Upsample(scale_factor=2)(m.conv(x))),
        "by size": inside(lambda m, x: F.interpolate(m.conv(x), size=(8, 8))),
        "exact": inside(lambda m, x: F.interpolate(m.conv(x), size=(8, 8), mode="nearest-exact")),
        "repeated": inside(lambda m, x: m.conv(x).repeat_interleave(2, 2).repeat_interleave(2, 3)),
        "expanded": inside(
            lambda m, x: m.conv(x)[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(-1, 4, 8, 8)
        ),
    },
)
twins(
    "bicubic upsampling",
    (3, 4, 4),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), **tail()},
    {
        "interpolate": inside(lambda m, x: F.interpolate(m.conv(x), scale_factor=2, mode="bicubic")),
        "module": inside(lambda m, x: nn.Upsample((8, 8), mode="bicubic")(m.conv(x))),
        "channel by channel": inside(
            lambda m, x: torch.cat(
                [F.interpolate(h, (8, 8), mode="bicubic") for h in m.conv(x).split(1, 1)], 1
            )
        ),
    },
)
