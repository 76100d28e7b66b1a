"""Convolutions: their padding, their groups, one pixel and dense layers, weights computed on the way.

Left out: average pooling as a depthwise convolution with equal weights. It is a layer with weights, and αβ
and CMP give layers with weights another rule than averages: the same function, but not the same network.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from tests.helpers.twins.spelling import DTYPE, Made, all_inside, inside, tail, twins, with_weight
from tests.helpers.wrapped import Wrapped

HALVES = (slice(2), slice(2, 4))


class OwnConv(nn.Conv2d):
    """A subclass that convolves by hand."""

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class SamePad(nn.Conv2d):
    """As in ports from TensorFlow: the padding is computed from the image's size."""

    def forward(self, x):
        pads = []
        sides = zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True)
        for n, k, s in sides:
            total = max((-(n // -s) - 1) * s + k - n, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride)


def _own(m, kind=OwnConv, **options):
    conv = kind(m.conv.in_channels, m.conv.out_channels, m.conv.kernel_size, **options)
    return with_weight(conv, m.conv.weight, m.conv.bias)


def _in_place_of_conv(make, **more):
    """The network whose `conv` is another module."""
    return Made(lambda m: Wrapped(inside(lambda n, x: n.conv(x)), **{**vars(m), "conv": make(m)}, **more))


twins(
    "convolution",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        **all_inside(
            module=lambda m, x: m.conv(x),
            functional=lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias),
            torch_conv2d=lambda m, x: torch.conv2d(x, m.conv.weight, m.conv.bias),
            bias_apart=lambda m, x: F.conv2d(x, m.conv.weight) + m.conv.bias.view(1, -1, 1, 1),
            bias_in_place=lambda m, x: F.conv2d(x, m.conv.weight).add_(m.conv.bias[:, None, None]),
            keywords=lambda m, x: F.conv2d(input=x, weight=m.conv.weight, bias=m.conv.bias),
            fused_weights=lambda m, x: F.conv2d(x, torch.cat(m.conv.weight.split(2)), m.conv.bias),
        ),
        "subclass": _in_place_of_conv(_own),
        "two convolutions joined": inside(
            lambda m, x: torch.cat([F.conv2d(x, m.conv.weight[i], m.conv.bias[i]) for i in HALVES], 1)
        ),
    },
)

PADDED = {
    "inside": inside(lambda m, x: m.conv(x)),
    **all_inside(
        F_pad=lambda m, x: F.conv2d(F.pad(x, (1, 1, 1, 1)), m.conv.weight, m.conv.bias),
        F_pad_in_two_steps=lambda m, x: F.conv2d(
            F.pad(F.pad(x, (1, 1)), (0, 0, 1, 1)), m.conv.weight, m.conv.bias
        ),
        F_pad_half=lambda m, x: F.conv2d(F.pad(x, (1, 1)), m.conv.weight, m.conv.bias, padding=(1, 0)),
        ZeroPad2d=lambda m, x: F.conv2d(nn.ZeroPad2d(1)(x), m.conv.weight, m.conv.bias),
        ConstantPad2d=lambda m, x: F.conv2d(nn.ConstantPad2d(1, 0.0)(x), m.conv.weight, m.conv.bias),
        same=lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, padding="same"),
        zeros_joined=lambda m, x: F.conv2d(
            torch.cat([x.new_zeros(x.shape[0], 3, 6, 1), x, x.new_zeros(x.shape[0], 3, 6, 1)], 3),
            m.conv.weight,
            m.conv.bias,
            padding=(1, 0),
        ),
        written_into_zeros=lambda m, x: F.conv2d(_written_into_zeros(x), m.conv.weight, m.conv.bias),
    ),
    "same, as a module": _in_place_of_conv(lambda m: _own(m, nn.Conv2d, padding="same")),
    "same, as in TensorFlow": _in_place_of_conv(lambda m: _own(m, SamePad)),
}


def _written_into_zeros(x):
    padded = x.new_zeros(x.shape[0], x.shape[1], x.shape[2] + 2, x.shape[3] + 2)
    padded[:, :, 1:-1, 1:-1] = x
    return padded


def _after_a_layer(written):
    """The spelling behind a convolution and a ReLU."""
    if isinstance(written, Made):
        return Made(
            lambda m: Wrapped(
                lambda n, x: n.rest(torch.relu(n.first(x))), first=m.first, rest=written.make(m)
            )
        )
    return lambda m, x: written(m, torch.relu(m.first(x)))


twins("padding at the image", (3, 6, 6), lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), **tail()}, PADDED)
twins(
    "padding inside the network",
    (3, 6, 6),
    lambda: {"first": nn.Conv2d(3, 3, 1), "conv": nn.Conv2d(3, 4, 3, padding=1), **tail()},
    {name: _after_a_layer(written) for name, written in PADDED.items()},
)


def _wider(m, x):
    """Kernel 4 with a row and a column of zeros in front, padded on all sides."""
    return F.conv2d(x, F.pad(m.conv.weight, (1, 0, 1, 0)), m.conv.bias, stride=2, padding=1)


def _padded_more(m, x):
    """Padded on all sides, the first output left out: at stride 1, then every second one."""
    return F.conv2d(x, m.conv.weight, m.conv.bias, padding=1)[:, :, 1::2, 1::2]


twins(
    "padding on one side",
    (3, 8, 8),
    lambda: {"conv": nn.Conv2d(3, 4, 3, stride=2), **tail()},
    {
        **all_inside(
            F_pad=lambda m, x: m.conv(F.pad(x, (0, 1, 0, 1))),
            ZeroPad2d=lambda m, x: m.conv(nn.ZeroPad2d((0, 1, 0, 1))(x)),
            ConstantPad2d=lambda m, x: m.conv(nn.ConstantPad2d((0, 1, 0, 1), 0.0)(x)),
            a_zero_in_the_kernel=_wider,
            at_stride_one=_padded_more,
        ),
        "as in TensorFlow": _in_place_of_conv(lambda m: _own(m, SamePad, stride=2)),
    },
    differ={
        (
            "at stride one",
            "pattern_net",
        ): "patterns are means over all places of the convolution",
        ("at stride one", "pattern_attribution"): "the same",
    },
)
twins(
    "even kernel, same size",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 2), **tail()},
    {
        **all_inside(
            F_pad=lambda m, x: m.conv(F.pad(x, (0, 1, 0, 1))),
            same=lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, padding="same"),
            a_zero_in_the_kernel=lambda m, x: F.conv2d(
                x, F.pad(m.conv.weight, (1, 0, 1, 0)), m.conv.bias, padding=1
            ),
        ),
        "same, as a module": _in_place_of_conv(lambda m: _own(m, nn.Conv2d, padding="same")),
    },
)


def _in_groups(m, parts):
    weights, biases = m.conv.weight.chunk(len(parts)), m.conv.bias.chunk(len(parts))
    return torch.cat([F.conv2d(h, w, b) for h, w, b in zip(parts, weights, biases, strict=True)], 1)


twins(
    "grouped convolution",
    (4, 6, 6),
    lambda: {"conv": nn.Conv2d(4, 4, 3, groups=2), **tail()},
    all_inside(
        groups=lambda m, x: m.conv(x),
        functional=lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, groups=2),
        chunks=lambda m, x: _in_groups(m, x.chunk(2, 1)),
        split=lambda m, x: _in_groups(m, torch.split(x, 2, dim=1)),
        slices=lambda m, x: _in_groups(m, (x[:, :2], x[:, 2:])),
        narrow=lambda m, x: _in_groups(m, (x.narrow(1, 0, 2), x.narrow(1, 2, 2))),
        views=lambda m, x: _in_groups(m, x.view(x.shape[0], 2, 2, 6, 6).unbind(1)),
    ),
)
twins(
    "depthwise convolution",
    (3, 6, 6),
    lambda: {"first": nn.Conv2d(3, 4, 1), "conv": nn.Conv2d(4, 4, 3, groups=4), **tail()},
    all_inside(
        groups=lambda m, x: m.conv(torch.relu(m.first(x))),
        a_convolution_for_each_channel=lambda m, x: _in_groups(m, torch.relu(m.first(x)).split(1, 1)),
    ),
)
twins(
    "two convolutions, one called twice",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "deeper": nn.Conv2d(4, 4, 1), **tail()},
    {
        "two copies": Made(
            lambda m: Wrapped(
                inside(lambda n, x: n.copied(torch.relu(n.deeper(torch.relu(n.conv(x)))))),
                copied=copy.deepcopy(m.deeper),
                **vars(m),
            )
        ),
        **all_inside(
            shared=lambda m, x: m.deeper(torch.relu(m.deeper(torch.relu(m.conv(x))))),
            in_a_loop=lambda m, x: _looped(m, x),
        ),
    },
)


def _looped(m, x):
    h = m.conv(x)
    for _ in range(2):
        h = m.deeper(torch.relu(h))
    return h


def _channels_last(piece):
    return lambda m, x: piece(m, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


POINT = {
    **all_inside(
        dense_on_channels=_channels_last(lambda m, h: F.linear(h, m.conv.weight[:, :, 0, 0], m.conv.bias)),
        matmul_on_channels=_channels_last(lambda m, h: h @ m.conv.weight.flatten(1).T + m.conv.bias),
        matmul_from_the_left=lambda m, x: (
            (m.conv.weight.flatten(1) @ x.flatten(2)).view(x.shape[0], 4, 6, 6) + m.conv.bias[:, None, None]
        ),
        einsum=lambda m, x: (
            torch.einsum("bchw,oc->bohw", x, m.conv.weight[:, :, 0, 0]) + m.conv.bias[:, None, None]
        ),
        all_pixels_as_rows=lambda m, x: (
            F.linear(x.permute(0, 2, 3, 1).reshape(x.shape[0], 36, 3), m.conv.weight.flatten(1), m.conv.bias)
            .transpose(1, 2)
            .unflatten(2, (6, 6))
        ),
    ),
}
ROWS = {"matmul from the left": "matmul|bmm|mm|expand", "einsum": "einsum|bmm"}
twins(
    "convolution of one pixel and dense on channels",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 1), **tail()},
    {"convolution": inside(lambda m, x: m.conv(x)), **POINT},
    refusals=ROWS,
)
twins(
    "dense on channels",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 1), **tail()},
    POINT,
    refusals=ROWS,
)
twins(
    "convolution of one pixel with stride",
    (3, 8, 8),
    lambda: {"conv": nn.Conv2d(3, 4, 1, stride=2), **tail()},
    all_inside(
        stride=lambda m, x: m.conv(x),
        of_every_second_pixel=lambda m, x: F.conv2d(x[:, :, ::2, ::2], m.conv.weight, m.conv.bias),
        pooled_by_one=lambda m, x: F.conv2d(F.max_pool2d(x, 1, 2), m.conv.weight, m.conv.bias),
    ),
    refusals={"pooled by one": "first"},
)
twins(
    "convolution over the whole image and dense",
    (3, 4, 4),
    lambda: {"conv": nn.Conv2d(3, 6, 4), "fc": nn.Linear(6, 4)},
    {
        "dense": lambda m, x: m.fc(torch.relu(F.linear(x.flatten(1), m.conv.weight.flatten(1), m.conv.bias))),
        "convolution": lambda m, x: m.fc(torch.relu(m.conv(x)).flatten(1)),
        "convolution, squeezed": lambda m, x: m.fc(torch.relu(m.conv(x).squeeze(-1).squeeze(-1))),
        "convolution to the end": lambda m, x: F.conv2d(
            torch.relu(m.conv(x)), m.fc.weight[:, :, None, None], m.fc.bias
        ).flatten(1),
    },
)


def _over_columns(m, x):
    return F.conv2d(x[:, :, None], m.conv.weight[:, :, None], m.conv.bias, (1, 2)).squeeze(2)


twins(
    "convolution along one axis",
    (3, 9),
    lambda: {"conv": nn.Conv1d(3, 4, 3, stride=2), "fc": nn.Linear(4, 4)},
    {
        "Conv1d": lambda m, x: m.fc(torch.relu(m.conv(x)).mean(2)),
        "Conv2d over rows": lambda m, x: m.fc(
            torch.relu(F.conv2d(x.unsqueeze(3), m.conv.weight.unsqueeze(3), m.conv.bias, (2, 1))).mean((2, 3))
        ),
        "Conv2d over columns": lambda m, x: m.fc(torch.relu(_over_columns(m, x)).mean(-1)),
        "two pieces of time joined": lambda m, x: m.fc(
            torch.relu(torch.cat([m.conv(x[..., :5]), m.conv(x[..., 4:])], 2)).mean(2)
        ),
    },
    differ={
        ("two pieces of time joined", method): "patterns are means over the places of one convolution"
        for method in ("pattern_net", "pattern_attribution")
    },
)


def _norm_of(m, how):
    conv = how(copy.deepcopy(m.conv))
    return conv.to(DTYPE)


def _spectral(m, x):
    size = torch.linalg.matrix_norm(m.conv.weight.flatten(1), 2)
    return F.conv2d(x, m.conv.weight / size, m.conv.bias / size) * size


twins(
    "weights computed on the way",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), **tail()},
    {
        **all_inside(
            stored=lambda m, x: m.conv(x),
            computed_in_forward=lambda m, x: F.conv2d(x, 2 * m.conv.weight / 2, m.conv.bias),
            divided_by_their_norm=_spectral,
        ),
        "weight_norm": _in_place_of_conv(lambda m: _norm_of(m, parametrizations.weight_norm)),
        "weight_norm as it was": _in_place_of_conv(lambda m: _norm_of(m, _old_weight_norm)),
        "orthogonal parametrization's kind": _in_place_of_conv(lambda m: _norm_of(m, _doubled)),
    },
)


def _old_weight_norm(conv):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(conv)


class _Half(nn.Module):
    def forward(self, w):
        return w / 2

    def right_inverse(self, w):
        return 2 * w


def _doubled(conv):
    nn.utils.parametrize.register_parametrization(conv, "weight", _Half())
    return conv
