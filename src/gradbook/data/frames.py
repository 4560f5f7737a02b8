"""Data frames of pandas, Polars and Arrow, arrays with fields and mappings: columns by name.

None of these libraries is imported: anything with names and a column for each name is a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.formats.cells import POINT, CellRow, complaint
from gradbook.data.tables import Column, ColumnTable, Numbers, encode, table_of, unknown_words
from gradbook.errors import DataError, ShapeError, assume, one_line

LISTS = ("to_pylist", "to_list", "tolist")  # of Arrow, of Polars, of pandas and NumPy
NUMBERS = "biuf"  # kinds of arrays
UNKNOWN = ("<NA>", "NaT")  # missing values in pandas
MOST_WHOLE = 2**53  # of floats, up to which they are exact
NO_COLUMN = "give it as a list of numbers or words; collect a lazy frame first"


@dataclass(frozen=True, eq=False)
class NamedColumns:
    """Columns by their keys, which need not be strings."""

    columns: Any
    keys: tuple[Any, ...]

    @staticmethod
    def of(table: Any) -> NamedColumns | None:
        """The columns of an argument, if they have names."""
        if hasattr(table, "collect") and not hasattr(table, "__len__"):
            raise DataError("a lazy frame has no values yet: give its .collect()")
        if isinstance(table, np.ndarray):
            keys = table.dtype.names
        elif isinstance(table, Mapping):
            keys = table
        else:
            keys = getattr(table, "column_names", None) or getattr(table, "columns", None)
        if keys is None or not hasattr(table, "__getitem__"):
            return None
        frame = NamedColumns(table, tuple(keys))
        for place, name in enumerate(frame.names):
            if name in frame.names[:place]:
                raise DataError(f"two columns are called '{name}': give each column its own name")
        return frame

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(str, self.keys))

    @property
    def row_count(self) -> int:
        return len(self.array(self.keys[0])) if self.keys else 0

    def rows(self, columns: Sequence[Column], names: Sequence[str], complete: bool) -> Numbers:
        """A model's columns, under these names, as rows; NaN for a missing value, which is refused
        if they must be `complete`. Of unknown words it warns."""
        parts = []
        for column in columns:
            parts.append(self._numbers(self.keys[names.index(column.name)], column))
            missing = np.flatnonzero(np.isnan(parts[-1][:, 0]))
            if complete and len(missing):
                raise DataError(complaint(""), row=int(missing[0]) + 1, column=column.name)
        self._require_one_length(parts)
        return np.concatenate(parts, axis=1)

    def array(self, key: Any, name: str = "") -> NDArray[Any]:
        """One column as an array; numbers in it are finite or missing. A message calls it by its
        name in the model, if it has one."""
        name = name or str(key)
        try:
            array = np.asarray(self.columns[key])
        except (TypeError, ValueError) as error:
            raise DataError(NO_COLUMN, column=name) from error
        if array.ndim != 1:
            raise DataError(NO_COLUMN, column=name)
        if array.dtype.kind in NUMBERS:
            infinite = np.flatnonzero(np.isinf(array))
            if len(infinite):
                raise DataError(complaint("inf"), row=int(infinite[0]) + 1, column=name)
        return array

    def numbers(self) -> Numbers | None:
        """All columns as rows of numbers; None if some aren't numbers, or lack a value."""
        arrays = [self.array(key) for key in self.keys]
        if not arrays or any(array.dtype.kind not in NUMBERS for array in arrays):
            return None
        self._require_one_length(arrays)
        rows = np.stack(arrays, axis=1).astype(np.float64)
        return None if np.isnan(rows).any() else rows

    def table(self, file: str) -> ColumnTable:
        """All columns as a text table, in which dates and words are recognised."""
        columns = []
        for key in self.keys:
            self.array(key)  # which refuses what isn't a column
            columns.append([cell_of(value) for value in _values(self.columns[key])])
        self._require_one_length(columns)
        rows = [
            CellRow(number, cells) for number, cells in enumerate(zip(*columns, strict=True), 1)
        ]
        return table_of(file, self.names, rows, least=1, decimal=POINT)

    @staticmethod
    def _require_one_length(columns: Sequence[Any]) -> None:
        if len(set(map(len, columns))) > 1:
            raise ShapeError("the columns have different lengths: give each one value per row")

    def _numbers(self, key: Any, column: Column) -> Numbers:
        """One column: numbers unchanged, everything else as in a text table."""
        array = self.array(key, column.name)
        if array.dtype.kind in NUMBERS and not (column.words or column.dates):
            return array.astype(np.float64)[:, None]
        values = _values(self.columns[key])
        if not column.dates:  # older files of models have times as seconds since 1970
            values = (_seconds(value) if isinstance(value, datetime) else value for value in values)
        cells = map(cell_of, values)
        rows = tuple(CellRow(number, (cell,)) for number, cell in enumerate(cells, 1))
        table = ColumnTable("", (column.name,), rows)
        numbers = encode(table, [column])
        for remark in unknown_words(table, [column]):
            assume(remark)
        return numbers


def _seconds(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _values(column: Any) -> Any:
    """The values of a column, as Python has them."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # finer ones become whole numbers
    return next((getattr(column, name)() for name in LISTS if hasattr(column, name)), column)


def cell_of(value: Any) -> str:
    """The value as in a text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case float() if isnan(value):
            return ""
        case date():  # or a time
            return value.isoformat()
        case float() if value.is_integer() and abs(value) < MOST_WHOLE:
            return repr(int(value))  # whole numbers are floats in pandas if one is missing
        case float():
            return repr(float(value))  # also NumPy's, which are written otherwise
    word = one_line(str(value)).strip()
    return "" if word in UNKNOWN else word
