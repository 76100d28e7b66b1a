"""What each correction of the paper's code changes by itself: the same images, before and after.

A correction is one field of a protocol (rankone.results.protocol) at its corrected value, all others as in
the paper's code. Whether the methods have to be carried out again depends on the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from rankone.results.median import order_statistic_median
from rankone.results.protocol import Protocol, corrected, paper
from rankone.results.table import Row
from torch_backend.audit.study import Outcome
from torch_backend.audit.table import middle
from torch_backend.maps.saliency import contributes
from torch_backend.maps.scores import SCORES
from torch_backend.methods import Method
from torch_backend.methods.published import CLIPPED, SHARING

PUBLISHED = "ssim_flip"  # the score of the paper


@dataclass(frozen=True)
class Correction:
    """field: of a Protocol; words: what is mended."""

    field: str
    words: str

    @property
    def protocol(self) -> Protocol:
        """The paper's with this one correction."""
        return replace(paper, name=f"paper but {self.field}", **{self.field: getattr(corrected, self.field)})


CORRECTIONS = (
    Correction("upside_down", "maps compared the right way up"),
    Correction("ssim_data_range", "SSIM with the range that maps have, 1"),
    Correction("largest_channel", "channels of derivatives summed, not their largest"),
    Correction("draws_for_each_method", "one draw of classes and weights for all methods"),
    Correction("draws_glorot", "weights drawn as He's, not as Glorot's"),
    Correction("whole_bias", "a bias only where its sign belongs, in z⁺ and αβ"),
    Correction("clips_additions", "no clip of relevance at additions"),
)
OF_SCORES = ("upside_down", "ssim_data_range")  # the maps stay
ALL, NULL = "all", "null"


def concerns(correction: Correction, method: object) -> bool:
    """Whether the correction can change the maps of a method, or their scores."""
    family = getattr(method, "name", "").split(":")[0]
    match correction.field:
        case "largest_channel":
            return not contributes(method)
        case "whole_bias":
            return isinstance(method, Method) and family in SHARING
        case "clips_additions":
            return isinstance(method, Method) and family in CLIPPED
    return True


def rescored(outcome: Outcome, protocol: Protocol) -> Outcome:
    """The same maps, which the outcome has kept, compared as another protocol has it; without a new null."""
    reference = torch.from_numpy(outcome.reference)
    scores = [
        torch.stack([score(reference, torch.from_numpy(maps), protocol) for score in SCORES], 1).numpy()
        for maps in outcome.maps
    ]
    return replace(outcome, scores=np.stack(scores))


def effects(
    label: str, name: str, before: Sequence[Outcome], after: Sequence[Outcome], score: str = PUBLISHED
) -> Iterator[Row]:
    """Rows of `rankone.results.tables.CORRECTIONS`: the score of each method and test, before and after."""
    place = [s.name for s in SCORES].index(score)
    known = {(o.subject.name, o.test): o for o in before}
    for outcome in after:
        old = middle(known[outcome.subject.name, outcome.test].scores[..., place])
        new = middle(outcome.scores[..., place])
        yield effect(label, name, outcome.test.name, outcome.test.stage, outcome.subject.name, old, new)


def nulls(label: str, outcomes: Sequence[Outcome], score: str = PUBLISHED) -> Iterator[Row]:
    """What a score has left above its null: before, the score; after, the score minus the null."""
    place = [s.name for s in SCORES].index(score)
    for o in outcomes:
        old = middle(o.scores[..., place])
        new = old - middle(o.null[..., place])
        yield effect(label, NULL, o.test.name, o.test.stage, o.subject.name, old, new)


def effect(
    label: str, name: str, test: str, stage: str, method: str, old: np.ndarray, new: np.ndarray
) -> Row:
    """A row: numbers of images (B,) before and after."""
    difference = order_statistic_median(new - old)
    return {
        "model": label,
        "correction": name,
        "test": test,
        "stage": stage,
        "method": method,
        "images": int((~np.isnan(new - old)).sum()),
        "before": order_statistic_median(old).median,
        "after": order_statistic_median(new).median,
        "change": difference.median,
        "low": difference.low,
        "high": difference.high,
    }
