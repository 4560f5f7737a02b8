"""Images to train on: what there is, how many of each class, what they look like.

DATA is the name of a data set, or one of your own:

  a folder of idx files     train-images-idx3-ubyte, train-labels-idx1-ubyte,
                            t10k-…; also .gz and .xz
  a folder of pictures      a folder for each class, PNG, JPEG and the like;
                            train/ and test/ may lie above the classes
  a table                   .csv: a label and its pixels from 0 to 255 in a row;
                            or a folder with train.csv and test.csv
  an archive of arrays      .npz: x_train, y_train, x_test, y_test
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import file_ending_in, whole_number
from gradbook.cli.terminal.output import can_say, print_json, show, show_images, width
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset, Images

EXAMPLES = """\
  gradbook data                              what goes by a name
  gradbook data digits                       classes, counts, mean and deviation
  gradbook data digits --show 20             twenty of them, here
  gradbook data digits --png digits.png      a hundred on one sheet
  gradbook data digits --warp 'rotate 15; shift 2' --show 20
                                             as training may see them
  gradbook data fashion/ --verify            read every byte and check it
  gradbook data letters/ --size 28x28        pictures, brought to one size
  gradbook data flowers.csv --json           for a program
"""

ON_A_SHEET = 100
MOST_ON_A_SHEET = 2_000
BAR = "━"
SIZE = re.compile("([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("data", nargs="?", metavar="DATA", help="default: list the names")
    parser.add_argument(
        "--show",
        metavar="N",
        type=whole_number(1, MOST_ON_A_SHEET),
        help="draw N training images here, or on FILE: one of each class in turn",
    )
    parser.add_argument(
        "--png",
        metavar="FILE",
        type=file_ending_in(".png"),
        help=f"put N training images on one sheet (default: {ON_A_SHEET})",
    )
    parser.add_argument(
        "--warp",
        metavar="WARP",
        help="draw them as training may see them: 'rotate 15; shift 2' (see gradbook help warps)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0),
        help="what a warp is drawn from (default: 0)",
    )
    parser.add_argument(
        "--size",
        metavar="ROWSxCOLUMNS",
        type=_size,
        help="what pictures are brought to (default: the first one's), or a table's layout",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="check the sums, and that no test image is among those to train on",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def _size(word: str) -> tuple[int, int]:
    found = SIZE.fullmatch(word)
    if not found:
        raise ArgumentTypeError(f"'{word}' isn't a size: write rows and columns as 28x28")
    return int(found[1]), int(found[2])


def run(options: Namespace) -> int:
    if options.json and options.show and not options.png:
        raise UsageError("--show and --json don't go together: leave one out")
    if options.data is None:
        return _list(options)
    _require_sense(options)
    from gradbook.data.sources import load
    from gradbook.report import dataset as words

    dataset = load(options.data, options.size)
    if options.warp:
        options.warp.require_fit(*dataset.shape[1:])
    if options.png:
        _write_sheet(dataset, options)
    if options.json:
        verified = {"verified": words.verified_records(dataset)} if options.verify else {}
        print_json(words.records(dataset) | verified)
        return 0
    show(words.lines(dataset, ascii_only=not can_say(BAR)))
    if options.verify:
        show(words.verification_lines(dataset))
    if options.png:
        print(f"\nwrote {options.png}")
    elif options.show:
        images = _chosen(dataset, options, options.show)
        show_images(images.pixels, [dataset.classes[label] for label in images.labels])
    return 0


def _list(options: Namespace) -> int:
    for flag in ("show", "png", "warp", "size", "verify"):
        if getattr(options, flag):
            raise UsageError(f"--{flag} needs a data set: gradbook data digits --{flag} …")
    from gradbook.report.dataset import known_lines, known_records

    if options.json:
        print_json(known_records())
        return 0
    show(known_lines(width()))
    print("\nor files of your own: see gradbook data --help")
    return 0


def _require_sense(options: Namespace) -> None:
    if options.warp is not None and not (options.show or options.png):
        raise UsageError("--warp needs --show or --png to be seen")
    if options.seed is not None and options.warp is None:
        raise UsageError("--seed is what a warp is drawn from: add --warp")
    if options.warp is not None:
        from gradbook.data.warp import parse_warp

        options.warp = parse_warp(options.warp, "--warp")


def _chosen(dataset: Dataset, options: Namespace, count: int) -> Images:
    """Images of each class in turn, as they are or as the first epoch may see them."""
    from gradbook.data.dataset import in_turns

    places = in_turns(dataset.training, count)
    if options.warp is None:
        return dataset.training[places]
    from gradbook.data.warp import samples

    return samples(dataset.training, options.warp, places, seed=options.seed or 0)


def _write_sheet(dataset: Dataset, options: Namespace) -> None:
    from gradbook.files import write_whole
    from gradbook.report.images import contact_sheet

    images = _chosen(dataset, options, options.show or ON_A_SHEET)
    names = [dataset.classes[label] for label in images.labels]
    title = f"{dataset.name}: {len(images):,} of {len(dataset.training):,} training images"
    title += ", warped" if options.warp else ""
    write_whole(
        options.png, contact_sheet(images.pixels, names, title, across=len(dataset.classes))
    )
