"""Film a training: the network's weights, its error, and what it says of a plane, as they move."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.arguments import (
    Verb,
    add_reading_arguments,
    network,
    number,
    reading_of,
    whole_number,
)
from gradbook.cli.output import counting
from gradbook.errors import UsageError
from gradbook.files import require_replaceable

EXAMPLES = """\
  gradbook film xor -o xor.gif               a training as a GIF, of 200 epochs
  gradbook film worked -o worked.mp4 --epochs 70 --rate 0.5
                                             a video: pip install 'gradbook[film]'
  gradbook film net.txt --data points.csv -o points.gif --epochs 1000 --fps 30
"""
USUAL_EPOCHS = 200


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="xor", help="default: xor")
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="where to write: .gif, .mp4 or .webm"
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=whole_number(1),
        default=USUAL_EPOCHS,
        help=f"how long to train (default: {USUAL_EPOCHS})",
    )
    parser.add_argument("--rate", metavar="η", type=number, help="the learning rate")
    parser.add_argument(
        "--fps",
        metavar="N",
        type=whole_number(1, 60),
        default=15,
        help="frames per second (default: 15)",
    )
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    add_reading_arguments(parser.add_argument_group("tables of samples"))


def run(options: Namespace) -> int:
    from gradbook.rates.sweep import usable_rate
    from gradbook.report.film import film, require_film_writer, write_film

    require_film_writer(options.out)
    if options.rate is not None and options.rate < 0:
        raise UsageError(f"--rate: {options.rate:g} is out of range: it is at least 0")
    net = network(options.net, options.data, **reading_of(options))
    require_replaceable(options.out)
    rate = usable_rate(net, options.epochs) if options.rate is None else options.rate
    shot = film(net, options.epochs, rate)
    with counting("frames drawn", len(shot.scenes)) as tick:
        write_film(shot, options.out, options.fps, tick)
    print(f"wrote {options.out}: {len(shot.scenes)} frames, {len(shot.scenes) / options.fps:.1f} s")
    return 0


ENTRIES = {"film": Verb(__doc__, EXAMPLES, add_arguments, run, writes_files=True)}
