"""Figures 3 and 5 on the digits networks: both protocols, resumed, and what the tables hold."""

import argparse
import re

import numpy as np
import pytest
import torch

from rankone.errors import Overflow
from rankone.results.protocol import PROTOCOLS, corrected, paper
from rankone.results.tables import CONVERGENCE, CONVERGENCE_POOLED, SKIPS
from simulations import converging, fig3, fig5
from simulations.converging import Amount
from torch_backend import csc, images, methods, models, relevance, trace
from torch_backend.convergence.csc import start_vectors
from torch_backend.randomness import digest

ASKED = ("z_plus", "gradient")
FEW = ["--limit", "1", "--vectors", "3", "--quiet", "--methods", ",".join(ASKED)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Both figures, once."""
    out = tmp_path_factory.mktemp("figures")
    assert fig3.main(["--model", "digits-vgg", "--out", str(out / "3"), *FEW]) == 0
    assert fig5.main(["--model", "digits-resnet", "--out", str(out / "5"), *FEW]) == 0
    return out


def test_each_protocol_has_a_picture_a_table_and_three_sentences(drawn):
    for name in ("3/fig3", "5/fig5"):
        for protocol in PROTOCOLS:
            stem = drawn / f"{name}.{protocol.name}"
            assert stem.with_name(stem.name + ".png").stat().st_size > 10_000
            said = stem.with_name(stem.name + ".txt").read_text()
            assert said.startswith("From ") and said.replace("\n", " ").strip().count(". ") == 2


def test_the_corrected_table_is_that_of_csc(drawn):
    rows = CONVERGENCE.read(drawn / "3/fig3.corrected.csv")
    network, image = models.load("digits-vgg"), images.read("sample", images.DIGITS, 1)
    starts = fig3.STARTS["digits-vgg"].split(",")
    expected = csc(network, image, methods.z_plus, starts, 3, 0)
    mine = [row for row in rows if row["method"] == "z_plus"]
    assert len(mine) == len(expected.readings)
    for row, reading in zip(mine, expected.readings, strict=True):
        assert (row["start"], row["layer"]) == (reading.start, reading.layer)
        np.testing.assert_allclose(row["median"], 10**reading.median, rtol=1e-5)


def test_the_papers_table_pools_what_the_papers_chain_gives(drawn):
    """|cos| of one image from its vectors, z⁺ with the whole bias; the table knows 1 − |cos| to 1 %."""
    rows = CONVERGENCE_POOLED.read(drawn / "3/fig3.paper.csv")
    network, image = models.load("digits-vgg"), images.read("sample", images.DIGITS, 1)
    graph = trace(network, image)
    for method in (methods.as_published(methods.z_plus, paper), methods.gradient):
        r = relevance(
            graph, method, "conv3_3", start_vectors(graph, "conv3_3", 3, 0, [digest(image[0])]), "conv1_1"
        )
        i, j = torch.combinations(torch.arange(3)).T
        cosine = torch.nn.functional.cosine_similarity(r[i], r[j], dim=2, eps=0).abs()
        known = cosine[~cosine.isnan()]
        (row,) = [
            row
            for row in rows
            if (row["method"], row["start"], row["layer"]) == (method.name, "conv3_3", "conv1_1")
        ]
        np.testing.assert_allclose(1 - row["median"], 1 - known.median(), rtol=0.04)
        np.testing.assert_allclose(row["missing"], 1 - known.numel() / cosine.numel(), atol=1e-6)
        assert row["p10"] < row["median"] < row["p90"]


def test_protocols_differ_where_the_method_does(drawn):
    """What is equal in both is measured once."""
    a = {
        (r["method"], r["start"], r["layer"]): r["median"]
        for r in CONVERGENCE.read(drawn / "5/fig5.corrected.csv")
    }
    b = {
        (r["method"], r["start"], r["layer"]): r["median"]
        for r in CONVERGENCE_POOLED.read(drawn / "5/fig5.paper.csv")
    }
    far = {method: max(abs(1 - a[key] - b[key]) for key in a if key[0] == method) for method in ASKED}
    assert far["gradient"] < 0.03 < far["z_plus"]


def test_residual_blocks_have_their_share_and_the_law_is_near(drawn):
    rows = SKIPS.read(drawn / "5/fig5.corrected_skips.csv")
    assert {row["start"] for row in rows} == {"dense", "block4_1"}
    for row in rows:
        if row["method"] == "gradient":
            assert row["signed"] == row["magnitude"] == 1
        else:
            assert 0 < row["magnitude"] < 1
        assert abs(np.log10(row["predicted"] / row["measured"])) < 0.3
    curve = {
        (r["method"], r["start"], r["layer"]): r["median"]
        for r in CONVERGENCE.read(drawn / "5/fig5.corrected.csv")
    }
    for row in rows:
        np.testing.assert_allclose(
            row["measured"], curve[row["method"], row["start"], row["below"]], rtol=0.01, atol=1e-12
        )


def test_a_second_run_reads_what_the_first_kept(drawn, capsys):
    tables = [
        drawn / "5/fig5.corrected.csv",
        drawn / "5/fig5.corrected_skips.csv",
        drawn / "5/fig5.paper.csv",
    ]
    before = [table.read_bytes() for table in tables]
    fig5.main(["--model", "digits-resnet", "--out", str(drawn / "5"), *(w for w in FEW if w != "--quiet")])
    assert [table.read_bytes() for table in tables] == before
    counts = re.findall(r"(\d+) of (\d+) units were there", capsys.readouterr().err)
    assert counts and all(found == asked for found, asked in counts)


def test_float32_that_overflows_is_measured_in_float64(monkeypatch):
    seen = []

    def overflowing(graph, *_):
        seen.append(graph.nodes[0].value.dtype)
        if seen[-1] == torch.float32:
            raise Overflow("too large")
        return iter(())

    monkeypatch.setattr(fig5, "drops", overflowing)
    options = converging.arguments("", ["digits-resnet"], "x").parse_args(FEW)
    given = converging.subject("digits-resnet", options, Amount(("gradient",), 1, 2), fig5.STARTS)
    found = fig5.of_image(given, methods.gradient, given.images, ["dense"], 2, 0)
    assert seen == [torch.float32, torch.float64] and len(found["start"]) == 0


def test_full_asks_for_everything_and_options_for_less():
    full = argparse.Namespace(full=True, methods=None, limit=None, vectors=None)
    assert converging.amount(full, fig3.DEFAULT) == converging.FULL
    assert set(fig3.DEFAULT.methods) < set(converging.FULL.methods)
    less = argparse.Namespace(full=True, methods="z_plus", limit=3, vectors=2)
    assert converging.amount(less, fig3.DEFAULT) == Amount(("z_plus",), 3, 2)


def test_pictures_of_further_networks_have_their_name(tmp_path):
    assert converging.stem(tmp_path, "fig3", "a", "a", corrected).name == "fig3.corrected"
    assert converging.stem(tmp_path, "fig3", "b", "a", paper).name == "fig3.b.paper"
