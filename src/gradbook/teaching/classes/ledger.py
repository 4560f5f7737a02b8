"""marks.csv: what each student earns, and three columns that are the teacher's alone.

What she writes into 'changed to', 'days late' and 'remark' is read before the file is written
again, and stands there afterwards, whoever has handed in what in the meantime.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from gradbook.data.formats.cells import CellRow, read_rows
from gradbook.errors import DataError, as_cell
from gradbook.files import write_whole
from gradbook.report.audit import UTF8_MARK

STUDENT, CHANGED, LATE, REMARK = "student", "changed to", "days late", "remark"
HEAD = (
    *(STUDENT, "points", "out of", CHANGED, LATE, REMARK),
    *("taken off", "right", "of", "verdict", "first finding", "file", "handed in", "note"),
)
OWN = (CHANGED, LATE, REMARK)
MOST = 1_000_000  # points, or days


@dataclass(frozen=True)
class OwnEntry:
    """What the teacher wrote of one student."""

    changed_to: float | None = None
    days_late: int | None = None
    remark: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        points = "" if self.changed_to is None else f"{self.changed_to:.10g}"
        days = "" if self.days_late is None else str(self.days_late)
        return points, days, self.remark


NOTHING = OwnEntry()


def read_ledger(path: Path) -> dict[str, OwnEntry]:
    """The teacher's entries by student; none where there is no file yet."""
    if not path.exists():
        return {}
    rows = read_rows(path, ())
    head = [cell.strip().casefold().lstrip(UTF8_MARK) for cell in rows[0].cells] if rows else []
    missing = [name for name in (STUDENT, *OWN) if name not in head]
    if missing:
        raise DataError(
            f"its column {missing[0]!r} is missing: put it back, or move the file away",
            file=str(path),
        )
    places = {name: head.index(name) for name in (STUDENT, *OWN)}
    found: dict[str, OwnEntry] = {}
    for row in rows[1:]:
        student = _name(row.cells[places[STUDENT]].strip())
        entry = _entry(row, places, str(path))
        if student and entry != NOTHING:
            if student in found:
                raise DataError(f"{student!r} is in it twice", file=str(path), row=row.number)
            found[student] = entry
    return found


def _cell(name: str, said: str) -> str:
    """What she wrote stays as she wrote it."""
    return said if name in OWN else as_cell(said)


def _name(cell: str) -> str:
    """Without the mark that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and as_cell(cell[1:]) == cell else cell


def _entry(row: CellRow, places: Mapping[str, int], file: str) -> OwnEntry:
    points = _number(row, places[CHANGED], CHANGED, file)
    days = _number(row, places[LATE], LATE, file)
    if days is not None and not days.is_integer():
        raise DataError(f"'{LATE}' is a whole number, not {days:g}", file=file, row=row.number)
    remark = row.cells[places[REMARK]].strip()
    return OwnEntry(points, None if days is None else int(days), remark)


def _number(row: CellRow, place: int, name: str, file: str) -> float | None:
    said = row.cells[place].strip()
    if not said:
        return None
    try:
        value = float(said.replace(",", ".").replace("−", "-"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST:
        raise DataError(
            f"'{name}' is a number from 0 to {MOST:,}, not {said!r}: correct it, and run it again",
            file=file,
            row=row.number,
        )
    return value


def write_ledger(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    text = StringIO()
    table = csv.writer(text)
    table.writerow(HEAD)
    for row in rows:
        table.writerow([_cell(name, row.get(name, "")) for name in HEAD])
    content = (UTF8_MARK + text.getvalue()).encode("utf-8", "backslashreplace")
    if not path.exists() or path.read_bytes() != content:
        write_whole(path, content)
