"""The numbers of an audit while they are put together: a variable's array by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.results.audit import SCHEMA


@dataclass(frozen=True, eq=False)
class Values:
    """coordinates: the names along each dimension; arrays: of the variables that were filled."""

    coordinates: Mapping[str, Sequence[str]]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def place(self, dimension: str, name: str) -> int:
        """Where a name stands."""
        return list(self.coordinates[dimension]).index(name)

    def empty(self, variable: str) -> NDArray[Any]:
        """The array of a variable that holds nothing."""
        shape = tuple(len(self.coordinates[dimension]) for dimension in SCHEMA[variable].dimensions)
        return SCHEMA[variable].empty(shape)

    def put(self, variable: str, place: Any, numbers: ArrayLike) -> None:
        """Put numbers at a place, an index of the variable's array."""
        if variable not in self.arrays:
            self.arrays[variable] = self.empty(variable)
        self.arrays[variable][place] = np.asarray(numbers)
