"""The engine of this process: one task after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rankone.scale.receipt import MakeWorker, Receipt, receipt


@dataclass(frozen=True)
class Here:
    """Carries the tasks out in this process, in their order."""

    def receipts(self, places: Sequence[int], make_worker: MakeWorker) -> Iterator[Receipt]:
        """A receipt for each place. What `make_worker` raises is raised."""
        worker = make_worker()
        return (receipt(worker, place) for place in places)
