"""CSCs as files: CONVERGENCE (measured) and CONVERGENCE_THEORY (predicted) of `rankone.results.tables`.

Both take pairs of a model's label and a CSC. Numbers are 1 − |cos|, where 1e-34 stands for all that is
smaller.
"""

from collections.abc import Iterable
from pathlib import Path

from rankone.results import tables
from torch_backend.convergence.csc import CSC


def write_csc(path: str | Path, measured: Iterable[tuple[str, CSC]]) -> Path:
    """A row for each reading: at a location its median with its interval and the null, then of whole maps."""
    return tables.CONVERGENCE.write(
        path,
        (
            {
                "model": label,
                "method": result.method,
                "start": reading.start,
                "layer": reading.layer,
                "median": 10**reading.median,
                "low": 10**low,
                "high": 10**high,
                "within_90": reading.within(0.9),
                "missing": reading.missing,
                "null_median": 10 ** reading.null(),
                "whole_median": 10**reading.whole.median,
                "whole_within_90": reading.whole.within(0.9),
                "whole_null_median": 10 ** reading.whole_null(),
                "precision": result.precision,
            }
            for label, result in measured
            for reading in result.readings
            for low, high in [reading.interval()]
        ),
    )


def write_csc_theory(path: str | Path, predicted: Iterable[tuple[str, CSC]]) -> Path:
    """A row for each reading's median; returns the path."""
    return tables.CONVERGENCE_THEORY.write(
        path,
        (
            {
                "model": label,
                "method": law.method,
                "start": reading.start,
                "layer": reading.layer,
                "theory": 10**reading.median,
            }
            for label, law in predicted
            for reading in law.readings
        ),
    )
