"""Stable rank ‖C‖_F² / ‖C‖₂² of an operator that is known only through C v and Cᵀ u.

It says in one number what sampled cosines estimate. With C = σ₁ u₁ v₁ᵀ + E and a start v ~ N(0, I),
C v = σ₁ (v₁·v) u₁ + E v, and the excess ‖E‖_F²/σ₁² = stable rank − 1 sets how far two such vectors stay from
parallel (`median_sin2`). The excess is measured on E itself, never as a difference from 1: it is good down to
about 1e-30 in float64, where the stable rank has long been rounded to 1.

Source: Rudelson and Vershynin (2007) for the stable rank; Musco and Musco (2015) for block Krylov iteration;
Meyer, Musco, Musco and Woodruff (2021, Hutch++) for an exact trace on a subspace plus probes of the rest.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcinv

from rankone.errors import refuse

Array: TypeAlias = NDArray[np.floating[Any]]

#: Up to this many rows or columns all singular values are computed: it costs no more than the iteration.
DENSE = 128
#: Vectors in a block and blocks in the Krylov space: 8 · 6 products with C and with Cᵀ.
BLOCK, STEPS = 8, 6
#: Random probes of what is left outside the Krylov space.
PROBES = 16


class Operator(Protocol):
    """A real matrix C (m, n), by its products: any scipy.sparse.linalg.LinearOperator."""

    shape: tuple[int, int]

    def matmat(self, X: Array) -> Array:
        """C X: (n, k) -> (m, k)."""
        ...

    def rmatmat(self, X: Array) -> Array:
        """Cᵀ X: (m, k) -> (n, k)."""
        ...


@dataclass(frozen=True)
class StableRank:
    """‖C‖_F² / ‖C‖₂² = 1 + excess.

    excess ≥ 0; sigma1 = ‖C‖₂; standard_error: of the excess, from the random probes (0: all singular values
    were computed); residual: ‖CᵀC v₁ − σ₁² v₁‖/σ₁², small where σ₁ has converged (it is never too large, so
    that the excess is never too small for its sake).
    """

    excess: float
    sigma1: float
    standard_error: float
    residual: float

    @property
    def value(self) -> float:
        """The stable rank, ≥ 1; 1 exactly where the excess is below the rounding of 1."""
        return 1 + self.excess


def stable_rank(C: Operator, seed: int = 0) -> StableRank:
    """The stable rank of C (m, n) ≠ 0: exact if min(m, n) ≤ DENSE, else randomised with a stated error.

    Randomised: an orthonormal basis B of span{X, CᵀC X, (CᵀC)² X, …}, X Gaussian (n, BLOCK), gives σ₁ and
    ‖CB‖_F²; Gaussian probes g give what is left, ‖C(I − BBᵀ)‖_F² = E‖C(I − BBᵀ)g‖². It holds about
    2 · BLOCK · STEPS vectors of either side at once.

    Raises ValueError if C is zero, or if it returns infinities or NaN.
    """
    m, n = C.shape
    if min(m, n) <= DENSE:
        matrix = C.matmat(np.eye(n)) if n <= m else C.rmatmat(np.eye(m))
        sigma = _singular_values(matrix)
        return StableRank(_excess(sigma, 0.0), float(sigma[0]), 0.0, 0.0)
    rng = np.random.default_rng(seed)
    blocks: list[Array] = [rng.standard_normal((n, BLOCK))]
    for _ in range(STEPS - 1):
        blocks.append(C.rmatmat(C.matmat(np.linalg.qr(blocks[-1]).Q)))
    basis = np.linalg.qr(np.hstack([_unit_columns(block) for block in blocks])).Q  # (n, BLOCK · STEPS)
    image = C.matmat(basis)
    sigma = _singular_values(image)
    v1 = basis @ np.linalg.svd(image, full_matrices=False).Vh[0]
    residual = C.rmatmat(C.matmat(v1[:, None]))[:, 0] - sigma[0] ** 2 * v1
    probes = rng.standard_normal((n, PROBES))
    left = np.square(C.matmat(probes - basis @ (basis.T @ probes))).sum(axis=0)  # (PROBES,)
    return StableRank(
        _excess(sigma, float(left.mean())),
        float(sigma[0]),
        float(left.std(ddof=1) / np.sqrt(PROBES) / sigma[0] ** 2),
        float(np.linalg.norm(residual) / sigma[0] ** 2),
    )


def median_sin2(excess: float) -> tuple[float, float]:
    """Median of sin²∠(C v, C w) for v, w ~ N(0, I) and a small excess ε: between 4ε and 8.79ε.

    To first order sin² = ‖E v/a − E w/b‖²/σ₁² with a = v₁·v, b = v₁·w ~ N(0, 1). If one singular value is all
    of E, it is ε (s − t)² with s, t Cauchy: the median of (s − t)² is 4. If E has many equal ones it is
    ε (1/a² + 1/b²), a Lévy variable of scale 4: its median is 2/erfc⁻¹(1/2)² = 8.79. Returns both ends.
    """
    return 4 * excess, float(2 / erfcinv(0.5) ** 2) * excess


def _excess(sigma: Array, left: float) -> float:
    return float((np.square(sigma[1:] / sigma[0]).sum()) + left / float(sigma[0]) ** 2)


def _singular_values(matrix: Array) -> Array:
    if not np.isfinite(matrix).all():
        refuse("C", expected="finite products C v", got="NaN or infinity", do="use float64 activations")
    sigma = np.linalg.svdvals(matrix)
    if not sigma[0] > 0:
        refuse(
            "C", expected="an operator that is not zero", got="zero", do="take layers that relevance reaches"
        )
    return sigma


def _unit_columns(X: Array) -> Array:
    norms = np.linalg.norm(X, axis=0)
    return X / np.where(norms > 0, norms, 1)
