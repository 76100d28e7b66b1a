"""Is LRP_z the same map as gradient ⊙ input?"""

from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, exact, identity, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive, z_rule

X = exact([2, -1, 3])
WEIGHTS = (
    exact([[1, 2, 1], [2, 1, -1], [-1, 3, 2], [2, 2, 0], [0, -2, 1], [-1, 1, -1]]),
    exact([[1, -1, 2], [2, 1, 1], [-1, 1, -2]]),
    exact([[1, 3, -1], [2, -1, 1]]),
)
BIASES = (exact([1, -1, 2, 0, 1, -1]), exact([0, 2, -1]), exact([-1, 1]))
NO_BIASES = tuple(0 * b for b in BIASES)
POOL = 2
EPSILON = Fraction(1, 10)
STEP = Fraction(1, 1000)
ZERO = Fraction(0)

Biases = tuple[Matrix, ...]


def forward(x: Matrix, biases: Biases) -> list[tuple[Matrix, Matrix, Matrix]]:
    """(W, b, input) of each linear piece: dense, max-pooling as the 0/1 matrix that selects, dense, dense."""
    (W1, W2, W3), (b1, b2, b3) = WEIGHTS, biases
    h1 = positive(W1 @ x + b1)
    winners = [POOL * i + int(np.argmax(pair)) for i, pair in enumerate(h1.reshape(-1, POOL))]
    P = identity(len(h1))[winners]
    h2 = positive(W2 @ (P @ h1) + b2)
    return [(W1, b1, x), (P, exact([0] * len(P)), h1), (W2, b2, P @ h1), (W3, b3, h2)]


def logit(x: Matrix, biases: Biases) -> Fraction:
    """f_0(x), the logit that is explained."""
    W, b, h = forward(x, biases)[-1]
    return Fraction((W @ h + b)[0])


def relevance(x: Matrix, biases: Biases, in_z: Biases, epsilon: Fraction) -> Matrix:
    """LRP_z (LRP_ε) of f_0: r_l = Z r_{l+1} from r_n = f_0(x), with the biases `in_z` in the denominators."""
    b1, b2, b3 = in_z
    r = logit(x, biases) * exact([1, 0])
    for (W, _, h), b in zip(forward(x, biases)[::-1], (b3, b2, 0, b1), strict=True):
        r = z_rule(W, h, b, epsilon) @ r
    return np.asarray(r)


def evidence(
    biases: Biases = BIASES,
    step: Fraction = STEP,
    stabiliser: Fraction = ZERO,
    epsilon: Fraction = EPSILON,
    left_out: Biases = NO_BIASES,
) -> Evidence:
    """A dense, a max-pooling and two dense layers with biases, at x = X.

    The gradient is a difference quotient: exact, as the network is piecewise linear, if halving the step does
    not change it.
    """
    f = logit(X, biases)
    slope, half = (
        exact([(logit(X + t * e, biases) - f) / t for e in identity(len(X))]) for t in (step, step / 2)
    )
    gradient_input = slope * X
    r = relevance(X, biases, biases, stabiliser)
    r_epsilon = relevance(X, biases, biases, epsilon)
    r_without = relevance(X, biases, left_out, ZERO)
    return Evidence(
        "exact arithmetic",
        (
            check((slope == half).all(), f"The gradient of f_0 = {f} at x = {show(X)} is {show(slope)}."),
            check(
                (r == gradient_input).all(),
                f"LRP_z gives {show(r)}, gradient ⊙ input {show(gradient_input)}: equal.",
            ),
            check(
                r.sum() != f,
                f"It does not conserve: the relevances sum to {r.sum()}, not {f}; the biases took the rest.",
            ),
            check(
                (r_epsilon != gradient_input).any(),
                f"LRP_ε with ε = {epsilon} gives {', '.join(f'{float(v):.4f}' for v in r_epsilon)}: ε breaks "
                "the equality.",
            ),
            check(
                (r_without != gradient_input).any(),
                "With z_j = Σ_i z_ij, leaving the bias out of the denominators, LRP_z gives "
                f"{show(r_without)}: not equal.",
            ),
        ),
    )


CLAIM = Claim(
    id="lrp-z-is-grad-input",
    words="For networks of ReLUs and max-pooling, LRP_z is gradient ⊙ input.",
    section="2",
    verdict=Verdict.HOLDS,
    because="When z_j includes the bias and the start is r_n = f_k(x): r_j/z_j is then the gradient "
    "wherever z_j ≠ 0. An ε, or biases left out of z_j, break it.",
    evidence=evidence,
)
