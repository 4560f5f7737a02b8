"""What a trained network reads in pictures: the digit, how sure it is, and what it may be instead.

MODEL is the folder of a run, a model.safetensors, or a file that import reads. FILE is

  a picture     of any size and colour (PNG, JPEG, WEBP, GIF, BMP, PPM), dark on
                light or light on dark; the digit is found, cut out, scaled and
                centred as the images were that the network was trained on
  a folder      of pictures, with the folders in it
  an idx file   of images, plain, .gz or .xz, taken as they are

For a model of a table FILE is a table (.csv, .tsv) with the same columns in any order; its
rows are printed, or written to -o, with what is predicted beside them. Of a network that was
imported these may be several numbers.

Exit code 0: all were read; 1: some show nothing to read; 2: some can't be opened.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import (
    add_reading_arguments,
    file_ending_in,
    matched,
    one_of,
)
from gradbook.cli.terminal.named import opened
from gradbook.cli.terminal.output import print_as_json, print_json, show, show_images, warn
from gradbook.errors import UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradbook.lab.models.model import Model
    from gradbook.lab.models.predict import Reading
    from gradbook.lab.models.table_model import TableModel

EXAMPLES = """\
  gradbook predict runs/quick six.jpg          a photo of a digit
  gradbook predict runs/quick six.jpg --show   and what the network saw of it
  gradbook predict runs/quick number.jpg --many    all digits of it, in reading order
  gradbook predict model.safetensors scans/    every picture in a folder
  gradbook predict runs/quick t10k-images-idx3-ubyte.gz --csv > read.csv
  gradbook predict runs/quick *.png --json     with the probability of each class
  gradbook predict runs/houses new.csv -o predicted.csv
  gradbook predict net.onnx new.csv            what another program trained, without more ado
"""
NOTHING_TO_READ, UNREADABLE = 1, 2
IMAGES = ": if these are an image's, say so with 'gradbook import … --images CxHxW'"
SHOWN_AT_ONCE = 256
MOST_NAMED = 5


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model's file")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture, a folder, an idx file")
    parser.add_argument(
        "--many", action="store_true", help="read all digits of a picture, line by line"
    )
    parser.add_argument("--show", action="store_true", help="draw what the network saw")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--csv", action="store_true", help="print a row for each picture instead")
    parser.add_argument(
        "-o", "--out", metavar="FILE", type=file_ending_in(".csv"), help="of a table's rows: a file"
    )
    tables = parser.add_argument_group("tables")
    tables.add_argument(
        "--missing",
        metavar="WAY",
        type=one_of("fill", "refuse"),
        help="'fill' puts in for missing values what the model has for them (default), 'refuse' "
        "names the first",
    )
    add_reading_arguments(tables)


def run(options: Namespace) -> int:
    chosen = [flag for flag in ("show", "json", "csv") if getattr(options, flag)]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} don't go together: leave one out")
    options.files = matched(options.files)
    from gradbook.lab.models.predict import readings
    from gradbook.lab.models.table_model import TableModel
    from gradbook.report import prediction

    model = opened(options.model)
    if isinstance(model, TableModel):
        return _rows(options, model)
    if options.out:
        raise UsageError("-o is for tables: print the rows of pictures with --csv > FILE")
    for flag in ("missing", "decimal", "dates"):
        if getattr(options, flag):
            raise UsageError(f"--{flag} is for tables, and this model reads pictures: leave it out")
    if options.many:
        model.require_classes()
    classes = model.classes or model.predicts
    code, total = 0, 0
    unreadable: list[str] = []
    kept: list[Reading] = []
    tell = _teller(options, model)
    for reading in readings(model, options.files, many=options.many):
        code = max(code, _code(reading))
        unreadable += [reading.file] * reading.unreadable
        total += 1
        tell(reading)  # as soon as it is known
        if options.json or ((options.show or options.many) and not reading.problem):
            kept.append(reading)
    if len(unreadable) > 1 and any(map(os.path.isdir, options.files)):
        shown = ", ".join(unreadable[:MOST_NAMED]) + ", …" * (len(unreadable) > MOST_NAMED)
        warn(f"{len(unreadable):,} of {total:,} can't be opened: {shown}")
    if options.json:
        print_as_json(prediction.as_json(kept, classes, options.model))
    elif options.many and not options.csv:
        show(prediction.together(kept, classes))
    if options.show and kept:
        _show_seen(kept[:SHOWN_AT_ONCE], classes)
    return code


def _teller(options: Namespace, model: Model) -> Callable[[Reading], None]:
    """What tells of one reading: a row or a line, and of JSON nothing until all are known."""
    from gradbook.report import prediction

    classes = model.classes or model.predicts
    names = prediction.width_of_names(options.files, options.many)
    if options.csv:
        print(prediction.headings(model.predicts), end="")

    def tell(reading: Reading) -> None:
        if reading.unreadable and sys.stderr:
            print(one_line(f"gradbook: {_problem(reading)}"), file=sys.stderr)
        if options.csv:
            print(prediction.row(reading, classes, not model.classes), end="")
        elif not options.json and not reading.unreadable:
            show([prediction.line(reading, classes, names)])

    return tell


def _show_seen(readings: Sequence[Reading], classes: Sequence[str]) -> None:
    """What the network saw."""
    import numpy as np

    from gradbook.report import prediction

    images = np.stack([one.image for one in readings if one.image is not None])
    show_images(images, [prediction.caption(one, classes) for one in readings])


def _rows(options: Namespace, model: TableModel) -> int:
    """What a model of a table predicts of one table's rows."""
    from gradbook.data.formats.pictures import SUFFIXES
    from gradbook.data.tables import read_columns
    from gradbook.files import write_whole
    from gradbook.report import tables

    for flag in ("show", "many"):
        if getattr(options, flag):
            raise UsageError(f"this model is of a table: --{flag} is for pictures")
    if options.out and options.json:
        raise UsageError("-o writes the rows as CSV: leave --json out")
    if options.files[0].lower().endswith(tuple(SUFFIXES)):
        raise UsageError(
            f"this model reads rows of a table, {len(model.mean)} numbers each, and no pictures"
            + IMAGES * model.by_place
        )
    if len(options.files) > 1:
        raise UsageError("this model is of a table: name one file at a time")
    table = read_columns(options.files[0], options.decimal or "", options.dates or "")
    rows = model.rows_of(table, complete=options.missing == "refuse")
    answers = model.answers(rows)
    remarks = tables.reading_remarks(model, table, rows)
    for remark in remarks:
        warn(remark)
    if options.json:
        found = tables.records(model, table, answers)
        told = {"remarks": remarks} if remarks else {}
        print_json({"version": 1, "model": options.model, **told, "rows": found})
    elif options.out:
        write_whole(options.out, tables.prediction_csv(model, table, answers))
        print(f"wrote {options.out}: {len(table):,} rows")
    else:
        print(tables.prediction_csv(model, table, answers), end="")
    return 0


def _problem(reading: Reading) -> str:
    """The problem and where it lies, which what the system says of a file names already."""
    said = reading.problem
    return said if reading.file in said else f"{reading.file}: {said}"


def _code(reading: Reading) -> int:
    return UNREADABLE if reading.unreadable else NOTHING_TO_READ if reading.problem else 0
