"""The extremes over all pairs of columns, on the device where they are.

On a CPU rankone.proof.column_pairs finds them. On a GPU, of some units at a time, ½ Σ|·| is summed and
max_i (L_ij - L_ik) taken for all pairs at once.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

import torch
from torch import Tensor

from rankone.proof.column_pairs import FLUSH, Extremes, Farthest, floating_extremes
from rankone.proof.column_pairs import extremes as from_farthest

UNITS = 4096  # at a time


def extremes(columns: Tensor) -> Extremes:
    """Over all pairs of columns (V, n) ≥ 0, none of them zero, in float64."""
    if columns.device.type == "cpu":
        return floating_extremes(columns.numpy().T, Fraction(0))
    return from_farthest(farthest(columns), Fraction(0))


def farthest(columns: Tensor) -> Farthest:
    """What rankone.proof.column_pairs.farthest finds of columns (V, n), here given as rows."""
    n = columns.shape[1]
    X = columns[:, columns.any(0)]
    X = X / X.sum(1, keepdim=True)
    G, sums = (X.new_zeros(len(X), len(X)) for _ in range(2))
    norms = torch.linalg.vector_norm(X, dim=1, keepdim=True)
    for some in X.split(UNITS, 1):
        E = some / norms
        E = E - E.mean(0)
        G += E @ E.T
        sums += torch.cdist(some, some, p=1)
    norms2 = G.diagonal()
    chord2 = float((norms2[:, None] + norms2 - 2 * G).max())
    known = chord2, float(norms2.max()), float(sums.max()) / 2
    if not X.all():
        return Farthest(n, *known, inf, inf)
    X /= X.mean(0)
    if float(X.min()) < FLUSH:
        return Farthest(n, *known, inf, inf)
    L = X.log_()
    size = float(L.abs().max())
    D = torch.full_like(G, -inf)
    for some in L.split(UNITS, 1):
        torch.maximum(D, _largest_difference(some, size), out=D)
    return Farthest(n, *known, float((D + D.T).max()), size)


def _largest_difference(L: Tensor, size: float) -> Tensor:
    """D_jk = max_i (L_ij - L_ik) of logarithms (V, n) of at most `size`, to 12 u size.

    L_ij + 2 size - L_ik ≥ 0 is its own absolute value, of which cdist finds the largest without a (V, V, n)
    array; of numbers up to 4 size three roundings are 3 · 4 u size at most.
    """
    shift = 2 * size
    return torch.cdist(L + shift, L, p=inf) - shift
