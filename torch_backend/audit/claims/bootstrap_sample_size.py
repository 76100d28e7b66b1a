"""Does a narrow bootstrap interval over images justify the sample size?"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.results.median import Median, bootstrapped_median, order_statistic_median
from torch_backend import methods
from torch_backend.audit.claims.agreement import scores_of_draws
from torch_backend.audit.claims.networks import SMALL_VGG
from torch_backend.methods import Method

UPPER, ALL = "conv4_1", "conv1_1"  # weights are random from the output down to here; to the image
DRAWS = 8
IMAGES = 200  # as many as in the paper

Scores = Callable[[str, Method, str, int, int], NDArray[np.float64]]


def evidence(scores: Scores = scores_of_draws) -> Evidence:
    """The cascade's score at two stages, for several draws of the random weights: (draws, images)."""
    upper, whole = (scores(SMALL_VGG, methods.gradient, stage, DRAWS, IMAGES) for stage in (UPPER, ALL))
    wide, exact = width(bootstrapped_median, whole), width(order_statistic_median, whole)
    pairs = DRAWS * (DRAWS - 1) // 2
    return Evidence(
        f"experiment: the gradient on {SMALL_VGG}, {IMAGES} held-out digits, weights random from the "
        f"output down, {DRAWS} draws of them; rank correlation of either sign, medians with 99 % intervals",
        (
            check(
                0.5 < wide / exact < 1.5,
                f"For one draw of all weights the interval is honest: {wide:.3f} wide by the bootstrap, "
                f"{exact:.3f} by order statistics.",
            ),
            check(
                apart(whole) > pairs / 2,
                f"Other draws give medians from {np.median(whole, 1).min():.2f} to "
                f"{np.median(whole, 1).max():.2f}: of {pairs} pairs of draws {apart(whole)} have "
                "intervals that do not even meet. More images do not help, more draws do.",
            ),
            check(
                apart(upper) == 0,
                f"Down to {UPPER} one draw is enough: medians from {np.median(upper, 1).min():.2f} to "
                f"{np.median(upper, 1).max():.2f}, all intervals meet.",
            ),
        ),
    )


def width(median: Callable[[NDArray[np.float64]], Median], scores: NDArray[np.float64]) -> float:
    """Of the interval, in the median of draws."""
    return float(np.median([one.high - one.low for one in map(median, scores)]))


def apart(scores: NDArray[np.float64]) -> int:
    """Pairs of draws whose intervals do not meet."""
    found = [bootstrapped_median(draw) for draw in scores]
    return sum(a.high < b.low or b.high < a.low for a, b in combinations(found, 2))


CLAIM = Claim(
    id="bootstrap-sample-size",
    words="Small bootstrap confidence intervals show that the number of images suffices.",
    source=V1,
    section="section 3",
    verdict=Verdict.CONDITIONAL,
    because="For the one network with random weights that was drawn. Resampling images says nothing of "
    "another draw: with all weights random that is several intervals away, with the upper half of them "
    "it is not.",
    evidence=evidence,
)
