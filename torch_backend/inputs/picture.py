"""An image file as a viewer shows it: upright, in 8-bit RGB."""

import warnings
from contextlib import AbstractContextManager
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from rankone.errors import Refusal, refuse

# TIFF 6.0: what says how its numbers are meant
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SAMPLE_FORMAT, UNSIGNED = 339, (1, 4)  # 4: not said
BITS = 258
ORIENTATION = 274

MOST = 160_000_000  # pixels: a little more than the largest cameras have; 4 bytes each while it is read
LARGE = 1 << 25  # pixels; a network's image has at most a hundredth of it
BAND = 64  # rows of a reduced image that are made at once


def shown(path: Path) -> Image.Image:
    """The first image of a file in RGB: turned as its EXIF says, 16 bits scaled to 8, grey in all channels.

    Of transparent pixels the colour is kept. An image of more than LARGE pixels is reduced by a whole number,
    the mean of so many rows and columns. ValueError for a file that is no image, for one of more than
    MOST pixels, and for one whose numbers do not say which is white: float, with a sign, of 12 or 32 bits, 16
    bits with an inverted scale. OSError if there is none.
    """
    _refuse_no_file(path)
    try:
        with _without_bomb_warning(), Image.open(path) as file:
            _refuse_beyond_most(path, file)
            _refuse_unclear(path, file)
            return _upright(file, sixteen=file.mode.startswith("I;16") or _is_grey_map(file))
    except (FileNotFoundError, Refusal):
        raise
    except Exception as error:  # Pillow raises a dozen kinds on damaged bytes
        got = f"{path} ({' '.join(str(error).split()) or type(error).__name__})"
        return refuse("images", expected="a readable image", got=got, do="replace or remove the file")


def _refuse_no_file(path: Path) -> None:
    if path.is_dir():
        refuse("images", expected="a readable image", got=f"the folder {path}", do="name a file in it")
    if path.is_symlink() and not path.exists():
        do = "mend or remove it"
        refuse("images", expected="a readable image", got=f"{path}, a link to nothing", do=do)


def _without_bomb_warning() -> AbstractContextManager:
    """Pillow warns of half as many pixels as it refuses; MOST lies between."""
    return warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning)


def _upright(file: Image.Image, *, sixteen: bool) -> Image.Image:
    """In RGB, turned as its EXIF says, and reduced if it is large."""
    by = ceil(sqrt(file.width * file.height / LARGE))
    if by == 1:
        return _rgb(ImageOps.exif_transpose(file), sixteen=sixteen)
    file.load()
    image = _reduced(file, by, sixteen=sixteen)
    image.getexif()[ORIENTATION] = file.getexif().get(ORIENTATION, 1)
    return ImageOps.exif_transpose(image)


def _rgb(image: Image.Image, *, sixteen: bool) -> Image.Image:
    """8 bits, in red, green and blue."""
    if sixteen:
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))  # 65535 = 257 · 255
    if image.mode == "P":
        image = image.convert("RGBA")  # its transparency may have a number for each colour
    return image.convert("RGB")


def _reduced(file: Image.Image, by: int, *, sixteen: bool) -> Image.Image:
    """`_rgb`, each pixel the mean of by × by; in bands, so that no second copy of the whole is made."""
    whole = Image.new("RGB", (ceil(file.width / by), ceil(file.height / by)))
    for top in range(0, file.height, by * BAND):
        band = file.crop((0, top, file.width, min(file.height, top + by * BAND)))
        whole.paste(_rgb(band, sixteen=sixteen).reduce(by), (0, top // by))
    return whole


def _is_grey_map(file: Image.Image) -> bool:
    """A .pgm of more than 8 bits, which Pillow scales to 16."""
    return file.mode == "I" and file.format == "PPM"


def _refuse_beyond_most(path: Path, file: Image.Image) -> None:
    if file.width * file.height > MOST:
        got, do = f"{file.width} × {file.height} in {path}", "save it smaller"
        refuse("images", expected=f"at most {MOST // 10**6} million pixels", got=got, do=do)


def _refuse_unclear(path: Path, file: Image.Image) -> None:
    if unclear := _unclear(file):
        do = "save it with 8 or 16 bits and white as the largest number, or as the network reads it in a .npy"
        refuse("images", expected="pixels of 8 or 16 bits", got=f"{unclear} in {path}", do=do)


def _unclear(file: Image.Image) -> str:
    """What kind of numbers they are, if these do not say which is white."""
    tags = file.tag_v2 if isinstance(file, TiffImagePlugin.TiffImageFile) else {}
    if file.mode == "F":
        return "float numbers"
    if not set(tags.get(SAMPLE_FORMAT, (1,))) <= set(UNSIGNED):
        return "numbers with a sign"
    if file.mode == "I" and not _is_grey_map(file):
        return "whole numbers of another size"
    bits = tags.get(BITS, (16,))[0]
    if file.mode.startswith("I;16") and bits != 16:
        return f"{bits} bits"
    inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    return "16 bits where 0 is white" if file.mode.startswith("I;16") and inverted else ""
