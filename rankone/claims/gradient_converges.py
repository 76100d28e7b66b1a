"""Does the gradient not converge, as it relies on the weights alone?"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive
from rankone.claims.sources import V1

WIDTH, DEPTH, NETWORKS, SEED = 32, 150, 200, 53
STANDARD_ERRORS = 4


def evidence(mean: float = 0.0, shallow: int = 8, width: int = WIDTH) -> Evidence:
    """Gradients of two directions of the logits of random ReLU networks, weights of the given `mean`."""
    log_sine2, law = map(np.array, zip(*_networks(mean, width), strict=True))
    seen, error = log_sine2.mean(axis=0), log_sine2.std(axis=0, ddof=1) / NETWORKS**0.5
    wanted = law.mean(axis=0)
    return Evidence(
        f"experiment: {NETWORKS} ReLU networks of {DEPTH} layers of width {width}, He weights, seed {SEED}",
        (
            check(
                np.exp(seen[shallow - 1]) > 0.3,
                f"After {shallow} layers the gradients of two logits still differ: typical sin² "
                f"{np.exp(seen[shallow - 1]):.2f}.",
            ),
            check(
                abs(seen[-1] - wanted[-1]) < STANDARD_ERRORS * error[-1],
                f"But ln sin² falls all the way, to {seen[-1]:.2f} ± {error[-1]:.2f} after {DEPTH}. A layer "
                "with m active units lets E[ln sin²] fall by ψ(m/2) − ψ((m−1)/2) ≈ 1/m, as a chain of their "
                f"width would: {wanted[-1]:.2f}.",
            ),
            check(
                np.exp(seen[-1]) < 1e-3,
                "So the gradients of deep, narrow networks are parallel, too: typical sin² "
                f"{np.exp(seen[-1]):.0e}.",
            ),
        ),
    )


def _networks(mean: float, width: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """ln sin² of two gradients below 1, 2, … layers from the top of a network, and its law."""
    return [_network(rng, mean, width) for rng in np.random.default_rng(SEED).spawn(NETWORKS)]


def _network(
    rng: np.random.Generator, mean: float, width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    Ws = mean + rng.normal(0, (2 / width) ** 0.5, (DEPTH, width, width))
    h, masks = rng.uniform(0, 1, width), []
    for W in Ws:
        h = positive(W @ h)
        h /= np.linalg.norm(h)
        masks.append(h > 0)
    R, log_sine2 = rng.standard_normal((width, 2)), []
    for W, mask in zip(Ws[::-1], masks[::-1], strict=True):
        R = W.T @ (mask[:, None] * R)
        R /= np.linalg.norm(R, axis=0)
        log_sine2.append(_log_sine2(*R.T))
    active = np.array([mask.sum() for mask in masks[::-1]])
    flattening = special.psi(active / 2) - special.psi((active - 1) / 2)
    start = special.psi(width / 2) - special.psi((width - 1) / 2)
    return np.array(log_sine2), -start - np.cumsum(flattening)


def _log_sine2(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """ln sin² of two unit vectors, as (1 − cos)(1 + cos)."""
    same, opposite = (float(np.square(u + sign * v).sum() / 2) for sign in (-1, 1))
    return float(np.log(same) + np.log(opposite))


CLAIM = Claim(
    id="gradient-converges",
    words="Methods that rely on the gradient only do not converge.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="At depths well below the width, as in VGG-16. Deep and narrow networks make gradients "
    "parallel, too: ln sin² falls by about 1/m a layer, m its active units.",
    evidence=evidence,
)
