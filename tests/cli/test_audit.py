"""`rankone audit`: its files and what they say, its exit status, what survives a kill, what is refused."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rankone.results.audit import NAME, SCHEMA, read
from rankone.verdict import QUESTIONS, THRESHOLDS
from tests.helpers.command import rankone, refused
from tests.helpers.dying import DYING

ROOT = Path(__file__).parents[2]
OWN = f"{ROOT / 'tests' / 'helpers' / 'own_model.py'}:Net"
IMAGES = 6  # the fewest that are judged by a sample
RULES = (
    DYING
    + """

def bug(op, x, y):
    raise KeyError("a bug")

def constant(op, x, y):
    return lambda r: 0 * op.adjoint(r) + x.abs().cumsum(-1)

buggy = replace(methods.gradient, name="buggy", dense=bug)
deaf = replace(methods.gradient, name="deaf", convolution=constant)
"""
)


class Everywhere(torch.nn.Conv2d):
    """Five classes at every place of the image."""

    def __init__(self):
        super().__init__(3, 5, 3, padding=1)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules.py").write_text(RULES)
    np.save(tmp_path / "images.npy", np.random.default_rng(0).random((IMAGES, 3, 8, 8), dtype=np.float32))
    return tmp_path


def arguments(folder: Path, *methods: str, out: str = "out") -> list[object]:
    chosen = ",".join(f"{folder / 'rules.py'}:{m}" if m in ("dying", "buggy", "deaf") else m for m in methods)
    given = ["audit", "--model", OWN, "--images", folder / "images.npy", "--methods", chosen]
    return [*given, "--classes", 2, "--closely", 1, "--vectors", 2, "--out", folder / out]


def summary(folder: Path, out: str = "out") -> dict:
    return json.loads((folder / out / "summary.json").read_text(encoding="utf-8"))


def states(folder: Path) -> dict[tuple[str, str], str]:
    return {
        (method["name"].rpartition(":")[2], verdict["question"]): verdict["state"]
        for method in summary(folder)["methods"]
        for verdict in method["verdicts"]
    }


# ---------------------------------------------------------------- files


def test_the_files_say_all_of_it(folder):
    done = rankone(*arguments(folder, "gradient", "z_plus", "occlusion"))
    found, data = summary(folder), read(folder / "out" / "results.nc")
    assert set(data.variables) >= set(SCHEMA)
    for name, variable in SCHEMA.items():
        assert data[name].dims == variable.dimensions
        assert data[name].attrs["long_name"] and data[name].attrs["units"]
    assert found["schema"] == data.attrs["schema"] == NAME
    assert set(found) == {
        *("schema", "model", "kind", "images", "methods", "thresholds", "provenance", "outcome", "files")
    }
    assert [m["name"] for m in found["methods"]] == ["gradient", "z_plus", "occlusion"]
    assert set(found["thresholds"]) == set(THRESHOLDS)
    assert len(found["images"]) == IMAGES and all(len(image["digest"]) == 64 for image in found["images"])
    for name in ("weights_digest", "command", "device", "precision", "seed", "protocol", "date", "versions"):
        assert found["provenance"][name] == data.attrs[name]
    for method in found["methods"]:
        assert [verdict["question"] for verdict in method["verdicts"]] == list(QUESTIONS)
        for verdict in method["verdicts"]:
            assert verdict["quantity"] in SCHEMA and verdict["sentence"] in done.out
    assert done.status == found["outcome"]["status"] and found["outcome"]["said"] in done.out
    assert states(folder)["occlusion", "collapse"] == "not judged"
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert len(page) < 3_000_000 and found["outcome"]["said"] in page
    assert found["files"]["report"] == "report.html" and found["files"]["figures"]
    assert all((folder / "out" / figure).stat().st_size for figure in found["files"]["figures"])


# ---------------------------------------------------------------- exit status


def test_a_map_that_depends_on_nothing_fails_and_fail_on_decides_the_status(folder):
    done = rankone(*arguments(folder, "gradient", "deaf"), "--quiet")
    assert (done.status, done.err) == (1, "")
    found = states(folder)
    assert found["deaf", "class"] == found["deaf", "weights"] == "fails"
    assert found["deaf", "image"] == found["gradient", "class"] == found["deaf", "repeat"] == "holds"
    assert rankone(*arguments(folder, "gradient", "deaf"), "--quiet", "--fail-on", "repeat,batch").status == 0
    assert rankone(*arguments(folder, "gradient", "deaf"), "--quiet", "--fail-on", "none").status == 0


def test_few_images_are_not_judged_and_the_status_says_so(folder):
    done = rankone(*arguments(folder, "gradient"), "--limit", 2)
    assert done.status == 3 and "2 images are too few" in done.out
    assert "not all could be judged" in summary(folder)["outcome"]["said"]


def test_a_method_that_fails_is_named_and_the_rest_is_kept(folder):
    done = rankone(*arguments(folder, "gradient", "buggy"), "--quiet")
    assert done.status == 3 and done.err.count("\n") == 1
    assert "rules.py:buggy failed, the others are in" in done.err and "KeyError: 'a bug'" in done.err
    by = {method["name"].rpartition(":")[2]: method for method in summary(folder)["methods"]}
    assert by["gradient"]["failed"] is None and "a bug" in by["buggy"]["failed"]
    for verdict in by["buggy"]["verdicts"]:
        assert verdict["state"] == "not judged" and "it came to no end: KeyError" in verdict["reason"]


def test_where_every_method_fails_there_is_one_line_and_no_result(folder):
    line = refused(rankone(*arguments(folder, "buggy"), "--quiet"))
    assert "KeyError: 'a bug'" in line
    assert not (folder / "out" / "summary.json").exists()


# ---------------------------------------------------------------- survival


def in_a_process(words: list[object]) -> int:
    code = "import sys; from rankone.cli import main; sys.argv[0] = 'rankone'; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode


def units(folder: Path, out: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / out / "units").glob("*.npz")}


def test_killed_again_and_again_it_completes_to_the_bit(folder):
    undisturbed = rankone(*arguments(folder, "gradient", "dying", out="undisturbed"), "--quiet")
    whole, there = units(folder, "undisturbed"), dict[str, bytes]()
    for left in (9, 60):
        (folder / "left").write_text(str(left))
        assert in_a_process([*arguments(folder, "gradient", "dying"), "--quiet"]) == -signal.SIGKILL
        assert not (folder / "out" / "results.nc").exists()
        assert there.items() < units(folder).items()
        there = units(folder)
    done = rankone(*arguments(folder, "gradient", "dying"))
    assert done.status == undisturbed.status
    assert f"{len(whole) - len(there)} of {len(whole)} units: about" in done.err
    assert units(folder) == whole
    first, again = (read(folder / out / "results.nc") for out in ("undisturbed", "out"))
    assert first.drop_attrs().identical(again.drop_attrs())
    assert summary(folder)["methods"] == summary(folder, "undisturbed")["methods"]


def test_a_second_run_says_the_same_without_an_estimate(folder):
    first = rankone(*arguments(folder, "gradient"))
    again = rankone(*arguments(folder, "gradient"))
    assert again.out == first.out and again.err == ""
    assert "1 methods, 6 images" not in first.err and "1 method, 6 images" in first.err


# ---------------------------------------------------------------- scale


def test_shards_are_merged_into_the_run_of_one_process(folder):
    words = [*arguments(folder, "gradient", "z_plus", out="whole"), "--quiet"]
    whole = rankone(*words)
    for k in (2, 1):
        shard = rankone(*words[:-2], folder / f"shard{k}", "--quiet", "--shard", f"{k}/2")
        assert shard.status == 0 and f"Shard {k}/2: " in shard.out, shard
        assert not (folder / f"shard{k}" / "summary.json").exists()
    merged = rankone("merge", folder / "shard1", folder / "shard2", "--out", folder / "merged")
    assert merged.status == whole.status, merged
    assert units(folder, "merged") == units(folder, "whole")
    assert summary(folder, "merged")["methods"] == summary(folder, "whole")["methods"]


def test_workers_give_the_same_bits(folder):
    words = [*arguments(folder, "gradient"), "--quiet"]
    whole = rankone(*words)
    done = rankone(*words[:-2], folder / "workers", "--quiet", "--workers", 2)
    assert done.status == whole.status, done
    assert units(folder, "workers") == units(folder)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--fail-on", "beauty"), "fail-on: expected class, weights, image"),
        (("--methods", "beautiful"), "method: expected one of"),
        (("--methods", "gradient,gradient"), "methods: expected different ones, got gradient twice"),
        (("--classes", "many"), "classes: expected a number, or all"),
        (("--vectors", "1"), "vectors: expected an integer >= 2"),
        (("--closely", "-1"), "closely: expected"),
        (("--limit", "0"), "limit: expected at least 1 image"),
        (("--images", "nowhere"), "nowhere"),
        (("--model", f"{__file__}:Everywhere"), "model: expected logits (B, classes), got (B, 5, 8, 8)"),
        (("--stages", "nowhere"), "stage: expected one of"),
        (("--methods", "gradient, gradient"), "methods: expected different ones, got gradient twice"),
        (("--methods", ", "), "methods: expected some, got none"),
        (("--device", "abacus"), "device: expected cpu"),
        (("--shard", "3/2"), "shard: expected i/n"),
        (("--workers", "2", "--scheduler", "tcp://nowhere:1"), "expected --workers or --scheduler"),
    ],
)
def test_bad_input_is_one_line(more, words, folder):
    assert words in refused(rankone(*arguments(folder, "gradient"), *more))
    assert not (folder / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line_before_anything_is_computed(folder):
    (folder / "out").write_text("mine")
    assert "expected a place for a file" in refused(rankone(*arguments(folder, "gradient")))


FULL = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # what is written beyond fails as on a full disk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from rankone.cli import main
sys.argv[0] = "rankone"
main()
"""


def test_a_full_disk_is_one_line_and_what_is_there_stays(folder):
    rankone(*arguments(folder, "gradient"), "--quiet")
    kept = units(folder)
    command = [sys.executable, "-c", FULL, *map(str, arguments(folder, "gradient", "z_plus")), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "got: File too large" in done.stderr
    assert kept.items() <= units(folder).items()


def test_bad_images_of_a_folder_are_left_out_and_listed(folder):
    from PIL import Image

    (folder / "pictures").mkdir()
    for k in range(2):
        Image.fromarray(np.full((40, 40, 3), 90 * k, np.uint8)).save(folder / "pictures" / f"{k}.png")
    (folder / "pictures" / "bad.png").write_bytes(b"no image")
    words = arguments(folder, "gradient")
    words[4] = folder / "pictures"
    done = rankone(*words, "--quiet")
    assert "1 of 3 images skipped" in done.err
    assert [image["name"] for image in summary(folder)["images"]] == ["0.png", "1.png"]
    assert "bad.png" in refused(rankone(*words, "--quiet", "--strict"))
