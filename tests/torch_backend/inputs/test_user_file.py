"""A file of one's own runs as if by itself: beside its neighbours, and whatever it does is one line."""

import sys

import pytest
import torch

from torch_backend import models
from torch_backend.inputs.user_file import OWN_MODULES, own

NET = """
from torch import nn
from layers import WIDTH
from parts.head import Head

def build():
    import late
    return nn.Sequential(nn.Linear(3, WIDTH), Head(WIDTH), late.last())
"""


@pytest.fixture
def folders(tmp_path):
    """Two folders with files of the same names; the second has layers of another width."""
    for name, width in (("first", 4), ("second", 7)):
        (tmp_path / name / "parts").mkdir(parents=True)
        (tmp_path / name / "net.py").write_text(NET)
        (tmp_path / name / "layers.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / name / "late.py").write_text("from torch import nn\nlast = nn.ReLU\n")
        (tmp_path / name / "parts" / "__init__.py").write_text("")
        head = f"from torch import nn\ndef Head(width):\n    return nn.Linear(width, {width + 1})\n"
        (tmp_path / name / "parts" / "head.py").write_text(head)
    return tmp_path


def widths(network):
    return [layer.out_features for layer in network if isinstance(layer, torch.nn.Linear)]


def test_neighbours_and_packages_are_imported_and_the_path_is_as_before(folders, monkeypatch):
    monkeypatch.chdir(folders)
    for name in ("first/net.py:build", f"{folders}/first/net.py:build"):
        before = list(sys.path)
        assert widths(models.load(name)) == [4, 5]
        assert sys.path == before


def test_two_folders_may_have_files_of_the_same_names(folders):
    for name, width in (("first", 4), ("second", 7), ("first", 4)):
        assert widths(models.load(f"{folders / name}/net.py:build")) == [width, width + 1]
        assert {OWN_MODULES[module] for module in ("net", "layers", "parts", "late")} == {folders / name}


def test_what_is_made_later_finds_its_own_neighbours(folders):
    first, second = (own(f"{folders / name}/net.py:build") for name in ("first", "second"))
    assert widths(second()) == [7, 8]
    assert widths(first()) == [4, 5]


def test_only_the_folders_own_modules_are_forgotten(folders):
    """Not what a file imports from elsewhere, nor what is installed in a folder below it."""
    installed = folders / "first" / ".venv" / "site_packages"
    installed.mkdir(parents=True)
    (installed / "from_below.py").write_text("")
    (folders / "first" / "uses.py").write_text(
        f"import sys\nsys.path.append({str(installed)!r})\nimport from_below, colorsys\n"
        "from torch import nn\nbuild = nn.ReLU\n"
    )
    sys.modules.pop("colorsys", None)
    models.load(f"{folders}/first/uses.py:build")
    kept = {name: sys.modules[name] for name in ("from_below", "colorsys", "torch")}
    models.load(f"{folders}/second/net.py:build")
    assert all(sys.modules[name] is module for name, module in kept.items())
    assert "uses" not in sys.modules
    sys.path.remove(str(installed))


def test_a_file_named_as_something_loaded_does_not_replace_it(folders):
    (folders / "first" / "torch.py").write_text(
        "def build():\n    from torch import nn\n    return nn.ReLU()\n"
    )
    models.load(f"{folders}/first/torch.py:build")
    assert sys.modules["torch"] is torch and "torch" not in OWN_MODULES


def test_dataclasses_find_their_module(folders):
    (folders / "first" / "net.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n"
        "from torch import nn\n"
        "@dataclass(eq=False)\nclass Net(nn.Module):\n    _: KW_ONLY\n    width: int = 3\n"
        "    def __post_init__(self):\n        super().__init__()\n"
    )
    for _ in range(2):
        assert models.load(f"{folders}/first/net.py:Net").width == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\nsys.exit('bye')\n", r"net\.py to define build, got SystemExit\('bye'\); run the file"),
        ("def build():\n    raise SystemExit\n", r"without arguments, got SystemExit\(\); write a function"),
        ("import absent_neighbour\n", "got ModuleNotFoundError"),
        ("syntax error\n", "got SyntaxError"),
    ],
)
def test_whatever_the_file_does_is_one_line_and_the_path_is_as_before(folders, text, message):
    (folders / "first" / "net.py").write_text(text)
    before = list(sys.path)
    with pytest.raises(ValueError, match=message) as caught:
        models.load(f"{folders}/first/net.py:build")
    assert "\n" not in str(caught.value)
    assert sys.path == before
    with pytest.raises(ValueError, match=message):
        models.load(f"{folders}/first/net.py:build")


def test_ctrl_c_in_the_file_is_ctrl_c(folders):
    (folders / "first" / "net.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        models.load(f"{folders}/first/net.py:build")
