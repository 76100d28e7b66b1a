"""Corrupted data for the claims on products of matrices."""

from fractions import Fraction

import numpy as np

from rankone.claims import exponential, slow_mixing, theorem_1
from rankone.claims.exact import exact as E
from rankone.claims.exact import identity
from rankone.claims.irreducible_enough import PRIMITIVE

ONES = E(np.ones((3, 3), dtype=int))
THIRDS = ONES / 3

BREAKS = {
    "theorem-1": [
        {"A": identity(3)},
        {"product": identity(3)},
        {"A": THIRDS, "product": THIRDS},
        {"product": 2 * theorem_1.PRODUCT},  # B of the right rank, but not the limit
        {"conserving": E([["1/2", "1/2", "1/2"], [0, 1, 0], [0, 0, 1]])},
        {"conserving": identity(3)},
    ],
    "irreducible-enough": [
        {"A": identity(3)},
        {"A": PRIMITIVE},
        {"A": -ONES},
        {"primitive": identity(3)},
    ],
    "nonneg-enough": [
        {"A": ONES[:2, :2]},
        {"off_diagonal": slow_mixing.divergent},
        {"off_diagonal": lambda n: -slow_mixing.summable(n)},
    ],
    "span-shrinks": [{"permutation": PRIMITIVE}, {"least_entry": -3}],
    "align-more-and-more": [
        {"signed": E([[1, 2], [1, 1]])},
        {"least_entry": 5},
        {"pair": E([[1, -1], [1, 2]])},
        {"least_entry": -5},
    ],
    "exponential": [
        {"off_diagonal": slow_mixing.summable},
        {"off_diagonal": lambda _: Fraction(1, 2)},
        {"factors": exponential.random_factors(high=400)},
        {"factors": [slow_mixing.mixing(slow_mixing.divergent(n)) for n in range(1, 41)]},
    ],
    "no-influence": [{"C": PRIMITIVE}, {"direction": E([1, 0, 0])}],
}
