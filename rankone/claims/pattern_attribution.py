"""Must PatternAttribution converge, or may its negative entries prevent it?"""

import numpy as np

from rankone.chain import running_products
from rankone.claims.exact import Matrix, exact, identity, orthogonal, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import w_squared
from rankone.claims.sources import V1

W = exact([[3, -1]])
COVARIANCE = exact([[2, 1], [1, 1]])
CYCLE = exact([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
WIDTH, DEPTH, STARTS, SEED = 64, 6, 8, 54


def evidence(covariance: Matrix = COVARIANCE, cycle: Matrix = CYCLE, depth: int = DEPTH) -> Evidence:
    """One neuron, W (1, 2), on correlated data; `depth` layers `cycle`, (3, 3), or random, on white data."""
    Z = weights_times_patterns(W, covariance)
    chain = np.linalg.matrix_power(weights_times_patterns(cycle, identity(3)), depth)
    rng = np.random.default_rng(SEED)
    layers = [rng.standard_normal((WIDTH, WIDTH)) for _ in range(depth)]
    Zs = [weights_times_patterns(V, np.eye(WIDTH)) for V in layers]
    *_, last = running_products(rng.standard_normal((STARTS, WIDTH)), Zs)
    loss = float(10 ** np.median(last.log10_distances()))
    return Evidence(
        f"exact arithmetic; {depth} random layers of width {WIDTH}, seed {SEED}",
        (
            check(
                (Z < 0).any() and Z.sum() == 1,
                f"For weights {show(W[0])} and data of covariance {show(covariance)} the pattern is p = "
                f"Σw/(wᵀΣw), and w ⊙ p = {show(Z[:, 0])}: its sum is 1, and an entry is negative.",
            ),
            check(
                orthogonal(chain),
                f"And it need not mix: layers W = {show(cycle)} on white data give a product of {depth} with "
                f"orthogonal columns, {show(chain)}.",
            ),
            check(
                all(np.allclose(A, w_squared(V)) for A, V in zip(Zs, layers, strict=True)) and loss < 1e-4,
                "Where data are white, W ⊙ P is the w²-rule, which is non-negative, and random layers make "
                f"it converge: after {depth} of width {WIDTH} the median 1 − |cos| is {loss:.0e}.",
            ),
        ),
    )


def weights_times_patterns(W: Matrix, covariance: Matrix) -> Matrix:
    """Z = (W ⊙ P)ᵀ, (n, m), with the linear patterns p_j = Σ w_j / (w_jᵀ Σ w_j), Σ (n, n) the covariance."""
    S = W @ covariance
    return np.asarray((W * S / (W * S).sum(axis=1)[:, None]).T)


CLAIM = Claim(
    id="pattern-attribution",
    words="PatternAttribution need not converge: its matrices W ⊙ P may have negative entries.",
    source=V1,
    section="section 2",
    verdict=Verdict.HOLDS,
    because="Correlated data give negative entries, and layers that select do not mix. On white data it is "
    "the w²-rule and, with random weights, converges like any non-negative rule.",
    evidence=evidence,
)
