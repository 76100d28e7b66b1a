"""Results as text: cells in aligned columns, numbers as they are printed."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], *, left: int = 0, indent: str = "  ") -> list[str]:
    """A line per row, two spaces between columns; the first `left` columns flush left, the others right.

    Raises ValueError for rows of different lengths.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = zip(row, widths, strict=True)
        return "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width) for k, (cell, width) in enumerate(cells)
        )

    return [indent + line(row) for row in rows]


def two_digits(x: float) -> str:
    """Two significant digits: 0.74, 1.4e-14, inf."""
    return f"{x:.2g}"


def five_decimals(x: float) -> str:
    """Five decimals, without trailing zeros or a negative zero."""
    return f"{round(x, 5) + 0.0:.8g}"


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"
