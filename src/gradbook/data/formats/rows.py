"""A table in a text file, as rows of cells: commas, semicolons or tabs, quoted or not."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from os import PathLike

from gradbook import limits
from gradbook.errors import DataError, LimitError
from gradbook.files import read_text

SEPARATORS = (",", ";", "\t")
NUMBER = re.compile(r"[-+−]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r)|[^\r\n]+")
DECIMAL_COMMA = re.compile(r"[-+−]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?")
MISSING = {"", "?", "-", ".", "na", "n/a", "nan", "null", "none", "nil", "#n/a"}


@dataclass(frozen=True)
class CellRow:
    """One row, and the line of the file on which it ends."""

    number: int
    cells: tuple[str, ...]


def read_rows(path: str | PathLike[str], widths: Collection[int]) -> list[CellRow]:
    """The rows that hold anything, all equally long; `widths` are the lengths to expect."""
    file = str(path)
    text = read_text(path, limit=limits.TABLE)
    named = re.match(r"sep=(.)\r?\n", text)  # a spreadsheet's way to name the separator
    if named:
        rows = list(_rows("\n" + text[named.end() :], named[1], file))
    else:
        rows = list(_rows(text, _separator(text, widths), file))
    if not rows or not text.strip(" \r\n" + "".join(SEPARATORS)):
        raise DataError("nothing in it: write one sample a row", file=file)
    return rows


def _separator(text: str, widths: Collection[int]) -> str:
    """The one that makes the first row as wide as expected, or else the widest."""
    found = {mark: _first_width(text, mark) for mark in SEPARATORS}
    return max(SEPARATORS, key=lambda mark: (found[mark] in widths, found[mark]))


def _lines(text: str) -> Iterator[str]:
    """Line by line, as they end; a copy of all would take four times as much."""
    return (found[0] for found in LINE.finditer(text))


def _first_width(text: str, separator: str) -> int:
    try:
        return next((len(row.cells) for row in _rows(text, separator, "")), 0)
    except DataError:  # quotes that don't fit this separator, or any
        return text[:1000].partition("\n")[0].count(separator) + 1


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


def is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def is_header(cells: Collection[str]) -> bool:
    """Whether these are names of columns: nothing that is, or was meant as, a number."""
    numeric = any(is_number(cell) or DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return not numeric and not all(cell.lower() in MISSING for cell in cells)


def number(cell: str, file: str, row: int, column: str | int) -> float:
    """The number in a cell, or a complaint that names its place."""
    if is_number(cell):
        value = float(cell.replace("−", "-"))
        if value not in (float("inf"), float("-inf")):
            return value
    raise DataError(_complaint(cell), file=file, row=row, column=column)


def _complaint(cell: str) -> str:
    if cell.lower() in MISSING:
        missing = f"a missing value ({cell!r})" if cell else "an empty cell"
        return f"{missing}: fill it in or take the row out"
    if DECIMAL_COMMA.fullmatch(cell):
        return f"a decimal comma in {cell!r}: write {cell.replace(',', '.')}"
    if is_number(cell) or cell.lower().lstrip("+-−") in ("inf", "infinity"):
        return f"{cell!r} isn't a finite number"
    return f"{cell!r} isn't a number"
