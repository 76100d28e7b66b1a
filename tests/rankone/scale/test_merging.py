"""Shards in folders of their own, merged, are the run that was made in one; what lacks is named."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone.results.runs import Units
from rankone.scale import Here, Run, Shard, carry_out, merge
from tests.helpers.toy_tasks import ABOUT, Toys, contents, name, run_of

COUNT = 12


def carried(folder, shard, **options):
    """A run directory of a shard."""
    toys = Toys(folder, **options)
    run_of(COUNT, toys.version).write(folder)
    carry_out(COUNT, toys, Here(), folder=folder / "units", shard=shard)
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return contents(carried(tmp_path_factory.mktemp("local"), Shard(1, 1)))


@pytest.fixture
def shards(tmp_path):
    return [carried(tmp_path / f"{i}", Shard(i, 3)) for i in (1, 2, 3)]


def first(folder):
    return min((folder / "units").glob("*.npz"))


def test_merged_shards_are_the_run_that_was_made_in_one(shards, local, tmp_path):
    merged = merge(shards, tmp_path / "out")
    assert contents(tmp_path / "out") == local
    assert (merged.copied, merged.there, merged.foreign, merged.damaged, merged.missing) == (
        COUNT,
        0,
        0,
        (),
        (),
    )
    assert merged.summary() == "12 of 12 tasks are there: 12 units copied"
    assert Run.read(tmp_path / "out") == run_of(COUNT)


@settings(deadline=None, max_examples=15)
@given(n=st.integers(1, COUNT + 2), data=st.data())
def test_any_shards_in_any_order_merge_to_the_tasks_that_they_have(n, data, local, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("any")
    chosen = data.draw(st.lists(st.integers(1, n), min_size=1, unique=True))
    merged = merge([carried(tmp_path / f"{i}", Shard(i, n)) for i in chosen], tmp_path / "out")
    places = {place for i in chosen for place in Shard(i, n).of(COUNT)}
    assert merged.missing == tuple(name(place) for place in range(COUNT) if place not in places)
    assert contents(tmp_path / "out").items() <= local.items()
    assert merged.copied == len(contents(tmp_path / "out")) == len(places)


def test_merged_in_steps_or_again_nothing_is_copied_twice(shards, local, tmp_path):
    out = tmp_path / "out"
    assert merge(shards[:2], out).missing == tuple(name(place) for place in range(2, COUNT, 3))
    merged = merge([shards[2], shards[0]], out)
    assert (merged.copied, merged.there, merged.missing) == (4, 8, ())
    assert merged.summary() == "12 of 12 tasks are there: 4 units copied, 8 there before"
    assert merge(shards, out).copied == 0
    assert contents(out) == local


def test_a_directory_may_be_merged_into_itself(shards, local):
    assert merge(shards, shards[0]).missing == ()
    assert contents(shards[0]) == local


def test_the_tasks_of_a_shard_that_is_missing_are_named(shards, tmp_path):
    merged = merge([shards[0], shards[2]], tmp_path / "out")
    assert merged.missing == tuple(name(place) for place in range(1, COUNT, 3))
    assert merged.summary() == "8 of 12 tasks are there: 8 units copied"


def with_other_numbers(path):
    """A sound archive, with the key and the checksum of the numbers that were computed."""
    with np.load(path) as archive:
        members = dict(archive)
    members["array/x"] = members["array/x"] + 1
    with path.open("wb") as file:
        np.savez_compressed(file, **members)


@pytest.mark.parametrize("how", ["cut off", "a byte flipped", "empty", "renamed", "other numbers"])
def test_a_damaged_unit_is_named_and_computed_again_by_the_run(how, shards, local, tmp_path):
    damaged, out = first(shards[1]), tmp_path / "out"
    whole = damaged.read_bytes()
    middle = len(whole) // 2
    if how == "renamed":
        damaged = damaged.rename(damaged.with_name("toy_99-" + "0" * 32 + ".npz"))
    elif how == "other numbers":
        with_other_numbers(damaged)
    else:
        changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        damaged.write_bytes({"cut off": whole[:-50], "a byte flipped": changed, "empty": b""}[how])
    merged = merge(shards, out)
    assert merged.damaged == (damaged,) and len(merged.missing) == 1
    assert merged.summary() == "11 of 12 tasks are there: 11 units copied, 1 damaged"
    carried(out, Shard(1, 1))
    assert contents(out) == local


def test_a_damaged_unit_that_is_whole_elsewhere_is_taken_from_there(shards, local, tmp_path):
    again = carried(tmp_path / "again", Shard(2, 3))
    first(shards[1]).write_bytes(b"damaged")
    merged = merge([*shards, again], tmp_path / "out")
    assert (merged.damaged, merged.missing) == ((), ())
    assert contents(tmp_path / "out") == local


def test_a_damaged_unit_that_was_there_is_replaced(shards, local, tmp_path):
    merge(shards, tmp_path / "out")
    first(tmp_path / "out").write_bytes(b"damaged")
    assert merge(shards, tmp_path / "out").copied == 1
    assert contents(tmp_path / "out") == local


def test_a_task_that_failed_is_missing_by_its_name(tmp_path):
    failed = carried(tmp_path / "a", Shard(1, 1), overflowing=(4,))
    assert merge([failed], tmp_path / "out").missing == ("toy 4",)


OTHERS = {
    "version": Run(run_of(COUNT).tasks, {**ABOUT, "version": 1}),
    "weights": Run(run_of(COUNT).tasks, {**ABOUT, "version": 0, "weights": "xyz"}),
    "seed": Run(run_of(COUNT).tasks, {"weights": "abc", "version": 0}),
    "seed, version": Run(run_of(COUNT).tasks, {**ABOUT, "seed": True, "version": "0"}),
    "tasks": Run(run_of(COUNT + 1).tasks, run_of(COUNT).about),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_refused_by_what_differs(what, shards, tmp_path):
    OTHERS[what].write(shards[1])
    for out in (tmp_path / "out", shards[1]):
        with pytest.raises(ValueError, match=f"got another: {what}; merge shards of one run") as caught:
            merge(shards, out)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_run_of_an_out_that_is_there_counts(shards, tmp_path):
    OTHERS["version"].write(tmp_path / "out")
    with pytest.raises(ValueError, match="got another: version"):
        merge(shards, tmp_path / "out")


def test_units_of_an_earlier_run_in_the_same_directory_are_left_where_they_are(shards, local, tmp_path):
    carried(shards[0], Shard(1, 3), version=1)
    run_of(COUNT).write(shards[0])
    merged = merge(shards, tmp_path / "out")
    assert merged.foreign == 4 and contents(tmp_path / "out") == local
    assert merged.summary() == "12 of 12 tasks are there: 12 units copied, 4 of other runs left out"


def test_one_key_with_two_results_is_refused(shards, tmp_path):
    """As where a library on one machine computes otherwise: that its key does not say."""
    other = tmp_path / "other"
    run_of(COUNT).write(other)
    Units(other / "units").get(name(0), {**ABOUT, "version": 0, "place": 0}, lambda: {"x": np.zeros(3)})
    with pytest.raises(ValueError, match=r"toy_0-.*: expected the numbers it has elsewhere, got others"):
        merge([*shards, other], tmp_path / "out")


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"tasks": 1, "about": {}, "command": []}', b"[]"])
def test_what_is_no_run_directory_is_refused(content, shards, tmp_path):
    shutil.rmtree(shards[1])
    shards[1].mkdir()
    if content is not None:
        (shards[1] / "run.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"expected a run directory with a whole run.json"):
        merge(shards, tmp_path / "out")


def test_nothing_to_merge_is_refused(tmp_path):
    with pytest.raises(ValueError, match="merge: expected run directories, got none"):
        merge([], tmp_path)
