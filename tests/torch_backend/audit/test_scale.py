"""Sanity checks of a trained network: whoever carries them out, the numbers are the same to the bit."""

import os
import signal
import threading

import psutil
import pytest
import torch

from rankone.scale import Here, Run, Scheduler, Shard, Workers, carry_out, merge
from tests.helpers.sanity_tasks import COUNT, Sanity
from tests.helpers.toy_tasks import cluster_in, contents, wait_until

RUN = Run(tuple(f"sanity {place}" for place in range(COUNT)))


def carried(folder, engine, shard=Shard(1, 1)):  # noqa: B008
    RUN.write(folder)
    found = carry_out(COUNT, Sanity(folder), engine, folder=folder / "units", shard=shard)
    assert [receipt.error for receipt in found] == [""] * len(shard.of(COUNT))
    return contents(folder)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As workers have: sums of several threads have another order, and other last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    found = carried(tmp_path_factory.mktemp("local"), Here())
    assert len(found) == COUNT
    return found


def test_workers_of_whom_one_is_killed_find_the_same_bits(local, tmp_path):
    def kill():
        wait_until(lambda: len(contents(tmp_path)) >= 2)
        os.kill(next(iter(children())), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert carried(tmp_path, Workers(2)) == local
    killer.join()


def children() -> list[int]:
    """The worker processes of this one."""
    return [child.pid for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_a_scheduler_finds_the_same_bits(local, tmp_path):
    with cluster_in(tmp_path, 1) as (address, _):
        assert carried(tmp_path / "run", Scheduler(address)) == local


def test_merged_shards_are_the_same_bits(local, tmp_path):
    for i in (1, 2, 3):
        carried(tmp_path / str(i), Here(), Shard(i, 3))
    assert merge([tmp_path / str(i) for i in (1, 2, 3)], tmp_path / "out").missing == ()
    assert contents(tmp_path / "out") == local
