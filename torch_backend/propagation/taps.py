"""The factor by which a node hands relevance down, location by location; never as one matrix.

Z_{(i,x),(j,u)} is what channel i at location x below gets of the relevance of channel j at location u above.
For a convolution and a rule that shares relevance out it is below_i(x) W_ji(δ) above_j(u), where the tap δ of
the kernel leads from u to x. A `Tap` holds all pairs (x, u) with the same W; channels are never paired with
locations, so that squares Z² and sums over the channels of a location cost what a pass costs.

    for tap in taps(graph, method, node, 0):     # one image; the node's first input
        r_below.index_add_(1, tap.low, tap.down(r_above[:, tap.up]))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from itertools import product

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend import rules
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.entrywise import Bending
from torch_backend.operators.linear import Dense, Diagonal, Linear
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Operator, Route
from torch_backend.operators.unweighted import Average, Concatenation, Scaled, Sum
from torch_backend.propagation.passage import prepare
from torch_backend.propagation.units import Units, sources, units
from torch_backend.rules.backward import Identity
from torch_backend.rules.sharing import BySign, Share

ROWS = 64  # locations above whose windows are asked for at a time


@dataclass(frozen=True, eq=False)
class Term:
    """below (C_in, n) W_ji above (C_out, n), W (C_out, C_in); None: the identity, C_in = C_out."""

    below: Tensor
    above: Tensor
    weight: Tensor | None = None

    def times(self, other: Term) -> Term:
        """The product of two of one tap, entry by entry."""
        below, above = self.below * other.below, self.above * other.above
        if self.weight is None or other.weight is None:
            return Term(below, above)
        return Term(below, above, self.weight * other.weight)

    @property
    def is_zero(self) -> bool:
        """Whether W is 0, as in W⁺ ⊙ W⁻."""
        return self.weight is not None and not bool(self.weight.any())

    def down(self, r: Tensor) -> Tensor:
        """Σ_j below_i W_ji above_j r_j: (C_out, n) -> (C_in, n)."""
        r = self.above * r
        return self.below * (r if self.weight is None else self.weight.T @ r)

    def up(self, u: Tensor) -> Tensor:
        """Σ_i u_i below_i W_ji above_j: (C_in, n) -> (C_out, n)."""
        u = self.below * u
        return self.above * (u if self.weight is None else self.weight @ u)

    def block(self, pair: int) -> Tensor:
        """(C_in, C_out) at one pair."""
        below, above = self.below[:, pair], self.above[:, pair]
        return torch.diag(below * above) if self.weight is None else below[:, None] * self.weight.T * above


@dataclass(frozen=True, eq=False)
class Tap:
    """Z at n pairs of a location below, low (n,), and one above, up (n,): the sum of the terms."""

    low: Tensor
    up: Tensor
    terms: tuple[Term, ...]

    def down(self, r: Tensor) -> Tensor:
        """Σ_j Z_ij r_j at each pair: (C_out, n) -> (C_in, n)."""
        return sum(term.down(r) for term in self.terms)

    def lift(self, u: Tensor) -> Tensor:
        """Σ_i u_i Z_ij: (C_in, n) -> (C_out, n)."""
        return sum(term.up(u) for term in self.terms)

    def block(self, pair: int) -> Tensor:
        """Z (C_in, C_out) at one of the pairs."""
        return sum(term.block(pair) for term in self.terms)

    def blocks(self, numbers: int) -> Iterator[Tap]:
        """For speed only: the same pairs, so few at a time that numbers of all channels stay in a cache."""
        size = max(1, numbers // max(max(len(term.below), len(term.above)) for term in self.terms))
        for k in range(0, len(self.low), size):
            some = slice(k, k + size)
            terms = (Term(t.below[:, some], t.above[:, some], t.weight) for t in self.terms)
            yield Tap(self.low[some], self.up[some], tuple(terms))

    @property
    def squares(self) -> Tap:
        """Z² entry by entry."""
        pairs = [a.times(b) for a, b in product(self.terms, repeat=2)]
        return replace(self, terms=tuple(term for term in pairs if not term.is_zero) or (pairs[0],))


@torch.no_grad()
def taps(graph: Graph, method: Method, node: Node, k: int) -> tuple[Tap, ...]:
    """How the node hands relevance down to its k-th input, for a graph of one image.

    The pairs of all taps together are different. ValueError for a rule that is neither a share of
    contributions, nor a derivative, nor the identity, and for an operator whose locations are not known.
    """
    below, above = units(graph, graph.nodes[node.inputs[k]]), units(graph, node)
    rule, backward = method.rule(node), prepare(graph, method, node).backward
    if isinstance(backward, Identity):
        return (_same_place(below, node.value),)
    if isinstance(backward, Share):
        parts = [part for each in backward.parts for part in _by_sign(each.op, each.x, each.quotient)]
    elif rule is rules.gradient:
        return _derivative(graph, node, k, below, above)
    else:
        _refuse_rule(method, node)
    linked = [
        (_links(op, below, above), below.of(_input(op, x, k)), above.of(quotient))
        for op, x, quotient in parts
    ]
    device = node.value.device
    return tuple(
        Tap(
            links[0].low.to(device),
            links[0].up.to(device),
            tuple(link.term(x, quotient) for link, (_, x, quotient) in zip(links, linked, strict=True)),
        )
        for links in zip(*(links for links, _, _ in linked), strict=True)
    )


def _by_sign(op: Linear, x: Tensor, quotient: Tensor) -> list[tuple[Linear, Tensor, Tensor]]:
    """A part, or the two of an operator for inputs of either sign."""
    if not isinstance(op, BySign):
        return [(op, x, quotient)]
    weights = op.both.weight.chunk(2, 1)
    return [
        (replace(op.both, in_shape=op.in_shape, weight=weight), some, quotient)
        for weight, some in zip(weights, (x.clamp(min=0), x.clamp(max=0)), strict=True)
    ]


def _input(op: Linear, x: Tensor, k: int) -> Tensor:
    """The k-th input of what an operator reads."""
    return x[k] if isinstance(_bare(op), Sum) else x


def _bare(op: Linear) -> Linear:
    return op.inner if isinstance(op, Scaled) else op


# ---------------------------------------------------------------- derivatives


def _derivative(graph: Graph, node: Node, k: int, below: Units, above: Units) -> tuple[Tap, ...]:
    op = node.op
    if isinstance(op, Bending):
        return (_same_place(below, node.value, above.of(op.derivative(graph.x(node)))),)
    if isinstance(op, MaxPool):
        return (_winners(op, graph.x(node), above),)
    if isinstance(op, Concatenation):
        return (_joined(op, node, k, below, above),)
    if isinstance(op, Route):
        return (_moved(op, node, below, above),)
    if not isinstance(op, Linear):
        _refuse_operator(op, node.name)
    x, quotient = (node.value.new_ones(there.channels, there.locations) for there in (below, above))
    device = node.value.device
    return tuple(
        Tap(link.low.to(device), link.up.to(device), (link.term(x, quotient),))
        for link in _links(op, below, above)
    )


def _same_place(below: Units, like: Tensor, factor: Tensor | None = None) -> Tap:
    """Relevance stays where it is, times a factor (C, L)."""
    here = torch.arange(below.locations, device=like.device)
    one = like.new_ones(below.channels, below.locations)
    return Tap(here, here, (Term(one if factor is None else factor, one),))


def _winners(op: MaxPool, x: Tensor, above: Units) -> Tap:
    """Each window's relevance goes to its maximum, in each channel to another place."""
    won = op.function(x)[1].reshape(above.channels, above.locations)
    code = won * above.locations + torch.arange(above.locations, device=won.device)
    found, pair = code.unique(return_inverse=True)
    wins = x.new_zeros(above.channels, len(found)).scatter_(1, pair, 1)
    return Tap(found // above.locations, found % above.locations, (Term(wins, torch.ones_like(wins)),))


def _joined(op: Concatenation, node: Node, k: int, below: Units, above: Units) -> Tap:
    """The k-th input's channels among those of all."""
    if op.axis != -len(node.shape) or below.locations != above.locations or below.order is not None:
        _refuse_operator(op, node.name)
    one = node.value.new_ones(above.channels, above.locations)
    first = sum(op.sizes[:k])
    among = torch.eye(above.channels).to(one)[:, first : first + below.channels]
    return replace(_same_place(below, one), terms=(Term(one[: below.channels], one, among),))


def _moved(op: Operator, node: Node, below: Units, above: Units) -> Tap:
    """A route: numbers that change their place, the same way in every channel."""
    if not isinstance(op, Linear) or len(node.inputs) != 1:
        _refuse_operator(op, node.name)
    if below == above:
        return _same_place(below, node.value)
    source = sources(op).view(above.channels, above.locations).to(node.value.device)
    channel = torch.arange(above.channels, device=source.device)[:, None]
    place = source - channel * below.locations
    up = (source[0] >= 0).nonzero().flatten()
    same = below.channels == above.channels and bool((place[:, up] == place[0, up]).all())
    if (
        below.order is not None
        or not same
        or not bool(((place[0, up] >= 0) & (place[0, up] < below.locations)).all())
    ):
        _refuse_operator(op, node.name)
    one = node.value.new_ones(above.channels, len(up))
    return Tap(place[0, up], up, (Term(one, one),))


# ---------------------------------------------------------------- operators


@dataclass(frozen=True, eq=False)
class Link:
    """Pairs of locations that meet with one matrix W (C_out, C_in), or with a factor for each channel,
    scale (C, n) or what broadcasts with it.
    """

    low: Tensor
    up: Tensor
    weight: Tensor | None = None
    scale: Tensor | None = None

    def term(self, x: Tensor, quotient: Tensor) -> Term:
        """x ⊙ Wᵀ(· ⊙ quotient), x (C_in, L below), quotient (C_out, L above)."""
        below = x[:, self.low]
        return Term(
            below if self.scale is None else below * self.scale.to(below), quotient[:, self.up], self.weight
        )


@singledispatch
def _links(op: Operator, below: Units, above: Units) -> Sequence[Link]:  # noqa: ARG001
    return _refuse_operator(op, type(op).__name__)


@_links.register
def _(op: Convolution, below: Units, above: Units) -> Sequence[Link]:
    if (below.channels, *below.space) != op.source or (above.channels, *above.space) != op.target:
        _refuse_operator(op, "a convolution over something else than space")
    return [
        Link(*_meeting(op, place), **_mixing(op.weight[(..., *place)], op.groups))
        for place in product(*(range(k) for k in op.weight.shape[2:]))
    ]


def _meeting(op: Convolution, place: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Where the kernel's entry at `place` joins a location below, x = u s − p + d δ, and one above, u."""
    low = up = torch.zeros(1, dtype=torch.long, device=op.weight.device)
    axes = zip(op.source[1:], op.target[1:], op.stride, op.padding, op.dilation, place, strict=True)
    for n, m, stride, padding, dilation, delta in axes:
        u = torch.arange(m, device=low.device)
        x = u * stride - padding + dilation * delta
        inside = (x >= 0) & (x < n)
        low = (low[:, None] * n + x[inside]).flatten()
        up = (up[:, None] * m + u[inside]).flatten()
    return low, up


def _mixing(weight: Tensor, groups: int) -> dict[str, Tensor]:
    """W (C_out, C_in / groups) of a convolution, as a matrix, or of a depthwise one as factors."""
    if groups == 1:
        return {"weight": weight}
    if weight.shape == (groups, 1):
        return {"scale": weight}
    return {"weight": torch.block_diag(*weight.chunk(groups))}


@_links.register
def _(op: Dense, below: Units, above: Units) -> Sequence[Link]:
    if above.locations > 1 or op.weight.shape[1] != below.channels * below.locations:
        _refuse_operator(op, "a dense layer over tokens")
    rows = op.weight if below.order is None else op.weight[:, below.order]
    each = rows.view(len(rows), below.channels, below.locations)
    there = torch.arange(below.locations, device=rows.device)
    return [Link(there[x : x + 1], there[:1], each[:, :, x]) for x in range(below.locations)]


@_links.register
def _(op: Diagonal, below: Units, above: Units) -> Sequence[Link]:  # noqa: ARG001
    here = torch.arange(below.locations, device=op.weight.device)
    return [Link(here, here, scale=below.of(op.weight.expand(1, *op.in_shape)))]


@_links.register
def _(op: Sum, below: Units, above: Units) -> Sequence[Link]:  # noqa: ARG001
    here = torch.arange(below.locations)
    return [Link(here, here)]


@_links.register
def _(op: Scaled, below: Units, above: Units) -> Sequence[Link]:
    return [_scaled(link, op.factor) for link in _links(op.inner, below, above)]


def _scaled(link: Link, factor: float) -> Link:
    if link.weight is not None:
        return replace(link, weight=factor * link.weight)
    return replace(link, scale=torch.tensor(factor) if link.scale is None else factor * link.scale)


@_links.register
def _(op: Average, below: Units, above: Units) -> Sequence[Link]:
    """An average takes each channel by itself, the same way."""
    if below.channels != above.channels:
        _refuse_operator(op, "an average over channels")
    low, up, size = [], [], []
    for some in torch.arange(above.locations).split(ROWS):
        one = torch.zeros(len(some), above.channels, above.locations, dtype=torch.float64)
        one[torch.arange(len(some)), 0, some] = 1
        window = op.adjoint(one.view(len(some), *op.out_shape)).reshape(len(some), below.channels, -1)
        row, place = window[:, 0].nonzero(as_tuple=True)
        low, up, size = [*low, place], [*up, some[row]], [*size, window[:, 0][row, place]]
    return [Link(torch.cat(low), torch.cat(up), scale=torch.cat(size)[None])]


def _refuse_rule(method: Method, node: Node) -> None:
    refuse(
        f"method {method.name} at {node.name}",
        expected="a rule that shares relevance out, or the derivative",
        got="another one",
        do="measure it (rankone csc): no factor is known to predict it from",
    )


def _refuse_operator(op: Operator, where: str) -> None:
    refuse(
        f"node {where}",
        expected="an operator whose locations are known",
        got=type(op).__name__,
        do="measure it (rankone csc)",
    )
