"""Work a network's backpropagation: every chain written out, the numbers put in."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import network, one_of
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.graph.step import Step
    from gradbook.targets.algebra.notation.document import Document

EXAMPLES = """\
  gradbook explain                          the worked 2-2-2 network, here
  gradbook explain mazur --only w5          one weight, from chain to number
  gradbook explain xor -o xor.html          a page; also .tex, .md, .txt and .json
  gradbook explain net.txt --data iris.csv  larger: general lines, one weight
  gradbook explain net.txt --all            every weight of it
  gradbook explain --format json            chain, formula and value of every weight
"""

SUFFIXES = {".txt": "text", ".html": "html", ".tex": "latex", ".md": "markdown", ".json": "json"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    parser.add_argument("--only", metavar="WEIGHT", help="one weight: w5, b1, …")
    parser.add_argument("--all", action="store_true", help="every weight, however many")
    parser.add_argument(
        "--format",
        type=one_of(*SUFFIXES.values()),
        metavar="FORMAT",
        help=f"{', '.join(SUFFIXES.values())} (default: as FILE is called, else text)",
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="where to write (default: here)")


def run(options: Namespace) -> int:
    write = WRITERS[_format(options)]
    from gradbook.graph.lower import scalar_step

    said = write(scalar_step(network(options.net, options.data)), options)
    if options.out is None:
        print(said, end="")
        return 0
    from gradbook.files import write_whole

    write_whole(options.out, said)
    print(f"wrote {options.out}")
    return 0


def _format(options: Namespace) -> str:
    """The one asked for, or the one that the file's name ends in."""
    if options.only and options.all:
        raise UsageError("--only and --all don't go together: leave one out")
    if options.format or options.out is None:
        return options.format or "text"
    suffix = os.path.splitext(options.out)[1].lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"no format for '{options.out}': end it in {known}, or give --format")
    return SUFFIXES[suffix]


def _document(step: Step, options: Namespace) -> Document:
    from gradbook.targets.algebra.derive import derive

    return derive(step, only=options.only, everything=options.all)


def _text(step: Step, options: Namespace) -> str:
    from gradbook.targets.algebra.writers.text import write

    return write(_document(step, options))


def _latex(step: Step, options: Namespace) -> str:
    from gradbook.targets.algebra.writers.latex import write

    return write(_document(step, options))


def _markdown(step: Step, options: Namespace) -> str:
    from gradbook.targets.algebra.writers.markdown import write

    return write(_document(step, options))


def _html(step: Step, options: Namespace) -> str:
    from gradbook.report.derivation.page import page

    return page(_document(step, options), step.net, options.typed)


def _json(step: Step, options: Namespace) -> str:
    import json

    from gradbook.targets.algebra.records import records

    return json.dumps(records(step, options.only), ensure_ascii=False, indent=2) + "\n"


Writer = Callable[["Step", Namespace], str]
WRITERS: dict[str, Writer] = {
    "text": _text,
    "html": _html,
    "latex": _latex,
    "markdown": _markdown,
    "json": _json,
}
