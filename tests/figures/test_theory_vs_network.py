"""Theory against networks: what the script writes, how far off a law is said to be, what the caption says."""

import math

import pytest

from paper_figs import theory_vs_network as figure
from rankone.results.tables import LAWS, WORST
from simulations import theory_vs_network as script


def rows(measured, law, start="top"):
    """Rows of one start: the named law's numbers beside measured ones, the others' the same."""
    layers = [start, *(f"l{k}" for k in range(len(measured) - 2)), "input"]
    return [
        {
            "model": "net",
            "method": "z_plus",
            "start": start,
            "layer": layer,
            "measured": m,
            "moments": x,
            "parents": x,
            "closure": x,
        }
        for layer, m, x in zip(layers, measured, law, strict=True)
    ]


def test_a_law_that_is_right_is_not_off() -> None:
    right = [0.9, 0.1, 1e-2, 1e-4, 1e-5, 1]
    assert figure.errors(rows(right, right), "closure") == (0, 0, 0)


def test_a_law_is_off_by_decades_by_steps_and_by_layers_of_collapse() -> None:
    """Start layer and input do not count: 1e-4 against 1e-2, and the same fall after it."""
    measured, law = [0.9, 1e-2, 1e-4, 1e-5, 1], [0.1, 1e-4, 1e-6, 1e-7, 0.5]
    off = figure.errors(rows(measured, law), "closure")
    assert off == pytest.approx((2, 0, 1))
    assert figure.errors(rows(measured, [0.9, 1e-2, 1e-2, 1e-2, 1]), "closure").collapse == 2


def test_what_float32_does_not_resolve_is_left_out() -> None:
    off = figure.errors(rows([0.9, 1e-2, 1e-13, 1e-13, 1], [0.9, 1e-2, 1e-20, 1e-30, 1]), "parents")
    assert off[:1] == (0,) and math.isnan(off.step)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("theory")
    few = ["--model", "digits-vgg,digits-resnet", "--methods", "z_plus", "--limit", "1", "--vectors", "3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "MORE_IMAGES", {})
        script.main([*few, "--out", str(out)])
    return out


def test_the_script_writes_both_tables_a_picture_and_a_caption(written) -> None:
    laws = LAWS.read(written / "theory_vs_network.csv")
    assert {row["model"] for row in laws} == {"digits-vgg", "digits-resnet"}
    assert {row["start"] for row in laws} == {"fc3", "fc1", "conv4_3", "dense", "block3_3", "block2_3"}
    assert (written / "theory_vs_network.png").stat().st_size > 20_000
    said = (written / "theory_vs_network.txt").read_text()
    assert "Over 2 networks the laws are off by" in said.replace("\n", " ")


def test_dobrushins_coefficient_is_above_what_the_parents_leave(written) -> None:
    """Σ q ‖w − w̄‖² <= 2 τ²; skips are named in residual networks only."""
    single = WORST.read(written / "theory_vs_network_layers.csv")
    for row in single:
        if row["places"] == 0 and not math.isnan(row["dobrushin"]):
            assert row["parents"] <= 2 * row["dobrushin"] ** 2
    shares = [row["identity"] for row in single if not math.isnan(row["identity"])]
    assert shares and all(0 < share < 1 for share in shares)
    assert all(math.isnan(row["identity"]) for row in single if row["model"] == "digits-vgg")
