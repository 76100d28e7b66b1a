"""Do chains of zero-mean random matrices stay away from rank one?"""

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.laws import vanilla_law
from rankone.shapes import VGG16, Shapes, uniform

WIDTH, DEPTH, SAMPLES, SEED = 16, 150, 400, 30
STANDARD_ERRORS = 4


def evidence(mean_entry: float = 0.0, shapes: Shapes = VGG16) -> Evidence:
    """Mean ln sin² over narrow chains of N(mean, 1) matrices against its exact law; the law for VGG-16."""
    log_sine2 = _chains(mean_entry)
    mean, error = log_sine2.mean(), log_sine2.std(ddof=1) / SAMPLES**0.5
    law, vgg = vanilla_law(uniform(WIDTH, DEPTH)), vanilla_law(shapes)
    return Evidence(
        f"experiment: {SAMPLES} chains of {DEPTH} factors of width {WIDTH}, seed {SEED}",
        (
            check(
                abs(mean - law[-1]) < STANDARD_ERRORS * error,
                f"E[ln sin²] falls by ψ(n/2) − ψ((n−1)/2) = {law[0] - law[1]:.4f} ≈ 1/n a factor: after "
                f"{DEPTH} factors of width {WIDTH} the law says {law[-1]:.2f}, the chains {mean:.2f} ± "
                f"{error:.2f}.",
            ),
            check(
                vgg[-2] > -0.1,
                f"At the widths of VGG-16 it is only {vgg[-2]:.3f} one factor above the input: the "
                f"directions still differ, with a typical sin² of {np.exp(vgg[-2]):.2f}.",
            ),
        ),
    )


def _chains(mean_entry: float) -> NDArray[np.float64]:
    """ln sin² of the images of two N(0, I) starts under SAMPLES chains: (SAMPLES,)."""
    rng = np.random.default_rng(SEED)
    R = rng.standard_normal((SAMPLES, 2, WIDTH))
    for _ in range(DEPTH):
        R = R @ (mean_entry + rng.standard_normal((SAMPLES, WIDTH, WIDTH)))
        R /= np.linalg.norm(R, axis=2, keepdims=True)
    u, v = R.swapaxes(0, 1)
    same, opposite = (np.square(u + sign * v).sum(axis=1) / 2 for sign in (-1, 1))
    return np.asarray(np.log(same) + np.log(opposite))  # sin² = (1 − cos)(1 + cos)


CLAIM = Claim(
    id="vanilla-converges",
    words="Random matrices with entries of both signs (vanilla) do not converge to rank one. (The figure "
    "shows it; the text does not say so.)",
    source=V1,
    section="section 3, figure 4",
    verdict=Verdict.CONDITIONAL,
    because="For depths well below the width, as in VGG-16. Deep chains do converge: ln sin² falls by "
    "about 1/n a factor.",
    evidence=evidence,
)
