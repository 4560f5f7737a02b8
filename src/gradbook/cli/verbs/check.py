"""Checks workbooks and programs, and prints, writes and copies what the options ask for."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os.path import abspath, commonpath
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import file_ending_in, whole_number
from gradbook.cli.help_page import Verb
from gradbook.cli.output import counting, print_as_json, say, show, width
from gradbook.cli.programs import (
    SECONDS,
    CheckedPrograms,
    check_programs,
    print_programs,
    programs_and_books,
    show_programs,
    tell_problems,
    with_programs,
)
from gradbook.errors import GradbookError, UsageError, one_line
from gradbook.files import made_folder, note_read, require_replaceable, write_whole
from gradbook.language import tr
from gradbook.language.message import Message, message_count, translate, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gradbook.audit.classes.scoring import BookScore
    from gradbook.audit.findings import BookReport


PAGE = ".html"
WORKERS = 2
MOST_ON_PAGE = 500  # books that a page shows one by one
WRONG, FAILED = 1, 2  # exit codes


def run(options: Namespace) -> int:
    from gradbook.audit.classes.scoring import score_each

    programs, options.books = programs_and_books(options.books)
    if options.page and not (options.books or programs):
        say(translate(_write_page(options, browser_parts())))
        return 0
    if not (options.books or programs):
        raise UsageError("the following arguments are required: BOOK (see gradbook check --help)")
    checked = check_programs(options, programs) if programs else CheckedPrograms()
    if programs and not options.json:
        show_programs(options, checked)
    elif programs:
        tell_problems(checked)
    if not options.books:
        if options.json:
            print_programs(checked)
        return checked.code
    with _checked(options) as reports:
        return max(checked.code, _tell(options, reports, score_each(reports), checked))


def _tell(
    options: Namespace,
    reports: Sequence[BookReport],
    scores: Sequence[BookScore],
    programs: CheckedPrograms,
) -> int:
    """Print and write everything that was asked for; the exit code."""
    shown = reports
    if options.hints:
        from gradbook.audit.findings import MappedReports, with_hints

        shown = MappedReports(reports, with_hints)
    if options.json:
        from gradbook.audit.classes.marks import class_json

        pieces = class_json(shown, scores)
        for piece in with_programs(pieces, programs) if programs.reports else pieces:
            print_as_json(piece)
    else:
        from gradbook.report.audit import audit_lines

        show(audit_lines(shown, width(), everything=options.verbose))
    written, problems = _write(options, shown, scores)
    if options.fix:
        from gradbook.audit.classes.reports import ReadableReports

        written += _write_corrected(options, ReadableReports(reports), problems)
    for line in () if options.json else written:
        say(one_line(translate(line)))
    for line in problems:
        print(f"gradbook: {one_line(translate(line))}", file=sys.stderr)
    verdicts = {report.verdict for report in reports}
    if problems or "unreadable" in verdicts:
        return FAILED
    return 0 if verdicts == {"right"} else WRONG


@contextmanager
def _checked(options: Namespace) -> Iterator[Sequence[BookReport]]:
    """The reports; each is read from a file when it is used."""
    from gradbook.audit.check_book import report_on
    from gradbook.audit.classes.reports import StoredReports
    from gradbook.audit.classes.submissions import find_submissions
    from gradbook.audit.many import checked

    books = find_submissions(options.books, [options.annotate, options.fix])
    if options.page and len(books) > MOST_ON_PAGE:
        raise UsageError(
            f"--page shows at most {MOST_ON_PAGE} workbooks, and these are {len(books):,}: "
            "-o FILE.html writes a page for a large class"
        )
    note_read(*books)  # since other programs may replace them meanwhile
    one = [place for place in (options.annotate, options.fix) if place and _is_file(place)]
    for place in one:
        ending = Path(place).suffix.lower()
        if [Path(book).suffix.lower() for book in books] != [ending]:
            raise UsageError(
                f"{place} is the name of one {ending} copy: name a folder for the "
                "copies of these workbooks"
            )
    require_replaceable(*options.out, *one, *([options.page] if options.page else []))
    with StoredReports(books, options.record) as reports:
        left = reports.list_missing()
        done = len(books) - len(left)
        with counting(tr("workbooks checked"), len(books)) as tell:
            for number, report in checked([books[n] for n in left], options.workers, report_on):
                reports.put(left[number], report)
                tell(done := done + 1)
        yield reports


def _write(
    options: Namespace, reports: Sequence[BookReport], scores: Sequence[BookScore]
) -> tuple[list[str], list[str]]:
    """Write the pages, tables and annotated copies; what to print, and what failed."""
    from gradbook.audit.classes.reports import ReadableReports

    written: list[str] = []
    problems: list[str] = []
    for file in options.out:
        if file.lower().endswith(PAGE):
            from gradbook.report.audit_page import audit_page

            write_whole(file, audit_page(reports))
        else:
            from gradbook.report.audit import grades

            write_whole(file, grades(reports, scores))
        written.append(Message("wrote {file}", file=file))
    if options.page:
        try:
            parts = browser_parts()
        except GradbookError as error:  # no network: the page shows these books only
            parts = {}
            none = "no other workbooks can be dropped on {file}: {problem}"
            problems.append(Message(none, file=options.page, problem=words_of(error)))
        written.append(_write_page(options, parts, list(reports)))
    if options.annotate:
        readable = ReadableReports(reports)
        copies = Copies(options.annotate, readable, problems)
        for number, place in enumerate(readable.places):
            copies.write(number, partial(_annotated, reports[place]))
        in_folder = message_count(
            "{number} annotated workbook in {folder}",
            "{number} annotated workbooks in {folder}",
            copies.count,
            number=f"{copies.count:,}",
            folder=options.annotate,
        )
        written += copies.told(in_folder)
    return written, problems


def _annotated(report: BookReport) -> bytes:
    from gradbook.audit.copies.annotate import annotate

    return annotate(report.book, report)


def _write_corrected(
    options: Namespace, reports: Sequence[BookReport], problems: list[str]
) -> Iterator[str]:
    """Write the corrected copies that are right; the messages about all of them."""
    from gradbook.audit.check_book import check_again
    from gradbook.audit.copies.correct import corrections
    from gradbook.audit.many import check_books

    def checking(again: Sequence[str]) -> Iterator[BookReport]:
        return check_books(again, options.workers, check_again)

    copies = Copies(options.fix, reports, problems)
    remarks: list[str] = []
    with counting(tr("workbooks corrected"), len(reports)) as tell:
        for number, correction in enumerate(corrections(reports, checking)):
            if correction.content:
                copies.write(number, partial(bytes, correction.content))
            problems += correction.problems
            remarks += correction.remarks
            tell(number + 1)
    in_folder = message_count(
        "{number} corrected workbook in {folder}",
        "{number} corrected workbooks in {folder}",
        copies.count,
        number=f"{copies.count:,}",
        folder=options.fix,
    )
    yield from copies.told(in_folder)
    yield from remarks


def browser_parts() -> dict[str, str]:
    """Python for browsers, fetched if this computer doesn't have it."""
    from gradbook.engine.pyodide import SIZE, browser_python
    from gradbook.report.check_page import check_parts

    with counting(tr("bytes of Python fetched"), SIZE) as tell:
        return check_parts(browser_python(tell))


def _write_page(
    options: Namespace, parts: dict[str, str], reports: Sequence[BookReport] = ()
) -> Message:
    """Write the page that checks in the browser, with the results of some books; the message."""
    from gradbook.report.check_page import check_page
    from gradbook.serve.in_browser import summary_of, told_of

    require_replaceable(options.page)
    paths = [PurePath(abspath(report.book)) for report in reports]
    above = PurePath(commonpath([path.parent for path in paths])) if paths else PurePath()
    reports = [  # whoever gets the page needn't know where the books are
        replace(report, book=path.relative_to(above).as_posix())
        for report, path in zip(reports, paths, strict=True)
    ]
    books = [{"name": report.book, **told_of(report)} for report in reports]
    summary = summary_of(reports) if len(reports) > 1 else None
    write_whole(options.page, check_page(parts, found=books, summary=summary))
    return Message("wrote {file}", file=str(options.page))


# Copies: if one can't be written, the others still are.


def _is_file(place: str) -> bool:
    """Whether this is the name of one book's copy and not of a folder."""
    from gradbook.audit.classes.submissions import READ

    return Path(place).suffix.lower() in READ and not Path(place).is_dir()


class Copies:
    """A folder for copies of some books, or the file for one, with the problems that occurred."""

    def __init__(self, place: str, reports: Sequence[BookReport], problems: list[str]) -> None:
        from gradbook.audit.classes.submissions import copy_names

        self.place = Path(place)
        self.is_file = _is_file(place)
        if not self.is_file:
            made_folder(place)
        self.books = [report.book for report in reports]
        self.names = copy_names(self.books)
        self.problems = problems
        self.count = 0

    def told(self, in_folder: str) -> list[str]:
        """The messages about the copies: about the folder, or about the one file."""
        if not self.is_file:
            return [in_folder]
        return [Message("wrote {file}", file=str(self.place))] * self.count

    def write(self, number: int, content: Callable[[], bytes]) -> None:
        """Write one book's copy, unless it can't be made or a link is in its place."""
        path = self.place if self.is_file else self.place / self.names[number]
        if path.is_symlink():  # which may lead to any folder
            taken = "{file} already exists: remove it or name another folder"
            self.problems.append(Message(taken, file=str(path)))
            return
        try:
            write_whole(path, content())
        except Exception as error:
            fault = f"an internal error in gradbook ({type(error).__name__}: {error})"
            reason = words_of(error) if isinstance(error, GradbookError) else fault
            book = self.books[number]
            self.problems.append(Message("can't copy {book}: {reason}", book=book, reason=reason))
        else:
            self.count += 1


MARKS = "gradbook class mark gives points"
ENTRIES = {
    "check": Verb(
        run,
        kinds={
            "out": file_ending_in(PAGE, ".csv"),
            "page": file_ending_in(PAGE),
            "seconds": whole_number(1, 86_400),
            "workers": whole_number(1, 64),
        },
        defaults={"seconds": SECONDS, "workers": WORKERS},
        facts=lambda: {"seconds": SECONDS, "workers": WORKERS},
        speaks=True,
        gone={
            "--html": "write -o FILE.html",
            "--csv": "write -o FILE.csv",
            "--on": "--workers N checks N workbooks at a time, on this machine",
            **dict.fromkeys(("--points", "--out-of", "--accept-elsewhere"), MARKS),
            "--repeated": f"{MARKS}, and rubric.toml sets the cost of a mistake",
            "--names": f"{MARKS} by name",
        },
    )
}
