"""A network to play with: one page on which it trains, with every number of its backpropagation.

The page is one file. It needs no server and no network, opens from a mail attachment and computes
in double precision what the workbook computes.

A network that reads pictures (a recipe, a run, a model's file) gets a page to draw on: it reads
what is drawn, shows every layer's maps and each value's sum, and trains there with --train.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.terminal.arguments import (
    add_reading_arguments,
    file_ending_in,
    network,
    reading_of,
    whole_number,
)
from gradbook.cli.verbs.browser.pictures import LEAST, USUAL, picture_page, picture_reader
from gradbook.errors import UsageError
from gradbook.files import write_whole

EXAMPLES = """\
  gradbook page -o worked.html              the worked 2-2-2 network
  gradbook page xor -o xor.html             with the plane that it learns to divide
  gradbook page "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy" -o play.html
                                            circle, spiral and your own points to learn
  gradbook page net.txt --data iris.csv -o iris.html
                                            samples from a CSV table
  gradbook page tiny -o draw.html           a trained network reads the digits that you draw
  gradbook page runs/mine --train -o page.html   and 10,000 images to train on there
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_network(parser)
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE.html",
        type=file_ending_in(".html", ".htm"),
        required=True,
        help="where to write the page",
    )


def add_network(parser: ArgumentParser) -> None:
    """Which network a page is of, and what comes along with it."""
    parser.add_argument(
        "net",
        nargs="?",
        metavar="NET",
        default="worked",
        help="a network, a recipe, the folder of a run or a model's file (default: worked)",
    )
    parser.add_argument(
        "--data", metavar="FILE", help="samples from a CSV table; for pictures, a data set"
    )
    parser.add_argument(
        "--train",
        metavar="N",
        nargs="?",
        type=whole_number(LEAST),
        const=USUAL,
        help=f"of a network that reads pictures: so many images come along (default {USUAL:,})",
    )
    add_reading_arguments(parser.add_argument_group("tables of samples"))


def run(options: Namespace) -> int:
    page, advice = made(options)
    write_whole(options.out, page)
    print(f"wrote {options.out}\nopen it in a browser: {advice}")
    return 0


def made(options: Namespace) -> tuple[str, str]:
    """The page, and what to do with it first."""
    reader = picture_reader(options.net, options.data)
    if reader is None:
        from gradbook.report.play_page import play_page

        if options.train is not None:
            raise UsageError("--train: this network trains on its page anyhow: leave it out")
        page = play_page(network(options.net, options.data, **reading_of(options)), options.typed)
        return page, "Run, then move η, or drag a weight"
    page = picture_page(reader, options.train, options.typed)
    return page, "draw a digit" if reader.is_trained else "Train, then draw a digit"
