"""Files are written whole or not at all; what cannot be written is found before anything is computed."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rankone.results.arrays import RELEVANCE_MAPS
from rankone.results.table import WHOLE, Column, Table
from rankone.results.whole import refuse_unwritable, write_whole

NUMBERS = Table("a command", (Column("number", "of something", WHOLE),))
MAPS = {name: np.random.default_rng(0).random(5000) for name in RELEVANCE_MAPS.meanings}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    assert write_whole(tmp_path / "a.txt", b"one") == tmp_path / "a.txt"
    write_whole(str(tmp_path / "a.txt"), b"two")
    assert (tmp_path / "a.txt").read_bytes() == b"two"
    assert names(tmp_path) == ["a.txt"]
    write_whole(tmp_path / "deep" / "er" / "b.txt", b"three")
    assert names(tmp_path / "deep" / "er") == ["b.txt"]


def test_permissions_are_the_usual_ones_and_those_of_a_file_that_is_replaced(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
    (tmp_path / "usual").chmod(0o640)
    write_whole(tmp_path / "usual", b"x")
    assert (tmp_path / "usual").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_and_a_pipe_stays_a_pipe(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    refuse_unwritable(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"through")
    reader.join()
    assert read == [b"through"] and (tmp_path / "pipe").is_fifo()


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


WRITERS = {
    "r.npz": lambda path: RELEVANCE_MAPS.write(path, **MAPS),
    "t.csv": lambda path: NUMBERS.write(path, [{"number": k} for k in range(5000)]),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("step", "failure"), [("fsync", full), ("replace", full), ("fsync", interrupted)])
@pytest.mark.parametrize("before", [None, b"the file of last week"])
def test_a_failure_on_the_way_leaves_the_path_as_it_was(name, step, failure, before, tmp_path, monkeypatch):
    if before is not None:
        (tmp_path / name).write_bytes(before)
    monkeypatch.setattr(os, step, failure)
    with pytest.raises((OSError, KeyboardInterrupt)) as caught:
        WRITERS[name](tmp_path / name)
    if failure is full:
        assert str(caught.value).startswith(f"{tmp_path / name}: expected a place for a file")
        assert "No space left on device; make room there" in str(caught.value)
    assert names(tmp_path) == ([] if before is None else [name])
    assert before is None or (tmp_path / name).read_bytes() == before


def test_rows_that_fail_half_way_leave_the_table_as_it_was(tmp_path):
    NUMBERS.write(tmp_path / "t.csv", [{"number": 1}])
    before = (tmp_path / "t.csv").read_bytes()
    with pytest.raises(KeyError):
        NUMBERS.write(tmp_path / "t.csv", [{"number": 2}, {}])
    assert (tmp_path / "t.csv").read_bytes() == before


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
from tests.rankone.results.test_whole import WRITERS, Path
for name, write in WRITERS.items():
    try:
        write(Path(sys.argv[1]) / name)
    except OSError as error:
        print(error)
"""


def test_a_file_that_really_cannot_grow_is_not_left_truncated(tmp_path):
    """The kernel itself refuses the bytes after the first 20 000, as a full disk does."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.count("File too large; make room there") == len(WRITERS)
    assert done.stderr == ""
    assert names(tmp_path) == []


DISK = 256 << 10  # bytes


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own with 256 KB; needs root and a kernel that lets it mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount a small disk here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_truncated_and_is_noticed_before(small_disk):
    refuse_unwritable(small_disk / "r.npz")
    with pytest.raises(OSError, match=r"r\.npz: expected .* got: No space left on device"):
        RELEVANCE_MAPS.write(small_disk / "r.npz", **MAPS)
    assert names(small_disk) == []
    (small_disk / "fills it").write_bytes(bytes(DISK))
    with pytest.raises(OSError, match=r"t\.csv: expected .* got: No space left on device"):
        refuse_unwritable(small_disk / "t.csv")


def test_places_that_can_be_written_are_left_alone(tmp_path):
    (tmp_path / "there.csv").write_bytes(b"x")
    refuse_unwritable(tmp_path / "there.csv", tmp_path / "new.csv", tmp_path / "deep" / "er" / "new.csv")
    assert names(tmp_path) == ["there.csv"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("folder", "a folder"),
        ("file/new.csv", "Not a directory"),
        ("/proc/new.csv", "No such file|Read-only|not permitted|denied"),
        ("n" * 300 + "/new.csv", "File name too long"),
        ("circle/new.csv", "Too many levels of symbolic links"),
    ],
)
def test_places_that_cannot_be_written_are_refused(place, reason, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match=rf"^.*: expected a place for a file, got: .*({reason})") as caught:
        refuse_unwritable(tmp_path / "fine.csv", tmp_path / place)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["circle", "file", "folder"]


def test_a_protected_file_is_refused(tmp_path, monkeypatch):
    """Root may write anything: the answer of the system is replaced."""
    (tmp_path / "kept.csv").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="protected from writing"):
        refuse_unwritable(tmp_path / "kept.csv")
