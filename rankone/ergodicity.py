"""Weak ergodicity: what the contraction seen so far says about an infinite product, and what it does not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from numpy.typing import ArrayLike

from rankone.bounds import BIRKHOFF, Coefficient, product_bound


@dataclass(frozen=True)
class WeakErgodicity:
    """Coefficients τ(B_1), τ(B_2), … in [0, 1] of consecutive blocks of a product, and what follows.

    Theorem (Birkhoff; Hajnal 1976; Seneta, chapter 3): if Σ(1 − τ(B_i)) = ∞ then Π τ(B_i) = 0 and all columns
    of the product approach one direction. Whether a series diverges is decided by its tail: a finite sequence
    proves the product bound below and nothing more.
    """

    coefficients: tuple[float, ...]

    @property
    def partial_sums(self) -> tuple[float, ...]:
        """Σ_{i≤k} (1 − τ(B_i)) for k = 1, 2, …"""
        return tuple(accumulate(1 - tau for tau in self.coefficients))

    @property
    def log_bound(self) -> float:
        """ln Π τ(B_i) ≤ −Σ (1 − τ(B_i)). No later non-negative factor can undo it."""
        return math.fsum(math.log(tau) if tau > 0 else -math.inf for tau in self.coefficients)

    @property
    def late_share(self) -> float:
        """Share of Σ(1 − τ) that the second half of the sequence added, in [0, 1]; 0 where nothing contracts.

        1/2 if steady, near 0 if contraction has all but stopped.
        """
        total = self.partial_sums[-1]
        first_half = sum(1 - tau for tau in self.coefficients[: len(self.coefficients) // 2])
        return (total - first_half) / total if total > 0 else 0.0

    @property
    def conclusion(self) -> str:
        """What was seen, what is proved by it, and what would have to hold further on, in words."""
        total, k = self.partial_sums[-1], len(self.coefficients)
        if total == 0:
            return (
                f"none of the {k} blocks contracts (τ = 1), so nothing is proved; "
                "group more factors into a block (rankone.bounds.grouped_bound)"
            )
        late = self.coefficients[k // 2 :]
        follows = "convergence would be exponential" if max(late) < 1 else "nothing would follow"
        return (
            f"Σ(1 − τ) = {total:.3g} over {k} blocks, {self.late_share:.0%} of it in the second half. "
            f"Proved: the product contracts by ln Π τ = {self.log_bound:.3g} at least. "
            "Not proved by any finite sequence: that Σ(1 − τ) diverges. "
            f"If 1 − τ ≥ {1 - max(late):.3g}, the least of the second half, held ever after, {follows}"
        )


def weak_ergodicity(sequence: Sequence[ArrayLike], coefficient: Coefficient = BIRKHOFF) -> WeakErgodicity:
    """Contraction of the factors Z1, Z2, … one by one: (n_{l-1}, n_l), finite, ≥ 0, no zero column.

    For blocks of factors: `WeakErgodicity(grouped_bound(factors).coefficients)`. Raises ValueError for an
    empty sequence, shapes that do not meet, or a bad factor.
    """
    return WeakErgodicity(product_bound(sequence, coefficient).coefficients)
