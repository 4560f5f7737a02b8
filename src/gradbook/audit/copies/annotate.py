"""A copy of a book whose wrong cells are coloured and carry a note."""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from pathlib import Path

from gradbook.audit.classes.points import FREE, BookScore
from gradbook.audit.copies.markup import edited
from gradbook.audit.copies.notes_xml import add_notes
from gradbook.audit.copies.patch import Patch
from gradbook.audit.copies.score_sheet import add_score
from gradbook.audit.copies.sheet_xml import read_sheet, styles_used
from gradbook.audit.copies.styles_xml import Styles
from gradbook.audit.findings.findings import CHANGED, BookReport, Finding
from gradbook.audit.formula.address import Address, cells_of, written
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.package import package
from gradbook.audit.workbook.read import book_of, main_part
from gradbook.palette import ERROR

MOST_NOTES = 2_000  # on one sheet; the cells beyond are coloured only


def annotated(path: str | Path, report: BookReport, score: BookScore | None = None) -> bytes:
    """The workbook at `path` with what the report finds shown in it, and what it earns; nothing
    else changes."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts)
        _show(patch, book_of(parts), report, score)
        patch.write(copy)
    return copy.getvalue() if patch.changed else Path(path).read_bytes()


def _show(patch: Patch, book: Book, report: BookReport, score: BookScore | None) -> None:
    marked, costly = notes(book, report), costly_cells(book, report)
    if not marked and score is None:
        return
    used = max(styles_used(patch.text(sheet.part)) for sheet in book.sheets)
    main = main_part(patch.parts)
    styles = Styles(patch, main, used)
    for number, said in marked.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, said)
        few = dict(list(said.items())[:MOST_NOTES])
        edits = add_notes(patch, part, sheet, few)
        for cell in filter(costly[number].__contains__, said):
            style = styles.with_fill(sheet.style_of(cell), ERROR.dark_ink)
            edits += sheet.restyled(cell, style)
        patch.put(part, edited(sheet.data, edits))
    if score is not None:
        add_score(patch, main, styles, report, score)
    styles.save()


def notes(book: Book, report: BookReport) -> dict[int, dict[Address, str]]:
    """Sheet → wrong cell → what there is to say of it."""
    found: dict[int, dict[Address, str]] = {}
    for finding in report.findings:
        number = book.sheet_number(finding.sheet)
        if number is None:
            continue
        said = found.setdefault(number, {})
        cells = list(cells_of(finding.cells, number))
        for cell in cells:
            note = _note(finding, written(cells[0]), cell)
            said[cell] = f"{said[cell]}\n\n{note}" if cell in said else note
    return found


def costly_cells(book: Book, report: BookReport) -> dict[int, set[Address]]:
    """Sheet → the cells that cost points, which are coloured. What is only remarked on isn't."""
    found: defaultdict[int, set[Address]] = defaultdict(set)
    for finding in report.findings:
        number = book.sheet_number(finding.sheet)
        if number is not None and finding.kind not in (*FREE, CHANGED):
            found[number].update(cells_of(finding.cells, number))
    return found


def _note(finding: Finding, first: str, cell: Address) -> str:
    here = written(cell)
    place = "" if here == first else f"as in {first}, "
    own = "" if finding.array else finding.fixes.get(here)
    right = own or (finding.expected if here == first else "")
    note = f"{finding.quantity}: {place}{finding.why}."
    return f"{note}\n\nRather:\n{right}" if right else note
