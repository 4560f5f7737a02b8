"""Findings in one or many books as one page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import IntEnum
from pathlib import Path

import numpy as np

from gradbook.amounts import rough_percent
from gradbook.audit.classes.marks import BookScore, in_points
from gradbook.audit.findings import TO_FILL_IN, BookReport, Finding, LossCurves, SheetReport
from gradbook.errors import one_line
from gradbook.report import figures
from gradbook.report.audit.class_table import FEW_BOOKS, ClassTable, anchor
from gradbook.report.audit.folding import few_ranges, place_of, spoilt
from gradbook.report.audit.text import counts, learning, summary, to_fill_in
from gradbook.report.charts import Chart, Curve
from gradbook.report.page import IN_A_NOTEBOOK, Section, badge, page, resource, script, table, text

LARGEST = 4_500_000  # bytes of a class's page
MOST_FINDINGS = 5  # of each book on the page of a very large class
MOST_BOOKS = 5_000  # of which a page might still have them all
MOST_ROWS = 1_000  # in the table of a class that is larger
FRAME = figures.Frame(height=260.0, left=78.0, right=92.0)
MADE, CORRECTED = "#D0453F", "#1E9650"  # as in audit.css; seen on light and on dark paper
_FOOT = (
    "Every gradient was checked against the chain rule of the sheet’s own loss, and every update "
    "by the perceptron rule against that rule."
)
MOST_TOKENS = 400  # of a formula whose changes are marked
_TOKENS = re.compile(r"\s+|\$?[A-Za-z]{1,3}\$?[0-9]+|[\w.]+|.", re.DOTALL)


class Detail(IntEnum):
    """How much a page tells of each book, so that one of a large class stays small."""

    WORST_BOOKS = 0
    TABLE_ONLY = 1
    FEW_FINDINGS = 2
    NO_CURVES = 3
    ALL = 4


REMARKS = {
    Detail.ALL: "",
    Detail.NO_CURVES: "The loss curves are left out, for the books are many.",
    Detail.FEW_FINDINGS: f"Of each book the first {MOST_FINDINGS} findings are told.",
    Detail.TABLE_ONLY: "The findings are left out, for they are very many.",
    Detail.WORST_BOOKS: f"Of very many books the table has the first {MOST_ROWS:,} of the worst, "
    "and their findings are left out; --csv writes a row for each book, --json all of it.",
}


def audit_page(reports: Sequence[BookReport], scores: Sequence[BookScore] = ()) -> str:
    """The page: who is right and who isn't, what is shared, and every finding."""
    if len(reports) == 1:
        return _page_of_one(reports[0], scores)
    shown = ""
    for detail in reversed(Detail) if len(reports) <= MOST_BOOKS else [Detail.WORST_BOOKS]:
        most = sys.maxsize if detail else MOST_ROWS
        books = ClassTable(reports, scores, most, has_parts=detail > Detail.TABLE_ONLY)
        shown = _page_of_a_class(books, detail)
        if len(shown.encode("utf-8", "replace")) <= LARGEST:
            break
    return shown


def _page_of_one(report: BookReport, scores: Sequence[BookScore]) -> str:
    points = in_points(scores[0]) if scores else ""
    said = summary(report, scores[0] if scores else None)
    first = f"{report.verdict}{said}{f', {points}' if points else ''}"
    heading = f"Findings {badge(report.verdict)}"
    section = Section("book-1", heading, _parts(report, Detail.ALL))
    title = one_line(Path(report.book).name or report.book)
    return _page(title, first[:1].upper() + first[1:], [section])


def _page_of_a_class(books: ClassTable, detail: Detail) -> str:
    places = range(len(books.reports)) if books.has_parts else ()
    told = [k for k in places if books.has_a_part(k)]
    is_open = len(books.reports) <= FEW_BOOKS
    parts = [
        _folded(anchor(k), books.names[k], books.reports[k], detail, is_open=is_open) for k in told
    ]
    remark = f'<p class="aside">{REMARKS[detail]}</p>\n' if REMARKS[detail] else ""
    sections = [*books.sections()]
    if parts or remark:
        sections.append(Section("findings", "Book by book", remark + "\n".join(parts)))
    return _page("Checked workbooks", counts(books.reports), sections, script("class/main.js"))


def _folded(place: str, name: str, report: BookReport, detail: Detail, *, is_open: bool) -> str:
    """A book's part of the page, to be opened."""
    heading = f"<summary>{text(name)} {badge(report.verdict)}</summary>"
    opened, inside = " open" if is_open else "", _parts(report, detail)
    return f'<details class="book" id="{place}"{opened}>\n{heading}\n{inside}\n</details>'


def _page(title: str, lead: str, sections: Sequence[Section], code: str = "") -> str:
    return page(
        title,
        sections,
        lead=f'<p class="lead">{text(lead)}.</p>',
        foot=f"<p>{_FOOT}</p>",
        style=figures.figure_style() + resource("audit.css"),
        script=code,
    )


# A book -----------------------------------------------------------------------


def book_part(report: BookReport) -> str:
    """All that is said of a book."""
    return _parts(report, Detail.ALL)


def _parts(report: BookReport, detail: Detail) -> str:
    several = len(report.sheets) > 1
    sheets = (_sheet(sheet, several, detail) for sheet in report.sheets)
    return "\n".join([*_paragraphs(report.notes), *sheets])


def _paragraphs(notes: Sequence[str]) -> list[str]:
    return [f"<p>{text(one_line(note))}</p>" for note in notes]


def _sheet(sheet: SheetReport, several: bool, detail: Detail) -> str:
    title = f"<h3>{text(one_line(sheet.sheet))} {badge(sheet.verdict)}</h3>" if several else ""
    notes = _paragraphs(sheet.notes)
    wrong = [finding for finding in sheet.findings if finding.kind != TO_FILL_IN]
    some = wrong if detail >= Detail.NO_CURVES else wrong[:MOST_FINDINGS]
    findings = [_finding(finding, place_of(sheet, finding)) for finding in some]
    chart = _chart(sheet) if detail is Detail.ALL else ""
    waiting = to_fill_in(sheet)
    blank = f"<p>Still to be filled in: {text(waiting)}.</p>" if waiting else ""
    return "\n".join(filter(None, [title, _about(sheet), *notes, *findings, blank, chart]))


def _about(sheet: SheetReport) -> str:
    """Where the training stands."""
    facts = [
        ("loss", sheet.loss),
        ("learns by", f"the {sheet.rule} rule" if sheet.rule else ""),
        ("updates", f"{sheet.updates:,}" if sheet.rule else ""),
        ("learning rate", sheet.rate),
        ("weights", ", ".join(sheet.weights)),
        ("rows", "–".join(map(str, sheet.rows)) if sheet.rows else ""),
    ]
    said = (f"{what} <b>{text(one_line(value))}</b>" for what, value in facts if value)
    return f'<p class="facts">{" · ".join(said)}</p>' if sheet.loss or sheet.rule else ""


def _finding(finding: Finding, where: str) -> str:
    _, quantity, why, off, old, new = _in_html(finding)
    error = f' <span class="off">off by {off}</span>' if off else ""
    lines = [("found", old), ("should be", new)]
    formulas = "".join(f"<dt>{what}</dt><dd>{f}</dd>" for what, f in lines if f)
    return (
        f'<article class="finding">\n<h3><b>{text(where)}</b> {quantity}{error}</h3>\n'
        + f"<p>{why}</p>\n"
        + (f'<dl class="formulas">{formulas}</dl>\n' if formulas else "")
        + (f"<p>It {text(carried)}.</p>\n" if (carried := spoilt(finding)) else "")
        + "</article>"
    )


def _in_html(finding: Finding) -> tuple[str, ...]:
    """Cells, quantity, why, how far off, the formula that was found and the right one."""
    cells = few_ranges(one_line(finding.cells))
    said = [text(part) for part in (cells, one_line(finding.quantity), one_line(finding.why))]
    off = "" if finding.relative_error is None else text(rough_percent(finding.relative_error))
    formulas = marked(one_line(finding.formula), one_line(finding.expected))
    return (*said, off, *(f"<code>{formula}</code>" if formula else "" for formula in formulas))


def marked(old: str, new: str) -> tuple[str, str]:
    """Two formulas as HTML, in which what only one of them has is marked."""
    a, b = _TOKENS.findall(old), _TOKENS.findall(new)
    if not old or not new or max(len(a), len(b)) > MOST_TOKENS:
        return text(old), text(new)
    a, b = ([token for token in tokens if not token.isspace()] for tokens in (a, b))
    parts: tuple[list[str], list[str]] = ([], [])
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        for side, piece in zip(parts, (a[a1:a2], b[b1:b2]), strict=True):
            words = text("".join(piece))
            side.append(f"<mark>{words}</mark>" if tag != "equal" and words else words)
    return "".join(parts[0]), "".join(parts[1])


def _chart(sheet: SheetReport) -> str:
    if sheet.curve is None:
        return ""
    chart = curves(sheet.curve)
    picture = figures.chart_svg(chart, FRAME, alone=False)
    caption = f"Effect on learning: {text(learning(sheet.curve))}."
    for kind, curve in zip(("made", "corrected"), chart.curves, strict=True):
        # the names are all the legend that a phone has room for
        caption = caption.replace(curve.label, f'<b class="{kind}">{curve.label}</b>')
    return f'<figure class="labelled">{picture}<figcaption>{caption}</figcaption></figure>'


def curves(losses: LossCurves) -> Chart:
    made = Curve("as made", np.array(losses.made), MADE)
    corrected = Curve("corrected", np.array(losses.corrected), CORRECTED)
    return Chart("Loss", (made, corrected), labels="")


# A notebook -------------------------------------------------------------------


def cell(report: BookReport) -> str:
    """An audit as a notebook shows it: verdict, a row for each finding, the loss."""
    line = f"<p><b>{text(one_line(report.book))}</b>: {report.verdict}{text(summary(report))}</p>"
    parts = (part for sheet in report.sheets for part in _cell_parts(sheet))
    return "\n".join([line, *parts, *_paragraphs(report.notes)])


def _cell_parts(sheet: SheetReport) -> Iterator[str]:
    if sheet.findings:
        head = ("where", "what", "why", "off by", "found", "should be")
        rows = []
        for finding in sheet.findings:
            cells, *others = _in_html(finding)
            rows.append([f"{text(one_line(finding.sheet or sheet.sheet))}!{cells}", *others])
        yield table(head, rows, range(len(head)), left=IN_A_NOTEBOOK)
    yield from _paragraphs(sheet.notes)
    if sheet.curve is not None:
        yield figures.chart_svg(curves(sheet.curve), FRAME)
        yield f"<p>{text(learning(sheet.curve))}</p>"
