"""Exercises that no longer say which network they are of: what they ask for, by the columns' names.

They are judged as the books of strangers are; while something is blank, nothing can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.audit.findings import (
    TO_FILL_IN,
    UNFINISHED,
    AskedColumn,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.audit.formula.address import DOWN, Address, cells_of, pack, ranges, sheet_of
from gradbook.audit.formula.pattern import RangeReference
from gradbook.audit.workbook.book import Book

NAME = re.compile(r"fill_in_([a-z]{1,20})_\d{1,5}")  # as the exercise calls its blank columns
NOT_JUDGED = "the rest can be judged once that is filled in"

Blank = Mapping[str, Sequence[Address]]  # by quantity: the cells that are still blank


@dataclass(frozen=True)
class Asked:
    """What a book asks for, and what of it is blank; empty for a book that is no such exercise."""

    columns: tuple[AskedColumn, ...] = ()
    waiting: Blank = field(default_factory=dict)


def asked_of(book: Book) -> Asked:
    """What the book asks for."""
    columns: list[AskedColumn] = []
    blank: dict[str, Sequence[Address]] = {}
    for kind, cells in _places(book):
        quantity, title = book.label(cells[0], DOWN), book.sheets[sheet_of(cells[0])].title
        columns.append(AskedColumn(quantity, title, ranges(cells), kind))
        empty = list(filter(book.is_blank, cells))
        if empty:
            blank[quantity] = empty
    return Asked(tuple(columns), blank)


def _places(book: Book) -> Iterator[tuple[str, list[Address]]]:
    """The kind and the cells of each column that the exercise left blank."""
    for name, where in book.names.items():
        is_ours = NAME.fullmatch(name)
        found = book.reader.mention(where, 0) if is_ours else None
        corners = found.corners(0) if isinstance(found, RangeReference) else None
        if is_ours and corners:
            sheet, top, left, bottom, right = corners
            if left == right and sheet < len(book.sheets):
                yield is_ours[1], [pack(sheet, row, left) for row in range(top, bottom + 1)]


def told(book: Book, sheets: Sequence[SheetReport], asked: Asked) -> list[SheetReport]:
    """The reports with what was asked for and what of it is still blank."""
    if not asked.columns:
        return list(sheets)
    titles = {column.sheet for column in asked.columns}
    own = next((sheet for sheet in sheets if sheet.sheet in titles), next(iter(sheets), None))
    if asked.waiting or own is None:
        return [_not_judged(book, asked)]
    changed = replace(own, asked=asked.columns)
    return [changed if sheet is own else sheet for sheet in sheets]


def _not_judged(book: Book, asked: Asked) -> SheetReport:
    findings = tuple(_blanks(book, asked))
    return SheetReport(asked.columns[0].sheet, UNFINISHED, findings=findings, notes=(NOT_JUDGED,))


def _blanks(book: Book, asked: Asked) -> Iterator[Finding]:
    """That columns are still to be filled in."""
    for column in asked.columns:
        cells, name = asked.waiting.get(column.quantity), column.quantity
        if cells:
            above = list(cells_of(column.cells, sheet_of(cells[0]))).index(cells[0])
            why = f"{name} is still to be filled in"
            found = finding_in(book, cells, TO_FILL_IN, quantity=name, why=why)
            yield replace(found, formula="", first_step=above)
