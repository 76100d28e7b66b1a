"""All figures of an audit into a folder.

write_figures(Path("out/results.nc"), Path("out/summary.json"), Path("out/figures"))
"""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from paper_figs.report.figures import convergence, maps, scores, verdicts
from paper_figs.report.reading import Audit, read
from paper_figs.style import house_style, save

LINES = {"verdicts": verdicts.draw, "convergence": convergence.draw, "scores": scores.draw}
SUFFIXES = (".png", ".svg")
COLOURS = 256  # of a PNG: families, bands and both scales of maps stay apart


def write_figures(results: Path, summary: Path, folder: Path) -> list[Path]:
    """Write the figures of what was measured; returns their paths.

    verdicts, convergence and scores as .png and .svg, maps of the first image as .png. ValueError for other
    files, OSError where one cannot be read or written.
    """
    return list(_written(read(results, summary), Path(folder)))


def _written(audit: Audit, folder: Path) -> Iterator[Path]:
    with house_style():
        for name, draw in LINES.items():
            for suffix in SUFFIXES:
                yield from _saved(draw(audit), folder / f"{name}{suffix}")
        yield from _saved(maps.draw(audit), folder / "maps.png")


def _saved(figure: Figure | None, out: Path) -> Iterator[Path]:
    if figure is not None:
        yield save(figure, out, colours=COLOURS)
