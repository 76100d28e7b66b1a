"""The demo from end to end, small: the shipped digits' networks stand in for the large ones."""

import csv

import numpy as np
import pytest

from simulations import demo


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(demo, "MRI", "digits-vgg")
    monkeypatch.setattr(demo, "MODERATION", "digits-resnet")
    monkeypatch.setattr(demo, "SHOWN", {"digits-vgg": 0, "digits-resnet": 1})
    monkeypatch.setattr(demo, "PAPER_STARTS", ("fc3", "fc1", "conv4_3"))


@pytest.mark.usefixtures("small")
def test_demo_writes_its_pictures_and_tells_where_to_look(tmp_path, capsys):
    demo.main(["--out", str(tmp_path), "--samples", "1"])
    printed = capsys.readouterr().out
    maps = [
        f"digits-{net}_{method}/relevance.png"
        for net in ("vgg", "resnet")
        for method in ("gradient", "z_plus")
    ]
    for name in ("fig4.png", "mri_csc.png", "certificates.png", *maps):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert all(
        name in printed for name in ("fig4.png", "mri_csc.png", "certificates.png", *maps[:2], maps[3])
    )
    assert printed.count("recomputed in binary64 with error bounds of its own") == 2
    assert printed.count("Verified in this run.") == 2
    assert "What to take home" in printed and "rankone csc --help" in printed
    with open(tmp_path / "mri_csc_theory.csv", newline="") as file:
        assert {row["start"] for row in csv.DictReader(file)} == {"fc3", "fc1", "conv4_3"}
    with open(tmp_path / "certificates.csv", newline="") as file:
        assert {row["model"] for row in csv.DictReader(file)} == {"digits-vgg", "digits-resnet"}
    with np.load(tmp_path / "digits-vgg_z_plus" / "relevance.npz") as file:
        assert list(file["names"]) == list("0123456789")
        assert file["relevance"].shape == (10, 3, 32, 32)
        np.testing.assert_allclose(file["images"], file["images"][:1].repeat(10, 0))


def test_bad_counts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--samples: expected"):
        demo.main(["--out", str(tmp_path), "--samples", "0"])
