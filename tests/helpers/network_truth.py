"""What is true of the maps of a tiny network, claim by claim: exact fractions, then 120 digits."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

from rankone.proof.network import NetworkCertificate
from tests.helpers import network_matrices as matrices
from tests.helpers.exact_oracle import hilbert, mp, number, one_minus_cos, total_variation

Array = Any


def share(x: Array, y: Array) -> Any:
    """The largest quotient of two shares of a unit, less 1, either way."""
    p, q = x / x.sum(), y / y.sum()
    if any((a > 0) != (b > 0) for a, b in zip(p, q, strict=True)):
        return mp.inf
    return number(max(max(a / b, b / a) for a, b in zip(p, q, strict=True) if b) - 1)


def largest(f: Any, C: Array) -> Any:
    """Over all pairs of the columns of C that are not zero."""
    speaking = [C[:, j] for j in range(C.shape[1]) if C[:, j].any()]
    return max((f(x, y) for x, y in combinations(speaking, 2)), default=mp.mpf(0))


def truth(C: Array) -> dict[str, Any]:
    """Every claim about columns C (n, V) of fractions at one layer, but those about layers below."""
    masses = [number(mass) for mass in C.sum(axis=0) if mass]
    cos = largest(one_minus_cos, C)
    return {
        "least_mass": min(masses),
        "most_mass": max(masses),
        "share": largest(share, C),
        "one_minus_cos": cos,
        "angle": 2 * mp.asin(mp.sqrt(cos / 2)),
        "total_variation": largest(total_variation, C),
        "hilbert_diameter": largest(hilbert, C),
    }


BELOW = {
    "share_below": "share",
    "one_minus_cos_below": "one_minus_cos",
    "total_variation_below": "total_variation",
}


def untrue(certificate: NetworkCertificate, trunk: list[str]) -> list[str]:
    """The claims that do not hold, NODE.CLAIM or NODE.CLAIM at LAYER; trunk: the layers that all relevance
    passes, from the output down.
    """
    C = matrices.columns(certificate.nodes, certificate.start.node, Fraction)
    found = {name: truth(C[name]) for name in trunk}
    wrong = []
    for layer in certificate.layers:
        wrong += [
            f"{layer.node}.{claim}"
            for claim, bound in layer.bounds.items()
            if fails(claim, bound, found[layer.node])
        ]
        for below in trunk[trunk.index(layer.node) :]:
            wrong += [
                f"{layer.node}.{claim} at {below}"
                for claim, there in BELOW.items()
                if layer.bounds[claim] < found[below][there]
            ]
    return wrong


def fails(claim: str, bound: float, found: Mapping[str, Any]) -> bool:
    """Whether a claim about the layer itself does not hold."""
    if claim in BELOW:
        return False
    return bound > found[claim] if claim == "least_mass" else bound < found[claim]
