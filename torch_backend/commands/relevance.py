"""What `rankone relevance` runs: measure the maps of single units, write the arrays, say what arrived.

Relevance starts as 1 at one unit, so that everything below is in units of it: a share only where the method
shares out and nothing grows. Linear methods scale with the
start, and start relevance f(x) instead of 1 only changes the unit in which the map is read, and its sign.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.results.arrays import RELEVANCE_MAPS
from rankone.results.text import aligned, five_decimals
from torch_backend.commands.numbers import whole
from torch_backend.commands.region import Region
from torch_backend.graph.graph import Graph, trace
from torch_backend.methods import Method
from torch_backend.operators.holding import HeldAffine
from torch_backend.propagation.classes import class_start, class_sums
from torch_backend.propagation.ledger import Entry, ledger
from torch_backend.propagation.relevance import relevance

ROUNDING = 1e-5  # of the 1 that relevance starts with: what float32 makes of an account that is empty
SHARE = 1e-3  # of what is given that may stay unexplained: LRP_z in float32 blows rounding up
MOST = 20  # units of one image: more maps are no picture
UNFOLDED = "Affine maps (batch norms, constants) that fold into no layer"
HELD = "Held constant at each image's own values (statistics of norms, gates)"
GROWTH = "A negative loss is growth: αβ gives out α even where there is no negative part to take β from."


@dataclass(frozen=True, eq=False)
class Maps:
    """Relevance of one unit per image.

    graph, method, start, at: what was asked; units (B,): the flat index of the start unit of each image, or
    its class where relevance starts at a class over space; classes: the names of the units, () if they have
    none; start_relevance (1, B, *start's shape): 1 there, 0 elsewhere; relevance (B, *shape at `at`).
    """

    graph: Graph
    method: Method
    start: str
    at: str
    units: Tensor
    classes: Sequence[str]
    start_relevance: Tensor
    relevance: Tensor

    @property
    def images(self) -> Tensor:
        """What the network is given, (B, *shape): of several inputs the one that is read, or the first."""
        inputs = self.graph.inputs
        return self.graph.node(self.at if self.at in inputs else inputs[0]).value

    @property
    def outputs(self) -> Tensor:
        """What the start units put out, (B,): of a class over space, the sum."""
        return (self.graph.node(self.start).value * self.start_relevance[0]).flatten(1).sum(1)

    @property
    def began(self) -> str:
        """Where relevance is 1 at first."""
        places = int(self.start_relevance[0, 0].count_nonzero())
        return "a unit" if places == 1 else f"{places} places of a channel"

    @property
    def names(self) -> list[str]:
        """What the start units are called: the class, where it is an output that has a name, or "unit 7"."""
        return [self.classes[unit] if self.classes else f"unit {unit}" for unit in self.units.tolist()]

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The books of every node on the way."""
        return ledger(self.graph, self.method, self.start, self.start_relevance, self.at)

    @property
    def gone(self) -> dict[str, Tensor]:
        """What did not arrive, by where it went, from all nodes together: (B,) for each account."""
        accounts, nothing = ("bias", "epsilon", "lost"), torch.zeros_like(self.given)[None]
        return {name: sum((getattr(entry, name) for entry in self.entries), nothing)[0] for name in accounts}

    @property
    def given(self) -> Tensor:
        """What relevance starts with, (B,)."""
        return self.start_relevance[0].flatten(1).sum(1)

    @property
    def arrived(self) -> Tensor:
        """What the maps add up to, (B,)."""
        return self.relevance.flatten(1).sum(1)

    @property
    def is_explained(self) -> bool:
        """Whether the maps are what was given without what is gone: not so where a method shares nothing
        out, keeps no books, or reads something else at its end (gradient ⊙ input).
        """
        missing = self.given - self.arrived - sum(self.gone.values())
        return bool((missing.abs() <= SHARE * self.given.abs()).all())

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
    region: Region | None = None,
    classes: Sequence[str] = (),
) -> Maps:
    """Relevance at `at` of one unit of `start` for each of the images (B, *input shape).

    unit: "largest", the one with the largest output (at the logits: the predicted class), a number, the flat
    index in the start's output, or at the logits one of the `classes`, the outputs' names; "all" is each of
    them in turn, as if one image were given so many times. At logits over space (B, C, *space), and wherever
    a region is given, a unit is a channel summed over the region, or over all places. Raises ValueError for
    an unknown layer or unit, for all units of several images, a region that does not fit, and for whatever
    `trace` and the method refuse.
    """
    graph = trace(model, images)
    if unit == "all":
        outputs, _ = _candidates(graph, start, region)
        graph = trace(model, images.expand(_count(outputs), *images.shape[1:]))
    outputs, one_hot = _candidates(graph, start, region)
    named = graph.node(start) is graph.nodes[-1] and outputs.shape[1] == len(classes)
    units = _units(outputs, start, unit, classes if named else ())
    (r,) = relevance(graph, method, start, one_hot(units), at)
    return Maps(graph, method, start, at, units, classes if named else (), one_hot(units), r)


def _candidates(graph: Graph, start: str, region: Region | None) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What can be asked for at `start`: its outputs (B, n), and units (B,) -> start relevance."""
    node = graph.node(start)
    value = node.value
    if region is not None or (node is graph.nodes[-1] and value.dim() > 2):
        inside = region and region(node.shape[1:])
        return class_sums(value, inside), lambda units: class_start(value, units, inside)
    flat = value.flatten(1)
    ones = torch.ones_like(flat)
    return flat, lambda units: torch.zeros_like(flat).scatter(1, units[:, None], ones).view(1, *value.shape)


def _units(outputs: Tensor, start: str, unit: str, classes: Sequence[str]) -> Tensor:
    if unit == "largest":
        return outputs.argmax(1)
    if unit == "all":
        return torch.arange(len(outputs), device=outputs.device)
    number = classes.index(unit) if unit in classes else whole(unit)
    if number is None or number >= outputs.shape[1]:
        last = outputs.shape[1] - 1
        refuse(
            "unit",
            expected=f"'largest', 'all' or a number from 0 to {last}, as {start} has so many units",
            got=repr(unit),
            do=f"give its place, counted from 0{', or the name of a class' if classes else ''}",
        )
    return torch.full((len(outputs),), number, device=outputs.device)


def _count(outputs: Tensor) -> int:
    """The number of units (B, n); ValueError for several images, or more units than are drawn."""
    images, units = outputs.shape
    if images > 1 or units > MOST:
        expected = f"one image and at most {MOST} units, if all are asked for"
        refuse("unit", expected=expected, got=f"{images} and {units}", do="name a unit")
    return units


def summary(label: str, maps: Maps) -> str:
    """A line per image: the start unit, its output, the relevance that arrived, how much is negative, and
    where the rest went, if the books explain it.
    """
    titles = {"bias": "to biases", "epsilon": "to ε", "lost": "lost (0/0)"}
    gone = {titles[name]: x for name, x in maps.gone.items() if float(x.abs().max()) > ROUNDING}
    gone = gone if maps.is_explained else {}
    header = ("image", "start unit", "its output", f"relevance at {maps.at}", "negative part", *gone)
    rows = [
        (
            str(k),
            name if name.startswith("unit") else f"{int(unit)} {name}",
            *(f"{x:.4g}" for x in (output, r.sum(), r.clamp(max=0).sum())),
            *(f"{amounts[k]:.4g}" for amounts in gone.values()),
        )
        for k, (unit, name, output, r) in enumerate(
            zip(maps.units, maps.names, maps.outputs, maps.relevance, strict=True)
        )
    ]
    title = f"{label}: {maps.method.name} relevance, 1 at {maps.began} of {maps.start}, read at {maps.at}"
    return "\n".join([title, "", *aligned([header, *rows])])


def books(maps: Maps) -> str:
    """A line per node, the mean over images: relevance in, down, to its bias, to ε, lost; and their sums."""
    header = ("node", "kind", "in", "down", "to bias", "to ε", "lost", "unbooked")
    entries = maps.entries
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


def write(folder: Path, label: str, maps: Maps, pictures: Tensor | None = None) -> Path:
    """Write folder/relevance.npz, the arrays of `RELEVANCE_MAPS`; returns its path.

    pictures: the images (of several inputs the first) as they are drawn, (B, 3, H, W) in [0, 1], if that is
    known.
    """
    images = maps.images
    if maps.at in maps.graph.inputs[1:]:
        pictures = None  # of the first input
    return RELEVANCE_MAPS.write(
        folder / "relevance.npz",
        images=_array(images),
        pictures=_array(images if pictures is None else pictures.expand(len(images), *pictures.shape[1:])),
        relevance=_array(maps.relevance),
        map=_array(maps.summed),
        units=_array(maps.units),
        names=np.array(maps.names),
        given=_array(maps.given),
        arrived=_array(maps.arrived),
        explained=maps.is_explained,
        **{name: _array(amounts) for name, amounts in maps.gone.items()},
        outputs=_array(maps.outputs),
        model=label,
        method=maps.method.name,
        start=maps.start,
        at=maps.at,
    )


def _array(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.detach().cpu().numpy())
