"""Bad input is refused in the house form and ends a program with one line."""

import pytest

from rankone.errors import one_line, refuse


def test_refuse_speaks_in_the_house_form():
    with pytest.raises(ValueError, match=r"^samples: expected an integer >= 1, got 0; ask for at least one$"):
        refuse("samples", expected="an integer >= 1", got=0, do="ask for at least one")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ValueError("n: expected\n  1, got 2"), 2, "study: n: expected 1, got 2"),
        (FileNotFoundError(2, "No such file", "x.npz"), 2, "study: [Errno 2] No such file: 'x.npz'"),
        (OSError(28, "No space left on device"), 2, "study: [Errno 28] No space left on device"),
        (MemoryError(), 2, "study: MemoryError"),
        (ValueError("name: \x1b[2K\u202e"), 2, r"study: name: \x1b[2K\u202e"),
        (KeyboardInterrupt(), 130, "study: interrupted"),
    ],
)
def test_a_program_ends_with_one_line(error, status, line, capsys):
    with pytest.raises(SystemExit) as end, one_line("study"):
        raise error
    assert end.value.code == status
    assert capsys.readouterr().err == line + "\n"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_line("study"):
        1 / 0  # noqa: B018
