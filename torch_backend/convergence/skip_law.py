"""Why curves of 1 − |cos| turn back at skip connections: the law of an addition h = f(x) + x.

    for drop in drops(graph, methods.z_plus, "logits", start):
        print(drop.block, drop.share.magnitude, drop.branch, drop.measured, drop.predicted)

Relevance r = u + w of x is the sum of what comes through the identity, u, with the direction it had above,
and of what comes through the branch, w, which has passed layers that made it more parallel. With D =
1 − |cos| of two vectors i and j at a location,

    D(r)  ≈  p_u D(u) + p_w D(w) + D_mix
    p_u   =  |u_i| |u_j| / (|r_i| |r_j|),   p_w = |w_i| |w_j| / (|r_i| |r_j|)
    D_mix =  1 − √(1 − q),   q = (|u_i| |w_j| − |u_j| |w_i|)² sin φ_i sin φ_j / (|r_i| |r_j|)²

φ is the angle between u and w of one vector. The first term is what the identity brings back, the second what
the branch has left over. The third is there even where either part has one direction for all vectors: if they
are mixed in other proportions for one vector than for another, the sums point elsewhere.

Exact where the branch gives every vector the same w (rank one) and all |u| and all |r| are equal: then
D(r) = p_u D(u). Exact also where D(u) = D(w) = 0: then D(r) = D_mix. Otherwise it takes the deviations of u
and of w to be uncorrelated with each other and with the mixing, as those of wide random layers are, and the
three to add up. It knows of no sign: where u and w cancel each other, or a cosine is negative, it is rough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from rankone.errors import Overflow, refuse
from torch_backend.convergence.cosine import pairwise, unit
from torch_backend.graph.graph import Graph
from torch_backend.methods.method import Method
from torch_backend.operators.layout import is_finite
from torch_backend.propagation.skips import Skip, skips


class Shares(NamedTuple):
    """What of the relevance at an addition goes to the identity, (V, B) each; NaN where nothing arrives.

    signed: Σ r_identity / Σ r over the units; magnitude: Σ |r_identity| / Σ |r|. Under derivatives, which
    hand everything to either path, both are 1; under αβ they may be larger.
    """

    signed: Tensor
    magnitude: Tensor


class Prediction(NamedTuple):
    """D(r) by the law, (V(V−1)/2, B, L): whole, and without the third term, as if all were mixed alike."""

    whole: Tensor
    unmixed: Tensor


@dataclass(frozen=True, eq=False)
class Drop:
    """One residual block and one method, for each of B images: medians over vectors, or pairs and locations.

    signed, magnitude: of `identity_share`. above: 1 − |cos| of what arrives at the addition; identity,
    branch, measured: of u, w and r = u + w at x; predicted, unmixed: by the law. (B,) each, NaN where nothing
    is known.
    """

    block: str
    below: str
    signed: Tensor
    magnitude: Tensor
    above: Tensor
    identity: Tensor
    branch: Tensor
    measured: Tensor
    predicted: Tensor
    unmixed: Tensor


NUMBERS = tuple(f.name for f in fields(Drop) if f.name not in ("block", "below"))


def identity_share(skip: Skip) -> Shares:
    """The share s of relevance that takes the identity path."""

    def share(part: Tensor, whole: Tensor) -> Tensor:
        return part.flatten(2).sum(2) / whole.flatten(2).sum(2)

    return Shares(share(skip.shared, skip.arrived), share(skip.shared.abs(), skip.arrived.abs()))


def law(u: Tensor, w: Tensor) -> Prediction:
    """1 − |cos| of all pairs of V sums u + w, (V, B, C, *space) each, from those of u and of w; NaN where a
    sum is zero.
    """
    u, w = u.double(), w.double()
    i, j = (list(ends) for ends in zip(*combinations(range(len(u)), 2), strict=True))
    r = lengths(u + w)
    size = r[i] * r[j]

    def product(a: Tensor, b: Tensor) -> Tensor:
        return a[i] * b[j] / size

    def left(part: Tensor) -> Tensor:
        """p D, 0 where a part is zero."""
        return (product(lengths(part), lengths(part)) * pairwise(part).deviations).nan_to_num(0)

    mixing = product(lengths(u), lengths(w)) - product(lengths(w), lengths(u))
    sine = sines(u, w)
    q = (mixing.square() * sine[i] * sine[j]).clamp(max=1)
    unmixed = torch.where(size > 0, left(u) + left(w), float("nan"))
    return Prediction((unmixed + q / (1 + (1 - q).sqrt())).clamp(max=1), unmixed.clamp(max=1))


def lengths(r: Tensor) -> Tensor:
    """|r| along the channels of (V, B, C, *space): (V, B, L)."""
    return torch.linalg.vector_norm(r.reshape(*r.shape[:3], -1), dim=2)


def sines(u: Tensor, w: Tensor) -> Tensor:
    """sin φ between u and w along channels, (V, B, L), without cancellation; 0 where one of them is zero."""
    a, b = (unit(part.reshape(*part.shape[:3], -1))[0] for part in (u, w))
    squared = torch.minimum((a - b).square().sum(2), (a + b).square().sum(2))
    return (squared * (1 - squared / 4)).sqrt().nan_to_num(0)


def drops(graph: Graph, method: Method, start: str, relevance: Tensor) -> Iterator[Drop]:
    """Every residual block from `start` to the image, from the top, for the start relevance (V, B, *shape).

    Errors are those of `torch_backend.relevance`, and an `Overflow` where relevance is not finite.
    """
    for skip in skips(graph, method, start, relevance):
        u, w = skip.identity, skip.branch
        if not is_finite(u + w):
            do = "start at a lower layer" if u.dtype == torch.float64 else "use float64 images"
            what = f"{method.name} relevance from {start} at {skip.below}"
            refuse(what, expected="finite numbers", got="NaN or infinity", do=do, kind=Overflow)
        said, share = law(u, w), identity_share(skip)
        yield Drop(
            skip.block,
            skip.below,
            *(_median(s[..., None]) for s in share),
            *(_median(pairwise(r).deviations) for r in (skip.above, u, w, u + w)),
            *(_median(prediction) for prediction in said),
        )


def _median(x: Tensor) -> Tensor:
    """Of each image's numbers, NaN left out: (n, B, L) -> (B,)."""
    x = x.double().movedim(1, 0).flatten(1)
    return (x.nanmedian(dim=1).values - (-x).nanmedian(dim=1).values) / 2  # torch's is the lower middle
