"""Memory that keeps its pages: a sweep on the CPU frees large tensors and asks for others all the time.

glibc returns every block above 32 MB to the system at once, and the system clears the next one page by page:
up to a third of a sweep. torch's allocator for GPUs keeps what is freed for the same reason.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TypeVar

Item = TypeVar("Item")
_END = object()

# Parameters of mallopt(3): blocks that come straight from the system, how many and from which size on; how
# much free memory stays with the process.
MMAP_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD = -4, -3, -1
KEEP = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}
# Where glibc's own adjustment ends as soon as a process has freed a block of 32 MB.
RETURN = {MMAP_MAX: 65536, MMAP_THRESHOLD: 32 << 20, TRIM_THRESHOLD: 64 << 20}

_lock = RLock()  # the garbage collector may close a sweep that was given up, at any time
_users = 0


@contextmanager
def kept_pages() -> Iterator[None]:
    """Inside, freed memory stays with the process for its next tensors; at the end all of it is returned.

    `sweep` does this for itself while it computes, `csc` and `saliency` for all their batches; a loop of your
    own over images gains from it, too. May be nested. It concerns the whole process and leaves malloc's
    thresholds at RETURN, whatever they were. Without glibc (Linux) nothing happens.
    """
    try:
        with _keeping():
            yield
    finally:
        _give_back()


def computed_in_kept_pages(items: Generator[Item]) -> Iterator[Item]:
    """The items, each computed inside `kept_pages`. While the caller has one in hand, malloc is as usual; the
    freed memory is returned when the items end or are given up.
    """
    try:
        while True:
            with _keeping():
                item = next(items, _END)
            if item is _END:
                return
            yield item
    finally:
        items.close()
        _give_back()


@contextmanager
def _keeping() -> Iterator[None]:
    """Freed memory stays, as long as anybody is inside."""
    _count(+1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _users
    with _lock:
        before, _users = _users, _users + change
        if 0 in (before, _users) and (libc := _libc()):
            for parameter, value in (KEEP if _users else RETURN).items():
                libc.mallopt(parameter, value)


def _give_back() -> None:
    with _lock:
        if not _users and (libc := _libc()):
            libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """The C library, if it has glibc's switches."""
    return _glibc() if sys.platform == "linux" else None


@cache
def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") else None
