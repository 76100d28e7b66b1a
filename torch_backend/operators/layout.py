"""Tensors in memory: how they are laid out, folded, checked; float32 that means float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Shape = tuple[int, ...]


def arrange(x: Tensor) -> Tensor:
    """Lay (n, C, H, W) out channels-last on the CPU, where convolutions run faster; else contiguous."""
    if x.dim() != 4 or x.device.type != "cpu":
        return x.contiguous()
    x = x.contiguous(memory_format=torch.channels_last)
    if len(x) == 1:  # torch looks at the stride of the one image, too, which a reshape leaves open
        return x.as_strided(x.shape, (x.numel(), *x.stride()[1:]))
    return x


def zeros(like: Tensor, shape: Shape) -> Tensor:
    """Zeros (n, C, *space), laid out as by `arrange`."""
    if len(shape) != 4 or like.device.type != "cpu":
        return like.new_zeros(shape)
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last).zero_()


def fold(x: Tensor, shape: Shape) -> Tensor:
    """(..., *shape) -> (n, *shape)."""
    return x.reshape(-1, *shape)


def unfold(y: Tensor, x: Tensor, shape: Shape, out: Shape) -> Tensor:
    """(n, *out) -> (..., *out) with the leading axes of x (..., *shape)."""
    return y.reshape(*x.shape[: x.dim() - len(shape)], *out)


def plain(x: Tensor) -> Tensor:
    """A contiguous copy, for a function that may work in place or ask for a view."""
    return x.clone(memory_format=torch.contiguous_format)


def is_finite(x: Tensor) -> bool:
    """Whether all entries are finite; one quick sum says so unless it overflows."""
    return bool(x.sum().isfinite()) or bool(x.isfinite().all())


@contextmanager
def full_precision(x: Tensor) -> Iterator[None]:
    """float32 means float32. TF32, on a GPU, moves 1 - cos by 1e-3; NNPACK, on a CPU without oneDNN, works
    by Winograd's or Fourier's way, whose errors are small beside the largest sum, not beside each: 250 times
    what the denominator of z⁺ should be was seen.
    """
    if x.device.type == "cpu":
        with torch.backends.nnpack.flags(enabled=False):
            yield
        return
    if x.device.type != "cuda":
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    reduced = matmul.allow_tf32
    try:
        if reduced:
            matmul.allow_tf32 = False
        with cudnn.flags(
            enabled=cudnn.enabled,
            benchmark=cudnn.benchmark,
            deterministic=cudnn.deterministic,
            allow_tf32=False,
        ):
            yield
    finally:
        if reduced:
            matmul.allow_tf32 = True
