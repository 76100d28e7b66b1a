"""The parents' law: how differently two units choose their parents is how fast a chain forgets its start.

Let p > 0 be any relevance above a factor Z >= 0 without zero rows, and p' = Z p. The *reversed chain*
W = diag(p')⁻¹ Z diag(p) is row-stochastic (Doob's transform): w_ij is the share of unit i's relevance that
came from its parent j. For any other relevance r above, the ratio f = r / p obeys f' = W f exactly: going
down averages the ratio. So Dobrushin's coefficient of W bounds what is left of max f − min f, and of any
two starts' total variation; what a sampled cosine sees is the mean square,

    Σ_i q_i ‖w_i − w̄‖²,   q_i = p'_i² / Σ p'²,   w̄ = Σ_i q_i w_i,

by which 1 − |cos| shrinks if f above is white. For iid entries of mean μ and variance σ² it is
1 / (1 + n μ²/σ²) in expectation, the rate law of `rankone.laws`.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.contraction import non_negative
from rankone.errors import refuse

Array = NDArray[np.float64]


def reversed_factor(Z: ArrayLike, p: ArrayLike) -> Array:
    """W (m, n), rows that sum to one, for Z (m, n) >= 0 and p (n,) >= 0: w_ij = Z_ij p_j / (Z p)_i.

    ValueError for shapes that do not meet, negative or infinite entries, and a row that p gives nothing.
    """
    shares, below = _contributions(Z, p)
    return np.asarray(shares / below[:, None])


def dispersion(Z: ArrayLike, p: ArrayLike) -> float:
    """Σ_i q_i ‖w_i − w̄‖² in [0, 1): 0 where all units have the same parents. Arguments as `reversed_factor`.

    At most (1 − Σ q_i²) τ², τ the Dobrushin coefficient of W: it is ½ Σ_ij q_i q_j ‖w_i − w_j‖², and a
    difference of two rows has ‖d‖₁ <= 2τ, ‖d‖∞ <= τ.
    """
    shares, below = _contributions(Z, p)
    W = shares / below[:, None]
    q = below**2 / np.sum(below**2)
    return float(q @ np.square(W - q @ W).sum(axis=1))


def decades_by_parents(Z: ArrayLike, p: ArrayLike) -> float:
    """−log10 of the dispersion: decades by which the factor shrinks 1 − |cos| of starts that differ from p by
    white noise, relative to p. inf where it leaves nothing.
    """
    left = dispersion(Z, p)
    return -math.log10(left) if left > 0 else math.inf


def _contributions(Z: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
    """Z_ij p_j and their sums (Z p)_i, all positive."""
    Z, p = non_negative("Z", Z), non_negative("p", p, ndim=1)
    if Z.shape[1] != len(p):
        refuse("Z, p", expected="shapes (m, n), (n,)", got=(Z.shape, p.shape), do="pass what enters Z as p")
    shares = Z * (p / p.max())
    below = shares.sum(axis=1)
    if not below.all():
        got = f"{np.count_nonzero(below == 0)} rows of Z that p gives nothing"
        refuse("Z, p", expected="Z p > 0", got=got, do="leave these rows out: they carry no relevance")
    return shares, below
