"""Exercises of ours: what each asks for, and its blanks filled in, so that the rest can be judged.

A gradient that is blank leaves all others judgeable. A blank sum or update doesn't: then the right
formula is put into the book as it was read, and the column is told as still to be filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gradbook.audit.findings.findings import (
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    AskedColumn,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.audit.formula.address import (
    DOWN,
    Address,
    cells_of,
    column_of,
    pack,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.audit.formula.pattern import RangeReference
from gradbook.audit.workbook.book import Book
from gradbook.errors import GradbookError
from gradbook.net import parse

if TYPE_CHECKING:
    from gradbook.targets.excel.solution import Solution

NAME = re.compile(r"fill_in_([a-z]{1,20})_\d{1,5}")  # as the exercise calls its blank columns
LONGEST_NET = 20_000  # characters
MOST_PARAMETERS = 5_000
NOT_JUDGED = "the rest can be judged once that is filled in"

Blank = Mapping[str, Sequence[Address]]  # by quantity: the cells that are still blank


@dataclass(frozen=True)
class Asked:
    """What a book asks for; empty for a book that is no such exercise.

    `filled_in` are blanks that now hold the right formulas, for the rest to be judged; `waiting`
    are those without which nothing can be judged.
    """

    columns: tuple[AskedColumn, ...] = ()
    filled_in: Blank = field(default_factory=dict)
    waiting: Blank = field(default_factory=dict)


def asked_of(book: Book) -> Asked:
    """What the book asks for. Blanks without which it can't be judged are filled in, in `book`."""
    columns: list[AskedColumn] = []
    blank: dict[str, Sequence[Address]] = {}
    for kind, cells in _places(book):
        quantity, title = book.label(cells[0], DOWN), book.sheets[sheet_of(cells[0])].title
        columns.append(AskedColumn(quantity, title, ranges(cells), kind))
        empty = list(filter(book.is_blank, cells))
        if empty:
            blank[quantity] = empty
    if not blank:
        return Asked(tuple(columns))
    solution = _solution(book.properties.get("description", ""))
    gradients = solution.gradients if solution else set()
    needed = {quantity: cells for quantity, cells in blank.items() if quantity not in gradients}
    if solution and _is_filled_in(book, needed, solution):
        return Asked(tuple(columns), filled_in=needed)
    return Asked(tuple(columns), waiting=blank)


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


# Filled in ------------------------------------------------------------------------------


def _is_filled_in(book: Book, blank: Blank, solution: Solution) -> bool:
    """Put the right formulas into what is blank; False where the table isn't where it was."""
    found: dict[Address, str] = {}
    for quantity, cells in blank.items():
        for cell in cells:
            title = book.sheets[sheet_of(cell)].title
            there = solution.at(title, row_of(cell), column_of(cell))
            if there is None or there[0] != quantity:
                return False
            found[cell] = there[1]
    for cell, formula in found.items():
        book.patterns[cell] = book.reader.pattern(formula.removeprefix("="), cell)
    if found:
        for cell in book.patterns:  # what was computed from blank cells is computed anew
            book.values.pop(cell, None)
        book.recalculates = True
    return True


def _solution(text: str) -> Solution | None:
    """The workbook of the network that the exercise was made of, as it says itself."""
    if not text or len(text) > LONGEST_NET:
        return None
    from gradbook.targets.excel.solution import Solution  # a writer: seldom needed, slow to load

    try:
        net = parse(text)
        return Solution(net) if net.count() <= MOST_PARAMETERS else None
    except GradbookError:
        return None


# Told -----------------------------------------------------------------------------------


def told(book: Book, sheets: Sequence[SheetReport], asked: Asked) -> list[SheetReport]:
    """The reports with what was asked for and what of it is still blank."""
    if not asked.columns:
        return list(sheets)
    titles = {column.sheet for column in asked.columns}
    own = next((sheet for sheet in sheets if sheet.sheet in titles), next(iter(sheets), None))
    if asked.waiting or own is None:
        return [_not_judged(book, asked)]
    changed = replace(own, asked=asked.columns)
    if asked.filled_in:
        filled = {cell for cells in asked.filled_in.values() for cell in cells}
        rest = (f for f in own.findings if not filled >= _cells(book, f))
        changed = replace(
            changed,
            findings=(*rest, *_blanks(book, asked.columns, asked.filled_in)),
            verdict=UNFINISHED if own.verdict == RIGHT else own.verdict,
            curve=None,
        )
    return [changed if sheet is own else sheet for sheet in sheets]


def _not_judged(book: Book, asked: Asked) -> SheetReport:
    findings = tuple(_blanks(book, asked.columns, asked.waiting))
    return SheetReport(asked.columns[0].sheet, UNFINISHED, findings=findings, notes=(NOT_JUDGED,))


def _blanks(book: Book, columns: Sequence[AskedColumn], blank: Blank) -> Iterator[Finding]:
    """That columns are still to be filled in."""
    for column in columns:
        cells, name = blank.get(column.quantity), column.quantity
        if cells:
            above = list(cells_of(column.cells, sheet_of(cells[0]))).index(cells[0])
            why = f"{name} is still to be filled in"
            found = finding_in(book, cells, TO_FILL_IN, quantity=name, why=why)
            yield replace(found, formula="", first_step=above)


def _cells(book: Book, finding: Finding) -> set[Address]:
    number = book.sheet_number(finding.sheet)
    return set() if number is None else set(cells_of(finding.cells, number))
