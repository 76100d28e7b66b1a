"""Are the matrices of convolutions irreducible only locally?"""

import numpy as np

from rankone.claims.conv_net import ConvNet, Floats
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive
from rankone.claims.sources import V1
from rankone.structure import index_of_primitivity, is_irreducible, is_primitive

PLACES, SIDE, TAPS, SEED = 40, 14, 3, 43
NET = ConvNet(length=20, channels=8, taps=TAPS)


def evidence(taps: int = TAPS, side_taps: int = TAPS, pointwise: int = 1, net: ConvNet = NET) -> Evidence:
    """Positive taps over PLACES and over SIDE × SIDE; `pointwise` taps; W⁺ of one random convolution."""
    line, square = band(PLACES, taps), np.kron(band(SIDE, side_taps), band(SIDE, side_taps))
    W = positive(net.layer(np.random.default_rng(SEED)))
    return Evidence(
        f"exact arithmetic; one random convolution, seed {SEED}",
        (
            check(
                is_primitive(line) and index_of_primitivity(line) == PLACES - 1,
                f"A convolution with {taps} positive taps over {PLACES} places is irreducible, and even "
                f"primitive: its power {PLACES - 1}, and none before, is positive.",
            ),
            check(
                is_primitive(square) and index_of_primitivity(square) == SIDE - 1,
                f"So is a {side_taps} × {side_taps} convolution of a {SIDE} × {SIDE} map, from the power "
                f"{SIDE - 1} on: the taps reach one place further in every layer.",
            ),
            check(
                is_primitive(W),
                f"Half of the weights may be negative: W⁺ of a random convolution of {net.taps} taps, "
                f"{net.channels} channels and {net.length} places is primitive, with the index "
                f"{_index(W)}.",
            ),
            check(
                not is_irreducible(band(PLACES, pointwise)),
                f"A 1 × 1 convolution is not: {PLACES} places never hear of each other.",
            ),
        ),
    )


def band(places: int, taps: int) -> Floats:
    """The matrix (places, places) of a convolution with `taps` (odd) taps of 1, zero padding."""
    reach = taps // 2
    return np.asarray(sum(np.eye(places, k=k) for k in range(-reach, reach + 1)))


def _index(W: Floats) -> str:
    return str(index_of_primitivity(W)) if is_primitive(W) else "none"


CLAIM = Claim(
    id="conv-irreducible",
    words="The matrices of convolutional layers are not irreducible as a whole, only locally.",
    source=V1,
    section="section 2",
    verdict=Verdict.FALSE,
    because="A 3 × 3 convolution leads from every place to its neighbours and so, in the end, to all: it is "
    "irreducible and primitive. What is local is a product of few of them. 1 × 1 convolutions are reducible.",
    evidence=evidence,
)
