"""Every command and every Python block of the pages runs and prints what the page says."""

import re
from pathlib import Path

import pytest

from tests.helpers import pages, sources

PAGES = pages.all_pages()


def where(page: Path) -> str:
    return str(page.relative_to(sources.ROOT))


LEFT_OUT = [block for page in PAGES for block in pages.blocks(page) if block.mark == "not run"]
RUN_ELSEWHERE = [block for page in PAGES for block in pages.blocks(page) if block.mark == "run by"]


@pytest.mark.timeout(1200)  # three small audits on one page, on a busy machine
@pytest.mark.parametrize("page", PAGES, ids=where)
def test_what_the_page_shows_runs(page: Path, tmp_path, monkeypatch) -> None:
    pages.run(page, tmp_path, monkeypatch)


@pytest.mark.parametrize("block", LEFT_OUT, ids=lambda block: block.place)
def test_what_is_not_run_says_why(block: pages.Block) -> None:
    pytest.skip(block.reason)


@pytest.mark.parametrize("block", RUN_ELSEWHERE, ids=lambda block: block.place)
def test_what_runs_elsewhere_is_read_there(block: pages.Block) -> None:
    assert block.page in (sources.ROOT / block.reason).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_every_test_and_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {name for name in re.findall(r"`(test_\w+)`", text) if name not in TESTS} == set()
    paths = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]*)`", text)
    assert {path for path in paths if "NAME" not in path and not (sources.ROOT / path).exists()} == set()


FOLDERS = ("benchmarks", "docs", "paper_figs", "rankone", "simulations", "tests", "torch_backend")
TESTS = {
    name
    for file in (sources.ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}


# ---------------------------------------------------------------- the guards can fail

GOOD = """# A page

```python title="mine.py"
half = 0.5
```

```python
from mine import half
print("half:", half)
```

<!-- output -->
```text
half: 0...
```

<!-- not run: there is no such machine here -->
```sh
sbatch job.sh
```

```sh
# a word before
rankone version
rankone verify none.json  # exit status 2
test -f \\
    mine.py
```
"""


def run(text: str, folder: Path, monkeypatch) -> None:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    pages.run(page, work, monkeypatch)


def test_a_page_in_order_runs(tmp_path, monkeypatch) -> None:
    run(GOOD, tmp_path, monkeypatch)


CHANGES = {
    "an option that there is not": ("rankone version", "rankone version --what"),
    "a command that there is not": ("rankone version", "rankone versions"),
    "another exit status": ("exit status 2", "exit status 1"),
    "a command of the shell that fails": ("test -f", "test -d"),
    "another output": ("half: 0...", "half: 1..."),
    "a name that the module has not": ("import half", "import third"),
    "Python that is none": ("print(", "print(("),
    "a language that is not run": ("```python\n", "```pycon\n"),
    "no language": ("```sh\n#", "```\n#"),
    "an unknown mark": ("<!-- not run: ", "<!-- do not run: "),
    "no reason": ("not run: there is no such machine here", "not run"),
    "an output of nothing": ("\n<!-- output -->", "```text\nwords\n```\n\n<!-- output -->"),
    "a fence that does not end": ("    mine.py\n```", "    mine.py\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_that_is_wrong_is_noticed(change, tmp_path, monkeypatch) -> None:
    old, new = CHANGES[change]
    assert old in GOOD
    wrong = GOOD.replace(old, new)
    with pytest.raises(AssertionError, match=r"page\.md"):
        run(wrong, tmp_path, monkeypatch)


def test_what_a_page_leaves_behind_is_gone(tmp_path, monkeypatch) -> None:
    """Two pages may have modules of one name."""
    import sys

    run(GOOD, tmp_path, monkeypatch)
    assert "mine" not in sys.modules
