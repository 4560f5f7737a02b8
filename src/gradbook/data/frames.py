"""Data frames of pandas, Polars and Arrow, arrays with fields and mappings: columns by name.

None of these libraries is imported: anything with names and a column for each name is a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from gradbook.data.formats.cells import CellRow, complaint
from gradbook.data.formats.parquet import cell_of
from gradbook.data.tables import Column, ColumnTable, Numbers, encode
from gradbook.errors import DataError, ShapeError

LISTS = ("to_pylist", "to_list", "tolist")  # of Arrow, of Polars, of pandas and NumPy
NUMBERS = "biuf"  # kinds of arrays
NO_COLUMN = "give it as a list of numbers or words; collect a lazy frame first"


@dataclass(frozen=True, eq=False)
class NamedColumns:
    """Columns by their keys, which need not be strings."""

    columns: Any
    keys: tuple[Any, ...]

    @staticmethod
    def of(given: Any) -> NamedColumns | None:
        """The columns of an argument, if they have names."""
        if isinstance(given, np.ndarray):
            keys = given.dtype.names
        elif isinstance(given, Mapping):
            keys = given
        else:
            keys = getattr(given, "column_names", None) or getattr(given, "columns", None)
        if keys is None or not hasattr(given, "__getitem__"):
            return None
        frame = NamedColumns(given, tuple(keys))
        for place, name in enumerate(frame.names):
            if name in frame.names[:place]:
                raise DataError(f"two columns are called '{name}': give each column its own name")
        return frame

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(str, self.keys))

    def rows(self, columns: Sequence[Column], names: Sequence[str], complete: bool) -> Numbers:
        """A model's columns, under these names, as rows; NaN for a missing value, which is refused
        if they must be `complete`."""
        parts = []
        for column in columns:
            parts.append(self._numbers(self.keys[names.index(column.name)], column))
            missing = np.flatnonzero(np.isnan(parts[-1][:, 0]))
            if complete and len(missing):
                raise DataError(complaint(""), row=int(missing[0]) + 1, column=column.name)
        if len(set(map(len, parts))) > 1:
            raise ShapeError("the columns have different lengths: give each one value per row")
        return np.concatenate(parts, axis=1)

    def _numbers(self, key: Any, column: Column) -> Numbers:
        """One column: numbers unchanged, everything else as in a text table."""
        try:
            values = self.columns[key]
            array = np.asarray(values)
        except (TypeError, ValueError) as error:
            raise DataError(NO_COLUMN, column=column.name) from error
        if array.ndim != 1:
            raise DataError(NO_COLUMN, column=column.name)
        if array.dtype.kind in NUMBERS and not (column.words or column.dates):
            infinite = np.flatnonzero(np.isinf(array))
            if len(infinite):
                raise DataError(complaint("inf"), row=int(infinite[0]) + 1, column=column.name)
            return array.astype(np.float64)[:, None]
        values = next((getattr(values, name)() for name in LISTS if hasattr(values, name)), values)
        cells = (cell_of(_dated(value) if column.dates else value) for value in values)
        rows = tuple(CellRow(number, (cell,)) for number, cell in enumerate(cells, 1))
        return encode(ColumnTable("", (column.name,), rows), [column])


def _dated(value: Any) -> Any:
    """A date in the form of a text table."""
    return value.isoformat() if isinstance(value, date) else value
