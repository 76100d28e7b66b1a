"""Ctrl-C is for the command, which ends its workers: a terminal sends it to all processes of a command."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def held_back() -> Iterator[None]:
    """Ctrl-C waits for the end of the block; threads that begin in it, and their processes, never hear it."""
    resource_tracker.ensure_running()  # which lets signals through in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
