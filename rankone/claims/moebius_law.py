"""Does the Möbius law for the distortion of a product refine Birkhoff's contraction?"""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import atanh

import numpy as np
from numpy.typing import NDArray

from rankone.claims.exact import Matrix, exact
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import KRITCHEVSKI
from rankone.contraction import birkhoff_coefficient

ROOTS = tuple(Fraction(n, 7) for n in range(8, 70, 6))
PAIRS, WIDTH, SEED = 200, 4, 57
ROUNDING = 1e-12  # of τ, from logarithms of entries up to 9


def envelope(x: Fraction, y: Fraction) -> Fraction:
    """(1 + x y)/(x + y): the law for x = √R(A), y = √R(B), R = e^Δ the largest cross-ratio of a matrix."""
    return (1 + x * y) / (x + y)


def evidence(
    roots: tuple[Fraction, ...] = ROOTS,
    law: Callable[[Fraction, Fraction], Fraction] = envelope,
    width: int = 2,
    coefficient: Callable[[NDArray[np.float64]], float] = birkhoff_coefficient,
) -> Evidence:
    """The law on a grid of x, y > 1, `width` × `width` matrices that attain it, and random positive ones."""
    pairs = list(product(roots, repeat=2))
    taus = [(tau(x), tau(y), tau(law(x, y))) for x, y in pairs]
    attained = [(root_of_distortion(spread(x, width) @ spread(y, width)), envelope(x, y)) for x, y in pairs]
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(1, 10, (2, WIDTH, WIDTH)).astype(float) for _ in range(PAIRS)]
    slack = [coefficient(A) * coefficient(B) - coefficient(A @ B) for A, B in draws]
    gain = [float(s) * atanh(t) - atanh(s * t) for s, t, _ in taus]
    return Evidence(
        f"exact arithmetic on {len(pairs)} pairs; {PAIRS} random pairs of {WIDTH} × {WIDTH} matrices, seed "
        f"{SEED}",
        (
            check(
                all(s * t == u for s, t, u in taus),
                "√R(AB) ≤ (1 + x y)/(x + y), with x = √R(A), y = √R(B) and τ = (x − 1)/(x + 1) = tanh(Δ/4), "
                f"reads τ(AB) ≤ τ(A) τ(B), exactly, at all {len(pairs)} pairs: (1 + xy ∓ (x + y)) = (x ∓ "
                "1)(y ∓ 1).",
            ),
            check(
                all(seen == bound for seen, bound in attained),
                "It is sharp in two dimensions: [[x, 1], [1, x]] [[y, 1], [1, y]] attains it at every pair.",
            ),
            check(
                min(slack) > -ROUNDING,
                f"No random pair breaks τ(AB) ≤ τ(A) τ(B); the least slack is {min(slack):.1e}.",
            ),
            check(
                min(gain) > 0,
                "Against Δ(AB) ≤ τ(A) Δ(B), the same contraction with one τ made linear, it is strictly "
                f"better: by {4 * min(gain):.1e} to {4 * max(gain):.1e} in Δ on the grid.",
            ),
        ),
    )


def tau(x: Fraction) -> Fraction:
    """Birkhoff's coefficient tanh(Δ/4) from x = √R = e^(Δ/2)."""
    return (x - 1) / (x + 1)


def spread(x: Fraction, n: int) -> Matrix:
    """(x − 1) I + 1 1ᵀ, (n, n): R = x²."""
    return exact((x - 1) * exact(np.eye(n, dtype=int)) + 1)


def root_of_distortion(A: Matrix) -> Fraction:
    """√R of a matrix of equal diagonal and equal other entries: their ratio."""
    return Fraction(A[0, 0] / A[0, 1])


CLAIM = Claim(
    id="moebius-law",
    words="The worst-case misalignment of a product of positive matrices follows an explicit Möbius law, "
    "which refines the classical Birkhoff–Bushell contraction.",
    source=KRITCHEVSKI,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="It refines Δ(AB) ≤ τ(A) Δ(B). It is Birkhoff's own τ(AB) ≤ τ(A) τ(B) in another variable, so "
    "adds nothing to a bound that multiplies coefficients. (Read: its abstract and introduction; the law as "
    "√R(AB) ≤ (1 + xy)/(x + y).)",
    evidence=evidence,
)
