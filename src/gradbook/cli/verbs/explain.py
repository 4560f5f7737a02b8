"""Work a network's backpropagation: every chain written out, the numbers put in."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.terminal.arguments import format_of, network, one_of
from gradbook.cli.terminal.output import write_or_print
from gradbook.errors import UsageError

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
    chosen = format_of(options, SUFFIXES)
    if options.only and options.all:
        raise UsageError("--only and --all don't go together: leave one out")
    from gradbook.report.derivation.explanation import explain

    made = explain(network(options.net, options.data), options.only, everything=options.all)
    writers = {"latex": made.latex, "markdown": made.markdown, "json": made.json}
    said = made.html(options.typed) if chosen == "html" else writers.get(chosen, made.__str__)()
    return write_or_print(said, options.out)
