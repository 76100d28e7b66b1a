"""Whoever carries tasks out, the units are the same to the bit; a task that fails costs only itself."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from distributed import Client

from rankone.scale import Here, Receipt, Scheduler, Shard, Workers, carry_out, carrying, workers
from tests.helpers import sources
from tests.helpers.toy_tasks import PATIENCE, Missing, Toys, alive, cluster_in, contents, notes, wait_until

COUNT = 30
LIMIT = 500_000_000  # bytes of a worker that is to have little
FAILURES = "distributed.scheduler.allowed-failures"


def carried(toys, engine, **options):
    return carry_out(COUNT, toys, engine, folder=toys.folder / "units", **options)


def toys_command(folder, engine, *, shard="1/1", count=COUNT, seconds=0.0, group=False):
    """A process that carries toy tasks out."""
    words = [folder, engine, shard, count, seconds]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.toy_tasks", *map(str, words)],
        cwd=sources.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=group,
    )


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """What the tasks write here."""
    toys = Toys(tmp_path_factory.mktemp("local"))
    found = carried(toys, Here())
    assert [receipt.place for receipt in found] == list(range(COUNT))
    assert {receipt.unit for receipt in found} == set(contents(toys.folder)) and len(
        contents(toys.folder)
    ) == COUNT
    return contents(toys.folder)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a scheduler with two workers."""
    with cluster_in(tmp_path_factory.mktemp("cluster"), 2) as (address, _):
        yield address


# ---------------------------------------------------------------- the same bits


def test_workers_write_the_same_bits_and_load_once_in_each_process(local, tmp_path):
    toys = Toys(tmp_path, seconds=0.02)
    found = carried(toys, Workers(2))
    assert [receipt.place for receipt in found] == list(range(COUNT))
    assert contents(tmp_path) == local
    loads = [process for (process,) in notes(tmp_path / "loads")]
    assert len(loads) == len(set(loads)) == 2 and os.getpid() not in loads
    assert not any(alive(process) for process in loads)


def test_a_scheduler_writes_the_same_bits_and_stays(cluster, local, tmp_path):
    carried(Toys(tmp_path), Scheduler(cluster))
    assert contents(tmp_path) == local
    loads = notes(tmp_path / "loads")
    assert 1 <= len(loads) <= 2 and all(alive(process) for (process,) in loads)


def test_nothing_that_a_worker_loaded_stays_for_the_next_run(cluster, tmp_path):
    """Whose files may be others by then."""
    toys = Toys(tmp_path)
    carried(toys, Scheduler(cluster))
    before = len(notes(tmp_path / "loads"))
    carried(toys, Scheduler(cluster))
    assert len(notes(tmp_path / "loads")) > before


@pytest.mark.parametrize("ahead", [1, 4])
def test_no_more_tasks_are_out_than_the_bound_and_all_are_done(ahead, cluster, tmp_path, monkeypatch):
    given, out, plain = [], [], Client.map
    monkeypatch.setattr(Client, "map", lambda *a, **k: (given.extend(a[2]), plain(*a, **k))[1])
    scheduler = Scheduler(cluster, ahead=ahead)
    found = carried(Toys(tmp_path), scheduler, ended=lambda _: out.append(len(given) - len(out)))
    assert [receipt.place for receipt in found] == given == list(range(COUNT))
    assert max(out) == ahead


def test_shards_of_workers_carry_out_their_own_tasks_only(cluster, local, tmp_path):
    found = carried(Toys(tmp_path), Scheduler(cluster), shard=Shard(2, 4))
    assert [receipt.place for receipt in found] == list(range(1, COUNT, 4))
    assert contents(tmp_path).items() < local.items() and len(contents(tmp_path)) == len(found)


def test_an_empty_shard_loads_nothing(tmp_path):
    assert carry_out(2, Missing(), Here(), folder=tmp_path, shard=Shard(3, 3)) == []


def test_two_processes_on_one_run_directory_do_no_harm(local, tmp_path):
    both = [toys_command(tmp_path, "here", seconds=0.01) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=PATIENCE)
        assert out.endswith(f"done {COUNT}\n") and err == ""
    assert contents(tmp_path) == local
    assert [path.name for path in (tmp_path / "units").glob(".*")] == []


# ---------------------------------------------------------------- kills


@pytest.mark.parametrize("engine", ["workers", "scheduler"])
def test_a_worker_killed_midway_costs_nothing_but_time(engine, cluster, local, tmp_path):
    toys = Toys(tmp_path, seconds=0.05)
    killed = []

    def kill():
        wait_until(lambda: len(notes(tmp_path / "begun")) >= COUNT // 3)
        process, _ = notes(tmp_path / "begun")[-1]
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    killer = threading.Thread(target=kill)
    killer.start()
    found = carried(toys, Workers(2) if engine == "workers" else Scheduler(cluster))
    killer.join()
    assert [(receipt.place, receipt.error) for receipt in found] == [(place, "") for place in range(COUNT)]
    assert contents(tmp_path) == local
    begun = notes(tmp_path / "begun")
    assert len(killed) == 1 and 0 < len([1 for process, _ in begun if process == killed[0]]) < len(begun)


def test_a_command_says_nothing_of_a_worker_that_was_lost(local, tmp_path):
    command = toys_command(tmp_path, 2, seconds=0.1)
    wait_until(lambda: len(notes(tmp_path / "begun")) >= COUNT // 3)
    process, _ = notes(tmp_path / "begun")[-1]
    os.kill(process, signal.SIGKILL)
    out, err = command.communicate(timeout=PATIENCE)
    assert out.endswith(f"done {COUNT}\n") and err == ""
    assert contents(tmp_path) == local


def test_a_task_that_kills_its_workers_has_a_receipt_and_the_others_are_done(local, tmp_path, monkeypatch):
    monkeypatch.setitem(workers.SETTINGS, FAILURES, 2)
    toys = Toys(tmp_path, killing=(5,))
    found = carried(toys, Workers(2))
    assert found[5] == Receipt(5, error="3 workers died of it, one after the other: no memory, or a crash")
    assert all(receipt.unit for receipt in found if receipt.place != 5)
    assert contents(tmp_path).items() < local.items() and len(contents(tmp_path)) == COUNT - 1


def test_a_task_that_takes_more_memory_than_a_worker_has_is_ended_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setitem(workers.SETTINGS, FAILURES, 0)
    found = carried(Toys(tmp_path, greedy=(3,)), Workers(1, memory=LIMIT))
    assert [receipt.place for receipt in found if receipt.error] == [3]
    assert len(contents(tmp_path)) == COUNT - 1


def test_a_worker_that_holds_nine_tenths_of_its_memory_is_not_paused(local, tmp_path):
    """By Dask's own settings it would wait, for ever, until it holds less."""
    carried(Toys(tmp_path, held=round(0.9 * LIMIT)), Workers(1, memory=LIMIT))
    assert contents(tmp_path) == local


def test_ctrl_c_stops_workers_and_leaves_no_process(tmp_path):
    """Sent as a terminal does: to the command and to its workers."""
    command = toys_command(tmp_path, 2, seconds=0.2, count=200, group=True)
    wait_until(lambda: len(notes(tmp_path / "begun")) >= 6)
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, err) == (130, "toys: interrupted\n")
    began = {process for process, _ in notes(tmp_path / "begun")}
    assert began and not any(alive(process) for process in began)


@pytest.mark.parametrize("after", [0.1, 0.8, 1.6, 2.4])
def test_ctrl_c_while_workers_start_is_one_line_too(after, tmp_path):
    command = toys_command(tmp_path, 2, seconds=0.2, count=200, group=True)
    wait_until((tmp_path / "run.json").exists)
    time.sleep(after)
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, err) == (130, "toys: interrupted\n")


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_command_that_is_killed(stop, tmp_path):
    command = toys_command(tmp_path, 2, seconds=0.2, count=200)
    wait_until(lambda: len(notes(tmp_path / "begun")) >= 6)
    began = {process for process, _ in notes(tmp_path / "begun")}
    command.send_signal(stop)
    command.communicate(timeout=PATIENCE)
    wait_until(lambda: not any(alive(process) for process in began))


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize("engine", ["here", "scheduler"])
def test_a_task_that_fails_has_a_receipt_that_says_why_and_the_others_are_done(
    engine, cluster, local, tmp_path
):
    toys = Toys(tmp_path, overflowing=(3, 17), leaving=(4,))
    told = []
    found = carried(toys, Here() if engine == "here" else Scheduler(cluster), ended=told.append)
    assert sorted(told, key=lambda receipt: receipt.place) == found
    failed = {receipt.place: receipt.error for receipt in found if receipt.error}
    said = "maps: expected finite numbers, got infinity; use float64"
    assert failed == {3: said, 17: said, 4: "SystemExit: a tool that leaves"}
    assert contents(tmp_path).items() < local.items() and len(contents(tmp_path)) == COUNT - 3


def test_what_cannot_be_loaded_is_said_in_one_line(cluster, tmp_path):
    with pytest.raises(FileNotFoundError, match="weights"):
        carry_out(COUNT, Missing(), Here(), folder=tmp_path)
    with pytest.raises(ValueError, match=r"got FileNotFoundError: weights.safetensors; give the") as caught:
        carry_out(COUNT, Missing(), Scheduler(cluster), folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_pickled_is_refused(cluster, tmp_path):
    lock = threading.Lock()
    with pytest.raises(ValueError, match="make_worker: expected what can be pickled"):
        carry_out(COUNT, lambda: lock, Scheduler(cluster), folder=tmp_path)


def test_workers_that_write_elsewhere_are_refused(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(carrying, "PATIENCE", 0.3)
    with pytest.raises(ValueError, match=r"units: expected toy_0-.* got no such file; give a folder"):
        carry_out(1, Toys(tmp_path / "there"), Scheduler(cluster), folder=tmp_path / "here")


def test_an_engine_that_loses_a_receipt_is_refused(tmp_path):
    class Losing:
        def receipts(self, places, make_worker):
            return (receipt for receipt in Here().receipts(places, make_worker) if receipt.place != 7)

    with pytest.raises(ValueError, match=f"engine: expected {COUNT} receipts, got none of 1 tasks"):
        carried(Toys(tmp_path), Losing())


def test_a_dead_scheduler_is_one_line_and_status_2(tmp_path):
    command = toys_command(tmp_path, "tcp://127.0.0.1:9")
    out, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("toys: scheduler: expected one that answers at tcp://127.0.0.1:9, got ")


def test_a_scheduler_that_dies_midway_is_one_line(tmp_path):
    with cluster_in(tmp_path, 1) as (address, scheduler):
        command = toys_command(tmp_path, address, seconds=0.1, count=300)
        wait_until(lambda: len(notes(tmp_path / "begun")) >= 3)
        scheduler.kill()
        _, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, err.count("\n")) == (2, 1)
    assert err.startswith("toys: scheduler: expected one that stays, got its connection lost; start it again")


@pytest.mark.parametrize("address", ["", "nonsense", "tcp://", "ftp://a:1", "tcp://127.0.0.1:99999999"])
def test_what_is_no_address_is_one_line(address, tmp_path):
    with pytest.raises(ValueError, match="scheduler: expected one that answers at") as caught:
        carry_out(1, Missing(), Scheduler(address, timeout=1), folder=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_worker_is_refused(count):
    with pytest.raises(ValueError, match="workers: expected an integer ≥ 1"):
        Workers(count)


def test_workers_without_room_are_refused(tmp_path):
    for many in (Workers(10**6), Workers(1, memory=10**8)):
        with pytest.raises(ValueError, match=r"workers: expected 400 MB for each, got .* MB; take fewer"):
            carry_out(1, Missing(), many, folder=tmp_path)


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("rankone.scale.submission.find_spec", lambda _: None)
    for engine in (Workers(1), Scheduler("tcp://127.0.0.1:9")):
        with pytest.raises(
            ValueError, match=r"got no dask.distributed installed; pip install 'rankone\[scale-out\]'"
        ):
            carry_out(1, Missing(), engine, folder=tmp_path)
