"""The adapters are small, need no library to be imported, and what they say of a tool is true."""

import ast
import subprocess
import sys

import pytest

from tests.helpers import sources

ROOM = sources.ROOT / "torch_backend/adapters"
ADAPTERS = ("captum", "zennit", "quantus", "grad_cam", "shap")
MOST_LINES = 30
LIBRARIES = ("captum", "zennit", "quantus", "pytorch_grad_cam", "shap", "numba")


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_at_most_30_lines(name) -> None:
    assert len((ROOM / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_every_file_of_the_room_is_an_adapter_or_the_metric() -> None:
    assert sources.submodules(ROOM) == {*ADAPTERS, "quantus_metric"}


def test_no_library_is_imported_before_it_is_used() -> None:
    modules = ", ".join(f"torch_backend.adapters.{name}" for name in ADAPTERS)
    code = f"import sys, torch_backend, {modules}; print(*({set(LIBRARIES)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=sources.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_one_function(name) -> None:
    tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["tool"]
