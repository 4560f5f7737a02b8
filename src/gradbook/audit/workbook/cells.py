"""What is kept of each cell: its value, and its formula seen from there."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.audit.formula.address import (
    MOST_COLUMNS,
    MOST_ROWS,
    ROW,
    Address,
    pack,
    row_and_column,
)
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book, CellValue
from gradbook.audit.workbook.package import WorkbookError
from gradbook.targets.excel.language.grammar import LONGEST_FORMULA

MOST_CELLS = 200_000  # with something in them, in all sheets
MOST_EMPTY = 500_000
MOST_IN_ARRAYS = 10_000  # cells that array formulas fill
MOST_FORMULAS = 20_000  # different ones


def too_large() -> WorkbookError:
    return WorkbookError(f"it has more than {MOST_CELLS:,} cells: too large to check")


class BookCells:
    """The cells of a book, as they are read, sheet by sheet."""

    def __init__(self, book: Book, strings: list[str]) -> None:
        self.book = book
        self.strings = strings
        self.sheet = -1
        self.shared: dict[str, Pattern] = {}  # by their numbers, in one sheet
        self.full = self.empty = 0  # how many cells there were so far

    def next_sheet(self) -> None:
        self.sheet += 1
        self.shared = {}

    def keep(
        self,
        row: int,
        column: int,
        kind: str,
        form: Mapping[str, str] | None,
        formula: str,
        value: str | None,
    ) -> None:
        """A cell of some kind, with its formula's attributes where it has one, and its value."""
        if not (0 <= row < MOST_ROWS and 0 <= column < MOST_COLUMNS):
            raise WorkbookError("it has cells outside the sheet: save it again as .xlsx")
        full = value is not None or form is not None
        self.full += full
        self.empty += not full
        if self.full > MOST_CELLS or self.empty > MOST_EMPTY:
            raise too_large()
        if not full:
            return
        cell = pack(self.sheet, row, column)
        shown = self._typed(kind, value)
        if shown is not None and shown != "":
            self.book.values[cell] = shown
        if form is not None:
            self._keep_formula(cell, form, formula)

    def _typed(self, kind: str, raw: str | None) -> CellValue:
        if raw is None:
            return None
        if kind == "s":
            place = int(raw) if raw.strip().isdigit() else -1
            return self.strings[place] if 0 <= place < len(self.strings) else ""
        if kind == "b":
            return raw.strip() == "1"
        if kind in ("str", "inlineStr", "e", "d"):
            return raw
        try:
            return float(raw)
        except ValueError:
            return raw

    def _keep_formula(self, cell: Address, form: Mapping[str, str], formula: str) -> None:
        kind, index = form.get("t", "normal"), form.get("si", "")
        if kind == "dataTable":
            return
        if not formula.strip():
            if kind == "shared" and index in self.shared:
                self.book.patterns[cell] = self.shared[index]
            return
        pattern = self._pattern(cell, formula)
        self.book.patterns[cell] = pattern
        if kind == "shared":
            self.shared[index] = pattern
        elif kind == "array":
            self._keep_array(cell, form.get("ref", ""), formula)

    def _pattern(self, cell: Address, formula: str) -> Pattern:
        if len(formula) > LONGEST_FORMULA:
            return Pattern(f"long {cell}", cell, formula[:200], None, {}, "it is too long")
        pattern = self.book.reader.pattern(formula, cell)
        if self.book.reader.count > MOST_FORMULAS:
            raise WorkbookError(f"it has more than {MOST_FORMULAS:,} different formulas")
        return pattern

    def _keep_array(self, cell: Address, area: str, formula: str) -> None:
        """An array formula fills several cells: each has an element of it."""
        first, _, last = area.partition(":")
        start, end = row_and_column(first), row_and_column(last or first)
        if start is None or end is None:
            return
        rows, columns = (b - a + 1 for a, b in zip(start, end, strict=True))
        if min(rows, columns) < 1 or rows * columns == 1:
            return
        if rows * columns + len(self.book.arrays) > MOST_IN_ARRAYS:
            raise WorkbookError("its array formulas fill too many cells: too large to check")
        for down in range(rows):
            for right in range(columns):
                at = cell + down * ROW + right
                text = self.book.reader.element(formula, cell, down, right)
                self.book.arrays[at] = formula
                self.book.patterns[at] = self.book.reader.pattern(text, at)
