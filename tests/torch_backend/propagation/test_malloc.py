"""Inside `kept_pages` freed memory stays with the process; afterwards it is gone, also when it is nested."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers import nets
from torch_backend import kept_pages, methods, sweep, trace
from torch_backend.propagation import malloc

STATUS = Path("/proc/self/statm")
BYTES = 256 << 20

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's malloc is needed"
)


def resident() -> int:
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def use_and_free() -> int:
    """Resident bytes above what was there, after a large tensor came and went."""
    before = resident()
    tensor = torch.ones(BYTES // 4)
    assert resident() - before > BYTES * 0.9
    del tensor
    return resident() - before


def test_memory_stays_inside_and_goes_afterwards() -> None:
    before = resident()
    with kept_pages():
        with kept_pages():
            pass
        kept = use_and_free()
    assert resident() - before < BYTES / 4
    assert use_and_free() < BYTES / 4
    assert kept > BYTES * 0.9


def test_memory_goes_when_an_error_ends_it() -> None:
    before = resident()
    with pytest.raises(ZeroDivisionError), kept_pages():
        use_and_free()
        raise ZeroDivisionError
    assert resident() - before < BYTES / 4


def test_without_mallopt_nothing_happens() -> None:
    """In a process of its own: what other tests left in the heap would be taken again, and kept."""
    elsewhere = "import sys\nsys.platform = 'darwin'"
    check = f"with kept_pages():\n    assert use_and_free() < {BYTES} / 4"
    code = "\n".join([Path(__file__).read_text(), elsewhere, check])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_a_sweep_keeps_pages_only_while_it_computes() -> None:
    """While the caller has a layer in hand, malloc is as usual; a sweep given up gives its memory back."""
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    layers = sweep(graph, methods.z_plus, {"fc2": torch.ones(1, 2, 4)}.get, ("input", *graph.layers))
    for _ in layers:
        assert malloc._users == 0
        with kept_pages():
            assert malloc._users == 1
    assert malloc._users == 0


def test_computing_in_kept_pages_holds_them() -> None:
    def items():
        yield malloc._users

    assert list(malloc.computed_in_kept_pages(items())) == [1]
