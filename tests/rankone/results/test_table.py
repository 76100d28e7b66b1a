"""Tables: what is written is what is read, every table has its columns, another file is refused."""

import math

import numpy as np
import pytest

from rankone.results import tables
from rankone.results.table import ALL_DIGITS, SIX_DIGITS, TEXT, WHOLE, Column, Table

TABLES = {name: value for name, value in vars(tables).items() if isinstance(value, Table)}
MIXED = Table(
    "a command",
    (
        Column("name", "of the row"),
        Column("count", "of things", WHOLE),
        Column("all", "every digit", ALL_DIGITS),
        Column("six", "six digits", SIX_DIGITS),
    ),
)
ROW = {"name": 'a "b", c', "count": np.int64(3), "all": np.float64(0.1) + 0.2, "six": 1.23456789e-12}


def test_every_digit_survives_and_six_digits_are_six(tmp_path):
    path = MIXED.write(tmp_path / "t.csv", [ROW, {**ROW, "all": math.nan, "six": -math.inf}])
    lines = path.read_bytes().decode().split("\r\n")
    assert lines[:2] == ["name,count,all,six", '"a ""b"", c",3,0.30000000000000004,1.23457e-12']
    first, second = MIXED.read(path)
    assert first == {**ROW, "count": 3, "six": 1.23457e-12}
    assert isinstance(first["count"], int) and isinstance(first["all"], float)
    assert math.isnan(second["all"]) and second["six"] == -math.inf


def test_a_value_that_is_missing_or_of_another_kind_is_not_written(tmp_path):
    with pytest.raises(KeyError, match="six"):
        MIXED.write(tmp_path / "t.csv", [{"name": "a", "count": 1, "all": 1.0}])
    with pytest.raises(ValueError, match="format code 'd'"):
        MIXED.write(tmp_path / "t.csv", [{**ROW, "count": 1.5}])


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_reads_what_it_writes(table, tmp_path):
    values = {TEXT: "a", WHOLE: 2, SIX_DIGITS: 0.5, ALL_DIGITS: 1 / 3}
    row = {column.name: values[column.format] for column in table.columns}
    assert table.read(table.write(tmp_path / "t.csv", [row, row])) == [row, row]
    assert len(set(table.names)) == len(table.columns)
    assert all(column.meaning for column in table.columns)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"t\.csv: expected columns name, count, all, six, got none; write the table anew with a comm"),
        (b"name,count,six,all\n", "expected columns .* got name, count, six, all"),
        (b"name,count,all,six\n", "expected rows, got an empty table"),
        (b"name,count,all,six\n\n", "expected rows, got an empty table"),
        (b"name,count,all,six\na,1,2,3\na,1,2\n", r"t\.csv, line 3: expected 4 cells, got 3"),
        (b"name,count,all,six\na,1.5,2,3\n", r"line 2, count: expected a whole number, got '1\.5'"),
        (b"name,count,all,six\na,1,x,3\n", "line 2, all: expected a number, got 'x'"),
        (b"\x89PNG\r\n\xff\xfe", "expected a CSV file in UTF-8"),
        (b"name,count\0", "expected (a CSV file|columns)"),
    ],
)
def test_another_file_is_refused(content, message, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        MIXED.read(tmp_path / "t.csv")


def test_no_file_is_no_value_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        MIXED.read(tmp_path / "absent.csv")


def test_only_a_table_of_its_own_is_removed(tmp_path):
    table = Table("a command", (Column("number", "of something", WHOLE),))
    path = tmp_path / "t.csv"
    table.remove(path)  # there is none
    for kept in ("mine\n", "", "number\nx\n"):
        path.write_text(kept)
        table.remove(path)
        assert path.read_text() == kept
    table.write(path, [{"number": 1}])
    table.remove(path)
    assert not path.exists()
