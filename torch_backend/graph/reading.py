"""From a model and images to nodes: run, record, fold, name, check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import torch
from torch import Tensor, nn

from rankone.errors import Refusal, refuse
from torch_backend.graph import checks, names, paths
from torch_backend.graph.folding import fold
from torch_backend.graph.joined import begins_at
from torch_backend.graph.kept import Kept, checksum
from torch_backend.graph.memory import memory_of
from torch_backend.graph.model import Places, forward, own_copy, run_model, tensors_of, untouched
from torch_backend.graph.node import Node
from torch_backend.graph.recorder import Recorder
from torch_backend.graph.step import Step, needed
from torch_backend.operators.differentiable import Differentiable, Mixed
from torch_backend.operators.layout import arrange, is_finite
from torch_backend.operators.linear import Weighted
from torch_backend.operators.unweighted import Reshape
from torch_backend.randomness import seeded

BESIDE = 0.1  # noise added to images where numbers tie, in units of normalised pixels


@dataclass(frozen=True, eq=False)
class Run:
    """One recorded forward pass. images: a leaf of autograd's graph; steps: what the logits depend on;
    precision: the lowest that was met. own: the user's own autograd functions on the way. gradients: by step
    (its id), what autograd pulls back to its tensor, where that was asked.
    """

    images: Tensor
    logits: Tensor
    steps: list[Step]
    precision: torch.dtype
    own: list[str]
    gradients: dict[int, Tensor | None]


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

    begins_at: the name of its first node; calls: those of the first reading; weights: checksums of the
    model's tensors then. doubles_one: one image is read twice over, since its tensors take other ways than
    those of several. keeps_apart: whether a batch has been compared with its images alone.
    """

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        self.model, self.kept = model, Kept(images)
        self.begins_at = begins_at(model)
        self.calls: list[tuple] = []
        self.weights: dict[str, int] = {}
        self.doubles_one = self.keeps_apart = False

    def read(self, images: Tensor) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """The nodes for these images, and the names of the layers.

        ValueError: see `trace`; or the calls are not those of the first reading.
        """
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            return self._read_and_checked(images)

    def outputs(self, images: Tensor) -> Tensor:
        """The model's own logits (B, ...)."""
        return run_model(self.model, images)

    def _read_and_checked(self, images: Tensor) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        several = len(images) > 1
        reading = self._read_twice_over(images) if self.doubles_one and not several else self._read(images)
        if not self.calls:
            reading = self._begin(reading, images)
        elif reading.calls != self.calls:
            self._refuse_other_calls(reading)
        elif reading.run.own:  # whose derivatives may be others where the first images did not go
            _check_derivative(reading, reading.nodes)
        if several and not self.keeps_apart:
            self._check_that_it_keeps_apart(reading)
        return reading.nodes, reading.layers

    def _refuse_other_calls(self, reading: Reading) -> None:
        """ValueError: weights have changed since the first reading, or the images are told apart."""
        changed = [n for n, t in tensors_of(self.model).items() if self.weights.get(n) != checksum(t)]
        before = [*self.calls, *[()] * len(reading.calls)]
        pairs = zip(reading.nodes, reading.calls, before, strict=False)
        where = next((node.name for node, now, then in pairs if now != then), reading.nodes[-1].name)
        if changed:
            refuse(
                "model",
                expected="the weights that were traced",
                got=f"others at {where!r}: {', '.join(changed[:5])} changed since",
                do="trace the model again",
            )
        refuse(
            "images",
            expected="images for which the model does what it did for the traced ones",
            got=f"another operation, or other constants, first at {where!r}",
            do="trace the model with these images",
        )

    def _begin(self, reading: Reading, images: Tensor) -> Reading:
        """The first reading, checked, and compared with another one of one image alone or twice over."""
        several = len(images) > 1
        other = self._read(images[:1]) if several else self._read_twice_over(images)
        moves = any(not step.arrangement.is_plain for step in (reading if several else other).steps)
        self.doubles_one = moves or other.calls != reading.calls
        self._check(other if self.doubles_one and not several else reading, images)
        if not self._agree(other.run.logits[:1], reading, 0):
            self._refuse_what_depends_on_more(reading.run, 0)
        self.calls = reading.calls if several else other.calls
        self.weights = {name: checksum(t) for name, t in tensors_of(self.model).items()}
        return other if self.doubles_one and not several else reading

    def _check(self, reading: Reading, images: Tensor) -> None:
        """`_check`, and where the derivative is another, once more beside these images: of equal numbers in a
        max-pooling either may be the largest. Pictures of one colour, where numbers vary by rounding only,
        are checked beside themselves altogether.
        """
        try:
            _check(reading)
        except Refusal:
            if reading.run.own:
                raise
            if not _of_one_colour(images):
                _check_forward(reading)
            noise = torch.randn(images.shape, generator=seeded("beside ties")).to(images)
            _check(self._read(images + BESIDE * noise))

    def _agree(self, alone: Tensor, reading: Reading, i: int) -> bool:
        """Whether the logits of image i alone (1, ...) are those in its batch, up to rounding."""
        last, run = reading.nodes[-1], reading.run
        there = run.logits[i : i + 1]
        if checks.agree(alone, there, run.precision):
            return True
        x = last.op.join(tuple(reading.nodes[k].value for k in last.inputs), last.value)
        terms = checks.magnitude(last, x)
        terms = terms if isinstance(terms, float) else terms[i : i + 1]
        return checks.agree(alone, there, run.precision, terms)

    def _read_twice_over(self, image: Tensor) -> Reading:
        """Of one image any axis of length one may be its own: a reading of two, cut to the first."""
        reading = self._read(image.expand(2, *image.shape[1:]))
        return replace(reading, nodes=tuple(_first_of_two(node) for node in reading.nodes))

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
        with torch.inference_mode(mode=False):
            return self._run_recorded(own_copy(self.model, images).requires_grad_())

    def _run_recorded(self, leaf: Tensor) -> Run:
        self.kept.begin()
        places = Places(self.model)
        with torch.enable_grad(), untouched(self.model) as before, places.followed():
            given = leaf.clone()
            with Recorder(self.begins_at, given, self.kept, places.label, before) as recorder:
                logits = forward(self.model, given)
            steps = needed(recorder.steps, recorder.last(logits))
            own = checks.own_functions(step.tensor for step in steps)
            gradients = _gradients(logits, leaf, steps) if own or not self.calls else {}
        return Run(leaf, logits.detach(), steps, recorder.precision, own, gradients)

    def _check_that_it_keeps_apart(self, reading: Reading) -> None:
        """ValueError if an image alone gives something else than in its batch."""
        run = reading.run
        for i in range(len(run.images)):
            if not self._agree(run_model(self.model, run.images[i : i + 1]), reading, i):
                self._refuse_what_depends_on_more(run, i)
        self.keeps_apart = bool((run.images != run.images[:1]).any())  # the same ones hide what they give

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
        if len(run.images) == 1:
            first, i = self._run(torch.cat((run.images, run.images))), 0
        alone = self._run(run.images[i : i + 1])
        apart = float((alone.logits - first.logits[i : i + 1]).abs().max())
        refuse(
            f"model ({_parting(first, alone, slice(i, i + 1))})",
            expected="an output for each image that depends on no other",
            got=f"another one for image {i} alone than in its batch, by up to {apart:.0e}",
            do="compute what mixes the images outside of the network, or mend what blows rounding up",
        )


def _gradients(logits: Tensor, leaf: Tensor, steps: Sequence[Step]) -> dict[int, Tensor | None]:
    """What autograd pulls back to the images and to all tensors that are still there, before the model is
    restored: it may have written to what is needed for that.
    """
    there = [
        s for s in steps[1:] if s.arrangement.is_plain and s.tensor is not None and s.tensor.requires_grad
    ]
    found = checks.by_autograd(logits, [leaf, *(step.tensor for step in there)])
    return {id(step): gradient for step, gradient in zip([steps[0], *there], found, strict=True)}


def _of_one_colour(images: Tensor) -> bool:
    """Whether nothing varies over the places of (B, C, *space)."""
    if images.dim() < 3:
        return False
    places = images.flatten(2)
    return bool((places == places[..., :1]).all())


def _check(reading: Reading) -> None:
    """The reading against the model: every node's numbers, and one vector-Jacobian product."""
    _check_derivative(reading, _check_forward(reading))


def _check_forward(reading: Reading) -> Sequence[Node]:
    """Every node's numbers; returns the nodes for all images of the run."""
    run, steps, nodes = reading.run, reading.steps, reading.nodes
    if len(nodes[0].value) < len(run.images):  # one image twice over
        nodes = _nodes(steps, run.images.detach().to(nodes[0].value.dtype), run.precision)
    if run.precision == run.images.dtype == nodes[0].value.dtype:
        checks.check_forward(nodes, [_value(step) for step in steps], run.precision)
    return nodes


def _check_derivative(reading: Reading, nodes: Sequence[Node]) -> None:
    run = reading.run
    expected = [run.gradients.get(id(step)) for step in reading.steps]
    checks.check_derivative(nodes, run.logits, expected, run.precision, run.own)


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
        value = arrange(value)
        if step.tensor is not None and memory_of(value) == memory_of(step.tensor):
            value = value.clone()  # the model may go on to use its memory
        nodes.append(Node(len(nodes), step.label, inputs, step.label, step.op, value))
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


def _first_of_two(node: Node) -> Node:
    """The node for the first image of two; a function that counts its images is given it twice."""
    op = node.op
    if isinstance(op, Differentiable):
        op = type(op)(lambda *x: node.op.function(*(torch.cat((part, part)) for part in x))[:1])
    return replace(node, value=node.value[:1], op=op)


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
