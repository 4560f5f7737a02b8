"""The verbs that list the recipes and compare the runs that were trained by them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import Verb, file_ending_in
from gradbook.cli.output import busy, print_report
from gradbook.errors import GradbookError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradbook.lab.runs import Compared, Misread


# X ----

RECIPES = """List gradbook's own recipes: what each costs, how long it takes, what it reaches."""
RECIPES_EXAMPLES = """\
  gradbook recipes                 all of them
  gradbook recipes quick           one recipe's text: change a copy and train it
  gradbook recipes quick > mine.txt && gradbook train mine.txt
  gradbook recipes --json          for a program
"""


def add_recipes_arguments(parser: ArgumentParser) -> None:
    from gradbook.lab.recipes.text import GRAMMAR

    parser.description = f"{parser.description}\n\n{GRAMMAR}"
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="print the text of this one")
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def run_recipes(options: Namespace) -> int:
    from gradbook.system import cores

    if options.recipe and options.json:
        from gradbook.errors import UsageError

        raise UsageError("--json is for the list: leave the recipe's name out")
    if options.recipe:
        from gradbook.lab.recipes.text import builtin_text

        print(builtin_text(options.recipe), end="")
        return 0
    from gradbook.report.training import recipes_report

    print_report(recipes_report(cores()), as_json=options.json)
    if not options.json:
        print("\ngradbook train RECIPE trains one; gradbook help recipes tells how to write one")
    return 0


# Compare ----------------------------------------------------------------------

COMPARE = """\
Compare trained runs: what each reached, how their recipes differ, which misreads what.

RUN is the folder of a finished run, or of several seeds, whose mean is then compared.
"""
COMPARE_EXAMPLES = """\
  gradbook compare runs/quick runs/small       two runs, here in the terminal
  gradbook compare runs/* --html runs.html     the same as a page, with the images
  gradbook compare runs/best                   ten seeds: mean, deviation, lowest
  gradbook compare runs/* --csv runs.csv       a row for each run
  gradbook compare runs/quick runs/small --json
"""
DRAWN = "⠿─│↑"


def add_compare_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the folder of a run")
    parser.add_argument(
        "--html", metavar="FILE", type=file_ending_in(".html"), help="write it as a page"
    )
    parser.add_argument(
        "--csv", metavar="FILE", type=file_ending_in(".csv"), help="write a table, one row per run"
    )
    parser.add_argument(
        "--no-images", action="store_true", help="skip the test images that each misreads"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def run_compare(options: Namespace) -> int:
    from gradbook.files import write_whole
    from gradbook.lab.runs import open_runs
    from gradbook.report.compare import compare_report
    from gradbook.report.media import write

    runs = open_runs(options.runs)
    with busy("reading the test images"):
        wrong = _misread(runs, options)
    report = compare_report(runs, wrong, options.typed)
    if options.html:
        write_whole(options.html, write(report, "html"))
    if options.csv:
        write_whole(options.csv, write(report, "csv"))
    print_report(report, as_json=options.json, drawn=DRAWN)
    if options.json:
        return 0
    for path in filter(None, (options.html, options.csv)):
        print(f"wrote {path}")
    return 0


def _misread(runs: Sequence[Compared], options: Namespace) -> Misread | None:
    """What each reads in the test images, where all know the same ones and they are here."""
    from gradbook.lab.runs import find_misread
    from gradbook.lab.training.material import images_of, require_fit

    if options.no_images or len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    try:
        dataset = images_of(runs[0].recipe)
        for run in runs:
            require_fit(run.recipe.net, dataset)
    except GradbookError:  # they were moved, or brought to another size; the rest can be told
        return None
    return find_misread(runs, dataset)


ENTRIES = {
    "recipes": Verb(RECIPES, RECIPES_EXAMPLES, add_recipes_arguments, run_recipes),
    "compare": Verb(
        COMPARE, COMPARE_EXAMPLES, add_compare_arguments, run_compare, writes_files=True
    ),
}
