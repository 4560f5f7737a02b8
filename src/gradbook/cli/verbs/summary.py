"""What a network costs and sees: shapes, parameters, multiply-adds, memory, receptive fields."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from shutil import get_terminal_size

from gradbook.cli.terminal.arguments import format_of, one_of, whole_number
from gradbook.cli.terminal.named import named, network_of
from gradbook.cli.terminal.output import write_or_print
from gradbook.errors import UsageError

EXAMPLES = """\
  gradbook summary reference                the table, for a terminal
  gradbook summary best                     the network of a recipe; also runs/best, of a run
  gradbook summary net.onnx                 what another program trained; also .keras .pt2
  gradbook summary flat --batch 128         memory for batches of 128
  gradbook summary blocks -o blocks.xlsx    the same as a sheet; also .html .md .csv .json
  gradbook summary "input 1x8x8; conv 4 3x3; relu; flatten; dense 2" --format markdown
"""
ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".csv": "csv",
    ".json": "json",
    ".html": "html",
    ".xlsx": "xlsx",
}
FORMATS = tuple(ENDINGS.values())
MOST_SAMPLES = 1_000_000_000
WIDEST = 1_000  # characters: a file has room for every column


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "net", metavar="NET", help="a network, a recipe, a run's folder or a model's file"
    )
    parser.add_argument(
        "--batch",
        metavar="N",
        type=whole_number(1, MOST_SAMPLES),
        default=1,
        help="samples that memory is for (default: 1)",
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=one_of(*FORMATS),
        help=f"{', '.join(FORMATS)} (default: by the file's ending, else text)",
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="where to write instead of showing it")


def run(options: Namespace) -> int:
    from gradbook.net.measure import measure
    from gradbook.report import summary

    chosen = format_of(options, ENDINGS)
    measured = measure(network_of(named(options.net)), options.batch)
    match chosen:
        case "xlsx":
            from gradbook.report.workbook import write_book

            if not options.out:
                raise UsageError("a workbook needs a file: say where with -o FILE.xlsx")
            write_book(measured, options.out)
            print(f"wrote {options.out}")
            return 0
        case "html":
            from gradbook.report.summary import summary_page

            said = summary_page(measured)
        case "markdown":
            said = summary.as_markdown(measured)
        case "csv":
            said = summary.as_csv(measured)
        case "json":
            said = summary.as_json(measured)
        case _:
            room = WIDEST if options.out else get_terminal_size().columns
            said = summary.as_text(measured, room)
    return write_or_print(said, options.out, is_json=chosen == "json")
