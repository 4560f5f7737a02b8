"""A table with names for its columns, of which one is predicted from the others.

Columns of numbers are taken as they are, of words each different one becomes a column of 0s and 1s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from gradbook.data.formats.rows import MISSING, CellRow, is_header, is_number, number, read_rows
from gradbook.errors import DataError, LimitError, UsageError, did_you_mean

SUFFIXES = (".csv", ".tsv")
MOST_WORDS = 100  # that differ, of a column
MOST_NUMBERS = 50_000_000  # of a table: 400 MB
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """What a column may hold."""

    name: str
    words: tuple[str, ...] = ()  # the different ones; of a column of numbers none

    @property
    def width(self) -> int:
        """As how many numbers it is given."""
        return len(self.words) or 1


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """The rows of a file; without a line of headings its columns are called column 1, column 2 …"""

    file: str
    names: tuple[str, ...]
    rows: tuple[CellRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, name: str) -> int:
        """Which column has this name."""
        if name in self.names:
            return self.names.index(name)
        known = ", ".join(map(repr, self.names[:10])) + (" …" if len(self.names) > 10 else "")
        hint = did_you_mean(name, self.names) or f": there are {known}"
        raise DataError(f"no column '{name}'{hint}", file=self.file)

    def cells(self, name: str) -> list[str]:
        """Of one column, row by row; none is missing."""
        place = self.place(name)
        found = [row.cells[place] for row in self.rows]
        for row, cell in zip(self.rows, found, strict=True):
            if cell.lower() in MISSING:
                number(cell, self.file, row.number, name)
        return found

    def numbers(self, name: str) -> Numbers:
        cells = self.cells(name)
        found = (
            number(cell, self.file, row.number, name)
            for row, cell in zip(self.rows, cells, strict=True)
        )
        return np.fromiter(found, np.float64, len(cells))

    def column(self, name: str) -> Column:
        """What it holds: numbers if most cells do, so that a slip among them is complained of."""
        cells = self.cells(name)
        if 2 * sum(map(is_number, cells)) > len(cells):
            self.numbers(name)
            return Column(name)
        words = tuple(sorted(set(cells)))
        if len(words) > MOST_WORDS:
            raise DataError(
                f"{len(words):,} different words are too many for a column: at most {MOST_WORDS}, "
                f"or leave it out with --ignore '{name}'",
                file=self.file,
                column=name,
            )
        return Column(name, words)

    def only(self, kept: Sequence[int]) -> ColumnTable:
        return ColumnTable(self.file, self.names, tuple(self.rows[k] for k in kept))


def read_columns(path: str | PathLike[str]) -> ColumnTable:
    """The table in a file with commas, semicolons or tabs."""
    rows = read_rows(path, ())
    headed = is_header(rows[0].cells)
    names = rows[0].cells if headed else [f"column {k}" for k in range(1, len(rows[0].cells) + 1)]
    return table_of(str(path), names, rows[headed:])


def table_of(file: str, names: Sequence[str], rows: Sequence[CellRow]) -> ColumnTable:
    """These rows under these names, each of which there is once."""
    for place, name in enumerate(names):
        if not name or name in names[:place]:
            what = f"two columns are called '{name}'" if name else f"column {place + 1} has no name"
            raise DataError(f"{what}: give each a name of its own", file=file)
    if len(names) < 2:
        raise DataError(
            "one column: there is nothing to predict it from; put commas, semicolons or tabs "
            "between the cells",
            file=file,
        )
    if not rows:
        raise DataError("only a line of headings: write one sample a row below it", file=file)
    return ColumnTable(file, tuple(names), tuple(rows))


def encoded(table: ColumnTable, columns: Sequence[Column]) -> Numbers:
    """These columns of a table, wherever they stand in it, as numbers: (rows, numbers)."""
    width = sum(column.width for column in columns)
    if width * len(table) > MOST_NUMBERS:
        raise LimitError(
            f"{table.file}: {len(table):,} rows of {width:,} numbers, words taken apart, are too "
            f"many: at most {MOST_NUMBERS:,} together; leave columns out with --ignore"
        )
    parts = [_encoded(table, column) for column in columns]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(table), 0))


def _encoded(table: ColumnTable, column: Column) -> Numbers:
    if not column.words:
        return table.numbers(column.name)[:, None]
    return np.eye(len(column.words))[numbered(table, column)]


def numbered(table: ColumnTable, column: Column) -> NDArray[np.int32]:
    """The number of each row's word; where all words are numbers, 1 and 1.0 are the same."""
    are_numbers = all(map(is_number, column.words))

    def known(cell: str) -> float | str:
        return by_value(cell) if are_numbers and is_number(cell) else cell

    numbers = {known(word): k for k, word in enumerate(column.words)}
    cells = table.cells(column.name)
    for row, cell in zip(table.rows, cells, strict=True):
        if known(cell) not in numbers:
            hint = did_you_mean(cell, column.words)
            raise DataError(
                f"{cell!r} is none of the {len(numbers)} words of the table that was trained on"
                f"{hint}",
                file=table.file,
                row=row.number,
                column=column.name,
            )
    return np.array([numbers[known(cell)] for cell in cells], np.int32)


def by_value(cell: str) -> float:
    """The number that a cell with one holds."""
    return float(cell.replace("−", "-"))


# Tables that come by name.


def named_table(name: str) -> ColumnTable:
    """`iris`, which comes with scikit-learn."""
    if name not in NAMED:
        raise UsageError(f"no table '{name}': by name there is {', '.join(NAMED)}")
    try:
        from sklearn.datasets import load_iris
    except ImportError as error:
        raise DataError(
            f"{name} comes with scikit-learn, which isn't installed: "
            "pip install 'gradbook[sklearn]'"
        ) from error
    found = load_iris()
    names = [heading.removesuffix(" (cm)") for heading in found.feature_names]
    rows = [
        CellRow(k, (*map(repr, map(float, values)), str(found.target_names[label])))
        for k, (values, label) in enumerate(zip(found.data, found.target, strict=True), 1)
    ]
    return table_of(name, [*names, "species"], rows)


NAMED = ("iris",)
