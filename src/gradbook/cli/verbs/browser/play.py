"""A network to play with, at once: the page that 'gradbook page' writes, opened in your browser.

The page is a file; no server runs, and it stays open as long as you like. Where no browser can be
opened, the file's place is said.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from gradbook.cli.terminal.arguments import file_ending_in
from gradbook.cli.verbs.browser.page import add_network, made
from gradbook.files import write_whole
from gradbook.folders import kept_in

EXAMPLES = """\
  gradbook play                             the worked 2-2-2 network
  gradbook play xor                         with the plane that it learns to divide
  gradbook play "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy"
                                            circle, spiral and your own points to learn
  gradbook play net.txt --data iris.csv     samples from a CSV table
  gradbook play tiny                        a trained network reads the digits that you draw
  gradbook play xor -o xor.html             the page where you want it
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_network(parser)
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE.html",
        type=file_ending_in(".html", ".htm"),
        help="where to write the page (default: among gradbook's own files)",
    )


def run(options: Namespace) -> int:
    from gradbook.system import open_in_browser

    page, advice = made(options)
    place = options.out or kept_in("pages") / f"{_digest(page)}.html"
    write_whole(place, page)
    if open_in_browser(Path(place).resolve().as_uri()):
        print(f"opened {place}\nin your browser: {advice}")
    else:
        print(f"wrote {place}\nno browser can be opened from here: open that file in one")
    return 0


def _digest(page: str) -> str:
    """A name that the same page has again, so that each is kept once."""
    from hashlib import sha256

    return sha256(page.encode()).hexdigest()[:16]
