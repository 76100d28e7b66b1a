"""Shards part the tasks of a list; what the environment says is read, or refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankone.scale import Shard, shard_named

SLURM = "SLURM_ARRAY_TASK_"


def array(number, count, low=None, high=None, step=None):
    """The environment of a task of a Slurm job array."""
    said = {"ID": number, "COUNT": count, "MIN": low, "MAX": high, "STEP": step}
    return {SLURM + name: str(value) for name, value in said.items() if value is not None}


@given(st.integers(0, 300), st.integers(1, 40))
def test_shards_part_the_tasks(count, n):
    places = [place for i in range(1, n + 1) for place in Shard(i, n).of(count)]
    assert sorted(places) == list(range(count))


@given(st.integers(0, 300), st.integers(1, 40))
def test_shards_are_as_even_as_can_be(count, n):
    sizes = [len(Shard(i, n).of(count)) for i in range(1, n + 1)]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 100), st.data())
def test_a_shard_has_the_places_k_with_k_mod_n_i_minus_1(n, data):
    i = data.draw(st.integers(1, n))
    assert list(Shard(i, n).of(300)) == [k for k in range(300) if k % n == i - 1]
    assert shard_named(f"{i}/{n}") == Shard(i, n)


@given(st.integers(0, 5), st.integers(1, 7), st.integers(2, 30))
def test_the_tasks_of_an_array_are_all_shards(low, step, count):
    high = low + step * (count - 1)
    numbers = range(low, high + 1, step)
    shards = [shard_named("auto", array(k, count, low, high, step)) for k in numbers]
    assert shards == [Shard(i, count) for i in range(1, count + 1)]


@given(st.integers(1, 30))
def test_the_ranks_of_a_world_are_all_shards(size):
    shards = [shard_named("auto", {"RANK": str(k), "WORLD_SIZE": str(size)}) for k in range(size)]
    assert shards == [Shard(i, size) for i in range(1, size + 1)]


def test_without_min_and_step_an_array_counts_from_0():
    assert shard_named("auto", array(0, 4)) == Shard(1, 4)
    assert shard_named("auto", array(3, 4)) == Shard(4, 4)


def test_an_array_and_ranks_that_agree_are_one_shard():
    assert shard_named("auto", {**array(1, 4), "RANK": "1", "WORLD_SIZE": "4"}) == Shard(2, 4)


def test_auto_reads_the_environment_of_this_process(monkeypatch):
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    for word in ("ID", "COUNT", "MIN", "MAX", "STEP"):
        monkeypatch.delenv(SLURM + word, raising=False)
    assert shard_named("auto") == Shard(3, 3)


@pytest.mark.parametrize(
    "text", ["0/3", "4/3", "1/0", "0/0", "-1/3", "1", "1/", "1/3/5", "a/b", "²/3", "", "AUTO"]
)
def test_what_is_no_shard_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="shard: expected i/n with 1 ≤ i ≤ n") as caught:
        shard_named(text, {})
    assert "\n" not in str(caught.value)


REFUSED = {
    "nothing set": ({}, "got neither"),
    "no size": ({"RANK": "0"}, "WORLD_SIZE: expected a whole number, got nothing"),
    "no rank": ({"WORLD_SIZE": "2"}, "RANK: expected a whole number, got nothing"),
    "rank too large": ({"RANK": "2", "WORLD_SIZE": "2"}, "got RANK 2 of WORLD_SIZE 2"),
    "no number": ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK: expected a whole number, got -1"),
    "no count": ({SLURM + "ID": "3"}, "COUNT: expected a whole number, got nothing"),
    "a gap": (array(7, 3, 1, 7, 1), "without gaps, got number 7 of 3 from 1 to 7 in steps of 1"),
    "too few": (array(2, 2, 1, 3, 1), "without gaps"),
    "between steps": (array(3, 4, 2, 8, 2), "without gaps"),
    "above": (array(9, 4, 2, 8, 2), "without gaps"),
    "submitted again by itself": (array(5, 1, 5, 5, 1), "a job array of several, got number 5 alone"),
    "step 0": (array(0, 2, 0, 1, 0), "without gaps"),
    "two that differ": ({**array(1, 4), "RANK": "2", "WORLD_SIZE": "4"}, "says 2/4, and RANK that says 3/4"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_contradictions_are_refused_in_one_line(case):
    environment, said = REFUSED[case]
    with pytest.raises(ValueError, match="shard auto") as caught:
        shard_named("auto", environment)
    assert said in str(caught.value) and "\n" not in str(caught.value)
