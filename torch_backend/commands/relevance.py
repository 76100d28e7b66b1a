"""What `rankone relevance` runs: measure the maps of single units, write the arrays, say what arrived.

Relevance starts as 1 at one unit, so that everything below is in units of it: a share only where the method
shares out and nothing grows. Linear methods scale with the
start, and start relevance f(x) instead of 1 only changes the unit in which the map is read, and its sign.
"""

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.results.arrays import RELEVANCE_MAPS
from rankone.results.text import aligned, five_decimals
from torch_backend.commands.numbers import whole
from torch_backend.graph.graph import Graph, trace
from torch_backend.methods import Method
from torch_backend.operators.holding import HeldAffine
from torch_backend.propagation.ledger import Entry, ledger
from torch_backend.propagation.relevance import relevance

UNFOLDED = "Affine maps (batch norms, constants) that fold into no layer"
HELD = "Held constant at each image's own values (statistics of norms, gates)"
GROWTH = "A negative loss is growth: αβ gives out α even where there is no negative part to take β from."


@dataclass(frozen=True, eq=False)
class Maps:
    """Relevance of one unit per image.

    graph, method, start, at: what was asked; units (B,): the flat index of the start unit of each image;
    start_relevance (1, B, *start's shape): 1 there, 0 elsewhere; relevance (B, *shape at `at`).
    """

    graph: Graph
    method: Method
    start: str
    at: str
    units: Tensor
    start_relevance: Tensor
    relevance: Tensor

    @property
    def outputs(self) -> Tensor:
        """What the start units put out, (B,)."""
        return self.graph.node(self.start).value.flatten(1).gather(1, self.units[:, None])[:, 0]

    @property
    def summed(self) -> Tensor:
        """The maps as they are drawn: the sum over channels, (B, *space); (B, n) where there is no space."""
        return self.relevance.sum(1) if self.relevance.dim() > 2 else self.relevance


def measure(
    model: nn.Module,
    images: Tensor,
    method: Method,
    start: str = "logits",
    at: str = "input",
    unit: str = "largest",
) -> Maps:
    """Relevance at `at` of one unit of `start` for each of the images (B, *input shape).

    unit: "largest", the one with the largest output (at the logits: the predicted class), or a number, the
    flat index in the start's output. Raises ValueError for an unknown layer or unit and for whatever `trace`
    and the method refuse.
    """
    graph = trace(model, images)
    units = _units(graph, start, unit)
    value = graph.node(start).value
    one_hot = torch.zeros_like(value).flatten(1).scatter(1, units[:, None], 1).reshape(value.shape)[None]
    (r,) = relevance(graph, method, start, one_hot, at)
    return Maps(graph, method, start, at, units, one_hot, r)


def _units(graph: Graph, start: str, unit: str) -> Tensor:
    outputs = graph.node(start).value.flatten(1)
    if unit == "largest":
        return outputs.argmax(1)
    number = whole(unit)
    if number is None or number >= outputs.shape[1]:
        refuse(
            "unit",
            expected=f"'largest' or a number from 0 to {outputs.shape[1] - 1}, as {start} has so many units",
            got=repr(unit),
            do="give the unit's place, counted from 0",
        )
    return torch.full((len(outputs),), number, device=outputs.device)


def summary(label: str, maps: Maps) -> str:
    """A line per image: the start unit, its output, the relevance that arrived and how much is negative."""
    header = ("image", "start unit", "its output", f"relevance at {maps.at}", "negative part")
    rows = [
        (str(k), str(int(unit)), f"{output:.4g}", f"{r.sum():.4g}", f"{r.clamp(max=0).sum():.4g}")
        for k, (unit, output, r) in enumerate(zip(maps.units, maps.outputs, maps.relevance, strict=True))
    ]
    title = f"{label}: {maps.method.name} relevance, 1 at a unit of {maps.start}, read at {maps.at}"
    return "\n".join([title, "", *aligned([header, *rows])])


def books(maps: Maps) -> str:
    """A line per node, the mean over images: relevance in, down, to its bias, to ε, lost; and their sums."""
    entries = ledger(maps.graph, maps.method, maps.start, maps.start_relevance, maps.at)
    header = ("node", "kind", "in", "down", "to bias", "to ε", "lost", "unbooked")
    rows = [(entry.node.name, entry.node.kind, *map(five_decimals, _accounts(entry))) for entry in entries]
    if not rows:
        return f"{maps.at} is where relevance starts: no node has been passed."
    totals = [sum(column) for column in zip(*map(_accounts, entries), strict=True)]
    return "\n".join(
        [
            "Ledger, the mean over images: relevance that came into each node, went down to its inputs, was",
            "drawn by its bias and by ε, was lost (0/0), and what its rule keeps no books of. Five decimals.",
            *([GROWTH] if totals[4] < 0 else []),
            *_named(UNFOLDED, [entry.node.name for entry in entries if entry.node.kind == "affine"]),
            *_named(HELD, [e.node.name for e in entries if isinstance(e.node.op, HeldAffine)]),
            "",
            *aligned([header, *rows, ("all nodes", "", "", "", *map(five_decimals, totals[2:]))], left=2),
        ]
    )


def _named(what: str, names: list[str]) -> list[str]:
    """Lines that name the nodes of which something is to be said."""
    return wrap(f"{what}: {', '.join(names)}.", 100) if names else []


def _accounts(entry: Entry) -> list[float]:
    accounts = (entry.into, entry.down, entry.bias, entry.epsilon, entry.lost, entry.rest)
    return [float(account.mean()) for account in accounts]


def write(folder: Path, label: str, maps: Maps) -> Path:
    """Write folder/relevance.npz, the arrays of `RELEVANCE_MAPS`; returns its path."""
    return RELEVANCE_MAPS.write(
        folder / "relevance.npz",
        images=_array(maps.graph.nodes[0].value),
        relevance=_array(maps.relevance),
        map=_array(maps.summed),
        units=_array(maps.units),
        outputs=_array(maps.outputs),
        model=label,
        method=maps.method.name,
        start=maps.start,
        at=maps.at,
    )


def _array(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.detach().cpu().numpy())
