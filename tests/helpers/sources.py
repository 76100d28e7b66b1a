"""The project's packages read from their sources: contents pages, public names, imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def packages(top: Path) -> Iterator[Path]:
    """The folders that are packages, `top` first."""
    yield from sorted(path.parent for path in top.rglob("__init__.py"))


def submodules(package: Path) -> set[str]:
    """The names of a package's modules and packages."""
    files = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return files | {path.parent.name for path in package.glob("*/__init__.py")}


def contents(package: Path) -> str:
    """The docstring of its `__init__`, the contents page."""
    return ast.get_docstring(_tree(package / "__init__.py")) or ""


def mentions(page: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", page) is not None


def exported(package: Path) -> list[str]:
    """The names in the package's `__all__`, [] if it has none."""
    for node in _tree(package / "__init__.py").body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def imported(package: Path) -> dict[str, str]:
    """The names that the package's `__init__` imports -> from which module."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in _tree(package / "__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def imports(file: Path) -> set[str]:
    """Every module that a file imports anywhere in it, as written; `from a import b` counts as a and a.b."""
    found = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
