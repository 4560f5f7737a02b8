"""Python's answers to a page in the browser: judged books, their copies, a class's results.

No process or thread is started, for the caller is a worker that may die of a book. Therefore no
state is kept here: a report is returned as a line, and is passed in again as one. What only copies
and derivatives need is imported when they are asked for, so that the first book is judged sooner.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import PurePosixPath
from typing import Any

from gradbook.audit.check_book import check_again, report_on
from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.reports import line_of, report_of_line
from gradbook.audit.classes.scoring import score_each
from gradbook.audit.findings import UNREADABLE, WORST_FIRST, BookReport
from gradbook.cells.formula.address import sheet_of
from gradbook.errors import GradbookError, one_line
from gradbook.files import in_order
from gradbook.folders import temporary_folder
from gradbook.language import in_language, tr
from gradbook.language.message import Message, message_count, translate, words_of
from gradbook.report.audit import grades_csv
from gradbook.report.audit_class import ClassTable, class_chapters
from gradbook.report.audit_page import audit_page, book_blocks
from gradbook.report.findings import reason_of, verdict_counts, verdict_words
from gradbook.report.markup import cell_markup, markup, words_markup

PREFIXES = re.compile(r"_xlfn\.|_xlws\.")
CELLS = (1, 2, 3, 5)  # columns of a class's table: student, verdict, gradients, findings


# A book ---------------------------------------------------------------------------


def judge(language: str, name: str, content: bytes) -> str:
    """What the page shows of a book, as JSON."""
    with in_language(language):
        try:
            with _laid_out(name, content) as path:
                report = report_on(path)
        except Exception as error:
            report = BookReport(name, UNREADABLE, problem=reason_of(error))
        return json.dumps(told_of(report))


def lose(language: str, name: str, seconds: int) -> str:
    """The same for a book on which a worker died: too slow, or with 0 seconds, too large."""
    why = Message("there isn't enough memory for it")
    if seconds:
        why = message_count(
            "it takes longer than {count} second", "it takes longer than {count} seconds", seconds
        )
    with in_language(language):
        problem = Message("it couldn't be checked: {problem}", problem=why)
        return json.dumps(told_of(BookReport(name, UNREADABLE, problem=problem)))


def told_of(report: BookReport) -> dict[str, Any]:
    """What the page shows of a book."""
    row = ClassTable([report], (), has_parts=False).row(0)
    return {
        "line": line_of(report),
        "verdict": report.verdict,
        "said": f"{tr(report.verdict)}{verdict_words(report)}",
        "cells": [cell_markup(row[place]) for place in CELLS],
        "html": markup(book_blocks(report)),
        "isWrong": any(sheet.findings for sheet in report.sheets),
    }


def cell_marks(language: str, line: str) -> str:
    """What is marked, noted and corrected in the open workbook of Excel, as JSON."""
    from gradbook.report.in_spreadsheet import shown_check

    with in_language(language):
        return json.dumps(
            [
                {
                    "sheet": entry.sheet,
                    "cells": entry.cells,
                    "fill": entry.mark.fill,
                    "note": entry.note,
                    "formulas": _as_typed(entry.formulas),
                    "arrays": _as_typed(entry.arrays),
                }
                for entry in shown_check(report_of_line(line)).entries
                if entry.mark is not None
            ]
        )


def _as_typed(formulas: Mapping[str, str]) -> dict[str, str]:
    """Without the prefixes that files give to newer functions."""
    return {cell: PREFIXES.sub("", formula) for cell, formula in formulas.items()}


def mark(language: str, name: str, content: bytes, line: str) -> tuple[bytes, str]:
    """The copy with wrong cells coloured, or why there is none."""
    from gradbook.audit.copies.annotate import annotate

    return _copied(language, name, content, lambda: (annotate(name, report_of_line(line)), []))


def correct(language: str, name: str, content: bytes, line: str) -> tuple[bytes, str]:
    """The copy with the right formulas, if it is better; and remarks on it."""
    from gradbook.audit.copies.correct import correction_of

    def copied() -> tuple[bytes, list[str]]:
        made = correction_of(report_of_line(line), check_again)
        return made.content, [*made.problems, *made.remarks]

    return _copied(language, name, content, copied)


def _copied(
    language: str, name: str, content: bytes, copy: Callable[[], tuple[bytes, list[str]]]
) -> tuple[bytes, str]:
    with in_language(language):
        try:
            with _laid_out(name, content):
                made, remarks = copy()
        except Exception as error:
            problem = Message("can't copy {book}: {reason}", book=name, reason=reason_of(error))
            made, remarks = b"", [problem]
        return made, "\n".join(one_line(translate(line)) for line in remarks)


@contextmanager
def _laid_out(name: str, content: bytes) -> Iterator[str]:
    """The book in a folder, in which it has the name that the page gives it."""
    path = str(PurePosixPath(*(it for it in PurePosixPath(name).parts if it not in ("/", ".."))))
    with temporary_folder() as folder:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        with chdir(folder):
            yield path


# Its derivatives ------------------------------------------------------------------


def derive(language: str, name: str, content: bytes, of: str) -> str:
    """A book's sheets, coloured by how strongly a cell depends on their cells, as JSON; if none is
    named, it is the likeliest result."""
    from gradbook.derivatives.public_book import read_book
    from gradbook.report.derivatives import derivatives_list
    from gradbook.report.sheet_heat import Heats, heats_of, whole_sheet

    shown: dict[str, Any] = {"sheets": [], "shown": 0, "result": "", "list": "", "problem": ""}
    with in_language(language):
        try:
            with _laid_out(name, content) as path:
                book = read_book(path)
                heats = Heats()
                try:
                    likeliest = book.results[0] if book.results else None
                    derivatives = book.derivatives(of or likeliest)
                    heats = heats_of(derivatives)
                    result = derivatives.result
                    shown |= {"shown": sheet_of(result.address), "result": result.name}
                    shown["list"] = derivatives_list(derivatives)
                except GradbookError as error:
                    shown["problem"] = one_line(translate(words_of(error)))
                shown["sheets"] = [
                    {"title": title, "html": whole_sheet(book.content, number, heats)}
                    for number, title in enumerate(book.sheets)
                ]
        except Exception as error:
            shown["problem"] = one_line(translate(reason_of(error)))
        return json.dumps(shown)


def write_derivatives(language: str, name: str, content: bytes, of: str) -> tuple[bytes, str]:
    """The copy with derivatives as live formulas, or why there is none."""
    from gradbook.derivatives.public_book import read_book

    def copied() -> tuple[bytes, list[str]]:
        path = PurePosixPath(name)
        copy = read_book(path.name).write(f"derivatives{path.suffix}", of)
        return copy.read_bytes(), []

    return _copied(language, PurePosixPath(name).name, content, copied)


# All of them ----------------------------------------------------------------------


def sum_up(language: str, lines: Sequence[str]) -> str:
    """The results of some books, and what they have in common, as JSON."""
    with in_language(language):
        return json.dumps(summary_of(_reports(lines)))


def summary_of(reports: Sequence[BookReport]) -> dict[str, Any]:
    count = Counter(report.verdict for report in reports)
    chapters = class_chapters(reports) if len(reports) > 1 else ()
    return {
        "said": verdict_counts(reports),
        "counts": {word: count[word] for word in WORST_FIRST if count[word]},
        "verdicts": {word: tr(word) for word in count},
        "common": [
            {"heading": words_markup(it.heading), "html": markup(it.blocks)} for it in chapters
        ],
    }


def write(language: str, ending: str, lines: Sequence[str]) -> bytes:
    """The file that the command would write about these books."""
    reports = _reports(lines)
    with in_language(language):
        return WRITERS[ending](reports).encode("utf-8", "backslashreplace")


WRITERS: dict[str, Callable[[Sequence[BookReport]], str]] = {
    ".html": audit_page,
    ".csv": lambda reports: grades_csv(reports, score_each(reports)),
    ".json": lambda reports: "".join(class_json(reports, score_each(reports))),
}


def _reports(lines: Sequence[str]) -> list[BookReport]:
    """The reports in the order in which the command would find their books."""
    return sorted(map(report_of_line, lines), key=lambda report: in_order(report.book))
