"""A network to play with: one page on which it trains, with every number of its backpropagation.

The page is one file. It needs no server and no network, opens from a mail attachment and computes
in double precision what the workbook computes.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.terminal.arguments import file_ending_in, network
from gradbook.files import write_whole

EXAMPLES = """\
  gradbook page -o worked.html              the worked 2-2-2 network
  gradbook page xor -o xor.html             with the plane that it learns to divide
  gradbook page "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy" -o play.html
                                            circle, spiral and your own points to learn
  gradbook page net.txt --data iris.csv -o iris.html
                                            samples from a CSV table
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE.html",
        type=file_ending_in(".html", ".htm"),
        required=True,
        help="where to write the page",
    )


def run(options: Namespace) -> int:
    from gradbook.report.play.page import play_page

    write_whole(options.out, play_page(network(options.net, options.data), options.typed))
    print(f"wrote {options.out}\nopen it in a browser: Run, then move η, or drag a weight")
    return 0
