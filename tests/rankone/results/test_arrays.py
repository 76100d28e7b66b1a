"""Named arrays: what is written is what is read; other and damaged files are refused in the house form."""

import numpy as np
import pytest

from rankone.results.arrays import RELEVANCE_MAPS, read_arrays


def test_what_is_written_is_what_is_read(tmp_path):
    arrays = {name: np.arange(3.0) for name in RELEVANCE_MAPS.meanings} | {"model": "digits-vgg"}
    read = RELEVANCE_MAPS.read(RELEVANCE_MAPS.write(tmp_path / "r.npz", **arrays))
    assert list(read) == list(RELEVANCE_MAPS.meanings)
    for name, value in arrays.items():
        np.testing.assert_array_equal(read[name], value)


def test_other_names_are_not_written(tmp_path):
    with pytest.raises(KeyError, match="units"):
        RELEVANCE_MAPS.write(tmp_path / "r.npz", images=np.eye(2))


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "r.npz"
    np.savez(path, Z1=np.eye(2))
    with pytest.raises(ValueError, match=r"r\.npz: expected arrays images, .* got Z1; write the file anew"):
        RELEVANCE_MAPS.read(path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken", b"\x93NUMPY\x01\x00"])
def test_damaged_bytes_are_refused(content, tmp_path):
    (tmp_path / "r.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"r\.npz: expected an \.npz file of numbers, got .*; write it with"):
        read_arrays(tmp_path / "r.npz")


def test_objects_are_not_unpickled_and_a_single_array_is_no_archive(tmp_path):
    np.savez(tmp_path / "r.npz", Z1=np.array([{}]))
    np.save(tmp_path / "r.npy", np.eye(2))
    for name in ("r.npz", "r.npy"):
        with pytest.raises(ValueError, match=r"expected an \.npz file of numbers"):
            read_arrays(tmp_path / name)


def test_no_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "absent.npz")
