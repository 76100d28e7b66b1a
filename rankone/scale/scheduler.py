"""A cluster, by the address of its Dask scheduler."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rankone.errors import refuse
from rankone.scale.receipt import MakeWorker, Receipt, reason
from rankone.scale.submission import AHEAD, quiet, receipts, refuse_without_dask


@dataclass(frozen=True)
class Scheduler:
    """The workers of the scheduler at an address, such as tcp://node7:8786, as many as it has at any time.

    timeout  seconds to wait for the scheduler; for workers it waits as long as they take
    ahead    tasks that the scheduler knows of at once: more than it has workers
    Memory, threads and how often a task may lose its worker are what the cluster was started with.
    ValueError for an address where none answers, and without Dask.
    """

    address: str
    timeout: float = 30.0
    ahead: int = AHEAD

    def receipts(self, places: Sequence[int], make_worker: MakeWorker) -> Iterator[Receipt]:
        """One receipt for each place, as they come. The cluster stays."""
        refuse_without_dask("scheduler")
        from distributed import Client

        with quiet():
            self._refuse_silent()
            with Client(self.address, timeout=self.timeout, set_as_default=False) as client:
                yield from receipts(client, places, make_worker, self.ahead)

    def _refuse_silent(self) -> None:
        """Before there is a Client: one that does not come about hangs when it is deleted."""
        from distributed.comm import connect
        from distributed.security import Security
        from distributed.utils import LoopRunner

        async def ask() -> None:
            options = Security().get_connection_args("client")
            await (await connect(self.address, timeout=self.timeout, **options)).close()

        try:
            LoopRunner().run_sync(ask)
        except (OSError, ValueError, TypeError) as error:
            do = "start it with `dask scheduler`, or name another"
            refuse("scheduler", expected=f"one that answers at {self.address}", got=reason(error), do=do)
