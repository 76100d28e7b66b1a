"""Images (B, *space, C) become (B, C, *space): a file that turns them at once no longer does."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto

from torch_backend.inputs.onnx.editing import attribute, becomes, constants, image_of, sizes
from torch_backend.inputs.onnx.turns import ENTRYWISE, Turn, sink


def put_channels_first(graph: GraphProto) -> bool:
    """Whether all that reads the image turns (B, *space, C) to (B, C, *space), at once or behind what is done
    to each number or around the image; then the graph reads (B, C, *space) instead.

    Its other transpositions cancel as far as they can.
    """
    image = image_of(graph)
    axes = _axes_of_images_channels_last(graph, sizes(image), image.name)
    if axes is None:
        sink(graph, {})
        return False
    sink(graph, {image.name: Turn(image.name, (0, *range(2, axes), 1), image.name)})
    if (shape := image.type.tensor_type.shape).dim:
        dims = list(shape.dim)
        del shape.dim[:]
        shape.dim.extend([dims[0], dims[-1], *dims[1:-1]])
    return True


def _axes_of_images_channels_last(
    graph: GraphProto, shape: list[int | None] | None, image: str
) -> int | None:
    """How many axes an image's batch has, if its channels are on the last; None if they are not."""
    known, last, axes = constants(graph), {image}, None
    for node in graph.node:
        if last.isdisjoint(node.input) or node.op_type in ("Shape", "Size"):
            continue
        if node.op_type == "Reshape" and _is_of_one_channel(node, shape, known):
            becomes(node, "Transpose", node.input[:1], perm=_to_front(len(shape)))
        if node.op_type == "Transpose":
            perm = list(attribute(node, "perm", ()))
            if len(perm) < 3 or perm != _to_front(len(perm)):
                return None
            axes = len(perm)
        elif node.op_type in ENTRYWISE | {"Pad"} and all(n in last or n in known for n in node.input if n):
            last.update(node.output)
        else:
            return None
    return axes if last.isdisjoint(output.name for output in graph.output) else None


def _to_front(axes: int) -> list[int]:
    return [0, axes - 1, *range(1, axes - 1)]


def _is_of_one_channel(node: NodeProto, shape: list[int | None] | None, known: dict[str, np.ndarray]) -> bool:
    """Whether it turns (B, *space, 1) to (B, 1, *space), which is the same numbers in the same order."""
    target = known.get(node.input[1]) if len(node.input) > 1 else None
    if target is None or shape is None or len(shape) < 3 or shape[-1] != 1 or len(target) != len(shape):
        return False
    return target[1] == 1 and list(target[2:]) == shape[1:-1]
