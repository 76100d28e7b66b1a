"""Which graphs can be read: one image in, operators of ONNX's own without branches, constant weights.

The converter looks for weights among a layer's inputs by their being constants, and guesses where it knows
no equivalent: what it would get wrong is refused here, by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

from rankone.errors import refuse
from torch_backend.inputs.onnx.editing import attribute, constants, printable, sizes, title
from torch_backend.inputs.onnx.file import OWN

REAL = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
QUANTISED = (
    "QuantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
)
# Whose converted form gives other numbers than onnx's own tests.
UNLIKE = ("DFT", "LpNormalization", "MaxUnpool")
# Layers with constant weights: how many of the first inputs are not.
LAYERS = {
    "Conv": 1,
    "ConvTranspose": 1,
    "BatchNormalization": 1,
    "InstanceNormalization": 1,
    "Gemm": 1,
    "LSTM": 1,
    "GRU": 1,
    "RNN": 1,
}
# Ways to find the place of an output's number in the input that torch has, too (Resize).
PLACES = {
    "nearest": {("asymmetric", "floor")},
    "linear": {"half_pixel", "pytorch_half_pixel", "align_corners"},
    "cubic": {"half_pixel", "pytorch_half_pixel", "align_corners"},
}
CUBIC = -0.75  # torch's coefficient


def check_operators(model: ModelProto) -> None:
    """ValueError that names the first node which cannot be read, or what else of the model cannot."""
    graph = model.graph
    if model.functions:
        got = "::".join(map(printable, (model.functions[0].domain, model.functions[0].name)))
        do = "inline them: onnx.inliner.inline_local_functions"
        refuse("model", expected="no functions of its own", got=got, do=do)
    if graph.sparse_initializer:
        refuse("model", expected="dense weights", got="sparse ones", do="export them as dense tensors")
    for node in graph.node:
        if node.domain not in OWN:
            got, do = (
                f"'{printable(node.domain)}' at {title(node)}",
                "export it with ONNX's own operators only",
            )
            refuse("model", expected="operators of ONNX's own", got=got, do=do)
        if any(a.type in GRAPHS or a.HasField("g") or a.graphs for a in node.attribute):
            do = "export it for inference with one course of events"
            refuse("model", expected="no branches or loops", got=title(node), do=do)
        if node.op_type in QUANTISED:
            do = "export it before it is quantised"
            refuse("model", expected="numbers that are not quantised", got=title(node), do=do)
        if not onnx.defs.has(node.op_type):
            refuse("model", expected="operators of ONNX's own", got=title(node), do="upgrade onnx")
    strings = [t.name for t in graph.initializer if t.data_type == TensorProto.STRING]
    if strings:
        refuse(
            "model", expected="numbers", got=f"text in '{printable(strings[0])}'", do="leave text out of it"
        )


def check_inputs(graph: onnx.GraphProto) -> None:
    """ValueError if the outputs depend on anything but images of real numbers; other inputs are left out."""
    given = {tensor.name for tensor in graph.initializer}
    read = {name for node in graph.node for name in node.input}
    images = [i for i in graph.input if i.name not in given and i.name in read]
    if len(images) != 1:
        got = ", ".join(printable(i.name) for i in images[:5]) or "none"
        refuse("model", expected="one input, the images", got=got, do="export it with images only")
    (image,) = images
    kind, shape = image.type.tensor_type.elem_type, sizes(image)
    if kind not in REAL:
        got = f"{TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else kind}"
        do = "export it to begin behind what turns them to floating-point numbers"
        refuse("model", expected="images of real numbers", got=got, do=do)
    if shape is not None and (len(shape) < 2 or 0 in shape or min(s or 1 for s in shape) < 0):
        got = f"{['?' if s is None else s for s in shape]}"
        refuse("model", expected="images (B, C, ...)", got=got, do="export it with the batch axis first")
    for other in [i for i in graph.input if i.name not in given and i is not image]:
        graph.input.remove(other)


def check_layers(graph: onnx.GraphProto, opset: int) -> None:
    """ValueError that names the first layer whose weights are not constant, or with options torch has not."""
    known = constants(graph)
    for node in graph.node:
        of_images = LAYERS.get(node.op_type, 0)
        weights = [name for name in node.input[of_images:] if name]
        if of_images and not (
            known.keys() >= set(weights) and known.keys().isdisjoint(node.input[:of_images])
        ):
            do = "export it with its weights in the file, and constants folded"
            refuse("model", expected="layers with constant weights", got=title(node), do=do)
        if node.op_type in UNLIKE:
            do = "export it with other operators"
            refuse("model", expected="operators that onnx2pytorch converts", got=title(node), do=do)
        if node.op_type == "BatchNormalization" and attribute(node, "training_mode", 0):
            do = "export it in eval mode"
            refuse("model", expected="batch norms with stored statistics", got=title(node), do=do)
        _drop(node, "training_mode")
        if node.op_type == "Resize":
            _check_resize(node, known, opset)


def _check_resize(node: NodeProto, known: Mapping[str, np.ndarray], opset: int) -> None:
    said = ", ".join(f"{a.name}={attribute(node, a.name)!r}" for a in node.attribute)
    if opset > 10 and not is_torchs_resize(node, known):
        refuse(
            "model",
            expected="a resizing that torch has",
            got=f"{title(node)} with {said[:200]}",
            do="use nearest (asymmetric, floor), or linear or cubic with half_pixel or align_corners",
        )
    if opset <= 10 and attribute(node, "mode", b"nearest") == b"nearest" and not _enlarges(node, known):
        refuse(
            "model",
            expected="nearest numbers only to enlarge: opset 10 does not say which, to shrink",
            got=f"{title(node)}",
            do="export it at opset 11 or later",
        )


def _enlarges(node: NodeProto, known: Mapping[str, np.ndarray]) -> bool:
    scales = known.get(node.input[1])
    return scales is not None and bool((scales >= 1).all())


def _drop(node: NodeProto, name: str) -> None:
    """Leaves out an attribute that says what is so anyway, and that the converter does not know."""
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


def is_torchs_resize(node: NodeProto, known: Mapping[str, np.ndarray]) -> bool:
    """Whether torch.nn.functional.interpolate finds the same places and weights.

    Where corners are aligned torch knows the size of the result, and no scale: whole ones give the same.
    """
    scales = known.get(node.input[2]) if len(node.input) > 2 else None
    whole = scales is None or bool((scales == np.round(scales)).all())
    text = {
        name: attribute(node, name, b"").decode(errors="replace")
        for name in ("mode", "coordinate_transformation_mode", "nearest_mode", "keep_aspect_ratio_policy")
    }
    mode = text["mode"] or "nearest"
    place = text["coordinate_transformation_mode"] or "half_pixel"
    if any(attribute(node, name, 0) for name in ("antialias", "exclude_outside", "axes")):
        return False
    if text["keep_aspect_ratio_policy"] not in ("", "stretch"):
        return False
    if mode == "cubic" and attribute(node, "cubic_coeff_a", CUBIC) != CUBIC:
        return False
    how = (place, text["nearest_mode"] or "round_prefer_floor") if mode == "nearest" else place
    return how in PLACES.get(mode, ()) and (whole or place != "align_corners")
