"""The maps of one image, as figures 1 and 6 draw them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_backend.audit.study import Outcome
from torch_backend.maps.condition import condition
from torch_backend.maps.normalising import normalised, percentiles
from torch_backend.maps.scores import SCORES

SHOWN = "ssim_flip"  # the score beside a map


def arrays(label: str, picture: NDArray[Any], protocol: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Those of SANITY_MAPS, of the first image; picture: (3, H, W) in [0, 1], that image."""
    methods = list(dict.fromkeys(outcome.subject.name for outcome in outcomes))
    s = [score.name for score in SCORES].index(SHOWN)
    of = {(o.subject.name, o.test.stage): o for o in outcomes}
    tests = list(dict.fromkeys(o.test.stage for o in outcomes))
    rows = [[of[method, test] for test in tests] for method in methods]
    found = np.stack([[row[0].reference[0], *(o.maps[0, 0] for o in row)] for row in rows])
    drawn, signed = zip(*(as_drawn(torch.from_numpy(row)) for row in found), strict=True)
    none = np.full((len(rows), 1), np.nan)
    return {
        "picture": picture,
        "methods": methods,
        "columns": ["trained", *tests],
        "maps": np.stack(drawn),
        "signed": signed,
        "condition": [[str(name) for name in condition(torch.from_numpy(row))] for row in found],
        "scores": np.hstack([none, [[o.scores[0, 0, s] for o in row] for row in rows]]),
        "null": np.hstack([none, [[o.null[0, 0, s] for o in row] for row in rows]]),
        "score": SHOWN,
        "model": label,
        "protocol": protocol,
    }


def as_drawn(maps: Tensor) -> tuple[Tensor, bool]:
    """A method's maps (C, H, W) in [0, 1], by the percentiles 0.5 and 99.5 of each; where one of them has a
    negative number, in [-1, 1], in shares of the percentile 99.5 of magnitudes. Also whether one has. What
    those percentiles do not tell apart is drawn in shares of its largest magnitude.
    """
    signed = bool((maps < 0).any())
    largest = maps.abs().amax((1, 2), keepdim=True)
    sparse = (maps / torch.where(largest == 0, 1, largest)).nan_to_num()
    if not signed:
        drawn = normalised(maps)
        return torch.where(drawn.isnan(), sparse, drawn), False
    high = percentiles(maps.abs())[1][:, None, None]
    return torch.where(high > 0, maps / high, sparse).clamp(-1, 1), True
