"""What every operator offers: the one class that all nodes' operators share.

A node computes y = f(x). Its inputs make up one x (`join`), and relevance of x is handed to each of them
(`split`). Shapes: x (B, *in_shape), y (B, *out_shape), relevance r of y (V, B, *out_shape), V vectors for
each of the B images. An addition has an axis in front of x for its inputs, a function of several tensors has
a tuple of them for x.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

# r (V, B, *out_shape) -> relevance of x (V, B, *in_shape)
Pullback = Callable[[Tensor], Any]
# (r, out) -> the same entry by entry, written into out unless that is None
Entrywise = Callable[[Tensor, Tensor | None], Tensor]


class Operator(ABC):
    """What one node computes.

    kind: the node's kind, that is the field of a `Method` that holds its rule. An operator that only rules
    make (a multiple of another) has none.
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

    def transposable(self) -> Operator:
        """An operator of the same values whose pullback autograd can differentiate: itself, as a rule."""
        return self

    def entrywise(self, x: Any, y: Tensor) -> Entrywise | None:
        """For speed only: the pullback as a function that can write over r; None: do without."""
        return None


class Route:
    """Common to operators that move numbers without changing them: relevance follows the numbers."""

    kind = "route"


class Image(Operator):
    """What a graph begins with: it computes nothing and hands nothing on."""

    kind = "input"

    def forward(self, x: Tensor) -> Tensor:
        return x

    def pullback(self, x: Tensor, y: Tensor) -> Pullback:
        return lambda r: r
