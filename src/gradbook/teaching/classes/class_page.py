"""The page of a marked class, for the teacher: marks, items, mistakes with examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.classes.marks import class_marks, common_mistakes
from gradbook.audit.classes.rubric import BookScore, in_numbers
from gradbook.audit.findings import BookReport
from gradbook.errors import one_line
from gradbook.language import mark as message_mark
from gradbook.language import numeral, tr, tr_count
from gradbook.language.message import said
from gradbook.report import figures
from gradbook.report.audit import book_count, share_of_books, shown_text
from gradbook.report.audit_page import in_common
from gradbook.report.page import Section, bar, page, resource, table, text, wide
from gradbook.teaching.classes.statistics import examples, item_figures

ALIKE = ("shared", "similar", "identical")  # sections of what books have in common
CARE = message_mark(
    "Students who learn together make the same mistakes, and a mistake that many make says nothing "
    "of any two of them. What stands here is a reason to ask, and proves nothing."
)
MOST_EXAMPLES = 12


@dataclass(frozen=True)
class ClassRow:
    """A line of the class's table."""

    student: str
    points: float | None
    cells: tuple[str, ...]  # HTML


@dataclass(frozen=True)
class MarkedBook:
    """What a book earns in the end, for the distribution."""

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
    sections = [
        *_students(rows),
        *_distribution(rows, marks),
        *_items(marks),
        *_mistakes(reports),
        *_alike(reports),
    ]
    if remarks:
        listed = "".join(f"<li>{text(shown_text(one))}</li>" for one in remarks)
        sections.append(Section("remarks", tr("Remarks"), f"<ul>{listed}</ul>"))
    return page(
        title,
        sections,
        lead=f'<p class="lead">{text(lead)}.</p>',
        style=figures.figure_style() + resource("audit.css"),
    )


def _students(rows: Sequence[ClassRow]) -> Iterator[Section]:
    head = [
        tr("student"),
        tr("points"),
        tr("taken off"),
        tr("right"),
        tr("verdict"),
        tr("remark"),
        tr("feedback"),
    ]
    listed = table(head, [list(row.cells) for row in rows], words=range(len(head)), headed=True)
    yield Section("students", tr("Students"), wide(listed))


def _distribution(rows: Sequence[ClassRow], marks: Sequence[BookScore]) -> Iterator[Section]:
    whole = max((mark.out_of for mark in marks), default=0.0)
    found = class_marks([MarkedBook(row.points, whole) for row in rows if row.points is not None])
    if found is None:
        return
    most = max(part.books for part in found.parts)
    lines = [
        [text(str(part)), bar(part.books / most, "marks-bar"), f"{part.books:,}"]
        for part in found.parts
    ]
    listed = table([tr("points"), "", tr("books")], lines, words=(0, 1))
    yield Section(
        "marks",
        tr("Marks"),
        f"<p>{text(tr('{sentence}.', sentence=str(found)))}</p>\n{wide(listed)}",
    )


def _items(marks: Sequence[BookScore]) -> Iterator[Section]:
    rows = [
        [
            text(one_line(item.name)),
            numeral(f"{100 * item.difficulty:.0f} %"),
            tr("{some} of {all}", some=f"{item.right:,}", all=f"{item.books:,}"),
            "" if item.discrimination is None else _signed(item.discrimination),
        ]
        for item in item_figures(marks)
    ]
    if not rows:
        return
    meaning = tr(
        "Earned is the mean share of an item's points: the lower, the harder. Discrimination is "
        "the correlation of an item with all others: near 0 or below, it doesn't tell those who "
        "know more from those who know less. It needs five books that differ."
    )
    head = [tr("item"), tr("earned"), tr("fully right"), tr("discrimination")]
    yield Section(
        "items", tr("Items"), f"<p>{meaning}</p>" + wide(table(head, rows, words=(0,), headed=True))
    )


def _mistakes(reports: Sequence[BookReport]) -> Iterator[Section]:
    shown, found = examples(reports), common_mistakes(reports)
    parts = []
    for mistake in found[:MOST_EXAMPLES]:
        report, finding = shown[mistake.kind]
        formulas = [(tr("found"), finding.formula), (tr("should be"), finding.expected)]
        listed = "".join(
            f"<dt>{text(what)}</dt><dd><code>{text(one_line(formula))}</code></dd>"
            for what, formula in formulas
            if formula
        )
        books = share_of_books(mistake.books, len(reports))
        example = tr(
            "For example {name} of {student}: {reason}.",
            name=finding.quantity,
            student=one_line(report.origin.student or report.book),
            reason=shown_text(finding.why),
        )
        meaning = tr("{what} ({where}).", what=said(mistake.meaning), where=said(mistake.where()))
        parts.append(
            f"<h3>{text(tr(mistake.kind))}{tr(': ')}{books}</h3>\n<p>{text(meaning)}</p>\n"
            f"<p>{text(example)}</p>\n"
            f'<dl class="formulas">{listed}</dl>'
        )
    if parts:
        yield Section("mistakes", tr("Commonest mistakes"), "\n".join(parts))


def _alike(reports: Sequence[BookReport]) -> Iterator[Section]:
    """With care: it accuses nobody."""
    for section in in_common(reports):
        if section.anchor in ALIKE:
            care = "" if section.anchor == "shared" else f"<p>{text(tr(CARE))}</p>\n"
            yield Section(section.anchor, section.heading, care + section.body)


def student_count(count: int) -> str:
    """1 student, 1,200 students."""
    return tr_count("{number} student", "{number} students", count, number=f"{count:,}")


def _signed(number: float) -> str:
    return numeral(f"{number:.2f}").replace("-", "−")


def row_of(
    student: str,
    points: float | None,
    mark: BookScore | None,
    verdict: str,
    remark: str,
    link: str,
) -> ClassRow:
    """A student's line; of somebody without a book, an empty one."""
    right = ""
    if mark is not None:
        right = tr("{some} of {all}", some=f"{mark.right:,}", all=f"{len(mark.parts):,}")
    cells = (
        text(student),
        "" if points is None else numeral(in_numbers(points)),
        text("; ".join(map(said, mark.taken_off))) if mark else "",
        right,
        text(tr(verdict)),
        text(remark),
        link,
    )
    return ClassRow(student, points, cells)
