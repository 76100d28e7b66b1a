"""From a model and images to nodes: run, record, fold, name, check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.graph import checks, names, paths
from torch_backend.graph.folding import fold
from torch_backend.graph.kept import Kept
from torch_backend.graph.model import Places, forward, own_copy, run_model, untouched
from torch_backend.graph.node import Node
from torch_backend.graph.recorder import Recorder
from torch_backend.graph.step import Step, needed
from torch_backend.operators.differentiable import Mixed
from torch_backend.operators.layout import arrange, is_finite
from torch_backend.operators.linear import Weighted
from torch_backend.operators.unweighted import Reshape


@dataclass(frozen=True, eq=False)
class Run:
    """One recorded forward pass. images: a leaf of autograd's graph; steps: what the logits depend on;
    precision: the lowest that was met.
    """

    images: Tensor
    logits: Tensor
    steps: list[Step]
    precision: torch.dtype


@dataclass(frozen=True, eq=False)
class Reading:
    """What a run means. steps: one for each node; calls: what must be the same for all images."""

    run: Run
    steps: list[Step]
    nodes: tuple[Node, ...]
    layers: tuple[str, ...]
    calls: list[tuple]


class Network:
    """A model that is read batch by batch. What its operators prepare is kept.

    calls: those of the first reading, for one image (whose tensors may take other ways) and for several.
    keeps_apart: whether a batch has been compared with its images alone.
    """

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        self.model, self.kept = model, Kept(images)
        self.calls: dict[bool, list[tuple]] = {}
        self.keeps_apart = False

    def read(self, images: Tensor) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """The nodes for these images, and the names of the layers.

        ValueError: see `trace`; or the calls are not those of the first reading.
        """
        reading = self._read(images)
        several = len(images) > 1
        if not self.calls:
            self._begin(reading, images)
        elif reading.calls != self.calls[several]:
            _refuse_other_calls(reading, self.calls[several])
        if several and not self.keeps_apart:
            self._check_that_it_keeps_apart(reading.run)
        return reading.nodes, reading.layers

    def _begin(self, reading: Reading, images: Tensor) -> None:
        """The first reading, checked, and compared with another one of one image alone or twice over."""
        _check(reading)
        several = len(images) > 1
        other = self._read(images[:1] if several else torch.cat((images, images)))
        if not checks.agree(other.run.logits[:1], reading.run.logits[:1], reading.run.precision):
            self._refuse_what_depends_on_more(reading.run, 0)
        if other.calls != reading.calls:
            _check(other)
        self.calls = {several: reading.calls, not several: other.calls}

    def _read(self, images: Tensor) -> Reading:
        run = self._run(images)
        _refuse_what_mixes(run.steps)
        steps = fold(run.steps, run.steps[-1], self.kept)
        nodes = _nodes(steps, images, run.precision)
        named, layers = names.name(nodes)
        nodes = [replace(node, name=name) for node, name in zip(_placed(nodes), named, strict=True)]
        calls = [_call(step, node) for step, node in zip(steps, nodes, strict=True)]
        if run.precision != images.dtype and not checks.agree(nodes[-1].value, run.logits, run.precision):
            checks.check_forward(nodes, [_value(step) for step in steps], run.precision)
        return Reading(run, steps, tuple(nodes), layers, calls)

    def _run(self, images: Tensor) -> Run:
        """The model carried out on a copy of the images, and recorded."""
        leaf = own_copy(self.model, images).requires_grad_()
        self.kept.begin()
        places = Places(self.model)
        with torch.enable_grad(), untouched(self.model) as before, places.followed():
            given = leaf.clone()
            with Recorder(given, self.kept, places.label, before.about_to_write) as recorder:
                logits = forward(self.model, given)
            last = recorder.last(logits)
        return Run(leaf, logits, needed(recorder.steps, last), recorder.precision)

    def _check_that_it_keeps_apart(self, run: Run) -> None:
        """ValueError if an image alone gives something else than in its batch."""
        for i in (0, len(run.images) - 1):
            alone = run_model(self.model, run.images[i : i + 1])
            if not checks.agree(alone, run.logits[i : i + 1], run.precision):
                self._refuse_what_depends_on_more(run, i)
        self.keeps_apart = True

    def _refuse_what_depends_on_more(self, run: Run, i: int) -> None:
        """ValueError: another run gives other logits; or image i alone does."""
        first, again = self._run(run.images), self._run(run.images)
        if not checks.agree(again.logits, first.logits, run.precision):
            refuse(
                f"model ({_parting(first, again, slice(None))})",
                expected="the same output whenever it runs",
                got="another one at each run",
                do="take what is random, or counts its calls, out of its forward",
            )
        alone = self._run(run.images[i : i + 1])
        refuse(
            f"model ({_parting(first, alone, slice(i, i + 1))})",
            expected="an output for each image that depends on no other",
            got=f"another one for image {i} alone than in its batch",
            do="compute what mixes the images outside of the network",
        )


def _check(reading: Reading) -> None:
    """The reading against the model: every node's numbers, and one vector-Jacobian product."""
    run, steps, nodes = reading.run, reading.steps, reading.nodes
    between = [step.tensor if step.arrangement.is_plain else None for step in steps]
    if run.precision == run.images.dtype == nodes[0].value.dtype:
        checks.check_forward(nodes, [_value(step) for step in steps], run.precision)
    checks.check_derivative(nodes, run.images, run.logits, run.precision, between)


def _nodes(steps: Sequence[Step], images: Tensor, precision: torch.dtype) -> list[Node]:
    """The steps with their values: the model's own, or computed again where it was less precise."""
    number = {id(step): i for i, step in enumerate(steps)}
    nodes: list[Node] = []
    for step in steps:
        inputs = tuple(number[id(part)] for part in step.inputs)
        if not inputs:
            value = images.detach().clone()
        elif step.tensor is None or precision != images.dtype:
            value = step.op.forward(step.op.join(tuple(nodes[i].value for i in inputs)))
        else:
            value = step.value
        nodes.append(Node(len(nodes), step.label, inputs, step.label, step.op, arrange(value)))
    if not is_finite(nodes[-1].value):
        broken = next(node for node in nodes if not is_finite(node.value))
        refuse(
            f"node {broken.label!r}",
            expected="finite numbers",
            got="NaN or infinity",
            do="find out where they arise: model(images) has them, too",
        )
    return nodes


def _placed(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, told which of them are first and last layers."""
    first, first_in_part = paths.first_layers(nodes)
    last, last_in_part = paths.last_layers(nodes)
    return [
        replace(
            node,
            is_first=i in first,
            is_last=i in last,
            in_part=frozenset(["first"] * (i in first_in_part) + ["last"] * (i in last_in_part)),
        )
        for i, node in enumerate(nodes)
    ]


def _parting(run: Run, other: Run, images: slice) -> str:
    """The first step at which the other run does, or gives, something else for these images."""
    for a, b in zip_longest(run.steps, other.steps):
        if a is None or b is None:
            return (a or b).label
        here, there = _value(a), _value(b)
        same = here is None or there is None or checks.agree(there, here[images], run.precision)
        if a.what != b.what or not same:
            return a.label
    return "the output"


def _value(step: Step) -> Tensor | None:
    return None if step.tensor is None else step.value


def _call(step: Step, node: Node) -> tuple:
    """What must be the same for all images: an operator with weights is the same object at each reading."""
    what = id(step.op) if isinstance(step.op, Weighted) else () if isinstance(step.op, Reshape) else step.what
    return node.kind, node.name, node.inputs, node.shape, what


def _refuse_what_mixes(steps: Sequence[Step]) -> None:
    for step in steps:
        if isinstance(step.op, Mixed):
            refuse(
                f"node {step.label!r}",
                expected="a result for each image that depends on no other",
                got="one in which the images of the batch meet",
                do="keep the images apart: compute it image by image",
            )


def _refuse_other_calls(reading: Reading, traced: list[tuple]) -> None:
    nodes, calls = reading.nodes, reading.calls
    before = [*traced, *[(None,)] * len(calls)]
    pairs = zip(nodes, calls, before, strict=False)
    node, now, then = next(((n, a, b) for n, a, b in pairs if a != b), (nodes[-1], (), ()))
    if now[:-1] == then[:-1] and isinstance(node.op, Weighted):
        refuse(
            "model",
            expected="the weights that were traced",
            got=f"others, which have changed since, at {node.name!r}",
            do="trace the model again",
        )
    refuse(
        "images",
        expected="images for which the model does what it did for the traced ones",
        got=f"another operation, first at {node.name!r}",
        do="trace the model with these images",
    )
