"""Transpositions sink through what is done to each number, until they cancel or something needs the order.

Exporters of channels-last networks turn the axes around every layer. A tensor is known here as another one
with its axes turned; it is made only where an operator reads it for whose result the order of axes matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, NodeProto, helper

from torch_backend.inputs.onnx.editing import (
    attribute,
    becomes,
    constant,
    constants,
    drop_dead,
    fresh,
    put_nodes,
)

# Number by number; constants beside them broadcast.
ENTRYWISE = frozenset(
    {"Abs", "Add", "Cast", "CastLike", "Clip", "Div", "Dropout", "Elu", "Exp", "Gelu", "HardSigmoid"}
    | {"HardSwish", "Identity", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow"}
    | {"Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tanh"}
)
REDUCTIONS = frozenset(["ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"])


@dataclass(frozen=True)
class Turn:
    """The tensor is that of this name, with its axes in this order; title: of the node that turned it."""

    name: str
    axes: tuple[int, ...]
    title: str

    def turned(self, axes: Sequence[int], title: str) -> Turn:
        return Turn(self.name, tuple(self.axes[a] for a in axes), title)

    def has(self, axis: int) -> bool:
        return -len(self.axes) <= axis < len(self.axes)

    @property
    def back(self) -> tuple[int, ...]:
        return tuple(np.argsort(self.axes).tolist())


def sink(graph: GraphProto, turns: dict[str, Turn]) -> None:
    """Rewrites the graph, in which the tensors named in `turns` are others, turned."""
    known, nodes = constants(graph), []
    turns, made = dict(turns), {}

    def as_it_was(name: str) -> str:
        """A tensor with its axes in the order that its readers know."""
        turn = turns.get(name)
        if turn is None or turn.axes == tuple(range(len(turn.axes))):
            return turn.name if turn else name
        if turn not in made:
            made[turn] = fresh(graph, f"{name}_turned")
            nodes.append(helper.make_node("Transpose", [turn.name], [made[turn]], turn.title, perm=turn.axes))
        return made[turn]

    for node in list(graph.node):
        read = [turns[name] for name in node.input if name in turns]
        axes = list(attribute(node, "perm", ())) if node.op_type == "Transpose" else []
        if axes and sorted(axes) == list(range(len(axes))):
            before = turns.get(node.input[0], Turn(node.input[0], tuple(range(len(axes))), node.name))
            if len(before.axes) == len(axes):
                turns[node.output[0]] = before.turned(axes, node.name)
                continue
        others = [name for name in node.input if name and name not in turns and name not in known]
        alike = len({turn.axes for turn in read}) == 1 and not others
        after = _passed(graph, node, known, read[0]) if alike else None
        if after is None:
            for i, name in enumerate(node.input):
                node.input[i] = as_it_was(name)
        else:
            for i, name in enumerate(node.input):
                node.input[i] = turns[name].name if name in turns else name
            turns |= {name: Turn(name, after, node.name) for name in node.output if name}
        nodes.append(node)
    for output in graph.output:
        output.name = as_it_was(output.name)
    put_nodes(graph, nodes)
    drop_dead(graph)


def _passed(
    graph: GraphProto, node: NodeProto, known: dict[str, np.ndarray], turn: Turn
) -> tuple[int, ...] | None:
    """The order of the output's axes, if the node, changed, can read what is not turned."""
    if node.op_type in ENTRYWISE:
        beside = [known[name] for name in node.input if name in known]
        if any(c.ndim > len(turn.axes) for c in beside):
            return None
        for i, name in enumerate(node.input):
            if name in known and known[name].size > 1:
                whole = known[name].reshape(*[1] * (len(turn.axes) - known[name].ndim), *known[name].shape)
                node.input[i] = constant(graph, f"{name}_turned", whole.transpose(turn.back))
        return turn.axes
    if node.op_type == "Pad":
        pads = known.get(node.input[1]) if len(node.input) > 1 else None
        if pads is None or len(pads) != 2 * len(turn.axes) or len(node.input) > 3:
            return None
        node.input[1] = constant(
            graph, f"{node.input[1]}_turned", pads.reshape(2, -1)[:, turn.back].flatten()
        )
        return turn.axes
    if node.op_type == "Concat":
        axis = attribute(node, "axis")
        if any(name in known for name in node.input) or not turn.has(axis):
            return None
        becomes(node, "Concat", node.input, axis=turn.axes[axis])
        return turn.axes
    if node.op_type in REDUCTIONS:
        return _reduced(graph, node, known, turn)
    return None


def _reduced(
    graph: GraphProto, node: NodeProto, known: dict[str, np.ndarray], turn: Turn
) -> tuple[int, ...] | None:
    given = list(attribute(node, "axes", ()))
    if len(node.input) > 1 and node.input[1]:
        given = known[node.input[1]].tolist() if node.input[1] in known else []
    if not given or not all(map(turn.has, given)):
        return None
    axes, keepdims = {a % len(turn.axes) for a in given}, attribute(node, "keepdims", 1)
    places = sorted(turn.axes[a] for a in axes)
    if len(node.input) > 1:
        node.input[1] = constant(graph, f"{node.input[1]}_turned", np.array(places, np.int64))
        becomes(node, node.op_type, node.input, keepdims=keepdims)
    else:
        becomes(node, node.op_type, node.input, keepdims=keepdims, axes=places)
    if keepdims:
        return turn.axes
    left = [turn.axes[a] for a in range(len(turn.axes)) if a not in axes]
    return tuple(sorted(left).index(a) for a in left)
