"""Image files as a viewer shows them: 16 bits scaled, EXIF turned, numbers without a white refused."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from torch_backend import images
from torch_backend.inputs.picture import shown

RAMP = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))  # black on the left, white on the right
VIEW = images.Preprocessing(8, (0, 0, 0), (1, 1, 1))


def png(pixels: np.ndarray, colour_type: int) -> bytes:
    """A 16-bit PNG from its specification; Pillow writes none in colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels.reshape(height, -1))
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_scaled_whatever_the_colours(colour_type, channels, tmp_path):
    """Grey, RGB, with and without transparency. Clipped at 255 as 8 bits, grey has the mean 0.99."""
    (tmp_path / "ramp.png").write_bytes(png(np.repeat(RAMP[..., None], channels, axis=2), colour_type))
    np.testing.assert_allclose(np.asarray(shown(tmp_path / "ramp.png"))[..., 1], RAMP / 257, atol=1)
    assert abs(images.read(tmp_path / "ramp.png", VIEW).mean() - 0.5) < 0.1


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif"])
def test_grey_of_sixteen_bits_is_rounded_to_the_nearest_of_eight(name, tmp_path):
    Image.fromarray(RAMP).save(tmp_path / name)
    np.testing.assert_array_equal(np.asarray(shown(tmp_path / name))[..., 2], np.rint(RAMP / 257))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_is_turned_back(orientation, tmp_path):
    """The eight ways to hold it: what is stored is turned or mirrored, what is shown is upright."""
    upright = Image.fromarray(np.arange(12 * 20, dtype=np.uint8).reshape(12, 20))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation -> transposition that stores it
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(shown(tmp_path / "turned.png"))[..., 0], np.asarray(upright))


def test_a_photograph_taken_sideways_is_read_upright(tmp_path):
    """White above black, stored on its side: unturned, left and right would differ instead."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(tmp_path / "sideways.jpg", exif=exif, quality=95)
    (image,) = images.read(tmp_path / "sideways.jpg", VIEW)
    assert image[:, :3].min() > 0.9 and image[:, 5:].max() < 0.1


def test_numbers_without_a_white_are_refused(tmp_path):
    Image.fromarray(np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)).save(tmp_path / "float.tif")
    Image.fromarray(np.arange(4096, dtype=np.int32).reshape(64, 64)).save(tmp_path / "int32.tif")
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    Image.fromarray(RAMP).save(tmp_path / "inverted.tif", tiffinfo=tags)
    (tmp_path / "grey.pgm").write_bytes(b"P5 64 64 65535\n" + RAMP.astype(">u2").tobytes())
    for name, kind in {
        "float.tif": "float numbers",
        "int32.tif": "32-bit whole numbers",
        "grey.pgm": "32-bit whole numbers",
        "inverted.tif": "16 bits where 0 is white",
    }.items():
        with pytest.raises(ValueError, match=f"expected pixels of 8 or 16 bits, got {kind} in .*{name}"):
            images.read(tmp_path / name, VIEW)
