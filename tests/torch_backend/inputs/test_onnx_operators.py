"""ONNX's own tests of its operators: what they say comes out, or the operator is refused by name."""

import warnings
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import ModelProto, numpy_helper

from tests.helpers.onnx_graphs import Graph
from torch_backend import load_onnx, trace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the tests' own
    from onnx.backend.test.case import node as onnx_tests

# The tolerance of onnx's own runner, some of whose tests state four digits; float32's near zero.
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
PART = 8  # of ONNX's tests, so that several processes share them


@cache
def cases() -> list[tuple[str, ModelProto, list[np.ndarray], list[np.ndarray]]]:
    """Name, model, inputs, outputs of all that have tensors only."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        collected = onnx_tests.collect_testcases(None)
    found = [(c.name, c.model, *map(list, c.data_sets[0])) for c in collected]
    return [test for test in found if all(isinstance(a, np.ndarray) for a in (*test[2], *test[3]))]


def with_one_input(model: ModelProto, inputs: list[np.ndarray]) -> tuple[ModelProto, np.ndarray] | None:
    """The model with every other input as a constant, and the images; none if nothing can be images."""
    real = [a.dtype in (np.float32, np.float64) and a.ndim > 1 and a.size > 0 for a in inputs]
    if not any(real):
        return None
    (copy := ModelProto()).CopyFrom(model)
    for i, (value, array) in enumerate(zip(model.graph.input, inputs, strict=False)):
        if i != real.index(True):
            copy.graph.initializer.append(numpy_helper.from_array(array, value.name))
    return copy, inputs[real.index(True)]


def agrees(network, images: np.ndarray, expected: list[np.ndarray]) -> bool:
    x = torch.from_numpy(images.copy()).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = network(x.movedim(-1, 1) if any("reads images" in note for note in network.notes) else x)
    found = list(found.values()) if isinstance(found, dict) else [found]
    return all(
        tuple(a.shape) == b.shape
        and np.allclose(a.detach().double().numpy(), np.asarray(b, np.float64), equal_nan=True, **CLOSE)
        for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("part", range(PART))
def test_an_operator_gives_what_onnx_says_or_is_refused(part, tmp_path):
    wrong, right = [], 0
    for name, model, inputs, outputs in cases()[part::PART]:
        if (chosen := with_one_input(model, inputs)) is None:
            continue
        one, images = chosen
        onnx.save(one, tmp_path / "net.onnx")
        try:
            network = load_onnx(tmp_path / "net.onnx")
        except ValueError:
            continue
        if any("left out" in note for note in network.notes):
            continue
        try:
            good = agrees(network, images, outputs)
        except RuntimeError:  # paddings of more than half a window: torch refuses them, and `trace` says so
            continue
        wrong += [] if good else [name]
        right += good
    assert wrong == []
    assert right > 50


def averaged(**said):
    def write(g: Graph) -> str:
        return g("AveragePool", g("Relu", "image"), **said)

    return write


def highest(**said):
    def write(g: Graph) -> str:
        return g("MaxPool", g("Relu", "image"), **said)

    return write


WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2]}
PAIRS = {"kernel_shape": [2, 2], "strides": [2, 2]}
POOLINGS = {
    "average, padding left out": averaged(**WINDOW, pads=[1, 1, 1, 1]),
    "average, padding counted": averaged(**WINDOW, pads=[1, 1, 1, 1], count_include_pad=1),
    "average, more behind": averaged(**WINDOW, pads=[0, 0, 1, 1]),
    "average, more behind, counted": averaged(**WINDOW, pads=[0, 0, 1, 1], count_include_pad=1),
    "average, same": averaged(**WINDOW, auto_pad="SAME_UPPER"),
    "average, same before": averaged(**WINDOW, auto_pad="SAME_LOWER"),
    "average, same, counted": averaged(**WINDOW, auto_pad="SAME_UPPER", count_include_pad=1),
    "average, rounded up": averaged(**WINDOW, ceil_mode=1),
    "average, every place": averaged(kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
    "average, more behind, rounded up": averaged(**PAIRS, pads=[0, 0, 1, 1], ceil_mode=1),
    "average, more behind, counted, rounded up": averaged(
        **PAIRS, pads=[0, 0, 1, 1], count_include_pad=1, ceil_mode=1
    ),
    "average, padded unlike, rounded up": averaged(**PAIRS, pads=[0, 1, 1, 1], ceil_mode=1),
    "maximum, more behind, rounded up": highest(**PAIRS, pads=[0, 0, 1, 1], ceil_mode=1),
    "maximum, padded unlike, rounded up": highest(**PAIRS, pads=[0, 1, 1, 1], ceil_mode=1),
    "maximum, far apart, rounded up": highest(
        kernel_shape=[2, 2], strides=[3, 3], pads=[0, 0, 1, 1], ceil_mode=1
    ),
    "maximum, more behind": highest(**WINDOW, pads=[0, 0, 1, 1]),
    "maximum, more in front": highest(**WINDOW, pads=[1, 1, 0, 0]),
    "maximum, same": highest(**WINDOW, auto_pad="SAME_UPPER"),
    "maximum, rounded up": highest(**WINDOW, ceil_mode=1),
    "maximum, dilated": highest(kernel_shape=[2, 2], dilations=[2, 2], strides=[1, 1]),
}


def beside_onnxruntime(write, image: tuple[int, ...], folder, opset: int = 13, declared=None):
    """The network, two images or as many as the file declares, what onnxruntime makes of them."""
    g = Graph(declared or ("N", *image), np.float32, opset)
    model = g.model(write(g), shape=[f"size {k}" for k in range(len(image) + 1)])
    count = declared[0] if declared else 2
    x = np.random.default_rng(0).standard_normal((count, *image)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"image": x})
    onnx.save(model, folder / "net.onnx")
    return load_onnx(folder / "net.onnx"), x, expected


@pytest.mark.parametrize("write", POOLINGS.values(), ids=POOLINGS)
@pytest.mark.parametrize("side", [7, 8, 9])
def test_pooling_is_onnxruntime_s_and_has_a_rule(write, side, tmp_path):
    """No node is known by its derivative alone."""
    network, x, expected = beside_onnxruntime(write, (2, side, side), tmp_path)
    assert agrees(network, x, [expected])
    kinds = {node.kind for node in trace(network, torch.from_numpy(x)).nodes}
    assert kinds <= {"input", "relu", "average", "affine", "max_pool", "route"}


@pytest.mark.parametrize("side", [7, 8, 9])
def test_a_norm_of_windows_has_onnxruntime_s_size(side, tmp_path):
    def norms(g: Graph) -> str:
        return g("LpPool", "image", **PAIRS, pads=[0, 0, 1, 1], ceil_mode=1)

    network, x, expected = beside_onnxruntime(norms, (2, side, side), tmp_path, opset=18)
    assert agrees(network, x, [expected])


SLOPE = np.float32([0.1, 0.2, 0.3])


def slopes_of_channels(g: Graph) -> str:
    return g("PRelu", "image", SLOPE.reshape(1, 3, 1, 1))


def slopes_of_channels_last(g: Graph) -> str:
    h = g("Transpose", g("Transpose", "image", perm=[0, 2, 3, 1]), perm=[0, 1, 2, 3])
    h = g("PRelu", h, SLOPE.reshape(1, 1, 3))
    return g("Transpose", h, perm=[0, 3, 1, 2])


@pytest.mark.parametrize("write", [slopes_of_channels, slopes_of_channels_last])
def test_a_slope_for_each_channel_is_torch_s_own_however_it_is_shaped(write, tmp_path):
    network, x, expected = beside_onnxruntime(write, (3, 4, 5), tmp_path)
    assert agrees(network, x, [expected])
    own = trace(torch.nn.PReLU(3).eval(), torch.from_numpy(x))
    assert [n.kind for n in trace(network, torch.from_numpy(x)).nodes] == [n.kind for n in own.nodes]


ADDED = {
    "one for each row": ((5, 6), 4, (5, 1)),
    "one for each channel": ((3, 5, 6), 4, (3, 1, 1)),
    "a width that grows": ((6,), 1, (4,)),
    "a bias": ((5, 6), 4, (4,)),
    "one number": ((6,), 4, ()),
}


@pytest.mark.parametrize("image,width,added", ADDED.values(), ids=ADDED)
def test_what_is_added_to_a_product_broadcasts_as_onnxruntime_says(image, width, added, tmp_path):
    chance = np.random.default_rng(3)
    weight, constant = chance.standard_normal((6, width)), chance.standard_normal(added)

    def write(g: Graph) -> str:
        return g("Add", g("MatMul", "image", weight), constant)

    network, x, expected = beside_onnxruntime(write, image, tmp_path)
    assert agrees(network, x, [expected])
    trace(network, torch.from_numpy(x))


def test_padding_by_infinity_is_the_pooling_s_own(tmp_path):
    def write(g: Graph) -> str:
        padded = g("Pad", "image", np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.array(-np.inf))
        return g("MaxPool", padded, **WINDOW)

    network, x, expected = beside_onnxruntime(write, (2, 7, 7), tmp_path)
    assert agrees(network, x, [expected])
    assert [node.kind for node in trace(network, torch.from_numpy(x)).nodes] == ["input", "max_pool"]


def test_a_file_that_resizes_one_image_resizes_any_number(tmp_path):
    def write(g: Graph) -> str:
        sizes = np.array([1, 3, 13, 5])
        return g("Resize", "image", "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")

    network, x, expected = beside_onnxruntime(write, (3, 8, 7), tmp_path, declared=(1, 3, 8, 7))
    assert agrees(network, x, [expected])
    assert agrees(network, np.concatenate([x, 2 * x]), [np.concatenate([expected, 2 * expected])])
    trace(network, torch.from_numpy(x))


@pytest.mark.parametrize("given", [("", np.array([1, 1, 0.4, 0.1])), ("", "", np.array([1, 3, 13, 1]))])
def test_a_side_of_one_is_the_first_number_by_pytorch_s_half_pixels(given, tmp_path):
    def write(g: Graph) -> str:
        place = "pytorch_half_pixel"
        return g("Resize", "image", *given, mode="linear", coordinate_transformation_mode=place)

    network, x, expected = beside_onnxruntime(write, (3, 8, 11), tmp_path, declared=(1, 3, 8, 11))
    assert agrees(network, x, [expected])
    trace(network, torch.from_numpy(x))


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_an_activation_of_the_images_themselves_stays(kind, tmp_path):
    network, x, expected = beside_onnxruntime(lambda g: g(kind, "image"), (5,), tmp_path)
    assert agrees(network, x, [expected])
    assert network.notes == ()


def test_a_wrong_operator_is_noticed(tmp_path):
    g = Graph(("N", 2, 8, 8), np.float32)
    onnx.save(g.model(g("Relu", "image")), tmp_path / "net.onnx")
    x = np.random.default_rng(0).standard_normal((2, 2, 8, 8)).astype(np.float32)
    assert agrees(load_onnx(tmp_path / "net.onnx"), x, [np.maximum(x, 0)])
    assert not agrees(load_onnx(tmp_path / "net.onnx"), x, [np.maximum(x, 1e-3)])
