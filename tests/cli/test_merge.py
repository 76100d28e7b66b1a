"""`rankone merge`: shards in, the run's own files out; what is missing is named and nothing is finished."""

from pathlib import Path

import pytest

from rankone.cli import engines
from rankone.errors import Refusal
from rankone.results.runs import unit_of
from rankone.scale import Here, Run, Scheduler, Shard, Workers, carry_out
from tests.helpers.command import rankone, refused
from tests.helpers.toy_tasks import Toys, contents, run_of

COUNT = 12
SANITY = ("sanity", "--model", "digits-vgg", "--limit", "2", "--stages", "fc2", "--quiet")


def shard(folder: Path, i: int, n: int) -> Path:
    """A run directory of toy tasks."""
    run_of(COUNT).write(folder)
    carry_out(COUNT, Toys(folder), Here(), folder=folder / "units", shard=Shard(i, n))
    return folder


def test_shards_become_the_run(tmp_path):
    whole = shard(tmp_path / "whole", 1, 1)
    done = rankone("merge", *(shard(tmp_path / str(i), i, 3) for i in (1, 2, 3)), "--out", tmp_path / "out")
    said = f"{tmp_path / 'out'}: 12 of 12 tasks are there: 12 units copied\n"
    assert (done.status, done.out, done.err) == (0, said, "")
    assert contents(tmp_path / "out") == contents(whole)


def test_missing_tasks_are_named_and_the_status_is_3(tmp_path):
    done = rankone(
        "merge", shard(tmp_path / "1", 1, 4), shard(tmp_path / "2", 3, 4), "--out", tmp_path / "out"
    )
    assert (done.status, done.err) == (3, "rankone: missing: toy 1, toy 3, toy 5, toy 7, toy 9, toy 11\n")


def test_of_many_missing_tasks_the_number_is_said(tmp_path):
    done = rankone("merge", shard(tmp_path / "1", 1, 12), "--out", tmp_path / "out")
    assert done.err.endswith("toy 9, toy 10 and 1 more\n")


def test_a_damaged_unit_is_named(tmp_path):
    folder = shard(tmp_path / "1", 1, 1)
    damaged = min((folder / "units").glob("*.npz"))
    damaged.write_bytes(b"")
    done = rankone("merge", folder, "--out", tmp_path / "out")
    assert done.status == 3 and f"rankone: damaged: {damaged}\n" in done.err


def test_another_version_is_one_line_and_status_2(tmp_path):
    folders = [shard(tmp_path / str(i), i, 2) for i in (1, 2)]
    run_of(COUNT, version=7).write(folders[1])
    assert "got another: version; merge shards" in refused(
        rankone("merge", *folders, "--out", tmp_path / "out")
    )


def test_what_is_no_run_directory_is_one_line_and_status_2(tmp_path):
    assert "run.json" in refused(rankone("merge", tmp_path / "none", "--out", tmp_path / "out"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A sanity check of two methods in one directory, and of one method in each of two others."""
    folder, methods = tmp_path_factory.mktemp("sanity"), ("gradient", "z_plus")
    for name in ("both", *methods):
        words = "gradient,z_plus" if name == "both" else name
        assert rankone(*SANITY, "--methods", words, "--out", folder / name).status == 0
    names = {unit_of(path).name for path in (folder / "both" / "units").glob("*.npz")}
    for name in methods:
        Run(tuple(sorted(names)), {}, (*SANITY, "--methods", "gradient,z_plus")).write(folder / name)
    return folder


def test_a_merged_run_is_finished_as_its_command_would(parts, tmp_path):
    done = rankone("merge", parts / "gradient", parts / "z_plus", "--out", tmp_path / "out")
    assert done.status == 0 and "Written: " in done.out
    assert contents(tmp_path / "out") == contents(parts / "both")
    for name in ("sanity.csv", "sanity_pairs.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (parts / "both" / name).read_bytes()


def test_nothing_is_finished_where_tasks_are_missing(parts, tmp_path):
    done = rankone("merge", parts / "gradient", "--out", tmp_path / "out")
    assert done.status == 3 and f"computed by: rankone {' '.join(SANITY)}" in done.err
    assert not (tmp_path / "out" / "sanity.csv").exists()


def test_options_name_engines_and_shards():
    assert engines.engine(None, None) == Here()
    assert engines.engine(2, None) == Workers(2)
    assert engines.engine(None, "tcp://node7:8786") == Scheduler("tcp://node7:8786")
    assert (engines.shard(None), engines.shard("2/3")) == (Shard(1, 1), Shard(2, 3))
    with pytest.raises(Refusal, match="arguments: expected --workers or --scheduler, got both"):
        engines.engine(2, "tcp://node7:8786")
