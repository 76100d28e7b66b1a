"""The i-th of n parts of a list of tasks, for machines that know nothing of each other."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rankone.errors import refuse

AUTO = "auto"
MPI = "RANK", "WORLD_SIZE"
SLURM = "SLURM_ARRAY_TASK_ID"
EXPECTED = "i/n with 1 ≤ i ≤ n, or auto"


@dataclass(frozen=True)
class Shard:
    """The tasks at the places k with k mod n = i − 1.

    ValueError unless 1 ≤ i ≤ n.
    """

    i: int
    n: int

    def __post_init__(self) -> None:
        if not 1 <= self.i <= self.n:
            refuse("shard", expected=EXPECTED, got=str(self), do="the first of three is 1/3, the last 3/3")

    def __str__(self) -> str:
        return f"{self.i}/{self.n}"

    def of(self, count: int) -> range:
        """Its places in a list of `count` tasks; empty where there are fewer tasks than shards."""
        return range(self.i - 1, count, self.n)


WHOLE = Shard(1, 1)


def shard_named(text: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """The shard "i/n"; "auto": that of this process in a job array of Slurm, or of its RANK in WORLD_SIZE.

    ValueError for what is neither, for auto where no such variables are set, and where they contradict each
    other, as in an array with gaps, or of one.
    """
    if text == AUTO:
        return _of_this_process(environment)
    if not (match := re.fullmatch(r"([0-9]+)/([0-9]+)", text)):
        refuse("shard", expected=EXPECTED, got=repr(text), do="the first of three is 1/3, the last 3/3")
    return Shard(int(match[1]), int(match[2]))


def _of_this_process(environment: Mapping[str, str]) -> Shard:
    known = {shard for shard in (_of_ranks(environment), _of_an_array(environment)) if shard}
    if not known:
        expected = f"{' and '.join(MPI)}, or those of a Slurm job array ({SLURM}, …)"
        refuse("shard auto", expected=expected, got="neither", do="say --shard i/n")
    if len(known) > 1:
        got = f"{SLURM} that says {_of_an_array(environment)}, and RANK that says {_of_ranks(environment)}"
        refuse("shard auto", expected="one shard", got=got, do="say --shard i/n")
    return known.pop()


def _of_ranks(environment: Mapping[str, str]) -> Shard | None:
    """RANK counts from 0."""
    if not any(name in environment for name in MPI):
        return None
    rank, size = (_number(environment, name) for name in MPI)
    if rank >= size:
        got = f"RANK {rank} of WORLD_SIZE {size}"
        refuse("shard auto", expected="a RANK from 0 to WORLD_SIZE − 1", got=got, do="say --shard i/n")
    return Shard(rank + 1, size)


def _of_an_array(environment: Mapping[str, str]) -> Shard | None:
    """Slurm's numbers run from MIN to MAX in steps of STEP. One of an array that is submitted again by itself
    is refused: Slurm does not say what it was one of.
    """
    if SLURM not in environment:
        return None
    number, count = (_number(environment, f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "COUNT"))
    if count == 1:
        do = "say --shard i/n, or submit the whole array: what is done stays done"
        refuse("shard auto", expected="a job array of several", got=f"number {number} alone", do=do)
    low = _number(environment, "SLURM_ARRAY_TASK_MIN", "0")
    step = _number(environment, "SLURM_ARRAY_TASK_STEP", "1")
    high = _number(environment, "SLURM_ARRAY_TASK_MAX", str(low + step * (count - 1)))
    if step < 1 or number not in range(low, high + 1, step) or len(range(low, high + 1, step)) != count:
        got = f"number {number} of {count} from {low} to {high} in steps of {step}"
        do = "submit --array=0-31, or say --shard i/n"
        refuse("shard auto", expected="a job array without gaps", got=got, do=do)
    return Shard((number - low) // step + 1, count)


def _number(environment: Mapping[str, str], name: str, otherwise: str = "nothing") -> int:
    text = environment.get(name, otherwise)
    if not (text.isascii() and text.isdigit()):
        refuse(f"shard auto: {name}", expected="a whole number", got=text, do="say --shard i/n")
    return int(text)
