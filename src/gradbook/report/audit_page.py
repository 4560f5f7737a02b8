"""What was found in one or many workbooks as a page: a class's table, and every book's findings."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum
from functools import cached_property
from pathlib import Path

import numpy as np

from gradbook.audit.classes.marks import class_marks, common_mistakes
from gradbook.audit.classes.rubric import BookScore, in_numbers, in_points
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import (
    RIGHT,
    TO_FILL_IN,
    WORST_FIRST,
    BookReport,
    Finding,
    LossCurves,
    Mark,
    SheetReport,
    count_right,
    identical_files,
    off_by,
    shared_mistakes,
)
from gradbook.errors import one_line
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.language.message import Message, said
from gradbook.report import figures
from gradbook.report.audit import (
    by_reason,
    few_ranges,
    finding_words,
    learning,
    marks_in,
    place_of,
    share_of_books,
    shown_text,
    spoilt,
    to_fill_in,
    verdict_counts,
    verdict_words,
)
from gradbook.report.charts import Chart, Curve
from gradbook.report.page import (
    IN_A_NOTEBOOK,
    Section,
    badge,
    bar,
    page,
    resource,
    script,
    table,
    text,
    wide,
)

# The table of a class ---------------------------------------------------------

MOST_MARKS = 48  # squares in a row of the table
MOST_NAMES = 24  # of books that share something
MOST_GROUPS = 200  # of books that share one thing
MOST_MISTAKES = 12  # kinds of them
FEW_BOOKS = 12  # of which nothing needs to be searched, and whose parts are open
TOOLS = """<div class="tools" hidden>
<input type="search" placeholder="{search}" aria-label="{what}">
<span class="chips" role="group" aria-label="{verdicts}">{chips}</span>
<output class="shown" data-said="{shown}"></output>
</div>"""


@dataclass(frozen=True)
class ClassTable:
    """The books of a class, what they earn where that is asked for, and what each is called."""

    reports: Sequence[BookReport]
    scores: Sequence[BookScore]
    most: int = sys.maxsize  # books in the table, the worst ones
    has_parts: bool = True  # whether books have parts of their own beneath it

    @cached_property
    def names(self) -> list[str]:
        """Each book's name, with its folders where others have the same."""
        books = [one_line(report.book) for report in self.reports]
        short = [Path(book).name or book for book in books]
        return short if len(set(short)) == len(short) else books

    @cached_property
    def verdicts(self) -> list[str]:
        return [report.verdict for report in self.reports]

    def has_a_part(self, number: int) -> bool:
        """Whether a book has a part of its own on the page."""
        report = self.reports[number]
        said = bool(report.notes) or any(sheet.findings for sheet in report.sheets)
        return self.has_parts and said

    def sections(self) -> Iterator[Section]:
        yield Section("books", tr("At a glance"), self._tools() + self._table())
        yield from in_common(self.reports, self.scores)

    def _tools(self) -> str:
        """What only a script can serve: it shows them."""
        count = Counter(self.verdicts)
        chips = "".join(
            f'<button type="button" aria-pressed="false" value="{verdict}">'
            f"{badge(verdict)}{count[verdict]:,}</button>"
            for verdict in WORST_FIRST
            if count[verdict]
        )
        if len(self.reports) <= FEW_BOOKS:
            return ""
        return TOOLS.format(
            chips=chips,
            search=text(tr("Search")),
            what=text(tr("Search books, students and findings")),
            verdicts=text(tr("Verdicts")),
            shown=text(tr("{some} of {all} shown")),
        )

    def _table(self) -> str:
        places = range(len(self.reports))
        worst = sorted(places, key=lambda k: WORST_FIRST.index(self.verdicts[k]))
        cells = [self.row(number) for number in worst[: self.most]]
        head = [
            tr("book"),
            tr("student"),
            tr("verdict"),
            tr("gradients"),
            tr("points"),
            tr("what was found"),
        ]
        used = [k for k in range(len(head)) if k in (0, 2, 3, 5) or any(row[k] for row in cells)]
        rows = ([row[k] for k in used] for row in cells)
        titles = [head[k] for k in used]
        return wide(table(titles, rows, words=range(len(used)), kind="books", headed=True))

    def row(self, number: int) -> list[str]:
        """A book's cells: its name, student, verdict, gradients, points, what was found."""
        report = self.reports[number]
        name = text(self.names[number]).replace("/", "/<wbr>")  # a long path breaks between folders
        if self.has_a_part(number):
            name = f'<a href="#{anchor(number)}">{name}</a>'
        score = self.scores[number] if self.scores else None
        points = score.points if score else None
        return [
            name,
            text(one_line(report.origin.student)),
            badge(report.verdict),
            _marks(marks_in(report, score)),
            "" if points is None else numeral(in_numbers(points)),
            text(finding_words(report) if report.verdict != RIGHT else ""),
        ]


def anchor(number: int) -> str:
    return f"book-{number + 1}"


def _marks(marks: Sequence[Mark]) -> str:
    """How many gradients are right, and a square for each."""
    if not marks:
        return ""
    squares = "".join(
        f'<i class="m-{mark.state.partition(" ")[0]}"'
        f' title="{text(one_line(mark.column.quantity if mark.column else mark.weight))}:'
        f' {text(tr(mark.state))}"></i>'
        for mark in marks
    )
    said = tr("{some} of {all}", some=f"{count_right(marks):,}", all=f"{len(marks):,}")
    shown = f' <span class="marks">{squares}</span>' if len(marks) <= MOST_MARKS else ""
    return f'<span class="of">{said}{shown}</span>'


# What books have in common ----------------------------------------------------


def in_common(reports: Sequence[BookReport], scores: Sequence[BookScore] = ()) -> Iterator[Section]:
    """The marks, if any; commonest and shared mistakes; books that are alike, files that are the
    same; nothing where none is."""
    yield from _statistics_sections(reports, scores)
    mistakes, same = shared_mistakes(reports), identical_files(reports)
    if mistakes:
        parts = []
        for shared in mistakes[:MOST_GROUPS]:
            reasons = "".join(
                f"<li><b>{text(quantities)}</b>: {text(why)}</li>"
                for quantities, why in by_reason(shared.findings)
            )
            heading = f"<h3>{share_of_books(len(shared.books), len(reports))}</h3>"
            parts.append(f"{heading}\n{_names(shared.books)}\n<ul>{reasons}</ul>")
        yield Section("shared", tr("Shared mistakes"), "\n".join([*parts, *_others(mistakes)]))
    alike = similar_books(reports)
    if alike:
        parts = [
            f"{_names(similar.books)}\n<ul>{''.join(map(_item, similar.evidence))}</ul>"
            for similar in alike[:MOST_GROUPS]
        ]
        yield Section("similar", tr("Similar books"), "\n".join([*parts, *_others(alike)]))
    if same:
        parts = [*map(_names, same[:MOST_GROUPS]), *_others(same)]
        yield Section("identical", tr("Identical files"), "\n".join(parts))


def _statistics_sections(
    reports: Sequence[BookReport], scores: Sequence[BookScore]
) -> Iterator[Section]:
    """How the marks are distributed, and the commonest mistakes."""
    marks, mistakes = class_marks(scores), common_mistakes(reports)
    if marks is not None:
        told = text(str(marks))
        most = max(part.books for part in marks.parts)
        unit = "%" if marks.in_percent else tr("points")
        rows = [
            [text(str(p)), bar(p.books / most, "marks-bar"), f"{p.books:,}"] for p in marks.parts
        ]
        shown = table([unit, "", tr("books")], rows, words=(), kind="distribution", headed=True)
        body = f"<p>{told[:1].upper()}{told[1:]}.</p>\n{wide(shown)}"
        yield Section("marks", tr("Marks"), body)
    if mistakes:
        rows = [
            [f"{m.books:,}", text(said(m.meaning)), text(said(m.where()))]
            for m in mistakes[:MOST_MISTAKES]
        ]
        left = len(mistakes) - MOST_MISTAKES
        last = tr_count(
            "And {number} more kind.", "And {number} more kinds.", left, number=f"{left:,}"
        )
        more = f"<p>{last}</p>" if left > 0 else ""
        books = tr_count(
            "of {number} book", "of {number} books", len(reports), number=f"{len(reports):,}"
        )
        head = [books, tr("mistake"), tr("in")]
        shown = table(head, rows, words=(1, 2), kind="mistakes")
        yield Section("mistakes", tr("Commonest mistakes"), wide(shown) + more)


def _others(groups: Sequence[object]) -> Iterator[str]:
    """How many groups of books aren't told."""
    if len(groups) > MOST_GROUPS:
        left = len(groups) - MOST_GROUPS
        more = tr_count(
            "And {number} more group of books.",
            "And {number} more groups of books.",
            left,
            number=f"{left:,}",
        )
        yield f"<p>{more}</p>"


def _item(words: str) -> str:
    return f"<li>{text(shown_text(words))}</li>"


def _names(books: Sequence[str]) -> str:
    """The books; of very many the first, and how many there are."""
    shown = ", ".join(f"<b>{text(one_line(book))}</b>" for book in books[:MOST_NAMES])
    left = len(books) - MOST_NAMES
    if left > 0:
        shown = tr("{names} and {count} more", names=shown, count=f"{left:,}")
    return f'<p class="names">{shown}</p>'


# Books one by one -------------------------------------------------------------

LARGEST = 4_500_000  # bytes of a class's page
MOST_FINDINGS = 5  # of each book on the page of a very large class
MOST_BOOKS = 5_000  # of which a page might still have them all
MOST_ROWS = 1_000  # in the table of a class that is larger
FRAME = figures.Frame(height=260.0, left=78.0, right=92.0)
MADE, CORRECTED = "#D0453F", "#1E9650"  # as in audit.css; seen on light and on dark paper
_FOOT = mark(
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
    Detail.NO_CURVES: Message("The loss curves are left out, for the books are many."),
    Detail.FEW_FINDINGS: Message(
        "Of each book the first {count} findings are told.", count=MOST_FINDINGS
    ),
    Detail.TABLE_ONLY: Message("The findings are left out, for they are very many."),
    Detail.WORST_BOOKS: Message(
        "Of very many books the table has the first {count} of the worst, "
        "and their findings are left out; --csv writes a row for each book, --json all of it.",
        count=f"{MOST_ROWS:,}",
    ),
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
    points = said(in_points(scores[0])) if scores else ""
    words = verdict_words(report, scores[0] if scores else None)
    first = f"{tr(report.verdict)}{words}{f', {points}' if points else ''}"
    heading = f"{tr('Findings')} {badge(report.verdict)}"
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
    remark = f'<p class="aside">{said(REMARKS[detail])}</p>\n' if REMARKS[detail] else ""
    sections = [*books.sections()]
    if parts or remark:
        sections.append(Section("findings", tr("Book by book"), remark + "\n".join(parts)))
    return _page(
        tr("Checked workbooks"), verdict_counts(books.reports), sections, script("class/main.js")
    )


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
        foot=f"<p>{tr(_FOOT)}</p>",
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
    return [f"<p>{text(shown_text(note))}</p>" for note in notes]


def _sheet(sheet: SheetReport, several: bool, detail: Detail) -> str:
    title = f"<h3>{text(one_line(sheet.sheet))} {badge(sheet.verdict)}</h3>" if several else ""
    notes = _paragraphs(sheet.notes)
    wrong = [finding for finding in sheet.findings if finding.kind != TO_FILL_IN]
    some = wrong if detail >= Detail.NO_CURVES else wrong[:MOST_FINDINGS]
    findings = [_finding(finding, place_of(sheet, finding)) for finding in some]
    chart = _chart(sheet) if detail is Detail.ALL else ""
    waiting = to_fill_in(sheet)
    blank = (
        f"<p>{text(tr('Still to be filled in: {cells}.', cells=waiting))}</p>" if waiting else ""
    )
    return "\n".join(filter(None, [title, _about(sheet), *notes, *findings, blank, chart]))


def _about(sheet: SheetReport) -> str:
    """Where the training stands."""
    facts = [
        (tr("loss"), said(sheet.loss)),
        (tr("learns by"), tr("the {rule} rule", rule=tr(sheet.rule)) if sheet.rule else ""),
        (tr("updates"), f"{sheet.updates:,}" if sheet.rule else ""),
        (tr("learning rate"), sheet.rate),
        (tr("weights"), ", ".join(sheet.weights)),
        (tr("rows"), "–".join(map(str, sheet.rows)) if sheet.rows else ""),
    ]
    told = (f"{text(what)} <b>{text(one_line(value))}</b>" for what, value in facts if value)
    return f'<p class="facts">{" · ".join(told)}</p>' if sheet.loss or sheet.rule else ""


def _finding(finding: Finding, where: str) -> str:
    _, quantity, why, off, old, new = _in_html(finding)
    how_far = tr("off by {share}", share=off)
    error = f' <span class="off">{how_far}</span>' if off else ""
    lines = [(text(tr("found")), old), (text(tr("should be")), new)]
    formulas = "".join(f"<dt>{what}</dt><dd>{f}</dd>" for what, f in lines if f)
    return (
        f'<article class="finding">\n<h3><b>{text(where)}</b> {quantity}{error}</h3>\n'
        + f"<p>{why}</p>\n"
        + (f'<dl class="formulas">{formulas}</dl>\n' if formulas else "")
        + (f"<p>{text(_carried(carried))}</p>\n" if (carried := spoilt(finding)) else "")
        + "</article>"
    )


def _carried(what: str) -> str:
    """It makes ∂E/∂w1 wrong."""
    return tr("It {makes_wrong}.", makes_wrong=what)


def _in_html(finding: Finding) -> tuple[str, ...]:
    """Cells, quantity, why, how far off, the formula that was found and the right one."""
    cells = few_ranges(one_line(finding.cells))
    told = [text(part) for part in (cells, one_line(finding.quantity), shown_text(finding.why))]
    off = "" if finding.relative_error is None else text(said(off_by(finding.relative_error)))
    formulas = mark_changes(one_line(finding.formula), one_line(finding.expected))
    return (*told, off, *(f"<code>{formula}</code>" if formula else "" for formula in formulas))


def mark_changes(old: str, new: str) -> tuple[str, str]:
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
    chart = loss_chart(sheet.curve)
    picture = figures.chart_svg(chart, FRAME, alone=False)
    caption = text(tr("Effect on learning: {losses}.", losses=learning(sheet.curve)))
    for kind, curve in zip(("made", "corrected"), chart.curves, strict=True):
        # the names are all the legend that a phone has room for
        caption = caption.replace(curve.label, f'<b class="{kind}">{curve.label}</b>')
    return f'<figure class="labelled">{picture}<figcaption>{caption}</figcaption></figure>'


def loss_chart(losses: LossCurves) -> Chart:
    made = Curve(tr("as made"), np.array(losses.made), MADE)
    corrected = Curve(tr("corrected"), np.array(losses.corrected), CORRECTED)
    return Chart(tr("Loss"), (made, corrected), labels="")


# A notebook -------------------------------------------------------------------


def audit_cell(report: BookReport) -> str:
    """An audit as a notebook shows it: verdict, a row for each finding, the loss."""
    told = f"{text(tr(report.verdict))}{text(verdict_words(report))}"
    line = f"<p><b>{text(one_line(report.book))}</b>: {told}</p>"
    parts = (part for sheet in report.sheets for part in _cell_parts(sheet))
    return "\n".join([line, *parts, *_paragraphs(report.notes)])


def _cell_parts(sheet: SheetReport) -> Iterator[str]:
    if sheet.findings:
        head = (
            tr("where"),
            tr("what"),
            tr("why"),
            tr("off by"),
            tr("found"),
            tr("should be"),
        )
        rows = []
        for finding in sheet.findings:
            cells, *others = _in_html(finding)
            rows.append([f"{text(one_line(finding.sheet or sheet.sheet))}!{cells}", *others])
        yield table(head, rows, range(len(head)), left=IN_A_NOTEBOOK)
    yield from _paragraphs(sheet.notes)
    if sheet.curve is not None:
        yield figures.chart_svg(loss_chart(sheet.curve), FRAME)
        yield f"<p>{text(learning(sheet.curve))}</p>"
