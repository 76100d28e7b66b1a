"""Toy tasks for engines: small units of random numbers, and tasks that fail, stop or kill their process; and
small clusters of programs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rankone.errors import Overflow, one_line, refuse
from rankone.results.runs import Units
from rankone.scale import Engine, Here, Run, Scheduler, Workers, carry_out, shard_named
from tests.helpers.sources import ROOT

STEP = 30_000_000  # bytes that a greedy task takes at a time, a hundred times
PATIENCE = 200.0  # seconds: the machine may be busy
ABOUT = {"seed": 0, "weights": "abc"}


@dataclass(frozen=True)
class Toys:
    """Tasks that each write a unit of 1000 numbers, after so many seconds. A worker says in `loads` who
    loaded, and in `begun` which tasks it began. overflowing, leaving, killing, greedy: those that cannot be
    done. held: bytes that a worker takes, all in all, when it has loaded.
    """

    folder: Path
    seconds: float = 0.0
    overflowing: tuple[int, ...] = ()
    killing: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()
    greedy: tuple[int, ...] = ()
    held: int = 0
    version: int = 0

    def __call__(self) -> Callable[[int], str]:
        kept = np.ones(max(0, self.held - resident()), np.uint8)
        note(self.folder / "loads", os.getpid())
        units = Units(self.folder / "units")
        return lambda place: self.carried_out(units, place) if kept.all() else ""

    def carried_out(self, units: Units, place: int) -> str:
        note(self.folder / "begun", os.getpid(), place)
        key = {**ABOUT, "version": self.version, "place": place}
        units.get(name(place), key, lambda: self.computed(place))
        return units.file(name(place), key)

    def computed(self, place: int) -> dict[str, np.ndarray]:
        time.sleep(self.seconds)
        if place in self.overflowing:
            refuse("maps", expected="finite numbers", got="infinity", do="use float64", kind=Overflow)
        if place in self.leaving:
            sys.exit("a tool that leaves")
        if place in self.killing:
            os.kill(os.getpid(), signal.SIGKILL)
        if place in self.greedy:
            taken = [np.ones(STEP, np.uint8) for _ in range(100) if time.sleep(0.05) is None]
            return {"x": np.array(len(taken))}
        return {"x": np.random.default_rng(place).standard_normal(1000)}


@dataclass(frozen=True)
class Missing:
    """What cannot be loaded."""

    def __call__(self) -> Callable[[int], str]:
        raise FileNotFoundError("weights.safetensors")


def resident() -> int:
    """Bytes of memory that this process takes."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return 1024 * int(line.split()[1])


def name(place: int) -> str:
    """Of a toy task."""
    return f"toy {place}"


def run_of(count: int, version: int = 0) -> Run:
    """What a directory of toy tasks is of."""
    return Run(tuple(name(place) for place in range(count)), {**ABOUT, "version": version})


def note(path: Path, *words: object) -> None:
    """One more line in a file that several processes write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(" ".join(map(str, words)) + "\n")


def notes(path: Path) -> list[list[int]]:
    """Its lines, as numbers."""
    return (
        [[int(word) for word in line.split()] for line in path.read_text().splitlines()]
        if path.exists()
        else []
    )


def contents(folder: Path) -> dict[str, bytes]:
    """The units of a run directory, by their files."""
    return {path.name: path.read_bytes() for path in (folder / "units").glob("*.npz")}


def wait_until(condition: Callable[[], object]) -> None:
    """Until it is true; AssertionError if that takes longer than a busy machine needs."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "never happened"
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def cluster_in(folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a scheduler with workers, each a program of its own as on a cluster; and the scheduler's
    process.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    said = {"cwd": ROOT, "env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    file = folder / "scheduler.json"
    words = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--no-show", "--scheduler-file", file]
    dask = [sys.executable, "-m", "dask"]
    programs = [subprocess.Popen([*dask, "scheduler", *map(str, words)], **said)]
    try:
        wait_until(file.exists)
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", folder, "--scheduler-file", file]
        programs += [subprocess.Popen([*dask, "worker", *map(str, options)], **said) for _ in range(workers)]
        yield json.loads(file.read_text())["address"], programs[0]
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait()


def engine_named(text: str) -> Engine:
    """here, 2 for two workers, or the address of a scheduler."""
    if text == "here":
        return Here()
    return Workers(int(text)) if text.isdigit() else Scheduler(text, timeout=5)


def main(folder: str, engine: str, shard: str, count: str, seconds: str) -> None:
    """A command of toy tasks, to be run in a process of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs do not hear it
    toys = Toys(Path(folder), float(seconds))
    with one_line("toys"):
        run_of(int(count)).write(folder)
        found = carry_out(
            int(count),
            toys,
            engine_named(engine),
            folder=Path(folder) / "units",
            shard=shard_named(shard),
            ended=lambda receipt: print(receipt.place, flush=True),
        )
        print("done", len(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
