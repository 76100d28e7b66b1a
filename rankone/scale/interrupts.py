"""In a worker process of this machine: Ctrl-C is for the command, which ends its workers."""

import signal


def dask_setup(_: object) -> None:
    """Called by Dask when a worker starts: a terminal sends Ctrl-C to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
