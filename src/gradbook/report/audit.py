"""Audit results in a terminal, and a class's grades as a table.

`audit_page` shows the same on a page.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain

from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.findings import RIGHT, TO_FILL_IN, BookReport, is_untouched, off_by
from gradbook.errors import as_cell, one_line
from gradbook.language import mark, tr, tr_count
from gradbook.language.message import translate
from gradbook.language.text_width import pad, text_width
from gradbook.report.findings import (
    COLOURS,
    FEW_BOOKS,
    ShownFinding,
    ShownSheet,
    finding_words,
    in_brackets,
    learning,
    place_of,
    repetition,
    shown_sheets,
    shown_text,
    spoilt,
    to_fill_in,
    verdict_counts,
    verdict_words,
)
from gradbook.report.styled_text import TEXT_WIDTH, Span, TextLine, fold, plain

INDENT = 4
LONGEST_FORMULA = 220
NOISE = 1e-12  # a smaller relative error is rounding, as of a pasted value


def audit_lines(
    reports: Sequence[BookReport], width: int, *, everything: bool = True
) -> Iterator[TextLine]:
    """The whole report, `width` columns wide; without `everything`, only the most important
    findings of each sheet."""
    untouched: list[str] = []
    for report in reports:
        if len(reports) > 1 and is_untouched(report):
            untouched.append(one_line(report.book))
            continue
        yield [
            Span(one_line(report.book), "bold"),
            Span(in_brackets(one_line(report.origin.student)) if report.origin.student else ""),
            Span(tr(": ")),
            Span(tr(report.verdict), COLOURS[report.verdict]),
            Span(verdict_words(report)),
        ]
        for sheet in shown_sheets(report.sheets, everything):
            yield from _sheet(sheet, len(report.sheets) > 1, width, known=finding_words(report))
        for note in map(shown_text, report.notes):
            yield from fold(note, width, 2, INDENT) if note != finding_words(report) else ()
    if untouched and len(untouched) == len(reports):
        yield [Span(tr("{number} exercises, none begun", number=f"{len(untouched):,}"), "bold")]
        return
    if untouched:
        some = ", ".join([*untouched[:FEW_BOOKS], *["…"] * (len(untouched) > FEW_BOOKS)])
        not_begun = tr_count(
            "{number} exercise not begun: {names}",
            "{number} exercises not begun: {names}",
            len(untouched),
            number=f"{len(untouched):,}",
            names=some,
        )
        yield from fold(not_begun, width, 0, INDENT)
    if len(reports) > 1:
        yield []
        yield [Span(verdict_counts(reports), "bold")]
        yield from _class_lines(reports, width)


def _class_lines(reports: Sequence[BookReport], width: int) -> Iterator[TextLine]:
    """What the books have in common; what makes chapters is imported here, since one book has
    none."""
    from gradbook.report.audit_class import class_chapters
    from gradbook.report.document import Subheading
    from gradbook.report.terminal import block_lines

    for chapter in class_chapters(reports):
        yield []
        yield from block_lines([Subheading(chapter.heading), *chapter.blocks], width)


def audit_text(report: BookReport) -> str:
    """One book's report as text without colours."""
    return plain(list(audit_lines([report], TEXT_WIDTH))).rstrip()


def _sheet(shown: ShownSheet, several: bool, width: int, known: str) -> Iterator[TextLine]:
    """A sheet's findings and notes, without what its book already says."""
    sheet = shown.sheet
    notes = [note for note in map(shown_text, sheet.notes) if note != known]
    blank = to_fill_in(sheet)
    if sheet.findings and not (shown.findings or shown.left_out or blank):
        return  # another sheet shows the same findings and lists these places
    if several and (sheet.findings or notes):
        yield [Span("  "), Span(one_line(sheet.sheet), "bold")]
    for entry in shown.findings:
        yield from _finding(entry, place_of(sheet, entry.finding), width)
    if shown.left_out:
        left = tr_count(
            "{number} more finding here: use -v to show all",
            "{number} more findings here: use -v to show all",
            shown.left_out,
        )
        yield [Span(f"  {left}")]
    if blank:
        yield from fold(tr("still to be filled in: {cells}", cells=blank), width, 2, INDENT)
    if sheet.curve:
        yield from fold(learning(sheet.curve), width, 2, INDENT)
    for note in notes if sheet.loss or several else ():
        yield from fold(note, width, 2, INDENT)


def _finding(shown: ShownFinding, where: str, width: int) -> Iterator[TextLine]:
    finding = shown.finding
    head = f"{where}{in_brackets(one_line(finding.quantity))}{tr(': ')}"
    yield from fold([Span(head, "yellow"), Span(shown_text(finding.why))], width, 2, INDENT)
    if finding.relative_error is not None and finding.relative_error > NOISE:
        off = tr("off by {share}", share=translate(off_by(finding.relative_error)))
        yield [Span(" " * INDENT + off)]
    found_word, change_word, right_word = words = tr("found"), tr("change"), tr("should be")
    room = max(map(text_width, words)) + 2
    if finding.formula:
        yield [Span(" " * INDENT + pad(found_word, room) + _formula(finding.formula))]
    if finding.change:
        change = pad(change_word, room) + shown_text(finding.change)
        yield from fold([Span(change)], width, INDENT, INDENT + room)
    if finding.expected:
        right = _formula(finding.expected)
        if len(finding.expected) > LONGEST_FORMULA:  # nobody would read or type it
            count = f"{len(finding.expected):,}"
            right = tr(
                "a formula of {count} characters, which --fix writes into a copy", count=count
            )
        yield [Span(" " * INDENT + pad(right_word, room) + right, "green")]
    for consequence in filter(None, [spoilt(finding), repetition(shown)]):
        yield from fold(consequence, width, INDENT, INDENT + 2)


def _formula(formula: str) -> str:
    shown = one_line(formula)
    return shown if len(shown) <= LONGEST_FORMULA else f"{shown[:LONGEST_FORMULA]}…"


# Grades -----------------------------------------------------------------------

HEAD = (
    *(mark("file"), mark("student"), mark("right"), mark("of"), mark("points"), mark("out of")),
    *(mark("verdict"), mark("first finding"), mark("kinds of mistakes")),
)
UTF8_MARK = "\ufeff"  # without it Excel misreads ∂


def grades_csv(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> str:
    """One row per book, in the given order; a book that couldn't be judged has no points."""
    return "".join(grades(reports, scores))


def grades(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[str]:
    """The same, row by row."""
    yield UTF8_MARK
    text = StringIO()
    table = csv.writer(text)
    for row in chain([map(tr, HEAD)], map(_grades_row, reports, scores)):
        table.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _grades_row(report: BookReport, score: BookScore) -> list[str]:
    judged = score.points is not None
    kinds = dict.fromkeys(tr(f.kind) for f in report.findings if f.kind != TO_FILL_IN)
    return [
        as_cell(report.book),
        as_cell(report.origin.student),
        str(score.right) if judged else "",
        str(len(score.parts)) if judged else "",
        in_numbers(score.points) if score.points is not None else "",
        in_numbers(score.out_of) if judged else "",
        tr(report.verdict),
        as_cell(first_finding(report)),
        as_cell("; ".join(kinds)),
    ]


def first_finding(report: BookReport) -> str:
    """The first error in a book, or else what is missing or why it isn't judged."""
    wrong = [finding for finding in report.findings if finding.kind != TO_FILL_IN]
    if wrong:
        first = wrong[0]
        where = f"{first.cells}{in_brackets(first.quantity)}"
        return f"{where}{tr(': ')}{translate(first.why)}"
    waiting = ", ".join(filter(None, map(to_fill_in, report.sheets)))
    if waiting:
        return f"{tr(TO_FILL_IN)}{tr(': ')}{waiting}"
    return "" if report.verdict == RIGHT else finding_words(report)
