"""A table in a text file, as rows of cells: commas, semicolons or tabs, quoted or not.

Its text may be UTF-8, UTF-16 or Windows-1252.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from os import PathLike

from gradbook import limits
from gradbook.data.formats.cells import is_number
from gradbook.errors import DataError, FileError, LimitError
from gradbook.files import opened, require_size, said_plainly

SEPARATORS = (",", ";", "\t")
LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r)|[^\r\n]+")
LATIN = "cp1252"  # what Excel writes as CSV in the west, unless asked for UTF-8
WIDE = {BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}  # what it writes as "Unicode text"
LOOKED_AT = 20  # rows, to see what stands between their cells
NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class CellRow:
    """One row, and the line of the file on which it ends."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CellRows:
    """The rows of a file, what stands between their cells, and what is to be known of the text."""

    rows: list[CellRow]
    separator: str
    remarks: tuple[str, ...] = ()


def read_rows(path: str | PathLike[str], widths: Collection[int]) -> list[CellRow]:
    """The rows that hold anything, all equally long; `widths` are the lengths to expect."""
    return read_cells(path, widths).rows


def read_cells(path: str | PathLike[str], widths: Collection[int]) -> CellRows:
    """The same, with how they are written."""
    file = str(path)
    with opened(path, limits.TABLE) as stream, said_plainly("read", path):
        content = stream.read(limits.TABLE.most + 1)
    require_size(len(content), file, limits.TABLE)
    text, encoding = table_text(content, file)
    named = re.match(r"sep=(.)\r?\n", text)  # a spreadsheet's way to name the separator
    if named:
        separator = named[1]
        rows = list(_rows("\n" + text[named.end() :], separator, file))
    else:
        separator = _separator(text, widths)
        rows = list(_rows(text, separator, file))
    if not rows or not text.strip(" \r\n" + "".join(SEPARATORS)):
        raise DataError("nothing in it: write one sample a row", file=file)
    said = f"{file} isn't UTF-8: it is read as Windows-1252, as Excel writes it in western Europe"
    return CellRows(rows, separator, (said,) if encoding == LATIN else ())


def table_text(content: bytes, source: str) -> tuple[str, str]:
    """The text of a table and its encoding: UTF-8, UTF-16 where it says so, or Windows-1252."""
    encoding = next((name for mark, name in WIDE.items() if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError as error:
        wrong = FileError(f"{source} isn't UTF-8 text (byte {error.start + 1}): save it as UTF-8")
    try:
        text = content.decode(LATIN)
    except UnicodeDecodeError:
        raise wrong from None
    if encoding != "utf-8-sig" or NO_TEXT.search(text):
        raise wrong
    return text, LATIN


def _separator(text: str, widths: Collection[int]) -> str:
    """The one that makes the first row as wide as expected, or else leaves whole cells, many."""
    return max(SEPARATORS, key=lambda mark: _fit(text, mark, widths))


def _fit(text: str, separator: str, widths: Collection[int]) -> tuple[bool, bool, float, int]:
    """How well a separator parts the first rows: cells in which another one is left, and which are
    no numbers such as 0,5, speak against it."""
    others = [mark for mark in SEPARATORS if mark != separator]
    width, cells, torn = 0, 0, 0
    try:
        for row in islice(_rows(text, separator, ""), LOOKED_AT):
            width = width or len(row.cells)
            cells += len(row.cells)
            torn += sum(
                any(mark in cell for mark in others) and not is_number(cell) for cell in row.cells
            )
    except DataError:  # rows of different widths, or quotes that don't fit this separator or any
        width = width or text[:1000].partition("\n")[0].count(separator) + 1
        torn = cells = max(cells, 1)
    return width in widths, width > 1, -torn / max(cells, 1), width


def _lines(text: str) -> Iterator[str]:
    """Line by line, as they end; a copy of all would take four times as much."""
    return (found[0] for found in LINE.finditer(text))


def _rows(text: str, separator: str, file: str) -> Iterator[CellRow]:
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    first, count = None, 0
    try:
        for cells in reader:
            row = CellRow(reader.line_num, tuple(cell.strip() for cell in cells))
            if not any(row.cells):
                continue
            first, count = first or row, count + 1
            _require_same_width(row, first, file)
            _require_few(count, len(row.cells), file)
            yield row
    except csv.Error as error:
        raise DataError(
            f"can't be read as a table ({error}): look for a quote that isn't closed",
            file=file,
            row=reader.line_num,
        ) from None


def _require_few(rows: int, columns: int, file: str) -> None:
    for found, limit in ((rows, limits.ROWS), (rows * columns, limits.CELLS)):
        if found > limit.most:
            what = "rows" if limit is limits.ROWS else "cells"
            raise LimitError(f"{file}: more than {limit} {what}: give a smaller table")


def _require_same_width(row: CellRow, first: CellRow, file: str) -> None:
    here, there = len(row.cells), len(first.cells)
    if here != there:
        raise DataError(
            f"{here} columns, but row {first.number} has {there}: every row needs the same",
            file=file,
            row=row.number,
        )
