"""What a page says of a class: a table to search, filter and sort, and what its books share."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradbook.amounts import counted
from gradbook.audit.classes.marks import BookScore, class_marks, common_mistakes, in_numbers
from gradbook.audit.classes.similar import similar_books
from gradbook.audit.findings import (
    RIGHT,
    WORST_FIRST,
    BookReport,
    Mark,
    count_right,
    identical_files,
    shared_mistakes,
)
from gradbook.errors import one_line
from gradbook.report.audit.text import found, gathered, marks_in
from gradbook.report.page import Section, badge, bar, table, text, wide

MOST_MARKS = 48  # squares in a row of the table
MOST_NAMES = 24  # of books that share something
MOST_GROUPS = 200  # of books that share one thing
MOST_MISTAKES = 12  # kinds of them
FEW_BOOKS = 12  # of which nothing needs to be searched, and whose parts are open
TOOLS = """<div class="tools" hidden>
<input type="search" placeholder="Search" aria-label="Search books, students and findings">
<span class="chips" role="group" aria-label="Verdicts">{chips}</span>
<output class="shown"></output>
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
        yield Section("books", "At a glance", self._tools() + self._table())
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
        return TOOLS.format(chips=chips) if len(self.reports) > FEW_BOOKS else ""

    def _table(self) -> str:
        places = range(len(self.reports))
        worst = sorted(places, key=lambda k: WORST_FIRST.index(self.verdicts[k]))
        cells = [self.row(number) for number in worst[: self.most]]
        head = ["book", "student", "verdict", "gradients", "points", "what was found"]
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
            "" if points is None else in_numbers(points),
            text(found(report) if report.verdict != RIGHT else ""),
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
        f' {mark.state}"></i>'
        for mark in marks
    )
    said = f"{count_right(marks):,} of {len(marks):,}"
    shown = f' <span class="marks">{squares}</span>' if len(marks) <= MOST_MARKS else ""
    return f'<span class="of">{said}{shown}</span>'


# What books have in common --------------------------------------------------------


def in_common(reports: Sequence[BookReport], scores: Sequence[BookScore] = ()) -> Iterator[Section]:
    """The marks, if any; commonest and shared mistakes; books that are alike, files that are the
    same; nothing where none is."""
    yield from _statistics(reports, scores)
    mistakes, same = shared_mistakes(reports), identical_files(reports)
    if mistakes:
        parts = []
        for shared in mistakes[:MOST_GROUPS]:
            reasons = "".join(
                f"<li><b>{text(quantities)}</b>: {text(why)}</li>"
                for quantities, why in gathered(shared.findings)
            )
            heading = f"<h3>{len(shared.books)} of {counted(len(reports), 'book')}</h3>"
            parts.append(f"{heading}\n{_names(shared.books)}\n<ul>{reasons}</ul>")
        yield Section("shared", "Shared mistakes", "\n".join([*parts, *_others(mistakes)]))
    alike = similar_books(reports)
    if alike:
        parts = [
            f"{_names(similar.books)}\n<ul>{''.join(map(_item, similar.evidence))}</ul>"
            for similar in alike[:MOST_GROUPS]
        ]
        yield Section("similar", "Similar books", "\n".join([*parts, *_others(alike)]))
    if same:
        parts = [*map(_names, same[:MOST_GROUPS]), *_others(same)]
        yield Section("identical", "Identical files", "\n".join(parts))


def _statistics(reports: Sequence[BookReport], scores: Sequence[BookScore]) -> Iterator[Section]:
    """How the marks are distributed, and the commonest mistakes."""
    marks, mistakes = class_marks(scores), common_mistakes(reports)
    if marks is not None:
        said = text(str(marks))
        most = max(part.books for part in marks.parts)
        unit = "%" if marks.in_percent else "points"
        rows = [
            [text(str(p)), bar(p.books / most, "marks-bar"), f"{p.books:,}"] for p in marks.parts
        ]
        shown = table([unit, "", "books"], rows, words=(), kind="distribution", headed=True)
        body = f"<p>{said[:1].upper()}{said[1:]}.</p>\n{wide(shown)}"
        yield Section("marks", "Marks", body)
    if mistakes:
        rows = [
            [f"{m.books:,}", text(m.meaning), text(m.where())] for m in mistakes[:MOST_MISTAKES]
        ]
        left = len(mistakes) - MOST_MISTAKES
        more = f"<p>And {counted(left, 'more kind')}.</p>" if left > 0 else ""
        head = [f"of {counted(len(reports), 'book')}", "mistake", "in"]
        shown = table(head, rows, words=(1, 2), kind="mistakes")
        yield Section("mistakes", "Commonest mistakes", wide(shown) + more)


def _others(groups: Sequence[object]) -> Iterator[str]:
    """How many groups of books aren't told."""
    if len(groups) > MOST_GROUPS:
        yield f"<p>And {len(groups) - MOST_GROUPS:,} more groups of books.</p>"


def _item(words: str) -> str:
    return f"<li>{text(one_line(words))}</li>"


def _names(books: Sequence[str]) -> str:
    """The books; of very many the first, and how many there are."""
    shown = ", ".join(f"<b>{text(one_line(book))}</b>" for book in books[:MOST_NAMES])
    more = f" and {len(books) - MOST_NAMES:,} more" if len(books) > MOST_NAMES else ""
    return f'<p class="names">{shown}{more}</p>'
