"""Images as networks read them: shipped digits, bundled photographs, the user's own files.

Everything here is offline: the digits come with scikit-learn, the photographs with scikit-image and others,
the slices of MRI with nilearn.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.digits import DIGITS, digits
from torch_backend.inputs.files import from_files
from torch_backend.inputs.photographs import IMAGENET, PHOTOGRAPHS, photographs
from torch_backend.inputs.preprocessing import Preprocessing
from torch_backend.inputs.zoo.networks import ZOO
from torch_backend.memory import refuse_beyond_memory

__all__ = [
    "DIGITS",
    "IMAGENET",
    "PHOTOGRAPHS",
    "Preprocessing",
    "digits",
    "from_files",
    "photographs",
    "preprocessing",
    "read",
]

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
NUMPY = {torch.float32: np.float32, torch.float64: np.float64}
AT_ONCE = 64  # images whose numbers are checked at a time


def preprocessing(model: str) -> Preprocessing:
    """What the named network reads: what the trained ones were trained on, ImageNet's for all others."""
    if model in ZOO:
        return ZOO[model].reads
    return DIGITS if model.startswith("digits-") else IMAGENET


def sized(preprocessing: Preprocessing, image: tuple[int | None, ...] | None) -> Preprocessing:
    """The same for square images (C, side, side) that a network declares; None: as it is."""
    sides = set(image[1:]) if image is not None and len(image) == 3 else set()
    return replace(preprocessing, side=side) if len(sides) == 1 and (side := sides.pop()) else preprocessing


def read(
    source: str | Path,
    preprocessing: Preprocessing,
    limit: int | None = None,
    dtype: torch.dtype = torch.float32,
    *,
    skip: Callable[[Path, str], None] | None = None,
) -> Tensor:
    """The first `limit` images (all if None) that `source` names, as (B, C, H, W) in float32 or float64.

    source  "sample": those of `preprocessing`: held-out digits, slices of MRI, photographs;
            a folder (its image files, sorted by name) or one image file;
            a .npy array (B, C, H, W), which is used as it is, rounded only if it has more digits than
            `dtype`: for networks with a preprocessing of their own; or of tokens, whole numbers (B, T).
            In `dtype` it is mapped, not read: all processes of a machine share it, and nothing that is
            written into the images reaches the file
    skip    is told which file of a folder is left out, and why: the next ones take its place. None: the first
            such file is refused.
    Pictures and digits are the same numbers in both precisions.
    ValueError for what is no image, OSError for a file that is not there.
    """
    if limit is not None and limit < 1:
        refuse("limit", expected="at least 1 image", got=limit, do="ask for one or more")
    if str(source) == "sample":
        if preprocessing.sample is None:
            refuse("images", expected="a file or a folder", got="'sample'", do="this network has no sample")
        return preprocessing.sample()[:limit].to(dtype)
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
        return from_files(files, preprocessing, limit, skip=skip).to(dtype)
    return from_files([path], preprocessing).to(dtype)


def _array(path: Path, limit: int | None, dtype: torch.dtype) -> Tensor:
    """The first `limit` images of a .npy file."""
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of arrays")
    except (ValueError, EOFError) as error:
        refuse("images", expected="a .npy array", got=f"{path} ({error})", do="save it with numpy.save")
    what = f"{array.dtype} {array.shape} in {path}"
    if array.ndim == 2 and array.size and np.issubdtype(array.dtype, np.integer):
        return torch.from_numpy(array[:limit].astype(np.int64))
    if array.ndim < 2 or not array.size or not np.issubdtype(array.dtype, np.floating):
        expected = "floating-point numbers, shape (B, C, H, W), B >= 1"
        refuse("images", expected=expected, got=what, do=_instead(array))
    chosen = array[:limit]
    if chosen.dtype != NUMPY[dtype]:
        refuse_beyond_memory("images", chosen.size * dtype.itemsize, got=what, do="take fewer: --limit")
    with np.errstate(over="ignore"):
        images = torch.from_numpy(chosen.astype(NUMPY[dtype], copy=False))
    if not all(some.isfinite().all() for some in images.split(AT_ONCE)):
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
    return "these look like raw pixels: scale and normalise them as the network's training did"
