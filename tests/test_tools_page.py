"""docs/tools.md, followed: its Python blocks run, one after the other, and its places exist."""

import re

import pytest

from tests.helpers import sources
from torch_backend.audit import hidden

PAGE = (sources.ROOT / "docs/tools.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning")
def test_its_blocks_run(capsys) -> None:
    names: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/tools.md", "exec"), names)
    said = capsys.readouterr().out
    assert said.startswith("sampled over 3 classes") and "Saliency" in said
    assert (names["found"].logit[..., 0] > 0.99).all(), "guided backpropagation keeps its map"


def test_its_places_exist() -> None:
    files = re.findall(r"`((?:torch_backend|tests)/[\w/.]*)`", PAGE)
    links = re.findall(r"\]\(\.\./([\w/.]*)\)", PAGE)
    assert len(files) >= 2 and len(links) == 2
    assert all((sources.ROOT / path).exists() for path in files + links)


def test_all_that_can_be_hidden_is_listed() -> None:
    known = {name for name, value in vars(hidden).items() if isinstance(value, hidden.Hidden)}
    assert known == set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
