"""This page, a verb's page, or how to write a network, a recipe or a warp."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.main import VERBS, overview, verb_parser
from gradbook.errors import UsageError, did_you_mean

EXAMPLES = """\
  gradbook help             all verbs
  gradbook help explain     the same as gradbook explain --help
  gradbook help networks    the grammar of a network's text form
  gradbook help recipes     how a training is written
  gradbook help studies     what of a recipe may vary, and what is tried
  gradbook help warps       what can happen to images in training
  gradbook help tables      which tables can be learned, and what is learned of them
  gradbook help clusters    what the file says that --on takes: which machines
"""

TOPICS = {
    "networks": "how a network is written",
    "recipes": "how a training is written",
    "studies": "how many recipes are tried: what varies, what is allowed",
    "warps": "what can happen to images in training",
    "tables": "which tables can be learned, and what is learned of them",
    "clusters": "which machines --on means",
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        help=f"a verb, or what is written as text: {', '.join(TOPICS)}",
    )


def run(options: Namespace) -> int:
    print(page(options.topic), end="")
    return 0


def page(topic: str | None) -> str:
    """The text of one help page."""
    if topic is None:
        return overview()
    if topic in VERBS:
        return verb_parser(topic).format_help()
    if topic in {"network", "networks", "NET", "net"}:
        from gradbook.builtin import BUILTIN
        from gradbook.net.text import GRAMMAR

        return f"{GRAMMAR.strip()}\n\nbuilt in: {', '.join(BUILTIN)}\n"
    if topic in {"studies", "STUDY"}:
        from gradbook.lab.study import plan

        return plan.GRAMMAR
    if topic in {"cluster", "clusters", "CLUSTER"}:
        from gradbook.work.machines import GRAMMAR

        return GRAMMAR
    if topic in {"warp", "warps", "WARP"}:
        from gradbook.data.warp import WARP_GRAMMAR

        return WARP_GRAMMAR
    if topic in {"table", "tables", "TABLE"}:
        return _tables()
    known = [*VERBS, *TOPICS]
    hint = did_you_mean(topic, known) or f": there is help on {', '.join(known)}"
    raise UsageError(f"no help on '{topic}'{hint}")


TABLES = """\
a table (.csv, .tsv, or the name {named}) has commas, semicolons or tabs
between its cells and, best, a line of headings

  gradbook train houses.csv --target price --ignore id
  gradbook predict runs/houses new.csv -o predicted.csv

columns    numbers are taken as they are; of a column of words each different
           one, {words} at most, becomes a 0 or 1. A missing value, or a word
           among numbers, is refused with its row and column
target     the last column, or --target; it is learned from all others but those
           that --ignore names
classes    where the target has words, or whole numbers of which at most {values}
           differ, with {rows} rows each on average; or with --task classes
numbers    where it has others, or with --task numbers
rows       a sixth is for the test, a sixth of the others is held back
network    {hidden} units with ReLU, then an output for each class or one for a
           number; --network takes another: an input for each number of a row
"""


def _tables() -> str:
    from gradbook.data.tables import MOST_WORDS, NAMED
    from gradbook.lab.tables import FEW_VALUES, HIDDEN, ROWS_OF_A_VALUE

    return TABLES.format(
        named=", ".join(NAMED),
        words=MOST_WORDS,
        values=FEW_VALUES,
        rows=ROWS_OF_A_VALUE,
        hidden=HIDDEN,
    )
