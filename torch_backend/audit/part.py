"""Some images of a network and what is computed of them: the trained network's maps, and other maps compared
with these. A unit is one method, one test (other classes; weights destroyed down to a stage) and some images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rankone.errors import Overflow, Refusal, refuse
from rankone.results.protocol import Protocol, corrected
from rankone.results.runs import Units
from torch_backend.audit.cascade import cascade
from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Comparison, Reference, joined
from torch_backend.audit.random_logit import random_logit
from torch_backend.audit.stages import Order, Stage, destroyed, top_down
from torch_backend.audit.subject import Subject
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.maps.ssim import WINDOW

MEANING = "sanity 4"  # of a unit's numbers; another text where the same key would give others
OTHER_CLASS = "another class"

Floats = NDArray[np.float64]
T = TypeVar("T")


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
class Examined:
    """Images (B, *input shape) of a network, pictures (B, 3, H, W), red, green and blue in [0, 1] if they
    are known, and the classes (B,) that are explained; None: those that the network predicts.
    """

    network: nn.Module
    images: Tensor
    pictures: Tensor | None
    targets: Tensor | None = None


def refuse_images_without_maps(images: Tensor) -> None:
    """ValueError for images that are not (B, C, H, W), or too small for SSIM."""
    shape = tuple(images.shape)
    if len(shape) != 4 or min(shape[2:]) < WINDOW:
        expected = f"shape (B, C, H, W), H and W at least {WINDOW}: SSIM's windows"
        refuse("images", expected=expected, got=shape, do="take larger ones, or a network that reads images")


def tests_of(all_stages: Sequence[Stage], plan: Plan) -> list[Test]:
    """What the plan asks for: other classes first. ValueError for an unknown stage."""
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
class Networks:
    """The examined network in the precision that is asked for: read, and to be carried out with other
    weights.
    """

    examined: Examined
    known: dict[torch.dtype, tuple[Graph, Rebuilt | Refusal]] = field(default_factory=dict)

    def read(self, precision: torch.dtype) -> tuple[Graph, Rebuilt | Refusal]:
        """The graph of the first image, and the network to be rebuilt, or why it cannot be."""
        if precision not in self.known:
            graph = trace(self.examined.network, self.examined.images[:1].to(precision))
            self.known[precision] = graph, _rebuilt(graph)
        return self.known[precision]


def _rebuilt(graph: Graph) -> Rebuilt | Refusal:
    try:
        return Rebuilt.of(graph)
    except Refusal as why:
        return why


@dataclass(frozen=True, eq=False)
class Part:
    """The images at some places, and what is computed of them."""

    networks: Networks
    plan: Plan
    places: tuple[int, ...]
    maps: dict[str, Tensor] = field(default_factory=dict)
    cases: dict[torch.dtype, Case] = field(default_factory=dict)
    references: dict[tuple[str, torch.dtype], Reference] = field(default_factory=dict)

    def case(self, precision: torch.dtype) -> Case:
        """The images, recorded in this precision."""
        if precision not in self.cases:
            graph, network = self.networks.read(precision)
            here = list(self.places)
            graph = graph.record(self.networks.examined.images[here].to(precision))
            targets = self.networks.examined.targets
            classes = graph.nodes[-1].value.argmax(1) if targets is None else targets[here]
            self.cases[precision] = Case(graph, network, classes, self.plan.protocol, self.plan.seed)
        return self.cases[precision]

    def unit(
        self, units: Units, about: Mapping[str, Any], subject: Subject, test: Test | None
    ) -> dict[str, Floats]:
        """Its arrays, with images on the axis after that of classes and draws. test: None, for the maps of
        the trained network alone.
        """
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
        return units.get(name, key, lambda: self.compared(subject, test))

    def _of_the_trained(self, subject: Subject) -> dict[str, Any]:
        """The trained network's maps."""

        def maps(precision: torch.dtype) -> Tensor:
            case = self.case(precision)
            return case.maps(subject.of(case.trained), case.trained)

        found, _ = precisely_enough(maps, self.networks.examined.images.dtype)
        return {"maps": found.numpy()}

    def trained(self, subject: Subject) -> Tensor:
        """The trained network's maps (B, H, W), in the precision that they need."""
        if subject.name not in self.maps:
            self.maps[subject.name] = torch.from_numpy(self._of_the_trained(subject)["maps"])
        return self.maps[subject.name]

    def reference(self, subject: Subject, precision: torch.dtype) -> Reference:
        """The same as what other maps are compared with."""
        if (subject.name, precision) not in self.references:
            case, maps = self.case(precision), self.trained(subject)
            if maps.dtype != precision:
                maps = case.maps(subject.of(case.trained), case.trained)
            how = self.plan.protocol, self.plan.seed, subject.hides
            reference = Reference.of(maps, case.digests, *how)
            self.references[subject.name, precision] = reference
        return self.references[subject.name, precision]

    def compared(self, subject: Subject, test: Test) -> dict[str, Any]:
        """The arrays of `unit`."""
        (compared, alone), precision = precisely_enough(
            lambda precision: self._carried_out(subject, test, precision), self.trained(subject).dtype
        )
        arrays = {name: value.numpy() for name, value in compared._asdict().items()}
        if not self.plan.keeps_maps:
            del arrays["maps"]
        wide = np.full(arrays["fine"].shape, precision == torch.float64)
        return {**arrays, "forward_alone": alone.numpy(), "float64": wide}

    def _carried_out(self, subject: Subject, test: Test, precision: torch.dtype) -> tuple[Comparison, Tensor]:
        """The comparison, and what the forward pass alone causes (K, B, S)."""
        case, reference = self.case(precision), self.reference(subject, precision)
        if test.order is None:
            compared = random_logit(case, subject, reference, self.plan.classes)
            return compared, torch.full_like(compared.scores, torch.nan)
        draws, alone = range(self.plan.draws), self.plan.forward_alone
        steps = [cascade(case, subject, reference, test.layers, draw, alone=alone) for draw in draws]
        return joined(step.compared for step in steps), torch.cat([step.forward_alone for step in steps])


def precisely_enough(compute: Callable[[torch.dtype], T], precision: torch.dtype) -> tuple[T, torch.dtype]:
    """What is computed in this precision, or in float64 where that overflows; and in which it was."""
    try:
        return compute(precision), precision
    except Overflow:
        if precision == torch.float64:
            raise
        return compute(torch.float64), torch.float64
