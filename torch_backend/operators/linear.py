"""Linear operators y = W x + b: the only place that knows a convolution from a dense layer.

Shapes: x is (..., *in_shape) and y is (..., *out_shape); the leading axes (vectors, images) are free.
A rule needs no more than `apply`, `adjoint`, `bias` and new operators with other weights (`part`, `map`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_backend.operators.phases import LANES, TransposeByPhases, transpose_by_phases

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


@contextmanager
def full_precision(x: Tensor) -> Iterator[None]:
    """On a GPU, float32 means float32: TF32 moves 1 - cos by 1e-3."""
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


@dataclass(frozen=True, eq=False)
class Linear:
    """y = W x + b, bound to one input shape. `bias` broadcasts with (*out_shape,), or is None."""

    in_shape: Shape
    out_shape: Shape
    bias: Tensor | None = None

    def apply(self, x: Tensor) -> Tensor:
        """W x: (..., *in_shape) -> (..., *out_shape), without the bias."""
        raise NotImplementedError

    def adjoint(self, r: Tensor) -> Tensor:
        """Wᵀ r: (..., *out_shape) -> (..., *in_shape)."""
        raise NotImplementedError

    def part(self, a: float, b: float) -> Linear:
        """The operator aW⁺ + bW⁻, with the bias ab⁺ + bb⁻."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """W x + b."""
        y = self.apply(x)
        return y if self.bias is None else y + self.bias

    def pullback(self, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        """The transposed Jacobian, which is the adjoint at every x."""
        return self.adjoint

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Tensor:
        """The one x that the node's inputs make up."""
        return inputs[0]

    def split(self, r: Tensor) -> tuple[Tensor, ...]:
        """The inverse of `join`: relevance of x -> relevance of each input."""
        return (r,)

    def beside(self, other: Linear) -> Linear | None:
        """[W W'], which reads two inputs one after the other on their first axis; None: do without."""
        return None

    @property
    def is_zero(self) -> bool:
        """Whether W is known to be 0."""
        return False

    @property
    def repeats(self) -> Linear | None:
        """R, where W = cR and Rᵀ repeats numbers as they are, so that Rᵀ(a ⊙ b) = Rᵀa ⊙ Rᵀb."""
        return None

    @cached_property
    def positive(self) -> Linear:
        """W⁺, with the bias b⁺."""
        return self.part(1, 0)

    @cached_property
    def negative(self) -> Linear:
        """W⁻, with the bias b⁻."""
        return self.part(0, 1)


def blend(w: Tensor, a: float, b: float) -> Tensor:
    """aw⁺ + bw⁻."""
    if a == b:
        return a * w
    return torch.where(w > 0, a * w, b * w)


@dataclass(frozen=True, eq=False)
class Weighted(Linear):
    """A linear operator that owns a tensor of weights."""

    weight: Tensor = field(kw_only=True)

    def map(self, f: Callable[[Tensor], Tensor]) -> Weighted:
        """The operator with the weights f(W), entry by entry, and the bias f(b)."""
        return replace(self, weight=f(self.weight), bias=None if self.bias is None else f(self.bias))

    def part(self, a: float, b: float) -> Linear:
        return self.map(lambda w: blend(w, a, b))


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """A dense layer on the last axis: weight (m, n), x (..., n), y (..., m)."""

    def apply(self, x: Tensor) -> Tensor:
        with full_precision(x):
            return F.linear(x, self.weight)

    def adjoint(self, r: Tensor) -> Tensor:
        with full_precision(r):
            return r @ self.weight


FEW_CHANNELS = LANES  # with fewer inputs, two convolutions side by side are as fast as one
FEW_PIXELS = 2048  # of a batch; with fewer, laying out the weights costs a convolution more than its sums
CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONVOLVE_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _product(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b at each pixel of x (n, C, H, W)."""
    y = F.linear(x.movedim(1, -1).flatten(0, 2), w, bias)
    return y.unflatten(0, (len(x), *x.shape[2:])).movedim(-1, 1)


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A convolution over 1 to 3 axes: weight (C_out, C_in / groups, *kernel), x (..., C_in, *space).

    bias is (C_out, 1, ...).
    """

    stride: Shape = (1,)
    padding: Shape = (0,)
    dilation: Shape = (1,)
    groups: int = 1

    @cached_property
    def arranged(self) -> Tensor:
        """The weights in the layout the convolution runs fastest with."""
        return arrange(self.weight)

    def apply(self, x: Tensor) -> Tensor:
        return self._convolve(x, None)

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x, None if self.bias is None else self.bias.flatten())

    def _convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        above = arrange(fold(x, self.in_shape))
        with full_precision(x):
            if self._is_product(above):
                read = above[..., :: self.stride[0], :: self.stride[1]]
                y = _product(read, self.weight.flatten(1), bias)
            else:
                y = CONVOLVE[len(self.stride)](
                    above,
                    self.arranged,
                    bias,
                    self.stride,
                    self.padding,
                    self.dilation,
                    self.groups,
                )
        return unfold(y, x, self.in_shape, self.out_shape)

    def adjoint(self, r: Tensor) -> Tensor:
        below = arrange(fold(r, self.out_shape))
        with full_precision(r):
            if self._is_product(below):
                x = _product(below, self.weight.flatten(1).T)
                if max(self.stride) > 1:
                    read, x = x, zeros(x, (len(x), *self.in_shape))
                    x[..., :: self.stride[0], :: self.stride[1]] = read
            elif self._by_phases is not None:
                x = self._by_phases(below)
            else:
                x = CONVOLVE_TRANSPOSED[len(self.stride)](
                    below,
                    self.arranged,
                    None,
                    self.stride,
                    self.padding,
                    self._rest,
                    self.groups,
                    self.dilation,
                )
        return unfold(x, r, self.out_shape, self.in_shape)

    def _is_product(self, x: Tensor) -> bool:
        """Whether a convolution of 1×1 is carried out as the matrix product it is."""
        return (
            self.weight.shape[2:] == (1, 1)
            and (self.groups, *self.padding) == (1, 0, 0)
            and x.device.type == "cpu"
            and len(x) * torch.Size(self.out_shape[1:]).numel() < FEW_PIXELS
        )

    def beside(self, other: Convolution) -> Convolution | None:
        channels, *space = self.in_shape
        if self.groups > 1 or channels >= FEW_CHANNELS:
            return None
        weight = torch.cat((self.weight, other.weight), 1)
        return replace(self, in_shape=(2 * channels, *space), weight=weight, bias=None)

    @cached_property
    def _by_phases(self) -> TransposeByPhases | None:
        """The transpose by phases, where that is faster."""
        stride = self.stride[0]
        if (
            self.stride != (stride, stride)
            or self.dilation != (1, 1)
            or self.groups > 1
            or self.in_shape[0] >= FEW_CHANNELS
            or self.weight.device.type != "cpu"
        ):
            return None
        return transpose_by_phases(self.weight, stride, self.padding, self.in_shape[1:], self.out_shape[1:])

    @cached_property
    def _rest(self) -> Shape:
        """Trailing pixels that the stride never reaches (output_padding of the transposed convolution)."""
        sizes = zip(
            self.in_shape[1:], self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True
        )
        return tuple((n + 2 * p - d * (k - 1) - 1) % s for n, k, s, p, d in sizes)


@dataclass(frozen=True, eq=False)
class Diagonal(Weighted):
    """y = w ⊙ x + b: an affine map of each entry, as a batch norm that no convolution absorbs."""

    def apply(self, x: Tensor) -> Tensor:
        return x * self.weight

    def adjoint(self, r: Tensor) -> Tensor:
        return r * self.weight
