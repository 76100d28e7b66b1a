"""Runs survive: whatever stops or damages them, what is computed again is what is missing, to the bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rankone.results import runs
from rankone.results.runs import Units, canonical

KEY = {"seed": 0, "image": "abc", "limits": [1, 2.5, None, True]}
NUMBERS = {"numbers": np.arange(6.0).reshape(2, 3), "count": 7, "name": "straße"}


def same(a, b) -> bool:
    return list(a) == list(b) and all(
        (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
        for x, y in zip(a.values(), b.values(), strict=True)
    )


def never():
    raise AssertionError("the unit is there")


def unit(folder: Path) -> Path:
    (path,) = folder.glob("*.npz")
    return path


def test_a_unit_is_computed_once_and_both_times_the_same(tmp_path):
    units = Units(tmp_path / "units")
    assert units.read("a", KEY) is None
    first = units.get("a", KEY, lambda: NUMBERS)
    assert same(first, units.get("a", KEY, never)) and same(first, units.read("a", KEY))
    assert (units.found, units.computed, units.broken) == (1, 1, 0)
    assert units.summary() == "1 of 2 units was there"


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        hnp.arrays(
            st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes()),
            hnp.array_shapes(min_dims=0, min_side=0),
        ),
        max_size=3,
    )
)
def test_what_is_read_is_what_was_computed(arrays):
    said = canonical(KEY)
    assert same(runs._whole(runs._content(said, arrays), said), arrays)


def test_a_unit_may_have_arrays_named_as_what_it_carries(tmp_path):
    arrays = {name: np.array(k) for k, name in enumerate(("file", "key", "checksum", "array/key", "x.npy"))}
    assert same(Units(tmp_path).get("a", KEY, lambda: arrays), arrays)


def test_names_that_an_archive_confuses_are_refused_and_not_written(tmp_path):
    arrays = {"x.npy": np.array(1), "x": np.array(2)}
    with pytest.raises(ValueError, match="unit a: expected arrays that read as written"):
        Units(tmp_path).get("a", KEY, lambda: arrays)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", [{**KEY, "seed": 1}, {**KEY, "seed": 0.0}, {**KEY, "seed": False}, {}])
def test_another_key_is_another_unit(other, tmp_path):
    units = Units(tmp_path)
    units.get("a", KEY, lambda: NUMBERS)
    assert units.read("a", other) is None
    assert units.get("a", other, lambda: {"x": 1})["x"] == 1
    assert (units.computed, units.broken) == (2, 0)


def test_the_order_of_a_key_does_not_matter(tmp_path):
    Units(tmp_path).get("a", KEY, lambda: NUMBERS)
    Units(tmp_path).get("a", dict(reversed(KEY.items())), never)


def test_names_that_are_no_file_names_are_different_units(tmp_path):
    units = Units(tmp_path)
    names = ["a/b", "a:b", "../a", "", ".", "A", "a" * 500, "ä", "\0"]
    for k, name in enumerate(names):
        units.get(name, {}, lambda k=k: {"k": k})
    assert [int(units.get(name, {}, never)["k"]) for name in names] == list(range(len(names)))
    assert len(list(tmp_path.glob("*.npz"))) == len(names)


UNSPEAKABLE = {
    "key.a": {"a": np.float64(1)},
    "key.b": {"b": float("nan")},
    "key.c[1]": {"c": [1, {1, 2}]},
    "key.d.e": {"d": {"e": Path("x")}},
    "key.f": {"f": {1: 2}},
}


@pytest.mark.parametrize("place", UNSPEAKABLE)
def test_a_key_that_is_no_json_is_refused_by_its_place(place, tmp_path):
    with pytest.raises(ValueError) as caught:
        Units(tmp_path).get("a", UNSPEAKABLE[place], never)
    assert f"{place}: expected" in str(caught.value) and "\n" not in str(caught.value)


def test_arrays_of_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="array x: expected an array without Python objects, got object"):
        Units(tmp_path).get("a", KEY, lambda: {"x": np.array([None])})
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- damage


def recomputed(folder: Path) -> bool:
    units = Units(folder)
    assert same(units.get("a", KEY, lambda: NUMBERS), Units(folder).get("a", KEY, never))
    assert units.broken == units.computed
    return units.broken == 1


@pytest.fixture
def written(tmp_path) -> Path:
    Units(tmp_path).get("a", KEY, lambda: NUMBERS)
    return unit(tmp_path)


def test_wherever_it_is_cut_off_a_unit_is_computed_again(written):
    whole = written.read_bytes()
    for length in range(0, len(whole), 13):
        written.write_bytes(whole[:length])
        assert Units(written.parent).read("a", KEY) is None
        assert recomputed(written.parent)
        assert written.read_bytes() == whole


def test_whichever_byte_is_flipped_a_unit_is_computed_again_or_says_what_was_written(written):
    """What zip files hold beside arrays (dates, attributes) may change; a number, a name, a type may not."""
    whole, damaged = written.read_bytes(), 0
    before = Units(written.parent).read("a", KEY)
    for k in range(0, len(whole), 7):
        written.write_bytes(whole[:k] + bytes([whole[k] ^ 0x15]) + whole[k + 1 :])
        found = Units(written.parent).read("a", KEY)
        assert found is None or same(found, before)
        damaged += found is None
    assert damaged > len(whole) / 7 / 2


def test_without_its_checksum_an_altered_number_would_pass(written, monkeypatch):
    """The guard is the checksum: a unit that is a sound archive, but of other numbers, is damaged."""
    said = canonical({"name": "a", "key": canonical(KEY)})
    sound = runs._content(said, NUMBERS)
    monkeypatch.setattr(runs, "_checksum", lambda *_: "the same for all")
    other = runs._content(said, {**NUMBERS, "count": 8})
    assert runs._whole(other, said)["count"] == 8
    monkeypatch.undo()
    assert runs._whole(other, said) is None and runs._whole(sound, said) is not None


def test_units_that_changed_places_are_both_computed_again(tmp_path):
    for k in range(2):
        Units(tmp_path).get("a", {"k": k}, lambda k=k: {"k": k})
    one, other = sorted(tmp_path.glob("*.npz"))
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    units = Units(tmp_path)
    assert [int(units.get("a", {"k": k}, lambda k=k: {"k": k})["k"]) for k in range(2)] == [0, 1]
    assert (units.broken, units.computed) == (2, 2)
    assert units.summary() == "0 of 2 units were there, 2 were damaged and computed again"


@pytest.mark.parametrize("content", [b"", b"PK", b"not an archive", b"\x93NUMPY", bytes(1000)])
def test_what_is_no_unit_is_computed_again(content, written):
    written.write_bytes(content)
    assert recomputed(written.parent)


# ---------------------------------------------------------------- no room, no folder


def test_a_file_where_the_folder_should_be_is_one_line_before_anything_is_computed(tmp_path):
    (tmp_path / "units").write_text("mine")
    with pytest.raises(OSError, match="expected a place for a file") as caught:
        Units(tmp_path / "units").get("a", KEY, never)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "units").read_text() == "mine"


FULL = """
import resource, signal, sys
import numpy as np
from rankone.results.runs import Units
units = Units(sys.argv[1])
units.get("small", {}, lambda: {"x": 1})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    units.get("large", {}, lambda: {"x": np.random.default_rng(0).random(10000)})
except OSError as error:
    print(error)
units.get("small", {}, lambda: 1 / 0)
"""


def python(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_disk_that_fills_up_leaves_what_is_there(tmp_path):
    out, err = python(FULL, tmp_path).communicate()
    assert (out.count("\n"), err) == (1, "")
    assert "File too large; make room there" in out
    assert unit(tmp_path).name.startswith("small-")
    assert [p for p in tmp_path.iterdir() if p != unit(tmp_path)] == []


# ---------------------------------------------------------------- kills

UNITS = 12
CHILD = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs do not hear it
from pathlib import Path
import numpy as np
from rankone.errors import one_line
from rankone.results.runs import Units

def compute(k):
    print(k, flush=True)
    time.sleep(0.02)
    return {{"x": np.random.default_rng(k).random(30000), "k": k}}

units = Units(sys.argv[1])
with one_line("child"):
    print("ready", flush=True)
    for k in range({UNITS}):
        units.get("unit", {{"k": k}}, lambda: compute(k))
    print("done", units.broken, flush=True)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.npz")}


def run(
    folder: Path, stop: signal.Signals | None = None, units: int = 0, after: float = 0
) -> tuple[int, list[str]]:
    """The exit status of a child and the lines it printed; stopped so many seconds after it began with the
    units-th of those that it computes, if it has as many.
    """
    child = python(CHILD, folder)
    assert child.stdout.readline() == "ready\n"
    first = [child.stdout.readline() for _ in range(units)]
    if stop is not None:
        time.sleep(after)
        child.send_signal(stop)
    out, _ = child.communicate()
    return child.returncode, "".join([*first, out]).split("\n")[:-1]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run(folder) == (0, [*map(str, range(UNITS)), "done 0"])
    return contents(folder)


@pytest.mark.parametrize(("stop", "least"), [(signal.SIGKILL, 20), (signal.SIGINT, 5)])
def test_killed_at_random_moments_a_run_completes_with_what_was_missing(stop, least, undisturbed, tmp_path):
    """Some milliseconds after it began with its first, second or third unit, again and again."""
    at, kills = random.Random(12), 0
    while kills < least:
        folder = tmp_path / str(kills)
        lines: list[str] = []
        while "done 0" not in lines:
            before = contents(folder)
            status, lines = run(folder, stop, at.randint(1, 3), at.uniform(0, 0.04))
            after = contents(folder)
            assert before.items() <= after.items() <= undisturbed.items()
            computed = [line for line in lines if line.isdecimal()]
            assert 0 <= len(computed) - (len(after) - len(before)) <= 1, "one was under way, or none"
            kills += "done 0" not in lines
            assert "done 0" in lines or status == (-stop if stop == signal.SIGKILL else 130)
        assert run(folder) == (0, ["done 0"])
        assert contents(folder) == undisturbed


def test_two_processes_on_one_folder_do_no_harm(undisturbed, tmp_path):
    children = [python(CHILD, tmp_path) for _ in range(2)]
    for child in children:
        out, err = child.communicate()
        assert out.endswith("done 0\n") and err == ""
    assert contents(tmp_path) == undisturbed
    assert list(tmp_path.glob(".*")) == []


def test_what_kills_left_half_written_is_removed_after_a_day(tmp_path):
    old, new = tmp_path / ".old.part", tmp_path / ".new.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * runs.STALE,) * 2)
    Units(tmp_path).get("a", KEY, lambda: NUMBERS)
    assert new.exists() and not old.exists()
