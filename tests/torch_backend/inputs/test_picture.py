"""Image files as a viewer shows them: 16 bits scaled, EXIF turned, numbers without a white refused."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from tests.helpers import sources
from torch_backend import images
from torch_backend.inputs import picture, preprocessing
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


@pytest.mark.parametrize("largest", [65535, 4095, 1000])
def test_grey_maps_are_scaled_by_their_largest_number(largest, tmp_path):
    pixels = np.rint(RAMP / 65535 * largest)
    (tmp_path / "grey.pgm").write_bytes(b"P5 64 64 %d\n" % largest + pixels.astype(">u2").tobytes())
    np.testing.assert_allclose(
        np.asarray(shown(tmp_path / "grey.pgm"))[..., 0], 255 * pixels / largest, atol=1
    )


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
    tifffile.imwrite(tmp_path / "uint32.tif", np.arange(4096, dtype=np.uint32).reshape(64, 64))
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    Image.fromarray(RAMP).save(tmp_path / "inverted.tif", tiffinfo=tags)
    for name, kind in {
        "float.tif": "float numbers",
        "int32.tif": "numbers with a sign",
        "uint32.tif": "whole numbers of another size",
        "inverted.tif": "16 bits where 0 is white",
    }.items():
        with pytest.raises(ValueError, match=f"expected pixels of 8 or 16 bits, got {kind} in .*{name}"):
            images.read(tmp_path / name, VIEW)


def test_numbers_with_a_sign_are_refused(tmp_path):
    """Read as if it had none, -1 would be white."""
    tifffile.imwrite(tmp_path / "signed.tif", np.arange(-128, 128, dtype=np.int8).reshape(16, 16))
    tifffile.imwrite(tmp_path / "signed16.tif", np.arange(-128, 128, dtype=np.int16).reshape(16, 16))
    for name in ("signed.tif", "signed16.tif"):
        with pytest.raises(
            ValueError, match=f"got numbers with a sign in .*{name}; save it with 8 or 16 bits"
        ):
            shown(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("la.png", "LA"),
        ("cmyk.jpg", "CMYK"),
        ("cmyk.tif", "CMYK"),
        ("one.png", "1"),
        ("one.tif", "1"),
        ("rgba.webp", "RGBA"),
    ],
)
def test_other_modes_are_shown_in_rgb(name, mode, tmp_path):
    half = np.zeros((16, 16, 3), np.uint8)
    half[:, 8:] = 255
    Image.fromarray(half).convert(mode).save(tmp_path / name)
    seen = np.asarray(shown(tmp_path / name)).astype(int)
    assert seen.shape == (16, 16, 3) and np.abs(seen - half)[:, [0, -1]].max() <= 8


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 128])])
def test_a_palette_keeps_its_colours_however_it_is_transparent(transparency, tmp_path, recwarn):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30, 255, 255, 255])
    image.save(tmp_path / "palette.png", transparency=transparency)
    assert np.asarray(shown(tmp_path / "palette.png"))[0, 0].tolist() == [10, 20, 30]
    assert not recwarn.list


@pytest.mark.parametrize("name", ["moves.gif", "moves.png", "moves.webp", "pages.tif"])
def test_of_an_animation_the_first_image_is_shown(name, tmp_path):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    first.save(tmp_path / name, save_all=True, append_images=[second])
    assert np.asarray(shown(tmp_path / name)).min() >= 250


def test_what_is_no_image_is_one_line(tmp_path):
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:200])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "nothing.ppm").write_bytes(b"P6 0 0 255\n")
    (tmp_path / "huge.ppm").write_bytes(b"P6 60000 60000 255\n")
    (tmp_path / "folder.png").mkdir()
    for path in sorted(tmp_path.iterdir()):
        if path != whole:
            with pytest.raises(ValueError, match=f"a readable image, got .*{path.name}") as line:
                shown(path)
            assert "\n" not in str(line.value)
    (tmp_path / "dangling.png").symlink_to(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"dangling\.png, a link to nothing"):
        shown(tmp_path / "dangling.png")
    with pytest.raises(FileNotFoundError, match="absent"):
        shown(tmp_path / "absent.png")


# ---------------------------------------------------------------- large ones

WAVES = (127 * (1 + np.sin(np.arange(300) / 9))).astype(np.uint8)
FORMS = {
    "rgb.png": lambda grey: Image.fromarray(np.stack([grey, grey // 2, 255 - grey], axis=2)),
    "rgba.png": lambda grey: Image.fromarray(np.stack([grey, grey, grey, grey], axis=2)),
    "grey.png": Image.fromarray,
    "sixteen.png": lambda grey: Image.fromarray(grey.astype(np.uint16) * 257),
    "sixteen.tif": lambda grey: Image.fromarray(grey.astype(np.uint16) * 257),
    "palette.png": lambda grey: Image.fromarray(grey).convert("P"),
    "one.png": lambda grey: Image.fromarray(grey).convert("1"),
    "cmyk.tif": lambda grey: Image.fromarray(grey).convert("CMYK"),
}


# As it was stored, from how it is shown; and back.
TURNS = {
    1: (),
    3: (Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_180),
    6: (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", FORMS)
def test_a_large_image_is_the_mean_of_its_pixels_whatever_its_form_and_turned(
    name, orientation, tmp_path, monkeypatch
):
    """As if it were shown whole and then reduced: in bands, none is lost at a seam or an edge."""
    exif = Image.Exif()
    exif[picture.ORIENTATION] = orientation
    FORMS[name](np.add.outer(WAVES[:201] // 2, WAVES // 2)).save(tmp_path / name, exif=exif)
    whole = shown(tmp_path / name)
    monkeypatch.setattr(picture, "LARGE", 201 * 300 // 8)
    monkeypatch.setattr(picture, "BAND", 7)
    expected = whole.reduce(3)
    if orientation > 1:
        back, forth = TURNS[orientation]
        expected = whole.transpose(back).reduce(3).transpose(forth)
    np.testing.assert_array_equal(np.asarray(shown(tmp_path / name)), np.asarray(expected))


MEMORY = """
import resource, sys
from pathlib import Path
from tests.helpers import sources
from torch_backend import images
from torch_backend.inputs import picture, preprocessing
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
image = images.read(sys.argv[1], images.IMAGENET)
print(tuple(image.shape), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_a_hundred_megapixels_are_read_in_bounded_memory(tmp_path):
    """4 bytes a pixel while it is decoded, 400 MB, and no second copy."""
    Image.new("RGB", (10_000, 10_000), (255, 0, 51)).save(tmp_path / "large.png", compress_level=1)
    code = [sys.executable, "-c", MEMORY, str(tmp_path / "large.png")]
    done = subprocess.run(code, cwd=sources.ROOT, capture_output=True, text=True, check=True)
    shape, _, megabytes = done.stdout.strip().rpartition(" ")
    assert shape == "(1, 3, 224, 224)"
    assert int(megabytes) < 600 and done.stderr == ""


@pytest.mark.parametrize("size", [(20_000, 8_001), (13_000, 13_000)])
def test_more_pixels_than_any_camera_has_are_refused_by_name(size, tmp_path):
    (tmp_path / "bomb.ppm").write_bytes(b"P6 %d %d 255\n" % size)
    got = rf"expected at most 160 million pixels, got {size[0]} × {size[1]} in .*bomb.ppm; save it smaller"
    with pytest.raises(ValueError, match=got):
        shown(tmp_path / "bomb.ppm")


@pytest.mark.parametrize("size", [(1, 1), (1, 40_000), (40_000, 3), (2, 33)])
def test_points_and_lines_are_images_too(size, tmp_path):
    """Its shorter side resized, the longer would have ten million pixels."""
    Image.new("RGB", size, (255, 0, 51)).save(tmp_path / "line.png")
    (image,) = images.read(tmp_path / "line.png", images.Preprocessing(224, (0, 0, 0), (1, 1, 1)))
    np.testing.assert_allclose(image[:, 100, 100], [1, 0, 0.2], atol=1e-6)


def test_of_a_strip_the_middle_is_seen_as_before(monkeypatch):
    """Cut off is only what the crop would not have shown."""
    strip = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 700, 3), np.uint8))
    cut = VIEW.fit(strip)
    monkeypatch.setattr(preprocessing, "STRETCHED", 100)
    difference = np.asarray(cut).astype(int) - np.asarray(VIEW.fit(strip)).astype(int)
    assert np.abs(difference).mean() < 10
