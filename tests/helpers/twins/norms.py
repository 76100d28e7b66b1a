"""Batch norms and constant affine maps: as modules, functions, arithmetic, and merged into a layer's weights.

Left out: an affine map before a *padded* convolution and merged weights (the padding would be shifted, too),
and an affine map between two layers and weights merged into the one or the other under LRP_ε (the size of the
first layer's output, which ε is compared with, differs).
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.ops import FrozenBatchNorm2d

from tests.helpers.twins.spelling import (
    DTYPE,
    Made,
    affine_of,
    column,
    ends,
    inside,
    merged_after,
    merged_before,
    tail,
    twins,
)
from tests.helpers.wrapped import Wrapped


class NormAct(nn.BatchNorm2d):
    """As in timm: a batch norm whose forward calls the function, then dropout and activation."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, dtype=norm.weight.dtype)
        self.load_state_dict(norm.state_dict())
        self.drop, self.act = nn.Identity(), nn.Identity()

    def forward(self, x):
        torch._assert(x.ndim == 4, f"expected 4D input (got {x.ndim}D input)")
        training = self.training or (self.running_mean is None and self.running_var is None)
        mean = self.running_mean if not self.training or self.track_running_stats else None
        variance = self.running_var if not self.training or self.track_running_stats else None
        x = F.batch_norm(x, mean, variance, self.weight, self.bias, training, 0.1, self.eps)
        return self.act(self.drop(x))


def _frozen(m):
    frozen = FrozenBatchNorm2d(m.norm.num_features, m.norm.eps).to(DTYPE)
    state = {key: value for key, value in m.norm.state_dict().items() if "num_batches" not in key}
    frozen.load_state_dict(state)
    return frozen


def _synchronised(m):
    norm = nn.SyncBatchNorm(m.norm.num_features, dtype=m.norm.weight.dtype)
    norm.load_state_dict(m.norm.state_dict())
    return norm


def _functional(m, h):
    n = m.norm
    return F.batch_norm(h, n.running_mean, n.running_var, n.weight, n.bias, eps=n.eps)


def _by_hand(m, h):
    n = m.norm
    y = (h - column(n.running_mean, n)) / torch.sqrt(column(n.running_var, n) + n.eps)
    return y * column(n.weight, n) + column(n.bias, n)


def _mul_add(m, h):
    scale, shift = affine_of(m.norm)
    return h * column(scale, m.norm) + column(shift, m.norm)


def _mul_add_in_place(m, h):
    scale, shift = affine_of(m.norm)
    return h.clone().mul_(column(scale, m.norm)).add_(column(shift, m.norm))


def _torch_batch_norm(m, h):
    n = m.norm
    statistics = n.running_mean, n.running_var
    return torch.batch_norm(h, n.weight, n.bias, *statistics, *(False, 0.1, n.eps, False))


def _addcmul(m, h):
    scale, shift = affine_of(m.norm)
    return torch.addcmul(column(shift, m.norm), h, column(scale, m.norm))


def _without_affine_then_scaled(m, h):
    n = m.norm
    y = F.batch_norm(h, n.running_mean, n.running_var, eps=n.eps)
    return torch.add(torch.mul(y, column(n.weight, n)), column(n.bias, n))


AS = {
    "F.batch_norm": _functional,
    "by hand": _by_hand,
    "mul and add": _mul_add,
    "mul_ and add_": _mul_add_in_place,
    "torch.batch_norm": _torch_batch_norm,
    "without weights, then scaled": _without_affine_then_scaled,
    "addcmul": _addcmul,
}
MADE = {"subclass": lambda m: NormAct(m.norm), "frozen": _frozen, "synchronised": _synchronised}


def _spellings(where, merged=None, *, flat=False):
    """A body `where(m, x, norm)` with the norm spelled in every way; merged: makes the network without it."""
    found = {} if merged is None else {"merged": Made(merged)}
    found["module"] = lambda m, x: where(m, x, m.norm)
    for name, norm in AS.items():
        found[name] = lambda m, x, norm=norm: where(m, x, lambda h: norm(m, h))
    if not flat:
        for name, make in MADE.items():
            found[name] = Made(
                lambda m, make=make: Wrapped(lambda n, x: where(n, x, n.norm), **{**vars(m), "norm": make(m)})
            )
    return found


def _after(layer, m):
    return merged_after(layer, *affine_of(m.norm))


def _before(layer, m):
    return merged_before(layer, *affine_of(m.norm))


def _swap(body, **layers):
    """The body without its norm, and layers that are made anew."""
    return lambda m: Wrapped(
        lambda n, x: body(n, x, lambda h: h), **{**vars(m), **{k: make(m) for k, make in layers.items()}}
    )


def _conv_norm(m, x, norm):
    return ends(m, norm(m.conv(x)))


def _fused(m):
    return fuse_conv_bn_eval(m.conv, m.norm)


twins(
    "batch norm after a convolution",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), **tail()},
    {
        **_spellings(_conv_norm, _swap(_conv_norm, conv=lambda m: _after(m.conv, m))),
        "fused by torch": Made(_swap(_conv_norm, conv=_fused)),
        "functional convolution, module": inside(
            lambda m, x: m.norm(F.conv2d(x, m.conv.weight, m.conv.bias, padding=1))
        ),
        "dropout between": inside(lambda m, x: m.norm(F.dropout(m.conv(x), training=False))),
        "bias between": inside(
            lambda m, x: m.norm(F.conv2d(x, m.conv.weight, padding=1) + m.conv.bias[:, None, None])
        ),
        "weights merged in forward": inside(
            lambda m, x: F.conv2d(
                x,
                m.conv.weight * affine_of(m.norm)[0].view(-1, 1, 1, 1),
                m.conv.bias * affine_of(m.norm)[0] + affine_of(m.norm)[1],
                padding=1,
            )
        ),
    },
)
twins(
    "batch norm after a convolution, used twice",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), **tail()},
    _spellings(lambda m, x, norm: ends(m, norm(h := m.conv(x)) + torch.relu(h))),
)


def _bottleneck(m, x, norm):
    return m.fc2(torch.relu(norm(m.fc1(torch.relu(m.fc0(x))))))


twins(
    "batch norm after a dense layer",
    (6,),
    lambda: {
        "fc0": nn.Linear(6, 5),
        "fc1": nn.Linear(5, 5),
        "norm": nn.BatchNorm1d(5),
        "fc2": nn.Linear(5, 4),
    },
    _spellings(_bottleneck, _swap(_bottleneck, fc1=lambda m: _after(m.fc1, m)), flat=True),
)


def _relu_norm_dense(m, x, norm):
    return m.fc2(norm(torch.relu(m.fc1(x))))


twins(
    "batch norm between a ReLU and a dense layer",
    (6,),
    lambda: {"fc1": nn.Linear(6, 5), "norm": nn.BatchNorm1d(5), "fc2": nn.Linear(5, 4)},
    _spellings(_relu_norm_dense, _swap(_relu_norm_dense, fc2=lambda m: _before(m.fc2, m)), flat=True),
)


def _relu_norm_conv(m, x, norm):
    return m.fc(torch.relu(m.last(norm(torch.relu(m.conv(x))))).mean((2, 3)))


twins(
    "batch norm between a ReLU and a convolution",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), **tail()},
    _spellings(_relu_norm_conv, _swap(_relu_norm_conv, last=lambda m: _before(m.last, m))),
)
twins(
    "batch norm between a ReLU and a padded convolution",
    (3, 4, 4),
    lambda: {
        "conv": nn.Conv2d(3, 4, 3, padding=1),
        "norm": nn.BatchNorm2d(4),
        "last": nn.Conv2d(4, 5, 3, padding=1),
        "fc": nn.Linear(5, 4),
    },
    _spellings(_relu_norm_conv),
)
twins(
    "batch norm between an addition and a ReLU",
    (3, 6, 6),
    lambda: {
        "a": nn.Conv2d(3, 4, 3, padding=1),
        "b": nn.Conv2d(3, 4, 1),
        "norm": nn.BatchNorm2d(4),
        **tail(),
    },
    _spellings(lambda m, x, norm: ends(m, norm(m.a(x) + m.b(x)))),
)
twins(
    "batch norm between a concatenation and a convolution",
    (3, 6, 6),
    lambda: {
        "a": nn.Conv2d(3, 2, 3, padding=1),
        "b": nn.Conv2d(3, 2, 1),
        "norm": nn.BatchNorm2d(4),
        **tail(),
    },
    _spellings(lambda m, x, norm: ends(m, norm(torch.cat([torch.relu(m.a(x)), m.b(x)], 1)))),
)


def _flat_between(m, x, norm):
    return m.fc(norm(torch.relu(m.conv(x))).flatten(1))


def _through_flatten(m):
    scale, shift = (value.repeat_interleave(16) for value in affine_of(m.norm))
    return merged_before(m.fc, scale, shift)


twins(
    "batch norm between a ReLU and a flattened dense layer",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4), "fc": nn.Linear(64, 4)},
    {
        **_spellings(_flat_between, _swap(_flat_between, fc=_through_flatten)),
        "after flattening": lambda m, x: m.fc(
            torch.relu(m.conv(x)).flatten(1) * affine_of(m.norm)[0].repeat_interleave(16)
            + affine_of(m.norm)[1].repeat_interleave(16)
        ),
    },
)


def _conv_pool_norm(m, x, norm):
    return ends(m, norm(F.avg_pool2d(m.conv(x), 2)))


twins(
    "batch norm after an average pooling of a convolution",
    (3, 8, 8),
    lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), **tail()},
    _spellings(_conv_pool_norm),
)


def _two(m, x, norm):
    return ends(m, m.norm2(norm(m.conv(x))))


twins(
    "two batch norms after a convolution",
    (3, 6, 6),
    lambda: {
        "conv": nn.Conv2d(3, 4, 3, padding=1),
        "norm": nn.BatchNorm2d(4),
        "norm2": nn.BatchNorm2d(4),
        **tail(),
    },
    _spellings(
        _two,
        lambda m: Wrapped(
            lambda n, x: ends(n, n.conv(x)),
            **{**vars(m), "conv": merged_after(_after(m.conv, m), *affine_of(m.norm2))},
        ),
    ),
)


def _layer_scale(m):
    return copy.deepcopy(merged_after(m.b, m.norm.weight, torch.zeros_like(m.norm.weight)))


twins(
    "a branch scaled channel by channel",
    (3, 6, 6),
    lambda: {
        "a": nn.Conv2d(3, 4, 1),
        "b": nn.Conv2d(4, 4, 3, padding=1),
        "norm": nn.BatchNorm2d(4),
        **tail(),
    },
    {
        "merged": Made(
            lambda m: Wrapped(
                inside(lambda n, x: (h := torch.relu(n.a(x))) + n.b(h)), **{**vars(m), "b": _layer_scale(m)}
            )
        ),
        "times a parameter": inside(
            lambda m, x: (h := torch.relu(m.a(x))) + m.norm.weight[:, None, None] * m.b(h)
        ),
        "mul": inside(lambda m, x: (h := torch.relu(m.a(x))) + m.b(h).mul(m.norm.weight.view(1, -1, 1, 1))),
        "mul_": inside(lambda m, x: (h := torch.relu(m.a(x))) + m.b(h).mul_(m.norm.weight.view(-1, 1, 1))),
    },
)
