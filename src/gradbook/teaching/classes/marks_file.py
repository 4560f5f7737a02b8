"""marks.csv: what each student earns, and three columns that are the teacher's alone.

What she writes into 'changed to', 'days late' and 'remark' is read just before the file is written
again, and is kept, as are columns and rows that she adds.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

from gradbook import limits
from gradbook.data.formats.cells import SEPARATORS, CellRow, read_cells
from gradbook.errors import DataError, as_cell
from gradbook.files import InnerPath, read_bytes, whole_file
from gradbook.report.audit import UTF8_MARK

STUDENT, CHANGED, LATE, REMARK = "student", "changed to", "days late", "remark"
HEAD = (
    *(STUDENT, "points", "out of", CHANGED, LATE, REMARK),
    *("taken off", "right", "of", "verdict", "first finding", "file", "handed in", "note"),
)
OWN = (CHANGED, LATE, REMARK)
MOST_POINTS = 1_000_000  # points, or days
CellsByStudent = Mapping[str, Mapping[str, str]]  # by the names of HEAD
PathOfLedger = Path | InnerPath


@dataclass(frozen=True)
class OwnEntry:
    """What the teacher wrote about one student."""

    changed_to: float | None = None
    days_late: int | None = None
    remark: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        points = "" if self.changed_to is None else f"{self.changed_to:.10g}"
        days = "" if self.days_late is None else str(self.days_late)
        return points, days, self.remark


NOTHING = OwnEntry()


@dataclass(frozen=True)
class LedgerTable:
    """marks.csv as it was read, including the teacher's own columns and rows."""

    head: tuple[str, ...]
    rows: tuple[CellRow, ...]
    separator: str
    file: str

    @cached_property
    def places(self) -> dict[str, int]:
        """The places of the columns that we know, by their exact names or nearly so."""
        nearly = [cell.strip().casefold().lstrip(UTF8_MARK) for cell in self.head]
        known = (name for name in HEAD if name in nearly)
        return {name: (self.head if name in self.head else nearly).index(name) for name in known}

    def entries(self) -> dict[str, OwnEntry]:
        """What the teacher wrote, by student."""
        entries: dict[str, OwnEntry] = {}
        for row in self.rows:
            cells = [row.cells[self.places[name]] for name in OWN]
            student, entry = self.student(row), entry_of(cells, self.file, row.number)
            if student and entry != NOTHING:
                if student in entries:
                    raise DataError(f"{student!r} is in it twice", file=self.file, row=row.number)
                entries[student] = entry
        return entries

    def student(self, row: CellRow) -> str:
        return _plain(row.cells[self.places[STUDENT]].strip())

    def with_cells(self, cells: CellsByStudent) -> list[list[str]]:
        """All rows with these cells filled in; all other cells are kept."""
        head = [*self.head, *(name for name in HEAD if name not in self.places)]
        places = {name: self.places.get(name, head.index(name)) for name in HEAD}
        new = dict(cells)
        lines = [head]
        for row in self.rows:
            student = self.student(row)
            new.pop(student, None)
            lines.append(_with_cells(row.cells, len(head), cells.get(student, {}), places))
        for student, own in new.items():
            lines.append(_with_cells((), len(head), {STUDENT: student, **own}, places))
        return lines


def _with_cells(
    row: Sequence[str], width: int, cells: Mapping[str, str], places: Mapping[str, int]
) -> list[str]:
    cells_of_row = [*row, *[""] * (width - len(row))]
    for name, words in cells.items():
        cells_of_row[places[name]] = as_cell(words)
    return cells_of_row


def _read(path: PathOfLedger) -> LedgerTable:
    """The table, which has no rows if there is no file yet."""
    if not path.is_file():
        return LedgerTable(HEAD, (), SEPARATORS[0], str(path))
    table = read_cells(path)
    head, *rows = table.rows
    separator = table.separator if table.separator in SEPARATORS else SEPARATORS[0]
    found = LedgerTable(head.cells, tuple(rows), separator, str(path))
    missing = [name for name in (STUDENT, *OWN) if name not in found.places]
    if missing:
        raise DataError(
            f"its column {missing[0]!r} is missing: put it back, or move the file away",
            file=str(path),
        )
    return found


def read_ledger(path: PathOfLedger) -> dict[str, OwnEntry]:
    """The teacher's entries by student; none if there is no file yet."""
    return _read(path).entries()


Look = Callable[[Mapping[str, OwnEntry]], object]


def update_ledger(
    path: PathOfLedger, cells: CellsByStudent, look: Look = lambda entries: None
) -> dict[str, OwnEntry]:
    """Write only these cells into the file as it is now, and return the teacher's entries, which
    `look` receives before anything is written.

    She may have typed something since the file was read, so it is read once more, and again if
    she saves it meanwhile.
    """
    while True:
        before = _content(path)
        table = _read(path)
        entries = table.entries()
        look(entries)
        text = StringIO()
        csv.writer(text, delimiter=table.separator).writerows(table.with_cells(cells))
        content = (UTF8_MARK + text.getvalue()).encode("utf-8", "backslashreplace")
        with suppress(_SavedMeanwhile):
            if content != before:
                _write_over(path, before, content)
            return entries


class _SavedMeanwhile(Exception):
    """Somebody else wrote the file."""


def _write_over(path: PathOfLedger, before: bytes, content: bytes) -> None:
    """Replace the file if its content still is what it was before."""
    with whole_file(path) as part, open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if _content(path) != before:
            raise _SavedMeanwhile


def _content(path: PathOfLedger) -> bytes:
    return read_bytes(path, limits.TABLE) if path.is_file() else b""


def _plain(cell: str) -> str:
    """The cell without the apostrophe that keeps spreadsheets from reading a formula."""
    return cell[1:] if cell.startswith("'") and as_cell(cell[1:]) == cell else cell


def entry_of(cells: Sequence[str], file: str | None = None, row: int | None = None) -> OwnEntry:
    """The teacher's entry, read from her three cells."""
    changed, late, remark = (cell.strip() for cell in cells)
    points, days = _number(changed, CHANGED, file, row), _number(late, LATE, file, row)
    if days is not None and not days.is_integer():
        raise DataError(f"'{LATE}' must be a whole number, not {days:g}", file=file, row=row)
    return OwnEntry(points, None if days is None else int(days), _plain(remark))


def _number(text: str, name: str, file: str | None, row: int | None) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", ".").replace("−", "-"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST_POINTS:
        raise DataError(
            f"'{name}' must be a number from 0 to {MOST_POINTS:,}, not {text!r}: "
            "correct it and try again",
            file=file,
            row=row,
        )
    return value
