"""Tries many recipes within limits, and finds the best of them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import new_folder, whole_number
from gradbook.cli.help_page import Verb
from gradbook.cli.main import DONE, INTERRUPTED
from gradbook.errors import UsageError
from gradbook.files import require_replaceable

if TYPE_CHECKING:
    from gradbook.lab.study.run_study import StudyFolder
    from gradbook.lab.study.study_plan import StudyPlan


STUDIES = Path("studies")
BEST = "best"
MOST_WORKERS = 256


def run(options: Namespace) -> int:
    if options.study == BEST and not options.vary and not options.resume:
        return _best(options)
    if options.folder is not None:
        raise UsageError(f"unexpected argument '{options.folder}' (see gradbook study --help)")
    from gradbook.lab.study.search import library

    library()
    folder, plan = _resumed(options) if options.resume else _begun(options)
    from gradbook.cli.study_and_show import search

    return DONE if search(folder, plan, options) else INTERRUPTED


def _resumed(options: Namespace) -> tuple[StudyFolder, StudyPlan]:
    from gradbook.lab.study.run_study import StudyFolder

    for name in ("study", "vary", "trials", "out"):
        if getattr(options, name):
            flag = "STUDY" if name == "study" else f"--{name}"
            raise UsageError(f"--resume continues the study as it was begun: leave {flag} out")
    folder = StudyFolder(options.resume)
    return folder, folder.plan()


def _begun(options: Namespace) -> tuple[StudyFolder, StudyPlan]:
    from gradbook.lab.study.run_study import StudyFolder

    lines = [*options.vary, *([f"trials {options.trials}"] if options.trials else [])]
    plan = _named(options.study, lines)
    folder = StudyFolder(options.out or new_folder(STUDIES, plan.name, "study"))
    folder.require_free()
    return folder, plan


def _named(what: str | None, lines: Sequence[str]) -> StudyPlan:
    """The plan from a file with braces, from a text, or from a recipe and the lines that vary."""
    from dataclasses import replace

    from gradbook.lab.study.study_plan import read_plan, read_plan_file
    from gradbook.net.text import reads_as_text

    if what is None:
        raise UsageError("no study: name a file, or a recipe with --vary (gradbook study --help)")
    if os.path.isfile(what) and "{" not in "".join(lines):
        return read_plan_file(what, lines)
    if reads_as_text(what) and not os.path.isfile(what):
        return read_plan(what, lines)
    plan = read_plan(f"vary {what}", lines)
    return plan if plan.name else replace(plan, name=Path(what).stem)


# The best.


def _best(options: Namespace) -> int:
    from gradbook.cli.study_and_show import write_best

    folder = _folder_of(options.folder)
    require_replaceable(options.out)
    write_best(folder, options)
    return DONE


def _folder_of(name: str | None) -> StudyFolder:
    """The folder of this name, or the newest study."""
    from gradbook.lab.study.run_study import StudyFolder

    if name is not None:
        return StudyFolder(name)
    folders = [StudyFolder(path.parent) for path in STUDIES.glob("*/study.txt")]
    if not folders:
        raise UsageError(f"no study in {STUDIES}/: gradbook study best FOLDER -o recipe.txt")
    return max(folders, key=lambda folder: folder.plan_file.stat().st_mtime)


ENTRIES = {
    "study": Verb(
        run,
        kinds={"workers": whole_number(1, MOST_WORKERS)},
        gone={
            **{f"--{word}": f"write --vary '{word} …'" for word in ("sampler", "folds", "seeds")},
            "--test": "gradbook train best.txt scores the best recipe on the test images",
        },
    )
}
