"""Structural similarity of images (Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Process. 13, 2004)."""

from torch import Tensor

from rankone.errors import refuse
from torch_backend.maps.normalising import refuse_other_than_maps

WINDOW = 5  # side, in pixels
K1, K2 = 0.01, 0.03  # Wang et al. 2004, section III C: they keep the quotients away from 0/0


def ssim(a: Tensor, b: Tensor, *, window: int = WINDOW, data_range: float) -> Tensor:
    """Mean over all windows of (2 μ_a μ_b + c1)(2 σ_ab + c2) / ((μ_a² + μ_b² + c1)(σ_a² + σ_b² + c2)): (B,).

    a, b        (B, H, W), float32 or float64; computed in float64
    window      side of a square of equal weights, an odd number from 3 to H and W; only windows that lie
                inside the image count
    data_range  R in c1 = (K1 R)² and c2 = (K2 R)²: the largest minus the smallest value that there can be

    Variances are unbiased. The same number as `skimage.metrics.structural_similarity(win_size=window)`.
    In [-1, 1]; 1 for equal images. ValueError for other shapes, windows and ranges.
    """
    refuse_unlike_maps(a, b)
    _refuse_window(window, min(a.shape[1:]))
    if not data_range > 0:
        refuse("data_range", expected="a number > 0", got=data_range, do="1 for images in [0, 1]")
    a, b = a.double(), b.double()
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    unbiased = window**2 / (window**2 - 1)
    mean_a, mean_b, mean_aa, mean_bb, mean_ab = (means(x, window) for x in (a, b, a * a, b * b, a * b))
    var_a = unbiased * (mean_aa - mean_a**2)
    var_b = unbiased * (mean_bb - mean_b**2)
    cov = unbiased * (mean_ab - mean_a * mean_b)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * cov + c2) / (var_a + var_b + c2)
    return (luminance * structure).mean((1, 2))


def means(x: Tensor, window: int) -> Tensor:
    """Means over the windows inside (B, H, W): (B, H − window + 1, W − window + 1)."""
    return x.unfold(1, window, 1).mean(-1).unfold(2, window, 1).mean(-1)


def refuse_unlike_maps(a: Tensor, b: Tensor) -> None:
    """ValueError unless a and b are maps of one shape."""
    refuse_other_than_maps("a", a)
    refuse_other_than_maps("b", b)
    if a.shape != b.shape:
        refuse(
            "b", expected=f"the shape of a, {tuple(a.shape)}", got=tuple(b.shape), do="compare pairs of maps"
        )


def _refuse_window(window: int, side: int) -> None:
    whole = isinstance(window, int) and not isinstance(window, bool)
    if not whole or window % 2 == 0 or not 3 <= window <= side:
        expected = f"an odd number from 3 to the shorter side of the maps, {side}"
        refuse("window", expected=expected, got=window, do="take a smaller window or larger maps")
