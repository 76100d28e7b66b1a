"""Run the command line in this process."""

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from rankone import cli


@dataclass(frozen=True)
class Done:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


def rankone(*arguments: object) -> Done:
    """`rankone ARGUMENTS`, as the installed command runs it."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["rankone", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def refused(done: Done) -> str:
    """The one line of a refused command; asserts that there is no more than that, and no result."""
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("rankone: ")
    return done.err
