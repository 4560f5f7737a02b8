"""Tables in Parquet, read by Arrow: numbers and words as the cells of a text would have them.

What the file says of itself is checked before anything is unpacked, and what is unpacked is counted
as it comes, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from math import isnan
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from gradbook import limits
from gradbook.data.formats.cells import CellRow
from gradbook.errors import DataError, LimitError, one_line
from gradbook.files import open_file

if TYPE_CHECKING:
    from pyarrow import DataType
    from pyarrow.parquet import ParquetFile

SUFFIX = ".parquet"
AT_ONCE = 10_000  # rows
MISSING = (
    "reading a Parquet file needs the package pyarrow, which isn't installed: "
    "pip install 'gradbook[parquet]', or save the table as CSV"
)


def read_parquet(path: str | PathLike[str]) -> tuple[list[str], list[CellRow]]:
    """The names of the columns, and the rows; times are seconds since 1970."""
    try:
        import pyarrow as arrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(MISSING, file=path) from error
    broken = (arrow.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError)
    with open_file(path, limits.TABLE) as file:
        try:
            found = ParquetFile(file)
            names = [one_line(name).strip() for name in found.schema_arrow.names]
            _require_room(found, path)
            for column in found.schema_arrow:
                _require_plain(column.name, column.type, path)
            rows = [CellRow(k, cells) for k, cells in enumerate(_rows(found, path), 1)]
        except broken as error:
            said = one_line(str(error))[:120] or type(error).__name__
            raise DataError(
                f"not a Parquet file that can be read ({said}): save the table again, or as CSV",
                file=fspath(path),
            ) from error
    if not rows:
        raise DataError("the table has no rows: write one sample per row", file=fspath(path))
    return names, rows


def _require_room(found: ParquetFile, path: str | PathLike[str]) -> None:
    about = found.metadata
    _require_count(about.num_rows, about.num_columns, path)
    size = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
    _require_size(max(size, 0), path)


def _require_count(rows: int, columns: int, path: str | PathLike[str]) -> None:
    if rows > limits.ROWS.most:
        raise LimitError(f"{path}: {rows:,} rows: at most {limits.ROWS} are read")
    if rows * columns > limits.CELLS.most:
        raise LimitError(f"{path}: {rows * columns:,} cells: at most {limits.CELLS} are read")


def _require_size(size: int, path: str | PathLike[str]) -> None:
    if size > limits.UNPACKED_TABLE.most:
        raise LimitError(
            f"{path}: {size:,} bytes unpacked are too many: at most {limits.UNPACKED_TABLE} are "
            "read; leave columns or rows out"
        )


def _require_plain(name: str, kind: DataType, path: str | PathLike[str]) -> None:
    """Refuse lists, records and bytes."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    words = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    times = types.is_timestamp(kind) or types.is_date(kind)
    if not (words or numbers or times or types.is_boolean(kind) or types.is_null(kind)):
        raise DataError(
            f"a column of {one_line(str(kind))[:60]}: only numbers, words and times are read; "
            "leave it out of the file, or spread it over columns",
            file=fspath(path),
            column=name,
        )


def _rows(found: ParquetFile, path: str | PathLike[str]) -> Iterator[tuple[str, ...]]:
    size = count = 0
    for batch in found.iter_batches(AT_ONCE):
        size, count = size + batch.nbytes, count + batch.num_rows
        _require_size(size, path)
        _require_count(count, batch.num_columns, path)
        columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield from zip(*columns, strict=True)


def _cell(value: Any) -> str:
    """As it would stand in a text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if isnan(value):
            return ""
        case datetime():
            return repr((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
        case date():
            return value.isoformat()
        case float() | int():
            return repr(value)
    return one_line(str(value)).strip()
