"""An audit's tasks for whoever carries them out (rankone.scale): this process, others, or a part in each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rankone.scale import Run
from torch_backend.audit.bench import Bench
from torch_backend.audit.options import Options
from torch_backend.audit.tasks import common, key, perform, tasks, units
from torch_backend.commands.audit import laid

PLACES = ("--out", "--workers", "--scheduler", "--shard")  # options that say where and by whom
WORDLESS = ("--quiet",)  # of these the one without a value


@dataclass(frozen=True)
class Loading:
    """Called in a process, it lays the bench there and returns what carries out the task at a place. What has
    to be said of the network is said by the process that asked.
    """

    options: Options

    def __call__(self) -> Callable[[int], str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return worker(laid(self.options), self.options)


def loading(options: Options) -> Loading:
    """With the folder by its whole path: a worker may have been started elsewhere."""
    return Loading(replace(options, out=str(Path(options.out).resolve())))


def worker(bench: Bench, options: Options) -> Callable[[int], str]:
    """Carries out the task at a place of `tasks(bench, options)`; returns the name of its unit's file."""
    work, folder = tasks(bench, options), units(options)

    def carried_out(place: int) -> str:
        perform(bench, options, work[place])
        return folder.file(work[place].name, key(bench, options, work[place]))

    return carried_out


def run_of(bench: Bench, options: Options, words: Sequence[str]) -> Run:
    """What the run's folder says of it. words: the command's, of which those that say where and by whom are
    left out.
    """
    return Run(tuple(t.name for t in tasks(bench, options)), common(bench, options), _without_places(words))


def _without_places(words: Sequence[str]) -> tuple[str, ...]:
    kept, left = [], list(words)
    while left:
        word = left.pop(0)
        if word in PLACES:
            left[:1] = []
        elif word not in WORDLESS and word.partition("=")[0] not in PLACES:
            kept.append(word)
    return tuple(kept)
