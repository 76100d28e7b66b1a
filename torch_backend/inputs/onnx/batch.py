"""A file for a fixed number of images, for any number of them where that is safe."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, shape_inference

from rankone.errors import refuse
from torch_backend.inputs.onnx.editing import (
    attribute,
    constant,
    constants,
    fresh,
    image_of,
    put_nodes,
    sizes,
)
from torch_backend.inputs.onnx.file import one_line

OTHER = 7  # images, a number that is not likely to stand in a file for something else


def free_batch(model: ModelProto) -> int | None:
    """The number of images that the file was made for, if it was for one; from now on it takes any.

    A reshape or a resizing to that many rows keeps as many as it was given. What comes of another number of
    images is then inferred: ValueError if it is not as many rows of the same. That images do not mix, reading
    makes sure.
    """
    graph = model.graph
    shape = sizes(image_of(graph))
    if shape is None or shape[0] is None:
        return None
    count = shape[0]
    _reshape_any(model, count)
    _resize_any(model.graph, count)
    for value in (*graph.input, *graph.output):
        if (dims := value.type.tensor_type.shape.dim) and dims[0].dim_value == count:
            dims[0].dim_param = "images"
    del graph.value_info[:]
    other = ModelProto()
    other.CopyFrom(model)
    image_of(other.graph).type.tensor_type.shape.dim[0].dim_value = OTHER
    for output in other.graph.output:
        output.type.tensor_type.ClearField("shape")
    _check_rows(_inferred(other), count)
    return count


def _inferred(model: ModelProto) -> ModelProto:
    try:
        return shape_inference.infer_shapes(model, data_prop=True, strict_mode=True)
    except Exception as error:  # its classes have no base of their own
        return _refuse(one_line(error))


def _check_rows(model: ModelProto, count: int) -> None:
    for output in model.graph.output:
        shape = sizes(output)
        if shape is not None and shape[:1] != [OTHER] and shape[:1] != [None]:
            _refuse(f"{count} images, and an output of shape {shape} for {OTHER}")


def _refuse(got: str) -> onnx.ModelProto:
    return refuse(
        "model",
        expected="a file for any number of images",
        got=got,
        do="export it with a free batch axis (dynamic_axes or dynamic_shapes)",
    )


def _reshape_any(model: ModelProto, count: int) -> None:
    """Reshapes of (count, ...) to (count, ...) take their number of rows from what they read."""
    try:
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # its classes have no base of their own
        _refuse(one_line(error))
    shapes = {value.name: sizes(value) for value in (*inferred.graph.value_info, *inferred.graph.input)}
    known = constants(model.graph)
    for node in model.graph.node:
        if node.op_type != "Reshape" or len(node.input) < 2:
            continue
        target, before = known.get(node.input[1]), shapes.get(node.input[0])
        if target is None or not target.size or target[0] != count or not before or before[0] != count:
            continue
        if 0 in target and attribute(node, "allowzero", 0):
            continue
        del node.attribute[:]  # allowzero: from now on the one zero is the number of rows
        rows_as_given = np.concatenate([[0], target[1:]]).astype(np.int64)
        node.input[1] = constant(model.graph, node.input[1], rows_as_given)


def _resize_any(graph: GraphProto, count: int) -> None:
    """Resizings to (count, ...) take their number of rows from what they read: only torch's are read on, and
    these leave the rows as they are.
    """
    known, nodes = constants(graph), []
    for node in graph.node:
        wanted = known.get(node.input[3]) if node.op_type == "Resize" and len(node.input) > 3 else None
        if wanted is not None and wanted.size and wanted[0] == count:
            nodes += _sizes_as_given(graph, node, wanted)
        nodes.append(node)
    put_nodes(graph, nodes)


def _sizes_as_given(graph: GraphProto, node: NodeProto, wanted: np.ndarray) -> list[NodeProto]:
    """The nodes that make (rows of what the node reads, *wanted[1:]), which it reads from now on."""
    shape, rows, size = (fresh(graph, f"{node.output[0]}_{part}") for part in ("shape", "rows", "size"))
    ends = [constant(graph, f"{rows}_{end}", np.array([end], np.int64)) for end in (0, 1)]
    rest = constant(graph, f"{size}_rest", wanted[1:].astype(np.int64))
    node.input[3] = size
    return [
        helper.make_node("Shape", [node.input[0]], [shape]),
        helper.make_node("Slice", [shape, *ends, ends[0]], [rows]),
        helper.make_node("Concat", [rows, rest], [size], axis=0),
    ]
