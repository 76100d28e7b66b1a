"""Relevance at the input under every method, and how far two spellings of a network are apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.helpers.twins.spelling import DTYPE, Twins
from torch_backend import Graph, Method, estimate_patterns, pattern_attribution, pattern_net, relevance, trace
from torch_backend.commands.method_names import method, spellings

TOLERANCE = 1e-9
# Numbers for the methods that take some; every method that the command line offers is here by itself.
ARGUMENTS = {
    "rectgrad": ":0.6",
    "lrp_epsilon": ":0.1",
    "lrp_gamma": ":0.25",
    "alpha_beta": ":3:2",
    "lrp_cmp": ":2:1:0.001",
    "deep_taylor": "",
}
PATTERNED = {"pattern_net": pattern_net, "pattern_attribution": pattern_attribution}
METHODS = {name: method(name + ARGUMENTS.get(name, "")) for name in spellings() if name not in PATTERNED} | {
    "deep_taylor_in_bounds": method("deep_taylor:-25:25")
}
# Its quantile over few units may be the same by chance: an exemption for it is not called stale.
BY_CHANCE = ("rectgrad",)
CRASH = "a crash, not a refusal: "


def patterns_of(make: Callable, images: Tensor) -> Callable[[Graph], Method]:
    return lambda graph: make(estimate_patterns(graph, [images]))


def maps(model: nn.Module, images: Tensor, many: Tensor | None = None) -> dict[str, Tensor | str]:
    """Method -> relevance at the input for three random starts at the logits, or the words of its refusal.

    many: images to estimate patterns from; none, no patterns.
    """
    try:
        graph = trace(model, images)
    except Exception as error:
        words = f"trace: {error}" if isinstance(error, ValueError) else f"{CRASH}{error!r}"
        return dict.fromkeys((*METHODS, *(PATTERNED if many is not None else ())), words)
    generator = torch.Generator().manual_seed(7)
    start = torch.randn(3, *graph.nodes[-1].value.shape, generator=generator, dtype=DTYPE)
    chosen: dict[str, Callable[[Graph], Method]] = {name: lambda _, m=m: m for name, m in METHODS.items()}
    if many is not None:
        chosen |= {name: patterns_of(make, many) for name, make in PATTERNED.items()}
    found: dict[str, Tensor | str] = {}
    for name, choose in chosen.items():
        try:
            found[name] = relevance(graph, choose(graph), "logits", start, "input")
        except Exception as error:
            found[name] = str(error) if isinstance(error, ValueError) else f"{CRASH}{error!r}"
    return found


def maps_of(twins: Twins, spelling: str) -> dict[str, Tensor | str]:
    return maps(twins.model(spelling), twins.images(), twins.images(24))


def distance(a: Tensor, b: Tensor) -> float:
    """max |a - b| / max |a|; inf where either is not finite."""
    if a.shape != b.shape or not (a.isfinite().all() and b.isfinite().all()):
        return float("inf")
    return float((a - b).abs().max() / a.abs().max().clamp(min=1e-300))


@dataclass(frozen=True)
class Verdict:
    """What two spellings say under one method: how far apart, or the words of the refusal of the second."""

    method: str
    apart: float | None
    refusal: str = ""

    @property
    def agrees(self) -> bool:
        return self.apart is not None and self.apart <= TOLERANCE


def verdicts(plain: dict[str, Tensor | str], other: dict[str, Tensor | str]) -> list[Verdict]:
    """One for each method that the plain spelling has a map of."""
    found = []
    for name, a in plain.items():
        b = other[name]
        if isinstance(a, str):
            found.append(Verdict(name, None, f"the plain spelling: {a}"))
        elif isinstance(b, str):
            found.append(Verdict(name, None, b))
        else:
            found.append(Verdict(name, distance(a, b)))
    return found
