"""What the learning rate does: a verdict for each rate, up to which it trains, the curves."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import PurePath
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import (
    add_reading_arguments,
    file_ending_in,
    network,
    rates,
    reading_of,
    whole_number,
)
from gradbook.cli.terminal.output import can_say, counting, print_as_json, show, width
from gradbook.files import write_whole
from gradbook.rates import USUAL_EPOCHS

if TYPE_CHECKING:
    from gradbook.rates.sweep import Sweep

EXAMPLES = """\
  gradbook sweep                             the worked example at 13 rates, gentle to violent
  gradbook sweep xor --rates 0.1,1,10        these rates only
  gradbook sweep worked --epochs 1000        at rate 1000 it wakes up again
  gradbook sweep iris.net --data iris.csv    with samples from a table
  gradbook sweep mazur -o mazur.html         a page whose curves can be pointed at
  gradbook sweep worked -o curves.svg        the picture alone; likewise .png and .csv
  gradbook sweep worked --json               everything, for a program
"""

SUFFIXES = (".html", ".svg", ".png", ".csv", ".json")
MOST_EPOCHS = 10_000_000
NOT_ASCII = "⠿│┤└─⁻⁰↓↑"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    add_reading_arguments(parser.add_argument_group("tables of samples"))
    parser.add_argument(
        "--rates",
        metavar="η,η,…",
        type=rates,
        help="the learning rates (default: 0.05 to 10000)",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=whole_number(2, MOST_EPOCHS),
        default=USUAL_EPOCHS,
        help=f"how long to train at each (default: {USUAL_EPOCHS})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the report")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=_file,
        help="write a page (.html), a picture (.svg, .png) or the numbers (.csv, .json)",
    )


def run(options: Namespace) -> int:
    from gradbook.net.description import DEFAULT_RATES
    from gradbook.rates.sweep import sweep
    from gradbook.report.sweep import sweep_json, sweep_lines

    net = network(options.net, options.data, **reading_of(options))
    asked = DEFAULT_RATES if options.rates is None else options.rates
    with counting("rates tried") as tick:
        found = sweep(net, asked, options.epochs, tick=tick)
    if options.out:
        write_whole(options.out, _content(found, PurePath(options.out).suffix.lower(), options))
    if options.json:
        print_as_json(sweep_json(found))
    elif options.out:
        print(f"wrote {options.out}\n{found.finding}")
        if not net.has_samples:
            print(net.made_up())
    else:
        show(sweep_lines(found, width(), ascii_only=not can_say(NOT_ASCII)))
    return 0


def _file(name: str) -> str:
    if file_ending_in(*SUFFIXES)(name).lower().endswith(".png"):
        from gradbook.report.figures import require_painter

        require_painter()
    return name


def _content(found: Sweep, suffix: str, options: Namespace) -> bytes | str:
    from gradbook.report.figures import paint_png
    from gradbook.report.sweep import sweep_csv, sweep_json, sweep_page, sweep_svg

    match suffix:
        case ".html":
            return sweep_page(found, options.typed)
        case ".csv":
            return sweep_csv(found)
        case ".json":
            return sweep_json(found)
        case ".png":
            return paint_png(sweep_svg(found))
        case _:
            return sweep_svg(found)
