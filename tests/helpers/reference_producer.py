"""A producer of network certificates without torch: explicit matrices, for tiny networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rankone.proof.column_pairs import floating_extremes
from rankone.proof.network import Layer, NetworkCertificate, Node, Start
from rankone.proof.network_bounds import (
    Measured,
    layer_of_envelope,
    layer_of_one,
    layer_of_pairs,
    layer_of_shares,
)
from rankone.proof.network_rounding import FROM_ENVELOPE, allowance, roundings
from tests.helpers import network_matrices as matrices
from tests.helpers.tiny_networks import Network

Array = Any


def paths(nodes: Sequence[Node], start: str) -> dict[str, int]:
    """How many ways lead from the start to each node."""
    found = {node.name: int(node.name == start) for node in nodes}
    for node in reversed(nodes):
        for i in node.inputs:
            found[i] += found[node.name]
    return found


def trunk(nodes: Sequence[Node], start: str) -> list[str]:
    """The nodes below the start that all ways from it to the image pass, by counting ways."""
    image = nodes[0].name
    down = paths(nodes, start)
    return [
        node.name
        for node in reversed(nodes)
        if node.name != start
        and down[node.name]
        and down[node.name] * paths(nodes, node.name)[image] == down[image]
    ]


def log_ratio(least: Array, most: Array) -> float:
    some = most > 0
    with np.errstate(divide="ignore"):
        return float(np.log(most[some] / least[some]).max())


def measured(C: Array) -> Measured:
    """What columns C (n, V) show."""
    masses = C.sum(axis=0)
    P = C[:, masses > 0] / masses[masses > 0]
    some = masses[masses > 0]
    silent = tuple(np.flatnonzero(masses == 0).tolist())
    return Measured(len(C), log_ratio(P.min(axis=1), P.max(axis=1)), some.min(), some.max(), silent)


def layer(name: str, route: str, C: Array, k: int) -> Layer:
    """The claims at one node with the columns C (n, V)."""
    seen = measured(C)
    if C.shape[1] - len(seen.silent) == 1:
        return layer_of_one(name, seen, k)
    if route == "shares":
        return layer_of_shares(name, seen, k)
    return layer_of_pairs(name, seen, k, floating_extremes(C[:, C.any(axis=0)], allowance(k, len(C))))


def envelope(name: str, above: Layer, nodes: Sequence[Node], C: Mapping[str, Array]) -> Layer:
    """The claims at one node from the smallest and largest shares at a layer above it."""
    P = C[above.node][:, C[above.node].any(axis=0)]
    P = P / P.sum(axis=0)
    B = matrices.columns(nodes, above.node, float)[name]
    k = roundings(nodes, above.node, above.roundings + FROM_ENVELOPE)[name]
    return layer_of_envelope(name, above, log_ratio(B @ P.min(axis=1), B @ P.max(axis=1)), k)


def certified(nodes: Sequence[Node], start: str) -> NetworkCertificate:
    """Claims at every node of the trunk, pairs and shares in turn, envelopes of the first that allows one."""
    C = matrices.columns(nodes, start, float)
    K = roundings(nodes, start)
    layers: list[Layer] = []
    for place, name in enumerate(trunk(nodes, start)):
        whole = [
            one for one in layers if one.route != "envelope" and one.bounds["hilbert_diameter"] < math.inf
        ]
        if whole and place % 3 == 2:
            layers.append(envelope(name, whole[0], nodes, C))
        else:
            layers.append(layer(name, ("pairs", "shares")[place % 2], C[name], K[name]))
    about = {"model": start, "image": "made up", "method": "mixed"}
    return NetworkCertificate(tuple(nodes), Start(start), tuple(layers), about)


def certificate_of(build: Callable[[Network], str], net: Network | None = None) -> NetworkCertificate:
    """The certificate of one of `tiny_networks.NETWORKS`."""
    net = net or Network()
    start = build(net)
    return certified(net.nodes, start)
