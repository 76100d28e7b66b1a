"""Steadiness: is it the same map when it is asked for again, and when the image is alone?"""

from __future__ import annotations

import torch
from torch import Tensor

from torch_backend.audit.case import Case
from torch_backend.audit.subject import Subject


def gap(maps: Tensor, others: Tensor) -> Tensor:
    """‖m − m'‖ / ‖m‖ of maps (B, H, W) and (B, H, W), float64 (B,): 0 where they are the same; NaN where only
    m is zero.
    """
    m, other = maps.double().flatten(1), others.double().flatten(1)
    change, length = (m - other).norm(dim=1), m.norm(dim=1)
    return torch.where(change == 0, 0, change / torch.where(length == 0, torch.nan, length))


def repeat_gap(case: Case, subject: Subject, maps: Tensor) -> Tensor:
    """Between the maps (B, H, W) of the trained network and those of a second call, (B,)."""
    again = subject if subject.again is None else subject.again
    return gap(maps, case.maps(again.of(case.trained), case.trained))


def batch_gap(case: Case, subject: Subject, maps: Tensor) -> Tensor:
    """Between the maps (B, H, W) within a batch and those of each image alone, (B,).

    A method that draws random numbers draws others then: read it beside `repeat_gap`.
    """
    alone = [case.alone(b) for b in range(len(maps))]
    each = [some.maps(subject.of(some.trained), some.trained) for some in alone]
    return gap(maps, torch.cat(each))
