"""Upper bounds on the contraction of a chain C = Z1 Z2 … Zk, Z_l ≥ 0 of shape (n_{l-1}, n_l).

A coefficient with τ(AB) ≤ τ(A) τ(B) bounds τ(C) by a product over any grouping of the factors into
blocks: every factor alone, the whole chain at once (the columns of the product itself), the best blocks in
between. In exact arithmetic the whole chain is never worse than the others. In floating point its entries are
known to a relative error δ, so that no block can be shown to contract below about δ, while a *product* of
blocks can. Which grouping is tightest is therefore a question for each chain.

The rounding of products is in the bounds (Higham, *Accuracy and Stability*, §3: without cancellation it is
relative, in any order of summation), that of the few operations after it is not: see `rankone.certificate`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from rankone.contraction import (
    Array,
    birkhoff_coefficient,
    cone_angle,
    non_negative,
    total_variation_diameter,
)
from rankone.errors import refuse
from rankone.pattern import refuse_gaps

Chain: TypeAlias = list[Array]

_UNIT_ROUNDOFF = 2.0**-53
_SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)
_OTHER_ROUNDINGS = 4  # beside the n products of an inner product: scalings, and the sum of n that normalises


@dataclass(frozen=True)
class Coefficient:
    """A submultiplicative contraction coefficient in [0, 1].

    of: its value for one matrix. widened: from (τ, δ), a bound for all matrices within a relative error δ of
    each entry. prepared: the chain, same product up to scales of columns, on which it is submultiplicative.
    """

    name: str
    of: Callable[[Array], float]
    widened: Callable[[float, float], float]
    prepared: Callable[[Chain], Chain]


@dataclass(frozen=True)
class ChainBound:
    """τ(C) ≤ Π τ(B_i) for one grouping: (first, last) factor of each block, from 1, and its coefficient."""

    blocks: tuple[tuple[int, int], ...]
    coefficients: tuple[float, ...]

    @property
    def log_value(self) -> float:
        """Σ ln τ(B_i): deep chains underflow as a number, not as a logarithm."""
        return math.fsum(math.log(tau) if tau > 0 else -math.inf for tau in self.coefficients)

    @property
    def value(self) -> float:
        """Π τ(B_i) in [0, 1]."""
        return math.exp(self.log_value)


@dataclass(frozen=True)
class Comparison:
    """Three bounds on one chain; the angle is the widest between two columns of C, rounding included."""

    coefficient: str
    product: ChainBound
    grouped: ChainBound
    direct: ChainBound
    rounding: float
    cone_angle: float

    @property
    def tightest(self) -> Literal["product", "grouped", "direct"]:
        """The smallest of the three; on equality the one that needs fewer products."""
        if self.product.log_value <= min(self.grouped.log_value, self.direct.log_value):
            return "product"
        return "grouped" if self.grouped.log_value < self.direct.log_value else "direct"

    @property
    def why(self) -> str:
        """Why that one is the tightest, in words, with the numbers of this chain."""
        name, blocks, delta = self.coefficient, len(self.grouped.blocks), f"δ = {self.rounding:.1e}"
        if min(self.product.log_value, self.grouped.log_value, self.direct.log_value) == 0:
            return f"no grouping contracts: {name} is 1 even for the whole product, or its entries underflow"
        if self.tightest == "product":
            return (
                f"the factors' own coefficients multiply to {self.product.value:.3g}; a product of them "
                f"shows no less, since its entries are known to {delta} only"
            )
        if self.tightest == "grouped":
            return (
                f"{blocks} blocks each contract more than their factors do one by one, and multiply to "
                f"{self.grouped.value:.3g}; the whole product shows {self.direct.value:.3g}, limited by its "
                f"rounding {delta}"
            )
        return (
            f"{name} is submultiplicative, so the columns of the product show the most: "
            f"{self.direct.value:.3g} against {self.product.value:.3g} factor by factor; "
            f"their rounding, {delta}, does not limit it"
        )


def conserving(factors: Chain) -> Chain:
    """P_l = D_{l-1} Z_l D_l⁻¹, D_l = diag(1ᵀ Z1 … Z_l): columns sum to one, P1 … Pk is C D_k⁻¹.

    Doob's h-transform: it gives Dobrushin's coefficient a meaning for every non-negative chain. Raises
    ValueError where the entries span more than float64 can hold.
    """
    h = np.ones(len(factors[0]))
    chain = []
    for l, Z in enumerate(factors, start=1):
        scale = Z.max(axis=0)
        relative = Z / scale
        least = float(np.min(relative, where=Z > 0, initial=np.inf))  # 0 where an entry was flushed
        if min(h.min() * least, scale.min() / scale.max()) < _SMALLEST_NORMAL:
            got = f"entries of Z{l} that underflow"
            refuse("factors", expected="a range that float64 can hold", got=got, do="rescale rows or columns")
        weighted = h[:, None] * relative
        chain.append(weighted / weighted.sum(axis=0))
        h = weighted.sum(axis=0) * (scale / scale.max())
    return chain


# A relative error δ of the entries widens Δ/4 = artanh τ by artanh δ at most.
BIRKHOFF = Coefficient(
    "Birkhoff's τ",
    birkhoff_coefficient,
    widened=lambda tau, delta: (tau + delta) / (1 + tau * delta),
    prepared=lambda factors: factors,
)
# It moves each of two columns of sum one by a total variation of tanh(artanh(δ)/2) at most.
DOBRUSHIN = Coefficient(
    "Dobrushin's τ₁",
    total_variation_diameter,
    widened=lambda tau, delta: min(1.0, tau + 2 * math.tanh(math.atanh(delta) / 2)),
    prepared=conserving,
)


def product_bound(factors: Sequence[ArrayLike], coefficient: Coefficient = BIRKHOFF) -> ChainBound:
    """τ(C) ≤ Π τ(Z_l), every factor a block: no product is formed. ValueError as `chain_of`."""
    chain = coefficient.prepared(chain_of(factors))
    return _bound(chain, coefficient, [(l, l) for l in range(len(chain))])


def direct_bound(factors: Sequence[ArrayLike], coefficient: Coefficient = BIRKHOFF) -> ChainBound:
    """τ(C) from the columns of C, one block. A product that may underflow bounds nothing: 1."""
    chain = coefficient.prepared(chain_of(factors))
    return _bound(chain, coefficient, [(0, len(chain) - 1)])


def grouped_bound(
    factors: Sequence[ArrayLike], coefficient: Coefficient = BIRKHOFF, *, longest: int | None = None
) -> ChainBound:
    """min Π τ(B_i) over all groupings into blocks of at most `longest` factors (default: any).

    Dynamic programming over block boundaries: best(j) = min_i best(i) + ln τ(Z_{i+1} … Z_j). That takes
    k · longest products and coefficients; one product at a time is in memory.
    """
    chain = coefficient.prepared(chain_of(factors))
    k, delta = len(chain), chain_rounding(chain)
    longest = k if longest is None else longest
    if longest < 1:
        refuse("longest", expected="an integer ≥ 1", got=longest, do="allow blocks of at least one factor")
    best: list[tuple[float, ChainBound]] = [(0.0, ChainBound((), ()))]
    for j in range(k):
        candidates = []
        block: Array | None = chain[j]
        for i in range(j, max(-1, j - longest), -1):
            block = _times(chain[i], block) if i < j else block
            tau, before = _coefficient_of(block, coefficient, delta), best[i][1]
            bound = ChainBound((*before.blocks, (i + 1, j + 1)), (*before.coefficients, tau))
            candidates.append((bound.log_value, bound))
        best.append(min(candidates, key=lambda candidate: candidate[0]))
    return best[-1][1]


def compare_bounds(
    factors: Sequence[ArrayLike], coefficient: Coefficient = BIRKHOFF, *, longest: int | None = None
) -> Comparison:
    """The three bounds beside each other: which one is the tightest, and why."""
    chain = chain_of(factors)
    product, delta = _product(chain), chain_rounding(chain)
    angle = math.pi / 2 if product is None else cone_angle(product) + 2 * math.asin(delta)
    return Comparison(
        coefficient=coefficient.name,
        product=product_bound(chain, coefficient),
        grouped=grouped_bound(chain, coefficient, longest=longest),
        direct=direct_bound(chain, coefficient),
        rounding=delta,
        cone_angle=min(math.pi / 2, angle),
    )


def chain_of(factors: Sequence[ArrayLike]) -> Chain:
    """The factors as float64 matrices: at least one, ≥ 0, no zero column, shapes that meet; or ValueError."""
    chain = [non_negative(f"Z{l}", Z) for l, Z in enumerate(factors, start=1)]
    refuse_gaps(chain)
    return chain


def chain_rounding(chain: Chain) -> float:
    """δ = Π (1 + γ_n) − 1, γ_n = n u/(1 − n u): relative error of every entry of a product of neighbours."""
    terms = [(len(Z) + _OTHER_ROUNDINGS) * _UNIT_ROUNDOFF for Z in chain]
    return math.expm1(math.fsum(math.log1p(nu / (1 - nu)) for nu in terms))


def _bound(chain: Chain, coefficient: Coefficient, blocks: list[tuple[int, int]]) -> ChainBound:
    delta = chain_rounding(chain)
    products = (_product(chain[first : last + 1]) for first, last in blocks)
    values = tuple(_coefficient_of(B, coefficient, delta) for B in products)
    return ChainBound(tuple((first + 1, last + 1) for first, last in blocks), values)


def _coefficient_of(block: Array | None, coefficient: Coefficient, delta: float) -> float:
    return 1.0 if block is None else coefficient.widened(coefficient.of(block), delta)


def _product(chain: Chain) -> Array | None:
    product: Array | None = chain[-1]
    for Z in reversed(chain[:-1]):
        product = _times(Z, product)
    return product


def _times(A: Array, B: Array | None) -> Array | None:
    """A B up to a power of two; None, from there on, where an entry might be lost to underflow."""
    if B is None:
        return None
    (A, least_a), (B, least_b) = _scaled(A), _scaled(B)
    return A @ B if least_a * least_b >= _SMALLEST_NORMAL else None


def _scaled(A: Array) -> tuple[Array, float]:
    exponent = -math.frexp(float(A.max()))[1]
    least = float(np.min(A, where=A > 0, initial=np.inf))
    return np.ldexp(A, exponent), math.ldexp(least, exponent)
