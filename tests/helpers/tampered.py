"""Certificates of networks with something changed, and signed anew: who tampers knows how to sign."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rankone.proof.network import signed
from rankone.proof.tensor_file import TensorFile, read_tensors
from rankone.results.whole import write_parts

Array = Any
Record = dict[str, Any]


def rewritten(path: Path, change: Callable[[Record], None]) -> Path:
    """With its record changed."""
    record = json.loads(path.read_text())
    change(record)
    record.pop("sha256", None)
    path.write_text(signed(record))
    return path


def with_array(path: Path, name: str, change: Callable[[Array], Array]) -> Path:
    """With one tensor changed, and its digest."""
    record = json.loads(path.read_text())
    for file in ("weights", "values"):
        place = path.with_name(record[file]["file"])
        tensors = {key: np.array(a) for key, a in read_tensors(place, record[file]["tensors"]).items()}
        if name in tensors:
            content = TensorFile.of({**tensors, name: change(tensors[name])})
            write_parts(place, content.parts())
            return rewritten(path, lambda record, f=file, c=content: record[f].update(tensors=c.records()))
    raise KeyError(name)


def node(record: Record, name: str) -> Record:
    return next(node for node in record["nodes"] if node["name"] == name)


def layer(record: Record, name: str) -> Record:
    return next(layer for layer in record["layers"] if layer["node"] == name)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value, the whole excluded."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, child in items:
        found += [(*at, key), *places(child, (*at, key))]
    return found


def put(record: Record, place: tuple[Any, ...], value: Any) -> None:
    *way, last = place
    for key in way:
        record = record[key]
    record[last] = value
