"""What a map must beat: an edge detector, which knows no network, and the map of another image."""

import torch
import torch.nn.functional as F
from torch import Tensor

from rankone.errors import refuse

LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green and blue: ITU-R BT.709
ACROSS, ALONG = (
    (1.0, 0.0, -1.0),
    (0.25, 0.5, 0.25),
)  # Sobel: a difference of neighbours, smoothed along the edge


def edges(pixels: Tensor) -> Tensor:
    """Sobel's gradient magnitude √((g_x² + g_y²) / 2) of an image's luminance: (B, H, W) in [0, 1], float64.

    pixels  images as they are drawn (`preprocessing.undone(images)`), (B, 3, H, W) in red, green and blue or
            (B, 1, H, W) in grey, in [0, 1]
    The edge is repeated outwards. The same numbers as `skimage.filters.sobel`. ValueError for other shapes
    and for images that are not in [0, 1].
    """
    _refuse_other_than_pixels(pixels)
    x = F.pad(luminance(pixels)[:, None], (1, 1, 1, 1), mode="replicate")
    across, along = x.new_tensor(ACROSS), x.new_tensor(ALONG)
    kernels = torch.stack([torch.outer(across, along), torch.outer(along, across)])
    return F.conv2d(x, kernels[:, None]).square().mean(1).sqrt()


def luminance(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) or (B, 1, H, W) -> (B, H, W), float64."""
    x = pixels.double()
    return x[:, 0] if x.shape[1] == 1 else torch.tensordot(x, x.new_tensor(LUMINANCE), ([1], [0]))


def another(B: int) -> Tensor | None:
    """For each of B images the place of another, (B,), half the batch away; None where there is no other.

    Half the batch, because neighbours are often alike, such as slices of one brain.
    """
    return (torch.arange(B) + B // 2) % B if B > 1 else None


def _refuse_other_than_pixels(pixels: Tensor) -> None:
    expected = "red, green and blue (B, 3, H, W) or grey (B, 1, H, W) in [0, 1]"
    do = "give images as they are drawn: preprocessing.undone(images)"
    if not isinstance(pixels, Tensor) or not pixels.is_floating_point():
        got = pixels.dtype if isinstance(pixels, Tensor) else type(pixels).__name__
        refuse("pixels", expected=expected, got=got, do=do)
    if pixels.dim() != 4 or pixels.shape[1] not in (1, 3) or 0 in pixels.shape[2:]:
        refuse("pixels", expected=expected, got=tuple(pixels.shape), do=do)
    if not ((pixels >= 0) & (pixels <= 1)).all():
        refuse("pixels", expected=expected, got=f"{pixels.min():g} to {pixels.max():g}", do=do)
