"""How many tasks a second does a Dask scheduler hand out, and what does it hold in memory?

    python -m benchmarks.scheduler_load [--counts 2000,10000,50000] [--workers 2] [--unbounded 10000]

A real scheduler with real workers, each a process of its own, and tasks that do nothing, given out by
`rankone.scale.Scheduler` as an audit's are: a bounded number at a time. CPU seconds of the scheduler's
process are measured. It has one thread: their inverse is the most tasks a second that it can hand out, to
however many workers, whatever else the machine does.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.measure import write_table
from rankone.scale import Scheduler
from rankone.scale.submission import AHEAD

MEGABYTE = 1e6
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Nothing:
    """Tasks that do nothing."""

    def __call__(self) -> Callable[[int], str]:
        return "unit of task {}".format


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a scheduler with workers, and the scheduler's process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        dask, at = [sys.executable, "-m", "dask"], ["--scheduler-file", str(file), "--no-dashboard"]
        here = ["--host", "127.0.0.1", "--port", "0"]
        programs = [subprocess.Popen([*dask, "scheduler", *here, *at], **SILENT)]
        try:
            while not file.exists():
                time.sleep(0.1)
            alone = ["--nthreads", "1", "--no-nanny", "--local-directory", folder]
            programs += [subprocess.Popen([*dask, "worker", *alone, *at], **SILENT) for _ in range(workers)]
            yield json.loads(file.read_text())["address"], psutil.Process(programs[0].pid)
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


def busy(process: psutil.Process) -> float:
    """CPU seconds so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def load(count: int, workers: int, ahead: int) -> list[str]:
    """A row: `count` tasks, at most `ahead` given out at once."""
    with cluster(workers) as (address, scheduler):
        tasks = Scheduler(address, ahead=ahead).receipts(range(count), Nothing())
        next(tasks)
        held = most = scheduler.memory_info().rss
        before, own, begun = busy(scheduler), time.process_time(), time.monotonic()
        for done, _ in enumerate(tasks):
            if done % 500 == 0:
                most = max(most, scheduler.memory_info().rss)
        each, client = (busy(scheduler) - before) / count, (time.process_time() - own) / count
        wall = count / (time.monotonic() - begun)
    row = [f"{count:,}", f"{ahead:,}", f"{1e3 * each:.2f}", f"{1e3 * client:.2f}", f"{1 / each:.0f}"]
    row += [f"{wall:.0f}", f"{held / MEGABYTE:.0f}", f"{most / MEGABYTE:.0f}"]
    print(*row, sep="  ", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="2000,10000,50000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--unbounded", type=int, default=10000)
    arguments = parser.parse_args()
    rows = [load(int(count), arguments.workers, AHEAD) for count in arguments.counts.split(",")]
    rows += [load(arguments.unbounded, arguments.workers, arguments.unbounded)]
    header = ["tasks", "given out at once", "scheduler, CPU ms a task", "this process, CPU ms a task"]
    header += [
        "tasks a second at most",
        "tasks a second here",
        "scheduler first, MB",
        "at most, MB",
    ]
    write_table(
        "scheduler_load",
        f"The load of a Dask scheduler: empty tasks, {arguments.workers} workers",
        header,
        rows,
        "Tasks a second at most: what the whole time of one core is enough for, the inverse of the "
        "scheduler's CPU time a task. Tasks a second here are wall-clock, on a machine shared with other "
        "work, and say little. First: resident memory when the first task had come back. The last row gives "
        "all tasks out at once.",
    )


if __name__ == "__main__":
    main()
