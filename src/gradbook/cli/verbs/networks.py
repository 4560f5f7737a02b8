"""The verbs that explain a network: its derivation, its cost, the effect of its learning rate."""

from __future__ import annotations

from argparse import Namespace
from pathlib import PurePath
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import (
    READING,
    READING_GONE,
    asked_network_or_formulas,
    changed_network,
    file_ending_in,
    format_of,
    named_model,
    network_of,
    network_or_recipe,
    rates,
    read_settings,
    refuse_json,
    whole_number,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import counting, print_report, print_written, say, write_or_print
from gradbook.cli.programs import explain_one_program, names_program
from gradbook.cli.workbooks import explain_workbook, names_workbook, refuse_for_networks
from gradbook.errors import LimitError, ShapeError, UsageError
from gradbook.files import require_replaceable, write_whole
from gradbook.language import numeral, tr
from gradbook.rates import USUAL_EPOCHS

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.net import Net
    from gradbook.rates.sweep import Sweep
    from gradbook.report.document import Report
    from gradbook.report.explanation import Explanation


# Explain ----------------------------------------------------------------------


ALL = "all"  # in place of a weight
EXPLAIN_SUFFIXES = {
    ".txt": "text",
    ".html": "html",
    ".tex": "latex",
    ".md": "markdown",
}


def run_explain(options: Namespace) -> int:
    if names_program(options.net):
        return explain_one_program(options)
    chosen = format_of(options, EXPLAIN_SUFFIXES)
    explanation = _explained(options)
    writers = {
        "latex": explanation.latex,
        "markdown": explanation.markdown,
        "json": explanation.json,
    }
    if chosen == "html":
        return write_or_print(explanation.html(options.typed), options.out)
    text = writers.get(chosen, explanation.__str__)()
    return write_or_print(text, options.out, is_json=chosen == "json")


def _explained(options: Namespace) -> Explanation:
    if names_workbook(options.net):
        return explain_workbook(options)
    from gradbook.net import Net
    from gradbook.net.formulas import Formulas
    from gradbook.report.derivation import explain

    refuse_for_networks(options)
    everything = options.only == ALL
    only = None if everything else options.only
    model = named_model(options.net)
    if model is not None:
        _leave_set_out(options)
        return _on_image(options, model, model.data)
    reading, lines = read_settings(options.set, READING)
    what = network_or_recipe(
        options.net, None if options.image is not None else options.data, options.of, **reading
    )
    if isinstance(what, Formulas):
        if options.image is not None:
            raise UsageError("--image is for networks that read images: leave it out")
        return explain(changed_network(what, lines), only, everything=everything)
    if not isinstance(what, Net):
        _leave_set_out(options)
        return _on_image(options, what.net, what.data)
    what = changed_network(what, lines)
    if options.image is not None:
        return _on_image(options, what)
    try:
        return explain(what, only, everything=everything)
    except LimitError as too_large:
        if everything or what.samples:
            raise
        try:
            return _on_image(options, what)
        except ShapeError:  # it can't read these images: the first error is the better one
            raise too_large from None


def _leave_set_out(options: Namespace) -> None:
    if options.set:
        raise UsageError(f"--set is only for plain networks: leave it out for {options.net}")


def _on_image(options: Namespace, what: Model | Net, own_data: str = "") -> Explanation:
    """One weight in numbers, on a test image of the data set."""
    from gradbook.data.sources import load
    from gradbook.lab.models.model import Model, untrained_model
    from gradbook.lab.recipes.recipe import USUAL_DATA
    from gradbook.report.derivation import explain_image

    if options.only == ALL:
        raise UsageError("--only all is for networks of few weights: name one of them")
    data = load(options.data or own_data or USUAL_DATA)
    model = what if isinstance(what, Model) else untrained_model(what, data)
    model.require_classes()
    if len(model.classes) != len(data.classes):
        raise UsageError(
            f"{data.name} has {len(data.classes)} classes, but the model has "
            f"{len(model.classes)}: name images like those it was trained on with --data"
        )
    images, number = data.test_for_reporting, options.image or 0
    if number >= len(images):
        raise UsageError(f"--image {number}: {data.name} has {len(images):,} test images, from 0")
    label = int(images.labels[number])
    called = tr("test image {number} of {data}", number=numeral(f"{number:,}"), data=data.name)
    return explain_image(model, images.pixels[number], label, options.only, called)


# Summary ----------------------------------------------------------------------

ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".csv": "csv",
    ".html": "html",
    ".xlsx": "xlsx",
}
MOST_SAMPLES = 1_000_000_000
WIDEST = 1_000  # characters: a file has room for every column


def run_summary(options: Namespace) -> int:
    from gradbook.net.measure import measure
    from gradbook.report.media import write
    from gradbook.report.summary import summary
    from gradbook.report.terminal import report_text

    chosen = format_of(options, ENDINGS)
    measured = measure(network_of(network_or_recipe(options.net)), options.batch)
    if chosen == "xlsx":
        from gradbook.report.other_workbooks import write_book

        write_book(measured, options.out)
        print_written(options.out)
        return 0
    if chosen == "text":
        room = WIDEST if options.out else get_terminal_size().columns
        return write_or_print(report_text(summary(measured), room), options.out)
    return write_or_print(write(summary(measured), chosen), options.out, is_json=chosen == "json")


# Sweep ------------------------------------------------------------------------

SWEEP_SUFFIXES = (".html", ".svg", ".png", ".csv")
MOST_EPOCHS = 10_000_000
NOT_ASCII = "⠿│┤└─⁻⁰↓↑"


def run_sweep(options: Namespace) -> int:
    from gradbook.net.description import DEFAULT_RATES
    from gradbook.rates.sweep import sweep
    from gradbook.report.sweep import sweep_report

    net = asked_network_or_formulas(options)
    require_replaceable(options.out)
    asked = DEFAULT_RATES if options.rates is None else options.rates
    with counting(tr("rates tried")) as tick:
        result = sweep(net, asked, options.epochs, tick=tick)
    report = sweep_report(result, options.typed)
    if options.out:
        write_whole(options.out, _content(result, report, PurePath(options.out).suffix.lower()))
    if options.json or not options.out:
        print_report(report, as_json=options.json, drawn=NOT_ASCII)
    else:
        print_written(options.out)
        say(result.finding)
        if not net.has_samples:
            say(net.made_up())
    return 0


def _file(name: str) -> str:
    refuse_json(name)
    if file_ending_in(*SWEEP_SUFFIXES)(name).lower().endswith(".png"):
        from gradbook.report.figures import require_painter

        require_painter()
    return name


def _content(sweep: Sweep, report: Report, suffix: str) -> bytes | str:
    from gradbook.report.figures import paint_png
    from gradbook.report.media import ENDINGS, write
    from gradbook.report.sweep import sweep_svg

    if suffix in ENDINGS:
        return write(report, ENDINGS[suffix])
    picture = sweep_svg(sweep)
    return paint_png(picture) if suffix == ".png" else picture


ENTRIES = {
    "explain": Verb(
        run_explain,
        kinds={"image": whole_number()},
        defaults={"net": "worked"},
        speaks=True,
        gone={
            "--format": "the ending of -o selects it, and --json prints JSON",
            "--all": "write --only all",
            **READING_GONE,
        },
    ),
    "summary": Verb(
        run_summary,
        kinds={"batch": whole_number(1, MOST_SAMPLES)},
        defaults={"batch": 1},
        gone={"--format": "the ending of -o selects it, and --json prints JSON"},
    ),
    "sweep": Verb(
        run_sweep,
        kinds={"rates": rates, "epochs": whole_number(2, MOST_EPOCHS), "out": _file},
        defaults={"net": "worked", "epochs": USUAL_EPOCHS},
        facts=lambda: {"epochs": USUAL_EPOCHS},
        speaks=True,
        gone=READING_GONE,
    ),
}
