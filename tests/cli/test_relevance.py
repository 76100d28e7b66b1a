"""`rankone relevance`, and the README's recipe: an own network in a file, audited from the command line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.command import rankone, refused
from tests.helpers.own_model import Net
from torch_backend import methods, models, relevance, trace

OWN = f"{Path(__file__).parents[1] / 'helpers' / 'own_model.py'}:Net"


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, np.random.default_rng(0).standard_normal((3, 3, 16, 16)).astype(np.float32))
    return path


def test_recipe_an_own_network_audited_with_three_methods(photos, tmp_path):
    """model names the layers, csc takes them, relevance draws the maps and prints the books."""
    listing = rankone("model", "--model", OWN, "--input-shape", "3x16x16")
    assert "* block2_1 " in listing.out
    audit = ("--model", OWN, "--images", photos)
    names = "gradient,z_plus,alpha_beta:2:1"
    done = rankone("csc", *audit, "--methods", names, "--starts", "block3_1,block2_1", "--out", tmp_path)
    assert done.status == 0
    assert all(f"{name}: " in done.out for name in names.split(","))
    assert (tmp_path / "csc.png").stat().st_size > 10_000
    starts = {row.split(",")[2] for row in (tmp_path / "csc.csv").read_text(encoding="utf-8").splitlines()}
    assert starts == {"start", "block3_1", "block2_1"}
    for name in names.split(","):
        out = tmp_path / name.replace(":", "_")
        done = rankone("relevance", *audit, "--method", name, "--ledger", "--out", out)
        assert done.status == 0
        assert f"own_model.py:Net: {name} relevance, 1 at a unit of logits, read at input" in done.out
        assert (out / "relevance.png").stat().st_size > 10_000
        assert (out / "relevance.npz").exists()


def columns_of(ledger: str) -> dict[str, list[float]]:
    """node -> in, down, to bias, to ε, lost, unbooked."""
    lines = ledger[ledger.index("  node ") :].splitlines()[1:]
    rows = [line.split() for line in lines if line.startswith("  ") and not line.startswith("  all nodes")]
    return {row[0]: [float(cell) for cell in row[2:]] for row in rows}


def test_the_printed_ledger_balances(photos, tmp_path):
    out = rankone(
        "relevance", "--model", OWN, "--images", photos, "--method", "lrp_epsilon:0.01", "--ledger",
        "--float64", "--out", tmp_path,
    ).out  # fmt: skip
    books = columns_of(out)
    assert len(books) == 16
    assert books["dense"][0] == 1
    for node, (into, *went) in books.items():
        np.testing.assert_allclose(into, sum(went), atol=5e-5, err_msg=node)
    totals = [float(x) for x in out[out.index("all nodes") :].splitlines()[0].split()[2:]]
    np.testing.assert_allclose(totals, np.sum([row[2:] for row in books.values()], axis=0), atol=2e-4)
    arrived = np.load(tmp_path / "relevance.npz")["relevance"].sum((1, 2, 3)).mean()
    np.testing.assert_allclose(1 - sum(totals), arrived, atol=1e-4)


def test_growth_is_explained(photos, tmp_path):
    common = ("relevance", "--model", OWN, "--images", photos, "--ledger", "--out", tmp_path)
    assert "A negative loss is growth" in rankone(*common, "--method", "alpha_beta:2:1").out
    assert "A negative loss is growth" not in rankone(*common, "--method", "z_plus").out


@pytest.mark.parametrize(
    "start,unit,at", [("logits", "largest", "input"), ("logits", "2", "block2_1"), ("dense", "0", "stem")]
)
def test_arrays_are_the_relevance_of_the_unit(photos, tmp_path, start, unit, at):
    done = rankone(
        "relevance", "--model", OWN, "--images", photos, "--method", "z_plus", "--start", start,
        "--unit", unit, "--at", at, "--limit", 2, "--seed", 3, "--out", tmp_path,
    )  # fmt: skip
    assert done.status == 0
    images = torch.from_numpy(np.load(photos))[:2]
    graph = trace(models.load(OWN, seed=3), images)
    outputs = graph.nodes[-1].value
    units = outputs.argmax(1) if unit == "largest" else torch.full((2,), int(unit))
    one_hot = torch.nn.functional.one_hot(units, 5).float()[None]
    (expected,) = relevance(graph, methods.z_plus, "logits", one_hot, at)
    with np.load(tmp_path / "relevance.npz") as file:
        np.testing.assert_allclose(file["relevance"], expected, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(file["map"], expected.sum(1), rtol=1e-5, atol=1e-8)
        np.testing.assert_array_equal(file["units"], units)
        np.testing.assert_allclose(file["outputs"], outputs.gather(1, units[:, None])[:, 0], rtol=1e-5)
        np.testing.assert_array_equal(file["images"], images)
        assert (str(file["method"]), str(file["at"])) == ("z_plus", at)


def test_the_model_file_is_a_plain_module():
    assert isinstance(models.load(OWN), torch.nn.Module)
    assert Net()(torch.zeros(2, 3, 16, 16)).shape == (2, 5)


def test_a_layer_without_space_is_drawn_as_bars(tmp_path):
    digits = ("--model", "digits-vgg", "--limit", 1)
    done = rankone("relevance", *digits, "--method", "gradient", "--at", "fc1", "--out", tmp_path)
    assert done.status == 0
    assert np.load(tmp_path / "relevance.npz")["map"].shape == (1, 128)
    assert (tmp_path / "relevance.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "arguments,reason",
    [
        (("--method", "z_minus"), "method: expected one of gradient"),
        (("--method", "alpha_beta"), "expected alpha_beta:ALPHA:BETA"),
        (("--start", "conv9"), "expected the name of a node"),
        (("--at", "conv9"), "expected the name of a node"),
        (("--start", "conv1_1", "--at", "fc1"), "relevance from 'conv1_1' reaches"),
        (("--unit", "10"), "unit: expected 'largest', 'all' or a number from 0 to 9"),
        (("--unit", "best"), "unit: expected 'largest', 'all' or a number from 0 to 9"),
        (("--unit", "²"), "unit: expected 'largest', 'all' or a number from 0 to 9"),
        (("--unit", "9" * 5000), "unit: expected 'largest', 'all' or a number from 0 to 9"),
        (("--seed", 2**64), "seed: expected a whole number from -2**63 to 2**64 - 1"),
        (("--images", "nothing"), "nothing"),
        (("--limit", "0"), "limit: expected at least 1 image"),
        (("--model", "vgg16"), "weights: expected 'random', 'download' or a file"),
    ],
)
def test_refusals(tmp_path, arguments, reason):
    """One line; nothing is written."""
    done = rankone(
        "relevance", "--model", "digits-vgg", "--method", "z_plus", "--out", tmp_path / "out", *arguments
    )
    assert reason in refused(done)
    assert not (tmp_path / "out").exists()


HELD = """
import torch
from torch import nn

class Held(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.gate = nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1)
        self.act, self.fc = nn.SiLU(), nn.Linear(4, 3)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        x = x * torch.sigmoid(self.gate(x.mean((2, 3), keepdim=True)))
        return self.fc(x.mean((2, 3)))
"""


@pytest.mark.parametrize("command", ["csc", "relevance", "cone"])
def test_what_is_held_constant_is_named_and_a_switch_refuses_it(photos, tmp_path, command):
    """The ledger names the norm and the gate; --no-held refuses both in one line."""
    (tmp_path / "held.py").write_text(HELD)
    method = "--method" if command == "relevance" else "--methods"
    asked = (command, "--model", f"{tmp_path}/held.py:Held", "--images", photos, method, "z_plus")
    asked = (*asked, "--limit", "1", "--out", tmp_path / "out")
    done = rankone(*asked, *(["--ledger"] if command == "relevance" else []))
    assert done.status == 0
    if command == "relevance":
        said = "Held constant at each image's own values (statistics of norms, gates): mul, norm."
        assert said in " ".join(done.out.split())
    assert "3 without: mul (gate, mul), sigmoid (smooth, sigmoid), norm (norm, norm)" in refused(
        rankone(*asked, "--no-held")
    )


@pytest.mark.parametrize(
    "method,explained",
    [("z_plus", True), ("alpha_beta:2:1", True), ("gradient", False), ("gradient_times_input", False)],
)
def test_a_map_says_where_the_rest_went_if_the_books_explain_it(photos, tmp_path, method, explained):
    """What is given is what arrives, and what biases and ε drew, and what was lost."""
    done = rankone("relevance", "--model", OWN, "--images", photos, "--method", method, "--out", tmp_path)
    assert ("to biases" in done.out) == explained
    with np.load(tmp_path / "relevance.npz") as file:
        assert file["explained"] == explained
        if explained:
            went = sum(file[name] for name in ("arrived", "bias", "epsilon", "lost"))
            np.testing.assert_allclose(went, file["given"], rtol=1e-4)


def test_every_unit_of_one_image_is_drawn(photos, tmp_path):
    asked = ("relevance", "--model", OWN, "--images", photos, "--method", "z_plus", "--out", tmp_path)
    assert rankone(*asked, "--unit", "all").status == 0
    with np.load(tmp_path / "relevance.npz") as file:
        np.testing.assert_array_equal(file["units"], range(5))
        np.testing.assert_array_equal(file["names"], [f"unit {k}" for k in range(5)])
        np.testing.assert_array_equal(file["images"], np.load(photos)[:1].repeat(5, 0))
    line = refused(rankone(*asked, "--unit", "all", "--start", "stem"))
    assert "unit: expected one image and at most 20 units" in line
