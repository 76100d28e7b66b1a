"""Runs that survive: long work in units on disk, each written whole, with its key and a checksum.

    units = Units("out/units")
    for image in images:
        found = units.get("z_plus", {"image": digest(image), "seed": 0}, lambda: {"median": measure(image)})
    print(units.summary())   # 3 of 40 units were there, 1 was damaged and computed again

After kill -9, Ctrl-C or a full disk the same command computes only what is missing or damaged.
"""

import hashlib
import io
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankone.errors import refuse
from rankone.results.whole import refuse_unwritable, write_whole

Arrays = dict[str, NDArray[Any]]

LONGEST_NAME = 80  # characters; a file system takes 255
STALE = 24 * 3600.0  # seconds: no write takes as long, so that a file half written then was left by a kill
OF_ARRAYS = "array/"  # before the names of a unit's arrays, so that they may have any
KEY, CHECKSUM = "key", "checksum"


class Units:
    """The units in one folder, which is made when the first is written.

    found      units that were there
    computed   units that were not, or were damaged
    broken     those of them that were damaged: truncated, altered, or of another key

    Several processes may work on one folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.found = self.computed = self.broken = 0

    def get(
        self, name: str, key: Mapping[str, Any], compute: Callable[[], Mapping[str, ArrayLike]]
    ) -> Arrays:
        """The arrays of the unit `name` with that key: read if it is there and whole, else computed, written.

        Either way the same to the bit: what is returned is what was written, read again.

        The key is all that the numbers depend on (text, finite numbers, booleans, None, lists, and mappings
        of them from text): configuration, digests of weights and images, seeds, the version of the meaning.

        ValueError for a key of anything else and for arrays of Python objects; OSError, in one line, where
        the folder cannot be read or written: what is there stays. What `compute` raises is raised.
        """
        path, said = self._place(name, key)
        try:
            if (arrays := _read(path, said)) is not None:
                self.found += 1
                return arrays
        except (FileNotFoundError, NotADirectoryError):
            damaged = 0
        else:
            damaged = 1
        if not self.computed:
            refuse_unwritable(path)
            self._clear()
        content = _content(said, compute())
        if (arrays := _whole(content, said)) is None:
            refuse(f"unit {name}", expected="arrays that read as written", got="others", do="rename them")
        write_whole(path, content)
        self.computed += 1
        self.broken += damaged
        return arrays

    def read(self, name: str, key: Mapping[str, Any]) -> Arrays | None:
        """The arrays of a unit; None if it is not there, truncated, altered, or of another key.

        ValueError and OSError as `get`.
        """
        try:
            return _read(*self._place(name, key))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def summary(self) -> str:
        """How many units were there, and how many of the others were damaged, in words."""
        were = "was" if self.found == 1 else "were"
        said = f"{self.found} of {self.found + self.computed} units {were} there"
        damaged = f"{self.broken} {'was' if self.broken == 1 else 'were'} damaged and computed again"
        return f"{said}, {damaged}" if self.broken else said

    def _place(self, name: str, key: Mapping[str, Any]) -> tuple[Path, str]:
        """A unit's file, and its name and key as it carries them."""
        said = canonical({"name": name, "key": canonical(key)})
        return self.folder / _file(name, said), said

    def file(self, name: str, key: Mapping[str, Any]) -> str:
        """The name of a unit's file in the folder, there or not. ValueError as `get`."""
        return self._place(name, key)[0].name

    def _clear(self) -> None:
        """Remove what writes that were killed long ago left behind."""
        for part in self.folder.glob(".*.part"):
            try:
                if time.time() - part.stat().st_mtime > STALE:
                    part.unlink()
            except FileNotFoundError:  # another process was faster
                continue


def canonical(key: Mapping[str, Any]) -> str:
    """A key as JSON: equal keys, and only they, give the same text; 1, 1.0 and True are three keys.

    ValueError, by its place, for what is neither text, a finite number, a boolean, None, a list nor a mapping
    from text.
    """
    _refuse_unspeakable("key", key)
    return json.dumps(key, sort_keys=True, separators=(",", ":"), default=dict)


def _refuse_unspeakable(where: str, value: object) -> None:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if not isinstance(name, str):
                refuse(where, expected="names that are text", got=repr(name), do="use str(name)")
            _refuse_unspeakable(f"{where}.{name}", part)
    elif isinstance(value, list | tuple):
        for k, part in enumerate(value):
            _refuse_unspeakable(f"{where}[{k}]", part)
    elif type(value) not in (str, int, float, bool, type(None)):
        expected = "text, numbers, booleans, None, lists and mappings of them"
        refuse(where, expected=expected, got=type(value).__name__, do="say it as one of these")
    elif isinstance(value, float) and not math.isfinite(value):
        refuse(where, expected="a finite number", got=value, do="say it as text")


@dataclass(frozen=True)
class Unit:
    """A unit's file: the name and the key that it carries, the checksum of its arrays, its bytes."""

    name: str
    key: Mapping[str, Any]
    checksum: str
    content: bytes

    def without_content(self) -> "Unit":
        """The same without its bytes."""
        return replace(self, content=b"")


def unit_of(path: Path) -> Unit | None:
    """A unit by its file; None if it is truncated, altered, or has the name of another.

    OSError if it cannot be read.
    """
    content = path.read_bytes()
    if (members := _members(content)) is None:
        return None
    said, checksum, arrays = members
    if checksum != _checksum(said, arrays):
        return None
    about = json.loads(said)
    if path.name != _file(about["name"], said):
        return None
    return Unit(about["name"], json.loads(about["key"]), checksum, content)


def _file(name: str, said: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:LONGEST_NAME]
    return f"{safe}-{hashlib.sha256(said.encode()).hexdigest()[:32]}.npz"


def _content(said: str, arrays: Mapping[str, ArrayLike]) -> bytes:
    """The bytes of a unit's file: the same for the same arrays, whenever they are written."""
    values = {name: np.asarray(value) for name, value in arrays.items()}
    for name, value in values.items():
        if value.dtype.hasobject:
            do = "give numbers or text"
            refuse(f"array {name}", expected="an array without Python objects", got=value.dtype, do=do)
    file = io.BytesIO()
    about = {KEY: np.array(said), CHECKSUM: np.array(_checksum(said, values))}
    named = {OF_ARRAYS + name: value for name, value in values.items()}
    np.savez_compressed(file, allow_pickle=False, **about, **named)
    return file.getvalue()


def _read(path: Path, said: str) -> Arrays | None:
    """The arrays of a file; None if it is not whole. OSError if it cannot be read."""
    return _whole(path.read_bytes(), said)


def _whole(content: bytes, said: str) -> Arrays | None:
    """The arrays of a unit's bytes; None if these are not what `_content` made for that key."""
    if (members := _members(content)) is None:
        return None
    key, checksum, arrays = members
    return arrays if key == said and checksum == _checksum(said, arrays) else None


def _members(content: bytes) -> tuple[str, str, Arrays] | None:
    """What a unit's bytes say of their name and key, of their checksum, and the arrays; None if they cannot
    be read.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
            said, checksum = members.pop(KEY).item(), members.pop(CHECKSUM).item()
    except Exception:  # zipfile, zlib and NumPy raise a dozen kinds on damaged bytes
        return None
    return said, checksum, {name.removeprefix(OF_ARRAYS): value for name, value in members.items()}


def _checksum(said: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the key and the arrays' names, types, shapes and bytes, in their order."""
    digest = hashlib.sha256(said.encode())
    for name, value in arrays.items():
        digest.update(repr((name, value.dtype.descr, value.shape)).encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
