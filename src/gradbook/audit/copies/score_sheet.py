"""The sheet that a marked copy gets: what the book earns, gradient by gradient, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.classes.points import BookScore, Earned, in_numbers, in_points
from gradbook.audit.copies.markup import edited, elements, only, prefix, tag, with_child, words
from gradbook.audit.copies.patch import OFFICE, SPREADSHEET, STRICT, Patch
from gradbook.audit.copies.styles_xml import MAIN, STRICT_MAIN, Styles
from gradbook.audit.findings.findings import TO_FILL_IN, BookReport
from gradbook.audit.formula.address import letters
from gradbook.audit.workbook.package import WorkbookError
from gradbook.palette import ACTIVATION, ERROR, PAPER, QUIET, SUM, WEIGHT, Colour

TITLE = "Score"
WIDTHS = (16, 10, 10, 76)  # of the columns, in letters
TITLE_HEIGHT = 34  # points
NOT_JUDGED = "nothing in it could be judged"
FULL = 1.0


@dataclass(frozen=True)
class ScoreCell:
    """A text or a number, and the format it has."""

    content: str | float
    style: int


ScoreRow = Sequence[ScoreCell]


def add_score(
    patch: Patch, main: str, styles: Styles, report: BookReport, score: BookScore
) -> None:
    """Put a sheet with the score behind the others."""
    part = patch.free_name("xl/worksheets/gradbook-score{}.xml")
    strict = STRICT_MAIN.encode() in patch.text(main)[:4000]
    rows = list(_rows(styles, report, score))
    colour = ACTIVATION if score.points == score.out_of else ERROR
    patch.put(part, _sheet(rows, STRICT_MAIN if strict else MAIN, colour))
    patch.declare(part, f"{SPREADSHEET}.worksheet+xml")
    _list_it(patch, main, patch.relate(main, "worksheet", part), STRICT if strict else OFFICE)


def _list_it(patch: Patch, main: str, relation: str, space: str) -> None:
    data = patch.text(main)
    found = elements(
        data, main, lambda depth, tag, _: (depth, tag) in {(1, "sheets"), (2, "sheet")}
    )
    listed = only(found, "sheets", main)
    there = [e for e in found if e.tag == "sheet"]
    numbers = [e.attribute("sheetId") for e in there]
    if not all(number.isdecimal() and len(number) < 9 for number in numbers):
        raise WorkbookError("its sheets have no numbers: save it again as .xlsx")
    called = {e.attribute("name").lower() for e in there}
    names = (TITLE, *(f"{TITLE} {k}" for k in range(2, len(there) + 3)))
    said = {
        "name": next(name for name in names if name.lower() not in called),
        "sheetId": str(max(map(int, numbers), default=0) + 1),
        "xmlns:r": space,
        "r:id": relation,
    }
    own = tag(prefix(data, listed), "sheet", b"", **said)
    patch.put(main, edited(data, with_child(data, listed, own)))


# What it says ---------------------------------------------------------------------------


def _rows(styles: Styles, report: BookReport, score: BookScore) -> Iterator[list[ScoreCell]]:
    title = styles.plain(size=20, ink=PAPER.ink, bold=True)
    usual = styles.plain(size=11, ink=PAPER.ink)
    quiet = styles.plain(size=11, ink=QUIET.ink, middle=True)
    head = styles.plain(size=11, ink=SUM.ink, bold=True, fill=SUM.fill)
    middle = styles.plain(size=11, ink=SUM.ink, bold=True, fill=SUM.fill, middle=True)
    yield [ScoreCell(in_points(score) or NOT_JUDGED, title)]
    if report.origin.student:
        yield [ScoreCell(report.origin.student, usual)]
    yield []
    if score.parts:
        named = (("what", head), ("points", middle), ("of", middle), ("because it is", head))
        yield [ScoreCell(*cell) for cell in named]
    worth = score.out_of / max(len(score.parts), 1)
    for part in score.parts:
        tint = _colour(part)
        mark = styles.plain(size=11, ink=tint.ink, bold=True, fill=tint.fill, middle=True)
        name, why = part.mark.name, ScoreCell(part.why, usual)
        points = ScoreCell(round(part.share * worth, 2), mark)
        yield [ScoreCell(name, usual), points, ScoreCell(round(worth, 2), quiet), why]
    yield []
    findings = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if findings:
        yield [ScoreCell(words, head) for words in ("where", "what", "", "why")]
    for finding in findings:
        where = f"{finding.sheet}!{finding.cells}" if len(report.sheets) > 1 else finding.cells
        cells = ScoreCell(where, usual), ScoreCell(finding.quantity, usual), ScoreCell("", usual)
        yield [*cells, ScoreCell(finding.why, usual)]


def _colour(part: Earned) -> Colour:
    return ACTIVATION if part.share == FULL else WEIGHT if part.share else ERROR


# As XML -----------------------------------------------------------------------------------


def _sheet(rows: Sequence[ScoreRow], space: str, colour: Colour) -> bytes:
    columns = b"".join(
        tag(b"", "col", b"", min=str(k), max=str(k), width=str(width), customWidth="1")
        for k, width in enumerate(WIDTHS, 1)
    )
    fitted = tag(b"", "pageSetUpPr", b"", fitToPage="1")
    look = tag(b"", "sheetPr", tag(b"", "tabColor", b"", rgb=f"FF{colour.ink[1:]}") + fitted)
    view = tag(b"", "sheetView", b"", showGridLines="0", workbookViewId="0")
    table = b"".join(_row(number, row) for number, row in enumerate(rows, 1))
    merged = tag(b"", "mergeCells", tag(b"", "mergeCell", ref="A1:D1"), count="1")
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        + f'<worksheet xmlns="{space}">'.encode()
        + look
        + tag(b"", "sheetViews", view)
        + tag(b"", "cols", columns)
        + tag(b"", "sheetData", table)
        + merged
        + tag(b"", "pageSetup", b"", orientation="landscape", fitToWidth="1", fitToHeight="0")
        + b"</worksheet>"
    )


def _row(number: int, row: ScoreRow) -> bytes:
    cells = b"".join(_cell(f"{letters(k)}{number}", cell) for k, cell in enumerate(row))
    height = {"ht": str(TITLE_HEIGHT), "customHeight": "1"} if number == 1 else {}
    return tag(b"", "row", cells, r=str(number), **height)


def _cell(place: str, cell: ScoreCell) -> bytes:
    style = str(cell.style)
    if isinstance(cell.content, float):
        return tag(b"", "c", tag(b"", "v", in_numbers(cell.content).encode()), r=place, s=style)
    text = tag(b"", "t", words(cell.content), **{"xml:space": "preserve"})
    return tag(b"", "c", tag(b"", "is", text), r=place, s=style, t="inlineStr")
