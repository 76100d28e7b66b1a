"""Other weights, written into the model itself: for tools that know a network by its modules alone.

    with lent(graph):                 # the user's model has the weights of this graph's nodes
        map_ = attribute(x, target)   # afterwards it has its own again, to the last bit

What `randomized` draws for a node goes into the parameter that the node was read from, its biases become 0,
and batch norms that folded into it the identity. So the model computes what the network with other weights
does, except where something else folded into the node, such as a normalisation of the pixels inside it:
that is no weight, and stays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from rankone.errors import Refusal, refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.model import run_model, tensors_of, untouched
from torch_backend.graph.node import Node
from torch_backend.graph.paths import LAYERS
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.operators.convolution import Convolving


class Unwritable(Refusal):
    """A model that no other weights can be written into."""


class Call(NamedTuple):
    """A module that ran, what it read and what it gave."""

    module: nn.Module
    read: object
    gave: object


@dataclass(frozen=True, eq=False)
class Place:
    """Where a node's weights lie: the parameter, the module's other ones, and the norms that folded in."""

    weight: nn.Parameter
    biases: tuple[nn.Parameter, ...]
    norms: tuple[nn.Module, ...]

    def write(self, weight: Tensor) -> None:
        """`weight` in the parameter's own layout; everything else of the layer does nothing."""
        self.weight.copy_(weight)
        for bias in self.biases:
            bias.zero_()
        for norm in self.norms:
            _do_nothing(norm)


def write(graph: Graph, model: nn.Module) -> None:
    """Writes the weights of the graph's changed nodes to `model`, the graph's own or a copy of it.

    `Unwritable`, by the node's name, where its weights are not one parameter of one module that runs once.
    """
    if has_other_weights(graph):
        with torch.no_grad():
            for index, place in places(graph, model).items():
                place.write(_as_stored(graph.nodes[index]))


def has_other_weights(graph: Graph) -> bool:
    """Whether nodes of it have weights that are not its model's."""
    return isinstance(graph.network, Rebuilt) and bool(graph.network.changed)


def has_no_own_weights(graph: Graph) -> bool:
    """Whether all its nodes with weights have other ones than its model's."""
    weighted = {node.index for node in graph.nodes if isinstance(node.op, LAYERS)}
    return has_other_weights(graph) and weighted <= graph.network.changed


@contextmanager
def lent(graph: Graph) -> Iterator[nn.Module]:
    """The graph's model with the weights of its changed nodes. Afterwards, and after an exception or Ctrl-C,
    all of it is as it was, to the last bit: parameters, buffers, attributes, hooks.
    """
    model = graph.network.model
    with untouched(model) as before:
        for tensor in tensors_of(model).values():
            before.about_to_write(tensor)
        write(graph, model)
        yield model


@contextmanager
def gradients_apart(model: nn.Module) -> Iterator[None]:
    """What a backward pass adds to the parameters' `grad` goes nowhere; the model keeps the ones it has."""
    before = [(p, p.grad) for p in model.parameters()]
    for p, _ in before:
        p.grad = None
    try:
        yield
    finally:
        for p, grad in before:
            p.grad = grad


def copied(graph: Graph) -> nn.Module:
    """A copy of the graph's model with the weights of its changed nodes. `Unwritable`: there is none."""
    model = graph.network.model
    try:
        other = copy.deepcopy(model)
    except Exception as error:  # whatever the user's modules hold
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        do = "give attribute(x, class) on the model itself"
        refuse("model", expected="a module that copy.deepcopy copies", got=got, do=do, kind=Unwritable)
    write(graph, other)
    return other


# ---------------------------------------------------------------- where weights lie


def places(graph: Graph, model: nn.Module) -> dict[int, Place]:
    """Where the weights of the changed nodes lie in the model, by the nodes' indices; refusals as `write`."""
    modules = dict(model.named_modules())
    labels = {node.label for node in graph.nodes}
    calls = _calls(model, graph.nodes[0].value[:1])
    ran = [call.module for call in calls]
    owners = {n.index: _owner(n, modules) for n in graph.nodes if isinstance(n.op, LAYERS)}
    changed = {index: owner for index, owner in owners.items() if index in graph.network.changed}
    folded = [norm for name, norm in modules.items() if _is_norm(norm) and name not in labels]
    into = {norm: _folded_into(norm, calls, list(owners.values())) for norm in folded}
    return {
        index: _place(graph.nodes[index], owner, ran, [n for n, layer in into.items() if layer is owner])
        for index, owner in changed.items()
    }


def _place(
    node: Node, owner: nn.Module | None, ran: Sequence[nn.Module], norms: Sequence[nn.Module]
) -> Place:
    shape = _as_stored(node).shape
    own = [] if owner is None else list(owner.parameters(recurse=False))
    weights = [p for p in own if p.shape == shape]
    if len(weights) != 1 or ran.count(owner) != 1:
        refuse(
            f"layer {node.name!r}",
            expected=f"its weights {tuple(shape)} to be one parameter of one module that runs once",
            got=f"{len(weights)} in {node.label}, which runs {ran.count(owner)} times",
            do="destroy the weights of other layers, or write the layer as a module of torch.nn",
            kind=Unwritable,
        )
    return Place(weights[0], tuple(p for p in own if p is not weights[0]), tuple(norms))


def _owner(node: Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    """The module that the node's call belongs to: its label is a path, or a path and a function's name."""
    return modules.get(node.label, modules.get(node.label.rpartition(".")[0]))


def _folded_into(norm: nn.Module, calls: Sequence[Call], layers: Sequence[nn.Module | None]) -> object:
    """The layer whose output the norm reads; if it reads no layer's, the next that runs."""
    at = next((k for k, call in enumerate(calls) if call.module is norm), len(calls))
    below = [c.module for c in calls[:at] if c.module in layers and c.gave is calls[at].read]
    above = [c.module for c in calls[at + 1 :] if c.module in layers]
    return next(iter([*reversed(below), *above]), None)


def _calls(model: nn.Module, images: Tensor) -> list[Call]:
    """The modules of the model that run, in the order in which they end."""
    own, found = set(model.modules()), []

    def note(module: nn.Module, args: tuple, gave: object) -> None:
        if module in own:
            found.append(Call(module, args[0] if args else None, gave))

    hook = register_module_forward_hook(note)
    try:
        run_model(model, images)
    finally:
        hook.remove()
    return found


def _as_stored(node: Node) -> Tensor:
    """The node's weights in the layout of torch's modules."""
    return node.op.arranged if isinstance(node.op, Convolving) else node.op.weight


def _is_norm(module: nn.Module) -> bool:
    """Whether it is a batch norm, by stored statistics."""
    statistics = (getattr(module, name, None) for name in ("running_mean", "running_var"))
    return all(isinstance(some, Tensor) for some in statistics)


def _do_nothing(norm: nn.Module) -> None:
    """(x − 0) / √(1 − ε + ε) · 1 + 0."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    if norm.weight is not None:
        norm.weight.fill_(1)
        norm.bias.zero_()
