"""A sheet's rows: read quickly in the usual form, and kept unless they repeat other rows.

A row in the usual form is read by one regular expression, which is faster than any XML parser.
Nothing is guessed: a row with any other content is left to the parser.

A row repeats another if the same columns contain the same formulas, relative to their own cells,
and the same types of values. Where samples are listed below each other, rows repeat those of the
previous epoch, one period above. A part of a long table then represents all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from gradbook.cells.book import (
    TOO_LONG,
    Book,
    CellValue,
    RepeatedPart,
    RowSpan,
    StandIn,
)
from gradbook.cells.computed_places import with_each_sheet, with_places
from gradbook.cells.declared_tables import without_tables
from gradbook.cells.formula.address import (
    MOST_COLUMNS,
    MOST_ROWS,
    ROW,
    Address,
    column_number,
    column_of,
    pack,
    row_and_column,
    row_of,
)
from gradbook.cells.formula.formula_values import LONGEST_TEXT
from gradbook.cells.formula.pattern import CellReference, CopiedText, Pattern, moving_rows
from gradbook.cells.formula.syntax import LONGEST_FORMULA
from gradbook.cells.package import Package, WorkbookError, local, parse, parser
from gradbook.language.message import Message

# Rows that repeat those above them --------------------------------------------

FEWEST = 64  # rows, or one period if longer, that must repeat before any is left out
LONGEST_PERIOD = 1024  # rows
RARE_CELLS = 4  # at most one of so many cells of a row may differ
MOST_PERIODS = 16  # tried at the same time

RowKind = tuple[object, ...]  # column and content, alternately


class RowRepeats:
    """Follows the rows of a sheet and notices when they begin to repeat."""

    def __init__(self) -> None:
        self._kinds: dict[int, RowKind] = {}  # kinds of the most recent rows
        self._latest: dict[RowKind, int] = {}  # the last row of each kind
        self._runs: dict[int, int] = {}  # period → rows that have repeated so far

    def period(self, row: int, kind: RowKind) -> int:
        """The distance to the row above that this one repeats, once enough rows do; 0 for none."""
        same = self._latest.get(kind)
        if same is not None and row - same <= LONGEST_PERIOD and len(self._runs) < MOST_PERIODS:
            self._runs.setdefault(row - same, 0)
        self._runs = {
            period: count + 1
            for period, count in self._runs.items()
            if self._kinds.get(row - period) == kind
        }
        self._kinds[row] = kind
        self._latest[kind] = row
        if len(self._kinds) > 2 * LONGEST_PERIOD:
            self._forget(row)
        return self.running

    @property
    def running(self) -> int:
        """The period with which rows are repeating; 0 for none."""
        long = (p for p, count in self._runs.items() if count >= max(FEWEST, p))
        return min(long, default=0)

    def usual(self, row: int, kind: RowKind) -> RowKind:
        """The kind that a row would have if it repeated another, where a few of its cells differ;
        () for a row that does repeat another, and for one that is entirely different."""
        expected = self._kinds.get(row - self.running, ()) if self.running else ()
        if kind[::2] != expected[::2]:  # the columns
            return ()
        others = sum(a is not b for a, b in zip(kind[1::2], expected[1::2], strict=True))
        return expected if 0 < others <= max(1, len(kind) // 2 // RARE_CELLS) else ()

    def kind(self, row: int) -> RowKind:
        return self._kinds.get(row, ())

    def _forget(self, row: int) -> None:
        recent = row - LONGEST_PERIOD
        self._kinds = {r: kind for r, kind in self._kinds.items() if r >= recent}
        self._latest = {kind: r for kind, r in self._latest.items() if r >= recent}


# Rows recognised by their text ------------------------------------------------
#
# Rows are compared by their XML without values and without the numbers that differ in a copy: the
# row's number, and those of references without a $.

MOST_REMEMBERED = 2048  # rows that are remembered
_VALUE = re.compile(r"<v>[^<]*</v>")
_NUMBER = re.compile(r'<row r="([1-9][0-9]{0,6})"')
_NUMBERED = re.compile(r'<row r="([0-9]+)|<c r="[A-Z]+([0-9]+)|<f[^<>]*>(?P<f>[^<]*)')


def row_number(text: str, start: int) -> int | None:
    """The number in a row's XML, counted from 0."""
    match = _NUMBER.match(text, start)
    return int(match[1]) - 1 if match else None


def _changing_numbers(text: str) -> Iterator[tuple[int, int]]:
    """The positions of the numbers that differ in a copy of a row."""
    for part in _NUMBERED.finditer(text):
        if part["f"] is None:
            yield part.span(1) if part[1] else part.span(2)
        else:
            yield from moving_rows(text, *part.span("f"))


class RowTexts:
    """The XML of a sheet's most recent rows."""

    def __init__(self) -> None:
        self._forms: dict[int, CopiedText] = {}

    def remember(self, row: int, text: str) -> None:
        self._forms[row] = CopiedText(_VALUE.sub("<v/>", text), row, _changing_numbers)
        if len(self._forms) > 2 * MOST_REMEMBERED:
            self._forms = {r: form for r, form in self._forms.items() if r > row - MOST_REMEMBERED}

    def is_copy(self, row: int, text: str, period: int) -> bool:
        """Whether a row is a copy of the one a period above; if so, it shares that one's form."""
        form, plain = self._forms.get(row - period), _VALUE.sub("<v/>", text)
        is_told = "&quot;" not in plain  # numbers inside a text aren't references
        if form is None or not is_told or form.at(row) != plain:
            return False
        self._forms[row] = form
        return True


# Which cells are kept ---------------------------------------------------------

LARGE = 8 * 2**20  # bytes of all sheets, ten times what people make by hand
KEPT_ANYWAY, KEPT_OF_LARGE = 100_000, 5_000  # cells, after which repeating rows are left out
MOST_KEPT = 250_000
MOST_OF_EVERY_ROW = 600_000  # where rows that repeat others are kept, too
MOST_TYPED_OF_LARGE = 40_000  # numbers and texts without a formula
MOST_OF_HIDDEN = 2_000  # hidden sheets usually only support the visible ones
LARGE_HIDDEN = 200_000  # bytes of a hidden sheet that has more cells than these
FEW_OF_HIDDEN = 300  # … and of it no more are kept than show what it is
APART = 4  # periods between one stand-in row and the next
MOST_DEPARTING = 8  # rows that differ from their neighbours and are examined
MOST_SHARES = 2  # parts of the remaining limit: one for this sheet, the rest for the following
MOST_READ = 1_600_000  # about three seconds of reading
LONGEST_INDEX = 20  # characters in the index of a shared string
MOST_EMPTY = 500_000
MOST_IN_ARRAYS = 10_000  # cells that array formulas fill
MOST_OUTSIDE = 1_000  # cells off the sheet that are noted
MOST_FORMULAS = 30_000  # different ones
MOST_LETTERS = 1_200_000  # the total length of those formulas
MOST_OF_FORMS = 300_000  # … of those that differ in more than their references, which takes longest
KEPT_OF_LONG = 200  # characters of a formula that is too long to be read

Kept = tuple[Address, CellValue, Pattern | None]


class EnoughRead(Exception):
    """The rest of this sheet is beyond the limits."""


class BookCells:
    """Collects the cells of a book while it is read, sheet by sheet."""

    def __init__(
        self, book: Book, strings: list[str], size: int = 0, *, every_row: bool = False
    ) -> None:
        self.book = book
        self.every_row = every_row
        self.kept_anyway = KEPT_OF_LARGE if size > LARGE else KEPT_ANYWAY
        self.most_typed = MOST_TYPED_OF_LARGE if size > LARGE else MOST_KEPT
        if every_row:
            self.kept_anyway = self.most_typed = MOST_OF_EVERY_ROW
        self.most_here = 0  # the value of `kept` at which this sheet ends
        self.strings = strings
        self.sheet, self._begun = -1, 0  # the current sheet, and how many were begun
        self.shared: dict[str, Pattern] = {}  # shared formulas by index, in one sheet
        self.full = self.empty = self.kept = self.typed = 0  # cells counted so far
        self.letters = self.of_forms = 0  # the total length of different formulas, and forms
        self._forms = 0  # counted so far
        self._departing = 0  # rows
        self.row = 0
        self._waiting: list[Kept] = []  # cells of the current row
        self._columns: list[object] = []  # its columns and their contents, alternately
        self._repeats = RowRepeats()
        self._texts = RowTexts()

    def next_sheet(self, number: int, size: int = 0) -> None:
        """Continue with this sheet of so many bytes, which gets a share of what may still be kept,
        and little of that if it is hidden."""
        self.end_row()
        self.sheet = number
        self._begun += 1
        left, following = MOST_KEPT - self.kept, len(self.book.sheets) - self._begun + 1
        share = left // min(max(following, 1), MOST_SHARES)
        is_hidden = bool(self.book.sheets) and self.book.sheets[number].is_hidden
        of_hidden = FEW_OF_HIDDEN if size > LARGE_HIDDEN else MOST_OF_HIDDEN
        self.most_here = self.kept + (min(share, of_hidden) if is_hidden else share)
        if self.every_row:
            self.most_here = MOST_OF_EVERY_ROW
        self.row = 0
        self.shared = {}
        self._repeats = RowRepeats()
        self._texts = RowTexts()

    def stop(self) -> None:
        """Leave out the rest of the sheet."""
        self._waiting.clear()
        self._columns.clear()
        self.book.unread.append(RowSpan(self.sheet, self.row, MOST_ROWS - 1))

    def end_row(self) -> None:
        """Keep the current row, unless it repeats rows above it, apart from a few cells."""
        period, kind = 0, tuple(self._columns)
        usual: RowKind = ()
        if self._waiting and any(pattern is not None for _, _, pattern in self._waiting):
            if self._departing < MOST_DEPARTING:
                usual = self._repeats.usual(self.row, kind)
            period = self._repeats.period(self.row, usual or kind)
        if period:
            self._leave_out(period)
        else:
            for cell, shown, pattern in self._waiting:
                self._keep(cell, shown, pattern)
        if usual:
            self._departing += 1
            self._stand_in(kind, usual)
        self._waiting.clear()
        self._columns.clear()

    @property
    def may_repeat(self) -> bool:
        """Whether rows are repeating others."""
        return bool(self._repeats.running)

    def repeats(self, row: int, text: str) -> bool:
        """Whether a row's XML alone shows that it repeats another; if so, it is left out."""
        expected = self._repeats.running
        if not expected or not self._texts.is_copy(row, text, expected):
            return False
        kind = self._repeats.kind(row - expected)
        period = self._repeats.period(row, kind)
        if not period:
            return False
        self.row = row
        self.full += len(kind) // 2
        if self.full > MOST_READ:
            raise EnoughRead
        self._leave_out(period)
        return True

    def end_usual_row(self, text: str) -> None:
        """Keep the current row, and remember its XML, since others may be copies of it."""
        if self._waiting:
            self._texts.remember(self.row, text)
        self.end_row()

    def _stand_in(self, kind: RowKind, usual: RowKind) -> None:
        """Write the cells in which a row differs from the usual into a similar row that was kept,
        since the rows around it weren't kept."""
        book, part = self.book, self.book.repeated_parts[-1]
        earlier = sum(s.sheet == self.sheet and s.real >= part.first for s in book.stand_ins)
        back = part.period * (2 + APART * earlier)
        place = part.first + (self.row - part.first) % part.period - back
        cells = [
            (cell + (place - self.row) * ROW, shown, pattern, expected)
            for (cell, shown, pattern), here, expected in zip(
                self._waiting, kind[1::2], usual[1::2], strict=True
            )
            if here is not expected
        ]
        fits = (self._is_usual(cell, pattern, expected) for cell, _, pattern, expected in cells)
        if place < 1 or not all(fits):
            book.unread.append(RowSpan(self.sheet, self.row, self.row))
            return
        book.stand_ins.append(StandIn(self.sheet, place, self.row, part.period))
        for cell, shown, pattern, _ in cells:
            book.patterns.pop(cell, None)
            book.values.pop(cell, None)
            self._keep(cell, None if pattern else shown, pattern)
            book.recalculates |= pattern is not None  # the file has no value for it there

    def _is_usual(self, cell: Address, pattern: Pattern | None, usual: object) -> bool:
        """Whether a cell has the usual content, and the differing formula fits into its place."""
        there = self.book.patterns.get(cell) or type(self.book.values.get(cell))
        places = pattern.places if pattern else ()
        cells = (place for place in places if isinstance(place, CellReference))
        return there is usual and all(place.at(cell) is not None for place in cells)

    def _leave_out(self, period: int) -> None:
        repeated = self.book.repeated_parts
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
        """Add a cell: its type, its formula's attributes if it has any, the formula, the value."""
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
        """Note a cell beyond the last row or column, which no program shows."""
        self.empty += 1
        if self.empty > MOST_EMPTY:
            raise EnoughRead
        if len(self.book.outside) < MOST_OUTSIDE:
            self.book.outside.append((self.sheet, row, column))

    def _typed(self, kind: str, raw: str | None) -> CellValue:
        if raw is None:
            return None
        if kind == "s":
            place = int(raw) if raw.strip().isdecimal() and len(raw) < LONGEST_INDEX else -1
            return self.strings[place] if 0 <= place < len(self.strings) else ""
        if kind == "b":
            return raw.strip() == "1"
        if kind in ("str", "inlineStr", "e", "d"):
            return raw[:LONGEST_TEXT]
        try:
            return float(raw)
        except ValueError:
            return raw[:LONGEST_TEXT]

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
            self._count_letters(KEPT_OF_LONG)
            return Pattern(f"long {cell}", cell, formula[:KEPT_OF_LONG], None, (), {}, TOO_LONG)
        reader = self.book.reader
        placed = with_places(self._plain(formula, cell), cell)
        if placed is not formula:
            self.book.typed[cell] = formula
        pattern = reader.pattern(placed, cell)
        if pattern.home == cell:  # it differs from all before
            if reader.forms > self._forms:
                self.of_forms, self._forms = self.of_forms + len(formula), reader.forms
            self._count_letters(len(formula))
        return pattern

    def _plain(self, formula: str, cell: Address) -> str:
        """The formula with cells where it names a table or means the same cells of many sheets."""
        plain = without_tables(formula, cell, self.book.tables)
        if "!" not in plain:
            return plain
        return with_each_sheet(plain, [sheet.title for sheet in self.book.sheets])

    def _count_letters(self, more: int) -> None:
        """Count the length of a formula that differs from all before."""
        self.letters += more
        is_long = self.letters > MOST_LETTERS or self.of_forms > MOST_OF_FORMS
        if is_long or self.book.reader.count > MOST_FORMULAS:
            raise EnoughRead

    def _keep_array(self, cell: Address, area: str, formula: str) -> None:
        """Give each cell of an array formula its own element; the file has the formula only in the
        first of them."""
        first, _, last = area.partition(":")
        start, end = row_and_column(first), row_and_column(last or first)
        if end is None or start != (row_of(cell), column_of(cell)):
            return
        rows, columns = (b - a + 1 for a, b in zip(start, end, strict=True))
        if min(rows, columns) >= 1:
            self.book.spills[cell] = rows, columns
        if min(rows, columns) < 1 or rows * columns == 1:
            return
        if row_of(cell) + rows > MOST_ROWS or column_of(cell) + columns > MOST_COLUMNS:
            self._note_outside(*end)
            return
        if rows * columns + len(self.book.arrays) > MOST_IN_ARRAYS:
            raise WorkbookError(
                Message("its array formulas fill too many cells: too large to check")
            )
        plain = self._plain(formula, cell)
        for down in range(rows):
            for right in range(columns):
                at = cell + down * ROW + right
                text = self.book.reader.element(plain, cell, down, right)
                self.book.arrays[at] = formula
                self.book.patterns[at] = self.book.reader.pattern(text, at)


# Reading rows -----------------------------------------------------------------

WIDE = 4  # cells per row from which this is faster
LONGEST_ROW = 2**20  # bytes; a longer row is left to the parser

Attributes = Mapping[str, str]
CellParts = tuple[int, int, str, Attributes | None, str, str | None]
"""Row, column, type, the attributes of its formula if it has one, the formula, the value."""

_END = b"</row>"
_NEVER = bytes(sorted({*range(32)} - set(b"\t\n")))  # the parser normalises line ends
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["'](?!utf-8["'])""", re.IGNORECASE)
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\?>")


class SheetRows:
    """One sheet's XML stream: usual rows are read directly, the rest by a parser, in order."""

    def __init__(self, cells: BookCells) -> None:
        self.cells = cells
        self.row = -1
        self.column = -1
        self.kind = ""
        self.form: Attributes | None = None
        self.formula = ""
        self.value: str | None = None
        self.text: list[str] = []
        self.listening = False

    def read(self, parts: Package, part: str) -> None:
        rest = self.unusual(parts.chunks(part))
        try:
            parse(part, rest, parser(), self.begin, self.end, self.characters)
            self.cells.end_row()
        except EnoughRead:
            self.cells.stop()

    # As XML

    def characters(self, piece: str) -> None:
        if self.listening:
            self.text.append(piece)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            next_one = self.row, self.column + 1
            self.row, self.column = row_and_column(attributes.get("r", "")) or next_one
            self.kind = attributes.get("t", "n")
            self.form, self.formula, self.value = None, "", None
        elif tag in ("v", "t", "f"):
            self.listening = True
            self.text.clear()
            if tag == "f":
                self.form = attributes
        elif tag == "row":
            self.begin_row(attributes)

    def begin_row(self, attributes: Attributes) -> None:
        number = attributes.get("r", "")
        known = number.isdecimal() and len(number) <= 8
        self.row = min(int(number) - 1, MOST_ROWS) if known else self.row + 1
        self.column = -1

    def end(self, tag: str) -> None:
        if ":" in tag:
            tag = local(tag)
        if tag == "c":
            self.cells.keep(self.row, self.column, self.kind, self.form, self.formula, self.value)
        elif tag == "f":
            self.formula = "".join(self.text)
            self.listening = False
        elif tag in ("v", "t"):
            self.value = (self.value or "") + "".join(self.text)
            self.listening = False

    # In the usual form

    def unusual(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What is left for the parser: all but the rows that are written as usual.

        A comment or the like may hide what looks like a row: from the first one on, it gets
        everything.
        """
        first = next(pieces, b"")
        declared = _DECLARATION.match(first)
        usual = _OTHER_ENCODING.match(first) is None
        waiting = first[declared.end() :] if declared else first
        if declared:
            yield declared[0]
        for piece in chain([b""], pieces):
            waiting += piece
            ready = waiting[: waiting.rfind(_END) + len(_END)] if _END in waiting else b""
            if len(waiting) - len(ready) > LONGEST_ROW or not usual:
                ready = waiting
            waiting = waiting[len(ready) :]
            usual = usual and b"<!" not in ready and b"<?" not in ready
            if usual and ready:
                yield from self._but_usual_rows(ready)
            else:
                yield ready
        yield waiting

    def _but_usual_rows(self, ready: bytes) -> Iterator[bytes]:
        try:
            text = ready.decode()
        except UnicodeDecodeError:
            yield ready  # the parser names the line
            return
        narrow = text.count("<c ") < WIDE * text.count("<row")
        if narrow or len(ready.translate(None, _NEVER)) < len(ready):
            yield ready
            return
        done = 0
        while (start := text.find("<row", done)) >= 0:
            if done < start:
                yield text[done:start].encode()
            repeated = self._end_of_repeated(text, start)
            if repeated:
                done = repeated
                continue
            row = usual_row(text, start)
            if row is None:
                done = text.find(_END_OF_ROW, start) + len(_END_OF_ROW)
                yield text[start:done].encode()
            else:
                done = row.end
                self._keep(row)
                self.cells.end_usual_row(text[start:done])
                if lines := text.count("\n", start, done):
                    yield b"\n" * lines  # so that the parser reports the right line
        if done < len(text):
            yield text[done:].encode()

    def _end_of_repeated(self, text: str, start: int) -> int:
        """The end of a row whose XML repeats another's; 0 if it doesn't."""
        number = row_number(text, start)
        if number is None or not self.cells.may_repeat:
            return 0
        end = text.find(_END_OF_ROW, start) + len(_END_OF_ROW)
        if not self.cells.repeats(number, text[start:end]):
            return 0
        self.row, self.column = number, -1
        return end

    def _keep(self, row: UsualRow) -> None:
        self.begin_row(row.attributes)
        for cell in row.cells:
            self.cells.keep(*cell)
        if row.cells:
            self.row, self.column = row.cells[-1][:2]


# A usual row ------------------------------------------------------------------

_END_OF_ROW = _END.decode()
ATTRIBUTES = r'((?:[ ][A-Za-z0-9:]++="[^"<&]*+")*+)'
_ROW = re.compile(rf"<row{ATTRIBUTES}[ ]?(/?)>")
_CELL = re.compile(
    rf"""
    (<c[ ]r="([A-Z]{{1,3}})([1-9][0-9]{{0,6}})"{ATTRIBUTES}[ ]?(?: /> | >
        (?: (<f){ATTRIBUTES}[ ]?(?: /> | >([^<]*+)</f> ))?
        (?: (<v>)([^<]*+)</v> | (<is>)<t(?:[ ]xml:space="preserve")?>([^<]*+)</t></is> )?
    </c> ))
    """,
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:]+)="([^"]*)"')
_ENTITY = re.compile("&(amp|lt|gt|quot|apos);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class UsualRow(NamedTuple):
    attributes: Attributes
    cells: list[CellParts]
    end: int  # where it ends in the text


def usual_row(text: str, start: int) -> UsualRow | None:
    """The row that begins at `start`; None unless it is written as usual."""
    opening = _ROW.match(text, start)
    attributes = None if opening is None else _attributes(opening[1])
    if opening is None or attributes is None:
        return None
    if opening[2]:
        return UsualRow(attributes, [], opening.end())
    end = text.find(_END_OF_ROW, opening.end())
    matches = _CELL.findall(text, opening.end(), end)
    if sum([len(cell[0]) for cell in matches]) != end - opening.end():
        return None
    cells = [_cell(parts) for parts in matches]
    if None in cells:
        return None
    return UsualRow(attributes, cells, end + len(_END_OF_ROW))  # type: ignore[arg-type]


def _cell(parts: Sequence[str]) -> CellParts | None:
    content, letters, number, attributes, *formula_parts, is_value, value, is_text, text = parts
    is_formula, form, formula = formula_parts
    kinds, forms = _known(attributes), _known(form)
    if kinds is None or forms is None or "r" in kinds:
        return None
    if "&" in content:
        plain = [_plain(piece) for piece in (formula, value, text)]
        if None in plain:
            return None
        formula, value, text = plain  # type: ignore[assignment]
    return (
        int(number) - 1,
        column_number(letters),
        kinds.get("t", "n"),
        forms if is_formula else None,
        formula,
        value if is_value else text if is_text else None,
    )


def _attributes(text: str) -> Attributes | None:
    """The attributes, or None if a name occurs twice, which XML forbids."""
    pairs = _ATTRIBUTE.findall(text)
    names = dict(pairs)
    return names if len(names) == len(pairs) else None


_known = lru_cache(maxsize=1024)(_attributes)


def _plain(text: str) -> str | None:
    """A text with its entities replaced; None if it has others than the usual five."""
    plain, count = _ENTITY.subn(lambda match: _CHARACTERS[match[1]], text)
    return plain if count == text.count("&") else None
