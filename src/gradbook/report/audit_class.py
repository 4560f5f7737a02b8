"""A class's results: the table of its books, their marks, and what books have in common."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradbook.audit.classes.marks import Graded, class_marks, common_mistakes
from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import (
    RIGHT,
    WORST_FIRST,
    BookReport,
    Finding,
    Mark,
    count_right,
    identical_files,
    shared_mistakes,
)
from gradbook.errors import one_line
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.language.message import translate
from gradbook.report.document import Article, Block, Chapter, Items, PageOnly, Passage
from gradbook.report.findings import (
    FEW_BOOKS,
    finding_words,
    in_brackets,
    marks_in,
    share_of_books,
    shown_text,
)
from gradbook.report.markup import words_markup
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.styled_text import (
    RichCell,
    Span,
    TableColumn,
    TextLine,
    TextTable,
    bar,
    spans,
    verdict,
)

MOST_MARKS = 48  # squares in a row of the table
MOST_NAMES = 40  # of books that share something
MOST_GROUPS = 200  # of books that share the same kind of thing
MOST_MISTAKES = 12  # kinds listed


@dataclass(frozen=True)
class ClassTable:
    """The books of a class, their scores if points are given, and their names."""

    reports: Sequence[BookReport]
    scores: Sequence[BookScore]
    most: int = sys.maxsize  # rows of the table: the worst books
    has_parts: bool = True  # whether books have sections of their own below the table

    @cached_property
    def names(self) -> list[str]:
        """Each book's name, with its folders if two names are equal."""
        books = [one_line(report.book) for report in self.reports]
        short = [Path(book).name or book for book in books]
        return short if len(set(short)) == len(short) else books

    def has_a_part(self, number: int) -> bool:
        """Whether the page has a section for a book."""
        report = self.reports[number]
        is_told = bool(report.notes) or any(sheet.findings for sheet in report.sheets)
        return self.has_parts and is_told

    def chapters(self) -> Iterator[Chapter]:
        tools = [] if len(self.reports) <= FEW_BOOKS else [PageOnly(self._tools)]
        yield Chapter("books", tr("At a glance"), [*tools, self.table()])
        yield from class_chapters(self.reports, self.scores)

    def _tools(self) -> str:
        """Search and filters; they need a script, which shows them."""
        count = Counter(report.verdict for report in self.reports)
        chips = "".join(
            f'<button type="button" aria-pressed="false" value="{text(word)}">'
            f"{words_markup([verdict(word)])}{count[word]:,}</button>"
            for word in WORST_FIRST
            if count[word]
        )
        return PageTemplate("class/tools.html", chips=chips).html("tools")

    def table(self) -> TextTable:
        """One row per book, the worst first, without columns that are empty for all."""
        order = sorted(
            range(len(self.reports)), key=lambda k: WORST_FIRST.index(self.reports[k].verdict)
        )
        rows = tuple(self.row(number) for number in order[: self.most])
        columns = tuple(TableColumn(tr(word), word, words=True) for word in COLUMNS)
        used = {
            column.key
            for place, column in enumerate(columns)
            if column.key not in ("student", "points") or any(row[place] for row in rows)
        }
        whole = TextTable(columns, rows, kind="books", has_row_heads=True)
        return whole.only(lambda column: column.key in used)

    def row(self, number: int) -> tuple[RichCell, ...]:
        """A book's cells: its name, student, verdict, gradients, points, what was found."""
        report = self.reports[number]
        link = anchor(number) if self.has_a_part(number) else ""
        score = self.scores[number] if self.scores else None
        points = score.points if score else None
        return (
            (Span(self.names[number], link=link),),
            one_line(report.origin.student),
            (verdict(report.verdict),),
            _marks(marks_in(report, score), score),
            "" if points is None else numeral(in_numbers(points)),
            finding_words(report) if report.verdict != RIGHT else "",
        )


COLUMNS = (
    *(mark("workbook"), mark("student"), mark("verdict")),
    *(mark("gradients"), mark("points"), mark("what was found")),
)


def anchor(number: int) -> str:
    return f"book-{number + 1}"


def _marks(marks: Sequence[Mark], score: BookScore | None) -> RichCell:
    """How many gradients are right, and a square for each."""
    if not marks:
        return ""
    right = numeral(in_numbers(score.right if score else count_right(marks)))
    words = tr("{some} of {all}", some=right, all=f"{len(marks):,}")
    squares = (
        Span(
            "",
            tag="i",
            kind=f"m-{it.state.partition(' ')[0]}",
            about=f"{one_line(it.column.quantity if it.column else it.weight)}: {tr(it.state)}",
        )
        for it in marks
    )
    return (Span(words, kind="of"), *(squares if len(marks) <= MOST_MARKS else ()))


# What books have in common ----------------------------------------------------


def class_chapters(
    reports: Sequence[BookReport], scores: Sequence[BookScore] = ()
) -> Iterator[Chapter]:
    """Chapters on marks, frequent and shared mistakes, similar books and identical files; empty
    ones are left out."""
    yield from marks_chapter(scores)
    mistakes = common_mistakes(reports)
    if mistakes and mistakes[0].books > 1:
        books = tr_count("of {number} workbook", "of {number} workbooks", len(reports))
        commonest = mistakes[:MOST_MISTAKES]
        table = TextTable(
            (TableColumn(books),),
            tuple((it.books,) for it in commonest),
            notes=tuple(
                [
                    Span(translate(it.meaning)),
                    Span(in_brackets(translate(it.where())), kind="where"),
                ]
                for it in commonest
            ),
            note_title=tr("mistake"),
            kind="mistakes",
        )
        left = len(mistakes) - MOST_MISTAKES
        last = tr_count("And {number} more kind.", "And {number} more kinds.", left)
        more = [Passage(last)] if left > 0 else []
        yield Chapter("mistakes", tr("Commonest mistakes"), [table, *more])
    groups: dict[tuple[str, str], list[Block]] = {
        ("shared", tr("Shared mistakes")): [
            Article(
                share_of_books(len(it.books), len(reports)),
                [Passage(_names(it.books), "names"), Items(_reasons(it.findings), indent=2)],
            )
            for it in shared_mistakes(reports)
        ],
        ("similar", tr("Similar workbooks")): [
            Article(
                _names(it.books), [Items(list(map(shown_text, it.evidence)), indent=2)], "alike"
            )
            for it in similar_books(reports)
        ],
        ("identical", tr("Identical files")): [
            Passage(_names(names), "names") for names in identical_files(reports)
        ],
    }
    for (place, heading), each in groups.items():
        if each:
            yield Chapter(place, heading, [*each[:MOST_GROUPS], *_others(len(each))])


def marks_chapter(scores: Sequence[Graded]) -> Iterator[Chapter]:
    """The distribution of the marks, if there are any."""
    marks = class_marks(scores)
    if marks is None:
        return
    words = str(marks)
    most = max(part.books for part in marks.parts)
    columns = (
        TableColumn("%" if marks.in_percent else tr("points")),
        TableColumn("", words=True, ink="green", is_drawn=True),
        TableColumn(tr("workbooks")),
    )
    rows = (
        (str(part), (bar(part.books / most, "marks-bar", is_drawn=True),), part.books)
        for part in marks.parts
    )
    table = TextTable(columns, tuple(rows), kind="distribution", has_row_heads=True)
    sentence = tr("{sentence}.", sentence=words[:1].upper() + words[1:])
    yield Chapter("marks", tr("Marks"), [Passage(sentence), table])


def _reasons(findings: Sequence[Finding]) -> list[TextLine]:
    """The wrong quantities, grouped by the reason."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        reasons.setdefault(shown_text(finding.why), []).append(one_line(finding.quantity))
    return [
        [Span(", ".join(dict.fromkeys(names)), tag="b"), Span(tr(": ") + why)]
        for why, names in reasons.items()
    ]


def _names(books: Sequence[str]) -> TextLine:
    """The names of the books; of very many, the first ones and the number of others."""
    names: TextLine = []
    for book in books[:MOST_NAMES]:
        names += [Span(", ")] * bool(names) + [Span(one_line(book), tag="b")]
    left = len(books) - MOST_NAMES
    if left > 0:
        return spans(tr("{names} and {count} more"), names=names, count=f"{left:,}")
    return names


def _others(count: int) -> Iterator[Block]:
    """How many groups of books aren't shown."""
    left = count - MOST_GROUPS
    if left > 0:
        more = tr_count(
            "And {number} more group of books.",
            "And {number} more groups of books.",
            left,
        )
        yield Passage(more)
