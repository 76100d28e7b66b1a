"""What cannot fit into memory is refused before it is computed; what fits is not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers.command import rankone, refused
from torch_backend import csc, images, memory, methods
from torch_backend.memory import available, in_words, refuse_beyond_memory

ROOT = Path(__file__).parents[2]
MEMINFO = (
    "MemTotal:  9000 kB\nMemAvailable:  2000 kB\nSwapTotal:  0 kB\nSwapFree:  500 kB\nHugePages_Total:  0\n"
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with what the two files say; none is there at first."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUP_LIMIT", tmp_path / "memory.max")
    return tmp_path


def test_what_can_be_had_is_what_is_free_and_what_the_container_may_take(machine):
    assert available() > 1 << 28  # the whole of this machine
    (machine / "meminfo").write_text(MEMINFO)
    assert available() == 2500 * 1024
    for limit, there in (("max\n", 2500 * 1024), ("1000\n", 1000), ("9999999\n", 2500 * 1024)):
        (machine / "memory.max").write_text(limit)
        assert available() == there


def test_here_it_is_less_than_the_machine_has():
    assert 1 << 20 < available() <= 1 << 50


def test_only_what_is_more_than_that_is_refused(machine):
    (machine / "meminfo").write_text(MEMINFO)
    refuse_beyond_memory("n", 2500 * 1024, got=5, do="ask for fewer")
    said = r"^n: expected what fits into 2\.56 MB of memory, got 5, which takes at least 2\.56 MB; ask"
    with pytest.raises(ValueError, match=said):
        refuse_beyond_memory("n", 2500 * 1024 + 1, got=5, do="ask for fewer")


@pytest.mark.parametrize(
    ("count", "words"),
    [(999, "999 B"), (1610, "1.61 kB"), (4.2e12, "4.2 TB"), (1e24, "1e+09 PB")],
)
def test_counts_in_words(count, words):
    assert in_words(int(count)) == words


@pytest.mark.parametrize("vectors", [10**6, 10**9, 10**30])
def test_too_many_vectors_are_refused_before_any_is_made(vectors, monkeypatch, tmp_path):
    monkeypatch.setattr("torch_backend.convergence.csc.sweep", None)
    line = refused(
        rankone("csc", "--model", "digits-vgg", "--limit", 1, "--vectors", vectors, "--out", tmp_path / "out")
    )
    assert "vectors: expected what fits into " in line and f"got {vectors}, which takes at least" in line
    assert not (tmp_path / "out").exists()


PEAK = """
import torch
from torch import nn
from torch_backend import csc, memory, methods
from torch_backend.convergence import csc as file
needed = []
file.refuse_beyond_memory = lambda name, bytes, **words: needed.append(bytes)
net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)).eval()
image = torch.rand(1, 2, 48, 48)
csc(net, image, methods.gradient, vectors=2)
field = lambda name: next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith(name))
open("/proc/self/clear_refs", "w").write("5")  # proc(5): the peak starts anew
before = 1024 * field("VmRSS")
csc(net, image, methods.gradient, vectors=80)
print(needed[-1], 1024 * field("VmHWM") - before)
"""


def test_what_is_said_to_be_needed_is_needed():
    """A lower bound of the peak of a real run, and not a small one."""
    run = [sys.executable, "-c", PEAK]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    needed, taken = map(int, done.stdout.split())
    assert 0.2 * taken < needed < taken


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100_000)


def test_images_that_do_not_fit_are_refused_before_they_are_read(small_machine, tmp_path):
    """What is mapped needs no room: an array in the network's own precision."""
    np.save(tmp_path / "many.npy", np.zeros((40, 1, 30, 30)))
    assert len(images.read(tmp_path / "many.npy", images.DIGITS, limit=20)) == 20
    with pytest.raises(ValueError, match=r"images: .* got float64 \(40, 1, 30, 30\) .* at least 144 kB"):
        images.read(tmp_path / "many.npy", images.DIGITS)
    np.save(tmp_path / "mapped.npy", np.zeros((40, 1, 30, 30), np.float32))
    assert len(images.read(tmp_path / "mapped.npy", images.DIGITS)) == 40
    with pytest.raises(ValueError, match=r"images: .* got 5 files, which takes at least 123 kB"):
        images.from_files(["absent.png"] * 5, images.DIGITS)


def test_csc_asks_before_it_computes(small_machine):
    net = nn.Sequential(nn.Conv2d(2, 9, 1), nn.Flatten(), nn.Linear(9, 3)).eval()
    image = torch.rand(1, 2, 1, 1)
    assert csc(net, image, methods.gradient, vectors=20).vectors == 20
    with pytest.raises(ValueError, match="vectors: expected what fits into 100 kB"):
        csc(net, image, methods.gradient, vectors=100)


def test_an_input_shape_that_does_not_fit_is_refused():
    line = refused(rankone("model", "--model", "digits-vgg", "--input-shape", "3x9999999999x4"))
    assert "input-shape: expected what fits into" in line and "at least 480 GB" in line
