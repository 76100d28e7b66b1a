"""What `csc` would read, predicted from one pass of each image's factors: no relevance is sampled.

    law = predict(model, images, methods.z_plus)
    law.at("fc3", "conv1_1").median        # log10(1 − |cos|), beside csc(...).at("fc3", "conv1_1").median

A start on the trunk, which all relevance from the output passes, has the output's reference; one inside a
residual block, which skips go around, has a reference of its own, for which a pass is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rankone.errors import Overflow, refuse
from torch_backend.convergence.csc import layers_below, start_names
from torch_backend.convergence.principal import principal
from torch_backend.convergence.reversed_chain import ReversedChain, reversed_chain
from torch_backend.convergence.saturation import median_log10
from torch_backend.convergence.two_modes import local, two_modes
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.paths import trunk
from torch_backend.methods.method import Method, as_chain
from torch_backend.operators.layout import is_finite


@dataclass(frozen=True)
class Foretold:
    """log10 of the median of 1 − |cos| of relevance from `start` at `layer`; −inf: parallel."""

    start: str
    layer: str
    median: float


@dataclass(frozen=True)
class Law:
    """What is predicted of one method: each start's readings, from the start downwards."""

    method: str
    starts: tuple[str, ...]
    layers: tuple[str, ...]
    readings: tuple[Foretold, ...]

    def of(self, start: str) -> tuple[Foretold, ...]:
        """One start's, from the start towards the input."""
        return tuple(reading for reading in self.readings if reading.start == start)

    def at(self, start: str, layer: str) -> Foretold:
        """That of one start at one layer; KeyError if its relevance does not reach it."""
        for reading in self.of(start):
            if reading.layer == layer:
                return reading
        raise KeyError((start, layer))


Change = Callable[[ReversedChain], ReversedChain]
Progressing = Callable[[Iterable[Tensor]], Iterable[Tensor]]


def closure(chain: ReversedChain) -> ReversedChain:
    """The chain as it is, for the two-mode closure; beside `without_slow_mode`, for the parents' law."""
    return chain


def predict(
    model: nn.Module,
    images: Tensor,
    method: Method,
    starts: str | Sequence[str] = "all",
    seed: int = 0,
    *,
    progress: Progressing = iter,
) -> Law:
    """The two-mode closure for `method` on `images` (B, *input shape); starts, progress as `csc`.

    ValueError as `csc`, and for rules that are neither shares of contributions nor derivatives; an `Overflow`
    where the reference is not finite.
    """
    (law,) = predict_each(model, images, method, (closure,), starts, seed, progress=progress)
    return law


def predict_each(
    model: nn.Module,
    images: Tensor,
    method: Method,
    changes: Sequence[Change],
    starts: str | Sequence[str] = "all",
    seed: int = 0,
    *,
    progress: Progressing = iter,
) -> tuple[Law, ...]:
    """Laws that differ in what they take of the factors, from the same pass; the rest as `predict`."""
    method = as_chain(method)
    graph = trace(model, images[:1])
    names = start_names(graph, starts)
    layers = layers_below(graph)
    found: list[dict[tuple[str, str], list[float]]] = [{} for _ in changes]
    for image in progress(images.split(1)):
        of_image = foretold(graph.record(image), method, changes, names, seed)
        for medians, readings in zip(of_image, found, strict=True):
            for place, median in medians.items():
                readings.setdefault(place, []).append(median)
    return tuple(
        Law(
            method.name,
            tuple(names),
            layers,
            tuple(Foretold(*place, float(np.median(values))) for place, values in readings.items()),
        )
        for readings in found
    )


def foretold(
    recorded: Graph, method: Method, changes: Sequence[Change], starts: Sequence[str], seed: int
) -> tuple[dict[tuple[str, str], float], ...]:
    """For the one recorded image (start, layer) -> log10 of the median of 1 − |cos|, of each change's law."""
    found: tuple[dict[tuple[str, str], float], ...] = tuple({} for _ in changes)
    for name, chain in _chains(recorded, method, starts):
        for change, medians in zip(changes, found, strict=True):
            modes = two_modes(change(chain), recorded.node(name).index, seed)
            for layer in layers_below(recorded):
                if (index := recorded.node(layer).index) in modes:
                    medians[name, layer] = median_log10(local(chain.above[index], modes[index]), seed)
    return found


def _chains(graph: Graph, method: Method, names: Sequence[str]) -> Iterator[tuple[str, ReversedChain]]:
    """Each start with the chain that serves it."""
    top = graph.nodes[-1].name
    on_trunk = {node.name for node in trunk(graph.nodes, graph.layers)} | {top}
    shared = _chain(graph, method, top) if on_trunk & set(names) else None
    for name in names:
        yield name, shared if name in on_trunk else _chain(graph, method, name)


def _chain(graph: Graph, method: Method, start: str) -> ReversedChain:
    """The chain for its principal reference at `start`."""
    value = graph.node(start).value
    chain = reversed_chain(graph, method, start, principal(graph, method, start), graph.end)
    if not is_finite(chain.above[chain.end].p) or not is_finite(chain.above[chain.end].rho):
        do = "use float64 images" if value.dtype == torch.float32 else "start at a lower layer"
        what = f"{method.name} reference from {start}"
        refuse(what, expected="finite numbers", got="NaN or infinity", do=do, kind=Overflow)
    return chain
