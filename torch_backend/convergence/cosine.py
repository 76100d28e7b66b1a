"""How parallel relevance vectors are at each location: 1 - |cos| along channels, all pairs of vectors."""

from itertools import combinations

import torch
from torch import Tensor

BLOCK = 1 << 19  # numbers per block: what stays in a core's cache


def pairwise(relevance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """1 - |cos| and the sign of cos for all pairs of V vectors, and the width, per image and location.

    relevance (V, B, C, *space) -> twice (V(V-1)/2, B, L), L the number of locations (1 if dense), and
    (B, L): the number of channels in which some vector is not zero, that is the dimension of the cosine.
    With unit vectors u, v it is min(|u - v|^2, |u + v|^2) / 2: no cancellation, relative accuracy down to
    1e-14 in float32 and 1e-32 in float64. A zero vector has no direction: its pairs are NaN,
    their sign is 0.
    """
    V, B, C = relevance.shape[:3]
    r = relevance.reshape(V, B, C, -1)  # (V, B, C, L)
    pairs = list(combinations(range(V), 2))
    squared_distance, squared_sum = r.new_empty(2, len(pairs), B, r.shape[3])
    width = torch.empty(B, r.shape[3], dtype=torch.long, device=r.device)
    for block in torch.arange(r.shape[3]).split(max(1, BLOCK // (V * B * C))):
        here = slice(block[0].item(), block[-1].item() + 1)
        width[:, here] = (r[..., here] != 0).any(0).sum(1)
        u = unit(r[..., here])
        for p, (i, j) in enumerate(pairs):
            squared_distance[p, :, here] = torch.linalg.vector_norm(u[i] - u[j], dim=1).square()
            squared_sum[p, :, here] = torch.linalg.vector_norm(u[i] + u[j], dim=1).square()
    return torch.minimum(squared_distance, squared_sum) / 2, torch.sign(squared_sum - squared_distance), width


def unit(r: Tensor) -> Tensor:
    """r / |r| along the channels of (V, B, C, L); zero vectors give NaN.

    Divided by the largest entry first: the squares of small relevance would vanish in float32. Entries too
    small beside it to count, whose squares would be denormal numbers, become 0: arithmetic with those is
    a hundred times slower.
    """
    r = r / r.abs().amax(2, keepdim=True)
    finfo = torch.finfo(r.dtype)
    r = torch.nn.functional.hardshrink(r, finfo.tiny**0.5 / finfo.eps)
    return r / torch.linalg.vector_norm(r, dim=2, keepdim=True)
