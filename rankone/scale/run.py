"""What a run directory is of: its tasks, and what their units have in common."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rankone.errors import refuse
from rankone.results.runs import canonical
from rankone.results.whole import write_whole

FILE = "run.json"
UNITS = "units"  # the folder of units in a run directory


@dataclass(frozen=True)
class Run:
    """tasks: their names, in their order; the unit of a task has its name.
    about: what all their units' keys have in common: digests of weights and code, versions, settings.
    command: the words that made the run, without those that say where and by whom it is carried out.
    """

    tasks: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    def write(self, folder: str | Path) -> Path:
        """Into a run directory, once the whole run is known and before its tasks are carried out."""
        content = canonical({"tasks": self.tasks, "about": self.about, "command": self.command})
        return write_whole(Path(folder) / FILE, content.encode())

    @classmethod
    def read(cls, folder: str | Path) -> "Run":
        """Of a run directory; ValueError where there is none."""
        path = Path(folder) / FILE
        try:
            found = json.loads(path.read_bytes())
            return cls(tuple(found["tasks"]), dict(found["about"]), tuple(found["command"]))
        except (OSError, ValueError, KeyError, TypeError):
            do = "name directories that `--shard` was given as --out"
            refuse(str(folder), expected=f"a run directory with a whole {FILE}", got="none", do=do)

    def differs(self, other: "Run") -> str:
        """In what another run differs, in words; nothing where it is the same, whatever it was called."""
        parts = [
            name for name in sorted({*self.about, *other.about}) if not _same(name, self.about, other.about)
        ]
        return ", ".join(parts) or ("tasks" if self.tasks != other.tasks else "")

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether a unit with that key is one of the run's."""
        return all(_same(name, self.about, key) for name in self.about)


def _same(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether both have one value of that name; 1, 1.0 and True are three."""
    return name in a and name in b and canonical({"": a[name]}) == canonical({"": b[name]})
