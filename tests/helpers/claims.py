"""Claims' files read: where they check, and which check corrupted data breaks."""

import ast
import sys
from pathlib import Path

import pytest

from rankone.claims import Claim, NotReproducedError


def file_of(claim: Claim) -> Path:
    """The file of a claim is named after its id."""
    module = sys.modules[claim.evidence.__module__]
    assert module.CLAIM is claim
    path = Path(module.__file__)
    assert path.stem == claim.id.replace("-", "_")
    return path


def checks_in(source: str) -> list[range]:
    """The lines of every call of `check`."""
    return [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
    ]


def line_of_failure(claim: Claim, data: dict) -> int:
    """The line in the claim's file from which the evidence raises on corrupted data."""
    path = str(file_of(claim))
    with pytest.raises(NotReproducedError, match="this check failed: ") as caught:
        claim.evidence(**data)
    return max(entry.lineno + 1 for entry in caught.traceback if str(entry.path) == path)


def unbroken_checks(claim: Claim, breaks: list[dict]) -> list[range]:
    """The checks that none of the corrupted data breaks."""
    failed = [line_of_failure(claim, data) for data in breaks]
    checks = checks_in(file_of(claim).read_text())
    assert checks
    return [lines for lines in checks if not any(line in lines for line in failed)]


def unchecked_sentences(claim: Claim) -> list[str]:
    """What the evidence reports without a `check`."""
    (found,) = [
        node.args[1]
        for node in ast.walk(ast.parse(file_of(claim).read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Evidence"
    ]
    sentences = found.elts if isinstance(found, ast.Tuple) else [found]
    return [text for text in map(ast.unparse, sentences) if not checks_in(text)]
