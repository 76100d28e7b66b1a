"""The reversed chain: how the units of a location choose their parents, one backward pass for all starts.

Let p be a reference relevance, p' = Z p below. The ratio f = r / p of any other relevance obeys f' = W f,
w_ij = Z_ij p_j / p'_i: for p > 0 and Z >= 0 the rows are the probabilities with which unit i chooses its
parent j (Doob's transform). At each location let Q_i = p_i / |p|², so that Q r is the mean of f with weights
q_i = p_i² / |p|². All that the laws of convergence ask of W are sums over the channels of a location,

    κ   = Q B                     B_i = Σ_j Z_ij p_j: what the units below get from one location above
    M   = (B − p' κ)ᵀ (B − p' κ)  how differently they do so
    n_j = (Q Z)_j                 the mean row
    n⊥  = n − κ Q                 what it sees off p
    N   = Σ_j n⊥_j² ρ_j           the variance of that, for relevance whose entries have variance ρ_j
    S   = Σ_ij Y_ij² ρ_j          Y = (Z − p' n) (1 − p Q): the dispersion of the rows, off p

one of each for every pair of a location below and one above that meet, without any matrix of locations. They
hold for rules of either sign, too, where W is no chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.paths import path
from torch_backend.methods.method import Method
from torch_backend.propagation.holding import held
from torch_backend.propagation.passage import hand_down, prepare
from torch_backend.propagation.relevance import relevance as sweep_down
from torch_backend.propagation.taps import Tap, taps
from torch_backend.propagation.units import units

BLOCK = 1 << 17  # numbers at a time: what stays in a core's cache
RHO, ONES, SQUARES = range(3)  # the variances of `Above`


@dataclass(frozen=True, eq=False)
class Above:
    """What is known of a node: p (C, L), and ρ (C, L), the variance of white relevance at the top that is
    passed down as if units were independent.
    """

    p: Tensor
    rho: Tensor

    def variance(self, which: int) -> Tensor:
        """(C, L): what the variance of entries may be there, up to a factor for each location."""
        return (self.rho, torch.ones_like(self.rho), self.p.square())[which]

    @property
    def squared(self) -> Tensor:
        """|p|² at each location (L,)."""
        return self.p.square().sum(0)

    @property
    def weights(self) -> Tensor:
        """Q (C, L), 0 where p is."""
        return self.p / self.squared.where(self.squared > 0, torch.inf)


@dataclass(frozen=True, eq=False)
class Meeting:
    """All pairs (x, u) by which one node hands relevance to another.

    reader: index of the one above. low, up (n,): the places x and u. slot (n,): numbers the pairs of a place
    x, those of other readers included. kappa (n,). For the three variances of `Above`: shared (3, L above),
    N of h = Σ w κ n⊥ / Σ w κ², w = |p'|², what all places below see of the rest alike, times κ; own (3, n),
    N of n⊥ − κ h; scatter (3, n), S. taps: Z itself, kept where the node above has one place.
    """

    reader: int
    low: Tensor
    up: Tensor
    slot: Tensor
    kappa: Tensor
    shared: Tensor
    own: Tensor
    scatter: Tensor
    taps: tuple[Tap, ...]


@dataclass(frozen=True, eq=False)
class Mixing:
    """How a node mixes what comes from its readers. contrast: M (slots, slots, L); None where each place has
    one parent place. same_as: the index of a reader that hands everything down unchanged, or None.
    """

    index: int
    meetings: tuple[Meeting, ...]
    contrast: Tensor | None
    same_as: int | None


@dataclass(frozen=True, eq=False)
class ReversedChain:
    """The chain of one image, from `start` down to `end`, in the order of passing. above: node -> `Above`."""

    start: int
    end: int
    above: dict[int, Above]
    mixings: tuple[Mixing, ...]


@torch.no_grad()
def reversed_chain(graph: Graph, method: Method, start: str, p: Tensor, end: str = "input") -> ReversedChain:
    """The chain for the reference p (1, 1, *shape of start), which is passed down once.

    The graph has one image. ValueError as `torch_backend.relevance` and `taps`; for more than one image; for
    a method that carries more than one vector.
    """
    if len(graph.nodes[0].value) != 1:
        got = len(graph.nodes[0].value)
        refuse("graph", expected="one image", got=got, do="trace the model with images[:1]")
    sweep_down(graph, method, start, p, end)  # refuses what it must
    method = method.bind(graph)
    if method.carries != 1:
        do = "measure it (rankone csc)"
        refuse(f"method {method.name}", expected="one vector for each start", got=method.carries, do=do)
    graph = held(graph, method)
    origin, last = graph.node(start), graph.node(end)
    above = {origin.index: _begin(graph, method, origin.index, p)}
    reference = _references(graph, method, start, p, end)
    mixings = []
    for index in sorted(set(reference) - {origin.index}, reverse=True):
        here = units(graph, graph.nodes[index]).of(reference[index])
        mixing, above[index] = _mixing(graph, method, index, here, above)
        mixings.append(mixing)
    return ReversedChain(origin.index, last.index, above, tuple(mixings))


def _begin(graph: Graph, method: Method, index: int, p: Tensor) -> Above:
    there = units(graph, graph.nodes[index]).of(method.start(p))
    return Above(there, torch.ones_like(there))


def _references(graph: Graph, method: Method, start: str, p: Tensor, end: str) -> dict[int, Tensor]:
    """p at every node on the way."""
    origin, last = graph.node(start), graph.node(end)
    nodes = path(graph.nodes, origin, last)
    useful = {node.index for node in nodes} | {last.index}
    arrived, found = {origin.index: method.start(p.to(origin.value))}, {}
    for node in reversed(nodes):
        found[node.index] = arrived[node.index]
        hand_down(node, prepare(graph, method, node), arrived, useful)
    return found | arrived


def _mixing(
    graph: Graph, method: Method, index: int, p: Tensor, above: dict[int, Above]
) -> tuple[Mixing, Above]:
    edges = [
        (node.index, taps(graph, method, node, k))
        for node in graph.nodes[index + 1 :]
        if node.index in above
        for k, i in enumerate(node.inputs)
        if i == index
    ]
    if len(edges) == 1 and _is_identity(edges[0][1], above[edges[0][0]].p, p):
        return Mixing(index, (), None, edges[0][0]), above[edges[0][0]]
    edges = [(reader, tuple(part for tap in found for part in tap.blocks(BLOCK))) for reader, found in edges]
    low = [tap.low for _, found in edges for tap in found]
    slots = _slots(torch.cat(low))
    count = int(slots.max()) + 1
    each = p.new_zeros(len(p), count * p.shape[1])
    numbered = iter(slots.split([len(here) for here in low]))
    meetings, rho = [], torch.zeros_like(p)
    for reader, found in edges:
        meetings.append(_meeting(reader, found, [next(numbered) for _ in found], p, above[reader], each))
        for tap in found:
            rho.index_add_(1, tap.low, tap.squares.down(above[reader].rho[:, tap.up]))
    each = each.view(len(p), count, -1)
    contrast = torch.einsum("csl,ctl->stl", each, each) if count > 1 else None
    largest = rho.max().clamp(min=torch.finfo(rho.dtype).tiny)
    return Mixing(index, tuple(meetings), contrast, None), Above(p, rho / largest)


def _meeting(
    reader: int, found: tuple[Tap, ...], slots: Sequence[Tensor], p: Tensor, there: Above, each: Tensor
) -> Meeting:
    """What the pairs of one reader have; B − p' κ of each is written to its slot of `each`."""
    here = Above(p, p)
    squared, below, over = here.squared, here.weights, there.weights
    mean, mass = torch.zeros_like(there.p), torch.zeros_like(there.squared)
    kappas, scatters, offs = [], [], []
    for tap, slot in zip(found, slots, strict=True):
        p_above, rho, Q, along = there.p[:, tap.up], there.rho[:, tap.up], below[:, tap.low], over[:, tap.up]
        B, n = tap.down(p_above), tap.lift(Q)
        kappa = (Q * B).sum(0)
        contrast = B.sub_(p[:, tap.low] * kappa)
        each.index_copy_(1, slot * p.shape[1] + tap.low, contrast)
        dispersion = tap.squares.lift(torch.ones_like(Q)) - squared[tap.low] * n.square()
        dispersion += along * (contrast.square().sum(0) * along - 2 * tap.lift(contrast))
        off = n.sub_(kappa * along)
        weight = squared[tap.low] * kappa
        mean.index_add_(1, tap.up, weight * off)
        mass.index_add_(0, tap.up, weight * kappa)
        kappas.append(kappa)
        scatters.append(_for_each(dispersion, rho, p_above).clamp(min=0))
        offs.append(_for_each(off.square_(), rho, p_above))
    low, up, slot = (
        torch.cat([t.low for t in found]),
        torch.cat([t.up for t in found]),
        torch.cat(list(slots)),
    )
    kappa, off = torch.cat(kappas), torch.cat(offs, 1)
    shared = _for_each((mean / mass.where(mass > 0, torch.inf)).square_(), there.rho, there.p)
    own = (off - kappa.square() * shared[:, up]).clamp(min=0)
    taps_kept = found if there.p.shape[1] == 1 else ()
    return Meeting(reader, low, up, slot, kappa, shared, own, torch.cat(scatters, 1), taps_kept)


def _for_each(x: Tensor, rho: Tensor, p: Tensor) -> Tensor:
    """Σ over channels of x (C, n) times each of the three variances: (3, n)."""
    return torch.stack([(x * rho).sum(0), x.sum(0), (x * p.square()).sum(0)])


def _is_identity(found: tuple[Tap, ...], above: Tensor, below: Tensor) -> bool:
    """Whether one tap hands everything down as it is."""
    if len(found) > 1 or above.shape != below.shape:
        return False
    (tap,) = found
    here = torch.arange(below.shape[1], device=below.device)
    (term,) = tap.terms if len(tap.terms) == 1 else (None,)
    return (
        term is not None
        and term.weight is None
        and torch.equal(tap.low, here)
        and torch.equal(tap.up, here)
        and bool((term.below * term.above == 1).all())
    )


def _slots(low: Tensor) -> Tensor:
    """Number the entries of each place: 0, 1, … in their order."""
    order = low.argsort(stable=True)
    counts = torch.bincount(low)
    first = counts.cumsum(0) - counts
    slot = torch.empty_like(low)
    slot[order] = torch.arange(len(low), device=low.device) - first[low[order]]
    return slot
