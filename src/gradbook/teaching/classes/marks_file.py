"""marks.csv: what each student earns, and three columns that are the teacher's alone.

What she writes into 'changed to', 'days late' and 'remark' is read just before the file is written
again, and is kept, as are columns and rows that she adds. If a row with an entry is missing later,
it comes back, and that is said.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from io import StringIO
from pathlib import Path

from gradbook import language, limits
from gradbook.data.formats.cells import SEPARATORS, CellRow, read_list
from gradbook.errors import DataError, as_cell
from gradbook.files import InnerPath, as_bytes, read_bytes, read_text, whole_file, write_whole
from gradbook.language import in_language, mark, tr
from gradbook.report.audit import UTF8_MARK

STUDENT, CHANGED = mark("student"), mark("changed to")
LATE, REMARK = mark("days late"), mark("remark")
HEAD = (
    *(STUDENT, mark("points"), mark("out of"), CHANGED, LATE, REMARK, mark("taken off")),
    *(mark("right"), mark("of"), mark("verdict"), mark("first finding"), mark("file")),
    *(mark("handed in"), mark("note")),
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


def headings() -> dict[str, str]:
    """Each column's heading in the current language; in English if two would be the same."""
    words: dict[str, str] = {}
    for name in HEAD:
        word = tr(name)
        words[name] = name if word in words.values() or word in HEAD else word
    return words


@cache
def _names() -> tuple[dict[str, str], ...]:
    """The column of each heading, in each language."""
    every = list[dict[str, str]]()
    for code in language.LANGUAGES:
        with in_language(code):
            every.append({word.casefold(): name for name, word in headings().items()})
    return tuple(every)


@dataclass(frozen=True)
class LedgerTable:
    """marks.csv as it was read, including the teacher's own columns and rows."""

    head: tuple[str, ...]
    rows: tuple[CellRow, ...]
    separator: str
    file: str
    remarks: tuple[str, ...] = ()  # on the text

    @cached_property
    def places(self) -> dict[str, int]:
        """The places of the columns that we know, by their exact names or nearly so."""
        plain = [cell.strip().casefold().lstrip(UTF8_MARK) for cell in self.head]
        names = max(_names(), key=lambda names: len(names.keys() & set(plain)))
        exact, nearly = (
            {names[cell]: k for k, cell in reversed([*enumerate(cells)]) if cell in names}
            for cells in (self.head, plain)
        )
        return nearly | exact

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
        new_names = [name for name in HEAD if name not in self.places]
        head = [*self.head, *(headings()[name] for name in new_names)]
        places = self.places | {name: len(self.head) + k for k, name in enumerate(new_names)}
        new = dict(cells)
        lines = [head]
        for row in self.rows:
            student = self.student(row)
            new.pop(student, None)
            lines.append(_with_cells(row.cells, len(head), cells.get(student, {}), places))
        for student, filled in new.items():
            lines.append(_with_cells((), len(head), {STUDENT: student, **filled}, places))
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
        return LedgerTable(tuple(headings().values()), (), SEPARATORS[0], str(path))
    table = read_list(path)
    head, *rows = table.rows
    separator = table.separator if table.separator in SEPARATORS else SEPARATORS[0]
    ledger = LedgerTable(head.cells, tuple(rows), separator, str(path), table.remarks)
    missing = [name for name in (STUDENT, *OWN) if name not in ledger.places]
    if missing:
        raise DataError(
            f"its column {missing[0]!r} is missing: put it back, or move the file away",
            file=str(path),
        )
    return ledger


def read_ledger(path: PathOfLedger) -> dict[str, OwnEntry]:
    """The teacher's entries by student; none if there is no file yet."""
    return _read(path).entries()


def remarks_on(path: PathOfLedger) -> tuple[str, ...]:
    """What is odd about the file's text, which is written again as it should be."""
    return _read(path).remarks


# The entries once more, in case that a row is deleted


def keep_entries(kept: PathOfLedger, entries: Mapping[str, OwnEntry]) -> None:
    text = StringIO()
    csv.writer(text).writerows((student, *entry.cells) for student, entry in entries.items())
    if entries or kept.is_file():
        write_whole(kept, as_bytes(text.getvalue()))


def deleted_entries(path: PathOfLedger, kept: PathOfLedger) -> dict[str, OwnEntry]:
    """The entries of the last time whose rows are missing now, by student."""
    if not kept.is_file():
        return {}
    table = _read(path)
    there = set(map(table.student, table.rows))
    rows = csv.reader(StringIO(read_text(kept, limit=limits.LIST)))
    return {
        row[0]: entry_of(row[1:], str(kept))
        for row in rows
        if len(row) == 1 + len(OWN) and row[0] not in there
    }


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
    return read_bytes(path, limits.LIST) if path.is_file() else b""


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
