"""The protocol of what a rule returns: relevance of a node's output -> relevance of what it reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rankone.errors import refuse


class Books(NamedTuple):
    """Where relevance went that was not handed down, summed over the units: (V, B) or what broadcasts."""

    bias: Tensor
    epsilon: Tensor
    lost: Tensor


class Backward(ABC):
    """r (V, B, *out_shape) ↦ r_in, relevance of the x that the node reads, for any number V of vectors.

    What depends on the recorded x and y only has been computed once. A call does not change r; r_in may be r
    itself.
    """

    @abstractmethod
    def __call__(self, r: Tensor) -> Any:
        """r_in."""

    def book(self, r: Tensor) -> Books:
        """Where the part of r went that is not handed down; zeros from a rule that keeps no books."""
        nothing = r.new_zeros(())
        return Books(nothing, nothing, nothing)

    def factored(
        self, r: Tensor, factor: Tensor | None, memory: Tensor | None = None
    ) -> tuple[Any, Tensor | None]:
        """For speed only: r_in of the relevance r ⊙ factor, in two factors as well.

        factor (B, *out_shape): what all vectors have in common, None for ones. memory: r itself where it may
        be overwritten, else None. The result (relevance, factor) stands for their product, None for ones.
        """
        return self(r if factor is None else torch.mul(r, factor, out=memory)), None


@dataclass(frozen=True)
class Plain(Backward):
    """Any function r ↦ r_in, and the function r ↦ its books, if it keeps any."""

    function: Callable[[Tensor], Any]
    books: Callable[[Tensor], Iterable[Tensor]] | None = None

    def __call__(self, r: Tensor) -> Any:
        return self.function(r)

    def book(self, r: Tensor) -> Books:
        return super().book(r) if self.books is None else Books(*self.books(r))


class Identity(Backward):
    """r ↦ r; relevance and its factor stay as they are."""

    def __call__(self, r: Tensor) -> Tensor:
        return r

    def factored(
        self, r: Tensor, factor: Tensor | None, memory: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        return r, factor


# (op, x, y) -> Backward, or a plain r -> r_in: the node's operator, its recorded input (B, *in_shape), its
# recorded output (B, *out_shape)
Rule = Callable[[Any, Any, Tensor], Backward | Callable[[Tensor], Any]]


def as_backward(returned: object) -> Backward:
    """What a rule returned, as a Backward: a plain function is wrapped, with its `book` where it has one.

    ValueError for anything else.
    """
    if isinstance(returned, Backward):
        return returned
    if not callable(returned):
        refuse(
            "rule",
            expected="a function r -> r_in, or a Backward",
            got=type(returned).__name__,
            do="return one, such as lambda r: op.adjoint(r)",
        )
    return Plain(returned, getattr(returned, "book", None))
