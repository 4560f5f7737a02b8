"""What is kept of each cell: its value, and its formula seen from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import process_time

from gradbook.audit.formula.address import (
    MOST_COLUMNS,
    MOST_ROWS,
    ROW,
    Address,
    column_of,
    pack,
    row_and_column,
    row_of,
)
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book, CellValue, RowSpan
from gradbook.audit.workbook.links import TOO_LONG
from gradbook.audit.workbook.package import WorkbookError
from gradbook.audit.workbook.repeated_rows import DepartingRow, RepeatedPart, RowKind, RowRepeats
from gradbook.audit.workbook.row_texts import RowTexts
from gradbook.targets.excel.language.grammar import LONGEST_FORMULA

LARGE = 8 * 2**20  # bytes of all sheets; those that people make have a tenth of it
KEPT_ANYWAY, KEPT_OF_LARGE = 100_000, 5_000  # cells: from then on rows that repeat others aren't
MOST_KEPT = 250_000
MOST_TYPED_OF_LARGE = 40_000  # of those, numbers and texts without a formula
MOST_OF_HIDDEN = 2_000  # what stands there works behind what people look at
MOST_DEPARTING = 8  # rows that are unlike those around them, and are looked at
MOST_SHARES = 2  # of what may still be kept: one for this sheet, the rest for those that follow
MOST_READ = 3_000_000
LONGEST_INDEX = 20  # characters of a shared text's number
MOST_EMPTY = 500_000
LONGEST = 3.0  # seconds of the processor
LOOK_AT_CLOCK, LETTERS = 1000, 20  # cells; so many letters of a new formula count as one
MOST_IN_ARRAYS = 10_000  # cells that array formulas fill
MOST_OUTSIDE = 1_000  # cells beyond the sheet's last one that are noted
MOST_FORMULAS = 30_000  # different ones
MOST_LETTERS = 1_200_000  # of those

Kept = tuple[Address, CellValue, Pattern | None]


class EnoughRead(Exception):
    """Whatever follows on this sheet is too much to be kept."""


class BookCells:
    """The cells of a book, as they are read, sheet by sheet."""

    def __init__(self, book: Book, strings: list[str], size: int = 0) -> None:
        self.book = book
        self.kept_anyway = KEPT_OF_LARGE if size > LARGE else KEPT_ANYWAY
        self.most_typed = MOST_TYPED_OF_LARGE if size > LARGE else MOST_KEPT
        self.most_here = 0  # once this sheet was read
        self.strings = strings
        self.sheet, self._begun = -1, 0  # which is read, and how many were
        self.shared: dict[str, Pattern] = {}  # by their numbers, in one sheet
        self.full = self.empty = self.kept = self.typed = 0  # how many cells there were so far
        self.letters = 0  # of different formulas
        self._looked = 0  # at how many of them the clock was looked at
        self.row = 0
        self.until = process_time() + LONGEST
        self._waiting: list[Kept] = []  # of the row that is read
        self._columns: list[object] = []  # what is in which column of it
        self._repeats = RowRepeats()
        self._texts = RowTexts()

    def next_sheet(self, number: int) -> None:
        """Go on with this sheet: of those that are left it gets a share of what may be kept, and
        of that little if it is hidden."""
        self.end_row()
        self.sheet = number
        self._begun += 1
        left, following = MOST_KEPT - self.kept, len(self.book.sheets) - self._begun + 1
        share = left // min(max(following, 1), MOST_SHARES)
        is_hidden = bool(self.book.sheets) and self.book.sheets[number].hidden
        self.most_here = self.kept + (min(share, MOST_OF_HIDDEN) if is_hidden else share)
        self.row = 0
        self.shared = {}
        self._repeats = RowRepeats()
        self._texts = RowTexts()

    def stop(self) -> None:
        """Leave out all that follows on the sheet."""
        self._waiting.clear()
        self._columns.clear()
        self.book.unread.append(RowSpan(self.sheet, self.row, MOST_ROWS - 1))

    def end_row(self) -> None:
        """Keep the row that was read, unless it repeats rows above it."""
        period = 0
        if self._waiting and any(pattern is not None for _, _, pattern in self._waiting):
            kind = tuple(self._columns)
            period = self._repeats.period(self.row, self._departing(kind) or kind)
        if period:
            self._leave_out(period)
        else:
            for cell, shown, pattern in self._waiting:
                self._keep(cell, shown, pattern)
        self._waiting.clear()
        self._columns.clear()

    @property
    def may_repeat(self) -> bool:
        """Whether rows have come to repeat others."""
        return bool(self._repeats.running)

    def repeats(self, row: int, text: str) -> bool:
        """Whether a row is told to repeat others by its text alone, and so is left out."""
        expected = self._repeats.running
        if not expected or not self._texts.is_copy(row, text, expected):
            return False
        kind = self._repeats.kind(row - expected)
        period = self._repeats.period(row, kind)
        if not period:
            return False
        self.row = row
        self.full += len(kind) // 2
        self._look_at_clock()
        self._leave_out(period)
        return True

    def end_usual_row(self, text: str) -> None:
        """Keep the row that was read, and its text, for others may be copies of it."""
        if self._waiting:
            self._texts.remember(self.row, text)
        self.end_row()

    def _departing(self, kind: RowKind) -> RowKind:
        """What a row is like that is noted as departing from others; () for any other row."""
        few = len(self.book.departing) < MOST_DEPARTING
        usual = self._repeats.usual(self.row, kind) if few else ()
        if usual:
            cells = tuple(
                (column_of(cell), pattern or shown, expected)
                for (cell, shown, pattern), here, expected in zip(
                    self._waiting, kind[1::2], usual[1::2], strict=True
                )
                if here is not expected
            )
            self.book.departing.append(DepartingRow(self.sheet, self.row, cells))
        return usual

    def _leave_out(self, period: int) -> None:
        repeated = self.book.repeated
        last = repeated[-1] if repeated else None
        if last and (last.sheet, last.last, last.period) == (self.sheet, self.row - 1, period):
            repeated[-1] = replace(last, last=self.row)
        else:
            repeated.append(RepeatedPart(self.sheet, self.row, self.row, period))

    def _keep(self, cell: Address, shown: CellValue, pattern: Pattern | None) -> None:
        self.kept += 1
        self.typed += pattern is None
        if shown is not None and shown != "":
            self.book.values[cell] = shown
        if pattern is not None:
            self.book.patterns[cell] = pattern

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
            self._note_outside(row, column)
            return
        full = value is not None or form is not None
        self.full += full
        self.empty += not full
        if row != self.row:
            self.end_row()
            self.row = row
        if self.kept > self.most_here or self.full > MOST_READ or self.empty > MOST_EMPTY:
            raise EnoughRead
        if self.typed > self.most_typed:
            raise EnoughRead
        self._look_at_clock()
        if not full:
            return
        cell = pack(self.sheet, row, column)
        shown = self._typed(kind, value)
        pattern = self._formula(cell, form, formula) if form is not None else None
        if self.kept < self.kept_anyway:
            self._keep(cell, shown, pattern)
        else:
            self._waiting.append((cell, shown, pattern))
            self._columns += (column, pattern or type(shown))

    def _note_outside(self, row: int, column: int) -> None:
        """Note a cell that no sheet has, and that no program shows."""
        self.empty += 1
        if self.empty > MOST_EMPTY:
            raise EnoughRead
        if len(self.book.outside) < MOST_OUTSIDE:
            self.book.outside.append((self.sheet, row, column))

    def _look_at_clock(self) -> None:
        read = self.full + self.letters // LETTERS
        if read > self._looked + LOOK_AT_CLOCK:
            self._looked = read
            if process_time() > self.until:
                raise EnoughRead

    def _typed(self, kind: str, raw: str | None) -> CellValue:
        if raw is None:
            return None
        if kind == "s":
            place = int(raw) if raw.strip().isdecimal() and len(raw) < LONGEST_INDEX else -1
            return self.strings[place] if 0 <= place < len(self.strings) else ""
        if kind == "b":
            return raw.strip() == "1"
        if kind in ("str", "inlineStr", "e", "d"):
            return raw
        try:
            return float(raw)
        except ValueError:
            return raw

    def _formula(self, cell: Address, form: Mapping[str, str], formula: str) -> Pattern | None:
        kind, index = form.get("t", "normal"), form.get("si", "")
        if kind == "dataTable":
            return None
        if not formula.strip():
            return self.shared.get(index) if kind == "shared" else self.book.patterns.get(cell)
        pattern = self._pattern(cell, formula)
        if kind == "shared":
            self.shared[index] = pattern
        elif kind == "array":
            self.book.patterns[cell] = pattern
            self._keep_array(cell, form.get("ref", ""), formula)
            return self.book.patterns[cell]
        return pattern

    def _pattern(self, cell: Address, formula: str) -> Pattern:
        if len(formula) > LONGEST_FORMULA:
            return Pattern(f"long {cell}", cell, formula[:200], None, (), {}, TOO_LONG)
        before = self.book.reader.count
        pattern = self.book.reader.pattern(formula, cell)
        self.letters += len(formula) * (self.book.reader.count - before)
        if self.book.reader.count > MOST_FORMULAS or self.letters > MOST_LETTERS:
            raise EnoughRead
        return pattern

    def _keep_array(self, cell: Address, area: str, formula: str) -> None:
        """An array formula fills several cells, the first of which it stands in: each has an
        element of it."""
        first, _, last = area.partition(":")
        start, end = row_and_column(first), row_and_column(last or first)
        if end is None or start != (row_of(cell), column_of(cell)):
            return
        rows, columns = (b - a + 1 for a, b in zip(start, end, strict=True))
        if min(rows, columns) < 1 or rows * columns == 1:
            return
        if row_of(cell) + rows > MOST_ROWS or column_of(cell) + columns > MOST_COLUMNS:
            self._note_outside(*end)
            return
        if rows * columns + len(self.book.arrays) > MOST_IN_ARRAYS:
            raise WorkbookError("its array formulas fill too many cells: too large to check")
        for down in range(rows):
            for right in range(columns):
                at = cell + down * ROW + right
                text = self.book.reader.element(formula, cell, down, right)
                self.book.arrays[at] = formula
                self.book.patterns[at] = self.book.reader.pattern(text, at)
