"""The demo from end to end, small: a narrow VGG stands in for torchvision's, all else is the real thing."""

import csv

import pytest

from simulations import demo
from torch_backend import images, models


@pytest.fixture
def small(monkeypatch):
    load = models.load

    def narrow(name, weights=None, **others):
        return load("digits-vgg" if name == "vgg16" else name, weights, **others)

    monkeypatch.setattr(demo.models, "load", narrow)
    monkeypatch.setattr(demo.images, "IMAGENET", images.Preprocessing(32, *(((0.5,) * 3,) * 2)))


@pytest.mark.usefixtures("small")
def test_demo_writes_its_pictures_and_tells_where_to_look(tmp_path, capsys):
    demo.main(["--out", str(tmp_path), "--samples", "1", "--digits", "2", "--photographs", "1"])
    printed = capsys.readouterr().out
    names = ("fig4.png", "digits_vgg.png", "digits_vgg_all_starts.png", "vgg16_random.png")
    for name in names:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert name in printed
    assert "vgg16 (random weights)" in printed and "rankone csc --help" in printed
    with open(tmp_path / "digits_vgg_theory.csv", newline="") as file:
        assert {row["start"] for row in csv.DictReader(file)} == set(demo.PAPER_STARTS)
    with open(tmp_path / "digits_vgg.csv", newline="") as file:
        assert len({row["start"] for row in csv.DictReader(file)}) == 16


def test_bad_counts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--digits: expected"):
        demo.main(["--out", str(tmp_path), "--digits", "0"])
