"""Files that are written whole or not at all, and places found to be writable before anything is computed."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = 4096  # bytes: a full disk has no room for that much


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path`; returns the path. After a full disk or Ctrl-C the path is as it was before.

    The bytes go into the same folder, which is made if need be, under a name of their own, onto the disk, and
    then take the name. Links are followed, permissions of a file that is replaced are kept. A device or a
    pipe is written to as it is.
    OSError, in one line that names the path, if it cannot be written.
    """
    return write_parts(path, (content,))


def write_parts(path: str | Path, parts: Iterable[bytes | memoryview]) -> Path:
    """`write_whole` of the parts one after the other, for a content that is not to be joined in memory."""
    path = Path(path)
    with _said(path):
        if _is_stream(path):
            with path.open("wb") as stream:
                stream.writelines(parts)
            return path
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with temporary.open("xb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def refuse_unwritable(*paths: str | Path) -> None:
    """OSError, in one line, for the first of `paths` that could not be written now; nothing is left behind.

    Folders that do not exist yet count as writable if they can be made.
    """
    for path in map(Path, paths):
        with _said(path):
            if _is_stream(path):
                continue
            target = Path(os.path.realpath(path))
            if target.is_dir():
                raise IsADirectoryError(None, "a folder")
            if target.exists() and not os.access(target, os.W_OK):
                raise PermissionError(None, "a file that is protected from writing")
            folder = next(parent for parent in target.parents if os.path.lexists(parent))
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(BLOCK))
                probe.flush()
                os.fsync(probe.fileno())


def _is_stream(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Whatever the system says of `path`, in the house form."""
    try:
        yield
    except OSError as error:
        got = error.strerror or str(error)
        raise type(error)(
            f"{path}: expected a place for a file, got: {got}; make room there or name another"
        ) from error
