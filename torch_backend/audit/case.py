"""What a subject is examined on: a network, some images, and the classes that are explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from rankone.errors import Overflow, Refusal, refuse
from rankone.results.protocol import Protocol, corrected
from torch_backend.audit.randomized import drawn
from torch_backend.audit.subject import Examined, Subject
from torch_backend.graph.graph import Graph
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.maps.saliency import maps_of, reduction
from torch_backend.methods import Method, as_published
from torch_backend.operators.layout import is_finite
from torch_backend.operators.operator import Operator
from torch_backend.randomness import digest


class Redrawn(NamedTuple):
    """A network with other weights: its graph for the images, and the operators that differ, by index."""

    graph: Graph
    operators: Mapping[int, Operator]


@dataclass(frozen=True, eq=False)
class Case:
    """trained: recorded for B images; network: the same, to be carried out with other weights, or why it
    cannot be; targets (B,): the classes, which stay whatever happens to the network.
    """

    trained: Graph = field(repr=False)
    network: Rebuilt | Refusal = field(repr=False)
    targets: Tensor
    protocol: Protocol = corrected
    seed: int = 0
    _latest: dict[object, Redrawn] = field(default_factory=dict, init=False, repr=False)

    @property
    def images(self) -> Tensor:
        """(B, *input shape)."""
        return self.trained.nodes[0].value

    @property
    def digests(self) -> list[str]:
        """Of the images, in their order."""
        return [digest(image) for image in self.images]

    def alone(self, place: int) -> Case:
        """The image at that place by itself."""
        here = slice(place, place + 1)
        return replace(self, trained=self.trained.record(self.images[here]), targets=self.targets[here])

    def maps(self, method: Examined, graph: Graph, classes: Tensor | None = None) -> Tensor:
        """Maps (B, *space) of a graph recorded for the images, for the targets or other `classes` (B,);
        chain and channels as the protocol has them, on the CPU. An `Overflow` if they leave the range of
        float32.
        """
        method = as_published(method, self.protocol) if isinstance(method, Method) else method
        found = maps_of(graph, method, self.targets if classes is None else classes)
        maps = reduction(method, self.protocol)(found)
        if maps.dtype == torch.float32 and not is_finite(maps):
            do = "compute it in float64"
            refuse("maps", expected="finite numbers", got="NaN or infinity", do=do, kind=Overflow)
        return maps.cpu()

    def key(self, subject: Subject, *more: object) -> tuple[object, ...]:
        """What random numbers are drawn from: the same for all subjects, under the paper's protocol not."""
        own = (subject.name,) if self.protocol.draws_for_each_method else ()
        return (self.seed, *more, *own)

    def redrawn(self, layers: tuple[int, ...], key: tuple[object, ...]) -> Redrawn:
        """The network with weights drawn from `key` in these nodes; the latest is kept for the next. Raises
        the reason where there is none.
        """
        if isinstance(self.network, Refusal):
            raise self.network
        if (layers, key) not in self._latest:
            self._latest.clear()
            operators = drawn(self.network, layers, key, self.protocol)
            self._latest[layers, key] = Redrawn(self.network.graph(operators, self.images), operators)
        return self._latest[layers, key]
