"""How alike maps are: beside that of another class or image, and after weights are destroyed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from paper_figs.report.charts import Axis, Curve, linear
from paper_figs.report.reading import Audit
from paper_figs.report.spread import median, spread

PREFERRED = ("ssim_flip", "spearman_flip", "ssim", "spearman")  # which of them a page opens with
WORDS = {
    "ssim": "structural similarity (SSIM)",
    "spearman": "rank correlation",
    "cosine": "cosine",
    "overlap": "overlap of the top 5 % of pixels",
}
FLIPPED = "_flip"
KINDS = {"measured": "median", "null": "null", "forward": "forward pass alone"}


def word(score: str) -> str:
    """A score's name in words; flipped ones count a map and its negative as alike."""
    plain = score.removesuffix(FLIPPED)
    return WORDS.get(plain, plain) + (", of either sign" if plain != score else "")


@dataclass(frozen=True)
class Compared:
    """One method's maps compared: median and quartiles, and the median null; pairs: how many there were."""

    method: int
    median: float
    low: float
    high: float
    null: float
    pairs: int


@dataclass(frozen=True)
class Comparison:
    """One score of all methods."""

    score: str
    rows: tuple[Compared, ...]

    @property
    def has_null(self) -> bool:
        return any(row.null == row.null for row in self.rows)

    @property
    def axis(self) -> Axis:
        return linear([number for row in self.rows for number in (row.low, row.null)])


@dataclass(frozen=True)
class Destroyed:
    """One score, after weights are destroyed from the output down to each of `places`."""

    score: str
    places: tuple[str, ...]
    panels: tuple[tuple[int, tuple[Curve, ...]], ...]


def other_classes(audit: Audit) -> tuple[Comparison, ...]:
    """The map of another class beside the map of the explained one."""
    axes = ("method", "image", "other", "score")
    return _compared(audit, audit.array("logit", *axes), audit.array("logit_null", *axes))


def another_image(audit: Audit) -> tuple[Comparison, ...]:
    """The map of another image beside the map of this one."""
    axes = ("method", "image", "score")
    return _compared(audit, audit.array("another", *axes), audit.array("another_null", *axes))


def edges(audit: Audit) -> tuple[Comparison, ...]:
    """The map beside the edges of its image, a control that has no null."""
    found = audit.array("edges", "method", "image", "score")
    return _compared(audit, found, np.full_like(found, np.nan))


def destroyed_weights(audit: Audit) -> tuple[Destroyed, ...]:
    """Maps after weights are destroyed beside the map before."""
    axes = ("method", "stage", "draw", "image", "score")
    measured, null, forward = (
        audit.array(variable, *axes) for variable in ("cascade", "cascade_null", "forward_alone")
    )
    return tuple(
        Destroyed(
            score, audit.names("stage"), tuple(_panels(measured[..., k], null[..., k], forward[..., k]))
        )
        for k, score in _in_order(audit)
        if not np.isnan(measured[..., k]).all()
    )


def _in_order(audit: Audit) -> list[tuple[int, str]]:
    names = audit.names("score")
    return sorted(
        enumerate(names), key=lambda pair: PREFERRED.index(pair[1]) if pair[1] in PREFERRED else len(names)
    )


def _compared(audit: Audit, values: np.ndarray, null: np.ndarray) -> tuple[Comparison, ...]:
    """values (method, …, score)."""
    within = tuple(range(1, values.ndim - 1))
    found, nulls, pairs = spread(values, *within), median(null, *within), (~np.isnan(values)).sum(within)
    return tuple(
        Comparison(
            score,
            tuple(
                Compared(
                    m,
                    float(found.median[m, k]),
                    float(found.low[m, k]),
                    float(found.high[m, k]),
                    float(nulls[m, k]),
                    int(pairs[m, k]),
                )
                for m in range(len(values))
            ),
        )
        for k, score in _in_order(audit)
        if pairs[:, k].any()
    )


def _panels(
    measured: np.ndarray, null: np.ndarray, forward: np.ndarray
) -> Iterator[tuple[int, tuple[Curve, ...]]]:
    """(method, stage, draw, image) of one score: a panel for each method of which something was measured."""
    found, nulls, alone = spread(measured, 2, 3), median(null, 2, 3), median(forward, 2, 3)
    for m in range(len(measured)):
        if np.isnan(found.median[m]).all():
            continue
        curves = [Curve("null", m, nulls[m])]
        curves += [Curve("forward", m, alone[m])] if not np.isnan(alone[m]).all() else []
        yield m, (*curves, Curve("measured", m, found.median[m], (found.low[m], found.high[m])))
