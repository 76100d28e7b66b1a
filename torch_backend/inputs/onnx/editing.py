"""Nodes of a graph: who makes and who reads what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """An attribute's value, the default where it is not given."""
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def title(node: NodeProto) -> str:
    """How the file's author knows the node: "conv1 (Conv)"."""
    name = node.name or next(iter(node.output), "")
    return f"'{printable(name)}' ({printable(node.op_type)})"


def printable(name: str) -> str:
    """A name from a file as it may be printed: at most 80 characters, on one line."""
    return "".join(c if c.isprintable() else "?" for c in name[:80])


def constants(graph: GraphProto) -> dict[str, np.ndarray]:
    """The graph's constants by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def makers(graph: GraphProto) -> dict[str, NodeProto]:
    """The node that makes each tensor."""
    return {name: node for node in graph.node for name in node.output if name}


def image_of(graph: GraphProto) -> ValueInfoProto:
    """The one input that is no constant."""
    given = {tensor.name for tensor in graph.initializer}
    return next(i for i in graph.input if i.name not in given)


def sizes(value: ValueInfoProto) -> list[int | None] | None:
    """The declared shape, None for a size that is free; None if there is no shape."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]


def fresh(graph: GraphProto, wanted: str) -> str:
    """A name that no tensor of the graph has."""
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken |= {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    while wanted in taken:
        wanted += "_"
    return wanted


def constant(graph: GraphProto, wanted: str, value: np.ndarray) -> str:
    """The name of a new constant."""
    name = fresh(graph, wanted)
    graph.initializer.append(numpy_helper.from_array(np.array(value, order="C"), name))
    return name


def becomes(node: NodeProto, kind: str, inputs: Iterable[str], **attributes: Any) -> None:
    """The node is another one from now on, with the same name and outputs."""
    node.CopyFrom(helper.make_node(kind, list(inputs), list(node.output), node.name, **attributes))


def put_nodes(graph: GraphProto, nodes: Iterable[NodeProto]) -> None:
    """These are the graph's nodes, in this order."""
    nodes = list(nodes)
    del graph.node[:]
    graph.node.extend(nodes)


def put_constants(graph: GraphProto, tensors: Iterable[TensorProto]) -> None:
    """These are the graph's constants."""
    tensors = list(tensors)
    del graph.initializer[:]
    graph.initializer.extend(tensors)


def drop_dead(graph: GraphProto) -> None:
    """Leaves out what no output depends on."""
    needed = {output.name for output in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            nodes.append(node)
    put_nodes(graph, reversed(nodes))
    put_constants(graph, [tensor for tensor in graph.initializer if tensor.name in needed])
