"""The findings in one or more workbooks as a page: a class's table, and each book's findings."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import IntEnum
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from gradbook.audit.classes.scoring import BookScore, in_points
from gradbook.audit.findings import (
    TO_FILL_IN,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
    off_by,
)
from gradbook.errors import one_line
from gradbook.language import mark, tr
from gradbook.language.message import Message, translate
from gradbook.report import figures
from gradbook.report.audit_class import ClassTable, anchor
from gradbook.report.charts import Chart, Curve
from gradbook.report.document import (
    Article,
    Block,
    Chapter,
    Figure,
    Fold,
    Meanings,
    PageOnly,
    Passage,
    Report,
    Subheading,
)
from gradbook.report.findings import (
    FEW_BOOKS,
    learning,
    place_of,
    shown_text,
    spoilt,
    to_fill_in,
    verdict_counts,
    verdict_words,
)
from gradbook.report.markup import CHART_STYLE, report_cell, report_page
from gradbook.report.styled_text import Span, TextLine, verdict

STYLES = (CHART_STYLE, "audit.css")
LARGEST = 4_500_000  # bytes of a class's page
MOST_FINDINGS = 5  # of each book on the page of a very large class
MOST_BOOKS = 5_000  # with more, a page doesn't try to show every book
MOST_ROWS = 1_000  # in the table of a larger class
FRAME = figures.Frame(height=260.0, left=78.0, right=92.0)
MADE, CORRECTED = "#D0453F", "#1E9650"  # as in audit.css; visible on light and dark paper
FOOT = mark(
    "Every gradient was checked against the chain rule for the sheet’s own loss, and every "
    "perceptron update against the perceptron rule."
)


class Detail(IntEnum):
    """How much a page shows of each book, so that the page of a large class stays small."""

    WORST_BOOKS = 0
    TABLE_ONLY = 1
    FEW_FINDINGS = 2
    NO_CURVES = 3
    ALL = 4


REMARKS = {
    Detail.ALL: "",
    Detail.NO_CURVES: Message("The loss curves are left out because there are many books."),
    Detail.FEW_FINDINGS: Message(
        "Only the first {count} findings of each workbook are shown.", count=MOST_FINDINGS
    ),
    Detail.TABLE_ONLY: Message("The findings are left out because there are very many."),
    Detail.WORST_BOOKS: Message(
        "There are very many workbooks: the table lists the {count} worst, "
        "and findings are left out; -o FILE.csv writes one row per workbook, --json "
        "everything.",
        count=f"{MOST_ROWS:,}",
    ),
}


def audit_page(reports: Sequence[BookReport], scores: Sequence[BookScore] = ()) -> str:
    """The page: each book's verdict, what books share, and every finding."""
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
    points = translate(in_points(scores[0])) if scores else ""
    words = verdict_words(report, scores[0] if scores else None)
    first = f"{tr(report.verdict)}{words}{f', {points}' if points else ''}"
    heading = (Span(f"{tr('Findings')} "), verdict(report.verdict))
    chapter = Chapter("book-1", heading, book_blocks(report))
    title = one_line(Path(report.book).name or report.book)
    return _page(title, first[:1].upper() + first[1:], [chapter])


def _page_of_a_class(books: ClassTable, detail: Detail) -> str:
    by_book: list[Block] = []
    if remark := REMARKS[detail]:
        by_book.append(Passage(translate(remark), "aside"))
    for number, report in enumerate(books.reports if books.has_parts else ()):
        if books.has_a_part(number):
            summary = (Span(f"{books.names[number]} "), verdict(report.verdict))
            blocks = book_blocks(report, detail)
            is_open = len(books.reports) <= FEW_BOOKS
            by_book.append(Fold(summary, blocks, "book", anchor(number), is_open))
    findings = [Chapter("findings", tr("Workbook by workbook"), by_book)] if by_book else []
    lead = verdict_counts(books.reports)
    return _page(tr("Checked workbooks"), lead, [*books.chapters(), *findings], "class/main.js")


def _page(title: str, lead: str, chapters: Sequence[Chapter], main: str = "") -> str:
    return report_page(
        Report(
            title,
            chapters,
            lead=[Passage(f"{lead}.", "lead")],
            foot=[Passage(tr(FOOT))],
            styles=STYLES,
            main=main,
        )
    )


# A book -----------------------------------------------------------------------


def book_blocks(
    report: BookReport, detail: Detail = Detail.ALL, *, is_alone: bool = False
) -> list[Block]:
    """All blocks about a book; if it `is_alone`, its curves carry their own style."""
    blocks: list[Block] = [*_notes(report.notes)]
    for sheet in report.sheets:
        if len(report.sheets) > 1:
            blocks.append(Subheading((Span(f"{one_line(sheet.sheet)} "), verdict(sheet.verdict))))
        blocks += _sheet(sheet, detail, is_alone)
    return blocks


def _notes(notes: Sequence[str]) -> Iterator[Passage]:
    return (Passage(shown_text(note)) for note in notes)


def _sheet(sheet: SheetReport, detail: Detail, is_alone: bool) -> Iterator[Block]:
    facts = [
        (tr("loss"), translate(sheet.loss)),
        (tr("learns by"), tr("the {rule} rule", rule=tr(sheet.rule)) if sheet.rule else ""),
        (tr("updates"), f"{sheet.updates:,}" if sheet.rule else ""),
        (tr("learning rate"), sheet.rate),
        (tr("weights"), ", ".join(sheet.weights)),
        (tr("rows"), "" if sheet.columns else "–".join(map(str, sheet.rows or ()))),
        (tr("columns"), "–".join(sheet.columns or ())),
    ]
    if sheet.loss or sheet.rule:
        about: TextLine = []
        for what, value in facts:
            if value:
                joint = " · " if about else ""
                about += [Span(f"{joint}{what} "), Span(one_line(value), tag="b")]
        yield Passage(about, "facts")
    yield from _notes(sheet.notes)
    wrong = [finding for finding in sheet.findings if finding.kind != TO_FILL_IN]
    some = wrong if detail >= Detail.NO_CURVES else wrong[:MOST_FINDINGS]
    yield from (_finding(finding, place_of(sheet, finding)) for finding in some)
    if waiting := to_fill_in(sheet):
        yield Passage(tr("Still to be filled in: {cells}.", cells=waiting))
    if sheet.curve and detail is Detail.ALL:
        chart = loss_chart(sheet.curve)
        svg = partial(figures.chart_svg, chart, FRAME, alone=is_alone)
        caption = tr("Effect on learning: {losses}.", losses=learning(sheet.curve))
        kinds = {chart.curves[0].label: "made", chart.curves[1].label: "corrected"}
        pieces = re.split(f"({'|'.join(map(re.escape, kinds))})", caption)
        legend = [  # a phone has room for no more
            Span(it, tag="b", kind=kinds[it]) if it in kinds else Span(it) for it in pieces
        ]
        yield Figure([PageOnly(svg, is_chart=True)], "labelled", legend)


def _finding(finding: Finding, where: str) -> Article:
    heading: TextLine = [Span(where, tag="b"), Span(f" {one_line(finding.quantity)}")]
    if finding.relative_error is not None:
        off = tr("off by {share}", share=translate(off_by(finding.relative_error)))
        heading += [Span(" "), Span(off, kind="off")]
    blocks: list[Block] = [Passage(shown_text(finding.why))]
    old, new = mark_changes(one_line(finding.formula), one_line(finding.expected))
    change = (Span(shown_text(finding.change), tag="b"),) if finding.change else ()
    pairs = [(tr("found"), old), (tr("change"), change), (tr("should be"), new)]
    if formulas := [(what, formula) for what, formula in pairs if formula]:
        blocks.append(Meanings(formulas, "formulas"))
    if carried := spoilt(finding):
        blocks.append(Passage(tr("It {makes_wrong}.", makes_wrong=carried)))
    return Article(heading, blocks, "finding")


MOST_TOKENS = 400  # in a longer formula changes aren't marked
_TOKENS = re.compile(r"\s+|\$?[A-Za-z]{1,3}\$?[0-9]+|[\w.]+|.", re.DOTALL)


def mark_changes(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Two formulas with their differences marked."""
    a, b = _TOKENS.findall(old), _TOKENS.findall(new)
    if not old or not new or max(len(a), len(b)) > MOST_TOKENS:
        plain = [(Span(formula, tag="code"),) if formula else () for formula in (old, new)]
        return plain[0], plain[1]
    a, b = ([token for token in tokens if not token.isspace()] for tokens in (a, b))
    matching = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    old_parts = [(kind != "equal", a[begin:end]) for kind, begin, end, _, _ in matching]
    new_parts = [(kind != "equal", b[begin:end]) for kind, _, _, begin, end in matching]
    return _marked(old_parts), _marked(new_parts)


def _marked(parts: Sequence[tuple[bool, Sequence[str]]]) -> tuple[Span, ...]:
    tokens = ((is_changed, token) for is_changed, piece in parts for token in piece)
    return tuple(
        Span("".join(token for _, token in piece), tag="code mark" if is_changed else "code")
        for is_changed, piece in groupby(tokens, itemgetter(0))
    )


def loss_chart(losses: LossCurves) -> Chart:
    as_made = Curve(tr("as made"), np.array(losses.made), MADE)
    corrected = Curve(tr("corrected"), np.array(losses.corrected), CORRECTED)
    return Chart(tr("Loss"), (as_made, corrected), labels="")


# A notebook -------------------------------------------------------------------


def audit_cell(report: BookReport) -> str:
    """An audit for a notebook: the verdict, then what a page shows of a book."""
    words = f": {tr(report.verdict)}{verdict_words(report)}"
    heading = Passage((Span(one_line(report.book), tag="b"), Span(words)))
    return report_cell(Report("", cell=[heading, *book_blocks(report, is_alone=True)]))
