"""All that a network may do that has a meaning beyond its derivative: ATen's operators -> handlers.

A handler has the operator's signature behind the `Call`; tensors that depend on the images are Reads. It
returns an Operation, a Read (the same numbers), a tuple with one of these for each output, or None: then only
the derivative counts. Whatever stands in no table is known by its derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch

from torch_backend.graph import arithmetic, joining, layers, normalising, products, routes
from torch_backend.graph.step import Call, Read

Handler = Callable[..., Any]


def _existing(names: Iterable[str]) -> set[Any]:
    """The overloads "name.overload" ("name" for "name.default") that this release of torch has."""
    pairs = [(name.partition(".")[0], name.partition(".")[2] or "default") for name in names]
    packets = [(getattr(torch.ops.aten, name, None), overload) for name, overload in pairs]
    return {getattr(packet, o) for packet, o in packets if packet is not None and o in packet.overloads()}


def _handlers(rows: Mapping[str, Handler]) -> dict[Any, Handler]:
    return {operator: handler for name, handler in rows.items() for operator in _existing([name])}


# The numbers and their order stay; only the shape of the tensor changes.
VIEWS = (
    "view",
    "_unsafe_view",
    "reshape",
    "_reshape_alias",
    "unsqueeze",
    "squeeze",
    "squeeze.dim",
    "squeeze.dims",
)
# The same numbers, copied, or in another precision.
COPIES = ("clone", "alias", "detach", "_to_copy", "lift_fresh", "contiguous")
# Numbers that are picked and moved, the same ones in every image.
MOVES = (
    "permute",
    "transpose.int",
    "t",
    "slice.Tensor",
    "select.int",
    "split.Tensor",
    "split_with_sizes",
    "unbind.int",
    "expand",
    "repeat",
    "flip",
    "roll",
    "index.Tensor",
    "index_select",
    "unfold",
    "pixel_shuffle",
    "pixel_unshuffle",
    "channel_shuffle",
    "native_channel_shuffle",
    *(f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)),
    *(f"{nearest}{n}d" for nearest in ("upsample_nearest", "_upsample_nearest_exact") for n in (1, 2, 3)),
)
# Weighted means of an image's numbers, with weights >= 0.
AVERAGES = (
    *(f"avg_pool{n}d" for n in (1, 2, 3)),
    *(f"_adaptive_avg_pool{n}d" for n in (2, 3)),
    "upsample_linear1d",
    "upsample_bilinear2d",
    "_upsample_bilinear2d_aa",
    "upsample_trilinear3d",
)
# Functions of single numbers: f(0) = 0, and others.
ACTIVATIONS = ("elu", "celu", "silu", "gelu", "hardswish", "mish", "tanh", "erf")
SQUASHING = ("sigmoid", "hardsigmoid", "softplus")

# Entry by entry, or along some axes: they mean the same wherever the images stand.
ANYWHERE = _handlers(
    {
        "mm": layers.product,
        "addmm": layers.product_and_bias,
        "bmm": layers.batched_product,
        "linear": layers.dense,
        "relu": layers.rectify,
        "relu6": layers.rectify_up_to_6,
        "threshold": layers.threshold,
        "clamp": layers.clamp,
        "clamp_min": layers.clamp_below,
        "hardtanh": layers.hard_tanh,
        "leaky_relu": layers.leaky_rectify,
        "_prelu_kernel": layers.leaky_rectify_by_channel,
        "glu": products.gated_half,
        "add.Tensor": arithmetic.add,
        "add.Scalar": arithmetic.add,
        "sub.Tensor": arithmetic.subtract,
        "sub.Scalar": arithmetic.subtract,
        "rsub.Tensor": arithmetic.subtract_from,
        "rsub.Scalar": arithmetic.subtract_from,
        "mul.Tensor": products.multiply,
        "mul.Scalar": arithmetic.multiply,
        "addcmul": products.add_product,
        "div.Tensor": products.divide,
        "div.Scalar": arithmetic.divide,
        "neg": arithmetic.negative,
        "sum.dim_IntList": arithmetic.total,
        "copy": arithmetic.write,
        "mean.dim": routes.mean,
        "stack": joining.stack,
        "native_batch_norm": normalising.batch_norm,
        "cudnn_batch_norm": normalising.batch_norm,
        "miopen_batch_norm": normalising.batch_norm,
        "_native_batch_norm_legit_no_training": normalising.batch_norm_without_training,
        "native_layer_norm": normalising.layer_norm,
        "_fused_rms_norm": normalising.root_mean_square_norm,
        **dict.fromkeys(ACTIVATIONS, layers.activate),
        **dict.fromkeys(SQUASHING, layers.squash),
        **dict.fromkeys(VIEWS, routes.view),
        **dict.fromkeys(COPIES, routes.copy),
        **dict.fromkeys(MOVES, routes.move),
    }
)
# Over the axes behind the first: also for several parts of each image at once, (B·T, ...).
IN_FRONT = _handlers(
    {
        "convolution": layers.convolution,
        "native_group_norm": normalising.group_norm,
        "max_pool2d_with_indices": routes.max_pooling(2),
        "max_pool3d_with_indices": routes.max_pooling(3),
        "adaptive_max_pool2d": routes.max_pooling(2),
        "adaptive_max_pool3d": routes.max_pooling(3),
        "constant_pad_nd": arithmetic.pad,
        "upsample_bicubic2d": routes.interpolate,
        "_upsample_bicubic2d_aa": routes.interpolate,
        **dict.fromkeys(AVERAGES, routes.average),
    }
)
# (B, ...) alone.
PLAIN = _handlers({"cat": joining.concatenate, "masked_fill.Scalar": arithmetic.fill})

# Their handlers find out how the images are arranged in the output.
FREE = _existing([*MOVES, "mean.dim", "sum.dim_IntList", "stack", "mm", "addmm"])
# Routes, even where only their derivative is known.
ROUTES = _existing([*MOVES, "cat", "stack"])
# What they return has no numbers yet.
EMPTY = _existing(["empty.memory_format", "empty_strided", "new_empty", "new_empty_strided", "empty_like"])
# Their arguments are the output's shape, which is known.
SHAPES = _existing([*VIEWS, "expand", "native_group_norm"])
# They name a place in memory.
PLACES = _existing(["as_strided", "as_strided_"])
# What was there before does not matter.
OVERWRITES = _existing(["copy", "fill.Scalar", "fill.Tensor", "zero"])
# Leaky rectifiers with random slopes -> with known ones.
RANDOM_LEAKS = {
    torch.ops.aten.rrelu_with_noise.default: torch.ops.aten.leaky_relu.default,
    torch.ops.aten.rrelu_with_noise_.default: torch.ops.aten.leaky_relu_.default,
}
# They look at the shape and the kind of what they are given, not at its numbers.
FACTORIES = _existing(
    [f"new_{kind}" for kind in ("zeros", "ones", "full", "empty", "empty_strided")]
    + [f"{kind}_like" for kind in ("zeros", "ones", "full", "empty")]
)


def plainer(function: Any, args: tuple, kwargs: dict) -> tuple[Any, tuple, dict]:
    """The call, or one that does the same: RReLU in eval mode has the mean of its slopes, and draws none."""
    if function in RANDOM_LEAKS and not (kwargs.get("training") or any(args[4:5])):
        x, _, lower, upper = (*args, *(1 / 8, 1 / 3)[len(args) - 2 :])[:4]
        return RANDOM_LEAKS[function], (x, (lower + upper) / 2), {}
    return function, args, kwargs


def handler(call: Call, reads: Sequence[Read]) -> Handler | None:
    """The handler of a call that reads these, None if only its derivative is known."""
    found = ANYWHERE.get(call.function)
    if found is None and all(r.arrangement.outer == 1 and r.arrangement.parts[0] == () for r in reads):
        found = IN_FRONT.get(call.function)
    if found is None and all(r.arrangement.is_plain for r in reads):
        found = PLAIN.get(call.function)
    return found if call.function in FREE or call.arrangement.parts is not None else None
