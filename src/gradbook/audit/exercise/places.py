"""Recognises exercises of ours, the columns they ask for, and the value of each cell.

Sheets and columns may have been moved. Tables are found by their headings and rows by their
counters; what is given is found by the names of its cells or, where a program has dropped those, by
the words beside them. Exercises that no longer say which network they are of are judged like the
books of strangers; while something in them is blank, nothing can be judged.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from gradbook.audit.findings import (
    TO_FILL_IN,
    UNFINISHED,
    AskedColumn,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.cells.book import Book, quote_title
from gradbook.cells.formula.address import (
    DOWN,
    ROW,
    Address,
    cells_of,
    column_of,
    letters,
    pack,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.pattern import RangeReference, Reader, UnknownReference
from gradbook.graph.node import Node
from gradbook.language.message import Message
from gradbook.targets.excel.plan.record import FIRST_LINE, MOST_LINES, ExerciseRecord, read_record

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.workbook_plan import WorkbookContents


# The record in a book --------------------------------------------------------


EXERCISE_TITLE = ": an exercise"  # the ending of its first sheet's title


def record_in(book: Book) -> ExerciseRecord | None:
    """The record of an exercise, from the lines on a sheet of its own; None if the book isn't an
    exercise of ours or has lost that sheet."""
    texts = {value: cell for cell, value in book.values.items() if isinstance(value, str)}
    if FIRST_LINE in texts and (found := read_record(_lines(book, texts[FIRST_LINE]))):
        return found
    # Books written before there was such a sheet have the network among their properties.
    network = book.properties.get("description", "")
    asks_usual = not any(name.startswith("fill_in_") for name in book.names)
    is_one = network and asks_usual and any(text.endswith(EXERCISE_TITLE) for text in texts)
    return ExerciseRecord(network, None, ()) if is_one else None


def _lines(book: Book, cell: Address) -> Iterator[str]:
    """The texts from a cell down; a long one continues to the right."""
    for line in range(cell, cell + MOST_LINES * ROW, ROW):
        if not isinstance(book.values.get(line), str):
            return
        pieces: list[str] = []
        while isinstance(piece := book.values.get(line + len(pieces)), str):
            pieces.append(piece)
        yield "".join(pieces)


# Where the values are ---------------------------------------------------------

SHARE_OF_HEADINGS = 0.5  # the share of headings by which a table is recognised
Headings = Mapping[str, int]  # the columns of one row's texts


@dataclass(frozen=True)
class Place:
    """A value in an epoch and a sample, both counted from 0."""

    node: Node
    epoch: int = 0
    sample: int = 0


@dataclass
class Places:
    """The cells of an exercise's values."""

    samples: int  # in the exercise
    asked_epochs: int = 0  # in the exercise; 0: unknown
    cells: dict[Address, Place] = field(default_factory=dict)  # in its tables
    given_cells: dict[Address, Place] = field(default_factory=dict)  # start values, samples, rate
    columns: dict[Node, int] = field(default_factory=dict)
    names: dict[Address, str] = field(default_factory=dict)  # of given cells
    sheets: set[int] = field(default_factory=set)  # with the tables
    deleted: set[Address] = field(default_factory=set)  # blank cells for what was deleted
    has_named_again: bool = False  # whether formulas were read anew with lost names
    _found: dict[Place, Address] = field(default_factory=dict)
    _over: dict[Node, list[Address]] = field(default_factory=dict)

    def put(self, cell: Address, place: Place) -> None:
        """Add a cell; of two that claim to be the same place, the first counts."""
        if place in self._found:
            return
        self.cells[cell] = place
        self.sheets.add(sheet_of(cell))
        self._found[place] = cell
        self._over.setdefault(place.node, []).append(cell)

    def at(self, place: Place) -> Address | None:
        return self._found.get(place if place.node.each else replace(place, sample=0))

    def of(self, cell: Address | None) -> Place | None:
        return None if cell is None else self.cells.get(cell) or self.given_cells.get(cell)

    def over(self, node: Node) -> list[Address]:
        """A value's cells, row by row."""
        return self._over.get(node, [])

    @property
    def epochs(self) -> int:
        return self.asked_epochs or 1 + max(place.epoch for place in self.cells.values())


def find_places(
    book: Book, solution: WorkbookContents, asked: Collection[Node] = (), epochs: int = 0
) -> Places | None:
    """Find the cells of all values; None if a table is missing.

    What is asked for in these epochs (0: those that are still there) has a place even if its row or
    column was deleted: a blank cell beside or below the table.
    """
    rows, found = _texts(book), Places(solution.step.samples, epochs)
    for each in (False, True):
        columns, counters = solution.columns(each=each), solution.counters(each=each)
        if columns and not _put_table(book, rows, found, columns, counters):
            return None
    _put_deleted(book, found, asked)
    _put_named(book, solution, found)
    _put_samples(book, rows, solution, found)
    return found


def _put_deleted(book: Book, found: Places, asked: Collection[Node]) -> None:
    """Add blank cells where rows or columns that are asked for were deleted."""
    used = book.values.keys() | book.patterns.keys()
    for each in (False, True):
        nodes = [node for node in asked if node.each is each]
        there = [(cell, place) for cell, place in found.cells.items() if place.node.each is each]
        if not there:
            continue
        sheet = sheet_of(there[0][0])
        here = [cell for cell in used if sheet_of(cell) == sheet]
        below, beside = 1 + max(map(row_of, here)), 1 + max(map(column_of, here))
        rows = {(place.epoch, place.sample): row_of(cell) for cell, place in there}
        if all(span.sheet != sheet for span in book.not_kept):  # those are copies of others
            steps = product(range(found.epochs), range(found.samples if each else 1))
            for number, step in enumerate(step for step in steps if step not in rows):
                rows[step] = below + number
        for node in nodes:
            if node not in found.columns:
                found.columns[node], beside = beside, beside + 1
            for (epoch, sample), row in rows.items():
                cell, place = pack(sheet, row, found.columns[node]), Place(node, epoch, sample)
                if found.at(place) is None:
                    found.put(cell, place)
                    found.deleted.add(cell)


def _texts(book: Book) -> dict[tuple[int, int], dict[str, int]]:
    """The texts of each row with their columns, the leftmost of equal ones."""
    rows: defaultdict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for cell in sorted(book.values):
        if book.is_text(cell):
            words = " ".join(str(book.values[cell]).split())
            rows[sheet_of(cell), row_of(cell)].setdefault(words, column_of(cell))
    return rows


def _headings(
    rows: Mapping[tuple[int, int], Headings], names: Sequence[str], counters: Sequence[str]
) -> tuple[int, int] | None:
    """The sheet and the row of a table's headings: the row with most of them."""
    count = {
        place: sum(name in texts for name in names)
        for place, texts in rows.items()
        if all(counter in texts for counter in counters)
    }
    best = max(count, key=lambda place: count[place], default=None)
    return (
        best if best is not None and count[best] >= max(1, SHARE_OF_HEADINGS * len(names)) else None
    )


def _put_table(
    book: Book,
    rows: Mapping[tuple[int, int], Headings],
    found: Places,
    columns: Mapping[Node, int],
    counters: Sequence[str],
) -> bool:
    names = {node: str(node.name) for node in columns}
    head = _headings(rows, list(names.values()), counters)
    if head is None:
        return False
    there = rows[head]
    moved, taken = 0, set(there.values())
    for node, planned in columns.items():
        column = there.get(names[node])
        if column is None and planned + moved not in taken:
            column = planned + moved  # its heading is gone; the neighbours show where it is
        if column is not None:
            moved, found.columns[node] = column - planned, column
    most = (found.asked_epochs or MOST_LINES, found.samples)
    for row, numbers in _counted(book, head, [there[counter] for counter in counters]):
        is_asked = all(number <= last for number, last in zip(numbers, most, strict=False))
        for node in columns if is_asked else ():
            if node in found.columns:
                cell = pack(head[0], row, found.columns[node])
                found.put(cell, Place(node, *(number - 1 for number in numbers)))
    return any(place.node in columns for place in found.cells.values())


def _counted(
    book: Book, head: tuple[int, int], columns: Sequence[int]
) -> Iterator[tuple[int, list[int]]]:
    """The rows below some headings, with their counters; rows without them are skipped."""
    sheet, first = head
    every = (row_of(cell) for cell in book.values if sheet_of(cell) == sheet)
    for row in sorted({row for row in every if row > first}):
        numbers = [book.values.get(pack(sheet, row, column)) for column in columns]
        counts = [int(n) for n in numbers if isinstance(n, float) and n >= 1 and n == int(n)]
        if len(counts) == len(columns):
            yield row, counts


# What is given ----------------------------------------------------------------


def _put_named(book: Book, solution: WorkbookContents, found: Places) -> None:
    """Add the rate and all other values with a cell of their own."""
    lost: dict[str, str] = {}
    beside = {
        str(book.values[cell]): cell + 1
        for cell in sorted(book.values, reverse=True)
        if book.is_text(cell) and sheet_of(cell) not in found.sheets
    }
    for leaf, name, words in solution.named_cells():
        cell = book.reader.cell(book.names.get(name.lower(), ""), 0)
        if cell is None:
            cell = beside.get(words)
            if cell is None or not isinstance(book.values.get(cell), float):
                continue
            title = quote_title(book.sheets[sheet_of(cell)].title)
            lost[name.lower()] = f"{title}!${letters(column_of(cell))}${row_of(cell) + 1}"
        else:
            found.names[cell] = name
        found.given_cells[cell] = Place(leaf)
    if lost:
        found.has_named_again = True
        _name_again(book, lost)


def _name_again(book: Book, lost: Mapping[str, str]) -> None:
    """Read formulas anew that contain names which a program has dropped."""
    reader = Reader(book.reader.sheets, {**book.names, **lost})
    again = {
        pattern: reader.read_typed(pattern.text, pattern.home)
        for pattern in set(book.patterns.values())
        if any(
            isinstance(mention, UnknownReference) and word.lower() in lost
            for word, mention in pattern.mentions.items()
        )
    }
    for cell, pattern in book.patterns.items():
        book.patterns[cell] = again.get(pattern, pattern)


def _put_samples(
    book: Book, rows: Mapping[tuple[int, int], Headings], solution: WorkbookContents, found: Places
) -> None:
    """Add the table of the samples, if there are several."""
    columns = solution.sample_columns
    elsewhere = {place: texts for place, texts in rows.items() if place[0] not in found.sheets}
    _, counter = solution.counters(each=True)
    head = _headings(elsewhere, list(columns), [counter]) if columns else None
    if head is None:
        return
    there = rows[head]
    for row, (number,) in _counted(book, head, [there[counter]]):
        for heading, leaf in columns.items():
            if heading in there and number <= found.samples:
                cell = pack(head[0], row, there[heading])
                found.given_cells[cell] = Place(leaf, 0, number - 1)


# Exercises that no longer say which network they are of -----------------------

NAME = re.compile(r"fill_in_([a-z]{1,20})_\d{1,5}")  # the names of blank columns
NOT_JUDGED = Message("the rest can be judged once that is filled in")


@dataclass(frozen=True)
class BlankColumn:
    """A column that such a book asks for, and its cells that are still blank."""

    asked: AskedColumn
    cells: Sequence[Address]


def find_blank_columns(book: Book) -> list[BlankColumn]:
    """The columns that the book asks for."""
    found = []
    for name, where in book.names.items():
        is_ours = NAME.fullmatch(name)
        area = book.reader.mention(where, 0) if is_ours else None
        corners = area.corners(0) if isinstance(area, RangeReference) else None
        if not is_ours or not corners:
            continue
        sheet, top, left, bottom, right = corners
        if left == right and sheet < len(book.sheets):
            cells = [pack(sheet, row, left) for row in range(top, bottom + 1)]
            quantity, title = book.label(cells[0], DOWN), book.sheets[sheet].title
            column = AskedColumn(quantity, title, ranges(cells), is_ours[1])
            found.append(BlankColumn(column, list(filter(book.is_blank, cells))))
    return found


def with_blank_columns(
    book: Book, sheets: Sequence[SheetReport], columns: Sequence[BlankColumn]
) -> list[SheetReport]:
    """The reports with the columns asked for; while some are blank, nothing is judged."""
    if not columns:
        return list(sheets)
    asked = tuple(column.asked for column in columns)
    titles = {column.sheet for column in asked}
    own = next((sheet for sheet in sheets if sheet.sheet in titles), next(iter(sheets), None))
    blank = tuple(_to_fill_in(book, column) for column in columns if column.cells)
    if blank or own is None:
        return [SheetReport(asked[0].sheet, UNFINISHED, findings=blank, notes=(NOT_JUDGED,))]
    return [replace(sheet, asked=asked) if sheet is own else sheet for sheet in sheets]


def _to_fill_in(book: Book, column: BlankColumn) -> Finding:
    name, cells = column.asked.quantity, column.cells
    above = list(cells_of(column.asked.cells, sheet_of(cells[0]))).index(cells[0])
    why = Message("{name} is still to be filled in", name=name)
    found = finding_in(book, cells, TO_FILL_IN, quantity=name, why=why)
    return replace(found, formula="", first_step=above)
