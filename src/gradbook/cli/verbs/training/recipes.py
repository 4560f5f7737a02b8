"""The recipes that come with gradbook: what each costs, how long it takes, what it reaches."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.terminal.output import print_json, show, width

EXAMPLES = """\
  gradbook recipes                 all of them
  gradbook recipes quick           one recipe's text: change a copy and train it
  gradbook recipes quick > mine.txt && gradbook train mine.txt
  gradbook recipes --json          for a program
"""


def add_arguments(parser: ArgumentParser) -> None:
    from gradbook.lab.recipes.text import GRAMMAR

    parser.description = f"{parser.description}\n\n{GRAMMAR}"
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="print this one's text")
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def run(options: Namespace) -> int:
    from gradbook.system import cores

    if options.recipe and options.json:
        from gradbook.errors import UsageError

        raise UsageError("--json is for the list: leave the recipe's name out")
    if options.recipe:
        from gradbook.lab.recipes.text import builtin_text

        print(builtin_text(options.recipe), end="")
    elif options.json:
        from gradbook.report.training import recipe_records

        print_json({"version": 1, "recipes": recipe_records(cores())})
    else:
        from gradbook.report.training import recipe_lines

        show(recipe_lines(width(), cores()))
        print("\ngradbook train RECIPE trains one; gradbook help recipes says how one is written")
    return 0
