"""The results of a class: its table as it grows, its page, its grades and its marked copies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.audit.classes.scoring import BookScore, Rubric, in_points, score
from gradbook.audit.classes.submissions import copy_names
from gradbook.audit.copies.correct import Correction
from gradbook.audit.findings import UNREADABLE, WORST_FIRST, BookReport, with_hints
from gradbook.errors import GradbookError, one_line
from gradbook.language import tr
from gradbook.language.message import Message, translate, words_of
from gradbook.report.audit import grades_csv
from gradbook.report.audit_class import ClassTable, class_chapters
from gradbook.report.audit_page import audit_page, book_blocks
from gradbook.report.findings import verdict_counts
from gradbook.report.markup import cell_markup, markup, words_markup
from gradbook.serve.books import HandedIn, HandedInBooks, correct, mark
from gradbook.serve.crew import Crew, Errand
from gradbook.serve.requests import Answer, Cut, RefusalError, Request, json_answer
from gradbook.work import LostTask, OurFault, Task

MARKED, CORRECTED = "marked", "corrected"  # kinds of copies
PAGE, REMARKS = "class.html", "remarks.txt"


@dataclass(frozen=True)
class Ways:
    """How to mark a class, like the command's options."""

    points: bool = False
    out_of: float | None = None
    hints: bool = False
    repeated: float = 1.0
    accept_elsewhere: bool = False

    def shown(self, report: BookReport) -> BookReport:
        """The report as it may be shown: with hints instead of solutions if those are asked for."""
        return with_hints(report) if self.hints else report

    def scores(self, reports: Sequence[BookReport]) -> list[BookScore]:
        rubric = Rubric(self.out_of, repeated=self.repeated, accept_elsewhere=self.accept_elsewhere)
        return [score(report, rubric) for report in reports]

    def asked(self, scores: Sequence[BookScore]) -> Sequence[BookScore]:
        """The scores if they are to be shown, else none."""
        return scores if self.points or self.out_of else ()


# As it grows ---------------------------------------------------------------------


def growth(books: HandedInBooks, since: int, ways: Ways) -> dict[str, Any]:
    """The rows that have changed since that version, and the class's progress."""
    version, changed = books.changed_since(since)
    done = [book for book in changed if book.report is not None]
    reports = [ways.shown(book.report) for book in done if book.report is not None]
    table = ClassTable(reports, ways.asked(ways.scores(reports)))
    rows = {book.number: list(map(cell_markup, table.row(k))) for k, book in enumerate(done)}
    all_reports = [book.report for book in books.judged_books() if book.report is not None]
    count = Counter(report.verdict for report in all_reports)
    entries = list[dict[str, Any]]()
    for book in changed:
        verdict = book.report.verdict if book.report else ""
        entry = {"number": book.number, "name": one_line(book.name), "state": book.state}
        cells = {"cells": rows[book.number][1:]} if book.number in rows else {}
        entries.append({**entry, "verdict": verdict, **cells})
    return {
        "version": version,
        "books": entries,
        "pending": books.pending,
        "said": verdict_counts(all_reports) if all_reports else "",
        "counts": {verdict: count[verdict] for verdict in WORST_FIRST if count[verdict]},
        "verdicts": {verdict: tr(verdict) for verdict in WORST_FIRST if count[verdict]},
    }


def detail(book: HandedIn, ways: Ways) -> Answer:
    """All findings in a book, and what it earns."""
    report = ways.shown(_report(book))
    scored = ways.asked(ways.scores([report]))
    points = in_points(scored[0]) if scored else ""
    return json_answer(
        {"name": one_line(book.name), "points": points, "html": markup(book_blocks(report))}
    )


# Whole, in a worker ---------------------------------------------------------------


def class_page(reports: Sequence[BookReport], ways: Ways) -> bytes:
    shown = audit_page(reports, ways.asked(ways.scores(reports)))
    return shown.encode("utf-8", "backslashreplace")


def common_sections(reports: Sequence[BookReport], ways: Ways) -> list[dict[str, str]]:
    """The results of a class, and what its books have in common."""
    chapters = class_chapters(reports, ways.asked(ways.scores(reports)))
    return [{"heading": words_markup(it.heading), "html": markup(it.blocks)} for it in chapters]


class Desk:
    """Makes the copies, pages and tables of a class when they are asked for."""

    def __init__(self, crew: Crew, folder: Path) -> None:
        self.crew = crew
        self.folder = folder

    def result(self, task: Task, request: Request) -> Any:
        """The result of a task, as long as somebody waits for it."""
        return _value(self.crew.submit(task), request)

    def page(self, books: HandedInBooks, ways: Ways, request: Request) -> Answer:
        page = self.result(partial(class_page, _reports(books, ways), ways), request)
        is_saved = request.path.endswith(PAGE)
        return Answer(page, ".html", PAGE if is_saved else "")

    def in_common(self, books: HandedInBooks, ways: Ways, request: Request) -> Answer:
        reports = [ways.shown(book.report) for book in books.judged_books() if book.report]
        several = len(reports) > 1
        return json_answer(
            self.result(partial(common_sections, reports, ways), request) if several else []
        )

    def grades(self, books: HandedInBooks, ways: Ways) -> Answer:
        reports = _reports(books, ways)
        table = grades_csv(reports, ways.scores(reports))
        return Answer(table.encode("utf-8", "backslashreplace"), ".csv", "grades.csv")

    # Copies

    def copy(self, book: HandedIn, kind: str, ways: Ways, request: Request) -> Answer:
        """One book's copy."""
        path = PurePath(book.name)
        job = self.crew.submit(_copying(book, kind, ways))
        content, remarks = _copy_of(kind, path.name, job, request)
        if not content:
            raise RefusalError(409, "; ".join(remarks))
        return Answer(content, path.suffix.lower(), path.name)

    def archive(self, books: HandedInBooks, kind: str, ways: Ways, request: Request) -> Answer:
        """The copies of all books that can be read, and remarks on them."""
        readable = [b for b in books.judged_books() if b.report and b.report.verdict != UNREADABLE]
        if not readable:
            raise RefusalError(409, Message("there is no readable workbook here yet"))
        jobs = deque(self.crew.submit(_copying(book, kind, ways)) for book in readable)
        names = copy_names([*(book.name for book in readable), REMARKS])
        file = TemporaryFile(dir=self.folder)  # noqa: SIM115 - the sender closes it
        try:
            with ZipFile(file, "w", ZIP_STORED) as archive:
                _fill(archive, kind, names, jobs, request)
        except BaseException:
            file.close()
            raise
        finally:
            for job in jobs:
                job.give_up()
        return Answer(file, ".zip", f"{kind}.zip")


def _fill(
    archive: ZipFile, kind: str, names: Sequence[str], jobs: deque[Errand], request: Request
) -> None:
    notes: list[str] = []
    for name in names[:-1]:
        copy, remarks = _copy_of(kind, name, jobs.popleft(), request)
        notes += remarks
        if copy:
            archive.writestr(ZipInfo(name, FIRST_DAY), copy)
    if notes:
        archive.writestr(ZipInfo(names[-1], FIRST_DAY), "".join(f"{line}\n" for line in notes))


def _copying(book: HandedIn, kind: str, ways: Ways) -> Task:
    report, folder = _report(book), str(book.folder)
    if kind == CORRECTED:
        return partial(correct, folder, report)
    (scored,) = ways.asked(ways.scores([report])) or (None,)
    return partial(mark, folder, ways.shown(report), scored)


def _copy_of(kind: str, name: str, job: Errand, request: Request) -> tuple[bytes, list[str]]:
    """A copy, if there is one, and remarks on it."""
    try:
        result = _value(job, request)
    except (GradbookError, LostTask, OurFault) as error:
        problem = Message("can't copy {book}: {reason}", book=name, reason=words_of(error))
        return b"", [one_line(translate(problem))]
    if isinstance(result, Correction):
        return result.content, [
            one_line(translate(line)) for line in (*result.problems, *result.remarks)
        ]
    return result, []


def _value(job: Errand, request: Request) -> Any:
    value = job.outcome(request.is_wanted)
    if not request.is_wanted():
        raise Cut
    if value.error is not None:
        raise value.error
    return value.value


def _report(book: HandedIn) -> BookReport:
    if book.report is None:
        raise RefusalError(409, Message("{book} hasn't been judged yet", book=book.name))
    return book.report


def _reports(books: HandedInBooks, ways: Ways) -> list[BookReport]:
    reports = [ways.shown(book.report) for book in books.judged_books() if book.report is not None]
    if not reports:
        raise RefusalError(409, Message("no workbook has been judged yet"))
    return reports
