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
    if failed is not None:
        figure.supxlabel(lacking(figure, failed), fontsize=10, color="0.25")


def lacking(figure: Figure, failed: str | Path | None) -> str:
    """Those lines, as wide as the figure; none where there is no such table."""
    rows = [] if failed is None else FAILED.read(failed)
    width = int(LETTERS * figure.get_figwidth())
    said = (f"not shown: {row['method']} ({shortened(row['reason'], LONGEST)})" for row in rows)
    return "\n".join(fill(line, width) for line in said)
