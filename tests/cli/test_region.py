"""`--region` and `--mask`: relevance of a class of a segmentation, summed over a part of the picture."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.helpers.command import rankone, refused
from torch_backend import class_start, class_sums, methods, models, relevance, trace

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 4, 1)
    def forward(self, x):
        return self.two(torch.relu(self.one(x)))

class Flat(Net):
    def forward(self, x):
        return super().forward(x).mean((2, 3))
"""
INSIDE = np.zeros((8, 9), bool)
INSIDE[1:4, 2:] = True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("region")
    (path / "net.py").write_text(NET)
    np.save(path / "x.npy", np.random.default_rng(0).standard_normal((2, 3, 8, 9)).astype(np.float32))
    np.save(path / "mask.npy", INSIDE.astype(np.int8))
    np.save(path / "small.npy", INSIDE[:5])
    Image.fromarray(INSIDE.astype(np.uint8) * 255).save(path / "mask.png")
    Image.fromarray(INSIDE.astype(np.uint8) * 0).save(path / "black.png")
    return path


def words(folder, tmp_path, model="Net"):
    given = ("relevance", "--model", f"{folder}/net.py:{model}", "--images", folder / "x.npy")
    return (*given, "--method", "z_plus", "--out", tmp_path, "--seed", 3)


@pytest.mark.parametrize(
    "part",
    [(), ("--region", "1:4,2:"), ("--region", "1:4,2:9"), ("--mask", "mask.npy"), ("--mask", "mask.png")],
)
@pytest.mark.parametrize("unit", ["largest", "2"])
def test_relevance_starts_at_the_sum_of_a_class(folder, tmp_path, part, unit):
    """Everywhere by default; the largest unit is the class with the largest sum there."""
    part = ("--mask", folder / part[1]) if part[:1] == ("--mask",) else part
    done = rankone(*words(folder, tmp_path), *part, "--unit", unit)
    assert done.status == 0
    inside = torch.from_numpy(INSIDE) if part else None
    graph = trace(models.load(f"{folder}/net.py:Net", seed=3), torch.from_numpy(np.load(folder / "x.npy")))
    logits = graph.nodes[-1].value
    sums = class_sums(logits, inside)
    units = sums.argmax(1) if unit == "largest" else torch.tensor([2, 2])
    assert f"relevance, 1 at {21 if part else 72} places of a channel of logits" in done.out
    (expected,) = relevance(graph, methods.z_plus, "logits", class_start(logits, units, inside), "input")
    with np.load(tmp_path / "relevance.npz") as file:
        np.testing.assert_array_equal(file["units"], units)
        np.testing.assert_allclose(file["outputs"], sums.gather(1, units[:, None])[:, 0], rtol=1e-5)
        np.testing.assert_allclose(file["relevance"], expected, rtol=1e-5, atol=1e-7)


def test_a_region_of_a_hidden_layer_sums_a_channel(folder, tmp_path):
    done = rankone(*words(folder, tmp_path), "--start", "conv1_1", "--region", "0:2,0:2", "--unit", 4)
    assert "1 at 4 places of a channel of conv1_1" in done.out


def test_cone_and_csc_take_outputs_over_space(folder, tmp_path):
    given = ("--model", f"{folder}/net.py:Net", "--images", folder / "x.npy", "--out", tmp_path)
    assert "between any two of 4 classes" in rankone("cone", *given).out
    assert rankone("csc", *given, "--methods", "z_plus").status == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--region", "1:4"),
            "region: expected a part of the output's 8x9 places, got 1:4; give START:END inside it",
        ),
        (("--region", "1:4,2:10"), "region: expected a part of the output's 8x9 places, got 1:4,2:10"),
        (("--region", "4:4,:"), "region: expected a part of the output's 8x9 places, got 4:4,:"),
        (("--region", "-1:4,:"), "region: expected START:END for each axis of space, got '-1:4,:'"),
        (("--region", "everywhere"), "region: expected START:END for each axis of space, got 'everywhere'"),
        (("--region", "1:4,:", "--mask", "{}/mask.npy"), "region: expected --region or --mask, got both"),
        (("--mask", "{}/absent.npy"), "absent.npy"),
        (("--mask", "{}/net.py"), "images: expected a readable image, got"),
        (("--mask", "{}/small.npy"), "region: expected a mask (8, 9), as the output's space, got (5, 9)"),
        (
            ("--mask", "{}/black.png"),
            "region: expected a mask (8, 9), as the output's space, got an empty",
        ),
        (
            ("--unit", "4"),
            "unit: expected 'largest', 'all' or a number from 0 to 3, as logits has so many units",
        ),
    ],
)
def test_what_is_no_region_is_one_line(folder, tmp_path, arguments, line):
    arguments = [a.format(folder) for a in arguments]
    assert line in refused(rankone(*words(folder, tmp_path / "out"), *arguments))
    assert not (tmp_path / "out").exists()


def test_an_output_without_space_has_no_region(folder, tmp_path):
    line = refused(rankone(*words(folder, tmp_path, "Flat"), "--region", "1:4,2:9"))
    assert "region: expected a part of the output's space, which it does not have, got 1:4,2:9" in line
