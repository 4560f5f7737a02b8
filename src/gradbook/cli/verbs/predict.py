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

from gradbook.cli.terminal.output import can_say, has_colours, show, width
from gradbook.errors import UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gradbook.lab.models.model import Model
    from gradbook.lab.models.predict import Reading

EXAMPLES = """\
  gradbook predict runs/quick six.jpg          a photo of a digit
  gradbook predict runs/quick six.jpg --show   and what the network saw of it
  gradbook predict model.safetensors scans/    every picture in a folder
  gradbook predict runs/quick t10k-images-idx3-ubyte.gz --csv > read.csv
  gradbook predict runs/quick *.png --json     with the probability of each class
"""
BLOCKS = "▀▄█"
NOTHING_TO_READ, UNREADABLE = 1, 2
SHOWN_AT_ONCE = 256


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model's file")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture, a folder, an idx file")
    parser.add_argument("--show", action="store_true", help="draw what the network saw")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--csv", action="store_true", help="print a row for each picture instead")


def run(options: Namespace) -> int:
    chosen = [flag for flag in ("show", "json", "csv") if getattr(options, flag)]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} don't go together: leave one out")
    from gradbook.lab.models.predict import readings
    from gradbook.lab.training.run_folder import load

    model = load(options.model)
    code = 0
    found = _complaining(readings(model, options.files))
    if options.json:
        code = _print_json(found, model, options.model)
    else:
        code = _print_lines(found, model, options)
    return code


def _complaining(readings: Iterator[Reading]) -> Iterator[Reading]:
    """The same; files that can't be read are said on the error stream."""
    for reading in readings:
        if reading.unreadable and sys.stderr:
            print(one_line(f"gradbook: {_told(reading)}"), file=sys.stderr)
        yield reading


def _told(reading: Reading) -> str:
    """The problem and where it lies, which what the system says of a file names already."""
    said = reading.problem
    return said if reading.file in said else f"{reading.file}: {said}"


def _code(reading: Reading) -> int:
    return UNREADABLE if reading.unreadable else NOTHING_TO_READ if reading.problem else 0


def _print_json(readings: Iterator[Reading], model: Model, name: str) -> int:
    from gradbook.report.prediction import as_json

    found = list(readings)
    print(as_json(found, model.classes, name), end="")
    return max(map(_code, found), default=0)


def _print_lines(readings: Iterator[Reading], model: Model, options: Namespace) -> int:
    """Each as soon as it is known."""
    from gradbook.report import prediction as text

    names = text.width_of_names(options.files)
    code = 0
    seen: list[Reading] = []
    if options.csv:
        print(text.headings(), end="")
    for reading in readings:
        code = max(code, _code(reading))
        if options.csv:
            print(text.row(reading, model.classes), end="")
        elif not reading.unreadable:
            show([text.line(reading, model.classes, names)])
            seen += [reading] * (not reading.problem)
    if options.show and seen:
        _show_images(seen[:SHOWN_AT_ONCE], model)
    return code


def _show_images(readings: Sequence[Reading], model: Model) -> None:
    """What the network saw of the pictures, side by side."""
    import numpy as np

    from gradbook.report.images.characters import Means, grid
    from gradbook.report.prediction import caption

    means = Means.COLOURS if has_colours() else Means.BLOCKS
    means = means if can_say(BLOCKS) else Means.LETTERS
    images = np.stack([reading.image for reading in readings if reading.image is not None])
    print()
    show(grid(images, [caption(one, model.classes) for one in readings], width(), means))
