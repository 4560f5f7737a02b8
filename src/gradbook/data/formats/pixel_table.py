"""Tables of images in CSV: each row is a label and pixels from 0 to 255, separated by commas.

The label comes first, or last if the heading says so. A heading is optional. Rows of n·n pixels
are grey squares, rows of 3·n·n are squares with red, green and blue for each pixel.
"""

from __future__ import annotations

import re
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from math import isqrt, prod
from os.path import getsize
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.dataset import Dataset, Part, Size, assemble
from gradbook.data.formats.cells import SEPARATORS, is_number, table_text
from gradbook.data.formats.data_files import LABELS, by_part, open_unpacked, require_room
from gradbook.errors import DataError, FileError

SUFFIXES = (".csv", ".tsv")
LEAST_PIXELS = 16  # of an image: fewer numbers are measurements
ROWS_AT_ONCE = 1000
LABEL_HEADINGS = LABELS | {"class", "digit"}
PIXEL_HEADING = re.compile(  # pixel0, px_12, 28x28, r3, 783
    r"(?:p|px|pix|pixel|r|g|b|red|green|blue)?[ _-]?[0-9]{1,5}(?:[x_ -][0-9]{1,5}){0,2}"
)
PIXEL = re.compile(r'\s*(?:"\s*)?([0-9]{1,3})(?:\.0*)?\s*(?:"\s*)?')


def is_table(name: str) -> bool:
    """Whether a file of this name is a table."""
    plain = name.lower().removesuffix(".gz").removesuffix(".xz")
    return plain.endswith(SUFFIXES) and not name.startswith(".")


def holds_pixels(file: Path, *, named_so: bool = False) -> bool:
    """Whether its first row of numbers is a label and the bytes of a square of at least 4 by 4.
    With `named_so` a heading, if there is one, must name them like pixels."""
    is_packed = not file.name.lower().endswith(SUFFIXES)
    if not is_table(file.name) or (not is_packed and getsize(file) > limits.IMAGE_TABLE.most):
        return False
    with open_unpacked(file, limits.IMAGE_TABLE) as stream:
        rows = _rows(stream, file)
        first = next(rows, None)
        if first is None:
            return False
        layout = _layout(first, file)
        row = next(rows, first) if layout.has_heading else first
    count = layout.columns - 1
    is_square = any(ch * isqrt(count // ch) ** 2 == count for ch in (1, 3))
    if count < LEAST_PIXELS or not is_square:
        return False
    headings, fields = (layout.parted(line)[1].split(layout.separator) for line in (first, row))
    if named_so and layout.has_heading:
        names = (name.strip().strip('"').lower() for name in headings)
        if not all(map(PIXEL_HEADING.fullmatch, names)):
            return False
    return all((m := PIXEL.fullmatch(f)) and int(m[1]) <= 255 for f in fields)


def read(where: Path, size: Size | None = None) -> Dataset:
    """The data set of one table, or of a folder's tables, one for each part."""
    folder, names = where.parent, [where.name]
    if where.is_dir():
        folder, names = where, sorted(f.name for f in where.iterdir() if is_table(f.name))
    files = by_part(names, str(where))
    parts = {part: _part(folder / name, size) for part, name in files.items()}
    return assemble(where.resolve().name.partition(".")[0], f"tables in {where}", parts)


@dataclass(frozen=True)
class TextRow:
    """A row of a table, counted from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class TableLayout:
    """The layout of a table's rows."""

    separator: str
    columns: int
    label_last: bool
    has_heading: bool

    def parted(self, row: TextRow) -> tuple[str, str]:
        """A row's label and its pixels."""
        label, _, pixels = row.text.partition(self.separator)
        if self.label_last:
            pixels, _, label = row.text.rpartition(self.separator)
        return label.strip().strip('"'), pixels


def _part(file: Path, size: Size | None) -> Part:
    labels: list[str] = []
    numbers: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    with open_unpacked(file, limits.IMAGE_TABLE) as stream:
        rows = _rows(stream, file)
        first = next(rows, None)
        if first is None:
            raise DataError("it has no rows", file=file)
        layout = _layout(first, file)
        shape = _shape(layout.columns - 1, size, file)
        if not layout.has_heading:
            rows = chain([first], rows)
        while block := list(islice(rows, ROWS_AT_ONCE)):
            numbers += [row.number for row in block]
            labels += _labels(block, layout, file)
            require_room((len(numbers), layout.columns - 1), str(file))
            pixels.append(_pixels(block, layout, file))
    channels, height, width = shape
    values = np.concatenate(pixels) if pixels else np.empty((0, prod(shape)), np.uint8)
    return Part(
        pixels=values.reshape(-1, height, width, channels).transpose(0, 3, 1, 2),
        labels=np.array(labels),
        images_file=str(file),
        labels_file=str(file),
        place=lambda i: f"row {numbers[i]}",
    )


def _rows(stream: BinaryIO, file: Path) -> Iterator[TextRow]:
    for number in range(1, limits.LINES.most + 2):
        line = stream.readline(limits.LINE.most + 1)
        if not line:
            return
        if number > limits.LINES.most:
            raise DataError(f"more than {limits.LINES} lines", file=file)
        if len(line) > limits.LINE.most:
            raise DataError(f"longer than {limits.LINE}", file=file, row=number)
        if number == 1 and line.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            yield from _wide_rows(line + stream.read(limits.WIDE_TABLE.most), file)
            return
        text = _decoded(line, number, file).strip()
        if text:
            yield TextRow(number, text)


def _decoded(line: bytes, number: int, file: Path) -> str:
    try:
        text = table_text(line, str(file))
    except FileError as error:
        raise DataError("isn't text: save the table as UTF-8", file=file, row=number) from error
    return text


def _wide_rows(content: bytes, file: Path) -> Iterator[TextRow]:
    """The rows of UTF-16, in which the end of a line isn't one byte."""
    if len(content) > limits.WIDE_TABLE.most:
        raise DataError(f"UTF-16, and larger than {limits.WIDE_TABLE}: save it as UTF-8", file=file)
    for number, line in enumerate(_decoded(content, 1, file).splitlines(), 1):
        if line.strip():
            yield TextRow(number, line.strip())


def _layout(first: TextRow, file: Path) -> TableLayout:
    separator = max(SEPARATORS, key=first.text.count)
    fields = [field.strip().strip('"').lower() for field in first.text.split(separator)]
    if len(fields) < 2:
        raise DataError(
            "each row must be a label and its pixels, separated by commas, semicolons or tabs",
            file=file,
            row=first.number,
        )
    headings = [field in LABEL_HEADINGS for field in fields]
    has_heading = headings[0] or headings[-1] or not any(map(is_number, fields))
    return TableLayout(separator, len(fields), headings[-1] and not headings[0], has_heading)


def _shape(pixels: int, size: Size | None, file: Path) -> tuple[int, int, int]:
    """Channels, rows and columns for this number of pixels."""
    for channels in (1, 3):
        if size and channels * prod(size) == pixels:
            return channels, *size
    for channels in (1, 3):
        side = isqrt(pixels // channels)
        if channels * side**2 == pixels:
            return channels, side, side
    wanted = "make no square: give the size" if size is None else f"aren't {size[0]}x{size[1]}"
    raise DataError(f"{pixels:,} pixels a row {wanted}, in grey or in colour", file=file)


def _labels(rows: list[TextRow], layout: TableLayout, file: Path) -> list[str]:
    labels = []
    for row in rows:
        columns = 1 + row.text.count(layout.separator)
        if columns != layout.columns:
            raise DataError(
                f"{counted(columns, 'column')}, but the first row has {layout.columns}",
                file=file,
                row=row.number,
            )
        label, _ = layout.parted(row)
        if not 0 < len(label) <= limits.LABEL.most:
            what = f"a label of {len(label):,} characters" if label else "no label"
            raise DataError(f"{what}: give it 1 to {limits.LABEL.most}", file=file, row=row.number)
        labels.append(label)
    return labels


def _pixels(rows: list[TextRow], layout: TableLayout, file: Path) -> NDArray[np.uint8]:
    texts = [layout.parted(row)[1] for row in rows]
    for kind in (np.uint8, np.float64):  # 255.0 is a pixel too, but rare
        values = _numbers(texts, layout.separator, kind)
        if values is not None and bool(np.all((values >= 0) & (values <= 255))):
            pixels = values.astype(np.uint8)
            if np.array_equal(pixels, values):
                return pixels
    raise _complaint(rows, texts, layout, file)


def _numbers(texts: list[str], separator: str, kind: type) -> NDArray[Any] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an older NumPy reads 1.5 as 1, with a warning
            return np.loadtxt(
                texts, kind, comments=None, delimiter=separator, ndmin=2, quotechar='"'
            )
    except (ValueError, Warning):
        return None


def _complaint(rows: list[TextRow], texts: list[str], layout: TableLayout, file: Path) -> DataError:
    """The problem with these rows, from the first field that isn't a pixel."""
    for row, text in zip(rows, texts, strict=True):
        for column, field in enumerate(text.split(layout.separator), 1 if layout.label_last else 2):
            pixel = PIXEL.fullmatch(field)
            if not pixel or int(pixel[1]) > 255:
                return DataError(
                    f"'{field.strip()}' isn't a whole number from 0 to 255",
                    file=file,
                    row=row.number,
                    column=column,
                )
    return DataError("not a table of whole numbers", file=file, row=rows[0].number)
