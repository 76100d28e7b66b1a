"""The one style of the project's figures: colour = family, marker and dash = member of the family.

Okabe and Ito's colours, which stay apart for colour-blind readers; a family of ordered members (αβ by its β,
start layers by depth) takes shades of one sequential map instead.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from rankone.results.whole import write_whole

SIGNED = "#0072b2"  # vanilla chains, gradients
RECTIFIED = "#009e73"  # a ReLU in the chain, guided backpropagation
NON_NEGATIVE = "#d55e00"  # non-negative chains, z⁺
ALPHA_BETA = "#8c2d8c"
LEARNED = "#000000"
REFERENCE = "0.45"  # nulls, floors, machine precision

MEMBERS: tuple[Mapping[str, Any], ...] = (
    {"marker": "o", "ls": "-"},
    {"marker": "s", "ls": "--"},
    {"marker": "^", "ls": "-."},
    {"marker": "D", "ls": ":"},
    {"marker": "v", "ls": (0, (5, 1, 1, 1, 1, 1))},
    {"marker": "P", "ls": (0, (8, 2))},
)
FEW = 64  # colours of a PNG: a quarter of the bytes, no difference to be seen in lines and markers


def shades(count: int) -> list[tuple[float, ...]]:
    """`count` colours of an ordered family, dark to light, without the palest that vanish on white."""
    return [plt.get_cmap("plasma")(at) for at in np.linspace(0, 0.82, count)]


@contextmanager
def house_style() -> Iterator[None]:
    """Readable sizes, little clutter, text that stays text in a PDF; afterwards all is as it was."""
    settings = {
        "font.size": 12,
        "axes.titlesize": 13,
        "axes.labelsize": 12,
        "figure.titlesize": 15,
        "legend.fontsize": 10.5,
        "legend.frameon": False,
        "legend.edgecolor": "white",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "figure.constrained_layout.use": True,
        "savefig.dpi": 150,
        "pdf.fonttype": 42,
    }
    with plt.rc_context(settings):
        yield


def in_lines(label: str, width: int = 40) -> str:
    """A network's label in lines of at most so many letters, as long as its words allow."""
    return fill(label, width, break_long_words=False, break_on_hyphens=False)


def save(figure: Figure, out: str | Path, *, colours: int | None = None) -> Path:
    """Write the figure, whole or not at all, and close it; the suffix of `out` chooses the format.

    colours: a .png has at most so many, and fewer bytes; None: as many as there are.
    """
    file = io.BytesIO()
    suffix = Path(out).suffix[1:]
    figure.savefig(file, format=suffix or None)
    plt.close(figure)
    if colours and suffix == "png":
        file = quantised(file, colours)
    return write_whole(out, file.getvalue())


def quantised(png: io.BytesIO, colours: int) -> io.BytesIO:
    """The picture in its `colours` most useful colours."""
    file = io.BytesIO()
    with Image.open(png) as picture:
        fewer = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        fewer.save(file, format="png", optimize=True, dpi=picture.info.get("dpi", (150, 150)))
    return file
