"""Programs among what `gradbook check` is to check: they are run, shown, written and corrected.

A program is only run if the command line names it; folders and patterns find workbooks alone.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gradbook.cli.argument_kinds import format_of
from gradbook.cli.output import (
    busy,
    print_as_json,
    print_json,
    print_written,
    say,
    show,
    width,
    write_or_print,
)
from gradbook.errors import GradbookError, UsageError, one_line
from gradbook.files import made_folder, note_read, require_replaceable, write_whole
from gradbook.language import tr
from gradbook.language.message import Message, translate, words_of

if TYPE_CHECKING:
    from gradbook.audit.programs.program_report import ProgramReport

ENDINGS = (".py", ".ipynb")
PAGE = ".html"
SECONDS = 20  # for which a program may run
RIGHT, WRONG, FAILED = 0, 1, 2  # exit codes
OF_BOOKS = ("annotate", "page", "record")  # options


def programs_and_books(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The programs that these words name, each once, and the other words."""
    programs: dict[str, None] = {}
    books: list[str] = []
    for word in words:
        if names_program(word):
            programs[word] = None
        else:
            books.append(word)
    return list(programs), books


@dataclass
class CheckedPrograms:
    """The reports, and what couldn't be done."""

    reports: list[ProgramReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        """The exit code."""
        verdicts = {report.verdict for report in self.reports}
        if self.problems or "fault" in verdicts:
            return FAILED
        return RIGHT if verdicts <= {"right"} else WRONG


def check_programs(options: Namespace, programs: Sequence[str]) -> CheckedPrograms:
    """Run the programs, and write all that is asked for; nothing is printed yet."""
    _require_possible(options, programs)
    note_read(*programs)
    checked = CheckedPrograms()
    for program in programs:
        try:
            checked.reports.append(_checked(program, options.seconds, printing(options)))
        except GradbookError as error:
            checked.problems.append(words_of(error))
    if options.fix:
        _correct(options, checked)
    if options.hints:
        from gradbook.audit.programs.program_report import with_hints

        checked.reports = list(map(with_hints, checked.reports))
    for file in options.out if checked.reports else ():
        from gradbook.report.program_page import program_page

        write_whole(file, program_page(checked.reports[0], options.typed))
        checked.written.append(Message("wrote {file}", file=file))
    return checked


def printing(options: Namespace) -> IO[bytes] | None:
    """Where the output of programs goes, if it is asked for: it isn't mixed with the report."""
    return getattr(sys.stderr, "buffer", None) if options.verbose else None


def _checked(program: str, seconds: float, output: IO[bytes] | None) -> ProgramReport:
    """The report with the loss's course, as written and corrected."""
    from gradbook.audit.programs.check_program import check_program
    from gradbook.audit.programs.courses import with_courses

    def judge(text: str) -> ProgramReport:
        return check_program(program, seconds=seconds, text=text)

    first = check_program(program, seconds=seconds, output=output)
    return with_courses(first, seconds, judge)


def _require_possible(options: Namespace, programs: Sequence[str]) -> None:
    """Refuse, before anything is run, what can't be done for these programs."""
    if options.out and (options.books or len(programs) > 1):
        raise UsageError("-o writes the page of one program: check it in a command of its own")
    for file in options.out:
        if not file.lower().endswith(PAGE):
            raise UsageError(f"'{file}' can't hold a program's findings: end it in {PAGE}")
    for name in () if options.books else OF_BOOKS:
        if getattr(options, name):
            raise UsageError(f"--{name} is for workbooks: leave it out for a program")
    one_file = options.fix if options.fix and names_program(options.fix) else None
    if one_file and (options.books or len(programs) > 1):
        raise UsageError(f"{one_file} is the name of one program: name a folder")
    require_replaceable(*options.out, *([one_file] if one_file else []))


def _correct(options: Namespace, checked: CheckedPrograms) -> None:
    """Write the programs that are right with all changes; those that are right already stay."""
    from gradbook.audit.classes.submissions import copy_names
    from gradbook.audit.programs.check_program import check_program
    from gradbook.audit.programs.correcting import correct_program

    names = copy_names([report.file for report in checked.reports])
    for report, name in zip(checked.reports, names, strict=True):
        if report.verdict in ("right", "fault"):
            continue

        def judge(text: str, file: str = report.file) -> ProgramReport:
            return check_program(file, seconds=options.seconds, text=text)

        try:
            corrected = correct_program(report, judge)
            if corrected.problem:
                checked.problems.append(corrected.problem)
                continue
            if not names_program(options.fix):
                made_folder(options.fix)
            path = Path(options.fix) if names_program(options.fix) else Path(options.fix) / name
            if path.is_symlink():  # which may lead to any folder
                taken = "{file} already exists: remove it or name another folder"
                checked.problems.append(Message(taken, file=str(path)))
                continue
            write_whole(path, corrected.content)
            checked.written.append(Message("wrote {file}", file=str(path)))
        except GradbookError as error:
            checked.problems.append(words_of(error))


# What is printed --------------------------------------------------------------


def show_programs(options: Namespace, checked: CheckedPrograms) -> None:
    """Print the reports, and after them which files were written and what failed."""
    from gradbook.report.program_text import program_lines

    for number, report in enumerate(checked.reports):
        if number:
            print()
        command = "" if options.fix or options.hints else fixing(report.file)
        show(program_lines(report, width(), everything=options.verbose, command=command))
    for line in checked.written:
        say(one_line(translate(line)))
    tell_problems(checked)


def tell_problems(checked: CheckedPrograms) -> None:
    for line in checked.problems:
        print(f"gradbook: {one_line(translate(line))}", file=sys.stderr)


def fixing(file: str) -> str:
    """The command that writes the corrected program."""
    return f"gradbook check {shlex.quote(file)} --fix fixed"


def print_programs(checked: CheckedPrograms) -> None:
    """The programs' reports alone, as JSON."""
    print_as_json(f"{_as_json({'version': 1, 'programs': records_of(checked)})}\n")


def with_programs(pieces: Iterable[str], checked: CheckedPrograms) -> Iterator[str]:
    """The text of the books' reports as JSON, in pieces, and the programs' beside them."""
    last = ""
    for piece in pieces:
        yield last
        last = piece
    before, end, _ = last.rpartition("\n}")
    programs = _as_json(records_of(checked)).replace("\n", "\n ")
    yield f'{before},\n "programs": {programs}{end}\n'


def records_of(checked: CheckedPrograms) -> list[dict[str, Any]]:
    from gradbook.audit.programs.program_json import program_record

    return list(map(program_record, checked.reports))


def _as_json(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)


# Explained, and as a sheet ------------------------------------------------------

CHAIN_ENDINGS = {".txt": "text", ".html": "html"}


def names_program(word: str) -> bool:
    """Whether the word is the name of a program and not of a network."""
    return word.lower().endswith(ENDINGS) and not os.path.isdir(word)


def explain_one_program(options: Namespace) -> int:
    """Run the program, and write the chain from its loss back to a weight."""
    from dataclasses import asdict

    from gradbook.audit.programs.check_program import explain_program
    from gradbook.report.program_chain import chain_lines, chain_page, chain_text

    _refuse_for_programs(options, "set", "data", "image", "of", "by")
    chosen = format_of(options, CHAIN_ENDINGS)
    note_read(options.net)
    chain = explain_program(options.net, options.only or "")
    if chosen == "text" and not options.out:
        show(chain_lines(chain, width()))
    elif chosen == "json":
        print_json(asdict(chain))
    else:
        text = chain_page(chain, options.typed) if chosen == "html" else chain_text(chain)
        write_or_print(text, options.out)
    return RIGHT


def _refuse_for_programs(options: Namespace, *flags: str) -> None:
    for flag in flags:
        if getattr(options, flag) not in (None, [], False):
            raise UsageError(f"--{flag} isn't for programs: leave it out for {options.net}")


def write_sheet_of_program(options: Namespace) -> int:
    """Run the program, and write one step of its training as a live workbook."""
    from gradbook.audit.programs.check_program import sheet_of_program
    from gradbook.report.workbook import require_excel

    _refuse_for_programs(options, "epochs", "rates", "data", "set", "exercise", "blank", "solution")
    _refuse_for_programs(options, "of", "by", "learn")
    path = Path(options.out or f"{Path(options.net).stem}.xlsx")
    require_excel(path)
    require_replaceable(path)
    note_read(options.net)
    with busy(tr("running {file}", file=options.net)):
        content = sheet_of_program(options.net)
    write_whole(path, content)
    print_written(path)
    say(tr("open it: change a weight, and the loss and all gradients follow"))
    return RIGHT


def page_of_program(options: Namespace) -> str:
    """Run the program; the page explores the loss in the workbook of one step of its training."""
    from tempfile import TemporaryDirectory

    from gradbook.audit.programs.check_program import sheet_of_program
    from gradbook.cli.workbooks import page_of_workbook

    _refuse_for_programs(options, "set", "data", "train")
    note_read(options.net)
    with busy(tr("running {file}", file=options.net)):
        content = sheet_of_program(options.net)
    with TemporaryDirectory(prefix="gradbook-") as folder:
        workbook = Path(folder, f"{Path(options.net).stem}.xlsx")
        workbook.write_bytes(content)
        options.net, options.of = str(workbook), options.of or "loss"
        return page_of_workbook(options)
