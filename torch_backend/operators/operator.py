"""What every operator offers: the one class that all nodes' operators share.

A node computes y = f(x). Its inputs make up one x (`join`), and relevance of x is taken apart into that of
each of them (`split`). Shapes: x (B, *in_shape), y (B, *out_shape), relevance r of y (V, B, *out_shape),
V vectors for each of the B images. For an addition x is (k, 1, B, *shape), its k inputs and an axis that
broadcasts over V; for a function of several tensors it is a tuple of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

# r (V, B, *out_shape) -> relevance of x (V, B, *in_shape)
Pullback = Callable[[Tensor], Any]


class Operator(ABC):
    """What one node computes.

    kind: the node's kind, that is the field of a `Method` that holds its rule ("input" has none). Operators
    that only rules make (Scaled, BySign) are of no kind.
    """

    kind: ClassVar[str]

    @abstractmethod
    def forward(self, x: Any) -> Tensor:
        """y = f(x)."""

    @abstractmethod
    def pullback(self, x: Any, y: Tensor) -> Pullback:
        """r ↦ Jᵀ r, J the Jacobian of f at the recorded x, for any number of vectors r."""

    def join(self, inputs: tuple[Tensor, ...], y: Tensor | None = None) -> Any:
        """The x that the values of the node's inputs make up; y is the node's own value, if it is known."""
        (x,) = inputs
        return x

    def split(self, r: Any) -> tuple[Tensor, ...]:
        """The inverse of `join`: relevance of x -> relevance of each input."""
        return (r,)


class Route:
    """Mixin of operators that move numbers without changing them: relevance follows the numbers."""

    kind = "route"


class Image(Operator):
    """What a graph begins with: y = x. Nothing is below it, and its pullback is never asked for."""

    kind = "input"

    def forward(self, x: Tensor) -> Tensor:
        return x

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        return lambda r: r
