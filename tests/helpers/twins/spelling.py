"""Twins: one function with one set of weights, written in several ways."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from tests.helpers.wrapped import Wrapped

DTYPE = torch.float64
# Methods that the derivative alone decides; no kind of node is without them.
FOR_ALL = ("gradient", "gradient_times_input")
Body = Callable[[Any, Tensor], Tensor]


@dataclass(frozen=True)
class Made:
    """A spelling that is a module of its own, made from the parts."""

    make: Callable[[SimpleNamespace], nn.Module]


@dataclass(frozen=True)
class Twins:
    """One function, written in several ways over the same parts; the first spelling is the plainest.

    parts: makes the modules that all spellings use; their weights are drawn by the name's checksum.
    spellings: name -> forward body (m, x) over the parts, or a Made module.
    differ: (spelling, method) -> why the two may not agree under that method.
    refusals: spelling -> words of the refusal that methods without a rule for it may raise.
    is_law: False where nobody has decided whether they should agree; those are measured, not tested.
    """

    name: str
    image: tuple[int, ...]
    parts: Callable[[], dict[str, nn.Module]]
    spellings: Mapping[str, Body | Made]
    differ: Mapping[tuple[str, str], str] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    is_law: bool = True

    @property
    def plain(self) -> str:
        """The first spelling, that the others are compared with."""
        return next(iter(self.spellings))

    @property
    def others(self) -> list[str]:
        return list(self.spellings)[1:]

    def model(self, spelling: str) -> nn.Module:
        """The network in eval mode, the same weights in each spelling."""
        parts = drawn(self.parts(), zlib.crc32(self.name.encode()))
        written = self.spellings[spelling]
        model = written.make(SimpleNamespace(**parts)) if isinstance(written, Made) else None
        return (model or Wrapped(written, **parts)).to(DTYPE).eval()

    def images(self, count: int = 2) -> Tensor:
        generator = torch.Generator().manual_seed(zlib.crc32(self.name.encode()) + 1)
        return torch.randn(count, *self.image, generator=generator, dtype=DTYPE)


TWINS: dict[str, Twins] = {}


def twins(name: str, image: tuple[int, ...], parts, spellings, **more: Any) -> None:
    """Enter twins in the table."""
    assert name not in TWINS
    entry = Twins(name, image, parts, spellings, **more)
    assert {spelling for spelling, _ in entry.differ} | set(entry.refusals) <= set(spellings)
    TWINS[name] = entry


def drawn(parts: dict[str, nn.Module], seed: int) -> dict[str, nn.Module]:
    """The modules in float64 and eval mode; random weights, biases and statistics."""
    generator = torch.Generator().manual_seed(seed)
    for module in parts.values():
        module.to(DTYPE).eval()
        with torch.no_grad():
            for name, value in (*module.named_parameters(), *module.named_buffers()):
                if not value.is_floating_point():
                    continue
                fan = value[0].numel() if value.dim() > 1 else 4
                value.normal_(0, fan**-0.5, generator=generator)
                if name.endswith("running_var") or (value.dim() == 1 and name.endswith("weight")):
                    value.abs_().add_(0.5)
    return parts


# ---------------------------------------------------------------- around the piece that is spelled


def tail() -> dict[str, nn.Module]:
    """What follows the piece with four channels: a convolution and a dense layer."""
    return {"last": nn.Conv2d(4, 5, 3), "fc": nn.Linear(5, 4)}


def ends(m: Any, h: Tensor) -> Tensor:
    """ReLU, convolution, ReLU, global average, dense layer."""
    return m.fc(torch.relu(m.last(torch.relu(h))).mean((2, 3)))


def inside(piece: Body) -> Body:
    """A body that spells its four channels by `piece` and goes on as all do."""
    return lambda m, x: ends(m, piece(m, x))


def using(piece: Callable | nn.Module, body: Callable[[Any, Tensor, Callable], Tensor]) -> Body | Made:
    """The body with a piece that is a function, or a module, which becomes a part of the network."""
    if isinstance(piece, nn.Module):
        return Made(lambda m: Wrapped(lambda n, x: body(n, x, n.piece), piece=piece, **vars(m)))
    return lambda m, x: body(m, x, piece)


def all_inside(**pieces: Body) -> dict[str, Body]:
    return {name.replace("_", " "): inside(piece) for name, piece in pieces.items()}


# ---------------------------------------------------------------- weights merged by hand


def affine_of(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and shift of a batch norm with stored statistics."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


def column(value: Tensor, norm: nn.Module) -> Tensor:
    """One number for each channel, in the shape that multiplies what the norm reads."""
    return value if isinstance(norm, nn.BatchNorm1d) else value.view(-1, 1, 1)


@torch.no_grad()
def merged_after(layer: nn.Module, scale: Tensor, shift: Tensor) -> nn.Module:
    """One layer that is scale · layer(x) + shift, channel by channel."""
    layer = copy.deepcopy(layer)
    layer.weight.copy_(layer.weight * scale.reshape(-1, *[1] * (layer.weight.dim() - 1)))
    layer.bias.copy_(layer.bias * scale + shift)
    return layer


@torch.no_grad()
def merged_before(layer: nn.Module, scale: Tensor, shift: Tensor) -> nn.Module:
    """One layer that is layer(scale · x + shift); exact without padding."""
    layer = copy.deepcopy(layer)
    rows = [1, -1] + [1] * (layer.weight.dim() - 2)
    layer.bias.add_((layer.weight * shift.reshape(rows)).flatten(1).sum(1))
    layer.weight.copy_(layer.weight * scale.reshape(rows))
    return layer


@torch.no_grad()
def with_weight(layer: nn.Module, weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    """The layer with these numbers."""
    layer = layer.to(DTYPE)
    layer.weight.copy_(weight.reshape(layer.weight.shape))
    if bias is not None:
        layer.bias.copy_(bias)
    return layer
