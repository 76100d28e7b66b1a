"""results.nc: what is written is read again, what was not measured is NaN, anything else is refused."""

import numpy as np
import pytest

from rankone.results.audit import DIMENSIONS, NAME, NOTHING, SCHEMA, dataset, read, write

HOSTILE = ("<script>", "Ω ≥ 0, ünï", 'a"b', "")


@pytest.fixture
def coordinates():
    return dict.fromkeys(DIMENSIONS, ("first", "second")) | {"method": HOSTILE}


def made(coordinates, **arrays):
    return dataset(coordinates, arrays, {"schema": NAME, "model": "Ω", "seconds": 1.5, "seed": 0})


def test_what_is_written_is_read_again(coordinates, tmp_path):
    csc = np.random.default_rng(0).random((4, 2, 2))
    path = write(tmp_path / "results.nc", made(coordinates, csc=csc, target=np.array([3, -1])))
    found = read(path)
    np.testing.assert_array_equal(found["csc"], csc)
    np.testing.assert_array_equal(found["target"], [3, -1])
    assert found["method"].values.tolist() == list(HOSTILE)
    assert found.attrs["model"] == "Ω" and found.attrs["seconds"] == 1.5
    assert path.read_bytes()[:3] == b"CDF", "NetCDF 3, which SciPy alone can read"


def test_a_seed_of_more_than_32_bits_is_kept_as_text(coordinates, tmp_path):
    for seed, kept in ((-(2**31), -(2**31)), (2**31, "2147483648"), (2**64 - 1, "18446744073709551615")):
        data = dataset(coordinates, {}, {"schema": NAME, "seed": seed})
        assert read(write(tmp_path / "results.nc", data)).attrs["seed"] == kept


def test_what_was_not_measured_is_nan_and_every_variable_says_what_it_is(coordinates, tmp_path):
    found = read(write(tmp_path / "results.nc", made(coordinates)))
    for name, variable in SCHEMA.items():
        assert found[name].dims == variable.dimensions
        assert found[name].attrs == {"long_name": variable.meaning, "units": variable.units}
        assert set(variable.dimensions) <= set(DIMENSIONS)
        values = found[name].values
        if values.dtype.kind == "f":
            assert np.isnan(values).all()
        else:
            assert (values == (-1 if values.dtype.kind == "i" else "")).all()
    for dimension, meaning in DIMENSIONS.items():
        assert found[dimension].attrs["long_name"] == meaning


def test_a_dimension_without_names_has_one(coordinates, tmp_path):
    found = read(write(tmp_path / "results.nc", made(coordinates | {"other": (NOTHING,)})))
    assert found.sizes["other"] == 1


def test_variables_and_dimensions_that_there_are_not_are_refused(coordinates):
    with pytest.raises(KeyError, match="beauty"):
        made(coordinates, beauty=np.zeros(1))
    with pytest.raises(KeyError, match="draw"):
        made({name: names for name, names in coordinates.items() if name != "draw"})


def test_another_file_is_refused_in_one_line(coordinates, tmp_path):
    path = write(tmp_path / "results.nc", made(coordinates))
    other = write(tmp_path / "other.nc", made(coordinates).assign_attrs(schema="rankone audit 0"))
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(path.read_bytes()[:200])
    for file, got in ((other, "schema rankone audit 0"), (damaged, "")):
        with pytest.raises(ValueError, match=f"expected results of {NAME}, got {got}"):
            read(file)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.nc")


def test_a_place_that_cannot_be_written_keeps_what_is_there(coordinates, tmp_path):
    (tmp_path / "results.nc").mkdir()
    with pytest.raises(OSError, match="expected a place for a file"):
        write(tmp_path / "results.nc", made(coordinates))
