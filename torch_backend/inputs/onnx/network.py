"""A graph of ONNX operators as a torch module, its parts named as in the file.

`onnx2pytorch` carries the graph out with torch's operators, and that is recorded like any other network.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from onnx import GraphProto, ModelProto, NodeProto, helper
from onnx2pytorch import ConvertModel
from onnx2pytorch.constants import COMPOSITE_LAYERS, STANDARD_LAYERS
from onnx2pytorch.convert.operations import get_buffer_name
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.inputs.onnx.editing import constants, fresh, printable, put_nodes
from torch_backend.inputs.onnx.file import one_line
from torch_backend.inputs.onnx.mended import mended


class OnnxNetwork(ConvertModel):
    """The network of an .onnx file: images (B, C, *space) -> its output, or a dict of its outputs by name.

    image: (C, *space) as the file declares it, None for what is free; None if it declares nothing.
    notes: a sentence on whatever differs from the file. names: of its outputs.
    """

    def __init__(
        self,
        model: ModelProto,
        *,
        image: tuple[int | None, ...] | None,
        outputs: tuple[str, ...],
        notes: tuple[str, ...],
    ) -> None:
        super().__init__(model)
        self.image, self.outputs, self.notes = image, outputs, notes

    def forward(self, images: Tensor) -> Tensor | dict[str, Tensor]:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Using a non-tuple sequence"
            )  # by the converter's Gather and Slice
            found = super().forward(images)
        return dict(zip(self.outputs, found, strict=True)) if isinstance(found, list) else found


def converted(
    model: ModelProto,
    *,
    image: tuple[int | None, ...] | None,
    outputs: tuple[str, ...],
    notes: tuple[str, ...],
    dtype: torch.dtype,
) -> OnnxNetwork:
    """The network that the model describes; ValueError that names what the converter has nothing for."""
    graph = model.graph
    _multiply_as_written(graph)
    _pad_by_infinity(graph)
    before = _numbered(graph)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            network = OnnxNetwork(model, image=image, outputs=outputs, notes=notes)
        except Exception as error:  # whatever an operator's converter does not expect
            do = "export it with a newer opset, or report the operator to onnx2pytorch"
            refuse("model", expected="operators that onnx2pytorch converts", got=one_line(error), do=do)
    if guesses := [str(w.message) for w in said if "guessing" in str(w.message)]:
        do = "export it without this operator"
        refuse("model", expected="operators that onnx2pytorch converts", got=guesses[0][:200], do=do)
    _name_as_in_the_file(network, before)
    _drop_copies(network)
    return network.to(dtype).eval()


def _multiply_as_written(graph: GraphProto) -> None:
    """A matrix from the left, or several, are inputs like others: the converter takes any constant of a
    product for the weights of a dense layer, and any constant that is added to one for its bias.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    widths: dict[str, int] = {}
    nodes = []
    for node in graph.node:
        for i, name in enumerate(node.input):
            is_other = node.op_type == "MatMul" and name in shapes and (i == 0 or len(shapes[name]) != 2)
            is_no_layer = (
                node.op_type == "Add" and name in widths and not _is_bias(node, shapes, widths[name])
            )
            if is_other or is_no_layer:
                node.input[i] = fresh(graph, f"{name}_given_{len(nodes)}")
                nodes.append(helper.make_node("Identity", [name], [node.input[i]]))
        if node.op_type == "MatMul" and node.input[1] in shapes:
            widths[node.output[0]] = shapes[node.input[1]][-1]
        nodes.append(node)
    put_nodes(graph, nodes)


def _is_bias(node: NodeProto, shapes: dict[str, tuple[int, ...]], width: int) -> bool:
    """Whether the Add's constant is a number for each of the product's last axis, or one for all."""
    return all(shapes.get(name, ()) in ((), (1,), (width,)) for name in node.input)


def _pad_by_infinity(graph: GraphProto) -> None:
    """An infinite number to pad with is said by the node: among the weights it would be a damaged one."""
    known = constants(graph)
    for node in graph.node:
        value = known.get(node.input[2]) if node.op_type == "Pad" and len(node.input) > 2 else None
        if value is not None and value.size == 1 and np.isinf(value).all():
            node.attribute.append(helper.make_attribute("value", float(value.item())))
            node.input[2] = ""


def _numbered(graph: GraphProto) -> dict[str, str]:
    """Gives all tensors other names, since the converter takes a.b and a_b for the same; new name -> old."""
    names = {"": ""}

    def number(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}")

    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = number(value.name)
    for node in graph.node:
        for given in (node.input, node.output):
            given[:] = [number(name) for name in given]
    return {new: old for old, new in names.items()}


def _name_as_in_the_file(network: OnnxNetwork, before: dict[str, str]) -> None:
    """Each operation is a module under its node's name in the file, or its output's."""
    known = constants(network.onnx_model.graph)
    for node in network.onnx_model.graph.node:
        output = node.output[0]
        if (module := network.mapping[output]) in network._modules:
            name = printable(node.name or before[output]).replace(".", "/").strip("/") or module
            while hasattr(network, name):
                name += "_"
            network._modules[name] = mended(node, network._modules.pop(module), known)
            network.mapping[output] = name


def _drop_copies(network: OnnxNetwork) -> None:
    """Weights that layers hold themselves need not be held a second time."""
    graph, operations = network.onnx_model.graph, network._modules
    read = {
        name
        for node in graph.node
        if not _holds_its_weights(operations.get(network.mapping[node.output[0]]))
        for name in (*node.input, *network.output_names)
    }
    for tensor in graph.initializer:
        if tensor.name not in read:
            delattr(network, get_buffer_name(tensor.name))
    del graph.initializer[:]


def _holds_its_weights(operation: nn.Module | None) -> bool:
    """Whether the converter gives the operation its activations only."""
    parts = operation.modules() if isinstance(operation, COMPOSITE_LAYERS) else [operation]
    return any(isinstance(part, STANDARD_LAYERS) for part in parts)
