"""Matrix ensembles of figure 4, each with its exact mean and variance.

With N a standard normal matrix, N⁺ = max(N, 0) and N⁻ = min(N, 0), every one of them is αN⁺ + βN⁻: vanilla
(1, 1), non-negative (1, 0), positive |N| (1, −1). A draw A (n, m) multiplies row vectors, r A: it is the
transpose Zᵀ of a factor. The stochastic ensemble is |N| with each *column* divided by its sum (what the
paper's helper does, though its name says rows): every entry of r A is then a weighted mean of r. ReLU is no
ensemble but a step of the chain (rankone.chain).
"""

from dataclasses import dataclass
from math import isfinite, pi, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.special import erfcx, hyperu

from rankone.errors import refuse
from rankone.shapes import Shape, chain_shapes

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Ensemble:
    """Random (n, m) matrices αN⁺ + βN⁻; normalised="columns" divides each column by its sum.

    ValueError unless α and β are finite, at most 1e100 in size (their squares are variances), and where
    columns are normalised α > 0 > β within a factor of 1e4 (sums of float32 numbers must not cancel).
    """

    alpha: float
    beta: float
    normalised: Literal["columns"] | None = None

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if not (isfinite(value) and abs(value) <= 1e100):
                refuse(name, expected="a finite number up to 1e100", got=value, do="give a smaller number")
        if self.normalised not in (None, "columns"):
            refuse(
                "normalised",
                expected='"columns" or None',
                got=self.normalised,
                do='write "columns", or leave it out',
            )
        if self.normalised and not (self.alpha > 0 > self.beta and 1e-4 <= -self.beta / self.alpha <= 1e4):
            got = f"alpha {self.alpha}, beta {self.beta}"
            expected = "positive entries of like sizes, alpha > 0 > beta within a factor of 1e4"
            refuse("normalised", expected=expected, got=got, do="use (1, -1)")

    @property
    def odd(self) -> float:
        """The coefficient of N in αN⁺ + βN⁻ = odd·N + even·|N|."""
        return self.alpha / 2 + self.beta / 2

    @property
    def even(self) -> float:
        """The coefficient of |N|."""
        return self.alpha / 2 - self.beta / 2

    def mean(self, shape: Shape) -> float:
        """Mean of an entry of an (n, m) draw: (α − β)/√(2π), or 1/n where columns sum to one."""
        ((n, _),) = chain_shapes([shape])
        return 1 / n if self.normalised else (self.alpha - self.beta) / sqrt(2 * pi)

    def variance(self, shape: Shape) -> float:
        """Variance of an entry of an (n, m) draw: (α² + β²)/2 − mean², exact for shares, too."""
        ((n, _),) = chain_shapes([shape])
        if self.normalised:
            return max(0.0, _mean_square_share(self.alpha, -self.beta, n) - 1 / n**2)
        return (self.alpha**2 + self.beta**2) / 2 - self.mean(shape) ** 2

    def of(self, normal: Matrix) -> Matrix:
        """The matrix this ensemble makes of a standard normal one (n, m); whole columns are enough."""
        A = np.where(normal > 0, self.alpha * normal, self.beta * normal)
        return A / A.sum(axis=0) if self.normalised else A

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike = np.float64) -> Matrix:
        """One (n, m) matrix from a seeded generator."""
        ((n, m),) = chain_shapes([shape])
        kind: Any = np.dtype(dtype)
        return self.of(rng.standard_normal((n, m), dtype=kind))

    def rescaled(self) -> "Ensemble":
        """The same ensemble with max(|α|, |β|) = 1: a factor's scale is no part of any direction."""
        scale = max(abs(self.alpha), abs(self.beta)) or 1.0
        return Ensemble(self.alpha / scale, self.beta / scale, self.normalised)


vanilla = Ensemble(1, 1)
non_negative = Ensemble(1, 0)
positive = Ensemble(1, -1)
stochastic = Ensemble(1, -1, normalised="columns")


def alpha_beta(alpha: float, beta: float) -> Ensemble:
    """αN⁺ + βN⁻ for any finite α, β: LRP's αβ rule on a random layer."""
    return Ensemble(alpha, beta)


def _mean_square_share(a: float, b: float, n: int) -> float:
    """E[(x₁/S)²], S = x₁ + … + x_n, each x either a|N| or b|N| with odds one half (a, b > 0); to about 1e-12.

    1/S² = ∫ t e^{−tS} dt makes it ∫ t·E[x² e^{−tx}]·E[e^{−tx}]^{n−1} dt, an exact one-dimensional integral.
    In y = ln t the trapezoidal rule converges exponentially.
    """
    y = np.linspace(-45, 45, 3001)
    t = np.exp(y) / (n * (a + b))
    (a0, a2), (b0, b2) = _half_normal_laplace(a * t), _half_normal_laplace(b * t)
    square, mass = (a**2 * a2 + b**2 * b2) / 2, (a0 + b0) / 2
    return float(np.trapezoid(t**2 * square * mass ** (n - 1), y))


def _half_normal_laplace(t: Matrix) -> tuple[Matrix, Matrix]:
    """E[e^{−t|N|}] = erfcx(t/√2) and its second derivative E[N² e^{−t|N|}].

    The latter, (1 + t²)·erfcx(t/√2) − t√(2/π), cancels at large t: from t = 8 on Kummer's U takes over.
    """
    m0 = erfcx(t / sqrt(2))
    m2 = np.where(t < 8, (1 + t**2) * m0 - t * sqrt(2 / pi), hyperu(1.5, 0.5, t**2 / 2) / sqrt(pi))
    return m0, m2
