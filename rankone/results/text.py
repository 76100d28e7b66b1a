"""Results as text: cells in aligned columns, numbers as they are printed."""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

LONGEST = 1e6  # whole numbers from here on are printed with an exponent


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


def at_most(x: float, digits: int = 2) -> str:
    """Rounded up to so many significant digits: a bound stays a bound. 9.11e-06 is 9.2e-06."""
    return _rounded(x, digits, ROUND_CEILING)


def at_least(x: float, digits: int = 2) -> str:
    """Rounded down to so many significant digits."""
    return _rounded(x, digits, ROUND_FLOOR)


def _rounded(x: float, digits: int, rounding: str) -> str:
    if math.isfinite(x):
        x = float(Context(prec=digits, rounding=rounding).create_decimal(Decimal(float(x))))
    return f"{x:.0f}" if 1 <= x < LONGEST and x.is_integer() else f"{x:.{digits}g}"


def five_decimals(x: float) -> str:
    """Five decimals, without trailing zeros or a negative zero."""
    return f"{round(x, 5) + 0.0:.8g}"


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"
