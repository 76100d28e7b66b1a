"""Images as networks read them: shipped digits, bundled photographs, the user's own files.

Everything here is offline: the digits come with scikit-learn, the photographs with scikit-image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import refuse
from torch_backend.memory import refuse_beyond_memory

# Colour photographs inside scikit-image's wheel; its other images would have to be downloaded.
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "ihc")
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
DIGITS_TEST = 360  # held-out digits of 1797: a fifth
NUMPY = {torch.float32: np.float32, torch.float64: np.float64}
RESIZE_MARGIN = 256 / 224  # the shorter side before the centre crop, as ImageNet networks are evaluated


@dataclass(frozen=True)
class Preprocessing:
    """What a network was trained on: side in pixels, mean and std of each channel of pixels in [0, 1]."""

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> the same shape, normalised per channel."""
        mean, std = (torch.tensor(v, dtype=pixels.dtype).view(3, 1, 1) for v in (self.mean, self.std))
        return (pixels - mean) / std


IMAGENET = Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DIGITS = Preprocessing(32, (0.305, 0.305, 0.305), (0.340, 0.340, 0.340))


def preprocessing(model: str) -> Preprocessing:
    """What the named network reads: the digits' for the shipped ones, ImageNet's for all others."""
    return DIGITS if model.startswith("digits-") else IMAGENET


def sized(preprocessing: Preprocessing, image: tuple[int | None, ...] | None) -> Preprocessing:
    """The same for square images (C, side, side) that a network declares; None: as it is."""
    sides = set(image[1:]) if image is not None and len(image) == 3 else set()
    return replace(preprocessing, side=side) if len(sides) == 1 and (side := sides.pop()) else preprocessing


def digits(split: str) -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits (Alpaydin, Kaynak 1998): images (B, 3, 32, 32), labels (B,) 0 to 9.

    Grey values are repeated over three channels, so that a cosine over input channels has a meaning, and
    upscaled from 8x8. `split` is "train" (1437 images) or "test" (360), fixed once by a seeded permutation.
    """
    from sklearn.datasets import load_digits

    if split not in ("train", "test"):
        refuse(
            "split",
            expected="'train' or 'test'",
            got=repr(split),
            do="take test for measurements, train for training",
        )
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    chosen = torch.from_numpy(order[DIGITS_TEST:] if split == "train" else order[:DIGITS_TEST])
    grey = torch.from_numpy(data.images / 16).float()[chosen, None]  # (B, 1, 8, 8) in [0, 1]
    large = torch.nn.functional.interpolate(grey, size=DIGITS.side, mode="bilinear", align_corners=False)
    return DIGITS(large.expand(-1, 3, -1, -1)).contiguous(), torch.from_numpy(data.target)[chosen].long()


def photographs(preprocessing: Preprocessing = IMAGENET) -> Tensor:
    """scikit-image's bundled colour photographs `PHOTOGRAPHS`, (6, 3, side, side), normalised."""
    from skimage import data

    folder = Path(data.__file__).parent
    found = [path for path in sorted(folder.iterdir()) if path.stem in PHOTOGRAPHS]
    if len(found) != len(PHOTOGRAPHS):
        missing = ", ".join(sorted(set(PHOTOGRAPHS) - {path.stem for path in found}))
        refuse(
            "scikit-image",
            expected="its bundled photographs",
            got=f"a build without {missing}",
            do="reinstall scikit-image or pass images of your own",
        )
    return from_files(sorted(found, key=lambda path: PHOTOGRAPHS.index(path.stem)), preprocessing)


def from_files(paths: Sequence[str | Path], preprocessing: Preprocessing = IMAGENET) -> Tensor:
    """Image files as a viewer shows them -> (B, 3, side, side): shorter side resized, cut to it, normalised.

    Raises ValueError naming the first file that `picture.shown` refuses.
    """
    if not paths:
        refuse(
            "images", expected="at least one image file", got="none", do="name a file or a folder of images"
        )
    needed = 2 * len(paths) * 3 * preprocessing.side**2 * 4  # the pixels, and normalised
    refuse_beyond_memory("images", needed, got=f"{len(paths)} files", do="take fewer: --limit")
    return preprocessing(torch.stack([_pixels(Path(path), preprocessing.side) for path in paths]))


def _pixels(path: Path, side: int) -> Tensor:
    """One file as (3, side, side) in [0, 1]."""
    from torch_backend.inputs.picture import shown

    rgb = shown(path)
    scale = side * RESIZE_MARGIN / min(rgb.size)
    rgb = rgb.resize((max(side, round(rgb.width * scale)), max(side, round(rgb.height * scale))))
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    crop = np.array(rgb.crop((left, top, left + side, top + side)), dtype=np.float32) / 255
    return torch.from_numpy(crop).permute(2, 0, 1)


def read(
    source: str | Path,
    preprocessing: Preprocessing,
    limit: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """The first `limit` images (all if None) that `source` names, as (B, C, H, W) in float32 or float64.

    source  "sample": the held-out digits for the digits networks, else the bundled photographs;
            a folder (its image files, sorted by name) or one image file;
            a .npy array (B, C, H, W), which is used as it is, rounded only if it has more digits than
            `dtype`: for networks with a preprocessing of their own.
    Pictures and digits are the same numbers in both precisions.
    ValueError for what is no image, OSError for a file that is not there.
    """
    if limit is not None and limit < 1:
        refuse("limit", expected="at least 1 image", got=limit, do="ask for one or more")
    if str(source) == "sample":
        images = digits("test")[0] if preprocessing == DIGITS else photographs(preprocessing)
        return images[:limit].to(dtype)
    path = Path(source)
    if path.suffix == ".npy":
        return _array(path, limit, dtype)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            refuse(
                "images",
                expected="a folder with image files",
                got=f"none in {path}",
                do="name a folder that holds .png, .jpg or the like",
            )
        return from_files(files[:limit], preprocessing).to(dtype)
    return from_files([path], preprocessing).to(dtype)


def _array(path: Path, limit: int | None, dtype: torch.dtype) -> Tensor:
    """The first `limit` images of a .npy file."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of arrays")
    except (ValueError, EOFError) as error:
        refuse("images", expected="a .npy array", got=f"{path} ({error})", do="save it with numpy.save")
    what = f"{array.dtype} {array.shape} in {path}"
    if array.ndim < 2 or not array.size or not np.issubdtype(array.dtype, np.floating):
        expected = "floating-point numbers, shape (B, C, H, W), B >= 1"
        refuse("images", expected=expected, got=what, do=_instead(array))
    chosen = array[:limit]
    refuse_beyond_memory("images", chosen.size * dtype.itemsize, got=what, do="take fewer: --limit")
    with np.errstate(over="ignore"):
        images = torch.from_numpy(chosen.astype(NUMPY[dtype]))
    if not images.isfinite().all():
        precision = str(dtype).removeprefix("torch.")
        do = "leave out what is NaN or infinite" + (", or take --float64" if array.itemsize > 4 else "")
        refuse("images", expected=f"finite numbers in {precision}", got=what, do=do)
    return images


def _instead(array: NDArray[Any]) -> str:
    """What to do with an array that is not of images, by what it probably is."""
    if array.ndim < 2 or not array.size:
        return "save the images with the batch axis first"
    if not np.issubdtype(array.dtype, np.integer):
        return "save the images as the network reads them, in float32"
    if array.ndim == 2:
        return "these look like tokens, which relevance cannot reach: save what their embedding makes of them"
    return "these look like raw pixels: scale and normalise them as the network's training did"
