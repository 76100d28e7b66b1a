"""Worker processes on this machine, through a Dask cluster of their own."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rankone.errors import refuse
from rankone.scale.interrupts import held_back
from rankone.scale.receipt import MakeWorker, Receipt
from rankone.scale.submission import quiet, receipts, refuse_without_dask

SETTINGS = {
    "distributed.scheduler.allowed-failures": 10,  # a worker is lost by chance before its task is to blame
    "distributed.scheduler.worker-saturation": 1.0,  # one task in a worker: who dies, dies of that one
    "distributed.scheduler.worker-ttl": None,  # a task may keep its process busy for longer than any limit
    # What a task holds is no data of Dask's: it cannot be spilled, and a pause would wait for it for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
}
LEAST = 400e6  # bytes: a process that Dask ends for its own size, before any task, would be started for ever


@dataclass(frozen=True)
class Workers:
    """`count` processes of one thread each.

    memory  bytes that each may take, beyond which it is ended and its task given to another; None: the
            machine's in equal shares, one of them for this process
    ValueError for fewer than one, for less memory than an empty process takes, and without Dask.
    """

    count: int
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            refuse("workers", expected="an integer ≥ 1", got=self.count, do="one for each core, at most")

    def receipts(self, places: Sequence[int], make_worker: MakeWorker) -> Iterator[Receipt]:
        """One receipt for each place, as they come. The processes end with it, however it ends."""
        refuse_without_dask("workers")
        import dask
        from distributed import Client, LocalCluster
        from distributed.system import MEMORY_LIMIT

        memory = self.memory or MEMORY_LIMIT // (self.count + 1)
        if memory < LEAST:
            got = f"{memory / 1e6:.0f} MB"
            refuse("workers", expected=f"{LEAST / 1e6:.0f} MB for each", got=got, do="take fewer")
        with quiet(), dask.config.set(SETTINGS), ExitStack() as ending:
            with held_back():
                cluster = ending.enter_context(
                    LocalCluster(
                        n_workers=self.count,
                        threads_per_worker=1,
                        processes=True,
                        memory_limit=memory,
                        dashboard_address=":0",
                        silence_logs=logging.CRITICAL,  # also in the processes
                    )
                )
                client = ending.enter_context(Client(cluster, set_as_default=False))
            yield from receipts(client, places, make_worker)
