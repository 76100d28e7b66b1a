"""Certificates of real networks: the chain of one image, exported, and what holds for all its columns.

    proof = begin(model, images[:1], methods.z_plus)
    layers = list(proof.layers(Room(memory=1 << 32, work=1e12)))
    proof.certificate(layers, {"model": "mine"}).write("mine.cert.json")

What is claimed are the numbers found in float64, widened by all rounding errors (rankone.proof); it holds in
exact arithmetic for the recorded weights and activations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.proof import network as records
from rankone.proof.column_pairs import Extremes, finite
from rankone.proof.network_bounds import (
    Measured,
    layer_of_envelope,
    layer_of_one,
    layer_of_pairs,
    layer_of_shares,
)
from rankone.proof.network_rounding import FROM_ENVELOPE, allowance, roundings
from torch_backend.graph.graph import Graph, begun, trace
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method, as_chain
from torch_backend.proof.all_columns import Found, Room, found_below
from torch_backend.proof.export import exported
from torch_backend.proof.in_float64 import in_float64
from torch_backend.proof.stretch import Stretch, stretches
from torch_backend.propagation.holding import held

QUANTITIES = ("share", "total_variation", "one_minus_cos", "hilbert_diameter")  # of a layer's bounds
LARGEST_START = 1 << 14  # columns; more take hours
ROUNDED_STARTS = {"units": 0, "channels": 1}  # roundings of what a column starts with


@dataclass(frozen=True, eq=False)
class Certified:
    """One layer: what is claimed there, and the same numbers as float64 found them, without error bounds.

    computed: by the names of the claims; units: of the layer; columns: compared.
    """

    layer: records.Layer
    computed: Mapping[str, float]
    units: int
    columns: int


@dataclass(frozen=True, eq=False)
class NetworkProof:
    """A network, an image and a method, ready to be certified. way: from the start to the image; nodes: the
    records.
    """

    graph: Graph
    method: Method
    start: Node
    way: tuple[Stretch, ...]
    nodes: tuple[records.Node, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The layers at which something can be claimed, from the top."""
        return tuple(stretch.bottom.name for stretch in self.way)

    def layers(self, room: Room, until: str | None = None) -> Iterator[Certified]:
        """What is certified at each of `places`, from the top; it may be given up at any of them.

        until: one of `places`, down to which all columns are computed; None: as far as the budget goes.
        ValueError: for another; where there is more than the budget or the memory allows; for negative
        relevance; where no column reaches the first layer, or the start is the image.
        """
        if not self.places:
            refuse(
                "start",
                expected="a layer above the image",
                got=f"{self.start.name}, below which there is none",
                do="name a higher one: --start",
            )
        if until is not None and until not in self.places:
            refuse(
                "layer",
                expected=f"one that all relevance passes ({', '.join(self.places)})",
                got=f"{until!r}, which a skip goes around, or no layer below {self.start.name}",
                do="name one of these",
            )
        start = self.record_of_start()
        counts = roundings(self.nodes, start.node, ROUNDED_STARTS[start.columns])
        claims: dict[str, records.Layer] = {}
        for found in found_below(self.way, self.columns(), room, until):
            above = claims.get(found.above or "")
            layer = certified(found, counts[found.layer] + (FROM_ENVELOPE if above else 0), above)
            claims[found.layer] = layer.layer
            yield layer
        if not claims:
            refuse(
                f"{self.method.name} from {self.start.name}",
                expected=f"some relevance at {self.places[0]}",
                got="none, whatever the start: all denominators are 0",
                do="start at a lower layer: --start",
            )

    def record_of_start(self) -> records.Start:
        """A column for each unit; of an output over space for each channel, spread evenly."""
        over_space = len(self.start.shape) > 1 and self.start.index == len(self.graph.nodes) - 1
        return records.Start(self.start.name, "channels" if over_space else "units")

    def columns(self) -> Tensor:
        """What each column starts with, (V, *start)."""
        shape = self.start.shape
        count = shape[0] if self.record_of_start().columns == "channels" else prod(shape)
        if not 1 < count <= LARGEST_START:
            refuse(
                f"start {self.start.name}",
                expected=f"2 to {LARGEST_START} units to compare",
                got=count,
                do="start at a narrower layer: --start",
            )
        ones = torch.eye(count).to(self.start.value)
        places = prod(shape) // count
        return ones.repeat_interleave(places, 1).reshape(count, *shape) / places

    def certificate(
        self, layers: Sequence[Certified], about: Mapping[str, str]
    ) -> records.NetworkCertificate:
        """The certificate of these layers; about: what it shall say of itself, unchecked."""
        claims = tuple(layer.layer for layer in layers)
        return records.NetworkCertificate(self.nodes, self.record_of_start(), claims, about)


def certified(found: Found, K: int, above: records.Layer | None) -> Certified:
    """What is claimed of a layer with K roundings in any entry of a map. above: where an envelope began."""
    shares, extremes = found.shares, found.extremes
    n = len(shares.low)
    measured = Measured(n, shares.log_ratio, shares.least, shares.most, shares.silent)

    def claimed(k: int, extremes: Extremes | None) -> records.Layer:
        match found.route:
            case "envelope":
                return layer_of_envelope(found.layer, cast(records.Layer, above), shares.log_ratio, k)
            case "shares" if shares.speaking == 1:
                return layer_of_one(found.layer, measured, k)
            case "shares":
                return layer_of_shares(found.layer, measured, k)
        return layer_of_pairs(found.layer, measured, k, cast(Extremes, extremes))

    layer = claimed(K, None if extremes is None else widened(extremes, float(allowance(K, n))))
    return Certified(layer, claimed(0, extremes).bounds, n, shares.speaking)


def best(layers: Sequence[Certified]) -> list[dict[str, float]]:
    """For each layer the smallest bound that is claimed of it."""
    known: dict[str, float] = {}
    found = []
    for certified in layers:
        bounds = certified.layer.bounds
        here = {name: min(bounds[name], known.get(name, math.inf)) for name in QUANTITIES}
        below = {name: bounds[f"{name}_below"] for name in QUANTITIES[:-1]}
        below["hilbert_diameter"] = bounds["hilbert_diameter"]
        known = {name: min(below[name], known.get(name, math.inf)) for name in QUANTITIES}
        found.append(here)
    return found


def widened(extremes: Extremes, delta: float) -> Extremes:
    """Of columns that err by δ relatively: an angle by 2 arcsin δ, total variation by 2 δ / (1 − δ), four
    entries of a cross-ratio by −ln(1 − δ) each (rankone.proof.column_pairs).
    """
    return Extremes(
        min(extremes.angle + 2 * math.asin(min(delta, 1.0)), math.pi / 2),
        min(extremes.total_variation + 2 * delta / (1 - delta), 1.0),
        finite(extremes.diameter - 4 * math.log1p(-delta)),
    )


def begin(model: nn.Module, image: Tensor, method: Method, start: str = "logits") -> NetworkProof:
    """The network with its activations for one image (1, *input shape), in float64.

    start: the layer where relevance is put, non-negative and otherwise any.
    ValueError: several images, a method or a node of which no certificate is known, by name, and whatever
    `trace` refuses.
    """
    network, image = begun(model, image)
    if len(image) != 1:
        refuse("images", expected="one image for a certificate", got=len(image), do="give images[:1]")
    method = as_chain(method)
    graph = in_float64(trace(network, image))
    method = method.bind(graph)
    graph = held(graph, method)
    at = graph.node(start)
    return NetworkProof(graph, method, at, stretches(graph, method, at), exported(graph, method, at))
