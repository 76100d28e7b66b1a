"""Whole numbers as written on a command line."""

DIGITS = 18  # as many fit into 64 bits


def whole(text: str) -> int | None:
    """The number >= 0 that decimal digits write; None for all other text: "²" is a digit, but no number."""
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None
