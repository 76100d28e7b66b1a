"""Class matrix: how alike are a method's maps of any two classes, beside what independent ones reach?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Reference
from torch_backend.audit.random_logit import other_classes
from torch_backend.audit.subject import Subject


class ClassMatrix(NamedTuple):
    """K classes of each of B images, the explained one first; S scores in the order of SCORES.

    classes (K, B)       which they are
    scores (K, K, B, S)  of the maps of two classes; NaN where one cannot be compared
    null (K, K, B, S)    the same of the second map and independent ones like the first
    """

    classes: Tensor
    scores: Tensor
    null: Tensor


def class_matrix(case: Case, subject: Subject, number: int | None = None) -> ClassMatrix:
    """The explained class and `number` others of each image (None: all), drawn as in `random_logit`.

    ValueError: see `other_classes`.
    """
    classes = torch.cat([case.targets[None], other_classes(case, subject, number)])
    method = subject.of(case.trained)
    maps = [case.maps(method, case.trained, some) for some in classes]
    how = case.protocol, case.seed, subject.hides
    rows = [[r.compare(m) for m in maps] for r in (Reference.of(m, case.digests, *how) for m in maps)]
    return ClassMatrix(
        classes,
        torch.stack([torch.cat([pair.scores for pair in row]) for row in rows]),
        torch.stack([torch.cat([pair.null for pair in row]) for row in rows]),
    )
