"""A student's feedback: the marked workbook, a page, and a PDF to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.classes.scoring import BookScore, in_numbers
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.findings import TO_FILL_IN, BookReport
from gradbook.errors import GradbookError, one_line
from gradbook.files import InnerPath, as_bytes
from gradbook.language import numeral, tr
from gradbook.language.message import Message, translate, words_of
from gradbook.report.audit_page import STYLES, book_blocks
from gradbook.report.document import Chapter, Passage, Report
from gradbook.report.explanation import set_pdf
from gradbook.report.findings import place_of
from gradbook.report.markup import report_page
from gradbook.report.styled_text import TableColumn, TextTable
from gradbook.targets.algebra.typst import escape

PAPERS = {"a4": "a4", "letter": "us-letter"}
MOST_FINDINGS = 40  # on paper


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


def make_feedback(
    told: StudentFeedback, book: InnerPath, paper: str
) -> tuple[dict[str, bytes], list[str]]:
    """The files by their endings (.xlsx, .html, .pdf); what couldn't be made, and why."""
    files: dict[str, bytes] = {}
    problems: list[str] = []
    try:
        copy = annotate(book, told.report, told.mark)
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
    files[".html"] = as_bytes(feedback_page(told))
    if paper:
        files[".pdf"] = set_pdf(feedback_typst(told, paper), {})
    return files, problems


def feedback_page(told: StudentFeedback) -> str:
    titles = (tr("column"), tr("earned"), tr("why"))
    columns = tuple(TableColumn(title, words=True) for title in titles)
    rows = tuple(tuple(map(one_line, row)) for row in told.rows)
    earned = [TextTable(columns, rows, has_row_heads=True)] if rows else []
    blocks = book_blocks(told.report) or [Passage(tr("Nothing is wrong."))]
    return report_page(
        Report(
            f"{told.title}: {told.student}",
            [
                Chapter("points", tr("Points"), [*earned, *map(Passage, told.remarks)]),
                Chapter("found", tr("What was found"), blocks),
            ],
            lead=[Passage(f"{told.student}: {told.points_text}.", "lead")],
            styles=STYLES,
        )
    )


# On paper -----------------------------------------------------------------------------


def feedback_typst(told: StudentFeedback, paper: str) -> str:
    """A Typst document."""
    return "\n".join(
        [
            f'#set document(title: "{tr("Feedback")}", date: none)',
            f'#set page(paper: "{PAPERS[paper]}", margin: 1.9cm)',
            "#set text(size: 10pt)\n#set par(leading: 0.55em)\n#show raw: set text(size: 9pt)",
            f"#text(size: 1.5em, weight: 600)[{_line(told.title)}]\n",
            f"#v(0.3em)\n*{_line(told.student)}* #h(1fr) {_line(told.points_text)}\n",
            *(f"{_line(remark)}\n" for remark in told.remarks),
            _table(told.rows),
            *_findings(told.report),
            "",
        ]
    )


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    cells = ",\n  ".join(", ".join(f"[{_line(cell)}]" for cell in row) for row in rows)
    heads = ", ".join(f"[*{_line(word)}*]" for word in (tr("column"), tr("earned"), tr("why")))
    head = f"table.header({heads})"
    return (
        f"#table(columns: (auto, auto, 1fr), stroke: none, {head}, table.hline(stroke: 0.5pt),\n"
        f"  {cells})"
    )


def _findings(report: BookReport) -> Iterator[str]:
    shown = [
        (sheet, finding)
        for sheet in report.sheets
        for finding in sheet.findings
        if finding.kind != TO_FILL_IN
    ]
    if shown:
        yield f"#v(0.5em)\n#text(size: 1.15em, weight: 600)[{_line(tr('What was found'))}]\n"
    for sheet, finding in shown[:MOST_FINDINGS]:
        where = _line(place_of(sheet, finding))
        yield f"*{where}*, {_line(finding.quantity)}: {_line(translate(finding.why))}"
        formulas = ((tr("found"), finding.formula), (tr("should be"), finding.expected))
        yield from (f"\\ {_line(what)} {_code(formula)}" for what, formula in formulas if formula)
        yield ""
    if len(shown) > MOST_FINDINGS:
        more = tr(
            "… and {count} more: the marked workbook has all of them.",
            count=len(shown) - MOST_FINDINGS,
        )
        yield f"{_line(more)}\n"


def _line(words: str) -> str:
    return escape(one_line(words))


def _code(words: str) -> str:
    """A Typst string, shown as code."""
    plain = one_line(words).replace("\\", "\\\\").replace('"', '\\"')
    return f'#raw("{plain}")'
