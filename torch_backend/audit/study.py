"""Sanity checks of several methods on a network, in units on disk: what is there is not computed again.

A unit is one method, one test (other classes; weights destroyed down to a stage, one draw) and some images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.results.protocol import Protocol, corrected
from rankone.results.runs import Units
from torch_backend.audit.cascade import cascade
from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Reference, joined
from torch_backend.audit.random_logit import random_logit
from torch_backend.audit.stages import Order, Stage, destroyed, stages, top_down
from torch_backend.audit.subject import Subject
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.maps.controls import another, edges
from torch_backend.maps.scores import SCORES, Prepared, all_scores
from torch_backend.randomness import digest_of

MEANING = "sanity 1"  # of a unit's numbers; another text where the same key would give others
CHUNK = 5  # images of a unit: their activations are kept
OTHER_CLASS = "another class"

Floats = NDArray[np.float64]
Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Plan:
    """What is asked. classes: other classes for each image, None: all. names: stages, output first; None:
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
    asked for. depth: stages from the output, from 0.
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
    is no forward_alone. edges, another (B, S): the scores of the trained network's map with the edges of its
    image, and with the map of another image; NaN where there is none. reference (B, H, W) and maps
    (K, B, H, W): the trained network's, and those that are compared with them, if the plan keeps them.
    """

    subject: Subject
    test: Test
    scores: Floats
    null: Floats
    forward_alone: Floats
    fine: NDArray[np.bool_]
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
    examined: Examined, subjects: Sequence[Subject], plan: Plan, units: Units, progress: Progress = iter
) -> tuple[list[Outcome], dict[str, Exception]]:
    """The outcomes of all subjects; and, by name, what those raised that came to no end.

    progress  wraps the units, for example `tqdm.tqdm`
    ValueError for what `trace` and `Rebuilt.of` refuse, unknown stages, two subjects of one name.
    """
    _refuse_repeated(subjects)
    graph = trace(examined.network, examined.images[:1])
    tests = _tests(stages(graph), plan)
    network, weights = Rebuilt.of(graph), digest_of(examined.network)
    weights = f"{weights} {[(node.name, node.kind, node.shape, node.inputs) for node in graph.nodes]}"
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]] = {}
    failed: dict[str, Exception] = {}
    work = list(product(range(0, len(examined.images), CHUNK), (None, *tests), subjects))
    part = None
    for k, test, subject in progress(work):
        if subject.name in failed:
            continue
        if part is None or part.k != k:
            part = _Part(graph, network, weights, plan, examined, k)
        try:
            done.setdefault((subject.name, test), []).append(part.unit(units, subject, test))
        except (ValueError, MemoryError) as error:
            failed[subject.name] = error
    left = [subject for subject in subjects if subject.name not in failed]
    return [_outcome(subject, test, done, plan.protocol) for test in tests for subject in left], failed


def _refuse_repeated(subjects: Sequence[Subject]) -> None:
    names = [subject.name for subject in subjects]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        refuse("methods", expected="different ones", got=f"{repeated[0]} twice", do="name each once")


def _tests(all_stages: Sequence[Stage], plan: Plan) -> list[Test]:
    names = plan.names or [stage.name for stage in all_stages]
    return [Test()] + [
        Test(name, order, tuple(sorted(destroyed(all_stages, order, name))), depth)
        for order in plan.orders
        for depth, name in enumerate(names)
    ]


@dataclass(frozen=True, eq=False)
class _Part:
    """The images k, …, k + CHUNK - 1, and what is computed of them."""

    graph: Graph
    network: Rebuilt
    weights: str
    plan: Plan
    examined: Examined
    k: int
    maps: dict[str, Tensor] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)

    @cached_property
    def case(self) -> Case:
        here = slice(self.k, self.k + CHUNK)
        graph = self.graph.record(self.examined.images[here])
        targets = self.examined.targets
        classes = graph.nodes[-1].value.argmax(1) if targets is None else targets[here]
        return Case(graph, self.network, classes, self.plan.protocol, self.plan.seed)

    def unit(self, units: Units, subject: Subject, test: Test | None) -> dict[str, Floats]:
        """Its arrays, with images on the axis before the last."""
        key = {
            "meaning": MEANING,
            "weights": self.weights,
            "images": self.case.digests,
            "targets": self.case.targets.tolist(),
            "method": subject.key,
            "protocol": {name: str(value) for name, value in asdict(self.plan.protocol).items()},
            "seed": self.plan.seed,
        }
        if test is None:
            found = units.get(f"{subject.name} maps", key, lambda: self._maps(subject))
            self.maps[subject.name] = torch.from_numpy(found["maps"])
            return found
        key |= {"test": test.name, "layers": list(test.layers), "draws": self.plan.draws}
        key |= {"maps": self.plan.keeps_maps}
        if test.order is None:
            key |= {"classes": self.plan.classes}
        elif not self.plan.forward_alone:
            key |= {"forward_alone": False}
        return units.get(
            f"{subject.name} {test.name} {test.stage}", key, lambda: self._compared(subject, test)
        )

    def _maps(self, subject: Subject) -> dict[str, Any]:
        """The trained network's, and their scores with the edges of the images."""
        maps = self.case.maps(subject.of(self.case.trained), self.case.trained)
        return {"maps": maps.numpy(), "edges": self._with_edges(maps).numpy()}

    def _reference(self, subject: Subject) -> Reference:
        if subject.name not in self.references:
            names, protocol = self.case.digests, self.plan.protocol
            reference = Reference.of(self.maps[subject.name], names, protocol, self.plan.seed)
            self.references[subject.name] = reference
        return self.references[subject.name]

    def _with_edges(self, maps: Tensor) -> Tensor:
        pictures = self.examined.pictures
        if pictures is None or pictures.shape[2:] != maps.shape[1:]:
            return torch.full((len(maps), len(SCORES)), torch.nan)
        return scored(maps, edges(pictures[self.k : self.k + CHUNK]), self.plan.protocol)

    def _compared(self, subject: Subject, test: Test) -> dict[str, Any]:
        reference = self._reference(subject)
        if test.order is None:
            compared = random_logit(self.case, subject, reference, self.plan.classes)
            alone = torch.full_like(compared.scores, torch.nan)
        else:
            draws = range(self.plan.draws)
            alone_too = self.plan.forward_alone
            steps = [
                cascade(self.case, subject, reference, test.layers, draw, alone=alone_too) for draw in draws
            ]
            compared = joined(step.compared for step in steps)
            alone = torch.cat([step.forward_alone for step in steps])
        arrays = {name: value.numpy() for name, value in compared._asdict().items()}
        if not self.plan.keeps_maps:
            del arrays["maps"]
        return {**arrays, "forward_alone": alone.numpy()}


def _outcome(
    subject: Subject,
    test: Test,
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]],
    protocol: Protocol,
) -> Outcome:
    parts, trained = done[subject.name, test], done[subject.name, None]
    compared = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    maps = torch.from_numpy(np.concatenate([part["maps"] for part in trained]))
    return Outcome(
        subject,
        test,
        **compared,
        edges=np.concatenate([part["edges"] for part in trained]),
        another=_with_another(maps, protocol),
        reference=maps.numpy(),
    )


def _with_another(maps: Tensor, protocol: Protocol) -> Floats:
    """The scores (B, S) of each map with that of another image; NaN where there is none."""
    other = another(len(maps))
    if other is None:
        return np.full((len(maps), len(SCORES)), np.nan)
    return scored(maps, maps[other], protocol).numpy()


def scored(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
    """All SCORES of maps (B, H, W) with maps (B, H, W): (B, S)."""
    return all_scores(Prepared.of(a, protocol), Prepared.of(b, protocol))
