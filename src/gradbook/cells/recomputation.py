"""Computes the formulas of a book again, and compares them with what the file shows.

Where they differ, a formula means something else here than in the program that saved the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose, isnan

from gradbook.cells.book import Book, CellValue
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address

CLOSE = 1e-6  # relative: what is iterated, as IRR is, ends at about this accuracy
ROUNDED_OFF = 1e-12  # relative to what a formula takes: the difference of large numbers


class Disagreement(Exception):
    """A formula whose value here isn't the one that the file shows."""

    def __init__(self, cell: Address, here: CellValue, there: CellValue) -> None:
        super().__init__(cell)
        self.cell, self.here, self.there = cell, here, there


def recomputed(book: Book, flow: Flow, order: Iterable[Address]) -> Evaluation:
    """The book's values, those of the formulas in this order computed again with all digits.

    What can't be computed here, such as a random number, keeps the file's value.

    Raises:
        Disagreement: A value isn't the one that the file shows.
    """
    cells, stored = (Evaluation.of_stored(book, flow) for _ in range(2))
    has_values = any(book.values.get(cell) not in (None, 0.0) for cell in book.patterns)
    for cell in order:
        there = book.values.get(cell) if has_values else None
        here = _computed(cells, cell)
        if not _agrees(here, there, cells, cell):
            here = _computed(stored, cell)  # a long chain may have magnified rounding errors
            if not _agrees(here, there, stored, cell):
                raise Disagreement(cell, here, there)
            here = there
        cells.known[cell] = there if here is None else here
    return cells


def _computed(cells: Evaluation, cell: Address) -> CellValue:
    """A formula's value from the present ones of its sources; None if it can't be computed."""
    sources = cells.flow.sources(cell)
    for source in sources:
        cells.of(source)
    value = cells.computed(cell, cells.book.patterns[cell], sources)
    if cell not in cells.unknown:
        return value
    cells.unknown.discard(cell)
    return None


def _agrees(here: CellValue, there: CellValue, cells: Evaluation, cell: Address) -> bool:
    if here is None or there is None or (isinstance(here, str) and isinstance(there, str)):
        return True
    if isinstance(here, str) or isinstance(there, str) or isnan(here):
        return _is_error(here) and _is_error(there)
    if isclose(here, there, rel_tol=CLOSE):
        return True
    taken = map(cells.known.get, cells.flow.sources(cell))
    largest = max((abs(x) for x in taken if isinstance(x, float) and not isnan(x)), default=0.0)
    return abs(here - there) <= ROUNDED_OFF * max(largest, 1.0)


def _is_error(value: CellValue) -> bool:
    is_code = isinstance(value, str) and value.startswith("#")
    return is_code or (isinstance(value, float) and isnan(value))
