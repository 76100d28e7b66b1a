"""docs/networks.md: its commands and its Python run."""

import re
import shlex
import sys

import numpy as np
import pytest
from PIL import Image

from tests.helpers import sources
from tests.helpers.command import rankone

PAGE = (sources.ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
(FILE,) = re.findall(r"^```python nets\.py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(CHECK,) = re.findall(r"^```python check\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(SHELL,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = SHELL.replace("\\\n", " ").splitlines()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    (tmp_path / "nets.py").write_text(FILE)
    for name, shape in {
        "image": (3, 3, 16, 16),
        "depth": (3, 1, 16, 16),
        "one_depth": (1, 1, 16, 16),
    }.items():
        np.save(tmp_path / f"{name}.npy", draw.standard_normal(shape).astype(np.float32))
    np.save(tmp_path / "tokens.npy", draw.integers(0, 100, (3, 7)))
    Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    yield tmp_path
    sys.modules.pop("nets", None)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_run(command, folder):
    program, *words = shlex.split(command)
    assert program == "rankone"
    assert rankone(*words).status == 0
    if "--out" in words:
        out = folder / words[words.index("--out") + 1]
        assert len([path for path in out.iterdir() if path.is_file()]) == 2


def test_its_python_runs(folder):
    exec(compile(CHECK, "networks.md", "exec"), {})


def test_readme_names_the_page():
    assert "docs/networks.md" in (sources.ROOT / "README.md").read_text(encoding="utf-8")
