"""CSC curves: for each start layer what was measured, what is predicted and the null, layer by layer."""

from dataclasses import dataclass

import numpy as np

from paper_figs.report.charts import Curve
from paper_figs.report.reading import Audit


@dataclass(frozen=True)
class Start:
    """Relevance from one start layer, read at `places`, from the output down."""

    name: str
    places: tuple[str, ...]
    curves: tuple[Curve, ...]

    def curve(self, kind: str, method: int) -> Curve | None:
        """A method's curve of that kind, None where nothing was measured."""
        return next((c for c in self.curves if (c.kind, c.method) == (kind, method)), None)

    @property
    def methods(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(curve.method for curve in self.curves))


AXES = ("method", "start", "layer")
KINDS = {"csc_null": "null", "predicted": "predicted", "csc": "measured"}  # in the order they are drawn


def starts(audit: Audit, most: int) -> tuple[Start, ...]:
    """At most so many start layers, from the output down; without those of which nothing was measured."""
    values = {variable: audit.array(variable, *AXES) for variable in (*KINDS, "csc_low", "csc_high")}
    found = [_start(audit, values, k, name) for k, name in enumerate(audit.names("start"))]
    return tuple(start for start in found if start.curves)[:most]


def _start(audit: Audit, values: dict[str, np.ndarray], k: int, name: str) -> Start:
    here = {variable: numbers[:, k] for variable, numbers in values.items()}
    read = np.flatnonzero(~np.isnan(here["csc"]).all(0) | ~np.isnan(here["predicted"]).all(0))
    layers = range(read[0], read[-1] + 1) if read.size else range(0)
    names = audit.names("layer")
    return Start(
        name,
        tuple(names[layer] for layer in layers),
        tuple(
            Curve(
                kind,
                m,
                here[variable][m, list(layers)],
                (here["csc_low"][m, list(layers)], here["csc_high"][m, list(layers)])
                if kind == "measured"
                else None,
            )
            for variable, kind in KINDS.items()
            for m in range(audit.size("method"))
            if not np.isnan(here[variable][m, list(layers)]).all()
        ),
    )
