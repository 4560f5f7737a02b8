"""Tables in Parquet, read by Arrow: numbers and words, as the cells of a text would be.

The file's metadata is checked before anything is unpacked. The unpacked size of each page is read
from the page, since a footer may give less, and texts in many rows are stored once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date
from math import isnan
from os import PathLike, fspath
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from gradbook import limits
from gradbook.data.formats.cells import CellRow
from gradbook.errors import DataError, LimitError, one_line
from gradbook.files import open_file

if TYPE_CHECKING:
    from pyarrow import Array, DataType
    from pyarrow.parquet import ParquetFile

SUFFIX = ".parquet"
AT_ONCE = 10_000  # rows
DECODED = 2**25  # bytes of one column at once; each text may be as long as a page
LEAST_PAGE = 1024  # bytes that a page counts at least, which limits their number
NUMBER, WIDEST = 8, 32  # bytes of a number
MOST_LISTED = 100_000  # columns, groups of rows
SHORT = 20  # characters of a cell that isn't stored only once
UNKNOWN = ("<NA>", "NaT")  # missing values in pandas
MOST_WHOLE = 2**53  # of floats, up to which they are exact
LONGEST_TEXT = 131_072  # characters of a cell, as in text files
MISSING = (
    "reading a Parquet file needs the package pyarrow, which isn't installed: "
    "pip install 'gradbook[parquet]', or save the table as CSV"
)


def read_parquet(path: str | PathLike[str]) -> tuple[list[str], list[CellRow]]:
    """The names of the columns, and the rows."""
    try:
        import pyarrow as arrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(MISSING, file=path) from error
    wrong = (OSError, ValueError, TypeError, OverflowError, MemoryError, LookupError)
    broken = (arrow.ArrowException, *wrong, struct.error)
    with open_file(path, limits.TABLE) as file:
        data = file.read()
    try:
        _require_footer(data, path)
        how = {"thrift_container_size_limit": MOST_LISTED}
        opened = ParquetFile(arrow.BufferReader(data), **how)
        about, schema = opened.metadata, opened.schema_arrow
        names = [one_line(name).strip() for name in schema.names]
        _require_count(about.num_rows, about.num_columns, path)
        sizes = (about.row_group(k).total_byte_size for k in range(about.num_row_groups))
        _require_size(max(sum(sizes), about.num_rows * about.num_columns * NUMBER), path)
        for column in schema:
            _require_plain(column.name, column.type, path)
        shared, at_once = _plan(data, opened, path)
        reader = ParquetFile(arrow.BufferReader(data), read_dictionary=shared, **how)
        rows = [CellRow(k, cells) for k, cells in enumerate(_rows(reader, at_once, path), 1)]
    except broken as error:
        reason = one_line(str(error))[:120] or type(error).__name__
        raise DataError(
            f"not a Parquet file that can be read ({reason}): save the table again, or as CSV",
            file=fspath(path),
        ) from error
    if not rows:
        raise DataError("the table has no rows: write one sample per row", file=fspath(path))
    return names, rows


def _require_footer(data: bytes, path: str | PathLike[str]) -> None:
    """Refuse a footer that would need too much memory: reading takes hundreds of times its size."""
    size = struct.unpack("<I", data[-8:-4])[0] if len(data) >= 12 else 0
    if min(size, len(data)) > limits.FOOTER.most:
        raise LimitError(
            f"{path}: its footer has {size:,} bytes: at most {limits.FOOTER} are read; leave "
            "columns out, or write larger groups of rows"
        )


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
    words = _are_words(kind)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    times = types.is_timestamp(kind) or types.is_date(kind)
    if not (words or numbers or times or types.is_boolean(kind) or types.is_null(kind)):
        raise DataError(
            f"a column of {one_line(str(kind))[:60]}: only numbers, words and times are read; "
            "leave it out of the file, or spread it over columns",
            file=fspath(path),
            column=name,
        )


def _are_words(kind: DataType) -> bool:
    from pyarrow import types

    return any((types.is_string(kind), types.is_large_string(kind), types.is_string_view(kind)))


def _rows(file: ParquetFile, at_once: int, path: str | PathLike[str]) -> Iterator[tuple[str, ...]]:
    size = count = 0
    kept: dict[str, str] = {}
    for batch in file.iter_batches(at_once):
        count += batch.num_rows
        _require_count(count, batch.num_columns, path)
        columns = []
        for column in batch.columns:
            column.validate(full=True)  # a damaged column may point anywhere
            _require_short(column, path)
            cells = _cells(column)
            for cell in {cell for cell in cells if len(cell) > SHORT} - kept.keys():
                kept[cell] = cell
                size += getsizeof(cell)
            _require_size(size, path)
            columns.append([kept.get(cell, cell) for cell in cells])
        yield from zip(*columns, strict=True)


def _require_short(column: Array, path: str | PathLike[str]) -> None:
    from pyarrow import compute, types

    texts = column.dictionary if types.is_dictionary(column.type) else column
    if _are_words(texts.type):
        longest = compute.max(compute.binary_length(texts)).as_py() or 0
        if longest > LONGEST_TEXT:
            raise LimitError(
                f"{path}: a text of {longest:,} bytes: at most {LONGEST_TEXT:,} in a cell are read"
            )


def _cells(column: Array) -> list[str]:
    """The cells as in a text; those in a dictionary are made once."""
    from pyarrow import types

    if not types.is_dictionary(column.type):
        return [cell_of(value) for value in column.to_pylist()]
    places = column.indices.to_pylist()
    cells = {k: "" if k is None else cell_of(column.dictionary[k].as_py()) for k in set(places)}
    return [cells[k] for k in places]


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


# The unpacked size of each page -----------------------------------------------

BYTES_OF_ANY_LENGTH, BYTES_OF_ONE_LENGTH = "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"
GROWS = 7  # an encoding that stores only the difference from the text before
DATA_PAGES = {0: (5, 2), 3: (8, 4)}  # kind → the place of its header, and the encoding in it


def _plan(data: bytes, file: ParquetFile, path: str | PathLike[str]) -> tuple[list[str], int]:
    """The columns whose texts are stored once, however often they occur, and how many rows of the
    others can be unpacked at once, even if each contains the longest text."""
    start = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    footer, _ = _record(data, max(start, 0), len(data) - 8)  # damage there would crash Arrow
    groups = [group[1] for group in footer[4]]
    largest, total = 1, 0
    shared: set[str] = set()
    for place, column in enumerate(file.schema_arrow):
        kind = file.schema.column(place)
        if kind.physical_type == BYTES_OF_ONE_LENGTH and kind.length > WIDEST:
            raise ValueError(f"numbers of {kind.length:,} bytes")
        is_long = kind.physical_type == BYTES_OF_ANY_LENGTH
        sizes, encodings = [LEAST_PAGE], set()
        for group in groups:
            for size, encoding in _pages(data, group[place][3]):
                total += max(size, LEAST_PAGE)
                _require_size(total, path)
                sizes.append(size)
                encodings.add(encoding)
        if is_long and _are_words(column.type) and GROWS not in encodings:
            shared.add(column.name)
        elif is_long:
            largest = max(largest, *sizes)
    return sorted(shared), max(1, min(AT_ONCE, DECODED // largest))


def _pages(data: bytes, chunk: dict[int, Any]) -> Iterator[tuple[int, int]]:
    """For each page of a column: its unpacked size, and the encoding of its values."""
    at, dictionary = chunk[9], chunk.get(11, 0)
    if 0 < dictionary < at:
        at = dictionary
    end, values = at + chunk[7], 0
    if not 4 <= at <= end <= len(data):
        raise ValueError("a column is outside the file")
    while values < chunk[5]:
        if at >= end:
            raise ValueError("a column has fewer values than the file says")
        header, at = _record(data, at, end)
        kind, size, packed = header[1], header[2], header[3]
        if size < 0 or not 0 <= packed <= end - at:
            raise ValueError("a page is outside its column")
        encoding = -1
        if kind in DATA_PAGES:
            place, which = DATA_PAGES[kind]
            encoding = header[place][which]
            values += max(header[place][1], 0)
        yield size, encoding
        at += packed


def _record(data: bytes, at: int, end: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A record of Thrift's compact form, by the numbers of its fields, and its end."""
    fields: dict[int, Any] = {}
    number = 0
    while mark := data[at]:
        at += 1
        if mark >> 4:
            number += mark >> 4
        else:
            number, at = _signed_integer(data, at)
        if number in fields or at >= end or depth > MOST_WITHIN:
            raise ValueError(UNCLEAR)
        kind = mark & 15
        fields[number], at = (kind, at) if kind in FLAGS else _value(kind, data, at, end, depth)
    return fields, at + 1


def _value(kind: int, data: bytes, at: int, end: int, depth: int) -> tuple[Any, int]:
    if kind in WHOLES:
        return _signed_integer(data, at)
    if kind == RECORD:
        return _record(data, at, end, depth + 1)
    if kind == BINARY:
        length, at = _plain_whole(data, at)
        return length, at + length
    if kind in LISTS:
        mark, at = data[at], at + 1
        count, at = (mark >> 4, at) if mark >> 4 < 15 else _plain_whole(data, at)
        if count > end - at or depth > MOST_WITHIN:
            raise ValueError(UNCLEAR)
        values = []
        for _ in range(count):
            value, at = _value(mark & 15, data, at, end, depth + 1)
            values.append(value)
        return values, at
    if kind not in SIZES:
        raise ValueError(UNCLEAR)
    return None, at + SIZES[kind]


UNCLEAR = "its metadata can't be read"
FLAGS, WHOLES, BINARY, LISTS, RECORD = (1, 2), (4, 5, 6), 8, (9, 10), 12  # kinds of fields
SIZES = {1: 1, 2: 1, 3: 1, 7: 8}  # in bytes; flags here are those of lists
MOST_WITHIN = 8  # nested records


def _plain_whole(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise ValueError(UNCLEAR)
    return value, at


def _signed_integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _plain_whole(data, at)
    return (value >> 1) ^ -(value & 1), at
