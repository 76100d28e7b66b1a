"""An image file as a viewer shows it: upright, in 8-bit RGB."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from rankone.errors import refuse

# TIFF 6.0: what says how its numbers are meant
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SAMPLE_FORMAT, UNSIGNED = 339, (1, 4)  # 4: not said
BITS = 258


def shown(path: Path) -> Image.Image:
    """The first image of a file in RGB: turned as its EXIF says, 16 bits scaled to 8, grey in all channels.

    Of transparent pixels the colour is kept. ValueError for a file that is no image, and for one whose
    numbers do not say which is white: float, with a sign, of 12 or 32 bits, 16 bits with an inverted scale.
    OSError if there is none.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as file:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # twice as many are an error
            unclear = _unclear(file)
            of_sixteen = file.mode.startswith("I;16") or _is_grey_map(file)
            image = ImageOps.exif_transpose(file)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on damaged bytes
        got = f"{path} ({' '.join(str(error).split()) or type(error).__name__})"
        refuse("images", expected="a readable image", got=got, do="replace or remove the file")
    if unclear:
        do = "save it with 8 or 16 bits and white as the largest number, or as the network reads it in a .npy"
        refuse("images", expected="pixels of 8 or 16 bits", got=f"{unclear} in {path}", do=do)
    if of_sixteen:
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))  # 65535 = 257 · 255
    if image.mode == "P":
        image = image.convert("RGBA")  # its transparency may have a number for each colour
    return image.convert("RGB")


def _is_grey_map(file: Image.Image) -> bool:
    """A .pgm of more than 8 bits, which Pillow scales to 16."""
    return file.mode == "I" and file.format == "PPM"


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
