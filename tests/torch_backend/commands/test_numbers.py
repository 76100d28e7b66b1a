"""Whole numbers as written on a command line, and what only looks like one."""

import pytest

from torch_backend.commands.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("٣", 3), ("9" * 18, 10**18 - 1), ("9" * 19, None)]
)
def test_decimal_digits_are_a_number(text, number):
    assert whole(text) == number


@pytest.mark.parametrize("text", ["", "²", "½", "-1", "1.0", "1e6", " 1", "ten", "1_000"])
def test_all_other_text_is_none(text):
    assert whole(text) is None
