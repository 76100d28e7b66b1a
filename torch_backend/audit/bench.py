"""What an audit loads once in a process: network, images, methods; and what was read of them last."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from torch_backend.audit.options import SOME, Options, spread
from torch_backend.audit.part import Examined, Networks, Part, Plan, Test, tests_of
from torch_backend.audit.stages import stages, top_down
from torch_backend.audit.subject import Subject
from torch_backend.convergence.csc import layers_below, start_names
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.paths import trunk
from torch_backend.maps.saliency import Attribution
from torch_backend.methods import Method, as_published
from torch_backend.methods.method import as_chain
from torch_backend.randomness import digest

STARTS, STAGES = 8, 5  # of SOME; more would hide the trend, and take longer
KEPT = 2  # parts and graphs that are kept for the next task: each holds its images' activations


@dataclass(frozen=True, eq=False)
class Bench:
    """label: the network's; names (B,): of the images; classes: of the outputs, () if they have none;
    subjects: the methods, by how they were written; about: what all numbers depend on, such as the weights;
    skipped: images of a folder that could not be read, as rows of SKIPPED.
    """

    label: str
    examined: Examined
    names: tuple[str, ...]
    classes: tuple[str, ...]
    subjects: Mapping[str, Subject]
    about: Mapping[str, Any]
    plan: Plan
    networks: Networks = field(repr=False)
    skipped: tuple[Mapping[str, str], ...] = ()
    _parts: dict[tuple[int, ...], Part] = field(default_factory=dict, repr=False)
    _graphs: dict[tuple[int, torch.dtype], Graph] = field(default_factory=dict, repr=False)

    @property
    def images(self) -> Tensor:
        """(B, *input shape)."""
        return self.examined.images

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """Of the images."""
        return tuple(digest(image) for image in self.images)

    @property
    def network(self) -> Graph:
        """The network, as it was read with the first image."""
        return self.networks.read(self.images.dtype)[0]

    def part(self, places: tuple[int, ...]) -> Part:
        """The images at these places, recorded together."""
        if places not in self._parts:
            _make_room(self._parts)
            self._parts[places] = self.anew(places)
        return self._parts[places]

    def anew(self, places: tuple[int, ...]) -> Part:
        """The same, with nothing of it known yet."""
        return Part(self.networks, self.plan, places)

    def graph(self, place: int, precision: torch.dtype) -> Graph:
        """One image, recorded alone."""
        if (place, precision) not in self._graphs:
            _make_room(self._graphs)
            image = self.images[place : place + 1].to(precision)
            self._graphs[place, precision] = self.networks.read(precision)[0].record(image)
        return self._graphs[place, precision]

    def graph_on_cpu(self, place: int, precision: torch.dtype) -> Graph:
        """The same on the CPU, for what has no other device."""
        if self.images.device.type == "cpu":
            return self.graph(place, precision)
        image = self.images[place : place + 1].to("cpu", precision)
        return trace(copy.deepcopy(self.examined.network).cpu(), image)

    def chain(self, method: str, graph: Graph) -> Method:
        """The method as the protocol carries it out on the graph's network; ValueError if it is no chain."""
        return as_published(as_chain(self.subjects[method].of(graph)), self.plan.protocol)

    def is_chain(self, method: str) -> bool:
        """Whether it hands something down layer by layer: only then it has a CSC, a cone, books."""
        return not isinstance(self.subjects[method].of(self.network), Attribution)


def _make_room(kept: dict[Any, Any]) -> None:
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]


def tests(bench: Bench) -> list[Test]:
    """Another class, and the stages of destroyed weights, from the output down."""
    return tests_of(stages(bench.network), bench.plan)


def plan_of(options: Options, graph: Graph, protocol) -> Plan:
    """The plan of the sanity checks that the options ask for. ValueError for an unknown stage."""
    known = tuple(stage.name for stage in stages(graph))
    named = {"all": known, SOME: spread(known, STAGES)}.get(options.stages, options.stages)
    most = graph.nodes[-1].shape[0] - 1
    classes = most if options.classes is None else min(options.classes, most)
    plan = Plan(classes, (top_down,), tuple(named), options.draws, protocol, options.seed)
    tests_of(stages(graph), plan)
    return plan


def starts_of(bench: Bench, options: Options) -> tuple[str, ...]:
    """The layers where random relevance starts, output first. ValueError for unknown ones."""
    graph = bench.network
    if options.starts != SOME:
        return tuple(start_names(graph, options.starts))
    no_skip = {node.name for node in trunk(graph.nodes, graph.layers)}
    known = tuple(name for name in layers_below(graph)[:-1] if name in no_skip or name == graph.layers[-1])
    return spread(known, STARTS)
