"""Cascade: is the map another one when the network's weights are destroyed (Adebayo et al. 2018)?

Top-down, as it is usually done, the forward pass below the destroyed layers stays the trained one's, so maps
may stay alike for that reason alone: `Destroyed.forward_alone` is how alike they are when nothing but the
weights of the backward pass is another (Binder et al. 2023).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Comparison, Reference
from torch_backend.audit.forward_alone import forward_alone
from torch_backend.audit.subject import Subject


class Destroyed(NamedTuple):
    """Maps of a network with weights destroyed, compared with the trained one's.

    forward_alone (1, B, S)  the scores with the trained forward pass kept; NaN for what is no chain, or where
                             not asked for
    """

    compared: Comparison
    forward_alone: Tensor


def cascade(
    case: Case,
    subject: Subject,
    reference: Reference,
    layers: tuple[int, ...],
    draw: int = 0,
    *,
    alone: bool = True,
) -> Destroyed:
    """The maps once these nodes have other weights, with the trained network's, the `reference`.

    draw: which draw of the weights; all methods share it, under the paper's protocol each has its own.
    alone: whether `forward_alone` is measured; else it is NaN.
    """
    other, operators = case.redrawn(layers, case.key(subject, draw))
    compared = reference.compare(case.maps(subject.of(other), other))
    kept = forward_alone(subject.of(other), operators) if alone else None
    if kept is None:
        return Destroyed(compared, torch.full_like(compared.scores, torch.nan))
    return Destroyed(compared, reference.scores(case.maps(kept, case.trained))[None])
