"""The page of a marked class, for the teacher: marks, items, mistakes with examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.classes.marks import common_mistakes
from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.findings import BookReport
from gradbook.errors import one_line
from gradbook.language import mark as message_mark
from gradbook.language import numeral, tr, tr_count
from gradbook.language.message import translate
from gradbook.report.audit_class import class_chapters, marks_chapter
from gradbook.report.audit_page import STYLES
from gradbook.report.document import Article, Block, Chapter, Items, Meanings, Passage, Report
from gradbook.report.findings import book_count, share_of_books, shown_text
from gradbook.report.markup import report_page
from gradbook.report.styled_text import RichCell, Span, TableColumn, TextTable
from gradbook.teaching.classes.statistics import examples, item_figures

ALIKE = ("shared", "similar", "identical")  # chapters about what books have in common
CARE = message_mark(
    "Students who learn together make the same mistakes, and a mistake that many make is no "
    "evidence about any two of them. What is listed here is a reason to ask, not a proof."
)
MOST_EXAMPLES = 12


@dataclass(frozen=True)
class ClassRow:
    """A row of the class's table."""

    student: str
    points: float | None
    cells: tuple[RichCell, ...]


@dataclass(frozen=True)
class MarkedBook:
    """A book's final points, for the distribution."""

    points: float | None
    out_of: float


def class_page(
    title: str,
    rows: Sequence[ClassRow],
    reports: Sequence[BookReport],
    marks: Sequence[BookScore],
    remarks: Sequence[str],
) -> str:
    counted_rows = [row for row in rows if row.points is not None]
    lead = tr(
        "{students}, {books} marked",
        students=student_count(len(rows)),
        books=book_count(len(counted_rows)),
    )
    out_of = max((mark.out_of for mark in marks), default=0.0)
    chapters = [Chapter("remarks", tr("Remarks"), [Items(list(map(shown_text, remarks)))])]
    alike = list[Chapter]()
    for chapter in class_chapters(reports):
        if chapter.anchor in ALIKE:  # worded with care: it accuses nobody
            care = [] if chapter.anchor == "shared" else [Passage(tr(CARE))]
            alike.append(replace(chapter, blocks=[*care, *chapter.blocks]))
    return report_page(
        Report(
            title,
            [
                *(chapters if remarks else []),
                _students(rows),
                *marks_chapter([MarkedBook(row.points, out_of) for row in counted_rows]),
                *_items(marks),
                *_mistakes(reports),
                *alike,
            ],
            lead=[Passage(f"{lead}.", "lead")],
            styles=STYLES,
        )
    )


def _students(rows: Sequence[ClassRow]) -> Chapter:
    titles = (
        *(tr("student"), tr("points"), tr("taken off"), tr("right"), tr("verdict")),
        *(tr("remark"), tr("feedback")),
    )
    columns = tuple(TableColumn(title, words=True) for title in titles)
    table = TextTable(columns, tuple(row.cells for row in rows), has_row_heads=True)
    return Chapter("students", tr("Students"), [table])


def _items(marks: Sequence[BookScore]) -> Iterator[Chapter]:
    rows = tuple(
        (
            one_line(item.name),
            numeral(f"{100 * item.difficulty:.0f} %"),
            tr("{some} of {all}", some=f"{item.right:,}", all=f"{item.books:,}"),
            ""
            if item.discrimination is None
            else numeral(f"{item.discrimination:.2f}").replace("-", "−"),
        )
        for item in item_figures(marks)
    )
    if not rows:
        return
    meaning = tr(
        "Earned is the mean share of an item's points: the lower, the harder. Discrimination is "
        "the correlation of an item with all others: near 0 or below, it doesn't tell those who "
        "know more from those who know less. It needs five workbooks that differ."
    )
    others = map(TableColumn, (tr("earned"), tr("fully right"), tr("discrimination")))
    table = TextTable((TableColumn(tr("item"), words=True), *others), rows, has_row_heads=True)
    yield Chapter("items", tr("Items"), [Passage(meaning), table])


def _mistakes(reports: Sequence[BookReport]) -> Iterator[Chapter]:
    shown, mistakes = examples(reports), common_mistakes(reports)[:MOST_EXAMPLES]
    entries: list[Block] = []
    for mistake in mistakes:
        report, finding = shown[mistake.kind]
        example = tr(
            "For example {name} of {student}: {reason}.",
            name=finding.quantity,
            student=one_line(report.origin.student or report.book),
            reason=shown_text(finding.why),
        )
        meaning = tr(
            "{what} ({where}).", what=translate(mistake.meaning), where=translate(mistake.where())
        )
        pairs = [(tr("found"), finding.formula), (tr("should be"), finding.expected)]
        formulas = [(what, (Span(one_line(text), tag="code"),)) for what, text in pairs if text]
        books = share_of_books(mistake.books, len(reports))
        entries.append(
            Article(
                f"{tr(mistake.kind)}{tr(': ')}{books}",
                [Passage(meaning), Passage(example), Meanings(formulas, "formulas")],
            )
        )
    if entries:
        yield Chapter("mistakes", tr("Commonest mistakes"), entries)


def student_count(count: int) -> str:
    """1 student, 1,200 students."""
    return tr_count("{number} student", "{number} students", count)


def row_of(
    student: str,
    points: float | None,
    mark: BookScore | None,
    right: tuple[float, int] | None,
    verdict: str,
    remark: str,
    feedback: RichCell,
) -> ClassRow:
    """A student's row, which is empty for a student without a book."""
    some, every = right or (0.0, 0)
    columns = tr("{some} of {all}", some=numeral(in_numbers(some)), all=f"{every:,}")
    cells = (
        student,
        "" if points is None else numeral(in_numbers(points)),
        "; ".join(map(translate, mark.taken_off)) if mark else "",
        columns if right else "",
        tr(verdict),
        remark,
        feedback,
    )
    return ClassRow(student, points, cells)
