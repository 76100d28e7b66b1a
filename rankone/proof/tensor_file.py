"""Named arrays in a safetensors file: eight bytes with the length of a JSON header, the header, the numbers.

Of the format's dtypes only three: F32, F64 and I64, little-endian, row-major. The header has one spelling:
the tensors in the order of their numbers, eight bytes wide before four, no blanks but those that fill it up
to a multiple of eight bytes. So a file is known, byte for byte, from its names, dtypes, shapes and digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankone.errors import refuse

Array = NDArray[Any]
DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "I64": np.dtype("<i8"), "F32": np.dtype("<f4")}
PIECE = 1 << 24  # bytes written or hashed at once


@dataclass(frozen=True, eq=False)
class TensorFile:
    """The arrays of one file, in its order."""

    tensors: Mapping[str, Array]

    @classmethod
    def of(cls, tensors: Mapping[str, Array]) -> TensorFile:
        """ValueError for an array that is neither float32, float64 nor int64."""
        for name, array in tensors.items():
            if not isinstance(array, np.ndarray) or array.dtype not in DTYPES.values():
                got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                refuse(name, expected="an array of float32, float64 or int64", got=got, do="convert it")
        return cls(dict(sorted(tensors.items(), key=lambda named: -named[1].itemsize)))

    def records(self) -> list[dict[str, Any]]:
        """What a certificate says of each tensor: name, dtype, shape, and the SHA-256 of its bytes."""
        return [
            {
                "name": name,
                "dtype": _word(array),
                "shape": list(array.shape),
                "sha256": sha256(_bytes(array)).hexdigest(),
            }
            for name, array in self.tensors.items()
        ]

    def parts(self) -> Iterator[memoryview | bytes]:
        """The bytes of the file, piece by piece."""
        described = [(name, _word(array), array.shape) for name, array in self.tensors.items()]
        yield header(described)
        for array in self.tensors.values():
            content = _bytes(array)
            for start in range(0, len(content), PIECE):
                yield content[start : start + PIECE]


def header(described: Sequence[tuple[str, str, Sequence[int]]]) -> bytes:
    """The bytes before the numbers, of tensors (name, dtype, shape) in the order of the file."""
    table, end = {}, 0
    for name, dtype, shape in described:
        start, end = end, end + DTYPES[dtype].itemsize * int(np.prod(shape, dtype=np.int64))
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def read_tensors(path: Path, records: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """The arrays that are recorded, as they stand in the file, which is read where it is touched; digests are
    not compared. ValueError if it is another file, OSError if there is none.
    """
    expected = header([(record["name"], record["dtype"], record["shape"]) for record in records])
    with path.open("rb") as file:
        if file.read(len(expected)) != expected:
            refuse(
                str(path),
                expected="the tensors that the certificate records",
                got="another header",
                do="put the file beside it that was written with it",
            )
    tensors: dict[str, Array] = {}
    start = len(expected)
    for record in records:
        dtype, shape = DTYPES[record["dtype"]], tuple(record["shape"])
        size = int(np.prod(shape, dtype=np.int64))
        tensors[record["name"]] = (
            np.memmap(path, dtype, "r", start, shape) if size else np.zeros(shape, dtype)
        )
        start += size * dtype.itemsize
    return tensors


def _word(array: Array) -> str:
    return next(word for word, dtype in DTYPES.items() if dtype == array.dtype)


def _bytes(array: Array) -> memoryview:
    return memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
