"""The verbs for images and rows: showing a data set, and predicting with a trained network."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import (
    READING,
    READING_GONE,
    Kinds,
    OneOf,
    expand,
    file_ending_in,
    open_model,
    read_settings,
    whole_number,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import (
    busy_reading,
    print_as_json,
    print_json,
    print_report,
    print_written,
    say,
    show,
    show_images,
    warn,
)
from gradbook.data.made_points import POINT_SETS, points
from gradbook.errors import UsageError, one_line
from gradbook.files import require_replaceable, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradbook.data.dataset import Dataset, Images
    from gradbook.lab.models.model import Model
    from gradbook.lab.models.predict import Reading


# Data -------------------------------------------------------------------------


ON_A_SHEET = 100
MOST_ON_A_SHEET = 2_000
BAR = "━"
TABLE_WIDTH = 79  # columns
IMAGES_ONLY = ("show", "out", "warp", "size", "verify")  # options that only images have
SIZE = re.compile("([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")


def _size(word: str) -> tuple[int, int]:
    sides = SIZE.fullmatch(word)
    if not sides:
        raise ArgumentTypeError(f"'{word}' isn't a size: write rows and columns as 28x28")
    return int(sides[1]), int(sides[2])


def run_data(options: Namespace) -> int:
    if options.json and options.show and not options.out:
        raise UsageError("--show and --json don't go together: leave one out")
    if options.data is None:
        return _list(options)
    if options.data in POINT_SETS and not os.path.lexists(options.data):
        return _print_points(options)
    _require_sense(options)
    from gradbook.data.sources import load
    from gradbook.report.dataset import dataset_report

    dataset = load(options.data, options.size)
    if options.warp:
        options.warp.require_fit(*dataset.shape[1:])
    if options.out:
        _write_sheet(dataset, options)
    report = dataset_report(dataset, verify=options.verify)
    if options.json:
        print_report(report, as_json=True)
        return 0
    print_report(report, drawn=BAR, columns=TABLE_WIDTH)
    if options.out:
        say(f"\nwrote {options.out}")
    elif options.show:
        images = _chosen(dataset, options, options.show)
        show_images(images.pixels, [dataset.classes[label] for label in images.labels])
    return 0


def _print_points(options: Namespace) -> int:
    """The points of a set, as a table that --data reads."""
    if flag := next((it for it in IMAGES_ONLY if getattr(options, it)), None):
        raise UsageError(f"{options.data} is a set of points, not of images: leave out --{flag}")
    numbers = points(options.data)
    if options.json:
        print_json([list(point) for point in numbers])
        return 0
    print("x,y,class", *(",".join(map(str, point)) for point in numbers), sep="\n")
    return 0


def _list(options: Namespace) -> int:
    for flag in IMAGES_ONLY:
        if getattr(options, flag):
            raise UsageError(f"--{flag} needs a data set: gradbook data digits --{flag} …")
    from gradbook.report.dataset import known_sets

    print_report(known_sets(), as_json=options.json)
    if not options.json:
        say("\nor use files of your own: see gradbook data --help")
    return 0


def _require_sense(options: Namespace) -> None:
    if options.warp is not None and not (options.show or options.out):
        raise UsageError("--warp only changes what --show or -o draws: add one")
    if options.warp is not None:
        from gradbook.data.warp import parse_warp

        options.warp = parse_warp(options.warp, "--warp")


def _chosen(dataset: Dataset, options: Namespace, count: int) -> Images:
    """Images of each class in turn, unchanged or warped as in the first epoch."""
    from gradbook.data.dataset import in_turns

    places = in_turns(dataset.training, count)
    if options.warp is None:
        return dataset.training[places]
    from gradbook.data.warp import samples

    return samples(dataset.training, options.warp, places, seed=0)


def _write_sheet(dataset: Dataset, options: Namespace) -> None:
    from gradbook.report.images import contact_sheet

    images = _chosen(dataset, options, options.show or ON_A_SHEET)
    names = [dataset.classes[label] for label in images.labels]
    title = f"{dataset.name}: {len(images):,} of {len(dataset.training):,} training images"
    title += ", warped" if options.warp else ""
    write_whole(
        options.out, contact_sheet(images.pixels, names, title, across=len(dataset.classes))
    )


# Predict ----------------------------------------------------------------------

NOTHING_TO_READ, UNREADABLE = 1, 2
OF_ROWS: Kinds = {"missing": OneOf("fill", "refuse"), "step": whole_number(1), "channels": str}
IMAGES = ": if these are the pixels of an image, use 'gradbook import … --images CxHxW'"
SHOWN_AT_ONCE = 256
MOST_NAMED = 5


def run_predict(options: Namespace) -> int:
    if options.json and (options.show or options.out):
        other = "--show" if options.show else "-o, which writes CSV,"
        raise UsageError(f"{other} and --json don't go together: leave one out")
    options.files = expand(options.files)
    known, others = read_settings(options.set, {**READING, **OF_ROWS})
    if others:
        raise UsageError(
            f"--set '{others[0]}': the known settings are {', '.join({**READING, **OF_ROWS})}"
        )
    vars(options).update(dict.fromkeys([*READING, *OF_ROWS]) | known)
    from gradbook.lab.models.predict import readings
    from gradbook.report import prediction

    model = open_model(options.model)
    if model.columns:
        return _windows(options, model) if model.windows else _rows(options, model)
    for name in known:
        raise UsageError(f"'{name}' is for tables, and this model reads pictures: leave it out")
    require_replaceable(options.out)
    classes = model.classes or model.predicts
    problems, total = 0, 0
    unreadable: list[str] = []
    kept: list[Reading] = []
    table: list[str] = [prediction.headings(model.predicts)]
    tell = _teller(options, model, table)
    for reading in readings(model, options.files):
        problems += bool(reading.problem)
        unreadable += [reading.file] * reading.unreadable
        total += 1
        tell(reading)  # as soon as it is known
        if options.json or (options.show and not reading.problem):
            kept.append(reading)
    if len(unreadable) > 1 and any(map(os.path.isdir, options.files)):
        shown = ", ".join(unreadable[:MOST_NAMED]) + ", …" * (len(unreadable) > MOST_NAMED)
        warn(f"{len(unreadable):,} of {total:,} can't be opened: {shown}")
    if options.json:
        print_as_json(prediction.as_json(kept, classes, options.model))
    elif options.out:
        write_whole(options.out, "".join(table))
        print_written(options.out, f"{total:,} rows")
    if options.show and kept:
        _show_seen(kept[:SHOWN_AT_ONCE], classes)
    return UNREADABLE if unreadable else NOTHING_TO_READ if problems else 0


def _teller(options: Namespace, model: Model, table: list[str]) -> Callable[[Reading], None]:
    """A function that adds a row to the table or prints a line; JSON is printed at the end,
    once all are known."""
    from gradbook.report import prediction

    classes = model.classes or model.predicts
    names = prediction.width_of_names(options.files)

    def tell(reading: Reading) -> None:
        if reading.unreadable and sys.stderr:
            problem = reading.problem  # the system's messages already name the file
            file = "" if reading.file in problem else f"{reading.file}: "
            print(one_line(f"gradbook: {file}{problem}"), file=sys.stderr)
        if options.out:
            table.append(prediction.row(reading, classes, not model.classes))
        elif not options.json and not reading.unreadable:
            show([prediction.line(reading, classes, names)])

    return tell


def _show_seen(readings: Sequence[Reading], classes: Sequence[str]) -> None:
    """Show the network's input."""
    import numpy as np

    from gradbook.report import prediction

    images = np.stack([one.image for one in readings if one.image is not None])
    show_images(images, [prediction.caption(one, classes) for one in readings])


def _windows(options: Namespace, model: Model) -> int:
    """Predict the windows of one file's recordings with a model of signals."""
    from gradbook.data.signals import SignalColumns, read_signals
    from gradbook.lab.signals import windows_for
    from gradbook.report import prediction

    for name in ("--show", "missing", "dates"):
        if getattr(options, name.strip("-")):
            raise UsageError(f"this model reads signals, and {name} isn't for them: leave it out")
    if len(options.files) > 1:
        raise UsageError("this model reads recordings: name one file at a time")
    channels = prediction.windows_of(model).channels
    named = tuple(name.strip() for name in (options.channels or "").split(",") if name.strip())
    file = options.files[0]
    signals = read_signals(
        file,
        SignalColumns(channels=named, usual=channels),
        labelled=False,
        decimal=options.decimal or "",
    )
    placed, rows = windows_for(model, signals, options.step)
    answers = model.answers(rows)
    for remark in signals.remarks:
        warn(remark)
    if options.json:
        extra = {"remarks": list(signals.remarks)} if signals.remarks else {}
        records = prediction.window_records(model, placed, answers)
        print_json({"version": 1, "model": options.model, **extra, "windows": records})
    elif options.out:
        write_whole(options.out, prediction.windows_csv(model, placed, answers))
        print_written(options.out, f"{len(placed):,} windows")
    else:
        print(prediction.windows_csv(model, placed, answers), end="")
    return 0


def _rows(options: Namespace, model: Model) -> int:
    """Predict the rows of one table with a model of tables."""
    for name in ("channels", "step"):
        if getattr(options, name):
            raise UsageError(f"this model reads a table, and '{name}' is for signals: leave it out")
    from gradbook.data.formats.pictures import SUFFIXES
    from gradbook.data.tables import read_columns
    from gradbook.report import prediction

    if options.show:
        raise UsageError("this model reads tables, and --show is for pictures: leave it out")
    if options.files[0].lower().endswith(tuple(SUFFIXES)):
        raise UsageError(
            f"this model reads rows of a table, of {len(model.mean)} numbers each, not pictures"
            + IMAGES * model.require_columns().by_place
        )
    if len(options.files) > 1:
        raise UsageError("this model reads tables: name one file at a time")
    with busy_reading(options.files[0]):
        table = read_columns(options.files[0], options.decimal or "", options.dates or "")
        rows = model.rows_of(table, complete=options.missing == "refuse")
    answers = model.answers(rows)
    remarks = prediction.reading_remarks(model, table, rows)
    for remark in remarks:
        warn(remark)
    if options.json:
        records = prediction.row_records(model, table, answers)
        extra = {"remarks": remarks} if remarks else {}
        print_json({"version": 1, "model": options.model, **extra, "rows": records})
    elif options.out:
        write_whole(options.out, prediction.rows_csv(model, table, answers))
        print_written(options.out, f"{len(table):,} rows")
    else:
        for piece in prediction.rows_csv(model, table, answers):
            print(piece, end="")
    return 0


ENTRIES = {
    "data": Verb(
        run_data,
        kinds={
            "show": whole_number(1, MOST_ON_A_SHEET),
            "out": file_ending_in(".png"),
            "size": _size,
        },
        facts=lambda: {"pictures": ON_A_SHEET},
        gone={
            "--png": "write -o FILE.png",
            "--seed": "a picture of warped images always has the random seed 0",
        },
    ),
    "predict": Verb(
        run_predict,
        kinds={"out": file_ending_in(".csv")},
        gone={
            "--csv": "write -o FILE.csv",
            "--many": "crop the picture to one digit each",
            **{f"--{word}": f"write --set '{word} …'" for word in OF_ROWS},
            **READING_GONE,
        },
    ),
}
