"""Files that are damaged, hostile, or hold what cannot be read: one line each, that names what is wrong."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.helpers.command import rankone, refused
from tests.helpers.onnx_graphs import Graph
from torch_backend import load_onnx, trace

Edit = Callable[[ModelProto], object]
WEIGHT = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)


def valid() -> ModelProto:
    """A convolution, a rectifier, a mean, a dense layer."""
    g = Graph(("N", 3, 8, 8), np.float32)
    h = g("Relu", g("Conv", "image", WEIGHT, WEIGHT[:, 0, 0, 0], pads=[1, 1, 1, 1]))
    h = g("Flatten", g("GlobalAveragePool", h))
    return g.model(g("Gemm", h, WEIGHT[:, :, 0, 0], transB=0))


def graph_of(write: Callable[[Graph], str], image=("N", 3, 8, 8), opset: int = 13) -> ModelProto:
    g = Graph(image, np.float32, opset)
    return g.model(write(g))


def saved(model: ModelProto, folder: Path) -> Path:
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


def node(model: ModelProto, kind: str) -> onnx.NodeProto:
    return next(n for n in model.graph.node if n.op_type == kind)


# ---------------------------------------------------------------- bytes


BYTES = {
    "nothing": (b"", "with a network"),
    "text": (b"import torch\n" * 20, "an .onnx file"),
    "a pickle": (b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.", "an .onnx file"),
    "half a file": (valid().SerializeToString()[: len(valid().SerializeToString()) // 2], ""),
    "zeros": (bytes(500), "an .onnx file"),
}


@pytest.mark.parametrize("content,words", BYTES.values(), ids=BYTES)
def test_other_bytes_are_refused(content, words, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=rf"^model: expected .*{words}.*, got .*; "):
        load_onnx(tmp_path / "net.onnx")


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^model: expected an .onnx file, got the folder"):
        load_onnx(tmp_path)
    with pytest.raises(OSError, match=r"^model: no file"):
        load_onnx(tmp_path / "none.onnx")


def test_what_is_no_ordinary_file_is_not_read(tmp_path):
    """A pipe would never end."""
    os.mkfifo(tmp_path / "net.onnx")
    with pytest.raises(OSError, match=r"^model: no file"):
        load_onnx(tmp_path / "net.onnx")


def test_a_file_beyond_a_protocol_buffer_is_refused(tmp_path):
    with (tmp_path / "net.onnx").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ValueError, match=r"at most 2 GB"):
        load_onnx(tmp_path / "net.onnx")


# ---------------------------------------------------------------- graphs


def cycle(model):
    node(model, "Conv").input[0] = node(model, "Relu").output[0]


def twice(model):
    model.graph.node.add().CopyFrom(node(model, "Relu"))


def another_input(model):
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 3, 8, 8]))
    node(model, "Relu").op_type = "Max"
    node(model, "Max").input.append("mask")


def branch(model):
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(WEIGHT))
    output = helper.make_tensor_value_info("c", TensorProto.FLOAT, None)
    body = helper.make_graph([constant], "body", [], [output])
    added = helper.make_node("If", ["image"], ["chosen"], "my_if", then_branch=body, else_branch=body)
    model.graph.node.append(added)


def function(model):
    made = helper.make_function(
        "mine",
        "twice",
        ["x"],
        ["y"],
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 13)],
    )
    model.functions.append(made)


def text(model):
    model.graph.initializer.add().CopyFrom(helper.make_tensor("words", TensorProto.STRING, [1], [b"a"]))


def sparse(model):
    model.graph.sparse_initializer.add()


def image_of(shape, kind=TensorProto.FLOAT):
    def edit(model):
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", kind, shape))

    return edit


def set_to(path: Callable[[ModelProto], object], name: str, value) -> Edit:
    return lambda model: setattr(path(model), name, value)


GRAPHS: dict[str, tuple[Edit, str]] = {
    "a cycle": (cycle, "a graph that holds together"),
    "a name that is made twice": (twice, "a graph that holds together"),
    "a name that nobody makes": (
        lambda m: node(m, "Relu").input.__setitem__(0, "nobody"),
        "holds together.*nobody",
    ),
    "a weight that is missing": (lambda m: m.graph.initializer.pop(0), "holds together"),
    "several inputs": (another_input, "one input, the images, got image, mask"),
    "no output": (lambda m: m.graph.output.pop(), "with a network"),
    "a branch": (branch, "no branches or loops, got 'my_if' .If."),
    "a function": (function, "no functions of its own, got mine::twice"),
    "an operator of others": (
        set_to(lambda m: node(m, "Relu"), "domain", "com.mine"),
        "'com.mine' at 'net/Relu.1'",
    ),
    "an operator that torch has": (
        set_to(lambda m: node(m, "Relu"), "op_type", "Load"),
        "operators of ONNX's own",
    ),
    "an unknown operator": (set_to(lambda m: node(m, "Relu"), "op_type", "Rleu"), "operators of ONNX's own"),
    "an old opset": (set_to(lambda m: m.opset_import[0], "version", 4), "an opset from 7 to"),
    "an opset to come": (
        set_to(lambda m: m.opset_import[0], "version", 999),
        "an opset from 7 to .*, got 999",
    ),
    "no opset": (lambda m: m.opset_import.pop(), "an opset from 7 to .*, got none"),
    "another attribute": (lambda m: node(m, "Relu").attribute.add(name="x", i=1, type=2), "holds together"),
    "text": (text, "got text in 'words'"),
    "sparse weights": (sparse, "dense weights"),
    "no numbers in an image": (image_of(["N", 3, 0, 8]), "images .B, C, ...., got"),
    "one number": (image_of([]), "images .B, C, ...., got"),
    "whole numbers": (image_of(["N", 3, 8, 8], TensorProto.INT64), "real numbers, got INT64"),
    "a shape beyond all memory": (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**50), "shape|holds"),
    "a negative shape": (lambda m: m.graph.initializer[0].dims.__setitem__(0, -4), "shape|holds"),
    "fewer numbers than said": (set_to(lambda m: m.graph.initializer[0], "raw_data", b"1234"), "shape|holds"),
}


@pytest.mark.parametrize("edit,words", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_cannot_be_read_is_refused_by_name(edit, words, tmp_path):
    model = valid()
    load_onnx(saved(model, tmp_path))
    edit(model)
    with pytest.raises(ValueError, match=rf"^model: expected .*{words}") as caught:
        load_onnx(saved(model, tmp_path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def quantised(g):
    return g("DequantizeLinear", g("QuantizeLinear", "image", np.float32(0.1)), np.float32(0.1))


def training_norm(g):
    one = np.ones(3, np.float32)
    return g("BatchNormalization", "image", one, one, one, one, outputs=3, training_mode=1)[0]


def weights_from_the_image(g):
    return g("Conv", "image", g("Slice", "image", np.array([0]), np.array([1]), np.array([0])))


def odd_resize(g):
    sizes = np.array([1.0, 1.0, 1.5, 1.5], np.float32)
    return g("Resize", "image", "", sizes, mode="nearest", coordinate_transformation_mode="half_pixel")


def mixing(g):
    return g("Expand", g("ReduceMean", "image", axes=[0]), np.array([1, 3, 8, 8]))


OPERATORS = {
    "quantised numbers": (quantised, ("N", 3, 8, 8), "not quantised, got 'net/QuantizeLinear.0'"),
    "statistics of the batch": (training_norm, ("N", 3, 8, 8), "batch norms with stored statistics"),
    "weights from the image": (weights_from_the_image, ("N", 3, 3, 3), "constant weights, got 'net/Conv.1'"),
    "a resizing that torch has not": (
        odd_resize,
        ("N", 3, 8, 8),
        "a resizing that torch has, got 'net/Resize.0'",
    ),
    "a transform": (
        lambda g: g("LpNormalization", "image"),
        ("N", 3, 8, 8),
        "operators that onnx2pytorch converts",
    ),
    "a batch that stays fixed": (mixing, (5, 3, 8, 8), "a file for any number of images"),
}


@pytest.mark.parametrize("write,image,words", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_that_cannot_be_read_is_refused_by_name(write, image, words, tmp_path):
    with pytest.raises(ValueError, match=rf"^model: expected .*{words}"):
        load_onnx(saved(graph_of(write, image, 15), tmp_path))


@pytest.mark.parametrize("scale,refused_there", [(0.5, True), (2.0, False)])
def test_nearest_numbers_of_an_image_that_shrinks_are_refused_at_opset_10(scale, refused_there, tmp_path):
    scales = np.float32([1, 1, scale, 1])
    path = saved(graph_of(lambda g: g("Resize", "image", scales, mode="nearest"), opset=10), tmp_path)
    if not refused_there:
        load_onnx(path)
        return
    with pytest.raises(ValueError, match=r"^model: expected nearest numbers .*, got 'net/Resize.0'"):
        load_onnx(path)


@pytest.mark.parametrize("dtype", ["float32", torch.float16, None, np.float32])
def test_another_precision_is_refused(dtype, tmp_path):
    with pytest.raises(ValueError, match=r"^dtype: expected torch.float32 or torch.float64, got "):
        load_onnx(saved(valid(), tmp_path), dtype)


# ---------------------------------------------------------------- data beside the file


def with_data(folder: Path, location: str, **said: object) -> Path:
    """A model whose first tensor lies in the file `location`."""
    model = valid()
    tensor = model.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **said}.items():
        tensor.external_data.add(key=key, value=str(value))
    (folder / "weights.bin").write_bytes(bytes(8) + data)
    return saved(model, folder)


def test_data_beside_the_file_are_its_weights(tmp_path):
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = load_onnx(saved(valid(), tmp_path))(images)
    assert torch.equal(load_onnx(with_data(tmp_path, "weights.bin", offset=8))(images), whole)


def test_data_outside_the_folder_are_refused(tmp_path):
    outside, inside = tmp_path / "secret", tmp_path / "model"
    inside.mkdir()
    outside.write_bytes(bytes(10_000))
    (inside / "link").symlink_to(outside)
    for location in (str(outside), "../secret", "link", "./x/../../secret", "weights.bin\0"):
        with pytest.raises(ValueError, match=r"^model: expected external data in the folder of the model"):
            load_onnx(with_data(inside, location))


@pytest.mark.parametrize("location", ["", ".", "none.bin"])
def test_data_that_are_missing_are_refused(location, tmp_path):
    with pytest.raises(OSError, match=r"^model: no file .* with the external data"):
        load_onnx(with_data(tmp_path, location))


@pytest.mark.parametrize("offset", [9, 10**18, "-1", "x", "9" * 99, ""])
def test_data_that_end_too_soon_are_refused(offset, tmp_path):
    with pytest.raises(ValueError, match=r"^model: expected .* bytes for it"):
        load_onnx(with_data(tmp_path, "weights.bin", offset=offset))


# ---------------------------------------------------------------- by chance


def damaged(content: bytes, seed: int) -> bytes:
    """The file with a few bytes changed, left out or doubled."""
    chance, found = random.Random(seed), bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found))
        match chance.randrange(4):
            case 0:
                found[at] ^= 1 << chance.randrange(8)
            case 1:
                found[at] = chance.randrange(256)
            case 2:
                del found[at : at + chance.randint(1, 8)]
            case 3:
                found[at:at] = found[at : at + chance.randint(1, 30)]
    return bytes(found)


def test_a_damaged_file_is_a_network_or_one_line(tmp_path):
    """Two hundred: nothing but ValueError or OSError comes out, of loading or of reading."""
    images = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    refusals = 0
    for seed in range(200):
        path = tmp_path / "net.onnx"
        path.write_bytes(damaged(valid().SerializeToString(), seed))
        try:
            trace(load_onnx(path), images)
        except (ValueError, OSError) as error:
            assert "\n" not in str(error), seed
            refusals += 1
    assert 20 < refusals < 200


# ---------------------------------------------------------------- the command line


def test_the_command_line_says_it_in_one_line(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"text" * 100)
    assert "model: expected an .onnx file" in refused(rankone("model", "--model", tmp_path / "net.onnx"))


def test_weights_beside_the_file_s_own_are_refused(tmp_path):
    path = saved(valid(), tmp_path)
    said = refused(rankone("model", "--model", path, "--weights", "random"))
    assert said.startswith("rankone: weights: expected none")


def test_the_package_imports_neither_onnx_nor_its_converter():
    code = "import sys, torch_backend; sys.exit(bool({'onnx', 'onnx2pytorch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_one_line_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['onnx2pytorch'] = None\n"
        "from torch_backend import load_onnx\n"
        "try: load_onnx('net.onnx')\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("model: expected the packages that read .onnx files")
    assert done.stdout.endswith("; pip install 'rankone[onnx]'\n")
