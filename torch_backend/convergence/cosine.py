"""How parallel relevance vectors are: 1 - |cos| along channels at each location, and of whole maps."""

from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 1 << 19  # numbers per block: what stays in a core's cache


class Pairs(NamedTuple):
    """What is known of all pairs of V vectors (V, B, C, *space); L locations, 1 if dense.

    deviations  (V(V-1)/2, B, L) 1 - |cos| along channels, at each location; NaN where a vector is zero
    signs       (V(V-1)/2, B, L) of that cosine; 0 where a vector is zero
    widths      (B, L) channels in which some vector is not zero, that is the dimension of the cosine
    whole       (V(V-1)/2, B) 1 - |cos| over all channels and locations together; NaN where a map is zero
    """

    deviations: Tensor
    signs: Tensor
    widths: Tensor
    whole: Tensor


def pairwise(relevance: Tensor) -> Pairs:
    """1 - |cos| of all pairs of V vectors, relevance (V, B, C, *space), at each location and of whole maps.

    With unit vectors u, v it is min(|u - v|^2, |u + v|^2) / 2: no cancellation. Good to 2 % down to 1e-10 in
    float32 and 1e-28 in float64; the floors are near 1e-14 and 1e-32.
    """
    V, B, C = relevance.shape[:3]
    r = relevance.reshape(V, B, C, -1)  # (V, B, C, L)
    pairs = list(combinations(range(V), 2))
    squared_distance, squared_sum = gaps = r.new_empty(2, len(pairs), B, r.shape[3])
    largest, length = r.new_empty(2, V, B, r.shape[3])
    widths = torch.empty(B, r.shape[3], dtype=torch.long, device=r.device)
    for block in torch.arange(r.shape[3]).split(max(1, BLOCK // (V * B * C))):
        here = slice(block[0].item(), block[-1].item() + 1)
        widths[:, here] = (r[..., here] != 0).any(0).sum(1)
        u, largest[..., here], length[..., here] = unit(r[..., here])
        for p, (i, j) in enumerate(pairs):
            squared_distance[p, :, here] = torch.linalg.vector_norm(u[i] - u[j], dim=1).square()
            squared_sum[p, :, here] = torch.linalg.vector_norm(u[i] + u[j], dim=1).square()
    # Beside the largest entry of the whole map, so that no norm overflows or vanishes.
    norms = (largest / largest.amax(2, keepdim=True) * length).nan_to_num(0)
    signs = torch.sign(squared_sum - squared_distance)
    return Pairs(gaps.amin(0) / 2, signs, widths, _whole(norms, gaps, pairs))


def _whole(norms: Tensor, gaps: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """1 - |cos| of whole maps from their norms (V, B, L) and |u -+ v|^2 (2, pairs, B, L) at each location.

    Maps of norm one have at a location the parts a u and b v, u and v unit vectors:
    |a u -+ b v|^2 = (a - b)^2 + a b |u -+ v|^2. The first term is what differs in how relevance is spread
    over locations, the second what differs in direction over channels.
    """
    norms = norms / torch.linalg.vector_norm(norms, dim=2, keepdim=True)
    a, b = norms[[i for i, _ in pairs]], norms[[j for _, j in pairs]]
    return ((a - b).square() + (a * b * gaps).nan_to_num(0)).sum(3).amin(0) / 2


def unit(r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """u = r / |r| along the channels of (V, B, C, L), and |r| as largest entry and rest, both (V, B, L).

    Zero vectors give NaN in u and the rest. Divided by the largest entry first: the squares of small
    relevance would vanish in float32. Entries too small beside it to count, whose squares would be denormal
    numbers, become 0: arithmetic with those is a hundred times slower.
    """
    largest = r.abs().amax(2, keepdim=True)
    r = r / largest
    finfo = torch.finfo(r.dtype)
    r = torch.nn.functional.hardshrink(r, finfo.tiny**0.5 / finfo.eps)
    length = torch.linalg.vector_norm(r, dim=2, keepdim=True)
    return r / length, largest.squeeze(2), length.squeeze(2)
