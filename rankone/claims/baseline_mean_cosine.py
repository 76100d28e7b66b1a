"""Is the baseline in figure 3 the mean cosine of random vectors?"""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rankone.claims.exact import Matrix, exact
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.results.null import null_mean, null_median

SIGNS = exact([-1, 1])
WIDTHS = (3, 64, 512)
PAIRS, SEED = 20_000, 49
STANDARD_ERRORS = 4

Floats = NDArray[np.float64]


def standard_normal(rng: np.random.Generator, width: int) -> Floats:
    """PAIRS vectors N(0, I), (PAIRS, width)."""
    return rng.standard_normal((PAIRS, width))


def evidence(
    signs: Matrix = SIGNS, draw: Callable[[np.random.Generator, int], Floats] = standard_normal
) -> Evidence:
    """All pairs of vectors of `signs` in three dimensions; pairs of random vectors of WIDTHS dimensions."""
    vectors = [exact(v) for v in product(signs, repeat=3)]
    cosines = [u @ v / 3 for u, v in product(vectors, repeat=2)]
    rngs = np.random.default_rng(SEED).spawn(len(WIDTHS))
    samples = [_cosines(draw(rng, d), draw(rng, d)) for rng, d in zip(rngs, WIDTHS, strict=True)]
    absolute = [abs(c) for c in samples]
    laws = [1 - null_mean(d) for d in WIDTHS]
    return Evidence(
        f"exact arithmetic; {PAIRS} pairs of N(0, I) vectors, seed {SEED}",
        (
            check(
                sum(cosines) == 0,
                f"v and −v are equally likely, so E[cos] = 0 in any dimension: the {len(cosines)} cosines "
                f"of the vectors of signs in three dimensions sum to exactly {sum(cosines)}.",
            ),
            check(
                all(abs(c.mean()) < STANDARD_ERRORS * c.std() / PAIRS**0.5 for c in samples),
                f"So it is for N(0, I) in {', '.join(map(str, WIDTHS))} dimensions: mean cos "
                f"{', '.join(f'{c.mean():+.4f}' for c in samples)}, within {STANDARD_ERRORS} standard "
                "errors.",
            ),
            check(
                all(
                    abs(c.mean() - law) < STANDARD_ERRORS * c.std() / PAIRS**0.5
                    for c, law in zip(absolute, laws, strict=True)
                ),
                "A baseline above zero is one of |cos|. Its mean is "
                f"{', '.join(f'{law:.3f}' for law in laws)}, about √(2/(πd)) (this run "
                f"{', '.join(f'{c.mean():.3f}' for c in absolute)}); its median, beside which medians "
                f"belong, {', '.join(f'{1 - null_median(d):.3f}' for d in WIDTHS)}.",
            ),
        ),
    )


def _cosines(U: Floats, V: Floats) -> Floats:
    return np.asarray(np.vecdot(U, V) / (np.linalg.norm(U, axis=1) * np.linalg.norm(V, axis=1)))


CLAIM = Claim(
    id="baseline-mean-cosine",
    words="The baseline of figure 3 is the mean cosine similarity of pairs of random vectors.",
    source=V1,
    section="section 3, figure 3",
    verdict=Verdict.FALSE,
    because="That mean is exactly 0, at every width. What is drawn, and what one needs beside curves of "
    "|cos|, is a statistic of |cos|, which depends on the width.",
    evidence=evidence,
)
