"""A workbook as it was read: cells with their formulas and the values that the file gives them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gradbook.audit.formula.address import (
    ACROSS,
    DOWN,
    OVER,
    ROW,
    Address,
    Axis,
    column_of,
    pack,
    row_of,
    sheet_of,
    written,
)
from gradbook.audit.formula.pattern import Pattern, Reader
from gradbook.audit.workbook.repeated_rows import DepartingRow, RepeatedPart

LONG = 40  # characters; a longer text is a remark, not a heading

CellValue = float | str | bool | None
Texts = dict[tuple[int, int], list[tuple[int, str]]]  # by line: how far along it, and what


@dataclass(frozen=True)
class SheetPart:
    title: str
    part: str  # the part of the package that holds it
    hidden: bool = False  # from whoever opens the book


@dataclass(frozen=True)
class RowSpan:
    """Rows of a sheet, from the first to the last one."""

    sheet: int
    first: int
    last: int


@dataclass(frozen=True)
class StandIn:
    """A row in the place of one that wasn't kept: what is found there is true of the other."""

    sheet: int
    row: int
    real: int
    period: int  # rows to the next step


@dataclass
class Book:
    """What was read. `patterns` has the formula cells, `values` what every cell shows."""

    sheets: list[SheetPart] = field(default_factory=list)
    values: dict[Address, CellValue] = field(default_factory=dict)
    patterns: dict[Address, Pattern] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # in lower case → what it refers to
    arrays: dict[Address, str] = field(default_factory=dict)  # cells that share a formula → that
    properties: dict[str, str] = field(default_factory=dict)  # creator, created, lastModifiedBy …
    recalculates: bool = False  # whether whoever opens the file is asked to compute it anew
    reader: Reader = field(default_factory=lambda: Reader({}, {}))  # to read other formulas with
    repeated: list[RepeatedPart] = field(default_factory=list)  # rows like those above: not kept
    departing: list[DepartingRow] = field(default_factory=list)  # … but for a few cells
    stand_ins: list[StandIn] = field(default_factory=list)  # rows in the places of others
    too_wide: list[Address] = field(default_factory=list)  # formulas that refer to too many cells
    outside: list[tuple[int, int, int]] = field(default_factory=list)  # sheet, row, column: beyond
    unread: list[RowSpan] = field(default_factory=list)  # rows that there were too many of
    _texts: dict[Axis, Texts] = field(default_factory=dict)

    @property
    def not_kept(self) -> list[RowSpan]:
        """The rows of which nothing is known here."""
        return [*self.unread, *(RowSpan(r.sheet, r.first, r.last) for r in self.repeated)]

    def is_kept(self, cell: Address) -> bool:
        """Whether what stands in a cell is known here."""
        sheet, row = sheet_of(cell), row_of(cell)
        return not any(s.sheet == sheet and s.first <= row <= s.last for s in self.not_kept)

    def sheet_number(self, title: str) -> int | None:
        wanted = title.lower()
        return next((k for k, s in enumerate(self.sheets) if s.title.lower() == wanted), None)

    def label(self, cell: Address, axis: Axis) -> str:
        """The nearest text before a cell: above it, or to the left of it; where steps go over the
        sheets, to the left or else above, and so in a form, where names stand beside numbers."""
        if axis is OVER:
            return self.label(cell, ACROSS) or self.label(cell, DOWN)
        if axis is DOWN and self._is_in_a_form(cell):
            return self.label(cell, ACROSS)
        found = self._heading(cell, axis)
        return found[1] if found else ""

    def heading_place(self, cell: Address, axis: Axis) -> int | None:
        """The row in which a cell's heading stands, or the column."""
        found = self._heading(cell, axis)
        return found[0] if found else None

    def headings(self, sheet: int, axis: Axis, place: int) -> Iterator[tuple[Address, str]]:
        """What stands in that row of headings, or in that column, cell by cell."""
        for (own, beside), texts in sorted(self._headings(axis).items()):
            for along, words in texts:
                if own == sheet and along == place:
                    row, column = (place, beside) if axis is DOWN else (beside, place)
                    yield pack(sheet, row, column), words

    def _heading(self, cell: Address, axis: Axis) -> tuple[int, str] | None:
        texts = self._headings(axis).get(axis.line(cell), [])
        before = bisect_left(texts, (axis.along(cell), ""))
        return texts[before - 1] if before else None

    def _is_in_a_form(self, cell: Address) -> bool:
        """Whether words beside a cell are of it alone, and none stand right above it."""
        alone = cell + 1 not in self.patterns and not isinstance(self.values.get(cell + 1), float)
        above = row_of(cell) and self.is_text(cell - ROW)
        return alone and not above and column_of(cell) > 0 and self.is_text(cell - 1)

    def _headings(self, axis: Axis) -> Texts:
        if axis not in self._texts:
            found = self._texts[axis] = {}
            for at in sorted(self.values):
                words = self.values[at]
                if isinstance(words, str) and at not in self.patterns and len(words) < LONG:
                    entry = axis.along(at), " ".join(words.split())
                    found.setdefault(axis.line(at), []).append(entry)
        return self._texts[axis]

    def is_text(self, cell: Address) -> bool:
        """Whether words stand in a cell, that no formula gives."""
        return isinstance(self.values.get(cell), str) and cell not in self.patterns

    def in_sight(self) -> Mapping[Address, Pattern]:
        """The formulas on sheets that whoever opens the book sees; of all, where those are none."""
        if not any(sheet.hidden for sheet in self.sheets):
            return self.patterns
        seen = {c: p for c, p in self.patterns.items() if not self.sheets[sheet_of(c)].hidden}
        return seen or self.patterns

    def is_blank(self, cell: Address) -> bool:
        """Whether nothing stands in a cell: neither a formula nor a value."""
        return cell not in self.patterns and self.values.get(cell) is None

    def formula(self, cell: Address) -> str:
        """A formula as it stands, with its =; '' where there is none."""
        if cell in self.arrays:
            return f"{{={self.arrays[cell]}}}"
        pattern = self.patterns.get(cell)
        return f"={pattern.text_at(cell)}" if pattern else ""

    def content(self, cell: Address) -> str:
        """What stands in a cell: its formula or, where it has none, its value."""
        return self.formula(cell) or shown(self.values.get(cell))

    def typed(self, cell: Address) -> Pattern:
        """A cell's formula, its references as they are typed there."""
        return self.reader.typed(self.patterns[cell].text_at(cell), cell)

    def called(self, cell: Address, seen_from: Address | None = None) -> str:
        """The cell's name, with its sheet's where it is another than the reader's."""
        if seen_from is not None and sheet_of(seen_from) == sheet_of(cell):
            return written(cell)
        return f"{quoted(self.sheets[sheet_of(cell)].title)}!{written(cell)}"


def shown(value: CellValue) -> str:
    """A value as people see it: every number of a finding is written like this."""
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def quoted(title: str) -> str:
    """A sheet's name as formulas write it."""
    plain = title.replace("_", "a").replace(".", "a").isalnum() and not title[:1].isdigit()
    return title if plain else "'" + title.replace("'", "''") + "'"
