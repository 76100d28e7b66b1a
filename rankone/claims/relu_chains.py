"""Do random chains with ReLUs converge as the others do?"""

import numpy as np

from rankone.chain import Step, Strand, random_chains, rectified
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.ensembles import vanilla
from rankone.laws import relu_law
from rankone.shapes import uniform

WIDTH, DEPTH, SAMPLES, VECTORS, SEED = 512, 24, 8, 8, 51
LONG = 2000
LIMIT = 9 * np.pi**2 / 2
CLOSE = 0.3  # of ln(1 − |cos|), for the median of a few finite chains against their wide limit


def evidence(
    step: Step = rectified, long: int = LONG, doubled: tuple[int, int] = (LONG // 4, LONG // 2)
) -> Evidence:
    """The wide limit up to depth `long` and at depths `doubled`; chains with a `step` after each factor."""
    law, k = relu_law(0.0, max(long, 2 * max(doubled))), np.array([long // 4, long // 2, long])
    chain = _median_distances(step)
    ratio = chain[4:] / relu_law(0.0, DEPTH)[4:]
    early, late = (float(np.log10(law[i] / law[2 * i])) for i in doubled)
    return Evidence(
        f"the law, in closed form; chains of {DEPTH} factors of width {WIDTH}, {SAMPLES} samples, seed "
        f"{SEED}",
        (
            check(
                abs(law[long] * long**2 / LIMIT - 1) < 0.03,
                "They do, but algebraically: (1 − cos) k² is "
                f"{', '.join(f'{law[d] * d**2:.1f}' for d in k)} after k = {', '.join(map(str, k))} factors "
                f"and tends to 9π²/2 = {LIMIT:.1f}.",
            ),
            check(
                (abs(np.log(ratio)) < CLOSE).all(),
                f"Chains of width {WIDTH} follow it: from the fourth factor to the {DEPTH}th 1 − |cos| is "
                f"{ratio.min():.2f} to {ratio.max():.2f} times the law.",
            ),
            check(
                abs(early - late) < 0.05,
                f"Twice the depth gains {early:.2f} decades from {doubled[0]} factors and {late:.2f} from "
                f"{doubled[1]}: nearly the same, where an exponential chain would gain twice as much.",
            ),
        ),
    )


def _median_distances(step: Step) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Median 1 − |cos| after 0, 1, …, DEPTH factors."""
    samples = [
        [
            b.log10_distances()
            for (b,) in random_chains(
                [Strand(vanilla, step)], uniform(WIDTH, DEPTH), vectors=VECTORS, rng=rng
            )
        ]
        for rng in np.random.default_rng(SEED).spawn(SAMPLES)
    ]
    return np.asarray(10 ** np.median(samples, axis=(0, 2)))


CLAIM = Claim(
    id="relu-chains",
    words="With a ReLU after each factor a chain of random matrices converges, too.",
    source=V1,
    section="section 3, figure 4",
    verdict=Verdict.CONDITIONAL,
    because="Algebraically in the depth, as 44/k², not exponentially: a chain of 16 factors stops at a "
    "cosine of about 0.9. To be at 1e-7 it would need more than twenty thousand factors.",
    evidence=evidence,
)
