"""What every benchmark shares: the machine in words, its floor rates, medians of repeats, a dated table."""

import ctypes
import gc
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike

RESULTS = Path(__file__).parent / "results"
GEMM_SIZE = 2048  # large enough for the peak rate, small enough for a fraction of a second
MEMORY_ENTRIES = 2**26  # of float32: 256 MiB, beyond any cache


def describe_machine(packages: Sequence[str] = ("numpy", "scipy")) -> str:
    """One line: processor, cores, Python and the versions of `packages`, the date."""
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    python = platform.python_version()
    return f"{processor}, {cores} cores, Python {python}, {versions}, {date.today().isoformat()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def time_of(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def median_time(function: Callable[[], object], repeats: int = 3) -> float:
    """Median wall-clock seconds of `repeats` calls, after one call that warms up."""
    function()
    return median(time_of(function) for _ in range(repeats))


def side_by_side(
    functions: Mapping[str, Callable[[], object]],
    repeats: int = 3,
    within: Mapping[str, Callable[[], AbstractContextManager[None]]] = MappingProxyType({}),
    untimed: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, float]:
    """Median seconds of each function, the repeats interleaved so that a slow minute hits all alike.

    Each timed call follows untimed ones (one, where `untimed` says nothing else), as in a loop; `within`
    names contexts that such a loop runs in.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            with within.get(name, nullcontext)():
                for _ in range(untimed.get(name, 1)):
                    function()
                times[name].append(time_of(function))
    return {name: median(seconds) for name, seconds in times.items()}


def peak_memory(function: Callable[[], object]) -> int:
    """Bytes of resident memory that one call takes beyond what the process holds before it (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak starts anew
    before = _resident("VmRSS")
    function()
    return _resident("VmHWM") - before


def _resident(field: str) -> int:
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return 1024 * int(line.split()[1])


def gemm_rate(dtype: DTypeLike = np.float64) -> float:
    """Measured rate of a square NumPy matrix product, in floating-point operations a second."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((GEMM_SIZE, GEMM_SIZE)).astype(dtype)
    b = rng.standard_normal((GEMM_SIZE, GEMM_SIZE)).astype(dtype)
    return 2 * GEMM_SIZE**3 / median_time(lambda: a @ b)


def memory_pass(threads: int) -> tuple[Callable[[], object], int]:
    """An addition of arrays far larger than the caches, and the bytes that it reads and writes.

    Counted: a and b read once, the sum written once; not that most processors read a line before they write
    it. The time of the function gives the bandwidth of `threads` cores together.
    """
    a, b, out = (np.ones(MEMORY_ENTRIES, np.float32) for _ in range(3))
    parts = [slice(k * len(a) // threads, (k + 1) * len(a) // threads) for k in range(threads)]

    def add() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: np.add(a[part], b[part], out=out[part]), parts))

    return add, a.nbytes + b.nbytes + out.nbytes


def write_table(
    name: str, title: str, header: Sequence[str], rows: Iterable[Sequence[object]], notes: str = ""
) -> Path:
    """Write benchmarks/results/<name>.md: title, machine and date, a table, notes; return its path."""
    lines = [f"# {title}", "", describe_machine(), "", "| " + " | ".join(header) + " |"]
    lines += ["|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    lines += ["", notes] if notes else []
    path = RESULTS / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path
