"""From a picture to what a network reads, and back to what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

RESIZE_MARGIN = 256 / 224  # the shorter side before the centre crop, as ImageNet networks are evaluated
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STRETCHED = 16  # times the shorter side: what is further out is cut off unseen, before it is resized
Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """What a network was trained on: pictures of side × side pixels, each channel of pixels in [0, 1] minus
    `mean`, divided by `std`.

    sample: makes a few images as the network reads them, (B, 3, side, side), without a download.
    """

    side: int
    mean: Channels
    std: Channels
    sample: Callable[[], Tensor] | None = None

    def fit(self, picture: Image.Image) -> Image.Image:
        """The picture in side × side pixels: its shorter side resized, its centre cut out."""
        picture = middle(picture)
        scale = self.side * RESIZE_MARGIN / min(picture.size)
        width, height = (max(self.side, round(size * scale)) for size in picture.size)
        return centre(picture.resize((width, height)), self.side)

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W), red, green and blue in [0, 1] -> the same shape, as the network reads it."""
        mean, std = self._channels(pixels)
        return (pixels - mean) / std

    def undone(self, images: Tensor) -> Tensor:
        """The inverse: (B, 3, H, W) as the network reads it -> red, green and blue in [0, 1]."""
        mean, std = self._channels(images)
        return (images * std + mean).clamp(0, 1)

    def _channels(self, like: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(torch.tensor(v, dtype=like.dtype).view(3, 1, 1) for v in (self.mean, self.std))


class Squeezed(Preprocessing):
    """The whole picture, whatever its proportions, resized to side × side."""

    def fit(self, picture: Image.Image) -> Image.Image:
        return picture.resize((self.side, self.side))


def centre(picture: Image.Image, side: int) -> Image.Image:
    """side × side pixels from the middle."""
    return _cut(picture, side, side)


def middle(picture: Image.Image) -> Image.Image:
    """The picture without the ends of a strip: its longer side at most STRETCHED times its shorter one."""
    most = STRETCHED * min(picture.size)
    return (
        picture if max(picture.size) <= most else _cut(picture, *(min(side, most) for side in picture.size))
    )


def _cut(picture: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def pixels(picture: Image.Image) -> Tensor:
    """An RGB picture as (3, H, W) in [0, 1], float32."""
    return torch.from_numpy(np.array(picture, dtype=np.float32) / 255).permute(2, 0, 1)
