"""A workbook after reading: its cells, formulas that refer to too many cells, and headings."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from gradbook.cells.declared_tables import SheetTable
from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    OVER,
    ROW,
    Address,
    Axis,
    by_sheet,
    column_of,
    name_of,
    pack,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.pattern import (
    Pattern,
    RangeReference,
    Reader,
    anchor,
    rename_cells_in,
)
from gradbook.cells.formula.syntax import TOO_DEEP
from gradbook.language.message import Message

LONG = 40  # characters; a longer text is a remark, not a heading

_NUMBERED = re.compile(
    r"\s*(?:step|epoch|iteration|iter|schritt|epoche|durchgang|paso|época|iteración|passo|iteração|"
    r"étape|époque|itération|pas|步|第|轮|迭代|스텝|단계|에폭|반복|bước|vòng)\W*[0-9]+(?:\s*[步轮次])?\s*",
    re.IGNORECASE,
)  # the title of a step: what is below it has another name
_IN_TEXT = re.compile(r"\$?[A-Z]{1,3}\$?[1-9][0-9]{0,6}")
_BESIDE = r"[-+*/^().,\s0-9]*"
_CALCULATION = re.compile(rf"(?=.*[-+*/^])=?{_BESIDE}(?:\$?[A-Z]{{1,3}}\$?[1-9][0-9]*{_BESIDE})+")
_WITH_NUMBER = re.compile(r"(?:^|[-+*/^(])\s*[0-9]")

CellValue = float | str | bool | None
Texts = dict[tuple[int, int], list[tuple[int, str]]]  # by line: the position along it, and the text


@dataclass(frozen=True)
class SheetPart:
    title: str
    part: str  # the part of the package that contains it
    is_hidden: bool = False  # from anyone who opens the book


@dataclass(frozen=True)
class RowSpan:
    """Rows of a sheet, from the first to the last one."""

    sheet: int
    first: int
    last: int


class Gaps:
    """Looks up rows that weren't kept."""

    def __init__(self, spans: Iterable[RowSpan]) -> None:
        spans = list(spans)
        self.sheets = {span.sheet for span in spans}
        every = sorted((pack(s.sheet, s.first, 0), pack(s.sheet, s.last, 0)) for s in spans)
        self._firsts = [first for first, _ in every]
        self._lasts = list(accumulate((last for _, last in every), max))

    def meet(self, sheet: int, top: int, bottom: int) -> bool:
        """Whether a row that wasn't kept is between these."""
        before = bisect_right(self._firsts, pack(sheet, bottom, 0))
        return before > 0 and self._lasts[before - 1] >= pack(sheet, top, 0)


@dataclass(frozen=True)
class RepeatedPart:
    """Rows of a sheet, from the first to the last one, each a copy of the row one period above."""

    sheet: int
    first: int
    last: int
    period: int
    tail: frozenset[int] = frozenset()  # columns that repeat one row longer, as weights do


@dataclass(frozen=True)
class StandIn:
    """A row that replaces one that wasn't kept: findings in it are true of the other row."""

    sheet: int
    row: int
    real: int
    period: int  # rows to the next step


@dataclass
class Book:
    """A workbook's content: `patterns` has the formula cells, `values` what every cell shows."""

    sheets: list[SheetPart] = field(default_factory=list)
    values: dict[Address, CellValue] = field(default_factory=dict)
    patterns: dict[Address, Pattern] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # in lower case → the reference
    tables: dict[str, SheetTable] = field(default_factory=dict)  # in lower case
    arrays: dict[Address, str] = field(default_factory=dict)  # cells of an array formula → its text
    spills: dict[Address, tuple[int, int]] = field(default_factory=dict)  # their rows and columns
    typed: dict[Address, str] = field(default_factory=dict)  # formulas that compute references
    properties: dict[str, str] = field(default_factory=dict)  # creator, created, lastModifiedBy …
    recalculates: bool = False  # whether the program is told to recalculate on opening
    iterates: bool = False  # whether circular references are intended: one step per recalculation
    reader: Reader = field(default_factory=lambda: Reader({}, {}))  # for reading further formulas
    repeated_parts: list[RepeatedPart] = field(default_factory=list)  # not kept
    stand_ins: list[StandIn] = field(default_factory=list)  # rows that replace others
    too_wide: list[Address] = field(default_factory=list)  # formulas that refer to too many cells
    outside: list[tuple[int, int, int]] = field(default_factory=list)  # sheet, row, column: off it
    unread: list[RowSpan] = field(default_factory=list)  # rows beyond the limits of reading
    _texts: dict[Axis, Texts] = field(default_factory=dict)

    @property
    def not_kept(self) -> list[RowSpan]:
        """The rows whose content isn't known here."""
        return [*self.unread, *(RowSpan(r.sheet, r.first, r.last) for r in self.repeated_parts)]

    def is_kept(self, cell: Address) -> bool:
        """Whether a cell's content is known here."""
        return not Gaps(self.not_kept).meet(sheet_of(cell), row_of(cell), row_of(cell))

    def sheet_number(self, title: str) -> int | None:
        wanted = title.lower()
        return next((k for k, s in enumerate(self.sheets) if s.title.lower() == wanted), None)

    def label(self, cell: Address, axis: Axis) -> str:
        """The nearest text before a cell: above it, or to its left. Where steps follow each other
        from sheet to sheet, and in forms, the text on the left comes first."""
        if axis is OVER:
            return self.label(cell, ACROSS) or self.label(cell, DOWN)
        if axis is DOWN and self._is_in_a_form(cell):
            return self.label(cell, ACROSS)
        heading = self._heading(cell, axis)
        return heading[1] if heading else ""

    def heading_place(self, cell: Address, axis: Axis) -> int | None:
        """The row, or the column, that contains a cell's heading."""
        heading = self._heading(cell, axis)
        return heading[0] if heading else None

    def headings(self, sheet: int, axis: Axis, place: int) -> Iterator[tuple[Address, str]]:
        """The cells and texts of one row, or column, of headings."""
        for (number, beside), texts in sorted(self._headings(axis).items()):
            for along, words in texts:
                if number == sheet and along == place:
                    row, column = (place, beside) if axis is DOWN else (beside, place)
                    yield pack(sheet, row, column), words

    def _heading(self, cell: Address, axis: Axis) -> tuple[int, str] | None:
        texts = self._headings(axis).get(axis.line(cell), [])
        before = bisect_left(texts, (axis.along(cell), ""))
        return texts[before - 1] if before else None

    def _is_in_a_form(self, cell: Address) -> bool:
        """Whether the text on the left labels this cell only, with no text directly above it."""
        alone = cell + 1 not in self.patterns and not isinstance(self.values.get(cell + 1), float)
        above = row_of(cell) and self.is_text(cell - ROW)
        return alone and not above and column_of(cell) > 0 and self.is_text(cell - 1)

    def _headings(self, axis: Axis) -> Texts:
        if axis not in self._texts:
            headings = self._texts[axis] = {}
            for at in sorted(self.values):
                words = self.values[at]
                if not isinstance(words, str) or at in self.patterns or len(words) >= LONG:
                    continue
                if not (_NUMBERED.fullmatch(words) or self._is_formula(at, words)):
                    entry = axis.along(at), " ".join(words.split())
                    headings.setdefault(axis.line(at), []).append(entry)
        return self._texts[axis]

    def _is_formula(self, cell: Address, words: str) -> bool:
        """Whether a text explains a calculation, such as C7-$C$2*E7, and so names nothing."""
        if _CALCULATION.fullmatch(words) is None:
            return False
        if "$" in words or _WITH_NUMBER.search(words):
            return True
        mentioned = (self.reader.cell(text, cell) for text in _IN_TEXT.findall(words))
        return all(at is not None and isinstance(self.values.get(at), float) for at in mentioned)

    def is_text(self, cell: Address) -> bool:
        """Whether a cell contains text that was typed."""
        return isinstance(self.values.get(cell), str) and cell not in self.patterns

    def in_sight(self) -> Mapping[Address, Pattern]:
        """The formulas on visible sheets, or all of them if no visible sheet has any."""
        if not any(sheet.is_hidden for sheet in self.sheets):
            return self.patterns
        seen = {c: p for c, p in self.patterns.items() if not self.sheets[sheet_of(c)].is_hidden}
        return seen or self.patterns

    def is_blank(self, cell: Address) -> bool:
        """Whether a cell has neither a formula nor a value."""
        return cell not in self.patterns and self.values.get(cell) is None

    def formula(self, cell: Address) -> str:
        """A formula as it was written, with its =; '' where there is none."""
        if cell in self.arrays:
            return f"{{={self.arrays[cell]}}}"
        if cell in self.typed:
            return f"={self.typed[cell]}"
        pattern = self.patterns.get(cell)
        return f"={pattern.text_at(cell)}" if pattern else ""

    def content(self, cell: Address) -> str:
        """A cell's formula or, if it has none, its value."""
        return self.formula(cell) or show_value(self.values.get(cell))

    def read_typed(self, cell: Address) -> Pattern:
        """A cell's formula, with references as they are typed there."""
        return self.reader.read_typed(self.patterns[cell].text_at(cell), cell)

    def with_another_cell(
        self, home: Address, wrong: Address, right: str, pattern: Pattern | None = None
    ) -> Pattern:
        """The formula of a cell, or one copied to it, with one reference replaced."""
        text = rename_cells_in(
            (pattern or self.patterns[home]).text_at(home),
            lambda word: right if self.reader.cell(word, home) == wrong else word,
        )
        return self.reader.read_typed(text, home)

    def renamed(
        self, cell: Address, home: Address, instead: Mapping[Address, Address]
    ) -> Pattern | None:
        """A cell's formula for use in another cell, with some of the cells replaced; None unless it
        mentions each of those directly."""
        mentioned = set[Address]()
        is_beside = sheet_of(cell) == sheet_of(home)

        def follow(reference: str) -> str:
            at = self.reader.cell(reference, cell)
            if at is None:
                return reference
            mentioned.add(at)
            if at not in instead:
                named = self.name_of(at, home)
                return reference if is_beside else anchor(named) if "$" in reference else named
            same = instead[at] == at and is_beside
            return reference if same else self.name_of(instead[at], home)

        text = rename_cells_in(self.patterns[cell].text_at(cell), follow)
        return self.reader.read_typed(text, home) if instead.keys() <= mentioned else None

    def sheet_before(self, cell: Address, seen_from: Address | None = None) -> str:
        """What precedes a cell's name: its sheet's, if that differs from the reader's sheet."""
        if seen_from is not None and sheet_of(seen_from) == sheet_of(cell):
            return ""
        return f"{quote_title(self.sheets[sheet_of(cell)].title)}!"

    def name_of(self, cell: Address, seen_from: Address | None = None) -> str:
        """The cell's name, preceded by its sheet's name if that differs from the reader's sheet."""
        return self.sheet_before(cell, seen_from) + name_of(cell)

    def ranges(self, cells: Iterable[Address], seen_from: Address) -> str:
        """Cells as ranges, each preceded by its sheet's name if that differs from the reader's."""
        return ",".join(
            self.sheet_before(some[0], seen_from) + run
            for some in by_sheet(cells)
            for run in ranges(some).split(",")
        )


def show_value(value: CellValue) -> str:
    """A value as people see it: all findings write their numbers like this."""
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


_LIKE_A_CELL = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*|TRUE|FALSE", re.IGNORECASE)


def quote_title(title: str) -> str:
    """A sheet's name as it is written in formulas."""
    plain = title.replace("_", "a").replace(".", "a").isalnum() and not title[:1].isdigit()
    return (
        title
        if plain and not _LIKE_A_CELL.fullmatch(title)
        else "'" + title.replace("'", "''") + "'"
    )


# Formulas that refer to too many cells ----------------------------------------
#
# A few sums over sums, from the tops of columns, have more references than a book has cells.

MOST_LINKS = 1_500_000  # from formulas to cells of ranges
CELLS_TO_KEEP = 300_000  # kept if there are more: long running sums are followed often
WIDEST = 20_000  # cells of a range
TOO_WIDE, TOO_LONG = Message("it refers to too many cells"), Message("it is too long")


def leave_out_widest(book: Book) -> None:
    """Mark the formulas that refer to the most cells as unknown, as many as necessary, and list
    those that were too large to read.

    Formulas of one pattern are treated alike, because a column with gaps would look like a mistake.
    """
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.patterns.items():
        homes[pattern].append(cell)
    widths = {pattern: _links(pattern, cells) for pattern, cells in homes.items()}
    for pattern in filter(_is_too_large, homes):
        book.too_wide += homes[pattern]
    links = 0
    most = MOST_LINKS if sum(map(sum, widths.values())) <= MOST_LINKS else CELLS_TO_KEEP
    for pattern in sorted(widths, key=lambda pattern: max(widths[pattern])):
        links += sum(widths[pattern])
        if links > most or max(widths[pattern]) > WIDEST:
            unknown = replace(pattern, form=None, words=(), problem=TOO_WIDE)
            book.patterns.update(dict.fromkeys(homes[pattern], unknown))
            book.too_wide += homes[pattern]


def _is_too_large(pattern: Pattern) -> bool:
    """Whether a formula was too large to read."""
    return pattern.problem == TOO_LONG or pattern.problem.endswith(TOO_DEEP)


def _links(pattern: Pattern, homes: Sequence[Address]) -> list[int]:
    """How many cells of ranges a formula refers to, for each cell that contains it."""
    ranges = [place for place in pattern.places if isinstance(place, RangeReference)]
    if not any(place.grows for place in ranges):
        return [sum(place.size(homes[0]) for place in ranges)] * len(homes)
    return [sum(place.size(home) for place in ranges) for home in homes]
