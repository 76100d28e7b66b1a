"""Maps as small pictures: a row for each method, a column for each class and each destroyed layer."""

import io
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from paper_figs.heatmaps import NON_NEGATIVE, SIGNED, Scale
from paper_figs.report.reading import Audit
from paper_figs.report.sizes import Size

STEPS = 15  # of the scale of colours beside the maps
MISSING = "#7d8590"  # of pixels that are NaN: in neither scale
TOP = 99.5  # percentile of a map's magnitudes that has the full colour: one pixel does not hide the others


@dataclass(frozen=True)
class Row:
    """One method's maps, for each group of columns; "" where there is none."""

    method: str
    pictures: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """An image, its picture as a data URI ("" if there is none), and its maps.

    groups  a title and the names of its columns, for the classes and for the layers that are destroyed
    rows    methods with a map
    """

    name: str
    picture: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ScaleOfColours:
    """A scale as the page shows it: its colours from the lowest to the highest number, and what they are."""

    colours: tuple[str, ...]
    words: str


def scale_of(scale: Scale) -> ScaleOfColours:
    """In a few steps."""
    words = "maps with signs: white is 0" if scale.low < 0 else "maps without signs: black is 0"
    return ScaleOfColours(tuple(to_hex(scale.colours(at)) for at in np.linspace(0, 1, STEPS)), words)


def shown(audit: Audit, size: Size) -> tuple[Shown, ...]:
    """The images with maps, as many and as large as the size allows."""
    maps = audit.array("map", "method", "shown", "shown_class", "y", "x")
    destroyed = audit.array("map_destroyed", "method", "shown", "shown_stage", "y", "x")
    pictures = audit.array("picture", "shown", "y", "x", "rgb")
    classes, stages = audit.texts("shown_class_name"), audit.texts("shown_stage_name")
    images, places = audit.names("image"), audit.array("shown_image", "shown")
    stages = tuple(stages) or tuple(map(str, range(destroyed.shape[2])))
    count = min(audit.size("shown"), size.shown)
    return tuple(
        Shown(
            _name(images, places[k], k),
            _photograph(pictures[k], size),
            (
                ("for a class", tuple(classes[k]) if len(classes) else tuple(map(str, range(maps.shape[2])))),
                ("after weights are destroyed from the output down to", stages),
            ),
            tuple(_rows(audit, (maps, destroyed), k, size)),
        )
        for k in range(count)
    )


def is_signed(maps: Iterable[np.ndarray]) -> bool:
    """Whether any of a method's maps has a number below 0."""
    return any((map_ < 0).any() for map_ in maps)


def coloured(map_: np.ndarray, scale: Scale) -> np.ndarray:
    """A map (y, x) on its scale, in [0, 1]: its 99.5th percentile of magnitudes is ±1; NaN stays NaN."""
    magnitudes = np.abs(map_[np.isfinite(map_)])
    top = np.percentile(magnitudes, TOP) if magnitudes.size else 0.0
    top = top or magnitudes.max(initial=0.0) or 1.0
    return (np.clip(map_ / top, scale.low, 1) - scale.low) / (1 - scale.low)


def _name(images: tuple[str, ...], place: float, k: int) -> str:
    return images[int(place)] if 0 <= place < len(images) else f"image {k + 1}"


def _rows(audit: Audit, groups: tuple[np.ndarray, ...], k: int, size: Size) -> Iterator[Row]:
    """Of image k; groups: maps (method, image, column, y, x). Methods without any map are left out."""
    for title, *mine in zip(audit.titles, *groups, strict=True):
        scale = SIGNED if is_signed(mine) else NON_NEGATIVE
        if any(np.isfinite(maps[k]).any() for maps in mine):
            yield Row(title, tuple(tuple(_picture(map_, scale, size) for map_ in maps[k]) for maps in mine))


def _picture(map_: np.ndarray, scale: Scale, size: Size) -> str:
    if not np.isfinite(map_).any():
        return ""
    levels = np.rint(coloured(_smaller(map_, size.side), scale) * (size.colours - 1))
    picture = Image.fromarray(np.where(np.isnan(levels), size.colours, levels).astype(np.uint8))
    colours = [*scale.colours(np.linspace(0, 1, size.colours))[:, :3], to_rgb(MISSING)]
    picture.putpalette((255 * np.array(colours)).round().astype(np.uint8).tobytes())
    return _uri(picture, "png", optimize=True)


def _photograph(picture: np.ndarray, size: Size) -> str:
    """A picture (y, x, rgb) in [0, 1]."""
    if not np.isfinite(picture).any():
        return ""
    pixels = (255 * np.clip(np.nan_to_num(picture), 0, 1)).round().astype(np.uint8)
    photograph = Image.fromarray(pixels)
    photograph.thumbnail((size.side, size.side))
    return _uri(photograph, "webp", quality=80)


def _smaller(map_: np.ndarray, side: int) -> np.ndarray:
    """The map with at most `side` pixels a side, each the mean of those it stands for."""
    longest = max(map_.shape)
    if longest <= side:
        return map_
    height, width = (max(1, round(length * side / longest)) for length in map_.shape)
    picture = Image.fromarray(map_.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float64)


def _uri(picture: Image.Image, kind: str, **options: object) -> str:
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode()}"
