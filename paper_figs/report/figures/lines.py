"""A method's curve as matplotlib draws it: colour and marker of its family, dashes of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from paper_figs.report.charts import Curve
from paper_figs.report.looks import Look
from paper_figs.style import REFERENCE
from rankone.results.text import shortened

NULL = {"color": REFERENCE, "ls": ":", "lw": 1.4}
FORWARD = {"color": "0.2", "ls": (0, (6, 3)), "lw": 1.1}
NAMED = 16  # places that an axis names
LETTERS = 18  # of a name


def line(look: Look) -> dict[str, Any]:
    """Of measured curves."""
    dashes = (0, look.dashes) if look.dash else "-"
    return {"color": look.family.colour, "ls": dashes, "lw": 1.7, **marker(look)}


def marker(look: Look) -> dict[str, Any]:
    face = "white" if look.hollow else look.family.colour
    return {"marker": look.family.shape, "ms": 5, "mfc": face, "mec": look.family.colour}


def plot(axes: Axes, curve: Curve, look: Look) -> None:
    """One curve over 0, 1, …, and its band."""
    places = np.arange(len(curve.values))
    kinds = {
        "measured": line(look),
        "predicted": {**line(look), "marker": "", "lw": 0.8},
        "null": NULL,
        "forward": FORWARD,
    }
    if curve.band is not None:
        axes.fill_between(places, *curve.band, color=look.family.colour, alpha=0.15, lw=0)
    axes.plot(places, curve.values, **kinds[curve.kind])


def name_places(axes: Axes, places: Sequence[str]) -> None:
    """The last always, others as far as there is room."""
    step = -(-len(places) // NAMED)
    named = range(len(places))[::-step][::-1]
    axes.set_xticks(named, [plain(places[k], LETTERS) for k in named], rotation=60, ha="right")
    axes.set_xlim(-0.3, len(places) - 0.7)


def plain(text: str, letters: int) -> str:
    """The user's text: short, and no formula in it."""
    return shortened(text, letters).replace("$", r"\$")
