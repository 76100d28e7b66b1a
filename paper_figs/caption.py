"""A caption under a figure, and in a .txt beside it."""

from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from rankone.results.tables import FAILED
from rankone.results.text import shortened
from rankone.results.whole import write_whole

LETTERS = 11.5  # that an inch has room for
LONGEST = 160  # letters of a reason; the whole is in the table


def under(figure: Figure, out: str | Path, text: str, failed: str | Path | None = None) -> Path:
    """Write the caption below the figure and into a .txt beside `out`; below it the methods that failed."""
    width = int(LETTERS * figure.get_figwidth())
    rows = [] if failed is None else FAILED.read(failed)
    lacking = [f"not shown: {row['method']} ({shortened(row['reason'], LONGEST)})" for row in rows]
    figure.supxlabel("\n".join(fill(line, width) for line in [text, *lacking]), fontsize=10.5, color="0.15")
    return write_whole(Path(out).with_suffix(".txt"), (fill(text, 100) + "\n").encode())
