"""A caption under a figure, and in a .txt beside it; below it the methods that failed."""

from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from paper_figs.failed import lacking
from rankone.results.whole import write_whole

LETTERS = 11.5  # that an inch has room for


def under(figure: Figure, out: str | Path, text: str, failed: str | Path | None = None) -> Path:
    """Write the caption below the figure and into a .txt beside `out`, whose path is returned."""
    caption = fill(text, int(LETTERS * figure.get_figwidth()))
    below = "\n".join(filter(None, [caption, lacking(figure, failed)]))
    figure.supxlabel(below, fontsize=10.5, color="0.15")
    return write_whole(Path(out).with_suffix(".txt"), (fill(text, 100) + "\n").encode())
