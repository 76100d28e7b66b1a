"""An image file as a viewer shows it: upright, in 8-bit RGB."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from rankone.errors import refuse

WHITE_IS_ZERO, PHOTOMETRIC = 0, 262  # TIFF 6.0, section 8: 0 is shown white


def shown(path: Path) -> Image.Image:
    """The first image of a file in RGB: turned as its EXIF says, 16 bits scaled to 8, grey in all channels.

    Of transparent pixels the colour is kept. ValueError for a file that is no image, and for one whose
    numbers do not say which is white: float or int32, 16 bits with an inverted scale. OSError if there is
    none.
    """
    try:
        with Image.open(path) as file:
            inverted = file.format == "TIFF" and file.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO
            image = ImageOps.exif_transpose(file)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on damaged bytes
        got = f"{path} ({' '.join(str(error).split()) or type(error).__name__})"
        refuse("images", expected="a readable image", got=got, do="replace or remove the file")
    sixteen_bits = image.mode.startswith("I;16")
    if image.mode in ("I", "F") or (sixteen_bits and inverted):
        kind = {"I": "32-bit whole numbers", "F": "float numbers"}.get(image.mode, "16 bits where 0 is white")
        do = "save it with 8 or 16 bits and white as the largest number, or as the network reads it in a .npy"
        refuse("images", expected="pixels of 8 or 16 bits", got=f"{kind} in {path}", do=do)
    if sixteen_bits:
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))  # 65535 = 257 · 255
    return image.convert("RGB")
