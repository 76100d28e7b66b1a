"""Figures 1, 2, 6 and 7 from end to end, small: the shipped digits' networks stand in for the large ones."""

import importlib

import numpy as np
import pytest
import torch
from PIL import Image

from rankone.results.arrays import SANITY_MAPS
from rankone.results.tables import FAILED, SANITY
from simulations import sanity_methods
from simulations.figure_images import chosen, shuffled
from simulations.sanity_figures import Figure, arguments, asked
from torch_backend.commands.subjects import Spelling
from torch_backend.inputs import images

NETWORKS = {"fig1": "digits-vgg", "fig2": "digits-vgg", "fig6": "digits-resnet", "fig7": "digits-resnet"}
METHODS = "gradient,deep_taylor,grad_cam"


def run(figure, out, *more):
    script = importlib.import_module(f"simulations.{figure}")
    given = ["--model", NETWORKS[figure], "--methods", METHODS, "--count", "2", "--out", str(out), "--quiet"]
    return script.main([*given, *more])


def files(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


PROTOCOLS = pytest.mark.parametrize("protocol", ["corrected", "paper"])


@PROTOCOLS
@pytest.mark.parametrize("figure", ["fig2", "fig7"])
def test_scores_are_a_table_a_picture_and_a_caption(figure, protocol, tmp_path, capsys):
    assert run(figure, tmp_path, "--protocol", protocol) == 0
    path = tmp_path / f"{figure}.{protocol}.png"
    with Image.open(path) as picture:
        assert str(path) in capsys.readouterr().out and picture.width <= 2400
    rows = SANITY.read(path.with_suffix(".csv"))
    assert {row["protocol"] for row in rows} == {protocol}
    assert "2 handwritten digits (scikit-learn)" in rows[0]["model"]
    destroyed = [row for row in rows if row["test"] == "top_down" and row["method"] == "gradient"]
    known = [row["forward_alone"] == row["forward_alone"] for row in destroyed]
    assert all(known) if protocol == "corrected" else not any(known)
    assert path.with_suffix(".txt").read_text().startswith("Asked for another class,")


@PROTOCOLS
@pytest.mark.parametrize("figure", ["fig1", "fig6"])
def test_maps_are_of_the_example_alone(figure, protocol, tmp_path):
    assert run(figure, tmp_path, "--protocol", protocol) == 0
    data = SANITY_MAPS.read(tmp_path / f"{figure}.{protocol}.npz")
    columns = list(data["columns"])
    assert columns[:2] == ["trained", "another class"] and data["maps"].shape[:2] == (3, len(columns))
    assert data["picture"].shape == (3, 32, 32) and str(data["protocol"]) == protocol
    assert "1 handwritten digit " in str(data["model"])
    fine = data["condition"] == "fine"
    assert np.isfinite(data["scores"][:, 1:][fine[:, 1:] & fine[:, :1]]).all()
    assert (tmp_path / f"{figure}.{protocol}.png").exists()


def test_both_protocols_are_made_if_none_is_asked_for():
    given = arguments(Figure("x", "digits-vgg", (), ()), "", [])
    assert [protocol.name for protocol in asked(given.protocol)] == ["corrected", "paper"]


def test_a_run_goes_on_where_it_was_stopped_to_the_same_bytes(tmp_path):
    run("fig1", tmp_path, "--protocol", "corrected")
    whole = files(tmp_path)
    units = sorted((tmp_path / "units").glob("*.npz"))
    for path in (units[0], units[-1], tmp_path / "fig1.corrected.npz"):
        path.unlink()
    run("fig1", tmp_path, "--protocol", "corrected")
    assert files(tmp_path) == whole


def test_a_method_that_fails_costs_only_itself(tmp_path, capsys):
    status = run(
        "fig2", tmp_path, "--protocol", "paper", "--methods", "gradient,grad_cam:fc3", "--stages", "conv4_1"
    )
    assert status == 3 and "grad_cam:fc3 failed" in capsys.readouterr().err
    assert {row["method"] for row in SANITY.read(tmp_path / "fig2.paper.csv")} == {"gradient"}
    assert FAILED.read(tmp_path / "fig2.paper_failed.csv")[0]["method"] == "grad_cam:fc3"
    assert run("fig2", tmp_path, "--protocol", "paper", "--methods", "gradient") == 0
    assert not (tmp_path / "fig2.paper_failed.csv").exists()


@pytest.fixture
def folder(tmp_path):
    """Six pictures, and one that is none."""
    here = tmp_path / "images"
    here.mkdir()
    for k in range(6):
        pixels = np.random.default_rng(k).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(here / f"{k}.png")
    (here / "9.png").write_bytes(b"no picture")
    return here


def test_the_example_comes_first_then_others_without_repetition(folder, tmp_path):
    reads = images.preprocessing("digits-vgg")

    def batch(*more):
        given = ["--images", str(folder), "--out", str(tmp_path), *more]
        return chosen(arguments(Figure("x", "digits-vgg", (), ()), "", given), reads, 20, 0)

    found = batch("--example", str(folder / "3.png"))
    every = {image.numpy().tobytes() for image in images.from_files(sorted(folder.glob("[0-5].png")), reads)}
    assert torch.equal(found[0], images.read(folder / "3.png", reads)[0])
    assert {image.numpy().tobytes() for image in found} == every and len(found) == len(every) == 6
    assert (tmp_path / "skipped.csv").read_text().count("\n9.png,") == 1
    assert torch.equal(found, batch("--example", str(folder / "3.png")))
    assert not torch.equal(found, batch("--example", str(folder / "3.png"), "--seed", "1"))
    with pytest.raises(ValueError, match="--example: expected an image"):
        batch("--example", str(folder / "9.png"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--count", "0"), "--count: expected an integer >= 1"),
        (("--methods", "nothing"), "method: expected one of"),
        (("--protocol", "published"), "protocol: expected"),
        (("--images", "absent/folder"), "absent"),
    ],
)
def test_bad_input_is_refused_in_one_line(more, message, tmp_path):
    with pytest.raises((ValueError, OSError), match=message) as caught:
        run("fig1", tmp_path, *more)
    assert "\n" not in str(caught.value)


def test_the_short_lists_are_parts_of_the_whole():
    families = {name.split(":")[0] for name in sanity_methods.ALL}
    assert {name.split(":")[0] for name in sanity_methods.DECIDING} <= families
    assert set(sanity_methods.DECIDING_ON_VGG) < set(sanity_methods.DECIDING)
    spelling = Spelling(torch.zeros(1, 3, 32, 32))
    names = [name if name != "grad_cam" else "grad_cam:conv5_3" for name in sanity_methods.ALL]
    assert len({spelling.subject(name).name for name in names}) == len(sanity_methods.ALL) == 23


def test_an_order_is_drawn_from_its_seed_alone():
    assert shuffled(9, 0) == shuffled(9, 0) != shuffled(9, 1) and sorted(shuffled(9, 0)) == list(range(9))
