"""Long work says how long it will take, once the first unit is done; short work says nothing."""

import io

import pytest

from torch_backend.commands.progress import EVERY, Progress, lasting, progress


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(*units: tuple[float, int], total: int, stream=None, quiet=False) -> list[str]:
    """The lines after units that take so many seconds, so many at once."""
    clock, stream = Clock(), io.StringIO() if stream is None else stream
    with Progress("net", total, "image", quiet=quiet, stream=stream, clock=clock) as report:
        for seconds, count in units:
            clock.now += seconds
            report.advance(count)
    return stream.getvalue().splitlines()


def test_the_first_unit_gives_the_estimate():
    assert said((9, 1), total=41) == ["net: about 6 minutes for 40 images"]
    assert said((90, 10), total=50) == ["net: about 6 minutes for 40 images"]


def test_what_takes_less_than_a_minute_is_silent():
    assert said(*[(1, 1)] * 40, total=40) == []


def test_units_that_were_read_do_not_count_for_the_estimate():
    """Resumed: 20 of 40 were there; 20 that take 30 s each are left, minus the first."""
    assert said(*[(0.01, 1)] * 20, (30, 1), total=40) == ["net: about 10 minutes for 19 images"]


def test_lines_now_and_then_say_how_far_it_is():
    lines = said(*[(10, 1)] * 12, total=12)
    assert lines[0] == "net: about 2 minutes for 11 images"
    assert lines[1] == "net: 4 of 12 images, about 80 seconds left"
    assert len(lines) == 1 + 110 // int(EVERY)


def test_the_last_line_is_no_line_of_nothing_left():
    assert not any("12 of 12" in line for line in said(*[(31, 1)] * 12, total=12))


def test_quiet_is_quiet_and_a_terminal_has_a_bar():
    assert said(*[(100, 1)] * 5, total=5, quiet=True) == []
    assert said(*[(100, 1)] * 5, total=5, quiet=True, stream=Terminal()) == []
    shown = " ".join(said(*[(100, 1)] * 5, total=5, stream=Terminal()))
    assert "about 7 minutes for 4 images" in shown and "1/5" in shown


def test_a_part_that_fails_is_not_waited_for():
    clock, stream = Clock(), io.StringIO()
    with Progress("net", 20, "image", stream=stream, clock=clock) as report:
        with pytest.raises(ValueError, match="fails"), report.part(10):
            clock.now += 1
            report.advance()
            raise ValueError("fails")
        assert (report.done, report.total) == (1, 11)
        with report.part(10):
            for _ in report.over([range(5)] * 4):  # computed twice
                clock.now += 5
        assert (report.done, report.total) == (21, 21)
        assert report.left() == 0


def test_items_pass_through_in_their_order(capsys):
    assert list(progress("abc", "letters")) == ["a", "b", "c"]
    assert list(progress(iter("abc"), "letters", total=3)) == ["a", "b", "c"]
    assert list(progress([], "letters", quiet=True)) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (40.4, "40 seconds"),
        (89, "89 seconds"),
        (100, "2 minutes"),
        (5399, "90 minutes"),
        (7300, "2 hours"),
    ],
)
def test_times_are_said_as_people_say_them(seconds, words):
    assert lasting(seconds) == words
