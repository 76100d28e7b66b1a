"""A network of torchvision's that went through an .onnx file has the same relevance as itself.

Every method for two of them, a few for the others, to save time: benchmarks/onnx.py runs all, at more opsets.
"""

from functools import cache

import pytest
import torch

from tests.helpers.exported import NETWORKS, export, images, original
from tests.helpers.twins.compared import METHODS, TOLERANCE, distance
from torch_backend import load_onnx, relevance, trace

# Both exporters fold batch norms into convolutions, which rounds.
FORWARD = 1e-10
FEW = ("gradient", "lrp_z", "z_plus", "alpha2_beta1")
FEW = ("gradient", "lrp_z", "z_plus", "alpha2_beta1")
# At the reference, a constant image, a max-pooling reads equal numbers, of which rounding chooses one.
TIES = {"googlenet": "deeplift"}
ALL = [m for m in METHODS if m not in FEW]
OLDER = (9, 11, 17, 18)


@cache
def maps_of(name: str, method: str) -> torch.Tensor:
    return relevance_at_the_image(trace(original(name), images()), method)


def relevance_at_the_image(graph, method: str) -> torch.Tensor:
    logits = graph.nodes[-1].value
    start = torch.randn(1, *logits.shape, generator=torch.Generator().manual_seed(7), dtype=logits.dtype)
    return relevance(graph, METHODS[method], "logits", start, "input")


@pytest.fixture
def through_a_file(tmp_path):
    def written(name: str, opset: int, *, dynamo: bool):
        return load_onnx(
            export(original(name), tmp_path / "net.onnx", opset, dynamo=dynamo), dtype=torch.float64
        )

    return written


def apart(network, name: str, methods) -> dict[str, float]:
    """Methods under which the relevance is another than the original's."""
    graph = trace(network, images())
    found = {m: distance(maps_of(name, m), relevance_at_the_image(graph, m)) for m in methods}
    return {m: d for m, d in found.items() if d > TOLERANCE}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("opset,dynamo", [(13, False), (18, True)])
def test_what_an_exporter_wrote_has_the_same_relevance(name, opset, dynamo, through_a_file):
    network = through_a_file(name, opset, dynamo=dynamo)
    assert distance(original(name)(images()).detach(), network(images()).detach()) < FORWARD
    assert apart(network, name, FEW) == {}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_every_method_agrees(name, through_a_file):
    assert apart(through_a_file(name, 13, dynamo=False), name, ALL) == {}


@pytest.mark.parametrize("opset", OLDER)
def test_every_opset_has_the_same_relevance(opset, through_a_file):
    network = through_a_file("resnet18", opset, dynamo=False)
    assert len(trace(network, images()).nodes) == len(trace(original("resnet18"), images()).nodes)
    assert apart(network, "resnet18", FEW) == {}


def test_where_numbers_tie_rounding_alone_moves_deeplift(through_a_file):
    """The reference is a constant image: of equal numbers in a max-pooling's windows rounding picks one."""
    network = through_a_file("googlenet", 13, dynamo=False)
    assert apart(network, "googlenet", ["deeplift_rescale"])


def test_other_weights_are_noticed(through_a_file):
    network = through_a_file("resnet18", 13, dynamo=False)
    next(network.parameters()).data[0, 0, 0, 0] += 1e-6
    assert apart(network, "resnet18", FEW).keys() == set(FEW)


@pytest.mark.parametrize("opset,dynamo", [(13, False), (18, True)])
def test_a_file_that_was_exported_for_one_image_takes_several(opset, dynamo, tmp_path):
    """What users forget: the free batch axis."""
    path = export(original("resnet18"), tmp_path / "net.onnx", opset, dynamo=dynamo, count=1)
    network = load_onnx(path, torch.float64)
    assert network.notes == ("the file is for batches of 1; here it takes any number of images",)
    assert distance(original("resnet18")(images(3)).detach(), network(images(3)).detach()) < FORWARD
