"""One method's failure costs the others nothing; Ctrl-C ends a command with a line and keeps what is done."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rankone.cli.each import SOME_FAILED, Runs
from rankone.results.tables import CONVERGENCE, FAILED
from tests.helpers.command import rankone, refused
from torch_backend import methods

ROOT = Path(__file__).parents[2]
OWN = f"{ROOT / 'tests' / 'helpers' / 'own_model.py'}:Net"
RULES = """
import os, signal
from dataclasses import replace
from torch_backend import methods

def overflows(op, x, y):
    return lambda r: op.adjoint(r) * float("inf")

def grows(op, x, y):
    return lambda r: op.adjoint(r) * 1e15

def is_wrong(op, x, y):
    raise KeyError("a bug")

def is_interrupted(op, x, y):
    os.kill(os.getpid(), signal.SIGINT)
    return lambda r: op.adjoint(r)

def of(name, rule):
    return replace(methods.z_plus, name=name, dense=rule, convolution=rule)

growing = of("growing", grows)
overflowing, buggy = of("overflowing", overflows), of("buggy", is_wrong)
overflowing_too, stopping = of("overflowing_too", overflows), of("stopping", is_interrupted)
"""

OWN_METHODS = ("growing", "overflowing", "overflowing_too", "buggy", "stopping")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules.py").write_text(RULES)
    np.save(tmp_path / "images.npy", np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32))
    return tmp_path


def arguments(command: str, folder: Path, *names: str) -> list[object]:
    chosen = ",".join(f"{folder / 'rules.py'}:{name}" if name in OWN_METHODS else name for name in names)
    audit = [command, "--model", OWN, "--images", folder / "images.npy", "--methods", chosen]
    return [*audit, "--out", folder / "out"]


def methods_in(table: Path) -> list[str]:
    with open(table, newline="", encoding="utf-8") as file:
        return list(dict.fromkeys(row["method"] for row in csv.DictReader(file)))


@pytest.mark.parametrize(("command", "reason"), [("csc", "finite numbers"), ("cone", "a non-negative chain")])
def test_what_the_others_gave_is_written_and_the_one_that_failed_is_named(command, reason, folder):
    done = rankone(*arguments(command, folder, "z_plus", "overflowing", "excitation_backprop"))
    assert done.status == 3
    out = folder / "out"
    assert methods_in(out / f"{command}.csv") == ["z_plus", "excitation_backprop"]
    assert (out / f"{command}.png").stat().st_size > 10_000
    assert "Written: " in done.out and "z_plus" in done.out and "overflowing" not in done.out
    assert done.err.count("\n") == 1
    assert done.err.startswith(f"rankone: overflowing failed, the others are in {out / command}.csv: ")
    assert f"expected {reason}" in done.err
    (row,) = FAILED.read(out / f"{command}_failed.csv")
    assert row["method"] == "overflowing" and f": {row['reason']}\n" in done.err


@pytest.mark.parametrize("command", ["csc", "cone"])
def test_a_later_run_in_which_none_fails_leaves_no_table_of_failures(command, folder):
    rankone(*arguments(command, folder, "z_plus", "overflowing"))
    assert (folder / "out" / f"{command}_failed.csv").exists()
    assert rankone(*arguments(command, folder, "z_plus")).status == 0
    assert not (folder / "out" / f"{command}_failed.csv").exists()
    (folder / "out" / f"{command}_failed.csv").write_text("a,table\nof,mine\n")
    assert rankone(*arguments(command, folder, "z_plus")).status == 0
    assert (folder / "out" / f"{command}_failed.csv").read_text() == "a,table\nof,mine\n"


def test_where_float32_overflows_the_method_is_run_again_in_float64_and_it_is_said(folder):
    done = rankone(*arguments("csc", folder, "z_plus", "growing"))
    assert (done.status, done.err) == (0, "")
    assert "Computed in float64, as relevance leaves the range of float32: growing." in done.out
    rows = CONVERGENCE.read(folder / "out" / "csc.csv")
    assert {(row["method"], row["precision"]) for row in rows} == {
        ("z_plus", "float32"),
        ("growing", "float64"),
    }
    assert rankone(*arguments("csc", folder, "growing"), "--float64").status == 0
    again = CONVERGENCE.read(folder / "out" / "csc.csv")
    grown = [row for row in rows if row["method"] == "growing"]
    for a, b in zip(grown, again, strict=True):
        np.testing.assert_allclose(a["within_90"], b["within_90"], rtol=0.03)


def test_methods_of_one_name_are_refused(folder):
    (folder / "other.py").write_text(RULES)
    names = f"{folder / 'rules.py'}:growing,{folder / 'other.py'}:growing"
    words = ["csc", "--model", OWN, "--images", folder / "images.npy", "--methods", names, "--out", folder]
    assert "methods: expected different names, got growing twice" in refused(rankone(*words))


def test_where_all_fail_nothing_is_written_and_each_is_named(folder):
    line = refused(rankone(*arguments("csc", folder, "overflowing", "overflowing_too")))
    assert "overflowing (" in line and "overflowing_too (" in line and "ask for others" in line
    assert not (folder / "out").exists()


def test_one_reason_for_all_is_said_once(folder):
    line = refused(rankone(*arguments("csc", folder, "z_plus", "gradient"), "--starts", "conv9"))
    assert line.count("conv9") == 1 and "methods:" not in line


def test_a_bug_keeps_its_traceback_and_costs_the_others_nothing(folder):
    with pytest.raises(KeyError, match="a bug"):
        rankone(*arguments("csc", folder, "z_plus", "buggy", "gradient"))
    assert methods_in(folder / "out" / "csc.csv") == ["z_plus", "gradient"]


def test_a_law_that_fails_costs_no_measurement(capsys):
    runs = Runs([methods.gradient, methods.z_plus])

    def law(method):
        if method is methods.z_plus:
            raise ValueError("no law")
        return [method.name]

    assert runs.each(lambda method: [method.name]) == ["gradient", "z_plus"]
    assert runs.each(law) == ["gradient"]
    assert runs.end(Path("t.csv")) == SOME_FAILED
    assert capsys.readouterr().err == "rankone: z_plus failed, the others are in t.csv: no law\n"


def test_success_says_nothing():
    runs = Runs([methods.gradient])
    assert runs.each(lambda method: [1, 2]) == [1, 2]
    assert runs.end(Path("t.csv")) == 0


# ---------------------------------------------------------------- Ctrl-C


def in_a_process(words: list[object], *, interrupt_at: str | None = None) -> subprocess.CompletedProcess:
    """The command in a process of its own; SIGINT as soon as it prints the line `interrupt_at`, if any.

    A job in the background would begin deaf to it.
    """
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{hears}; import sys; from rankone.cli import main; sys.argv[0] = 'rankone'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if interrupt_at is not None:
        assert process.stdout.readline() == interrupt_at
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def test_ctrl_c_is_one_line_and_status_130(folder):
    (folder / "slow.py").write_text("import time\nprint('building', flush=True)\ntime.sleep(100)\n")
    words = ["model", "--model", f"{folder / 'slow.py'}:Net"]
    done = in_a_process(words, interrupt_at="building\n")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "rankone: interrupted\n")


def test_ctrl_c_keeps_the_methods_that_are_done(folder):
    done = in_a_process(arguments("csc", folder, "z_plus", "stopping", "gradient"))
    assert (done.returncode, done.stderr) == (130, "rankone: interrupted\n")
    assert methods_in(folder / "out" / "csc.csv") == ["z_plus"]


def test_ctrl_c_in_the_first_method_leaves_nothing(folder):
    done = in_a_process(arguments("csc", folder, "stopping", "gradient"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "rankone: interrupted\n")
    assert not (folder / "out").exists()
