"""What a figure lacks: a line under it for each method that failed, from the table of failures."""

from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from rankone.results.tables import FAILED
from rankone.results.text import shortened

LONGEST = 160  # letters of a reason; the whole is in the table
LETTERS = 11  # that an inch has room for


def not_shown(figure: Figure, failed: str | Path | None) -> None:
    """Write under the figure which methods are not shown, and why; nothing where there is no such table."""
    if failed is None:
        return
    lines = [
        fill(f"not shown: {row['method']} ({shortened(row['reason'], LONGEST)})", _width(figure))
        for row in FAILED.read(failed)
    ]
    figure.supxlabel("\n".join(lines), fontsize=10, color="0.25")


def _width(figure: Figure) -> int:
    return int(LETTERS * figure.get_figwidth())
