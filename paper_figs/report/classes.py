"""All classes at once: how far the relevance of any two can be apart, layer by layer."""

import numpy as np

from paper_figs.report.charts import Curve
from paper_figs.report.reading import Audit
from paper_figs.report.spread import spread

AXES = ("method", "image", "layer")
KINDS = {
    "stable_rank_excess": "operator",
    "certified_total_variation": "proved",
    "total_variation": "measured",
}
WORDS = {"operator": "operator, rest beyond rank one", "proved": "proved", "measured": "total variation"}


def all_classes(audit: Audit) -> tuple[tuple[int, tuple[Curve, ...]], ...]:
    """A panel for each method with such numbers, over all layers: medians over images; of what is proved the
    largest.
    """
    values = {kind: audit.array(variable, *AXES) for variable, kind in KINDS.items()}
    found = {kind: largest(v) if kind == "proved" else spread(v, 1).median for kind, v in values.items()}
    return tuple(
        (m, tuple(Curve(kind, m, v[m]) for kind, v in found.items() if not np.isnan(v[m]).all()))
        for m in range(audit.size("method"))
        if any(not np.isnan(v[m]).all() for v in found.values())
    )


def largest(values: np.ndarray) -> np.ndarray:
    """Over images (method, image, …) -> (method, …), of what is there; NaN where nothing is."""
    most = np.where(np.isnan(values), -np.inf, values).max(1, initial=-np.inf)
    return np.where(np.isnan(values).all(1), np.nan, most)
