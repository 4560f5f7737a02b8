"""Run a class: make its exercises, collect what comes back, mark it by your rubric.

'init' makes a workbook for each name, a handout with its key, and a rubric to change. 'collect'
takes in files, folders and archives as Moodle or Canvas give them. 'mark' judges what is new,
keeps what you changed in marks.csv, and writes feedback for each student, a page of the class, and
grades for Moodle, Canvas and Google Classroom. Each can be run again at any time.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import Verb, network, one_of, whole_number
from gradbook.cli.output import counting
from gradbook.errors import UsageError, one_line
from gradbook.files import renew
from gradbook.language import tr, tr_count
from gradbook.language.message import said

if TYPE_CHECKING:
    from gradbook.teaching.classes.folder import ClassPlan

EXAMPLES = """\
  gradbook class init rain --names names.csv --net rain.txt
                                             exercises, handouts and keys into the folder rain
  gradbook class init rain --names names.csv --net rain.txt --places 4 --paper letter
  gradbook class collect rain download.zip   what Moodle or Canvas gives, into rain/handed-in
  gradbook class mark rain                   marks, feedback, a page, grades; run it again after
                                             changing rubric.toml or marks.csv
  gradbook class mark rain --hints           feedback that doesn't give the solution
"""
WORKERS = 2
MAKING = {"names": "names", "net": "net", "blank": "blank", "places": "places", "paper": "paper"}
MAKING |= {"check_sheet": "check-sheet", "epochs": "epochs"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        type=one_of("init", "collect", "mark"),
        help="init, collect or mark",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the folder of the class")
    parser.add_argument(
        "sources", nargs="*", metavar="FILE", help="with collect: books, folders, .zip archives"
    )
    making = parser.add_argument_group("init")
    making.add_argument("--names", metavar="FILE.csv", help="the students: a name per row")
    making.add_argument("--net", metavar="NET", help="the network (default: worked)")
    making.add_argument(
        "--blank",
        metavar="KINDS",
        help="what to leave blank: forward, loss, gradients and update, separated by commas "
        "(default: gradients)",
    )
    making.add_argument(
        "--places",
        metavar="N",
        type=whole_number(1),
        help="leave only N of those columns blank, different ones for each student",
    )
    making.add_argument(
        "--check-sheet",
        metavar="on|off",
        type=one_of("on", "off"),
        help="whether the workbooks say what is right (default: off)",
    )
    making.add_argument(
        "--epochs", metavar="N", type=whole_number(2, 1000), help="rows to train (default: 20)"
    )
    making.add_argument(
        "--paper",
        metavar="PAPER",
        type=one_of("a4", "letter", "none"),
        help="the paper of handouts, keys and feedback as PDF, or none (default: a4)",
    )
    marking = parser.add_argument_group("mark")
    marking.add_argument(
        "--hints", action="store_true", help="feedback says where to look, not what is right"
    )
    marking.add_argument(
        "--accept-elsewhere",
        action="store_true",
        help="right formulas beside the cells that were to be filled in, or on another sheet, "
        "count as if they stood there (default: as rubric.toml says)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 64),
        default=WORKERS,
        help=f"how many students to work on at a time (default: {WORKERS})",
    )


def run(options: Namespace) -> int:
    for name, flag in MAKING.items():
        if getattr(options, name) is not None and options.what != "init":
            raise UsageError(f"--{flag} is for init: {options.what} takes it from class.toml")
    for flag in ("hints", "accept_elsewhere"):
        if getattr(options, flag) and options.what != "mark":
            raise UsageError(f"--{flag.replace('_', '-')} is for mark")
    if options.sources and options.what != "collect":
        raise UsageError(
            f"unexpected argument '{options.sources[0]}': collect takes in what is handed in"
        )
    renew(options.folder)
    return {"init": _init, "collect": _collect, "mark": _mark}[options.what](options)


def _init(options: Namespace) -> int:
    from gradbook.teaching.classes.class_page import student_count
    from gradbook.teaching.classes.folder import EXERCISES, HANDED_IN, RUBRIC, begin_class
    from gradbook.teaching.classes.making import make_class, require_paper

    if not options.names:
        raise UsageError("who is in the class? Give the list with --names names.csv")
    plan = _plan(options)
    require_paper(plan)
    folder = begin_class(options.folder, plan, options.names)
    with counting(tr("students"), len(folder.students)) as tell:
        made = make_class(folder, options.workers, tell)
    exercises = tr_count(
        "{number} exercise made", "{number} exercises made", made, number=f"{made:,}"
    )
    print(f"{options.folder}: {student_count(len(folder.students))}, {exercises}")
    print(
        tr(
            "hand out what is in {exercises}, look at {rubric}, and put what comes back into "
            "{handed_in}",
            exercises=EXERCISES,
            rubric=RUBRIC,
            handed_in=HANDED_IN,
        )
    )
    return 0


def _plan(options: Namespace) -> ClassPlan:
    from gradbook.targets.excel.plan.columns import read_kinds
    from gradbook.teaching.classes.folder import ClassPlan

    net = network(options.net or "worked")
    kinds = read_kinds([word.strip() for word in (options.blank or "gradients").split(",")])
    return ClassPlan(
        str(net),
        kinds,
        options.places or 0,
        options.check_sheet == "on",
        options.epochs or 20,
        "" if options.paper == "none" else options.paper or "a4",
    )


def _collect(options: Namespace) -> int:
    from gradbook.teaching.classes.collecting import collect
    from gradbook.teaching.classes.folder import open_class

    new, problems = collect(open_class(options.folder), options.sources)
    where = f"{options.folder}/handed-in"
    print(
        tr_count(
            "{number} new book in {folder}",
            "{number} new books in {folder}",
            new,
            number=f"{new:,}",
            folder=where,
        )
    )
    return _said(problems)


def _mark(options: Namespace) -> int:
    from gradbook.teaching.classes.collecting import collect, handed_in
    from gradbook.teaching.classes.folder import FEEDBACK, GRADES, MARKS, PAGE, open_class
    from gradbook.teaching.classes.marking import mark_class

    folder = open_class(options.folder)
    _, problems = collect(folder, ())  # archives that were put there
    with counting(tr("books"), len(handed_in(folder))) as tell:
        found = mark_class(
            folder,
            options.workers,
            hints=options.hints,
            accept_elsewhere=options.accept_elsewhere,
            tell=tell,
        )
    marked = tr_count(
        "{some} of {number} student marked, feedback for {made} written",
        "{some} of {number} students marked, feedback for {made} written",
        len(found.marks),
        some=found.marked,
        number=f"{len(found.marks):,}",
        made=found.made,
    )
    print(f"{options.folder}: {marked}")
    files = {"marks": MARKS, "page": PAGE, "feedback": FEEDBACK, "grades": GRADES}
    print(tr("{marks}, {page}, {feedback} and {grades} are in the folder", **files))
    return _said([*found.remarks, *problems])


def _said(problems: list[str]) -> int:
    for line in problems:
        print(f"gradbook: {one_line(said(line))}", file=sys.stderr)
    return 1 if problems else 0


ENTRIES = {"class": Verb(__doc__, EXAMPLES, add_arguments, run, is_translated=True)}
