"""What a trained network reads in pictures: the digit, how sure it is, and what it may be instead.

MODEL is the folder of a run, or a model.safetensors. FILE is

  a picture     of any size and colour (PNG, JPEG, WEBP, GIF, BMP, PPM), dark on
                light or light on dark; the digit is found, cut out, scaled and
                centred as the images were that the network was trained on
  a folder      of pictures, with the folders in it
  an idx file   of images, plain, .gz or .xz, taken as they are

Exit code 0: all were read; 1: some show nothing to read; 2: some can't be opened.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.terminal.output import show, show_images
from gradbook.errors import UsageError, one_line

if TYPE_CHECKING:
    from gradbook.lab.models.predict import Reading

EXAMPLES = """\
  gradbook predict runs/quick six.jpg          a photo of a digit
  gradbook predict runs/quick six.jpg --show   and what the network saw of it
  gradbook predict runs/quick number.jpg --many    all digits of it, in reading order
  gradbook predict model.safetensors scans/    every picture in a folder
  gradbook predict runs/quick t10k-images-idx3-ubyte.gz --csv > read.csv
  gradbook predict runs/quick *.png --json     with the probability of each class
"""
NOTHING_TO_READ, UNREADABLE = 1, 2
SHOWN_AT_ONCE = 256


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model's file")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture, a folder, an idx file")
    parser.add_argument(
        "--many", action="store_true", help="read all digits of a picture, line by line"
    )
    parser.add_argument("--show", action="store_true", help="draw what the network saw")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--csv", action="store_true", help="print a row for each picture instead")


def run(options: Namespace) -> int:
    chosen = [flag for flag in ("show", "json", "csv") if getattr(options, flag)]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} don't go together: leave one out")
    from gradbook.lab.models.predict import readings
    from gradbook.lab.training.run_folder import load
    from gradbook.report import prediction as text

    model = load(options.model)
    names = text.width_of_names(options.files, options.many)
    code = 0
    kept: list[Reading] = []
    if options.csv:
        print(text.headings(), end="")
    found = readings(model, options.files, many=options.many)
    for reading in found:  # each is told as soon as it is known
        code = max(code, _code(reading))
        if reading.unreadable and sys.stderr:
            print(one_line(f"gradbook: {_problem(reading)}"), file=sys.stderr)
        if options.json or ((options.show or options.many) and not reading.problem):
            kept.append(reading)
        if options.csv:
            print(text.row(reading, model.classes), end="")
        elif not options.json and not reading.unreadable:
            show([text.line(reading, model.classes, names)])
    if options.json:
        print(text.as_json(kept, model.classes, options.model), end="")
    elif options.many and not options.csv:
        show(text.together(kept, model.classes))
    if options.show and kept:
        import numpy as np

        shown = kept[:SHOWN_AT_ONCE]
        images = np.stack([one.image for one in shown if one.image is not None])
        show_images(images, [text.caption(one, model.classes) for one in shown])
    return code


def _problem(reading: Reading) -> str:
    """The problem and where it lies, which what the system says of a file names already."""
    said = reading.problem
    return said if reading.file in said else f"{reading.file}: {said}"


def _code(reading: Reading) -> int:
    return UNREADABLE if reading.unreadable else NOTHING_TO_READ if reading.problem else 0
