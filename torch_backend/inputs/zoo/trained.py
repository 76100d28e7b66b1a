"""What is told of a trained network, and how the files of its package are found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

from torch import nn

from rankone.errors import refuse
from torch_backend.inputs.preprocessing import Preprocessing


@dataclass(frozen=True)
class Trained:
    """A network with its weights, in a package.

    source: the package and its version, licence: of the weights; both stand in every table and picture.
    provenance: sentences on what it is, who trained it, and what it is not. classes: their names, in the
    order of its outputs.
    """

    source: str
    licence: str
    provenance: tuple[str, ...]
    reads: Preprocessing
    build: Callable[[], nn.Module]
    classes: Callable[[], tuple[str, ...]]


def needed(package: str, module: str) -> ModuleType:
    """The module of a package of the extra `zoo`; ValueError if it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        install = "pip install 'rankone[zoo]'"
        return refuse("model", expected=f"the package {package}", got="none installed", do=install)


def file_of(package: str, path: str, sha256: str) -> Path:
    """A data file of an installed package, without running a line of its code; ValueError if the package is
    not there or the file is not the one that was measured here (its SHA-256).
    """
    install = "pip install 'rankone[zoo]'"
    try:
        file = Path(distribution(package).locate_file(path))
    except PackageNotFoundError:
        refuse("model", expected=f"the package {package}", got="none installed", do=install)
    if not file.is_file():
        refuse("model", expected=f"{path} in the package {package}", got="no such file", do=install)
    if (found := hashlib.sha256(file.read_bytes()).hexdigest()) != sha256:
        expected, got = f"{file.name} with SHA-256 {sha256[:8]}…", f"{found[:8]}…"
        refuse("model", expected=expected, got=got, do=f"install the pinned version: {install}")
    return file
