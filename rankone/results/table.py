"""Tables of results as CSV files: one schema for who writes a table and who draws it.

    CONVERGENCE.write("out/csc.csv", rows)   # rows: mappings from the names of the columns to values
    rows = CONVERGENCE.read("out/csc.csv")   # the same, or a ValueError that says what is wrong with the file

The tables themselves are in `rankone.results.tables`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rankone.errors import refuse
from rankone.results.whole import write_whole

Row = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """What a cell holds, in words; how a value becomes a cell, and a cell a value."""

    words: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


TEXT = Format("text", str, str)
WHOLE = Format("a whole number", "{:d}".format, int)
SIX_DIGITS = Format("a number", "{:.6g}".format, float)
ALL_DIGITS = Format("a number", lambda x: repr(float(x)), float)


@dataclass(frozen=True)
class Column:
    """One column: its name in the header, what it means, how its cells are written, and its unit if any."""

    name: str
    meaning: str
    format: Format = TEXT
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Columns, in their order, and the command that writes a file of them."""

    command: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The header."""
        return tuple(column.name for column in self.columns)

    def write(self, path: str | Path, rows: Iterable[Mapping[str, Any]]) -> Path:
        """Write the header and a line for each row, whole or not at all; returns the path.

        KeyError if a row lacks a value, OSError if the file cannot be written.
        """
        text = io.StringIO(newline="")
        lines = csv.writer(text)
        lines.writerow(self.names)
        lines.writerows([c.format.write(row[c.name]) for c in self.columns] for row in rows)
        return write_whole(path, text.getvalue().encode())

    def remove(self, path: Path) -> None:
        """Remove the file of an earlier run, if it is such a table; any other stays.

        OSError if it cannot be removed.
        """
        if path.exists():
            try:
                self.read(path)
            except ValueError:
                return
            path.unlink(missing_ok=True)

    def read(self, path: str | Path) -> list[Row]:
        """The rows of a file, their cells as text, int or float; at least one.

        ValueError for another header, no rows, a cell that is not what its column holds, and a file that is
        no CSV in UTF-8; OSError where there is none.
        """
        try:
            with open(path, newline="", encoding="utf-8") as file:
                reader = csv.reader(file)
                header = next(reader, [])
                lines = [(reader.line_num, cells) for cells in reader if cells]
        except (UnicodeDecodeError, csv.Error) as error:
            self._refuse(str(path), expected="a CSV file in UTF-8", got=error)
        if tuple(header) != self.names:
            expected = f"columns {', '.join(self.names)}"
            self._refuse(str(path), expected=expected, got=", ".join(header) or "none")
        if not lines:
            self._refuse(str(path), expected="rows", got="an empty table")
        return [self._row(f"{path}, line {number}", cells) for number, cells in lines]

    def _row(self, where: str, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            self._refuse(where, expected=f"{len(self.columns)} cells", got=len(cells))
        row = {}
        for column, cell in zip(self.columns, cells, strict=True):
            try:
                row[column.name] = column.format.read(cell)
            except ValueError:
                self._refuse(f"{where}, {column.name}", expected=column.format.words, got=repr(cell))
        return row

    def _refuse(self, name: str, *, expected: str, got: object) -> NoReturn:
        refuse(name, expected=expected, got=got, do=f"write the table anew with {self.command}")
