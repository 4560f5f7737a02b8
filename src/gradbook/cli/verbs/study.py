"""Try many recipes: what varies, what is allowed, and which of them works best.

STUDY is a recipe with braces where it may vary (see gradbook help studies), a file or the
text; or the name of a recipe, with --vary for what is to vary in it. Optuna chooses what is
tried. The images held back decide; the test images are looked at only with --test.
Whatever interrupts a study, --resume goes on with it as if nothing had happened.

`gradbook study best [FOLDER] -o FILE.txt` writes the best recipe of a study.
"""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.arguments import Verb, whole_number
from gradbook.cli.main import DONE, INTERRUPTED
from gradbook.errors import UsageError
from gradbook.files import require_replaceable

if TYPE_CHECKING:
    from gradbook.lab.study.plan import StudyPlan
    from gradbook.lab.study.study import StudyFolder

EXAMPLES = """\
  gradbook study quick --vary 'schedule one cycle {0.1..1 log} warm {0.1..0.4}'
                       --vary 'batch {64|128|256}' --trials 40
  gradbook study tiny --vary 'conv {8..20} 1x1' --vary 'parameters at most 2500'
  gradbook study widths.txt --workers 2      from a file: braces, limits, folds, seeds
  gradbook study --resume studies/widths     continue one that was interrupted
  gradbook study best studies/widths -o best.txt
                                             the winner, as a recipe to train
  gradbook study best studies/widths --test  its score on the test images, with every seed
  gradbook study widths.txt --on tcp://host:8786
                                             on an existing Dask cluster
  gradbook study widths.txt --json           one JSON event per line, for a program
"""

STUDIES = Path("studies")
NOT_IN_NAMES = re.compile(r"[^\w.-]+")
BEST = "best"
MOST_WORKERS = 256
LINES = {  # options that are lines of a study
    "trials": ("N", "how many recipes to train (default: 30, or all of a grid)"),
    "sampler": ("WORD", "tpe, nsga, cma, random or grid"),
    "prune": ("WORD", "median: end a training that lags behind; or none"),
    "folds": ("FOLDS", "the sixths of the training images to validate on: '0 1 2'"),
    "seeds": ("N", "trainings for each fold"),
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("study", nargs="?", metavar="STUDY", help="a file, a text, a recipe's name")
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="after 'best': the study's folder"
    )
    parser.add_argument(
        "--vary",
        metavar="LINE",
        action="append",
        default=[],
        help="a line with braces, replacing the recipe's line, or its layers, that begin the "
        "same way",
    )
    for name, (value, about) in LINES.items():
        parser.add_argument(f"--{name}", metavar=value, help=about)
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, MOST_WORKERS),
        help="trainings at a time (default: one per core); the result is the same",
    )
    parser.add_argument(
        "--on",
        metavar="CLUSTER",
        help="train on a Dask cluster (tcp://host:8786 or cluster.yaml); the result is the same",
    )
    parser.add_argument(
        "-o", "--out", metavar="PATH", help=f"the study's folder (default: a new one in {STUDIES}/)"
    )
    parser.add_argument("--resume", metavar="FOLDER", help="continue the study in this folder")
    parser.add_argument(
        "--test",
        action="store_true",
        help="with 'best': score it on the test images; how often is counted",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON event per line")


def run(options: Namespace) -> int:
    if options.study == BEST and not options.vary and not options.resume:
        return _best(options)
    if options.folder is not None:
        raise UsageError(f"unexpected argument '{options.folder}' (see gradbook study --help)")
    if options.test:
        raise UsageError("--test scores a study's best recipe: gradbook study best FOLDER --test")
    from gradbook.lab.study.search import library

    library()
    folder, plan = _resumed(options) if options.resume else _begun(options)
    from gradbook.cli.study import search

    return DONE if search(folder, plan, options) else INTERRUPTED


def _resumed(options: Namespace) -> tuple[StudyFolder, StudyPlan]:
    from gradbook.lab.study.study import StudyFolder

    for name in ("study", "vary", *LINES, "out"):
        if getattr(options, name):
            flag = "STUDY" if name == "study" else f"--{name}"
            raise UsageError(f"--resume continues the study as it was begun: leave {flag} out")
    folder = StudyFolder(options.resume)
    return folder, folder.plan()


def _begun(options: Namespace) -> tuple[StudyFolder, StudyPlan]:
    from gradbook.lab.study.study import StudyFolder

    plan = _plan(options)
    folder = StudyFolder(options.out or _new_folder(plan.name))
    folder.require_free()
    return folder, plan


def _plan(options: Namespace) -> StudyPlan:
    from gradbook.lab.study.plan import change_plan

    plan = _named(options.study, options.vary)
    for name in LINES:
        value = getattr(options, name)
        if value is not None:
            plan = change_plan(plan, f"{name} {value}", f"--{name}")
    return plan


def _named(what: str | None, vary: Sequence[str]) -> StudyPlan:
    """A file with braces, a text, or a recipe that the lines vary."""
    from dataclasses import replace

    from gradbook.lab.study.plan import read_plan, read_plan_file
    from gradbook.net.text import reads_as_text

    if what is None:
        raise UsageError("no study: name a file, or a recipe with --vary (gradbook study --help)")
    if os.path.isfile(what) and not vary:
        return read_plan_file(what)
    if reads_as_text(what) and not os.path.isfile(what):
        return read_plan(what, vary)
    found = read_plan(f"vary {what}", vary)
    return found if found.name else replace(found, name=Path(what).stem)


def _new_folder(name: str) -> Path:
    """One in `studies/` that isn't there yet."""
    plain = NOT_IN_NAMES.sub("-", name).strip("-.") or "study"
    places = (STUDIES / f"{plain}{end}" for end in ("", *(f"-{k}" for k in range(2, 1_000_000))))
    return next(path for path in places if not os.path.lexists(path))


# The best.


def _best(options: Namespace) -> int:
    from gradbook.cli.study import score_best, write_best

    folder = _folder_of(options.folder)
    require_replaceable(options.out)
    if options.test:
        score_best(folder, options)
    if options.out or not options.test:
        write_best(folder, options)
    return DONE


def _folder_of(name: str | None) -> StudyFolder:
    """The one that is named, or the newest."""
    from gradbook.lab.study.study import StudyFolder

    if name is not None:
        return StudyFolder(name)
    found = [StudyFolder(path.parent) for path in STUDIES.glob("*/study.txt")]
    if not found:
        raise UsageError(f"no study in {STUDIES}/: gradbook study best FOLDER -o recipe.txt")
    return max(found, key=lambda folder: folder.plan_file.stat().st_mtime)


ENTRIES = {"study": Verb(__doc__, EXAMPLES, add_arguments, run, writes_files=True)}
