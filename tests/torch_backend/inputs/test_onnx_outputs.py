"""What stands behind the logits is left out, of every output; nothing else changes."""

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from tests.helpers.onnx_graphs import Graph
from torch_backend import load_onnx, trace

WEIGHT = np.random.default_rng(0).standard_normal((3, 5))


def logits(g: Graph) -> str:
    return g("MatMul", g("ReduceMean", "image", axes=[2, 3], keepdims=0), WEIGHT)


def expected(images: torch.Tensor) -> torch.Tensor:
    return images.mean((2, 3)) @ torch.from_numpy(WEIGHT)


IMAGES = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def loaded(g: Graph, folder, *outputs: str):
    onnx.save(g.model(*outputs), folder / "net.onnx")
    return load_onnx(folder / "net.onnx", torch.float64)


def reshaped(g, y):
    return g("Reshape", g("Unsqueeze", y, np.array([2])), np.array([0, -1]))


BEHIND = {
    "nothing": lambda g, y: y,
    "identity": lambda g, y: g("Identity", g("Identity", y)),
    "cast": lambda g, y: g("Cast", g("Cast", y, to=1), to=11),
    "flatten": lambda g, y: g("Flatten", y),
    "reshape": reshaped,
    "squeeze": lambda g, y: g("Squeeze", g("Unsqueeze", y, np.array([1])), np.array([1])),
    "transpose": lambda g, y: g("Transpose", g("Transpose", y, perm=[1, 0]), perm=[1, 0]),
}


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Sigmoid"])
@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
def test_the_last_activation_is_left_out_and_what_reshapes_it_stays(kind, behind, tmp_path):
    g = Graph(("N", 3, 4, 4))
    network = loaded(g, tmp_path, behind(g, g(kind, logits(g))))
    assert torch.allclose(network(IMAGES), expected(IMAGES), rtol=0, atol=1e-12)
    assert network.notes == (f"its final {kind} is left out: relevance starts before it",)
    assert [node.kind for node in trace(network, IMAGES).nodes][:3] == ["input", "average", "dense"]


def test_an_activation_inside_stays(tmp_path):
    g = Graph(("N", 3, 4, 4))
    y = g("Sigmoid", logits(g))
    network = loaded(g, tmp_path, g("Mul", y, y))
    assert torch.allclose(network(IMAGES), expected(IMAGES).sigmoid() ** 2, rtol=0, atol=1e-12)
    assert network.notes == ()


def test_of_several_outputs_each_starts_at_its_logits_and_what_else_reads_an_activation_reads_it(tmp_path):
    g = Graph(("N", 3, 4, 4))
    y = logits(g)
    soft = g("Softmax", y, axis=-1)
    doubled = g("Add", soft, soft)
    network = loaded(g, tmp_path, soft, doubled, g("Identity", g("Sigmoid", y)))
    found = network(IMAGES)
    there = expected(IMAGES)
    assert list(found) == [soft, doubled, "Identity_5.0"]
    for value, other in zip(found.values(), (there, 2 * there.softmax(1), there), strict=True):
        assert torch.allclose(value, other, rtol=0, atol=1e-12)
    assert network.notes == ("its final Softmax and Sigmoid is left out: relevance starts before it",)
    with pytest.raises(ValueError, match=r"^model: expected one output tensor"):
        trace(network, IMAGES)


def test_what_no_output_needs_is_not_there(tmp_path):
    g = Graph(("N", 3, 4, 4))
    y = logits(g)
    g("Exp", "image")
    network = loaded(g, tmp_path, y)
    assert not [name for name, _ in network.named_modules() if "Exp" in name]


def test_names_that_the_converter_takes_for_one_are_two(tmp_path):
    """w.1 and w_1."""
    g = Graph(("N", 3, 4, 4))
    model = g.model(g("Add", g("Mul", "image", np.array(2.0)), np.array(3.0)), shape=("N", 3, 4, 4))
    for tensor, name in zip(model.graph.initializer, ("w.1", "w_1"), strict=True):
        tensor.name = name
    for node, name in zip(model.graph.node, ("w.1", "w_1"), strict=True):
        node.input[1] = name
    onnx.save(model, tmp_path / "net.onnx")
    assert torch.equal(load_onnx(tmp_path / "net.onnx", torch.float64)(IMAGES), 2 * IMAGES + 3)


def test_quantised_weights_are_computed_with_as_numbers(tmp_path):
    g = Graph(("N", 3, 4, 4), np.float32)
    whole = np.arange(-7, 8, dtype=np.int8).reshape(3, 5)
    weight = g("DequantizeLinear", whole, np.float32(0.25), np.array(1, np.int8))
    network = loaded(g, tmp_path, g("MatMul", g("ReduceMean", "image", axes=[2, 3], keepdims=0), weight))
    there = IMAGES.mean((2, 3)) @ torch.from_numpy((whole - 1.0) * 0.25)
    assert torch.allclose(network(IMAGES), there, rtol=0, atol=1e-12)
    assert network.notes == ("its quantised weights are computed with as real numbers",)


def test_half_precision_is_computed_in_full_and_said(tmp_path):
    g = Graph(("N", 3, 4, 4), np.float32)
    h = g("Cast", g("ReduceMean", "image", axes=[2, 3], keepdims=0), to=10)
    network = loaded(g, tmp_path, g("Cast", g("MatMul", h, g.constant(np.float32(WEIGHT))), to=1))
    there = IMAGES.mean((2, 3)) @ torch.from_numpy(WEIGHT.astype(np.float32)).double()
    assert torch.allclose(network(IMAGES), there, rtol=0, atol=1e-12)
    assert "half precision" in network.notes[0]


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_for_some_images_takes_any_number_of_them(count, tmp_path):
    g = Graph((count, 3, 4, 4))
    h = g("Reshape", g("Reshape", "image", np.array([count, 48])), np.array([count, 3, 16]))
    network = loaded(g, tmp_path, g("MatMul", g("ReduceMean", h, axes=[2], keepdims=0), WEIGHT))
    many = torch.cat([IMAGES, -IMAGES, 3 * IMAGES])
    assert torch.allclose(network(many), expected(many), rtol=0, atol=1e-12)
    assert network.notes == (f"the file is for batches of {count}; here it takes any number of images",)


def test_a_constant_from_several_nodes_is_computed_in_float64(tmp_path):
    """A variance's root, of float32 numbers."""
    variance = np.float32([0.1, 0.2, 0.3])
    nodes = [
        helper.make_node("Sqrt", ["v"], ["root"]),
        helper.make_node("Reciprocal", ["root"], ["scale"]),
        helper.make_node("Unsqueeze", ["scale", "axes"], ["column"]),
        helper.make_node("Mul", ["image", "column"], ["y"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", kind, ["N", 3, 4, 4])],
        [helper.make_tensor_value_info("y", kind, ["N", 3, 4, 4])],
        [numpy_helper.from_array(variance, "v"), numpy_helper.from_array(np.array([1, 2]), "axes")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        tmp_path / "n.onnx",
    )
    scale = torch.from_numpy(variance.astype(np.float64)).rsqrt().view(3, 1, 1)
    assert torch.allclose(
        load_onnx(tmp_path / "n.onnx", torch.float64)(IMAGES), IMAGES * scale, rtol=1e-14, atol=0
    )
