"""Memory that keeps its pages: a sweep on the CPU frees large tensors and asks for others all the time.

glibc returns every block above 32 MB to the system at once, and the system clears the next one page by page:
up to a third of a sweep. torch's allocator for GPUs keeps what is freed for the same reason.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

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

    `sweep` does this for itself, `csc` and `saliency` for all their batches; a loop of your own over images
    gains from it, too. May be nested. It concerns the whole process and leaves malloc's thresholds at RETURN,
    whatever they were; a sweep that is given up half-way holds the memory until it is closed. Without glibc
    (Linux) nothing happens.
    """
    global _users
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(libc, "mallopt"):
        yield
        return
    with _lock:
        _users += 1
        _set(libc, KEEP)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _set(libc, RETURN)
                libc.malloc_trim(0)


def _set(libc: ctypes.CDLL, parameters: dict[int, int]) -> None:
    for parameter, value in parameters.items():
        libc.mallopt(parameter, value)
