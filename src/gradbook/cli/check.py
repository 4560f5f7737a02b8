"""Audit workbooks that somebody made: every gradient held against the chain rule of its own loss.

No key and no fixed layout are needed: the formulas are read (and never run), the training is found
by what it does, and what is wrong is said with its cells, its reason and the right formula.
Exit code 0: all are right; 1: something is wrong, unfinished or no network; 2: unreadable.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from time import monotonic
from typing import TYPE_CHECKING

from gradbook.cli.options import whole_number
from gradbook.cli.terminal import show, width
from gradbook.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gradbook.audit.findings.findings import BookReport

EXAMPLES = """\
  gradbook check book.xlsx                   what is wrong in it, and what would be right
  gradbook check submissions/*.xlsx          a whole class: also which mistakes are shared
  gradbook check *.xlsx --html class.html    the same as a page
  gradbook check *.xlsx --annotate marked    copies with the wrong cells coloured and explained
  gradbook check *.xlsx --fix corrected      copies with the right formulas
  gradbook check book.xlsx --json            for a program
"""

PATIENCE = 1.0  # seconds before there is word of progress
WORKERS = 2
WRONG, UNREADABLE = 1, 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("books", nargs="+", metavar="BOOK", help="a workbook (.xlsx, .xlsm)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the report")
    parser.add_argument("--html", metavar="FILE", help="write a page with all that was found")
    parser.add_argument(
        "--annotate", metavar="DIR", help="write copies whose wrong cells are coloured, with notes"
    )
    parser.add_argument("--fix", metavar="DIR", help="write copies with the right formulas")
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 64),
        default=WORKERS,
        help=f"how many books at once (default: {WORKERS})",
    )


def run(options: Namespace) -> int:
    reports = list(_reports(options.books, options.workers))
    if options.json:
        _print_json(reports)
    else:
        from gradbook.report.audit.text import lines

        show(lines(reports, width()))
    return max(_write(options, reports), _code(reports))


def _write(options: Namespace, reports: Sequence[BookReport]) -> int:
    """The page and the copies that are asked for; the exit code that they deserve."""
    if not (options.html or options.annotate or options.fix):
        return 0
    from gradbook.cli.check_copies import Said, write_annotated, write_fixed, write_page

    said = Said()
    if options.html:
        write_page(reports, options.html, said)
    if options.annotate:
        write_annotated(reports, options.annotate, said)
    if options.fix:
        write_fixed(reports, options.fix, said)
    for line in () if options.json else said.done:
        print(one_line(line))
    for line in said.problems:
        print(f"gradbook: {one_line(line)}", file=sys.stderr)
    return UNREADABLE if said.problems else 0


def _print_json(reports: Sequence[BookReport]) -> None:
    import json

    from gradbook.audit.findings.findings import record

    print(json.dumps(record(list(reports)), ensure_ascii=False, indent=1, allow_nan=False))


def _code(reports: Sequence[BookReport]) -> int:
    verdicts = {report.verdict for report in reports}
    if "unreadable" in verdicts:
        return UNREADABLE
    return 0 if verdicts == {"right"} else WRONG


def _reports(books: Sequence[str], workers: int) -> Iterator[BookReport]:
    """A report for each book, in their order; several at once where there are several."""
    from gradbook.audit.many import check_books

    begun, said = monotonic(), False
    for done, report in enumerate(check_books(books, workers), 1):
        yield report
        if len(books) > 1 and monotonic() - begun > PATIENCE and sys.stderr.isatty():
            said = True
            print(f"\r{done} of {len(books)} books checked …", end="", file=sys.stderr, flush=True)
    if said:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
