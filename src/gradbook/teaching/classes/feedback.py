"""A student's feedback: the marked workbook, and a page that prints well."""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.findings import BookReport
from gradbook.errors import GradbookError, one_line
from gradbook.files import InnerPath, as_bytes
from gradbook.language import numeral, tr
from gradbook.language.message import Message, translate, words_of
from gradbook.report.audit_page import STYLES, book_blocks
from gradbook.report.document import Chapter, Passage, Report
from gradbook.report.markup import report_page
from gradbook.report.styled_text import TableColumn, TextTable


@dataclass(frozen=True)
class StudentFeedback:
    """The feedback for one student."""

    student: str
    title: str
    report: BookReport
    mark: BookScore
    points: float | None  # the final ones
    remark: str = ""

    @property
    def points_text(self) -> str:
        """13.5 of 20 points."""
        if self.points is None:
            return tr("not judged")
        return tr(
            "{points} of {out_of} points",
            points=numeral(in_numbers(self.points)),
            out_of=numeral(in_numbers(self.mark.out_of)),
        )

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """For each column asked for: what it earns, out of how much, and why."""
        worth = zip(self.mark.parts, self.mark.worth, strict=True)
        return [
            (
                part.mark.name,
                tr(
                    "{some} of {all}",
                    some=numeral(f"{part.share * points:.2f}"),
                    all=numeral(f"{points:.2f}"),
                ),
                translate(part.why),
            )
            for part, points in worth
        ]

    @property
    def remarks(self) -> list[str]:
        """Deductions, whether the teacher changed the points, and her remark."""
        off = [tr("Taken off: {what}.", what=translate(what)) for what in self.mark.taken_off]
        is_changed = self.points is not None and self.points != self.mark.points
        changed = [tr("The points were set by your teacher.")] if is_changed else []
        return [*off, *changed, *filter(None, [self.remark])]


def make_feedback(feedback: StudentFeedback, book: InnerPath) -> tuple[dict[str, bytes], list[str]]:
    """The files by their endings (.xlsx, .html); what couldn't be made, and why."""
    files: dict[str, bytes] = {}
    problems: list[str] = []
    try:
        copy = annotate(book, feedback.report, feedback.mark)
    except GradbookError as error:
        problems.append(
            Message(
                "no marked copy of {book}: {reason}",
                book=book.name,
                reason=words_of(error),
            )
        )
    else:
        files[book.suffix.lower()] = copy
    files[".html"] = as_bytes(feedback_page(feedback))
    return files, problems


def feedback_page(feedback: StudentFeedback) -> str:
    titles = (tr("column"), tr("earned"), tr("why"))
    columns = tuple(TableColumn(title, words=True) for title in titles)
    rows = tuple(tuple(map(one_line, row)) for row in feedback.rows)
    earned = [TextTable(columns, rows, has_row_heads=True)] if rows else []
    blocks = book_blocks(feedback.report) or [Passage(tr("Nothing is wrong."))]
    return report_page(
        Report(
            f"{feedback.title}: {feedback.student}",
            [
                Chapter("points", tr("Points"), [*earned, *map(Passage, feedback.remarks)]),
                Chapter("found", tr("What was found"), blocks),
            ],
            lead=[Passage(f"{feedback.student}: {feedback.points_text}.", "lead")],
            styles=STYLES,
        )
    )
