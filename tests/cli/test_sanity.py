"""`rankone sanity` as a user meets it."""

import numpy as np
import pytest

from rankone.results.tables import SANITY, SANITY_PAIRS
from tests.helpers.command import rankone, refused

FEW = ("sanity", "--model", "digits-vgg", "--limit", 2, "--stages", "fc3,conv1_1", "--out")


def test_tables_words_and_picture(tmp_path):
    done = rankone(*FEW, tmp_path, "--methods", "gradient,z_plus,grad_cam:conv5_3,occlusion:16,smooth_grad:2")
    assert done.status == 0 and done.err == ""
    rows = SANITY.read(tmp_path / "sanity.csv")
    methods = ["gradient", "z_plus", "grad_cam:conv5_3", "occlusion:16:8", "smooth_grad:gradient:2:0.15"]
    assert list(dict.fromkeys(row["method"] for row in rows)) == methods
    assert {row["stage"] for row in rows} == {"another class", "fc3", "conv1_1"}
    assert len(SANITY_PAIRS.read(tmp_path / "sanity_pairs.csv")) == 3 * 10 * 8
    assert "z_plus: the map of another class agrees with the original by 1.00" in " ".join(done.out.split())
    assert all(name in done.out for name in methods)
    for row in rows:
        alone = row["forward_alone"]
        chain = not row["method"].startswith(("grad_cam", "occlusion"))
        assert np.isnan(alone) == (row["test"] == "random_logit" or not chain)


def test_fewer_than_eight_images_have_no_interval(tmp_path):
    assert rankone(*FEW, tmp_path, "--methods", "gradient").status == 0
    assert all(np.isnan(row["low"]) and row["images"] == 2 for row in SANITY.read(tmp_path / "sanity.csv"))


def test_a_second_run_reads_its_units(tmp_path):
    arguments = (*FEW, tmp_path, "--methods", "gradient,pattern_net")
    assert rankone(*arguments).status == 0
    tables = [(tmp_path / name).read_bytes() for name in ("sanity.csv", "sanity_pairs.csv")]
    done = rankone(*arguments)
    assert "8 of 8 units were there" in done.err
    assert tables == [(tmp_path / name).read_bytes() for name in ("sanity.csv", "sanity_pairs.csv")]


def test_a_method_that_fails_is_named_and_the_others_delivered(tmp_path):
    done = rankone(*FEW, tmp_path, "--methods", "gradient,grad_cam:fc3")
    assert done.status == 3
    assert "grad_cam:fc3 failed, the others are in" in done.err and "with 2 axes of space" in done.err
    assert {row["method"] for row in SANITY.read(tmp_path / "sanity.csv")} == {"gradient"}
    assert (tmp_path / "sanity_failed.csv").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ("--methods", "grad_cam"),
            "method: expected grad_cam:LAYER, got grad_cam; name a convolutional layer",
        ),
        (("--methods", "smooth_grad:x"), "method: expected smooth_grad:INT:FLOAT, got smooth_grad:x"),
        (("--methods", "occlusion:4:2:1"), "method: expected occlusion:INT:INT, got occlusion:4:2:1"),
        (("--methods", "gradient,gradient"), "methods: expected different names, got gradient twice"),
        (("--orders", "sideways"), "orders: expected top_down, bottom_up, single, or none, got 'sideways'"),
        (("--classes", "-1"), "classes: expected a number, or all, got '-1'"),
        (("--classes", "10"), "classes: expected 1 to 9 other classes, or all, got 10; ask for fewer"),
        (("--stages", "conv9"), "stage: expected one of fc3, fc2, fc1"),
        (("--draws", "0"), "draws: expected an integer >= 1, got 0"),
        (("--protocol", "none"), "protocol: expected corrected or paper, got 'none'"),
    ],
)
def test_mistakes_get_one_line(more, words, tmp_path):
    assert words in refused(
        rankone("sanity", "--model", "digits-vgg", "--limit", 1, "--out", tmp_path, *more)
    )


def test_without_other_classes_the_picture_says_so(tmp_path):
    assert rankone(*FEW, tmp_path, "--methods", "gradient", "--classes", 0).status == 0
    assert (tmp_path / "sanity.txt").read_text().startswith("No other class was asked for.")
    assert {row["test"] for row in SANITY.read(tmp_path / "sanity.csv")} == {"top_down"}
