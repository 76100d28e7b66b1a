"""Inside `kept_pages` freed memory stays with the process; afterwards it is gone, also when it is nested."""

import ctypes
import os
import sys
from pathlib import Path

import pytest
import torch

from torch_backend import kept_pages

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


def test_without_mallopt_nothing_happens(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with kept_pages():
        assert use_and_free() < BYTES / 4
