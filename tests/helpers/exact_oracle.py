"""Certificates' slow oracle: Fractions for the product and the pairs, 120 digits for what is irrational.

Shares no code with `rankone.certificate` or `rankone.verify`. Also the chains that their tests run over.
"""

from fractions import Fraction
from functools import reduce
from itertools import combinations, pairwise

import mpmath
import numpy as np

DIGITS = 120
mp = mpmath.MPContext()
mp.dps = DIGITS


def fractions(Z):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(Z, np.float64))


def number(x):
    """A Fraction (or a float) as a real of 120 digits."""
    return mp.mpf(Fraction(x).numerator) / Fraction(x).denominator


def one_minus_cos(x, y):
    cos2 = Fraction(x @ y) ** 2 / (Fraction(x @ x) * Fraction(y @ y))
    return number(1 - cos2) / (1 + mp.sqrt(number(cos2)))


def total_variation(x, y):
    return number(abs(x / x.sum() - y / y.sum()).sum() / 2)


def hilbert(x, y):
    if any((a > 0) != (b > 0) for a, b in zip(x, y, strict=True)):
        return mp.inf
    ratios = [a / b for a, b in zip(x, y, strict=True) if b]
    return mp.log(number(max(ratios) / min(ratios)))


def signed(theta, probability):
    """The bound of `certificate.signed_one_minus_cos`, derived again: 1 - cos of twice its angle φ."""
    if theta >= mp.pi / 4:
        return mp.mpf(1)
    failure = (1 - mp.mpf(probability)) / 2
    q, t = failure / 10, failure * 9 / 10 * mp.sqrt(mp.pi / 2)
    phi = mp.atan(mp.tan(theta) * (1 + mp.sqrt(2 * mp.log(1 / q))) / t)
    return 2 * mp.sin(min(phi, mp.pi / 4)) ** 2


def maxima(factors):
    """The true value of every claim without a probability, by name."""
    C = reduce(np.matmul, map(fractions, factors))
    pairs = [(C[:, j], C[:, k]) for j, k in combinations(range(C.shape[1]), 2)]
    largest = {
        f.__name__: max((f(x, y) for x, y in pairs), default=mp.mpf(0))
        for f in (one_minus_cos, total_variation, hilbert)
    }
    delta = largest["hilbert"]
    return {
        "one_minus_cos": largest["one_minus_cos"],
        "angle": 2 * mp.asin(mp.sqrt(largest["one_minus_cos"] / 2)),
        "total_variation": largest["total_variation"],
        "hilbert_diameter": delta,
        "one_minus_cos_below": 1 if delta == mp.inf else 2 * mp.sinh(delta / 4) ** 2 / mp.cosh(delta / 2),
        "share_below": mp.expm1(delta),
        "total_variation_below": mp.tanh(delta / 4),
    }


def truth(factors, name, probability=1.0):
    """The true value of one claim; for the signed one the sharpest bound that its argument gives."""
    values = maxima(factors)
    return signed(values["angle"], probability) if name == "signed_one_minus_cos" else values[name]


KINDS = {
    "half-normal": lambda rng, shape: np.abs(rng.standard_normal(shape)),
    "uniform in [1, 2]": lambda rng, shape: 1 + rng.random(shape),
    "sparse": lambda rng, shape: rng.random(shape) * (rng.random(shape) < 0.4),
    "zero rows": lambda rng, shape: rng.random(shape) * (rng.random(shape[0]) < 0.7)[:, None],
    "wide range": lambda rng, shape: 10.0 ** rng.uniform(-20, 20, shape),
    "huge": lambda rng, shape: rng.random(shape) * 2.0**1000,
    "tiny": lambda rng, shape: rng.random(shape) * 2.0**-960,
    "integers": lambda rng, shape: rng.integers(0, 3, shape).astype(np.float64),
    "nearly rank one": lambda rng, shape: 1 + 1e-9 * rng.random(shape),
    "permutation": lambda rng, shape: np.eye(*shape)[rng.permutation(shape[0])] * rng.random(shape),
    "float32": lambda rng, shape: rng.random(shape).astype(np.float32),
}


def chain(kind, seed, widths=None, depth=None):
    """A random chain of one kind; by default up to 8 factors no wider than 24, most of them narrow."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    depth = depth or int(rng.integers(1, 9))
    widths = widths or [int(n) for n in rng.integers(2, 25 if seed % 8 == 0 else 8, depth + 1)]
    factors = [KINDS[kind](rng, (n, m)) for n, m in pairwise(widths)]
    return without_zero_columns(factors)


def without_zero_columns(factors):
    """The chain with those columns of the last factor that reach the first, or a column of ones."""
    reach = reduce(np.matmul, [(Z > 0).astype(float) for Z in factors]).any(axis=0)
    if reach.any():
        return [*factors[:-1], np.ascontiguousarray(factors[-1][:, reach])]
    return [np.ones_like(Z) for Z in factors]
