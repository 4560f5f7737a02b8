"""Findings in one or many books as one page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from gradbook.amounts import counted, rough_percent
from gradbook.audit.classes.points import BookScore
from gradbook.audit.findings.findings import (
    RIGHT,
    TO_FILL_IN,
    WORST_FIRST,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
)
from gradbook.audit.findings.overview import (
    Mark,
    grade,
    identical_files,
    right_ones,
    shared_mistakes,
)
from gradbook.errors import one_line
from gradbook.report.audit.folding import spoilt
from gradbook.report.audit.text import counts, found, gathered, learning, summary, to_fill_in
from gradbook.report.chart import interactive, svg
from gradbook.report.chart.curves import Chart, Curve
from gradbook.report.page.shell import Section, badge, page, resource, text, wide
from gradbook.report.page.tables import IN_A_NOTEBOOK, table

MOST_MARKS = 48  # squares in a row of the table
FRAME = svg.Frame(height=260.0, left=78.0, right=92.0)
MADE, CORRECTED = "#D0453F", "#1E9650"  # as in audit.css; seen on light and on dark paper
MOST_TOKENS = 400  # of a formula whose changes are marked
_TOKENS = re.compile(r"\s+|\$?[A-Za-z]{1,3}\$?[0-9]+|[\w.]+|.", re.DOTALL)


def audit_page(reports: Sequence[BookReport], scores: Sequence[BookScore] = ()) -> str:
    """The page: who is right and who isn't, what is shared, and every finding."""
    sections = [Section("books", "At a glance", _table(reports))] if len(reports) > 1 else []
    sections += _class(reports)
    for report in reports:
        if not _has_a_part(reports, report):
            continue
        name = text(_name(report)) if len(reports) > 1 else "Findings"
        heading = f"{name} {badge(report.verdict)}"
        body = "\n".join(_sheet(sheet, len(report.sheets) > 1) for sheet in report.sheets)
        sections.append(Section(_anchor(reports, report), heading, body))
    first = f"{reports[0].verdict}{summary(reports[0])}"
    lead = first[:1].upper() + first[1:] if len(reports) == 1 else counts(reports)
    return page(
        _name(reports[0]) if len(reports) == 1 else "Checked workbooks",
        sections,
        lead=f'<p class="lead">{text(lead)}.</p>',
        foot="<p>Every gradient was checked against the chain rule of the sheet’s own loss.</p>",
        style=interactive.style() + resource(__package__, "audit.css"),
    )


def _has_a_part(reports: Sequence[BookReport], report: BookReport) -> bool:
    """Whether a book has a part of its own on the page."""
    return any(len(reports) == 1 or sheet.findings for sheet in report.sheets)


def _name(report: BookReport) -> str:
    return one_line(Path(report.book).name or report.book)


def _anchor(reports: Sequence[BookReport], report: BookReport) -> str:
    return f"book-{next(k for k, other in enumerate(reports, 1) if other is report)}"


# The class --------------------------------------------------------------------


def _table(reports: Sequence[BookReport]) -> str:
    ordered = sorted(reports, key=lambda report: WORST_FIRST.index(report.verdict))
    head = ("book", "verdict", "gradients", "what was found")
    rows = (_row(reports, report) for report in ordered)
    return wide(table(head, rows, words=range(4), kind="books", headed=True))


def _row(reports: Sequence[BookReport], report: BookReport) -> tuple[str, ...]:
    all_differ = len({_name(other) for other in reports}) == len(reports)
    name = text(_name(report) if all_differ else one_line(report.book))
    name = name.replace("/", "/<wbr>")  # a long path breaks between its folders
    if _has_a_part(reports, report):
        name = f'<a href="#{_anchor(reports, report)}">{name}</a>'
    said = found(report) if report.verdict != RIGHT else ""
    return (name, badge(report.verdict), _marks(grade(report)), text(said))


def _marks(marks: Sequence[Mark]) -> str:
    """How many gradients are right, and a square for each."""
    if not marks:
        return ""
    squares = "".join(
        f'<i class="m-{mark.state.partition(" ")[0]}"'
        f' title="{text(one_line(mark.weight))}: {mark.state}"></i>'
        for mark in marks
    )
    said = f"{right_ones(marks):,} of {len(marks):,}"
    return f'{said} <span class="marks">{squares}</span>' if len(marks) <= MOST_MARKS else said


def _class(reports: Sequence[BookReport]) -> Iterator[Section]:
    mistakes, same = shared_mistakes(reports), identical_files(reports)
    if mistakes:
        parts = []
        for shared in mistakes:
            reasons = "".join(
                f"<li><b>{text(quantities)}</b>: {text(why)}</li>"
                for quantities, why in gathered(shared.findings)
            )
            heading = f"<h3>{len(shared.books)} of {counted(len(reports), 'book')}</h3>"
            parts.append(f"{heading}\n{_names(shared.books)}\n<ul>{reasons}</ul>")
        yield Section("shared", "Shared mistakes", "\n".join(parts))
    if same:
        yield Section("identical", "Identical files", "\n".join(map(_names, same)))


def _names(books: Sequence[str]) -> str:
    return f'<p class="names">{", ".join(f"<b>{text(one_line(book))}</b>" for book in books)}</p>'


# A book -----------------------------------------------------------------------


def _sheet(sheet: SheetReport, several: bool) -> str:
    title = f"<h3>{text(one_line(sheet.sheet))} {badge(sheet.verdict)}</h3>" if several else ""
    notes = (f"<p>{text(one_line(note))}</p>" for note in sheet.notes)
    findings = (_finding(finding) for finding in sheet.findings if finding.kind != TO_FILL_IN)
    waiting = to_fill_in(sheet)
    blank = f"<p>Still to be filled in: {text(waiting)}.</p>" if waiting else ""
    return "\n".join(filter(None, [title, _about(sheet), *notes, *findings, blank, _chart(sheet)]))


def _about(sheet: SheetReport) -> str:
    """Where the training stands."""
    facts = [
        ("loss", sheet.loss),
        ("learning rate", sheet.rate),
        ("weights", ", ".join(sheet.weights)),
        ("rows", "–".join(map(str, sheet.rows)) if sheet.rows else ""),
    ]
    said = (f"{what} <b>{text(one_line(value))}</b>" for what, value in facts if value)
    return f'<p class="facts">{" · ".join(said)}</p>' if sheet.loss else ""


def _finding(finding: Finding) -> str:
    cells, quantity, why, off, old, new = _in_html(finding)
    error = f' <span class="off">off by {off}</span>' if off else ""
    lines = [("found", old), ("should be", new)]
    formulas = "".join(f"<dt>{what}</dt><dd>{f}</dd>" for what, f in lines if f)
    return (
        f'<article class="finding">\n<h4><b>{cells}</b> {quantity}{error}</h4>\n<p>{why}</p>\n'
        + (f'<dl class="formulas">{formulas}</dl>\n' if formulas else "")
        + (f"<p>It {text(carried)}.</p>\n" if (carried := spoilt(finding)) else "")
        + "</article>"
    )


def _in_html(finding: Finding) -> tuple[str, ...]:
    """Cells, quantity, why, how far off, the formula that was found and the right one."""
    said = [text(one_line(part)) for part in (finding.cells, finding.quantity, finding.why)]
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
    picture = svg.svg(chart, FRAME, alone=False)
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
    return "\n".join([line, *(part for sheet in report.sheets for part in _cell_parts(sheet))])


def _cell_parts(sheet: SheetReport) -> Iterator[str]:
    if sheet.findings:
        head = ("where", "what", "why", "off by", "found", "should be")
        rows = []
        for finding in sheet.findings:
            cells, *others = _in_html(finding)
            rows.append([f"{text(one_line(finding.sheet or sheet.sheet))}!{cells}", *others])
        yield table(head, rows, range(len(head)), left=IN_A_NOTEBOOK)
    for note in sheet.notes:
        yield f"<p>{text(one_line(note))}</p>"
    if sheet.curve is not None:
        yield svg.svg(curves(sheet.curve), FRAME)
        yield f"<p>{text(learning(sheet.curve))}</p>"
