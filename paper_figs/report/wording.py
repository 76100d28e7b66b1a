"""Numbers as words: what was not measured is said so, and is never 0."""

import math

NOT_MEASURED = "not measured"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(x: float | None) -> str:
    """Three significant digits: 0.74, 1.2·10⁻⁹, 0, ∞; 1 only where it is 1, else 1.00; "not measured" for NaN
    and None.
    """
    if x is None or math.isnan(x):
        return NOT_MEASURED
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x != 1 and f"{x:.3g}" == "1":
        return "1.00"
    mantissa, e, exponent = f"{x:.3g}".replace("-", "−", 1 if x < 0 else 0).partition("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}" if e else mantissa


def short(x: float) -> str:
    """For the cells of large tables: two digits, "–" for what was not measured."""
    if math.isnan(x):
        return "–"
    mantissa, e, exponent = f"{x:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def percent(x: float) -> str:
    """A share as percentage, two digits."""
    return NOT_MEASURED if math.isnan(x) else f"{float(f'{100 * x:.2g}'):g} %"


def shortened(name: str, letters: int) -> str:
    """The name, its middle left out where it is longer."""
    half = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:half]}…{name[-half:]}"


def duration(seconds: float) -> str:
    """72 s, 12 min, 3.4 h."""
    if math.isnan(seconds):
        return NOT_MEASURED
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
