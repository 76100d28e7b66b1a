"""Is LRP_z the same map as gradient ⊙ input?"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, exact, identity
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_rule
from rankone.claims.sources import V1

NETWORKS, SEED = 100, 34
WIDTHS = (3, 6, 3, 2)
POOL = 2
PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)  # one for each unit
EPSILON = Fraction(1, 10)
STEP = Fraction(1, 10**6)
ZERO = Fraction(0)

Biases = tuple[Matrix, ...]


@dataclass(frozen=True)
class Network:
    """A dense layer, max-pooling over POOL units, two dense layers, ReLUs between them; and the input x."""

    weights: tuple[Matrix, ...]
    biases: Biases
    x: Matrix

    def pieces(self, x: Matrix) -> list[tuple[Matrix, Matrix, Matrix]]:
        """(W, b, input) of each linear piece at x, max-pooling as the 0/1 matrix that selects."""
        (W1, W2, W3), (b1, b2, b3) = self.weights, self.biases
        h1 = positive(W1 @ x + b1)
        winners = [POOL * i + int(np.argmax(pair)) for i, pair in enumerate(h1.reshape(-1, POOL))]
        P = identity(len(h1))[winners]
        h2 = positive(W2 @ (P @ h1) + b2)
        return [(W1, b1, x), (P, exact([0] * len(P)), h1), (W2, b2, P @ h1), (W3, b3, h2)]

    def logit(self, x: Matrix) -> Fraction:
        """f_0(x), the logit that is explained."""
        W, b, h = self.pieces(x)[-1]
        return Fraction((W @ h + b)[0])

    def slopes(self, step: Fraction) -> Matrix:
        """(f_0(x + step·e_i) − f_0(x)) / step: the gradient, as long as no ReLU and no maximum changes."""
        f = self.logit(self.x)
        return exact([(self.logit(self.x + step * e) - f) / step for e in identity(len(self.x))])

    def relevance(self, in_z: Biases, epsilon: Fraction) -> Matrix:
        """LRP_z (LRP_ε) of f_0: r_l = Z r_{l+1} from r_n = f_0(x), the biases `in_z` in the denominators."""
        b1, b2, b3 = in_z
        r = self.logit(self.x) * exact([1, 0])
        for (W, _, h), b in zip(self.pieces(self.x)[::-1], (b3, b2, 0, b1), strict=True):
            r = z_rule(W, h, b, epsilon) @ r
        return np.asarray(r)


def with_biases(rng: np.random.Generator) -> Network:
    """Small integers; each bias off by 1/p, p the unit's own prime: no sum is zero, no two units are equal.

    For p divides the denominator of that sum, and of no other one that it meets.
    """
    n, k, m, out = WIDTHS
    shapes, offsets = ((k, n), (m, k // POOL), (out, m)), [Fraction(1, p) for p in PRIMES]
    offset = [exact(offsets[:k]), exact(offsets[k : k + m]), exact(offsets[k + m :])]
    return Network(
        tuple(exact(rng.integers(-3, 4, shape)) for shape in shapes),
        tuple(exact(rng.integers(-2, 3, len(o))) + o for o in offset),
        exact(rng.integers(1, 4, n)),
    )


def zeros(biases: Biases) -> Biases:
    """Biases left out."""
    return tuple(0 * b for b in biases)


def evidence(
    draw: Callable[[np.random.Generator], Network] = with_biases,
    step: Fraction = STEP,
    stabiliser: Fraction = ZERO,
    epsilon: Fraction = EPSILON,
    left_out: Callable[[Biases], Biases] = zeros,
) -> Evidence:
    """NETWORKS random networks of dense layers and max-pooling with biases.

    The gradient is a difference quotient: exact, as the network is piecewise linear, if halving the step does
    not change it.
    """
    networks = [draw(rng) for rng in np.random.default_rng(SEED).spawn(NETWORKS)]
    slopes = [net.slopes(step) for net in networks]
    halves = [net.slopes(step / 2) for net in networks]
    wanted = [slope * net.x for slope, net in zip(slopes, networks, strict=True)]
    found = [net.relevance(net.biases, stabiliser) for net in networks]
    moved = _differing(wanted, [net.relevance(net.biases, epsilon) for net in networks])
    without = _differing(wanted, [net.relevance(left_out(net.biases), ZERO) for net in networks])
    unequal_sums = sum(r.sum() != net.logit(net.x) for r, net in zip(found, networks, strict=True))
    alive = sum(any(slope != 0) for slope in slopes)
    return Evidence(
        f"exact arithmetic; {NETWORKS} random networks, seed {SEED}",
        (
            check(
                _differing(slopes, halves) == 0 and alive > NETWORKS / 2,
                f"The gradients of f_0 are exact in all {NETWORKS} networks: half the step gives the same. "
                f"{alive} of them are not zero.",
            ),
            check(
                _differing(wanted, found) == 0,
                f"LRP_z equals gradient ⊙ input, entry by entry, in all {NETWORKS}.",
            ),
            check(
                unequal_sums > NETWORKS / 2,
                f"It does not conserve: in {unequal_sums} the relevances do not sum to f_0; the biases took "
                "the rest.",
            ),
            check(
                moved > NETWORKS / 2,
                f"LRP_ε with ε = {epsilon} differs in {moved}: ε breaks the equality.",
            ),
            check(
                without > NETWORKS / 2,
                f"With z_j = Σ_i z_ij, the bias left out of the denominators, LRP_z differs in {without}.",
            ),
        ),
    )


def _differing(these: list[Matrix], those: list[Matrix]) -> int:
    return sum(bool((x != y).any()) for x, y in zip(these, those, strict=True))


CLAIM = Claim(
    id="lrp-z-is-grad-input",
    words="For networks of ReLUs and max-pooling, LRP_z is gradient ⊙ input.",
    source=V1,
    section="section 2",
    verdict=Verdict.HOLDS,
    because="When z_j includes the bias and the start is r_n = f_k(x): r_j/z_j is then the gradient "
    "wherever z_j ≠ 0. An ε, or biases left out of z_j, break it.",
    evidence=evidence,
)
