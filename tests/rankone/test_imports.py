"""`import rankone` and each of its submodules load neither torch nor matplotlib; and this guard can fail."""

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

import rankone

HEAVY = {"torch", "torchvision", "matplotlib"}
# claims.* are the ledger's entries, loaded with it; strategies needs hypothesis, which is no heavy module
SUBMODULES = sorted(module.name for module in pkgutil.walk_packages(rankone.__path__, "rankone."))


def heavy_modules_after(code: str) -> set[str]:
    """Which heavy modules a fresh interpreter has loaded after running `code`."""
    report = f"{code}\nimport sys\nprint(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_rankone_is_light():
    assert heavy_modules_after("import rankone") == set()


def test_every_submodule_is_light():
    imports = "\n".join(f"import {name}" for name in SUBMODULES)
    assert "rankone.chain" in SUBMODULES
    assert heavy_modules_after(imports) == set()


def test_import_rankone_loads_no_submodule_and_no_scipy():
    code = "import rankone, sys\nassert not [m for m in sys.modules if m.startswith(('rankone.', 'scipy'))]"
    assert heavy_modules_after(code) == set()


def test_similarity_does_not_load_scipy_stats():
    assert (
        heavy_modules_after("import rankone.similarity, sys\nassert 'scipy.stats' not in sys.modules")
        == set()
    )


@pytest.mark.parametrize("name", ["matplotlib"])
def test_the_guard_can_fail(name):
    assert heavy_modules_after(f"import rankone, {name}") == {name}


def test_the_table_of_contents_is_complete():
    assert sorted(re.findall(r"^    (\w+) ", rankone.__doc__, re.MULTILINE)) == rankone.__all__
    for name in rankone.__all__:
        assert getattr(rankone, name).__name__.rpartition(".")[2] == name
        assert importlib.import_module(f"rankone.{name}") is getattr(rankone, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rankone.nothing
