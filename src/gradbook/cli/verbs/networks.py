"""The verbs that tell of a network: its derivation, what it costs, what the learning rate does."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import PurePath
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from gradbook.cli.arguments import (
    Verb,
    add_reading_arguments,
    file_ending_in,
    format_of,
    named_model,
    network,
    network_of,
    network_or_recipe,
    one_of,
    rates,
    reading_of,
    whole_number,
)
from gradbook.cli.output import counting, print_report, write_or_print
from gradbook.errors import LimitError, ShapeError, UsageError
from gradbook.files import require_replaceable, write_whole
from gradbook.language import numeral, tr
from gradbook.rates import USUAL_EPOCHS

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.net import Net
    from gradbook.rates.sweep import Sweep
    from gradbook.report.derivation import Explanation
    from gradbook.report.document import Report


# Explain ----------------------------------------------------------------------

EXPLAIN = """\
Work through a network's backpropagation: every chain written out, with its numbers.

NET may also be a recipe, a run's folder or a model file. A network that is too large to be written
out value by value is explained in matrix form, with one of its weights worked out in numbers on an
image of its data.
"""
EXPLAIN_EXAMPLES = """\
  gradbook explain                          the worked 2-2-2 network, here
  gradbook explain mazur --only w5          one weight, from chain to number
  gradbook explain xor -o xor.html          a page; also .pdf, .tex, .typ, .md, .txt and .json
  gradbook explain -o worked.slides.html    slides to show: a chain on each, step by step
  gradbook explain net.txt --data iris.csv  a larger one: its general rules, one weight
  gradbook explain net.txt --all            all of its weights
  gradbook explain --format json            chain, formula and value of every weight
  gradbook explain reference --image 7      an untrained convnet, on test image 7
  gradbook explain runs/quick --only "conv2 3,1,0,2" --image 7
                                            a trained one: one weight, by layer and place
"""

EXPLAIN_SUFFIXES = {
    ".txt": "text",
    ".html": "html",
    ".tex": "latex",
    ".md": "markdown",
    ".json": "json",
    ".pdf": "pdf",
    ".typ": "typst",
    ".slides.html": "slides",
}


def add_explain_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument(
        "--data", metavar="DATA", help="samples from a CSV table; for images, a data set"
    )
    parser.add_argument(
        "--image", metavar="N", type=whole_number(), help="which test image, counting from 0"
    )
    parser.add_argument(
        "--only", metavar="WEIGHT", help="one weight: w5, b1, …; or 'conv2 3,1,0,2'"
    )
    parser.add_argument("--all", action="store_true", help="every weight, however many there are")
    parser.add_argument(
        "--format",
        type=one_of(*EXPLAIN_SUFFIXES.values()),
        metavar="FORMAT",
        help=f"{', '.join(EXPLAIN_SUFFIXES.values())} (default: by FILE's ending, else text)",
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="where to write (default: the terminal)"
    )
    add_reading_arguments(parser.add_argument_group("tables of samples"))


def run_explain(options: Namespace) -> int:
    chosen = format_of(options, EXPLAIN_SUFFIXES)
    if options.only and options.all:
        raise UsageError("--only and --all don't go together: leave one out")
    made = _explained(options)
    writers = {
        "latex": made.latex,
        "markdown": made.markdown,
        "json": made.json,
        "typst": made.typst,
    }
    if chosen == "pdf":
        if options.out is None:
            raise UsageError("a PDF isn't for the terminal: name a file with -o FILE.pdf")
        return write_or_print(made.pdf(), options.out)
    pages = {"html": made.html, "slides": made.slides}
    if chosen in pages:
        return write_or_print(pages[chosen](options.typed), options.out)
    said = writers.get(chosen, made.__str__)()
    return write_or_print(said, options.out, is_json=chosen == "json")


def _explained(options: Namespace) -> Explanation:
    from gradbook.net import Net
    from gradbook.report.derivation import explain

    model = named_model(options.net)
    if model is not None:
        return _on_image(options, model, model.data)
    what = network_or_recipe(
        options.net, None if options.image is not None else options.data, **reading_of(options)
    )
    if not isinstance(what, Net):
        return _on_image(options, what.net, what.data)
    if options.image is not None:
        return _on_image(options, what)
    try:
        return explain(what, options.only, everything=options.all)
    except LimitError as too_large:
        if options.all or what.samples:
            raise
        try:
            return _on_image(options, what)
        except ShapeError:  # it takes no such images: that it is too large says more
            raise too_large from None


def _on_image(options: Namespace, what: Model | Net, own_data: str = "") -> Explanation:
    """One weight in numbers, on a test image of the data set."""
    from gradbook.data.sources import load
    from gradbook.lab.models.model import Model, untrained_model
    from gradbook.lab.recipes.recipe import USUAL_DATA
    from gradbook.report.derivation import explain_image

    if options.all:
        raise UsageError("--all is for networks of few weights: name one with --only")
    data = load(options.data or own_data or USUAL_DATA)
    model = what if isinstance(what, Model) else untrained_model(what, data)
    model.require_classes()
    if len(model.classes) != len(data.classes):
        raise UsageError(
            f"{data.name} has {len(data.classes)} classes, but the model tells "
            f"{len(model.classes)} apart: name images like those it was trained on with --data"
        )
    images, number = data.test_for_reporting, options.image or 0
    if number >= len(images):
        raise UsageError(f"--image {number}: {data.name} has {len(images):,} test images, from 0")
    label = int(images.labels[number])
    called = tr("test image {number} of {data}", number=numeral(f"{number:,}"), data=data.name)
    return explain_image(model, images.pixels[number], label, options.only, called)


# Summary ----------------------------------------------------------------------

SUMMARY = """\
Show what a network costs and sees: shapes, parameters, multiply-adds, memory, receptive fields."""
SUMMARY_EXAMPLES = """\
  gradbook summary reference                the table, for a terminal
  gradbook summary best                     the network of a recipe; also runs/best, of a run
  gradbook summary net.onnx                 another program's network; also .keras .pt2
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


def add_summary_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "net", metavar="NET", help="a network, a recipe, a run's folder or a model file"
    )
    parser.add_argument(
        "--batch",
        metavar="N",
        type=whole_number(1, MOST_SAMPLES),
        default=1,
        help="the batch size that memory is given for (default: 1)",
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=one_of(*FORMATS),
        help=f"{', '.join(FORMATS)} (default: by the file's ending, else text)",
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="where to write it instead of printing it"
    )


def run_summary(options: Namespace) -> int:
    from gradbook.net.measure import measure
    from gradbook.report.media import write
    from gradbook.report.summary import summary
    from gradbook.report.terminal import report_text

    chosen = format_of(options, ENDINGS)
    measured = measure(network_of(network_or_recipe(options.net)), options.batch)
    if chosen == "xlsx":
        from gradbook.report.workbook import write_book

        if not options.out:
            raise UsageError("a workbook needs a file: say where with -o FILE.xlsx")
        write_book(measured, options.out)
        print(f"wrote {options.out}")
        return 0
    if chosen == "text":
        room = WIDEST if options.out else get_terminal_size().columns
        return write_or_print(report_text(summary(measured), room), options.out)
    return write_or_print(write(summary(measured), chosen), options.out, is_json=chosen == "json")


# X ----

SWEEP = """\
Show what the learning rate does: a verdict for each rate, the limit of training, the curves."""
SWEEP_EXAMPLES = """\
  gradbook sweep                             the worked example at 13 rates, from low to extreme
  gradbook sweep xor --rates 0.1,1,10        these rates only
  gradbook sweep worked --epochs 1000        at rate 1000 it recovers late
  gradbook sweep iris.net --data iris.csv    with samples from a table
  gradbook sweep mazur -o mazur.html         a page with curves to point at
  gradbook sweep worked -o curves.svg        the picture alone; likewise .png and .csv
  gradbook sweep worked --json               everything, for a program
"""

SWEEP_SUFFIXES = (".html", ".svg", ".png", ".csv", ".json")
MOST_EPOCHS = 10_000_000
NOT_ASCII = "⠿│┤└─⁻⁰↓↑"


def add_sweep_arguments(parser: ArgumentParser) -> None:
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
        help=f"how long to train at each rate (default: {USUAL_EPOCHS})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the report")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=_file,
        help="write a page (.html), a picture (.svg, .png) or the numbers (.csv, .json)",
    )


def run_sweep(options: Namespace) -> int:
    from gradbook.net.description import DEFAULT_RATES
    from gradbook.rates.sweep import sweep
    from gradbook.report.sweep import sweep_report

    net = network(options.net, options.data, **reading_of(options))
    require_replaceable(options.out)
    asked = DEFAULT_RATES if options.rates is None else options.rates
    with counting(tr("rates tried")) as tick:
        found = sweep(net, asked, options.epochs, tick=tick)
    report = sweep_report(found, options.typed)
    if options.out:
        write_whole(options.out, _content(found, report, PurePath(options.out).suffix.lower()))
    if options.json or not options.out:
        print_report(report, as_json=options.json, drawn=NOT_ASCII)
    else:
        print(tr("wrote {file}", file=options.out))
        print(found.finding)
        if not net.has_samples:
            print(net.made_up())
    return 0


def _file(name: str) -> str:
    if file_ending_in(*SWEEP_SUFFIXES)(name).lower().endswith(".png"):
        from gradbook.report.figures import require_painter

        require_painter()
    return name


def _content(found: Sweep, report: Report, suffix: str) -> bytes | str:
    from gradbook.report.figures import paint_png
    from gradbook.report.media import ENDINGS, write
    from gradbook.report.sweep import sweep_svg

    if suffix in ENDINGS:
        return write(report, ENDINGS[suffix])
    picture = sweep_svg(found)
    return paint_png(picture) if suffix == ".png" else picture


ENTRIES = {
    "explain": Verb(EXPLAIN, EXPLAIN_EXAMPLES, add_explain_arguments, run_explain, True, True),
    "summary": Verb(
        SUMMARY, SUMMARY_EXAMPLES, add_summary_arguments, run_summary, writes_files=True
    ),
    "sweep": Verb(SWEEP, SWEEP_EXAMPLES, add_sweep_arguments, run_sweep, True, True),
}
