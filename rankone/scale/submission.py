"""Tasks given to a Dask scheduler: a bounded number at a time, each a whole task or its receipt."""

from __future__ import annotations

import logging
import threading
import uuid
from asyncio import CancelledError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any

from rankone.errors import refuse
from rankone.scale.receipt import MakeWorker, Receipt, Worker, reason, receipt

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = (
    1000  # tasks that the scheduler knows of: several for each of some hundred workers, and a few MB there
)
ONE_AT_A_TIME = (
    threading.Lock()
)  # of a process that was started with several threads: networks are not theirs


@dataclass(frozen=True)
class Order:
    """What a worker loads, pickled; run: another text for each run, so that nothing stays of an earlier."""

    run: str
    make_worker: bytes


def receipts(
    client: Client, places: Sequence[int], make_worker: MakeWorker, ahead: int = AHEAD
) -> Iterator[Receipt]:
    """One receipt for each place, as they come; at most `ahead` tasks are given out at once.

    ValueError where workers cannot import or load what tasks need, and where the scheduler is lost.
    """
    from distributed import as_completed

    run, waiting = uuid.uuid4().hex, iter(places)
    order = client.submit(_as_it_is, Order(run, _pickled(make_worker)), key=f"order-{run}")

    def more(count: int) -> list[Any]:
        batch = list(islice(waiting, count))
        keys = [(f"task-{run}", place) for place in batch]  # one group: the scheduler keeps it in one queue
        return client.map(_performed, batch, order=order, key=keys, pure=False) if batch else []

    running = as_completed(more(ahead), loop=client.loop)
    for batch in running.batches():
        yield from (_received(future) for future in batch)
        running.update(more(len(batch)))


@contextmanager
def quiet() -> Iterator[None]:
    """Without Dask's own words: receipts and refusals say what became of tasks, workers and scheduler."""
    from distributed.utils import silence_logging_cmgr

    with (
        silence_logging_cmgr(logging.CRITICAL),
        silence_logging_cmgr(logging.CRITICAL, "tornado.application"),
    ):
        yield


def refuse_without_dask(option: str) -> None:
    """ValueError where Dask is not installed."""
    if find_spec("distributed") is None:
        do = "pip install 'rankone[scale-out]'"
        refuse(option, expected="the extra scale-out", got="no dask.distributed installed", do=do)


def _pickled(make_worker: MakeWorker) -> bytes:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(make_worker))
    except Exception as error:  # pickle raises whatever an object's own code raises
        do = "hold file names in it, and load in the call"
        refuse("make_worker", expected="what can be pickled", got=reason(error), do=do)


def _as_it_is(order: Order) -> Order:
    return order


def _performed(place: int, *, order: Order) -> Receipt:
    """In a worker: the task is carried out. What loading raises is raised."""
    with ONE_AT_A_TIME:
        return receipt(_loaded(order), place)


@lru_cache(maxsize=1)
def _loaded(order: Order) -> Worker:
    import cloudpickle

    make_worker: MakeWorker = cloudpickle.loads(order.make_worker)
    return make_worker()


def _received(future: Future) -> Receipt:
    """What came back: a receipt; or the error of a task that ended its workers, which is the task's own, or
    one that all tasks would have.
    """
    from distributed import KilledWorker

    try:
        found: Receipt = future.result()
        return found
    except KilledWorker as error:
        times = error.allowed_failures + 1
        said = f"{times} workers died of it, one after the other: no memory, or a crash"
        return Receipt(future.key[1], error=said)
    except (Exception, CancelledError) as error:
        if future.status == "error":
            do = "give the workers the same packages and files as here"
            refuse("workers", expected="workers that load what tasks need", got=reason(error), do=do)
        do = "start it again and repeat the command: what is done stays done"
        refuse("scheduler", expected="one that stays", got="its connection lost", do=do)
