"""Networks in .onnx files, as torch modules that are read like any other.

`onnx` reads the file, `onnx2pytorch` carries its graph out with torch's operators, and that is recorded. Two
things differ from the file: relevance starts before a final softmax or sigmoid, which is left out; and images
are (B, C, *space), also where the file has the channels last. `OnnxNetwork.notes` says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import onnx
import torch
from onnx2pytorch import ConvertModel
from torch import Tensor

# What may stand behind the logits.
ACTIVATIONS = ("Softmax", "LogSoftmax", "Sigmoid")
# Entry by entry: the channels stay where they are.
ENTRYWISE = ("Add", "Sub", "Mul", "Div", "Cast", "Identity", "Clip")


class OnnxNetwork(ConvertModel):
    """The network of an .onnx file: images (B, C, *space) -> its output.

    channels_last: whether the file reads (B, *space, C). notes: a sentence on whatever differs from the file.
    In another precision, what it casts to float32 is cast to that instead.
    """

    def __init__(self, model: onnx.ModelProto, *, channels_last: bool, notes: tuple[str, ...]) -> None:
        super().__init__(model)
        self.channels_last, self.notes = channels_last, notes

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.movedim(1, -1) if self.channels_last else images)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> OnnxNetwork:  # noqa: FBT001, FBT002
        super()._apply(fn, recurse)
        precision = next((t.dtype for t in self.buffers() if t.is_floating_point()), torch.float32)
        for module in self.modules():
            if getattr(module, "dtype", None) in (torch.float32, torch.float64):
                module.dtype = precision
        return self


def load_onnx(path: str | Path) -> OnnxNetwork:
    """The network in the file `path`, in eval mode and float32."""
    model = onnx.load(path)
    notes = []
    if dropped := _without_final_activation(model.graph):
        notes.append(f"its final {dropped} is left out: relevance starts before it")
    last = _reads_channels_last(model.graph)
    if last:
        notes.append("the file reads images (B, *space, C); here they are (B, C, *space)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scripts and copies inside the converter
        network = OnnxNetwork(model, channels_last=last, notes=tuple(notes))
    _named_as_in_the_file(network, model.graph.node)
    return network.eval()


def _without_final_activation(graph: onnx.GraphProto) -> str | None:
    """Takes a last node that is a softmax or sigmoid out of the graph; returns its kind."""
    (output,) = graph.output
    node = next(node for node in graph.node if output.name in node.output)
    if node.op_type not in ACTIVATIONS:
        return None
    output.name = node.input[0]
    graph.node.remove(node)
    return node.op_type


def _reads_channels_last(graph: onnx.GraphProto) -> bool:
    """Whether all that reads the image turns (B, *space, C) to (B, C, *space), at once or entry by entry."""
    given = [i for i in graph.input if i.name not in {w.name for w in graph.initializer}]
    names, turned = {given[0].name}, []
    for node in graph.node:  # in the order in which they are carried out
        if names.isdisjoint(node.input):
            continue
        if node.op_type in ENTRYWISE:
            names.update(node.output)
        else:
            turned.append(_turns_channels_to_front(node))
    return bool(turned) and all(turned)


def _turns_channels_to_front(node: onnx.NodeProto) -> bool:
    axes = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
    return (
        node.op_type == "Transpose" and len(axes) > 2 and axes == [0, len(axes) - 1, *range(1, len(axes) - 1)]
    )


def _named_as_in_the_file(converted: ConvertModel, nodes: Iterable[onnx.NodeProto]) -> None:
    """Each operation becomes a module under its node's name in the file, or its output's."""
    taken: set[str] = set()
    for node in nodes:
        output, before = node.output[0], converted.mapping[node.output[0]]
        if before in converted._modules:
            name = (node.name or output).replace(".", "/").strip("/")
            while name in taken or name in vars(converted):
                name += "_"
            taken.add(name)
            converted._modules[name] = converted._modules.pop(before)
            converted.mapping[output] = name
