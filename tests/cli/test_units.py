"""`rankone csc`, `cone` and `sanity` survive: after a kill the same command computes what is missing, to the
bit.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import rankone
from tests.helpers.dying import DYING

ROOT = Path(__file__).parents[2]
OWN = f"{ROOT / 'tests' / 'helpers' / 'own_model.py'}:Net"
IMAGES = 3


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules.py").write_text(DYING)
    images = np.random.default_rng(0).random((IMAGES, 3, 8, 8), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    return tmp_path


def arguments(command: str, folder: Path, out: str = "out") -> list[object]:
    names = f"z_plus,{folder / 'rules.py'}:dying,excitation_backprop"
    images = folder / "images.npy"
    return [command, "--model", OWN, "--images", images, "--methods", names, "--out", folder / out]


def in_a_process(words: list[object]) -> int:
    code = "import sys; from rankone.cli import main; sys.argv[0] = 'rankone'; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, env=environment, capture_output=True
    )
    return done.returncode


def units(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out" / "units").glob("*.npz")}


# Of the rules that are asked for: one image's, or two's, or of sanity a map's, or several's.
KILLS = {"csc": (2, 1, 5), "cone": (2, 1, 9), "sanity": (2, 1, 9, 14)}


@pytest.mark.parametrize("command", KILLS)
def test_killed_again_and_again_it_completes_with_the_table_of_an_undisturbed_run(command, folder):
    assert rankone(*arguments(command, folder, "undisturbed")).status == 0
    whole = len(list((folder / "undisturbed" / "units").glob("*.npz")))
    there: dict[str, bytes] = {}
    for left in KILLS[command]:
        (folder / "left").write_text(str(left))
        assert in_a_process(arguments(command, folder)) == -signal.SIGKILL
        assert not (folder / "out" / f"{command}.csv").exists()
        assert there.items() <= units(folder).items()
        there = units(folder)
        assert 1 <= len(there) < whole
    done = rankone(*arguments(command, folder))
    assert done.status == 0 and f"units: {len(there)} of {whole} units w" in done.err
    assert there.items() <= units(folder).items() and len(units(folder)) == whole
    for name in {path.name for path in (folder / "undisturbed").glob(f"{command}*")}:
        assert (folder / "out" / name).read_bytes() == (folder / "undisturbed" / name).read_bytes()


@pytest.mark.parametrize("command", KILLS)
def test_what_is_there_is_not_computed_again_and_what_is_damaged_is(command, folder):
    first = rankone(*arguments(command, folder))
    table, kept = (folder / "out" / f"{command}.csv").read_bytes(), units(folder)
    again = rankone(*arguments(command, folder))
    assert first.err == "" and again.out == first.out
    said = f"rankone: {folder / 'out' / 'units'}: {len(kept)} of {len(kept)} units were there"
    assert again.err == f"{said}\n"
    assert rankone(*arguments(command, folder), "--quiet").err == ""
    damaged = folder / "out" / "units" / min(kept)
    damaged.write_bytes(kept[damaged.name][:-50])
    mended = rankone(*arguments(command, folder))
    assert f"{len(kept) - 1} of {len(kept)} units were there, 1 was damaged and" in mended.err
    assert units(folder) == kept and (folder / "out" / f"{command}.csv").read_bytes() == table


def test_a_law_is_kept_too(folder):
    words = [*arguments("csc", folder), "--theory"]
    rankone(*words)
    curves = (folder / "out" / "csc_theory.csv").read_bytes()
    done = rankone(*words)
    count = 3 * (1 + IMAGES)
    assert f"{count} of {count} units were there" in done.err
    assert (folder / "out" / "csc_theory.csv").read_bytes() == curves


SETTINGS = [("--vectors", 3), ("--seed", 1), ("--starts", "dense"), ("--float64",), ("--no-held",)]


def test_other_settings_are_other_units(folder):
    words = arguments("csc", folder)
    words[6] = "z_plus"
    rankone(*words)
    for other in SETTINGS:
        done = rankone(*words, *other)
        assert done.status == 0 and done.err == "", other
    assert len(units(folder)) == 1 + len(SETTINGS)


def test_other_images_and_files_are_other_units_and_another_method_none(folder):
    rankone(*arguments("cone", folder))
    images = np.load(folder / "images.npy")
    images[1] *= np.float32(1 + 1e-6)
    np.save(folder / "images.npy", images)
    assert f"units: {2 * 3} of {3 * 3} units were there" in rankone(*arguments("cone", folder)).err
    (folder / "rules.py").write_text(DYING + "\n# changed\n")
    assert f"units: {2 * 3} of {3 * 3} units were there" in rankone(*arguments("cone", folder)).err
    model = folder / "own.py"
    shutil.copy(OWN.partition(":")[0], model)
    words = arguments("cone", folder, "another")
    words[2] = f"{model}:Net"
    assert rankone(*words).err == ""
    model.write_text(model.read_text() + "\n# changed\n")
    assert rankone(*words).err == ""
    words[6] = "z_plus"
    assert "units: 3 of 3 units were there" in rankone(*words).err


def test_units_that_cannot_be_written_are_one_line(folder):
    (folder / "out").mkdir()
    (folder / "out" / "units").write_text("mine")
    done = rankone(*arguments("csc", folder))
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "expected a place for a file, got: Not a directory" in done.err
    assert (folder / "out" / "units").read_text() == "mine"
