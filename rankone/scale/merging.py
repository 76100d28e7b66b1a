"""The units of several run directories in one: shards of a run become the run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rankone.errors import refuse
from rankone.results.runs import Unit, unit_of
from rankone.results.whole import write_whole
from rankone.scale.run import FILE, UNITS, Run


@dataclass(frozen=True)
class Merged:
    """copied: units that were copied; there: units that were there before, or in several of the directories;
    foreign: units of other runs, left where they are; damaged: files of which no whole copy was found;
    missing: the names of tasks without a unit, in their order.
    """

    run: Run
    copied: int
    there: int
    foreign: int
    damaged: tuple[Path, ...]
    missing: tuple[str, ...]

    def summary(self) -> str:
        """The counts in words."""
        tasks = len(self.run.tasks)
        said = [f"{tasks - len(self.missing)} of {tasks} tasks are there: {self.copied} units copied"]
        for count, what in (
            (self.there, "there before"),
            (self.foreign, "of other runs left out"),
            (len(self.damaged), "damaged"),
        ):
            said += [f"{count} {what}"] if count else []
        return ", ".join(said)


def merge(folders: Sequence[str | Path], out: str | Path) -> Merged:
    """Copy the whole units of the run directories `folders` into the run directory `out`.

    Each unit is read and checked. ValueError for directories of different runs (other tasks, code, weights,
    settings), for one task's units with the same key and different numbers, for what is no run directory;
    OSError where `out` cannot be written.
    """
    sources, out = [Path(folder) for folder in folders], Path(out)
    if not sources:
        refuse("merge", expected="run directories", got="none", do="name those of all shards")
    run = _of_all([*sources, *([out] if (out / FILE).exists() else [])])
    run.write(out)
    known = {path.name: unit for path, unit in _units([out]) if unit and run.has(unit.key)}
    before, copied, foreign = set(known), 0, 0
    damaged: dict[str, Path] = {}
    for path, unit in _units(sources):
        if unit is None:
            damaged[path.name] = path
        elif not run.has(unit.key):
            foreign += 1
        elif path.name not in known:
            write_whole(out / UNITS / path.name, unit.content)
            known[path.name] = unit.without_content()
            copied += 1
        elif known[path.name].checksum != unit.checksum:
            do = "compute it again, or leave one directory out"
            refuse(str(path), expected="the numbers it has elsewhere", got="others", do=do)
        else:
            before.add(path.name)
    names = {unit.name for unit in known.values()}
    return Merged(
        run,
        copied,
        len(before),
        foreign,
        tuple(path for name, path in sorted(damaged.items()) if name not in known),
        tuple(task for task in run.tasks if task not in names),
    )


def _of_all(folders: Iterable[Path]) -> Run:
    """The one run that all directories are of."""
    first, *others = [(folder, Run.read(folder)) for folder in folders]
    for folder, run in others:
        if what := first[1].differs(run):
            do = "merge shards of one run, made by one version"
            refuse(str(folder), expected=f"the run of {first[0]}", got=f"another: {what}", do=do)
    return first[1]


def _units(folders: Iterable[Path]) -> Iterator[tuple[Path, Unit | None]]:
    """The files of units, each with what it holds, or None where it is damaged."""
    for folder in folders:
        for path in sorted((folder / UNITS).glob("*.npz")):
            yield path, unit_of(path)
