"""Named arrays in .npz files: any such file, and the one of relevance maps, with who writes and who draws it.

arrays = read_arrays("factors.npz")
RELEVANCE_MAPS.write("out/relevance.npz", images=images, ...)
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.errors import refuse
from rankone.results.whole import write_whole


@dataclass(frozen=True)
class Arrays:
    """The names of a file's arrays with what they are, and the command that writes it."""

    command: str
    meanings: Mapping[str, str]

    def write(self, path: str | Path, **arrays: ArrayLike) -> Path:
        """Write a compressed file of exactly these arrays; whole or not at all; returns its path.

        KeyError for other names, OSError if it cannot be written.
        """
        if arrays.keys() != self.meanings.keys():
            raise KeyError(*sorted(arrays.keys() ^ self.meanings.keys()))
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, **{name: np.asarray(arrays[name]) for name in arrays})
        return write_whole(path, file.getvalue())

    def read(self, path: str | Path) -> dict[str, NDArray[Any]]:
        """The arrays by name; ValueError if the file has others, OSError if there is none."""
        arrays = read_arrays(path)
        if arrays.keys() != self.meanings.keys():
            expected, got = f"arrays {', '.join(self.meanings)}", ", ".join(arrays) or "none"
            refuse(str(path), expected=expected, got=got, do=f"write the file anew with {self.command}")
        return arrays


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file by name; ValueError if it is no such file, OSError if there is none."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds on other or damaged bytes
        got = f"{type(error).__name__}: {error}"
        refuse(str(path), expected="an .npz file of numbers", got=got, do="write it with numpy.savez")


def flat(values: NDArray[Any]) -> NDArray[Any]:
    """A map as it can be drawn in a plane: (D, H, W) summed over D; (H, W) and (n,) as they are."""
    return np.asarray(values.sum(axis=0)) if values.ndim == 3 else values


RELEVANCE_MAPS = Arrays(
    "rankone relevance",
    {
        "images": "(B, *input shape), as the network reads them",
        "pictures": "(B, 3, H, W) in [0, 1], the images as they are drawn; `images` where not known",
        "relevance": "(B, *shape at the layer `at`)",
        "map": "the same as drawn, summed over channels: (B, *space); (B, n) without space",
        "units": "(B,), flat index of the start unit",
        "names": "(B,), what the start unit is called: its class, or its number",
        "given": "(B,), what relevance starts with: 1 at a unit, or at each place of a class over space",
        "arrived": "(B,), the sum of `relevance`",
        "bias": "(B,), what biases drew on the way",
        "epsilon": "(B,), what the stabiliser ε drew",
        "lost": "(B,), what was lost where a denominator is 0; negative: growth",
        "explained": "whether what is given is what arrived and these three together",
        "outputs": "(B,), what the start unit put out",
        "model": "the network and where its weights come from",
        "method": "the method, as on the command line",
        "start": "the layer where relevance starts",
        "at": "the layer where it is read",
    },
)

SANITY_MAPS = Arrays(
    "simulations/fig1.py or simulations/fig6.py",
    {
        "picture": "(3, H, W) in [0, 1], the image as it is drawn",
        "methods": "(M,), as on the command line",
        "columns": "(C,): the trained network's map, another class's, then the stage down to which weights "
        "are destroyed",
        "maps": "(M, C, H, W) as drawn: in [-1, 1] where a method's maps have signs, else in [0, 1]",
        "signed": "(M,), whether they have",
        "condition": "(M, C), what a map is: fine, sparse, or why it cannot be compared",
        "scores": "(M, C), each map's score with the trained network's; nan: there is none",
        "null": "(M, C), the score of independent maps as smooth, with the same values",
        "score": "which score it is",
        "model": "the network, where its weights come from, and the image",
        "protocol": "corrected or paper",
    },
)
