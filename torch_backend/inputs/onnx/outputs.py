"""A last softmax or sigmoid is left out: relevance starts at the logits."""

from __future__ import annotations

from onnx import GraphProto, NodeProto

from torch_backend.inputs.onnx.editing import drop_dead, fresh, makers

ACTIVATIONS = ("Softmax", "LogSoftmax", "Sigmoid")
# What may stand behind it, and stays: numbers in another shape or type.
SHAPES = ("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")


def leave_out_last_activations(graph: GraphProto) -> list[str]:
    """Every output as it is before its last activation; the kinds that were left out, in order.

    One of the images themselves stays: there are no logits. What else reads the activation, or what stands
    behind it, reads the same as before.
    """
    made, found = makers(graph), []
    for output in graph.output:
        behind: list[NodeProto] = []
        node = made.get(output.name)
        while node is not None and node.op_type in SHAPES and node.input:
            behind.append(node)
            node = made.get(node.input[0])
        if node is None or node.op_type not in ACTIVATIONS or node.input[0] not in made:
            continue
        found.append(node.op_type)
        name = node.input[0]
        for step in reversed(behind):
            copy = graph.node.add()
            copy.CopyFrom(step)
            copy.input[0], copy.output[0] = name, fresh(graph, f"{step.output[0]}_of_logits")
            name = copy.output[0]
        output.name = name
    drop_dead(graph)
    return list(dict.fromkeys(found))
