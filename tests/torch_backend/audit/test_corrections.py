"""What one correction changes: only its own field, only the methods it concerns, paired by image."""

from dataclasses import asdict

import numpy as np
import pytest

from paper_figs import corrections as figure
from rankone.results.protocol import corrected, paper
from rankone.results.runs import Units
from rankone.results.tables import CORRECTIONS as TABLE
from tests.helpers import nets
from torch_backend import methods
from torch_backend.audit.corrections import (
    ALL,
    CORRECTIONS,
    NULL,
    OF_SCORES,
    concerns,
    effect,
    effects,
    nulls,
    rescored,
)
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.study import study
from torch_backend.audit.subject import fixed

CHAINS = (methods.gradient, methods.guided_backprop, methods.z_plus, methods.lrp_cmp(1, 0), methods.lrp_z)


def outcomes(folder, protocol):
    model = nets.build(nets.Residual)
    images = nets.images_for(model, 8)
    case = Examined(model, images, None)
    plan = Plan(names=("block2_1",), protocol=protocol, keeps_maps=True)
    return study(case, [fixed(method) for method in CHAINS], plan, Units(folder))[0]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return outcomes(tmp_path_factory.mktemp("paper"), paper)


def test_all_single_corrections_together_are_the_corrected_protocol_s_of_maps():
    changed = {c.field: getattr(corrected, c.field) for c in CORRECTIONS}
    elsewhere = {"name", "self_pairs", "chain_precision", "pools_locations"}  # of figures 3 to 5
    assert {k for k, v in asdict(corrected).items() if asdict(paper)[k] != v} - elsewhere == set(changed)


def test_a_correction_changes_its_field_alone():
    for c in CORRECTIONS:
        different = {k for k, v in asdict(c.protocol).items() if asdict(paper)[k] != v}
        assert different == {"name", c.field}


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda c: c.field)
def test_methods_it_does_not_concern_stay_as_they_are(correction, published, tmp_path):
    after = outcomes(tmp_path, correction.protocol)
    if correction.field in OF_SCORES:
        again = [rescored(o, correction.protocol) for o in published]
        for a, b in zip(again, after, strict=True):
            np.testing.assert_allclose(a.scores, b.scores, atol=1e-9)
        return
    changed = {
        a.subject.name for a, b in zip(published, after, strict=True) if not np.array_equal(a.maps, b.maps)
    }
    concerned = {m.name for m in CHAINS if concerns(correction, m)}
    assert changed <= concerned
    assert changed or correction.field == "clips_additions"


def test_effects_are_paired_by_image(published, tmp_path):
    after = [rescored(o, CORRECTIONS[1].protocol) for o in published]
    for row, a, b in zip(effects("net", "x", published, after), published, after, strict=True):
        change = (b.scores - a.scores)[0, :, 1]  # ssim_flip
        assert row["change"] == pytest.approx(np.median(change)) and row["images"] == 8
        assert row["low"] == change.min() and row["high"] == change.max()
    for row, o in zip(nulls("net", published), published, strict=True):
        assert row["before"] - row["after"] == pytest.approx(np.median(o.null[0, :, 1]), abs=0.2)
        assert row["correction"] == NULL


def test_the_picture_has_a_caption_of_the_largest_changes(tmp_path):
    rng = np.random.default_rng(0)
    names = [c.field for c in CORRECTIONS]

    def row(correction, test, method, change):
        old = rng.uniform(0.5, 0.6, 8)
        return effect("net (random)", correction, test, "conv1", method, old, old + change)

    rows = [row(name, test, "z_plus", 0.01) for name in (*names, NULL, ALL) for test in figure.TESTS]
    rows += [row("whole_bias", "csc", "alpha_beta:5:4", -0.3), row("self_pairs", "figure 4", "relu", -0.05)]
    table = TABLE.write(tmp_path / "corrections.csv", rows)
    picture = figure.draw(table, tmp_path / "corrections.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = " ".join((tmp_path / "corrections.txt").read_text().split())
    assert "“bias by its sign” changes most" in text and "for LRP α5β4 on net" in text
    assert "falls by up to 0.05 without self-pairs (relu)" in text
