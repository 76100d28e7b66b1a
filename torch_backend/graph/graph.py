"""A network as a list of nodes in call order, with the activations recorded for some images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.graph.joined import ONLY, first_of, join, joined_as
from torch_backend.graph.model import check_images, check_model
from torch_backend.graph.node import Node
from torch_backend.graph.reading import Network
from torch_backend.graph.tokens import are_tokens
from torch_backend.inputs.around import bare
from torch_backend.inputs.output import Output


class Reader(Protocol):
    """What makes nodes of images, batch by batch: the model, or a network rebuilt from its nodes."""

    model: nn.Module

    def read(self, images: Tensor) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """The nodes with their values for images (B, *input shape), and the names of the layers."""

    def outputs(self, images: Tensor) -> Tensor:
        """The logits (B, ...) alone."""


@dataclass(frozen=True, eq=False)
class Graph:
    """The nodes in call order: the image first ("input"), the logits last.

    layers: names of the layers in call order: "conv1_1", …, "fc3" (VGG), "conv1", "block2_1", …, "dense"
    (ResNet), module paths elsewhere (torch_backend.graph.names).
    """

    nodes: tuple[Node, ...]
    layers: tuple[str, ...]
    network: Reader = field(repr=False)

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes} | {"logits": self.nodes[-1]}

    def node(self, name: str) -> Node:
        """The node of that name; "logits" is the output. ValueError if there is none."""
        if name not in self._by_name:
            known = ", ".join((*self.inputs, *self.layers))
            refuse(
                "layer",
                expected=f"the name of a node ({known}, logits, or any of graph.nodes)",
                got=repr(name),
                do="copy one; `rankone model` lists them all",
            )
        return self._by_name[name]

    def x(self, node: Node) -> Any:
        """What the node reads at the recorded images: the values of its inputs, joined by its operator."""
        return node.op.join(tuple(self.nodes[i].value for i in node.inputs), node.value)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Where relevance is read of what was given: "input", or the names of several inputs."""
        if self.nodes[0].name == ONLY:
            return (ONLY,)
        return tuple(node.name for node in self.nodes if node.inputs == (0,))

    @property
    def end(self) -> str:
        """Where all relevance ends: "input", the image; "inputs" where several are read."""
        return ONLY if ONLY in self._by_name else self.nodes[0].name

    def record(self, images: Tensor) -> Graph:
        """The same graph for other images (B, *input shape): the model is run again; prepared weights are
        reused where they are the same. Of a network of tokens, for other tokens.

        ValueError: images of another shape or precision than traced, or for which the model does something
        else.
        """
        if are_tokens(images):
            images = joined_as(self.network.model, images)
        check_images(images)
        traced = self.nodes[0].value
        if (images.shape[1:], images.dtype, images.device) != (traced.shape[1:], traced.dtype, traced.device):
            refuse(
                "images",
                expected=f"like the traced ones (B, {', '.join(map(str, traced.shape[1:]))}), {traced.dtype}",
                got=f"{tuple(images.shape)}, {images.dtype}, {images.device}",
                do="trace the model with the new images",
            )
        return Graph(*self.network.read(images), self.network)

    def outputs(self, images: Tensor) -> Tensor:
        """The logits (B, ...) of images (B, *input shape); nothing is recorded."""
        return self.network.outputs(images)


def trace(model: nn.Module, images: Tensor, *, output: str | int | None = None) -> Graph:
    """The graph of `model` with its activations for `images` (B, ...), computed in the images' precision.

    output: which one, of a model that returns several (torch_backend.inputs.output): "aux", 0, "features.2".
    Tokens, whole numbers (B, T), are read at the output of their embedding, the node "input" of shape (D, T).
    For several inputs see torch_backend.graph.joined. Weights in half precision are taken at their value, and
    computed with in the images' precision.

    The model is run, and every call of a torch operator recorded; it leaves as it came. ValueError: it is in
    training mode, holds NaN or infinite weights, does not accept the images, does not return one tensor
    (B, ...), gives something else when it runs again or for an image alone, or its derivative is not that of
    the recorded calls.
    """
    model, images = begun(model, images, output=output)
    network = Network(model, images)
    return Graph(*network.read(images), network)


def begun(model: nn.Module, images: Tensor, *, output: str | int | None = None) -> tuple[nn.Module, Tensor]:
    """The model with one output and one input, and its images in float32 or float64: of tokens, the rows of
    what their embedding makes of them. ValueError if it cannot be read.
    """
    if not are_tokens(images):
        check_images(images)
    check_model(inside := bare(model), images)
    chosen = inside if output is None else Output(inside, output)
    return join(chosen, {first_of(chosen): images}) if are_tokens(images) else (chosen, images)
