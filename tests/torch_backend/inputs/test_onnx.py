"""A network in an .onnx file is the network that was written: the same numbers, the same relevance."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from tests.helpers.onnx_twins import TWINS, OnnxTwin
from tests.helpers.twins.compared import maps, verdicts
from tests.helpers.twins.spelling import FOR_ALL
from torch_backend import load_onnx, trace

# Of the largest number: float32's rounding in sums of a few hundred products, in another order.
SINGLE = 1e-5
DOUBLE = 1e-12
BOTH = pytest.mark.parametrize("name,twin", TWINS.items(), ids=TWINS)
LAST = {"Softmax": lambda y: y.softmax(1), "LogSoftmax": lambda y: y.log_softmax(1), "Sigmoid": torch.sigmoid}


def loaded(model: onnx.ModelProto, folder, dtype: torch.dtype = torch.float64):
    onnx.save(model, folder / "net.onnx")
    return load_onnx(folder / "net.onnx", dtype)


def as_in_the_file(twin: OnnxTwin, y: torch.Tensor) -> np.ndarray:
    """The output with what was left out."""
    for note in twin.notes:
        y = LAST.get(note, lambda y: y)(y)
    return y.detach().numpy()


def close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max() <= tolerance * np.abs(b).max())


@BOTH
def test_the_output_is_that_of_onnx_s_own_reference(name, twin, tmp_path):
    images, count = twin.images(), 1 if twin.image[0] == 1 else 2
    network = loaded(twin.model(), tmp_path)
    (expected,) = ReferenceEvaluator(twin.model()).run(None, {"image": twin.as_in_the_file(images[:count])})
    assert close(as_in_the_file(twin, network(images[:count])), expected, DOUBLE)
    assert close(network(images).detach().numpy(), twin.original()(images).detach().numpy(), DOUBLE)


@BOTH
def test_the_output_is_that_of_onnxruntime(name, twin, tmp_path):
    images, count = twin.images().float(), 1 if twin.image[0] == 1 else 2
    model = twin.model(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"image": twin.as_in_the_file(images[:count])})
    network = loaded(model, tmp_path, torch.float32)
    assert close(as_in_the_file(twin, network(images[:count])), expected, SINGLE)


@BOTH
def test_relevance_is_that_of_the_network_that_was_written(name, twin, tmp_path):
    """Every method, to 1e-9 of the largest entry."""
    images = twin.images()
    found = verdicts(maps(twin.original(), images), maps(loaded(twin.model(), tmp_path), images))
    assert [
        v for v in found if not v.agrees and (twin.has_lrp or v.apart is not None or v.method in FOR_ALL)
    ] == []


@BOTH
def test_nothing_is_left_of_the_file_s_moves(name, twin, tmp_path):
    graph = trace(loaded(twin.model(), tmp_path), twin.images())
    kinds = [node.kind for node in graph.nodes]
    assert "affine" not in kinds or not twin.has_lrp
    assert kinds.count("route") <= twin.routes, [f"{n.name} {n.kind}" for n in graph.nodes]


@BOTH
def test_what_differs_from_the_file_is_said(name, twin, tmp_path):
    said = loaded(twin.model(), tmp_path).notes
    assert len(said) == len(twin.notes)
    assert all(any(note in sentence for sentence in said) for note in twin.notes)
