"""Methods as the paper's code carries them out, where that is another chain than its text defines.

Two things decide: the whole bias in both denominators of αβ (where it is negative, "z⁺" may divide by a
negative number, and the chain is no longer one of non-negative matrices), and a clip of the relevance that
comes down from an addition to [0, 1000], which makes a chain non-negative whatever the rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from rankone.results.protocol import Protocol
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.methods.wrapping import Wrapping, around
from torch_backend.operators.linear import Linear, Weighted
from torch_backend.rules import Rule
from torch_backend.rules.backward import Backward, Plain, as_backward

LOW, HIGH = 0.0, 1000.0
CLIPPED = ("alpha_beta", "lrp_cmp")  # the families whose relevance the code clips
SHARING = (*CLIPPED, "z_plus", "deep_taylor")  # those that share by positive contributions


def as_published(method: Method, protocol: Protocol) -> Method:
    """The method as the protocol has it: its `whole_bias`, its `clips_additions`."""
    family = method.name.split(":")[0]
    whole_bias, clips = (
        protocol.whole_bias and family in SHARING,
        protocol.clips_additions and family in CLIPPED,
    )
    if not (whole_bias or clips):
        return method
    return around(_Published, method, whole_bias=whole_bias, clips=clips)


@dataclass(frozen=True, eq=False)
class _Published(Wrapping):
    whole_bias: bool = field(kw_only=True)
    clips: bool = field(kw_only=True)

    def rule(self, node: Node) -> Rule | None:
        rule = self.inner.rule(node)
        if rule and self.whole_bias and isinstance(node.op, Weighted) and node.op.bias is not None:
            return lambda op, x, y: rule(WholeBias.of(op), x, y)
        if rule and self.clips and node.kind == "add":
            return lambda op, x, y: clipped(as_backward(rule(op, x, y)))
        return rule


def clipped(backward: Backward) -> Backward:
    """r ↦ r_in, clipped to [LOW, HIGH]. What is cut off is not booked."""
    return Plain(lambda r: torch.clamp(backward(r), LOW, HIGH))


@dataclass(frozen=True, eq=False)
class WholeBias(Linear):
    """An operator whose parts aW⁺ + bW⁻, a ≠ b, all have its whole bias."""

    inner: Weighted = field(kw_only=True)

    @classmethod
    def of(cls, op: Weighted) -> WholeBias:
        return cls(op.in_shape, op.out_shape, op.bias, inner=op)

    def apply(self, x: Tensor) -> Tensor:
        return self.inner.apply(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner.forward(x)

    def adjoint(self, r: Tensor) -> Tensor:
        return self.inner.adjoint(r)

    def map(self, f: Callable[[Tensor], Tensor]) -> Weighted:
        return self.inner.map(f)

    def blend(self, a: float, b: float) -> Linear:
        return replace(self.inner.part(a, b), bias=self.bias)
