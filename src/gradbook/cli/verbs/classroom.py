"""Runs a class: makes its exercises, collects the answers, marks them; also on a page."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import network, whole_number
from gradbook.cli.help_page import Verb
from gradbook.cli.output import counting, say
from gradbook.errors import UsageError, one_line
from gradbook.files import guarded, renew
from gradbook.language import mark, tr, tr_count
from gradbook.language.message import translate

if TYPE_CHECKING:
    from gradbook.teaching.classes.folder import ClassPlan

WORKERS = 2


# Init, collect, mark -----------------------------------------------------------


def run_init(options: Namespace) -> int:
    from gradbook.teaching.classes.class_page import student_count
    from gradbook.teaching.classes.folder import EXERCISES, HANDED_IN, RUBRIC, begin_class
    from gradbook.teaching.classes.making import make_class, require_paper

    renew(options.folder)  # the class checks these files itself, one by one
    plan = _plan(options)
    require_paper(plan)
    folder = begin_class(options.folder, plan, options.names, options.force)
    with counting(tr("students"), len(folder.students)) as tell:
        made = make_class(folder, options.workers, tell)
    exercises = tr_count("{number} exercise made", "{number} exercises made", made)
    say(f"{options.folder}: {student_count(len(folder.students))}, {exercises}")
    say(
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
    from gradbook.targets.excel.plan.column_order import read_kinds
    from gradbook.teaching.classes.folder import ClassPlan

    net = network(options.net)
    kinds = read_kinds([word.strip() for word in options.blank.split(",")])
    return ClassPlan(
        str(net),
        kinds,
        options.places or 0,
        options.check_sheet == "on",
        options.epochs,
        "" if options.paper == "none" else options.paper,
    )


def run_collect(options: Namespace) -> int:
    from gradbook.teaching.classes.collecting import collect
    from gradbook.teaching.classes.folder import open_class

    renew(options.folder)
    collected = collect(open_class(options.folder), options.files)
    where = f"{options.folder}/handed-in"
    say(
        tr_count(
            "{number} new workbook in {folder}",
            "{number} new workbooks in {folder}",
            collected.new,
            folder=where,
        )
    )
    if collected.by_programs:
        files = ", ".join(map(one_line, collected.by_programs))
        say(tr("left out, for no student made them: {files}", files=files))
    return _print_problems(collected.problems)


def run_mark(options: Namespace) -> int:
    from gradbook.language import current_language, in_language
    from gradbook.teaching.classes.collecting import collect, handed_in
    from gradbook.teaching.classes.folder import FEEDBACK, GRADES, MARKS, PAGE, open_class
    from gradbook.teaching.classes.marking import mark_class

    renew(options.folder)
    folder = open_class(options.folder, options.force)
    problems = collect(folder, ()).problems  # of archives that were put there
    hints = None if options.hints is None else options.hints != "off"
    language = options.language or folder.marked_with.language or current_language().code
    with counting(tr("workbooks"), len(handed_in(folder))) as tell, in_language(language):
        marking = mark_class(folder, options.workers, hints=hints, tell=tell)
    marked = tr_count(
        "{some} of {number} student marked, feedback for {made} written",
        "{some} of {number} students marked, feedback for {made} written",
        len(marking.marks),
        some=marking.marked,
        made=marking.renewed,
    )
    say(f"{options.folder}: {marked}")
    files = {"marks": MARKS, "page": PAGE, "feedback": FEEDBACK, "grades": GRADES}
    say(tr("{marks}, {page}, {feedback} and {grades} are in the folder", **files))
    return _print_problems([*marking.remarks, *problems])


def _print_problems(problems: list[str]) -> int:
    for line in dict.fromkeys(one_line(translate(line)) for line in problems):
        print(f"gradbook: {line}", file=sys.stderr)
    return 1 if problems else 0


# Serve -------------------------------------------------------------------------


STOPPED = mark("stopped; no dropped files are kept")
STOPPED_CLASS = mark("stopped; no dropped files are kept; the class is in {folder}")


def run_serve(options: Namespace) -> int:
    from gradbook.interruption import heard_alike
    from gradbook.serve.server import serving
    from gradbook.serve.site import opened_site
    from gradbook.system import open_in_browser

    if options.folder and os.path.exists(options.folder) and not os.path.isdir(options.folder):
        raise UsageError(f"{options.folder} is a file, not the folder of a class")
    try:
        of_class = Path(options.folder).resolve() if options.folder else None
        with (
            heard_alike(),
            guarded(None),  # it writes only to folders of its own, and reads many files
            opened_site(options.workers, of_class, options.force) as site,
            serving(site, options.port) as on,
        ):
            say(tr("open {address}", address=on.address), flush=True)
            say(tr("only this computer can reach it; {keys} stops it", keys="Ctrl-C"), flush=True)
            if not options.no_browser:
                Thread(target=open_in_browser, args=(on.address,), daemon=True).start()
            on.serve()
    except KeyboardInterrupt:
        say(tr(STOPPED_CLASS if options.folder else STOPPED, folder=options.folder))
    return 0


FOLDER = {"workers": whole_number(1, 64)}
ENTRIES = {
    "class init": Verb(
        run_init,
        kinds={"places": whole_number(1), "epochs": whole_number(2, 1000), **FOLDER},
        defaults={
            "net": "worked",
            "blank": "gradients",
            "check_sheet": "off",
            "epochs": 20,
            "paper": "a4",
            "workers": WORKERS,
        },
        facts=lambda: {"workers": WORKERS},
        speaks=True,
    ),
    "class collect": Verb(run_collect, speaks=True),
    "class mark": Verb(
        run_mark,
        kinds=FOLDER,
        defaults={"workers": WORKERS},
        facts=lambda: {"workers": WORKERS},
        speaks=True,
        gone={
            "--out-of": "set out_of in rubric.toml",
            "--accept-elsewhere": "set accept_elsewhere in rubric.toml",
        },
    ),
    "class serve": Verb(
        run_serve,
        kinds={"port": whole_number(0, 65_535), **FOLDER},
        defaults={"port": 0, "workers": WORKERS},
        facts=lambda: {"workers": WORKERS},
        speaks=True,
    ),
}
