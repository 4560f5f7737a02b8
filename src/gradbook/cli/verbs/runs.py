"""The verbs that list the recipes and compare the runs that were trained by them."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import file_ending_in
from gradbook.cli.output import busy, print_report
from gradbook.cli.page import Verb
from gradbook.errors import GradbookError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradbook.lab.runs import Compared, Misread


# X ----


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

DRAWN = "⠿─│↑"


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
    from gradbook.lab.images import images_of, require_fit
    from gradbook.lab.runs import find_misread

    if options.no_images or len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    try:
        dataset = images_of(runs[0].recipe)
        for run in runs:
            require_fit(run.recipe.net, dataset)
    except GradbookError:  # they were moved, or brought to another size; the rest can be told
        return None
    return find_misread(runs, dataset)


def _recipe_facts() -> dict[str, str]:
    from gradbook.lab.recipes.text import GRAMMAR

    return {"grammar": GRAMMAR}


ENTRIES = {
    "recipes": Verb(run_recipes, facts=_recipe_facts),
    "compare": Verb(
        run_compare, kinds={"html": file_ending_in(".html"), "csv": file_ending_in(".csv")}
    ),
}
