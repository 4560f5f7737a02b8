"""A copy of a book whose wrong cells are coloured and carry a note."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from gradbook.audit.classes.points import BookScore
from gradbook.audit.copies.markup import edited
from gradbook.audit.copies.notes_xml import add_notes
from gradbook.audit.copies.patch import Patch
from gradbook.audit.copies.score_sheet import add_score
from gradbook.audit.copies.sheet_xml import read_sheet, styles_used
from gradbook.audit.copies.styles_xml import Styles
from gradbook.audit.findings.findings import KINDS, TO_FILL_IN, BookReport, Finding
from gradbook.audit.formula.address import Address, cells_of, written
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.package import package
from gradbook.audit.workbook.read import book_of, main_part
from gradbook.palette import ERROR

MOST_NOTES = 2_000  # on one sheet; the cells beyond are coloured only
HINTS = {
    "wrong formula": "this isn't the gradient of the loss; derive it by the chain rule",
    TO_FILL_IN: "this is still to be filled in",
}
"""What to look for, where a kind's own words don't say it."""


@dataclass(frozen=True)
class Marking:
    """What a marked copy tells: the solution or hints, and what the book earns."""

    hints: bool = False
    score: BookScore | None = None

    def said(self, finding: Finding) -> str:
        """The reason, or without the solution what to look for."""
        kind = HINTS.get(finding.kind, KINDS[finding.kind])
        return f"look again: {kind}" if self.hints else finding.why


SOLVED = Marking()


def annotated(path: str | Path, report: BookReport, marking: Marking = SOLVED) -> bytes:
    """The workbook at `path` with what the report finds shown in it; nothing else changes."""
    copy = BytesIO()
    with package(path) as parts:
        patch = Patch(parts)
        _show(patch, book_of(parts), report, marking)
        patch.write(copy)
    return copy.getvalue() if patch.changed else Path(path).read_bytes()


def _show(patch: Patch, book: Book, report: BookReport, marking: Marking) -> None:
    marked = notes(book, report, marking)
    if not marked and marking.score is None:
        return
    used = max(styles_used(patch.text(sheet.part)) for sheet in book.sheets)
    main = main_part(patch.parts)
    styles = Styles(patch, main, used)
    for number, said in marked.items():
        part = book.sheets[number].part
        sheet = read_sheet(patch.text(part), part, number, said)
        few = dict(list(said.items())[:MOST_NOTES])
        edits = add_notes(patch, part, sheet, few)
        for cell in said:
            style = styles.with_fill(sheet.style_of(cell), ERROR.dark_ink)
            edits += sheet.restyled(cell, style)
        patch.put(part, edited(sheet.data, edits))
    if marking.score is not None:
        add_score(patch, main, styles, report, marking.score, marking.said)
    styles.save()


def notes(
    book: Book, report: BookReport, marking: Marking = SOLVED
) -> dict[int, dict[Address, str]]:
    """Sheet → wrong cell → what there is to say of it."""
    found: dict[int, dict[Address, str]] = {}
    for finding in report.findings:
        number = book.sheet_number(finding.sheet)
        if number is None:
            continue
        said = found.setdefault(number, {})
        cells = list(cells_of(finding.cells, number))
        for cell in cells:
            note = _note(finding, written(cells[0]), cell, marking)
            said[cell] = f"{said[cell]}\n\n{note}" if cell in said else note
    return found


def _note(finding: Finding, first: str, cell: Address, marking: Marking) -> str:
    here = written(cell)
    place = "" if here == first else f"as in {first}, "
    own = "" if finding.array else finding.fixes.get(here)
    right = own or (finding.expected if here == first else "")
    note = f"{finding.quantity}: {place}{marking.said(finding)}."
    return f"{note}\n\nRather:\n{right}" if right and not marking.hints else note
