"""Runs a class: makes its exercises, collects what comes back, marks it by its rubric."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import OneOf, network, whole_number
from gradbook.cli.output import counting
from gradbook.cli.page import Verb
from gradbook.errors import UsageError, one_line
from gradbook.files import renew
from gradbook.language import tr, tr_count
from gradbook.language.message import said

if TYPE_CHECKING:
    from gradbook.teaching.classes.folder import ClassPlan

WORKERS = 2
MAKING = {"names": "names", "net": "net", "blank": "blank", "places": "places", "paper": "paper"}
MAKING |= {"check_sheet": "check-sheet", "epochs": "epochs"}


def run(options: Namespace) -> int:
    for name, flag in MAKING.items():
        if getattr(options, name) is not None and options.what != "init":
            raise UsageError(f"--{flag} is for init: {options.what} takes it from class.toml")
    for flag in ("hints", "accept_elsewhere"):
        if getattr(options, flag) and options.what != "mark":
            raise UsageError(f"--{flag.replace('_', '-')} is for mark")
    if options.files and options.what != "collect":
        raise UsageError(
            f"unexpected argument '{options.files[0]}': collect takes in what is handed in"
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
    exercises = tr_count("{number} exercise made", "{number} exercises made", made)
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

    new, problems = collect(open_class(options.folder), options.files)
    where = f"{options.folder}/handed-in"
    print(
        tr_count(
            "{number} new book in {folder}",
            "{number} new books in {folder}",
            new,
            folder=where,
        )
    )
    return _print_problems(problems)


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
        made=found.made,
    )
    print(f"{options.folder}: {marked}")
    files = {"marks": MARKS, "page": PAGE, "feedback": FEEDBACK, "grades": GRADES}
    print(tr("{marks}, {page}, {feedback} and {grades} are in the folder", **files))
    return _print_problems([*found.remarks, *problems])


def _print_problems(problems: list[str]) -> int:
    for line in problems:
        print(f"gradbook: {one_line(said(line))}", file=sys.stderr)
    return 1 if problems else 0


ENTRIES = {
    "class": Verb(
        run,
        kinds={
            "what": OneOf("init", "collect", "mark"),
            "places": whole_number(1),
            "epochs": whole_number(2, 1000),
            "workers": whole_number(1, 64),
        },
        defaults={"workers": WORKERS},
        facts=lambda: {"workers": WORKERS},
    )
}
