"""Sanity checks of several methods on a network, in units on disk: what is there is not computed again.

A unit is one method, one test (other classes; weights destroyed down to a stage, one draw) and some images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rankone.errors import Overflow, refuse
from rankone.results.protocol import Protocol, corrected
from rankone.results.runs import Units
from torch_backend.audit.cascade import cascade
from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Comparison, Reference, joined
from torch_backend.audit.random_logit import random_logit
from torch_backend.audit.stages import Order, Stage, destroyed, stages, top_down
from torch_backend.audit.subject import Subject
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.maps.controls import another, edges
from torch_backend.maps.scores import SCORES, Prepared, all_scores
from torch_backend.maps.ssim import WINDOW
from torch_backend.propagation.malloc import kept_pages
from torch_backend.randomness import digest_of

MEANING = "sanity 4"  # of a unit's numbers; another text where the same key would give others
CHUNK = 5  # images of a unit: their activations are kept
OTHER_CLASS = "another class"

Floats = NDArray[np.float64]
T = TypeVar("T")
Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Plan:
    """What is asked. classes: other classes for each image, None: all, 0: none. names: of stages; None:
    all. draws: of the weights. forward_alone: whether it is measured, or left NaN. keeps_maps: whether
    outcomes have the maps themselves.
    """

    classes: int | None = 1
    orders: tuple[Order, ...] = (top_down,)
    names: tuple[str, ...] | None = None
    draws: int = 1
    protocol: Protocol = corrected
    seed: int = 0
    forward_alone: bool = True
    keeps_maps: bool = False


@dataclass(frozen=True)
class Test:
    """What is done to a method: the weights of some nodes destroyed, or, without an order, another class
    asked for. depth: the place of the stage in that order, from 0.
    """

    stage: str = OTHER_CLASS
    order: Order | None = None
    layers: tuple[int, ...] = ()
    depth: int = 0

    @property
    def name(self) -> str:
        """random_logit, top_down, bottom_up or single."""
        return self.order.name if self.order else "random_logit"


@dataclass(frozen=True, eq=False)
class Outcome:
    """One method under one test; B images, K classes or draws, S scores in the order of SCORES.

    scores, null, forward_alone (K, B, S) and fine (K, B): see `Comparison` and `Destroyed`; NaN where there
    is no forward_alone. float64 (K, B): whether it was computed in that. edges, another (B, S): the scores of
    the trained network's map with the edges of its image, and with the map of another image; NaN where there
    is none. reference (B, H, W) and maps (K, B, H, W): the trained network's, and those that are compared
    with them, if the plan keeps them.
    """

    subject: Subject
    test: Test
    scores: Floats
    null: Floats
    forward_alone: Floats
    fine: NDArray[np.bool_]
    float64: NDArray[np.bool_]
    edges: Floats
    another: Floats
    reference: Floats
    maps: Floats | None = None


@dataclass(frozen=True, eq=False)
class Examined:
    """Images (B, *input shape) of a network, pictures (B, 3, H, W), red, green and blue in [0, 1] if they
    are known, and the classes (B,) that are explained; None: those that the network predicts.
    """

    network: nn.Module
    images: Tensor
    pictures: Tensor | None
    targets: Tensor | None = None


def study(
    examined: Examined,
    subjects: Sequence[Subject],
    plan: Plan,
    units: Units,
    progress: Progress = iter,
    *,
    about: Mapping[str, Any] | None = None,
) -> tuple[list[Outcome], dict[str, Exception]]:
    """The outcomes of all subjects; and, by name, what those raised that came to no end.

    progress  wraps the units, for example `tqdm.tqdm`
    about     what the numbers depend on beside the arguments, such as the code; part of each unit's key
    Where maps in float32 are not finite they are computed again in float64.
    ValueError for what `trace` and `Rebuilt.of` refuse, images whose maps cannot be compared, unknown stages,
    two subjects of one name, fewer than one draw.
    """
    _refuse_repeated(subjects)
    _refuse_images_without_maps(examined.images)
    if isinstance(plan.draws, bool) or not isinstance(plan.draws, int) or plan.draws < 1:
        refuse("draws", expected="an integer >= 1", got=repr(plan.draws), do="1 is the paper's")
    networks = _Networks(examined)
    graph, _ = networks.read(examined.images.dtype)
    tests = _tests(stages(graph), plan)
    if not tests:
        refuse("plan", expected="other classes, or orders of destruction", got="neither", do="ask for one")
    nodes = [(node.name, node.kind, list(node.shape), list(node.inputs)) for node in graph.nodes]
    about = {**(about or {}), "weights": digest_of(examined.network), "nodes": repr(nodes)}
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]] = {}
    failed: dict[str, Exception] = {}
    work = list(product(range(0, len(examined.images), CHUNK), (None, *tests), subjects))
    part = None
    with kept_pages():
        for k, test, subject in progress(work):
            if subject.name in failed:
                continue
            if part is None or part.k != k:
                part = _Part(networks, plan, k)
            try:
                found = part.unit(units, about, subject, test)
            except Exception as error:  # whatever it is, it must not cost the others' results
                failed[subject.name] = error
            else:
                done.setdefault((subject.name, test), []).append(found)
    left = [subject for subject in subjects if subject.name not in failed]
    how = plan.protocol, examined.pictures
    return [_outcome(subject, test, done, *how) for test in tests for subject in left], failed


def _refuse_repeated(subjects: Sequence[Subject]) -> None:
    names = [subject.name for subject in subjects]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        refuse("methods", expected="different ones", got=f"{repeated[0]} twice", do="name each once")


def _refuse_images_without_maps(images: Tensor) -> None:
    shape = tuple(images.shape)
    if len(shape) != 4 or min(shape[2:]) < WINDOW:
        expected = f"shape (B, C, H, W), H and W at least {WINDOW}: SSIM's windows"
        refuse("images", expected=expected, got=shape, do="take larger ones, or a network that reads images")


def _tests(all_stages: Sequence[Stage], plan: Plan) -> list[Test]:
    for name in plan.names or ():
        destroyed(all_stages, top_down, name)  # ValueError for an unknown one
    names = [stage.name for stage in all_stages if plan.names is None or stage.name in plan.names]
    another_class = [] if plan.classes == 0 else [Test()]
    return another_class + [
        Test(name, order, tuple(sorted(destroyed(all_stages, order, name))), depth)
        for order in plan.orders
        for depth, name in enumerate(order.in_turn(names))
    ]


@dataclass(frozen=True, eq=False)
class _Networks:
    """The examined network in the precision that is asked for: read, and to be carried out with other
    weights.
    """

    examined: Examined
    known: dict[torch.dtype, tuple[Graph, Rebuilt]] = field(default_factory=dict)

    def read(self, precision: torch.dtype) -> tuple[Graph, Rebuilt]:
        if precision not in self.known:
            graph = trace(self.examined.network, self.examined.images[:1].to(precision))
            self.known[precision] = graph, Rebuilt.of(graph)
        return self.known[precision]


@dataclass(frozen=True, eq=False)
class _Part:
    """The images k, …, k + CHUNK - 1, and what is computed of them."""

    networks: _Networks
    plan: Plan
    k: int
    maps: dict[str, Tensor] = field(default_factory=dict)
    cases: dict[torch.dtype, Case] = field(default_factory=dict)
    references: dict[tuple[str, torch.dtype], Reference] = field(default_factory=dict)

    @property
    def here(self) -> slice:
        return slice(self.k, self.k + CHUNK)

    def case(self, precision: torch.dtype) -> Case:
        if precision not in self.cases:
            graph, network = self.networks.read(precision)
            graph = graph.record(self.networks.examined.images[self.here].to(precision))
            targets = self.networks.examined.targets
            classes = graph.nodes[-1].value.argmax(1) if targets is None else targets[self.here]
            self.cases[precision] = Case(graph, network, classes, self.plan.protocol, self.plan.seed)
        return self.cases[precision]

    def unit(
        self, units: Units, about: Mapping[str, Any], subject: Subject, test: Test | None
    ) -> dict[str, Floats]:
        """Its arrays, with images on the axis after that of classes and draws."""
        case = self.case(self.networks.examined.images.dtype)
        key = {
            **about,
            "meaning": MEANING,
            "images": case.digests,
            "precision": str(case.images.dtype),
            "targets": case.targets.tolist(),
            "method": subject.key,
            "protocol": self.plan.protocol.decisions,
            "seed": self.plan.seed,
        }
        if test is None:
            found = units.get(f"{subject.name} maps", key, lambda: self._of_the_trained(subject))
            self.maps[subject.name] = torch.from_numpy(found["maps"])
            return found
        key |= {"test": test.name, "layers": list(test.layers), "maps": self.plan.keeps_maps}
        if test.order:
            key |= {"draws": self.plan.draws, "forward_alone": self.plan.forward_alone}
        else:
            key |= {"classes": self.plan.classes}
        name = f"{subject.name} {test.name} {test.stage}"
        return units.get(name, key, lambda: self._compared(subject, test))

    def _of_the_trained(self, subject: Subject) -> dict[str, Any]:
        """The trained network's maps."""

        def maps(precision: torch.dtype) -> Tensor:
            case = self.case(precision)
            return case.maps(subject.of(case.trained), case.trained)

        found, _ = _precisely_enough(maps, self.networks.examined.images.dtype)
        return {"maps": found.numpy()}

    def _reference(self, subject: Subject, precision: torch.dtype) -> Reference:
        if (subject.name, precision) not in self.references:
            case, maps = self.case(precision), self.maps[subject.name]
            if maps.dtype != precision:
                maps = case.maps(subject.of(case.trained), case.trained)
            how = self.plan.protocol, self.plan.seed, subject.hides
            reference = Reference.of(maps, case.digests, *how)
            self.references[subject.name, precision] = reference
        return self.references[subject.name, precision]

    def _compared(self, subject: Subject, test: Test) -> dict[str, Any]:
        (compared, alone), precision = _precisely_enough(
            lambda precision: self._carried_out(subject, test, precision), self.maps[subject.name].dtype
        )
        arrays = {name: value.numpy() for name, value in compared._asdict().items()}
        if not self.plan.keeps_maps:
            del arrays["maps"]
        wide = np.full(arrays["fine"].shape, precision == torch.float64)
        return {**arrays, "forward_alone": alone.numpy(), "float64": wide}

    def _carried_out(self, subject: Subject, test: Test, precision: torch.dtype) -> tuple[Comparison, Tensor]:
        """The comparison, and what the forward pass alone causes (K, B, S)."""
        case, reference = self.case(precision), self._reference(subject, precision)
        if test.order is None:
            compared = random_logit(case, subject, reference, self.plan.classes)
            return compared, torch.full_like(compared.scores, torch.nan)
        draws, alone = range(self.plan.draws), self.plan.forward_alone
        steps = [cascade(case, subject, reference, test.layers, draw, alone=alone) for draw in draws]
        return joined(step.compared for step in steps), torch.cat([step.forward_alone for step in steps])


def _precisely_enough(compute: Callable[[torch.dtype], T], precision: torch.dtype) -> tuple[T, torch.dtype]:
    """What is computed in this precision, or in float64 where that overflows; and in which it was."""
    try:
        return compute(precision), precision
    except Overflow:
        if precision == torch.float64:
            raise
        return compute(torch.float64), torch.float64


def _outcome(
    subject: Subject,
    test: Test,
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]],
    protocol: Protocol,
    pictures: Tensor | None,
) -> Outcome:
    parts, trained = done[subject.name, test], done[subject.name, None]
    compared = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    maps = torch.from_numpy(np.concatenate([part["maps"] for part in trained]))
    return Outcome(
        subject,
        test,
        **compared,
        edges=_with_edges(maps, pictures, protocol),
        another=_with_another(maps, protocol),
        reference=maps.numpy(),
    )


def _with_edges(maps: Tensor, pictures: Tensor | None, protocol: Protocol) -> Floats:
    """The scores (B, S) of each map with the edges of its image; NaN where its picture is not known."""
    if pictures is None or pictures.shape[2:] != maps.shape[1:]:
        return np.full((len(maps), len(SCORES)), np.nan)
    return scored(maps, edges(pictures), protocol).numpy()


def _with_another(maps: Tensor, protocol: Protocol) -> Floats:
    """The scores (B, S) of each map with that of another image; NaN where there is none."""
    other = another(len(maps))
    if other is None:
        return np.full((len(maps), len(SCORES)), np.nan)
    return scored(maps, maps[other], protocol).numpy()


def scored(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
    """All SCORES of maps (B, H, W) with maps (B, H, W): (B, S)."""
    return all_scores(Prepared.of(a, protocol), Prepared.of(b, protocol))
