"""Does it fit into memory? Asked before it is computed: afterwards is a minute later, or no longer there.

What is asked for is a lower bound of what is needed, so that nothing that fits is refused.
"""

import os
from pathlib import Path

from rankone.errors import TooLarge, refuse

MEMINFO = Path("/proc/meminfo")
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container


def available() -> int:
    """Bytes that can be had now; all of the machine's where the system does not say so."""
    if MEMINFO.exists():
        fields = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
        there = 1024 * sum(int(fields[name].split()[0]) for name in ("MemAvailable", "SwapFree"))
    else:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = GROUP_LIMIT.read_text().strip() if GROUP_LIMIT.exists() else "max"
    return there if limit == "max" else min(there, int(limit))


def refuse_beyond_memory(name: str, needed: int, *, got: object, do: str) -> None:
    """A `TooLarge` in the house form if `needed` bytes are more than there are."""
    if needed > (there := available()):
        expected = f"what fits into {in_words(there)} of memory"
        refuse(
            name,
            expected=expected,
            got=f"{got}, which takes at least {in_words(needed)}",
            do=do,
            kind=TooLarge,
        )


def in_words(count: int) -> str:
    """Three digits: 1.61 TB, 35.4 MB."""
    for power, unit in enumerate(("B", "kB", "MB", "GB", "TB", "PB")):
        if count < 1000 ** (power + 1):
            return f"{count / 1000**power:.3g} {unit}"
    return f"{count / 1000**5:.3g} PB"
