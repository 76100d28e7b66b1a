"""The file results.nc of `rankone audit`: its variables, each with its dimensions, unit and meaning.

    data = read("out/results.nc")          # an xarray.Dataset
    data["csc"].sel({"method": "z_plus"})   # not method=…, which says how `sel` looks names up

Similarities are those of torch_backend.maps.scores; "share" is a part of 1; a number that was not measured is
NaN. A dimension along which nothing was asked for has one name, "-", and NaN.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankone.errors import refuse
from rankone.results.whole import write_whole

if TYPE_CHECKING:
    import xarray

NAME = "rankone audit 1"
NOTHING = "-"  # the one name along a dimension that has none
WHOLE, TEXT, FLOAT, SMALL = "whole number", "text", "float64", "float32"


@dataclass(frozen=True)
class Variable:
    """dimensions; meaning; kind: WHOLE (-1: none), TEXT, FLOAT or SMALL; units as in the UDUNITS tables."""

    dimensions: tuple[str, ...]
    meaning: str
    kind: str = FLOAT
    units: str = "1"

    def empty(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array with nothing in it yet."""
        match self.kind:
            case "whole number":
                return np.full(shape, -1, dtype=np.int32)
            case "text":
                return np.full(shape, "", dtype=object)
        return np.full(shape, np.nan, dtype=np.float64 if self.kind == FLOAT else np.float32)


def _of(dimensions: str, meaning: str, kind: str = FLOAT) -> Variable:
    return Variable(tuple(dimensions.split()), meaning, kind)


#: What stands along each dimension.
DIMENSIONS: Mapping[str, str] = {
    "method": "the method, as on the command line",
    "image": "the image: its file, or its number in the sample",
    "other": "another class that is asked for, its number among those that are",
    "draw": "draw of the random weights",
    "stage": "the layer down to which weights are destroyed, from the output",
    "score": "similarity of two maps (torch_backend.maps.scores)",
    "start": "the layer where random relevance starts",
    "layer": "the layer where relevance is read, from the output down",
    "account": "where relevance goes: to the image, to biases, to the stabiliser, or lost where 0/0",
    "shown": "an image whose maps are kept",
    "shown_class": "a class whose map is kept: the explained one, then others",
    "shown_stage": "a stage whose map is kept",
    "y": "row of a map, from the top",
    "x": "column of a map, from the left",
    "rgb": "red, green, blue",
}

_CSC = "method start layer"
_COLUMNS = "method image layer"
_SAME_AGAIN = "‖m − m'‖/‖m‖ of the map m of an image and m', the same "

SCHEMA: Mapping[str, Variable] = {
    "image_digest": _of("image", "SHA-256 of the image as the network reads it, in float32", TEXT),
    "target": _of("image", "the explained class: the one that is predicted", WHOLE),
    "target_name": _of("image", "its name", TEXT),
    "other_class": _of("image other", "the other class; -1: none", WHOLE),
    "csc": _of(_CSC, "1 − |cos| over channels at a location, the median over pairs and images"),
    "csc_low": _of(_CSC, "lower end of its 99 % interval; NaN: one image only"),
    "csc_high": _of(_CSC, "upper end of its 99 % interval"),
    "csc_null": _of(_CSC, "its median for independent directions in the channels in use"),
    "csc_within_90": _of(_CSC, "what 90 % of all pairs do not exceed"),
    "csc_missing": _of(_CSC, "share of pairs with a vector that is zero"),
    "csc_whole": _of(_CSC, "1 − |cos| of whole maps, over channels and locations together"),
    "csc_whole_null": _of(_CSC, "its median for independent directions in the units in use"),
    "predicted": _of(_CSC, "what the two-mode closure predicts for csc, without a sample"),
    "logit": _of("method image other score", "the map of another class beside that of the explained one"),
    "logit_null": _of("method image other score", "the same of independent maps as smooth"),
    "cascade": _of("method stage draw image score", "the map with weights destroyed beside the trained"),
    "cascade_null": _of("method stage draw image score", "the same of independent maps as smooth"),
    "forward_alone": _of(
        "method stage draw image score", "the same with everything the trained forward pass computed kept"
    ),
    "edges": _of("method image score", "the map beside the edges of its image"),
    "another": _of("method image score", "the map beside that of another image"),
    "another_null": _of("method image score", "the same of independent maps as smooth"),
    "repeat_gap": _of("method image", _SAME_AGAIN + "computed once more"),
    "batch_gap": _of("method image", _SAME_AGAIN + "computed in a batch with another image"),
    "stable_rank_excess": _of(
        _COLUMNS, "‖C‖_F²/‖C‖₂² − 1 of the relevance operator C from the logits down to the layer"
    ),
    "total_variation": _of(_COLUMNS, "largest share of a map that moves between two classes"),
    "share_change": _of(_COLUMNS, "largest relative change of a unit's share between two classes"),
    "diameter": _of(_COLUMNS, "Hilbert's projective diameter of the cone of all classes"),
    "one_minus_min_cos": _of(_COLUMNS, "1 − the smallest cosine between the maps of two classes"),
    "classes_compared": _of(_COLUMNS, "classes of which relevance reaches the layer; -1: none", WHOLE),
    "certified_classes": _of(_COLUMNS, "the same, of what is proved", WHOLE),
    "certified_total_variation": _of(_COLUMNS, "a proved bound on total_variation"),
    "certified_share_change": _of(_COLUMNS, "a proved bound on share_change"),
    "certified_one_minus_cos": _of(_COLUMNS, "a proved bound on one_minus_min_cos"),
    "books": _of(
        "method image account", "of relevance 1 at the explained class, what goes there; lost < 0: growth"
    ),
    "map": _of("method shown shown_class y x", "the map, divided by its largest magnitude", SMALL),
    "map_destroyed": _of("method shown shown_stage y x", "the same with weights destroyed", SMALL),
    "picture": _of("shown y x rgb", "the image as it is drawn, in [0, 1]", SMALL),
    "shown_image": _of("shown", "the place of the image", WHOLE),
    "shown_class_number": _of("shown shown_class", "the number of the class", WHOLE),
    "shown_class_name": _of("shown shown_class", "the class", TEXT),
    "shown_stage_name": _of("shown_stage", "the stage", TEXT),
}


def dataset(
    coordinates: Mapping[str, Sequence[str]],
    arrays: Mapping[str, NDArray[Any]],
    attributes: Mapping[str, str | float | int],
) -> xarray.Dataset:
    """All variables of SCHEMA, in its order, with what `arrays` has of them.

    attributes: whole numbers of more than 32 bits are kept as text. KeyError for variables and dimensions
    that are not in it.
    """
    import xarray

    if unknown := {*arrays} - {*SCHEMA} | {*coordinates} ^ {*DIMENSIONS}:
        raise KeyError(*sorted(unknown))
    variables = {}
    for name, variable in SCHEMA.items():
        shape = tuple(len(coordinates[dimension]) for dimension in variable.dimensions)
        values = arrays[name] if name in arrays else variable.empty(shape)
        about = {"long_name": variable.meaning, "units": variable.units}
        if variable.kind == TEXT:
            values = np.asarray(values, dtype=str)
        variables[name] = (variable.dimensions, values, about)
    places = {
        name: (name, np.asarray(names, dtype=str), {"long_name": DIMENSIONS[name], "units": "1"})
        for name, names in coordinates.items()
    }
    kept = {name: value if _fits(value) else str(value) for name, value in attributes.items()}
    return xarray.Dataset(variables, places, kept)


def _fits(value: str | float | int) -> bool:
    """Whether NetCDF 3, whose whole numbers have 32 bits, has the value as it is; a seed may be larger."""
    return not isinstance(value, int) or -(2**31) <= value < 2**31


def write(path: str | Path, data: xarray.Dataset) -> Path:
    """Write results.nc in NetCDF 3, whole or not at all; returns its path. OSError if it cannot be."""
    return write_whole(path, bytes(data.to_netcdf(engine="scipy")))


def read(path: str | Path) -> xarray.Dataset:
    """The results of a file. ValueError if it is no such file, OSError if there is none."""
    import xarray

    content = Path(path).read_bytes()
    try:
        data = xarray.load_dataset(io.BytesIO(content), engine="scipy")
    except Exception as error:  # scipy raises a dozen kinds on damaged bytes
        _refuse(path, f"{type(error).__name__}: {error}")
    if data.attrs.get("schema") != NAME:
        _refuse(path, f"schema {data.attrs.get('schema', 'none')}")
    return data


def _refuse(path: str | Path, got: str) -> None:
    refuse(str(path), expected=f"results of {NAME}", got=got, do="write it anew with rankone audit")
