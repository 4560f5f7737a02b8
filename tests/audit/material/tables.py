"""The columns of a workbook that `sheet` writes, by what they hold; and what they are worth."""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np

from gradbook.cells.book import Book, SheetPart
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, pack, row_of, sheet_of
from gradbook.cells.formula.pattern import Reader
from tests.audit.material.made import Spot, Table

TRAINING = "Training"
HEADINGS = 3  # the row that holds them, counted from 0
FIRST = 4
DRAWS = 12  # random points at which two tables are held against each other


class Columns:
    """One sheet's columns."""

    def __init__(self, table: Table, sheet: str = TRAINING) -> None:
        self.table = table
        self.sheet = sheet
        self.cells = table.sheets[sheet]
        self.names = {
            str(content): column
            for (row, column), content in self.cells.items()
            if row == HEADINGS and isinstance(content, str)
        }
        self.last = max(row for row, _ in self.cells)

    def starting(self, *stems: str) -> list[int]:
        return [c for name, c in self.names.items() if name.startswith(stems)]

    @property
    def gradients(self) -> list[int]:
        return [c for c in self.starting("∂E/∂w", "∂E/∂b", "g_w", "g_b") if self._computed(c)]

    @property
    def deltas(self) -> list[int]:
        """What several gradients are made of: ∂E/∂h1 and the like."""
        return [c for c in self.starting("∂E/∂h", "∂E/∂a", "∂E/∂o") if self._computed(c)]

    @property
    def weights(self) -> list[int]:
        return [c for c in self.starting("w", "b") if self.formula(FIRST + 1, c).startswith("=")]

    @property
    def sums(self) -> list[int]:
        return [c for c in self.starting("h", "o") if self._computed(c)]

    @property
    def activations(self) -> list[int]:
        return [c for c in self.starting("a_h", "a_o") if self._computed(c)]

    @property
    def forward(self) -> list[int]:
        return self.sums + self.activations

    @property
    def errors(self) -> list[int]:
        return [c for c in self.starting("E") if not self.is_total(c) and self._computed(c)]

    def is_total(self, column: int) -> bool:
        return column == self.names.get("E_total")

    def _computed(self, column: int) -> bool:
        formula = self.formula(FIRST, column)
        return formula.startswith("=") and "SUM(" not in formula and len(formula) > 4

    def formula(self, row: int, column: int) -> str:
        return str(self.cells.get((row, column), ""))

    def rows(self, column: int) -> list[int]:
        return [r for r in range(FIRST, self.last + 1) if (r, column) in self.cells]


# What a table is worth ------------------------------------------------------------


def book_of(table: Table) -> Book:
    """A table as the audit reads it."""
    titles = list(table.sheets)
    book = Book(sheets=[SheetPart(title, "") for title in titles], names=table.names)
    book.reader = Reader({title.lower(): k for k, title in enumerate(titles)}, table.names)
    for number, title in enumerate(titles):
        for (row, column), content in table.sheets[title].items():
            cell = pack(number, row, column)
            if isinstance(content, str) and content.startswith("="):
                book.patterns[cell] = book.reader.pattern(content[1:], cell)
            else:
                book.values[cell] = content
    return book


def all_values(table: Table) -> dict[Spot, float]:
    """What every formula gives."""
    book = book_of(table)
    computed = Evaluation(book, Flow(book))
    return {
        (book.sheets[sheet_of(cell)].title, row_of(cell), column_of(cell)): computed.value(cell)
        for cell in book.patterns
    }


def leads_back(table: Table, spots: Iterable[Spot]) -> bool:
    """Whether some cell would be computed from itself, which no program lets stand."""
    flow = Flow(book_of(table))
    return any(
        flow.reaches(flow.sources(cell), lambda seen, c=cell: seen == c, 5000)
        for cell in _cells(table, spots)
    )


def same_everywhere(a: Table, b: Table, spots: Iterable[Spot]) -> bool:
    """Whether some cells have the same values in two tables whatever numbers these start from."""
    wanted = _cells(a, spots)
    one, other = (_worth(table, wanted) for table in (a, b))
    return np.allclose(one, other, rtol=1e-9, atol=0, equal_nan=True)


def _cells(table: Table, spots: Iterable[Spot]) -> list[int]:
    titles = list(table.sheets)
    return [pack(titles.index(sheet), row, column) for sheet, row, column in spots]


def _worth(table: Table, cells: Iterable[int]) -> list[list[float]]:
    """The values of some cells at a few random points."""
    book = book_of(table)
    flow, found, wanted = Flow(book), [], list(cells)
    numbers = {cell: value for cell, value in book.values.items() if isinstance(value, float)}
    for draw in range(DRAWS):
        book.values |= {cell: _drawn(cell, draw) for cell in numbers}
        computed = Evaluation(book, flow)
        with np.errstate(all="ignore"):
            found.append([computed.value(cell) for cell in wanted])
    return found


def _drawn(cell: int, draw: int) -> float:
    return random.Random(cell * DRAWS + draw).uniform(-1.2, 1.2)
