"""Audit workbooks that somebody made: every gradient is compared with the chain rule for its loss.

No answer key and no fixed layout are needed. The formulas are read, never run; the training is
recognised by what it computes; and each mistake is reported with its cells, the reason and the
right formula. A training by the perceptron rule is checked against that rule.
Exit code 0: all are right; 1: something is wrong, unfinished or trains nothing; 2: unreadable.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from gradbook.cli.arguments import Verb, file_ending_in, positive, whole_number
from gradbook.cli.output import counting, print_as_json, show, width
from gradbook.errors import GradbookError, one_line
from gradbook.files import note_read, require_replaceable, write_whole
from gradbook.language import tr
from gradbook.language.message import Message, message_count, said, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gradbook.audit.classes.rubric import BookScore
    from gradbook.audit.classes.submissions import StudentNames
    from gradbook.audit.findings import BookReport
    from gradbook.audit.many import Check

EXAMPLES = """\
  gradbook check book.xlsx                   what is wrong in it, and what would be right
  gradbook check submissions                 a whole class, with the mistakes they share
  gradbook check submissions --html class.html --csv grades.csv --out-of 20
                                             the same as a page, and a table of grades
  gradbook check submissions --csv grades.csv --names names.csv
                                             with the students' names, by exercise number
  gradbook check *.xlsx --annotate marked    copies with the wrong cells coloured and explained
  gradbook check book.xlsx --hints           where to look, without the solution
  gradbook check *.xlsx --annotate marked --hints --points
                                             the same in copies, with the score
  gradbook check submissions --out-of 20 --accept-elsewhere
                                             gradbook's own exercises: right formulas count that
                                             stand beside the cells that were to be filled in
  gradbook check *.xlsx --fix corrected      copies with the right formulas
  gradbook check book.xlsx --json            for a program
  gradbook check submissions --on tcp://host:8786 --record checked.jsonl
                                             100,000 books on a Dask cluster; if interrupted,
                                             the same command continues
"""

WORKERS = 2
WRONG, FAILED = 1, 2  # exit codes


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "books",
        nargs="+",
        metavar="BOOK",
        help="a workbook (.xlsx, .xlsm, .ods), a folder or a pattern",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every finding, not five of each sheet"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the report")
    parser.add_argument("--html", metavar="FILE", help="write a page with all the findings")
    parser.add_argument(
        "--csv",
        metavar="FILE.csv",
        type=file_ending_in(".csv"),
        help="write a table of grades, one row per book",
    )
    parser.add_argument(
        "--names",
        metavar="FILE",
        help="who handed in which book: a table with a number or file and a name in each row; a "
        "plain list of names starts at exercise 1",
    )
    parser.add_argument(
        "--points", action="store_true", help="show what each book earns: a point for each gradient"
    )
    parser.add_argument(
        "--out-of", metavar="N", type=positive, help="the points for a book with everything right"
    )
    parser.add_argument(
        "--repeated",
        metavar="N",
        type=positive,
        default=1.0,
        help="with points: how many gradients one mistake costs at most that is made in several, "
        "such as a sign that is wrong in all of them (default: 1; 100 charges each)",
    )
    parser.add_argument(
        "--accept-elsewhere",
        action="store_true",
        help="with points, for gradbook's own exercises: right formulas beside the cells that "
        "were to be filled in, or on another sheet, count as if they stood there",
    )
    parser.add_argument(
        "--annotate",
        metavar="DIR",
        help="write copies with the wrong cells coloured and notes added",
    )
    parser.add_argument(
        "--hints",
        action="store_true",
        help="say where to look and for what kind of mistake, without the right answer: in the "
        "report, the page, the JSON, the table and the annotated copies",
    )
    parser.add_argument("--fix", metavar="DIR", help="write copies with the right formulas")
    parser.add_argument(
        "--record",
        metavar="FILE",
        help="keep each book's findings in FILE as they come: the same command, given again, "
        "judges only the other books",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 64),
        default=WORKERS,
        help=f"how many books to judge at a time (default: {WORKERS})",
    )
    parser.add_argument(
        "--on",
        metavar="CLUSTER",
        help="check on a Dask cluster (tcp://host:8786 or cluster.yaml), to which the books are "
        "sent",
    )


def run(options: Namespace) -> int:
    from gradbook.audit.classes.rubric import Rubric, score_each
    from gradbook.audit.classes.submissions import name_each

    names = _names(options)
    rubric = Rubric(
        options.out_of,
        repeated=options.repeated,
        accept_elsewhere=options.accept_elsewhere,
    )
    with _checked(options) as reports:
        named = reports if names is None else name_each(reports, names)
        return _told(options, named, score_each(named, rubric), names)


def _shown(options: Namespace, reports: Sequence[BookReport]) -> Sequence[BookReport]:
    """The reports as whoever looks at them may see them."""
    if not options.hints:
        return reports
    from gradbook.audit.findings import MappedReports, with_hints

    return MappedReports(reports, with_hints)


def _names(options: Namespace) -> StudentNames | None:
    if not options.names:
        return None
    from gradbook.lab.classroom import read_student_names

    return read_student_names(options.names)


def _told(
    options: Namespace,
    reports: Sequence[BookReport],
    scores: Sequence[BookScore],
    names: StudentNames | None,
) -> int:
    """Everything that is asked for; the exit code."""
    shown = _shown(options, reports)
    if options.json:
        from gradbook.audit.classes.marks import class_json

        for piece in class_json(shown, scores):
            print_as_json(piece)
    else:
        from gradbook.report.audit import audit_lines

        show(audit_lines(shown, width(), _asked(options, scores), options.verbose))
    written, problems = _write(options, shown, scores)
    if options.fix:
        from gradbook.audit.classes.reports import ReadableReports

        written += _write_corrected(options, ReadableReports(reports), problems)
    if options.csv or names:
        from gradbook.audit.classes.submissions import remarks_on_students

        written += remarks_on_students(reports, names)
    for line in () if options.json else written:
        print(one_line(said(line)))
    for line in problems:
        print(f"gradbook: {one_line(said(line))}", file=sys.stderr)
    return FAILED if problems else _code(reports)


@contextmanager
def _checked(options: Namespace) -> Iterator[Sequence[BookReport]]:
    """The reports, each of which is read from a file when it is asked for."""
    from gradbook.audit.check import check
    from gradbook.audit.classes.reports import StoredReports
    from gradbook.audit.classes.submissions import find_submissions

    books = find_submissions(options.books, [options.annotate, options.fix])
    note_read(*books)  # which others may do for us
    require_replaceable(options.html, options.csv)
    with StoredReports(books, options.record) as reports:
        left = reports.list_missing()
        done = len(books) - len(left)
        with counting(tr("books checked"), len(books)) as tell:
            for number, report in _reports([books[n] for n in left], options, check):
                reports.put(left[number], report)
                tell(done := done + 1)
        yield reports


def _reports(
    books: Sequence[str], options: Namespace, check: Check
) -> Iterator[tuple[int, BookReport]]:
    """By the workers that are asked for, as they come."""
    from gradbook.audit.many import LONGEST, TOGETHER, checked_by, checked_here

    if not options.on:
        yield from checked_here(books, options.workers, check)
        return
    from gradbook.work.cluster import ClusterCrew

    yield from checked_by(ClusterCrew(options.on, TOGETHER, LONGEST), books, check)


def _judged_again(copies: Sequence[str], options: Namespace) -> Iterator[BookReport]:
    from gradbook.audit.check import check_again
    from gradbook.audit.many import in_their_order

    return in_their_order(_reports(copies, options, check_again))


def _asked(options: Namespace, scores: Sequence[BookScore]) -> Sequence[BookScore]:
    """The scores where somebody wants to see them."""
    return scores if options.points or options.out_of else ()


def _code(reports: Sequence[BookReport]) -> int:
    verdicts = {report.verdict for report in reports}
    if "unreadable" in verdicts:
        return FAILED
    return 0 if verdicts == {"right"} else WRONG


def _write(
    options: Namespace, reports: Sequence[BookReport], scores: Sequence[BookScore]
) -> tuple[list[str], list[str]]:
    """The page, the grades and the marked copies that are asked for; what to say, what failed."""
    from gradbook.audit.classes.reports import ReadableReports

    written: list[str] = []
    problems: list[str] = []
    if options.html:
        from gradbook.report.audit_page import audit_page

        write_whole(options.html, audit_page(reports, _asked(options, scores)))
        written.append(Message("wrote {file}", file=options.html))
    if options.csv:
        from gradbook.report.audit import grades

        write_whole(options.csv, grades(reports, scores))
        written.append(Message("wrote {file}", file=options.csv))
    if options.annotate:
        readable = ReadableReports(reports)
        copies = Copies(options.annotate, readable, problems)
        shown = _asked(options, scores)
        for number, place in enumerate(readable.places):
            score = shown[place] if shown else None
            copies.write(number, partial(_annotated, reports[place], score))
        written.append(
            message_count(
                "{number} annotated book in {folder}",
                "{number} annotated books in {folder}",
                copies.count,
                number=f"{copies.count:,}",
                folder=options.annotate,
            )
        )
    return written, problems


def _annotated(report: BookReport, score: BookScore | None) -> bytes:
    from gradbook.audit.copies.annotate import annotate

    return annotate(report.book, report, score)


def _write_corrected(
    options: Namespace, reports: Sequence[BookReport], problems: list[str]
) -> Iterator[str]:
    """The corrected copies that are better than their books; what is to be said of all."""
    from gradbook.audit.copies.correct import corrections

    copies = Copies(options.fix, reports, problems)
    remarks: list[str] = []
    with counting(tr("books corrected"), len(reports)) as tell:
        checking = partial(_judged_again, options=options)
        for number, found in enumerate(corrections(reports, checking)):
            if found.content:
                copies.write(number, partial(bytes, found.content))
            problems += found.problems
            remarks += found.remarks
            tell(number + 1)
    yield message_count(
        "{number} corrected book in {folder}",
        "{number} corrected books in {folder}",
        copies.count,
        number=f"{copies.count:,}",
        folder=options.fix,
    )
    yield from remarks


# Copies. Where one can't be written the others are.


class Copies:
    """A folder for copies of some books, and what went wrong there."""

    def __init__(self, folder: str, reports: Sequence[BookReport], problems: list[str]) -> None:
        from gradbook.audit.classes.submissions import copy_names
        from gradbook.files import made_folder

        self.folder = made_folder(folder)
        self.books = [report.book for report in reports]
        self.names = copy_names(self.books)
        self.problems = problems
        self.count = 0

    def write(self, number: int, content: Callable[[], bytes]) -> None:
        """One book's copy, unless it can't be made or something else is in its place."""
        path = self.folder / self.names[number]
        if path.is_symlink():  # into whatever folder it leads
            said = "{file} already exists: remove it or name another folder"
            self.problems.append(Message(said, file=str(path)))
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


ENTRIES = {"check": Verb(__doc__, EXAMPLES, add_arguments, run, True, writes_files=True)}
