"""All tasks of a list, or of a shard of it, by one of the engines."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rankone.errors import refuse
from rankone.scale.here import Here
from rankone.scale.receipt import MakeWorker, Receipt
from rankone.scale.shard import WHOLE, Shard

PATIENCE = 90.0  # seconds: a network file system shows another machine's new file within 60, NFS's acdirmax
HERE = Here()


class Engine(Protocol):
    """Who carries tasks out: `Here`, `Workers`, `Scheduler`."""

    def receipts(self, places: Sequence[int], make_worker: MakeWorker) -> Iterator[Receipt]:
        """One receipt for each place, in any order, each as soon as its task has come to an end."""


def carry_out(
    count: int,
    make_worker: MakeWorker,
    engine: Engine = HERE,
    *,
    folder: str | Path,
    shard: Shard = WHOLE,
    ended: Callable[[Receipt], object] = lambda _: None,
) -> list[Receipt]:
    """The receipts of the tasks 0, …, count − 1, or of a shard of them, in their order.

    make_worker  called once in each process; it loads all that tasks need and returns what carries out the
                 task at a place
    folder       where the units are written, as seen from here
    ended        told of each receipt as it comes
    A task that raises has a receipt that says what, and is no concern of the others. ValueError where a unit
    is not in the folder, as with workers that write to another disk, and for what the engine refuses.
    """
    places, found = shard.of(count), dict[int, Receipt]()
    for receipt in engine.receipts(places, make_worker) if places else ():
        if receipt.unit:
            _refuse_absent(Path(folder) / receipt.unit)
        found[receipt.place] = receipt
        ended(receipt)
    if lost := [place for place in places if place not in found]:
        refuse(
            "engine",
            expected=f"{len(places)} receipts",
            got=f"none of {len(lost)} tasks",
            do="repeat the command",
        )
    return [found[place] for place in places]


def _refuse_absent(unit: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not unit.exists():
        if time.monotonic() > until:
            do = "give a folder that all workers share"
            refuse("units", expected=f"{unit.name} in {unit.parent}", got="no such file", do=do)
        time.sleep(0.1)
