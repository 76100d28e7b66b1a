"""The two files of an audit: results.nc, an xarray Dataset, and summary.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from rankone.errors import refuse, visible

SCHEMA = "rankone audit 1"
WHOLE = {"model", "images", "methods", "thresholds", "outcome"}
METHOD = {"name", "title", "note", "failed", "verdicts"}
VERDICT = {"question", "state", "basis", "sentence", "quantity", "reason"}


@dataclass(frozen=True, eq=False)
class Audit:
    """What was measured and what was judged.

    data     results.nc, its methods those of the summary and in their order
    summary  summary.json; every text is one line without control characters
    """

    data: xr.Dataset
    summary: dict[str, Any]

    @property
    def methods(self) -> list[dict[str, Any]]:
        return self.summary["methods"]

    @property
    def titles(self) -> list[str]:
        return [method["title"] for method in self.methods]

    def names(self, dimension: str) -> tuple[str, ...]:
        """A dimension's coordinates as text; () where the dimension is not there."""
        if dimension not in self.data.coords:
            return tuple(f"{dimension} {k + 1}" for k in range(self.size(dimension)))
        return tuple(visible(text(name)) for name in self.data[dimension].values)

    def size(self, dimension: str) -> int:
        """How long the dimension is: methods are all those of the summary; 0 where it is not in the file."""
        return len(self.methods) if dimension == "method" else self.data.sizes.get(dimension, 0)

    def array(self, variable: str, *dimensions: str) -> np.ndarray:
        """The variable in float64, its axes in this order; all NaN where it was not measured.

        ValueError for a variable with other dimensions.
        """
        if variable not in self.data:
            return np.full([self.size(name) for name in dimensions], np.nan)
        if set(self.data[variable].dims) != set(dimensions):
            got, expected = (", ".join(names) for names in (self.data[variable].dims, dimensions))
            refuse(variable, expected=f"dimensions {expected}", got=got, do="run the audit again")
        return self.data[variable].transpose(*dimensions).values.astype(np.float64)

    def texts(self, variable: str) -> np.ndarray:
        """A variable of names, as text; without any where it is not there."""
        if variable not in self.data:
            return np.empty((0,), object)
        values = self.data[variable].values
        return np.array([visible(text(value)) for value in values.flat], object).reshape(values.shape)

    def attribute(self, name: str) -> str:
        """Provenance as text; "" where it is not there."""
        return visible(text(self.data.attrs.get(name, "")))

    def record(self, name: str) -> dict[str, Any]:
        """Provenance that is written as JSON; {} where it is not there or is something else."""
        try:
            value = json.loads(text(self.data.attrs.get(name, "{}")))
        except ValueError:
            return {}
        return _visible(value) if isinstance(value, dict) else {}


def read(results: str | Path, summary: str | Path) -> Audit:
    """Read both files. ValueError, in one line, for what is not of one audit of this schema."""
    with _opened(results) as file:
        data = file.load()
    said = _parsed(summary)
    for path, schema in ((results, data.attrs.get("schema")), (summary, said.get("schema"))):
        if schema != SCHEMA:
            refuse(str(path), expected=f"schema {SCHEMA!r}", got=schema, do="run the audit again")
    _refuse_incomplete(summary, said)
    if "method" in data.dims:
        data = data.reindex({"method": [method["name"] for method in said["methods"]]})
    return Audit(data, _visible(said))


def text(value: object) -> str:
    """A name as it was written, whether the file gave text or bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _opened(path: str | Path) -> xr.Dataset:
    try:
        return xr.open_dataset(path, engine="scipy")
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        got = visible(str(error)) or type(error).__name__
        refuse(str(path), expected="a NetCDF file of `rankone audit`", got=got, do="run the audit again")


def _parsed(path: str | Path) -> dict[str, Any]:
    try:
        said = json.loads(Path(path).read_bytes())
    except ValueError as error:
        refuse(str(path), expected="the JSON of `rankone audit`", got=str(error), do="run the audit again")
    return said if isinstance(said, dict) else {}


def _refuse_incomplete(path: str | Path, said: dict[str, Any]) -> None:
    verdicts = [v for method in said.get("methods", []) for v in method.get("verdicts", [])]
    wanted = [(said, WHOLE), *((method, METHOD) for method in said.get("methods", []))]
    lacking = [
        key for part, keys in (*wanted, *((v, VERDICT) for v in verdicts)) for key in keys - part.keys()
    ]
    if lacking:
        refuse(str(path), expected=f"the key {lacking[0]!r}", got="none", do="run the audit again")


def _visible(value: Any) -> Any:
    """Texts within JSON, each on one line, control characters and changes of writing direction spelt out."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_visible(item) for item in value]
    if isinstance(value, dict):
        return {visible(key): _visible(item) for key, item in value.items()}
    return value
