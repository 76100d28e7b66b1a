"""`rankone model`: names that start layers are asked for by, or one line that says what is wrong."""

from pathlib import Path

import pytest

from tests.helpers.command import rankone, refused
from torch_backend import models, trace
from torch_backend.commands.model import WIDTH, one_image

OWN = f"{Path(__file__).parents[1] / 'helpers' / 'own_model.py'}:Net"


def lines(*arguments: object) -> list[str]:
    done = rankone("model", *arguments)
    assert done.status == 0
    assert max(map(len, done.out.splitlines())) <= WIDTH
    return done.out.splitlines()


def rows(output: list[str]) -> list[str]:
    """The lines below the header of the table."""
    return output[output.index("") + 2 :]


def names(output: list[str], mark: str) -> list[str]:
    return [line[2:].split()[0] for line in rows(output) if line.startswith(mark)]


@pytest.mark.parametrize("name", ["digits-vgg", "digits-resnet"])
def test_marked_names_are_the_layers_of_the_graph(name):
    """Exactly those, in order, each with the shape of its output."""
    output = lines("--model", name)
    graph = trace(models.load(name), one_image(name, None))
    assert names(output, "*") == list(graph.layers)
    assert names(output, "") == [node.name for node in graph.nodes]
    shapes = [line[2:].split()[2] for line in rows(output)]
    assert shapes == ["x".join(map(str, node.value.shape[1:])) for node in graph.nodes]


def test_the_papers_names():
    layers = names(lines("--model", "digits-vgg"), "*")
    assert [layers[0], layers[9], layers[-1]] == ["conv1_1", "conv4_3", "fc3"]
    assert "block3_2" in names(lines("--model", "digits-resnet"), "*")


def test_torchvision_without_naming_weights():
    output = lines("--model", "resnet18", "--input-shape", "3x64x64")
    assert output[0].startswith("resnet18: 50 nodes, 29 layers")
    assert any("reads layer1.0.conv2, maxpool; layer1.0.add" in line for line in output)


def test_own_model():
    output = lines("--model", OWN, "--input-shape", "3,16,16")
    assert names(output, "*") == [
        "stem",
        "block1.conv1",
        "block1.conv2",
        "block2_1",
        "block2.conv1",
        "block2.conv2",
        "block3_1",
        "dense",
    ]
    assert "reads pool, block1.conv2; block1.add" in "\n".join(output)


@pytest.mark.parametrize(
    "arguments,reason",
    [
        (("--model", "vgg61"), "model: expected one of digits-vgg"),
        (("--model", "nothing.py:Net"), "model: no file nothing.py"),
        (("--model", "digits-vgg", "--weights", "nothing.pth"), "weights: no file nothing.pth"),
        (("--model", "digits-vgg", "--input-shape", "3x32xx"), "input-shape: expected sizes of one image"),
        (("--model", "digits-vgg", "--input-shape", "3x²x4"), "input-shape: expected sizes of one image"),
        (("--model", "digits-vgg", "--input-shape", "-3x8x8"), "input-shape: expected sizes of one image"),
        (("--model", "digits-vgg", "--input-shape", ""), "input-shape: expected sizes of one image"),
        (
            ("--model", "digits-vgg", "--input-shape", "1x32x32"),
            "images: expected a shape that the model accepts",
        ),
    ],
)
def test_refusals(arguments, reason):
    assert reason in refused(rankone("model", *arguments))


def test_half_precision_is_said_in_one_line(tmp_path):
    (tmp_path / "half.py").write_text("from torch import nn\nnet = nn.Linear(3, 2).half()\n")
    done = rankone("model", "--model", f"{tmp_path}/half.py:net", "--input-shape", "3")
    assert done.status == 0
    assert done.err == "rankone: model: weights in float16, computed in float32\n"
