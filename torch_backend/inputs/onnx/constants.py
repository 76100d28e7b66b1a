"""What depends on no image, computed once by onnx's own reference; one precision everywhere.

Weights that a file derives from others (transposed, scaled, dequantised, a variance's root) are constants of
the network like any others. They are computed in float64, so that they are rounded only where float32 is
asked for.
"""

from __future__ import annotations

from math import prod

import ml_dtypes
import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from rankone.errors import refuse
from torch_backend.inputs.onnx.editing import attribute, becomes, constants, put_constants, put_nodes, title
from torch_backend.inputs.onnx.file import one_line

HALVES = frozenset((TensorProto.FLOAT16, TensorProto.BFLOAT16))
FLOATS = HALVES | {TensorProto.FLOAT, TensorProto.DOUBLE}
# What is no longer than its inputs are, or than the shape they broadcast to.
COMPUTED = frozenset(
    [
        "Abs",
        "Add",
        "Cast",
        "CastLike",
        "Ceil",
        "Clip",
        "Concat",
        "DequantizeLinear",
        "Div",
        "Equal",
        "Exp",
        "Flatten",
        "Floor",
        "Gather",
        "Identity",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Not",
        "Pow",
        "Reciprocal",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Reshape",
        "Shape",
        "Size",
        "Slice",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
        "Where",
    ]
)
SMALL = 1 << 20  # numbers in all pairs of inputs: whatever is made of them is small


def computes_in_half(graph: GraphProto) -> bool:
    """Whether weights, images or casts are in half precision."""
    kinds = [tensor.data_type for tensor in graph.initializer]
    kinds += [value.type.tensor_type.elem_type for value in graph.input]
    kinds += [attribute(node, "to") for node in graph.node if node.op_type == "Cast"]
    return not HALVES.isdisjoint(kinds)


def fold_constants(graph: GraphProto, opset: int) -> bool:
    """Nodes that depend on constants alone become constants; whether any of them were quantised."""
    known = constants(graph)
    made: dict[str, np.ndarray] = {}
    left, dequantised = [], False
    for node in graph.node:
        value = _value(node, known, opset)
        if value is None:
            left.append(node)
            continue
        dequantised |= node.op_type == "DequantizeLinear"
        made[node.output[0]] = known[node.output[0]] = value
    if any(node.op_type == "DequantizeLinear" for node in left):
        node = next(node for node in left if node.op_type == "DequantizeLinear")
        do = "export it before it is quantised"
        refuse("model", expected="numbers that are not quantised", got=title(node), do=do)
    put_nodes(graph, left)
    for tensor in [tensor for tensor in graph.initializer if tensor.data_type in HALVES]:
        tensor.CopyFrom(numpy_helper.from_array(known[tensor.name].astype(np.float32), tensor.name))
    put_constants(
        graph, [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in made.items())]
    )
    return dequantised


def _value(node: NodeProto, known: dict[str, np.ndarray], opset: int) -> np.ndarray | None:
    """What the node makes of constants; None if it depends on more, or may make more than it was given."""
    if node.op_type == "Constant":
        return _real(_stated(node))
    given = [_real(known[name]) for name in node.input if name in known]
    if node.op_type not in COMPUTED or len(given) < sum(1 for name in node.input if name) or not given:
        return None
    if prod(max(a.size, 1) for a in given) > SMALL and not _keeps_its_size(node, given):
        return None
    if node.op_type == "Cast" and attribute(node, "to") in FLOATS:
        return given[0].astype(np.float64)
    try:
        return (
            _dequantised(node, *given)
            if node.op_type == "DequantizeLinear"
            else _computed(node, given, opset)
        )
    except Exception as error:  # whatever numpy does not make of them
        got = f"{one_line(error)} at {title(node)}"
        refuse("model", expected="constants that can be computed", got=got, do="export it again")


def _computed(node: NodeProto, given: list[np.ndarray], opset: int) -> np.ndarray:
    """By onnx's own reference."""
    names = [name for name in node.input if name]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in dict.fromkeys(names)]
    output = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
    alone = helper.make_graph([node], "constant", inputs, [output])
    alone = helper.make_model(alone, opset_imports=[helper.make_opsetid("", opset)])
    (value,) = ReferenceEvaluator(alone).run(None, dict(zip(names, given, strict=True)))
    return _real(np.asarray(value))


def _dequantised(
    node: NodeProto, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None
) -> np.ndarray | None:
    """(x - zero) scale, where these are one number or stand along one axis; None if they do not."""
    axis = attribute(node, "axis", 1)
    along = [-1 if k == axis % max(x.ndim, 1) else 1 for k in range(x.ndim)]
    column = () if scale.size == 1 else along
    if attribute(node, "block_size", 0) or scale.ndim > 1 or (scale.size > 1 and not x.ndim):
        return None
    zeros = np.zeros_like(scale) if zero is None else zero.astype(np.float64)
    return (x.astype(np.float64) - zeros.reshape(column)) * scale.reshape(column)


def _stated(node: NodeProto) -> np.ndarray:
    """The value of a Constant, however it is spelled."""
    (given,) = node.attribute
    if given.name == "value":
        return numpy_helper.to_array(given.t)
    if given.name in ("value_float", "value_floats"):
        return np.array(helper.get_attribute_value(given), np.float32)
    if given.name in ("value_int", "value_ints"):
        return np.array(helper.get_attribute_value(given), np.int64)
    return refuse("model", expected="numbers", got=f"{given.name} at {title(node)}", do="leave it out")


def _real(value: np.ndarray) -> np.ndarray:
    """Floating-point numbers in float64."""
    is_real = np.issubdtype(value.dtype, np.floating) or value.dtype == ml_dtypes.bfloat16
    return value.astype(np.float64) if is_real else value


def _keeps_its_size(node: NodeProto, given: list[np.ndarray]) -> bool:
    """Whether no number is repeated: one input, or others that broadcast to its shape."""
    largest = max(given, key=lambda a: a.size)
    if len(given) == 1 or node.op_type in (
        "Concat",
        "DequantizeLinear",
        "Reshape",
        "Slice",
        "Squeeze",
        "Unsqueeze",
    ):
        return True
    try:
        return node.op_type != "Gather" and np.broadcast_shapes(*(a.shape for a in given)) == largest.shape
    except ValueError:
        return False


def cast_as_the_image(graph: GraphProto, image: str) -> None:
    """A cast to any floating-point type is one to the precision of the images."""
    for node in graph.node:
        if node.op_type == "Cast" and attribute(node, "to") in FLOATS:
            becomes(node, "CastLike", [node.input[0], image])


def scaled_exactly(graph: GraphProto) -> None:
    """The weights that a Gemm multiplies, in float64: the converter does it in their own precision."""
    scaled = {
        name
        for node in graph.node
        if node.op_type == "Gemm" and (attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)) != (1, 1)
        for name in node.input[1:]
    }
    for tensor in graph.initializer:
        if tensor.name in scaled:
            tensor.CopyFrom(numpy_helper.from_array(_real(numpy_helper.to_array(tensor)), tensor.name))
