"""Pages that run: the fenced blocks of a Markdown page, carried out in its order in one folder.

    sh             each command; `# exit status 1` at its end says that it shall fail so
    python         run, with the names of the blocks before; with title="FILE" it is written to that file
    text           words, not run

A comment in the line before the fence says what else a block is:

    <!-- output -->             what the block before printed; `...` stands for anything
    <!-- run by: FILE -->       that test runs it
    <!-- not run: REASON -->    nothing does
"""

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers import sources
from tests.helpers.command import rankone

FENCE = re.compile(
    r"(?:^<!-- (?P<mark>.*?) -->\n+)?^```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r' title="([^"]+)"')
STATUS = re.compile(r"\s+# exit status (\d+)$")
MARKS = ("output", "run by", "not run")
LANGUAGES = ("sh", "python", "text", "diff")
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, what it is in and what it says."""

    page: str
    line: int
    language: str
    title: str | None
    mark: str
    reason: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def all_pages() -> list[Path]:
    """The README and every page of docs/."""
    return [sources.ROOT / "README.md", *sorted((sources.ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """A page's blocks; AssertionError for one without a language, with other words or an unknown mark."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        mark, _, reason = (match["mark"] or "").partition(": ")
        title = TITLE.fullmatch(match["info"])
        block = Block(page.name, line, match["language"], title and title[1], mark, reason, match["text"])
        assert block.language in LANGUAGES, f"{block.place}: a block of none of {LANGUAGES}"
        assert title or not match["info"], f'{block.place}: expected title="FILE", got {match["info"]}'
        assert mark in ("", *MARKS), f"{block.place}: a mark that is none of {MARKS}: {mark}"
        assert bool(reason) == (mark not in ("", "output")), f"{block.place}: a mark of whom, or why?"
        runs = found and found[-1].language in ("sh", "python") and not found[-1].title
        assert mark != "output" or runs, f"{block.place}: the output of what?"
        found.append(block)
    assert 2 * len(found) == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{page.name}: a fence is alone"
    return found


def commands(block: Block) -> list[str]:
    """The commands of an sh block, one a line, whatever lines they stand on."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


@dataclass
class Running:
    """A page under way: its Python names, and what the block before printed, None where nobody knows."""

    folder: Path
    names: dict = field(default_factory=lambda: {"__name__": "page"})
    said: str | None = None

    def run(self, block: Block) -> None:
        """AssertionError, with its place, for a block that does not do what the page says."""
        if block.mark == "output":
            said = block.text if self.said is None else self.said
            alike = doctest.OutputChecker().check_output(block.text, said, LIKE)
            assert alike, f"{block.place}: expected\n{block.text}\ngot\n{said}"
        elif block.mark or block.language in ("text", "diff"):
            self.said = None
        elif block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            self.said = self._python(block)
        else:
            self.said = self._shell(block)

    def _python(self, block: Block) -> str:
        said = io.StringIO()
        try:
            code = compile("\n" * block.line + block.text, block.page, "exec")
            with contextlib.redirect_stdout(said):
                exec(code, self.names)
        except Exception as error:
            raise AssertionError(f"{block.place}: {type(error).__name__}: {error}") from error
        return said.getvalue()

    def _shell(self, block: Block) -> str:
        said = ""
        for command in commands(block):
            expected = STATUS.search(command)
            status, out, err = _carried_out(command, self.folder)
            wanted = int(expected[1]) if expected else 0
            assert status == wanted, f"{block.place}: {command}: status {status}, not {wanted}\n{out}{err}"
            said += out
        return said


def _carried_out(command: str, folder: Path) -> tuple[int, str, str]:
    """(status, out, err): rankone in this process, anything else by a shell."""
    program, *words = shlex.split(command, comments=True)
    if program == "rankone":
        done = rankone(*words)
        return done.status, done.out, done.err
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def run(page: Path, folder: Path, monkeypatch) -> None:
    """Every block of the page, in an empty folder that is also where its modules are looked for."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    running = Running(folder)
    try:
        for block in blocks(page):
            running.run(block)
    finally:
        for module in set(sys.modules) - before:
            if str(getattr(sys.modules[module], "__file__", "")).startswith(str(folder)):
                del sys.modules[module]
