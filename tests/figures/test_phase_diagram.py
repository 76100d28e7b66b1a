"""The study of the phase diagram at small size: what it measures, what it writes, what it refuses."""

import csv
import re
import subprocess
import sys

import numpy as np
import pytest

from paper_figs import phase_diagram as figure
from rankone import laws
from rankone.ensembles import alpha_beta
from simulations import phase_diagram as simulation

SIGMAS = 4.5  # fixed seeds; a correct simulation misses one such bound in 10⁵


@pytest.fixture(scope="module")
def rows():
    return [
        row for of_width in simulation.study((16, 64), (0, 1, 2, 6), samples=3, seed=1) for row in of_width
    ]


def column(rows, name):
    return np.array([row[name] for row in rows])


def write(rows, path):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_simulation_follows_the_moment_state(rows):
    gap = np.abs(column(rows, "measured") - column(rows, "moment_state"))
    np.testing.assert_array_less(gap, 0.03 + SIGMAS * column(rows, "error"))  # skewed entries drift by 0.02


def test_collapse_happens_below_the_critical_beta_only(rows):
    vanilla = laws.decades_per_multiplication(0, 1, column(rows, "width"))
    collapses = column(rows, "beta") < 0.7 * column(rows, "critical_beta")
    stays = column(rows, "beta") > 1.5 * column(rows, "critical_beta")
    assert collapses.any()
    assert stays.any()
    np.testing.assert_array_less(10 * vanilla[collapses], column(rows, "measured")[collapses])
    np.testing.assert_array_less(column(rows, "measured")[stays], 3 * vanilla[stays])


def test_rate_law_and_critical_beta_are_those_of_the_ensemble(rows):
    for row in rows:
        n, ensemble = row["width"], alpha_beta(row["alpha"], row["beta"])
        moments = ensemble.mean((n, n)), ensemble.variance((n, n))
        assert row["rate_law"] == laws.decades_per_multiplication(*moments, n)
        assert (n * moments[0] ** 2 > moments[1]) == (row["beta"] < row["critical_beta"])


def test_measured_fall_is_that_of_sin2():
    theta = np.array([[0.3, 1.2], [1e-3, 0.7]])
    first, last = np.log10(1 - np.cos(theta))
    expected = 2 * np.log10(np.sin(theta[0]) / np.sin(theta[1])) / (simulation.DEPTH - simulation.SETTLED)
    np.testing.assert_allclose(simulation.fall(first, last), expected, rtol=1e-8)


def test_same_seed_same_numbers_other_seed_other_numbers(rows, monkeypatch):
    monkeypatch.setattr(simulation.os, "cpu_count", lambda: 1)
    again, other = (
        [row["measured"] for row in next(simulation.study((16,), (0, 1, 2, 6), samples=3, seed=s))]
        for s in (1, 2)
    )
    narrow = column(rows, "measured")[column(rows, "width") == 16]
    np.testing.assert_array_equal(again, narrow)
    assert np.all(np.not_equal(other, narrow))


def test_main_writes_table_and_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(simulation, "WIDTHS", (8, 128))
    monkeypatch.setattr(simulation, "BETAS", (0.0, 1.0, 3.0))
    simulation.main(["--out", str(tmp_path / "new" / "folder"), "--samples", "2", "--seed", "3"])
    folder = tmp_path / "new" / "folder"
    assert {p.name for p in folder.iterdir()} == {f"phase_diagram.{kind}" for kind in ("csv", "png", "pdf")}
    assert (folder / "phase_diagram.png").read_bytes().startswith(b"\x89PNG")
    grids = figure.read(folder / "phase_diagram.csv")
    np.testing.assert_array_equal(grids["width"], [[8] * 3, [128] * 3])
    np.testing.assert_array_equal(grids["alpha"], grids["beta"] + 1)
    assert "|simulated − moment state|: median 0." in capsys.readouterr().out


def test_figure_refuses_a_table_with_holes(rows, tmp_path):
    with pytest.raises(ValueError, match="expected every width with every β, got 7 rows"):
        figure.read(write(rows[:-1], tmp_path / "holes.csv"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "1"], "phase_diagram: samples: expected >= 2, got 1"),
        (["--samples", "many"], "invalid int value"),
        (["--seed", "-1"], "phase_diagram: seed: expected an integer >= 0"),
        (["--out", "/dev/null/folder"], "phase_diagram: .*/dev/null"),
    ],
)
def test_bad_command_lines_get_one_line_and_status_2(arguments, message):
    run = subprocess.run(
        [sys.executable, simulation.__file__, *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert re.search(message, run.stderr.splitlines()[-1])
