"""Do the results for matrices apply to convolutional layers as they stand?"""

from collections.abc import Callable
from itertools import product

import numpy as np

from rankone.claims.exact import Matrix, exact
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from rankone.structure import is_scrambling

KERNEL = exact([[1, -2, 0], [3, 4, -1], [0, 2, 5]])
SIDE = 6
TAPS, PLACES = 3, 40

#: VGG-16 down from conv5_3: kernel and stride of each convolution and pooling.
VGG16_CONVOLUTIONS = (
    *[(3, 1)] * 3,
    (2, 2),
    *[(3, 1)] * 3,
    (2, 2),
    *[(3, 1)] * 3,
    (2, 2),
    *[(3, 1)] * 2,
    (2, 2),
    *[(3, 1)] * 2,
)
MAP = 14


def as_matrix(kernel: Matrix, side: int) -> Matrix:
    """The matrix (side², side²) of a convolution with zero padding; row and column y·side + x."""
    reach = len(kernel) // 2
    A = exact(np.zeros((side**2, side**2), dtype=int))
    for y, x, dy, dx in product(range(side), range(side), range(-reach, reach + 1), range(-reach, reach + 1)):
        if 0 <= y + dy < side and 0 <= x + dx < side:
            A[y * side + x, (y + dy) * side + x + dx] = kernel[reach + dy, reach + dx]
    return A


def convolved(kernel: Matrix, image: Matrix) -> Matrix:
    """Σ_dydx kernel[dy, dx] · image[y + dy, x + dx], zero padding, as sums of shifted images."""
    k, side = len(kernel), len(image)
    padded = np.pad(image, k // 2)
    shifted = [kernel[i, j] * padded[i : i + side, j : j + side] for i, j in product(range(k), repeat=2)]
    return np.asarray(sum(shifted))


def receptive_field(layers: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Pixels that one unit sees, and pixels between two neighbours, through (kernel, stride), top down."""
    field, stride = 1, 1
    for kernel, step in layers:
        field, stride = field * step + kernel - step, stride * step
    return field, stride


def evidence(
    matrix: Callable[[Matrix, int], Matrix] = as_matrix,
    layers: tuple[tuple[int, int], ...] = VGG16_CONVOLUTIONS,
    taps: int = TAPS,
) -> Evidence:
    """KERNEL as a `matrix`; when `taps` over PLACES scramble; the fields of a stack of (kernel, stride)."""
    image = exact(np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 7)
    same = (matrix(KERNEL, SIDE) @ image.ravel() == convolved(KERNEL, image).ravel()).all()
    band = np.asarray(sum(np.eye(PLACES, k=k, dtype=int) for k in range(-(taps // 2), taps // 2 + 1)))
    depths = [d for d in range(1, PLACES) if is_scrambling(_power(band, d), "columns")]
    field, stride = receptive_field(layers)
    between = (MAP - 1) * stride
    return Evidence(
        "exact arithmetic",
        (
            check(
                same,
                f"A {len(KERNEL)} × {len(KERNEL)} convolution of a {SIDE} × {SIDE} image is a product with a "
                f"{SIDE**2} × {SIDE**2} matrix, exactly: what holds for every matrix holds for it.",
            ),
            check(
                depths and depths[0] > PLACES // 4,
                f"But a condition on columns that overlap fails: with {taps} positive taps over {PLACES} "
                f"places there are disjoint columns until {depths[0]} layers are multiplied.",
            ),
            check(
                field < between,
                f"In VGG-16 it fails to the end: a unit of conv5_3 sees {field} pixels, two units in "
                f"opposite corners of its {MAP} × {MAP} map stand {between} pixels apart. The product of "
                "all 13 convolutions has orthogonal columns.",
            ),
        ),
    )


def _power(band: Matrix, depth: int) -> Matrix:
    """The 0/1 pattern of band^depth."""
    P = np.eye(len(band), dtype=int)
    for _ in range(depth):
        P = (P @ band > 0).astype(int)
    return P


CLAIM = Claim(
    id="applies-to-convolutions",
    words="All results for dense layers apply to convolutional layers as well.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="What holds for every matrix does: a convolution is one. A theorem that asks for overlapping "
    "columns does not: in VGG-16 opposite corners never meet. There it speaks of single locations only, as "
    "the paper says elsewhere.",
    evidence=evidence,
)
