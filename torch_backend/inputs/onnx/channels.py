"""Images (B, *space, C) become (B, C, *space): a file that turns them at once no longer does."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto, helper

from torch_backend.inputs.onnx.editing import (
    attribute,
    becomes,
    constant,
    constants,
    fresh,
    image_of,
    put_nodes,
    sizes,
)

# Entry by entry: numbers stay where they are.
ENTRYWISE = ("Add", "Sub", "Mul", "Div", "Cast", "CastLike", "Identity", "Clip", "Neg", "Relu", "Dropout")


def put_channels_first(graph: GraphProto) -> bool:
    """Whether all that reads the image turns (B, *space, C) to (B, C, *space), at once or behind what is done
    to each number or around the image; then the graph reads (B, C, *space) instead.
    """
    image, known = image_of(graph), constants(graph)
    last, turns, shapes, between = {image.name}, [], [], []
    for node in graph.node:
        read = [name for name in node.input if name in last]
        if not read:
            continue
        if node.op_type in ("Shape", "Size"):
            shapes.append(node)
        elif _turns(node, sizes(image), known):
            turns.append(node)
        elif _stays(node, last, known):
            between.append(node)
            last.update(node.output)
        else:
            return False
    if not turns or any(output.name in last for output in graph.output):
        return False
    axes = _rank(turns, sizes(image))
    for node in turns:
        becomes(node, "Identity", node.input[:1])
    for node in between:
        _turn_constants(graph, node, known, axes)
    if shapes:
        _as_they_were(graph, shapes, axes)
    if (shape := image.type.tensor_type.shape).dim:
        dims = list(shape.dim)
        del shape.dim[:]
        shape.dim.extend([dims[0], dims[-1], *dims[1:-1]])
    return True


def to_front(axes: int) -> list[int]:
    return [0, axes - 1, *range(1, axes - 1)]


def to_back(axes: int) -> list[int]:
    return [0, *range(2, axes), 1]


def _turns(node: NodeProto, shape: list[int | None] | None, known: dict[str, np.ndarray]) -> bool:
    """A transposition, or, of a single channel, a reshape."""
    if node.op_type == "Transpose":
        axes = list(attribute(node, "perm", ()))
        return len(axes) > 2 and axes == to_front(len(axes))
    target = known.get(node.input[1]) if node.op_type == "Reshape" and len(node.input) > 1 else None
    if target is None or shape is None or len(shape) < 3 or shape[-1] != 1 or len(target) != len(shape):
        return False
    return target[1] == 1 and list(target[2:]) == shape[1:-1]


def _stays(node: NodeProto, last: set[str], known: dict[str, np.ndarray]) -> bool:
    """Whether the node's output is arranged as its input: with constants it may only be entry by entry."""
    others = [name for name in node.input if name and name not in last]
    if node.op_type == "Pad":
        return node.input[0] in last and len(node.input) > 1 and all(name in known for name in others)
    return node.op_type in ENTRYWISE and all(name in known for name in others)


def _rank(turns: list[NodeProto], shape: list[int | None] | None) -> int:
    if shape:
        return len(shape)
    return len(attribute(turns[0], "perm"))


def _turn_constants(graph: GraphProto, node: NodeProto, known: dict[str, np.ndarray], axes: int) -> None:
    """What is added to, or put around, images whose channels now come first."""
    for i, name in enumerate(node.input):
        value = known.get(name)
        if value is None or not value.ndim:
            continue
        if node.op_type == "Pad":
            if i == 1 and len(value) == 2 * axes:
                node.input[i] = constant(graph, name, value.reshape(2, axes)[:, to_front(axes)].flatten())
        elif value.size > 1:
            whole = value.reshape(*[1] * (axes - value.ndim), *value.shape)
            node.input[i] = constant(graph, name, whole.transpose(to_front(axes)))


def _as_they_were(graph: GraphProto, shapes: list[NodeProto], axes: int) -> None:
    """What asks for the shape of the image is told that of the file's."""
    image = image_of(graph).name
    turned = fresh(graph, f"{image}_as_in_the_file")
    for node in shapes:
        node.input[0] = turned
    back = helper.make_node("Transpose", [image], [turned], perm=to_back(axes))
    put_nodes(graph, [back, *graph.node])
