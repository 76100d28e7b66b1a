"""The documentation's site, built from a folder with an mkdocs.yml."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """What a build left: its exit status, what it said, and the folder."""

    status: int
    said: str
    folder: Path

    def pages(self) -> list[Path]:
        return sorted(self.folder.rglob("*.html"))


def build(project: Path, folder: Path) -> Site:
    """The site of the project's mkdocs.yml, in the folder."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=quiet, capture_output=True, text=True)
    return Site(done.returncode, done.stdout + done.stderr, folder)
