"""Outcomes of sanity checks as rows: medians over images with exact intervals, paired differences."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from rankone.results.median import order_statistic_median, paired
from rankone.results.table import Row
from torch_backend.audit.part import Floats, Plan
from torch_backend.audit.study import Outcome
from torch_backend.maps.scores import SCORES


def rows(label: str, plan: Plan, outcomes: Iterable[Outcome]) -> Iterator[Row]:
    """Those of `rankone.results.tables.SANITY`, one for each outcome and score."""
    for outcome in outcomes:
        for s, score in enumerate(SCORES):
            of_images = middle(outcome.scores[..., s])
            known = order_statistic_median(of_images)
            yield {
                "model": label,
                "protocol": plan.protocol.name,
                "method": outcome.subject.name,
                "note": outcome.subject.note,
                "test": outcome.test.name,
                "stage": outcome.test.stage,
                "depth": outcome.test.depth,
                "score": score.name,
                "images": int((~np.isnan(of_images)).sum()),
                "float64": float(outcome.float64.mean()),
                "undefined": 1 - float(outcome.fine.mean()),
                "median": known.median,
                "low": known.low,
                "high": known.high,
                "spread": median(spread(outcome.scores[..., s])),
                "null": median(middle(outcome.null[..., s])),
                "forward_alone": median(middle(outcome.forward_alone[..., s])),
                "edges": median(outcome.edges[:, s]),
                "another": median(outcome.another[:, s]),
            }


def pairs(label: str, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """Those of `SANITY_PAIRS`: every two methods under one test, by every score."""
    for a, b in combinations(outcomes, 2):
        if a.test != b.test:
            continue
        for s, score in enumerate(SCORES):
            first, second = middle(a.scores[..., s]), middle(b.scores[..., s])
            known = paired(first, second)
            yield {
                "model": label,
                "protocol": plan.protocol.name,
                "test": a.test.name,
                "stage": a.test.stage,
                "score": score.name,
                "method": a.subject.name,
                "other": b.subject.name,
                "images": int((~np.isnan(first - second)).sum()),
                "difference": known.median,
                "low": known.low,
                "high": known.high,
            }


def middle(scores: Floats) -> Floats:
    """The median over draws or classes of (K, B), (B,); NaN where an image has none."""
    return _quietly(np.nanmedian, scores)


def spread(scores: Floats) -> Floats:
    """The largest minus the smallest over draws or classes of (K, B), (B,)."""
    return _quietly(np.nanmax, scores) - _quietly(np.nanmin, scores)


def median(of_images: Floats) -> float:
    """Over images; NaN where none has one."""
    return float(order_statistic_median(of_images).median)


def _quietly(function, scores: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN columns are NaN
        return function(scores, axis=0)
