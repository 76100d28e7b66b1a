"""CSCs as files: CONVERGENCE and CONVERGENCE_POOLED (measured), CONVERGENCE_THEORY and PREDICTION
(predicted), and SKIPS, of `rankone.results.tables`.

They take pairs of a model's label and a CSC; SKIPS takes a model's label, a method's name, a start layer and
a drop.
Numbers are 1 − |cos|, where 1e-34 stands for all that is smaller; in CONVERGENCE_POOLED they are |cos|.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rankone.results import tables
from rankone.results.null import null_mean
from torch_backend.convergence.csc import CSC
from torch_backend.convergence.predicted import Law
from torch_backend.convergence.skip_law import NUMBERS, Drop

POOLED = {"p10": 0.1, "median": 0.5, "p90": 0.9}


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


def write_prediction(path: str | Path, predicted: Iterable[tuple[str, Law]]) -> Path:
    """A row for each reading of pairs of a model's label and a law; returns the path."""
    return tables.PREDICTION.write(
        path,
        (
            {
                "model": label,
                "method": law.method,
                "start": reading.start,
                "layer": reading.layer,
                "predicted": 10**reading.median,
            }
            for label, law in predicted
            for reading in law.readings
        ),
    )


def write_csc_pooled(path: str | Path, measured: Iterable[tuple[str, CSC]]) -> Path:
    """A row for each reading: |cos| pooled over images, pairs and locations, to 1 % of 1 − |cos|."""
    return tables.CONVERGENCE_POOLED.write(
        path,
        (
            {
                "model": label,
                "method": result.method,
                "start": reading.start,
                "layer": reading.layer,
                **{name: 1 - 10 ** reading.quantile(1 - q) for name, q in POOLED.items()},
                "missing": reading.missing,
                "null_mean": 1 - null_mean(len(reading.widths) - 1),
                "precision": result.precision,
            }
            for label, result in measured
            for reading in result.readings
        ),
    )


def write_skips(path: str | Path, drops: Iterable[tuple[str, str, str, Drop]]) -> Path:
    """A row for each residual block: medians over images."""
    return tables.SKIPS.write(
        path,
        (
            {
                "model": label,
                "method": method,
                "start": start,
                "block": drop.block,
                "below": drop.below,
                **{name: float(np.nanmedian(getattr(drop, name))) for name in NUMBERS},
            }
            for label, method, start, drop in drops
        ),
    )
