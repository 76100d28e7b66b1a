"""Every command takes an .onnx file for its network."""

import numpy as np
import onnx
import pytest

from tests.helpers.command import rankone
from tests.helpers.onnx_graphs import Graph
from torch_backend.commands.model import one_image

LAST = "the file reads images (B, *space, C); here they are (B, C, *space)"
LEFT_OUT = "its final Softmax is left out: relevance starts before it"


@pytest.fixture
def file(tmp_path):
    """Channels last, 16×16, with a softmax."""
    chance = np.random.default_rng(0)
    g = Graph(("N", 16, 16, 3), np.float32)
    h = g("Transpose", "image", perm=[0, 3, 1, 2])
    for channels in (3, 4):
        h = g("Relu", g("Conv", h, chance.standard_normal((4, channels, 3, 3)), pads=[1, 1, 1, 1]))
    h = g("Flatten", g("GlobalAveragePool", h))
    onnx.save(g.model(g("Softmax", g("MatMul", h, chance.standard_normal((4, 3))))), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_the_nodes_have_the_file_s_names_and_size(file):
    done = rankone("model", "--model", file)
    assert done.status == 0
    assert f"Note: {LEFT_OUT}." in done.out
    assert f"Note: {LAST}." in done.out
    rows = [line.replace("*", " ").split() for line in done.out.splitlines()]
    assert ["input", "input", "3x16x16"] in rows
    assert ["conv1_1.pre", "convolution", "4x16x16", "net/Conv/1"] in rows
    assert ["fc1", "dense", "3", "net/MatMul/7"] in rows


COMMANDS = {
    "csc": ("--methods", "z_plus", "--limit", "2", "--vectors", "2"),
    "relevance": ("--method", "z_plus", "--limit", "2"),
    "relevance in float64": ("--method", "z_plus", "--limit", "2", "--float64"),
    "cone": ("--methods", "z_plus", "--limit", "1"),
    "patterns": ("--limit", "2"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_take_it_and_say_what_differs(name, file, tmp_path):
    """Photographs are cut to the file's size."""
    done = rankone(name.split()[0], "--model", file, *COMMANDS[name], "--out", tmp_path / "out.npz")
    assert done.status == 0, done.err
    assert f"net.onnx: {LEFT_OUT}\n" in done.err
    assert f"net.onnx: {LAST}\n" in done.err


def test_an_image_has_the_declared_shape_and_the_usual_one_where_it_is_free():
    assert one_image("net.onnx", None, (1, 20, 30)).shape == (1, 1, 20, 30)
    assert one_image("net.onnx", None, (None, None, 30)).shape == (1, 3, 224, 30)
    assert one_image("net.onnx", None, None).shape == (1, 3, 224, 224)
    assert one_image("net.onnx", "3x8x8", (1, 20, 30)).shape == (1, 3, 8, 8)
