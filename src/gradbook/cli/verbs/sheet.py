"""Write the live workbook: every value a cell, every step a formula, one row per epoch."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import network, number, positives, whole_number
from gradbook.cli.terminal.output import busy
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.net import Net

EXAMPLES = """\
  gradbook sheet                            the worked 2-2-2 network, into worked.xlsx
  gradbook sheet mazur -o book.xlsx         another network, another file
  gradbook sheet xor --rate 0.5 --rates 0.1,0.5,1,5
  gradbook sheet "input 4; dense 3; softmax; loss cross-entropy" --data iris.csv --epochs 20
  gradbook sheet --exercise 7 --solution    gradients left blank for student 7, and solved
  gradbook sheet --exercise 1-30 -o class   one for each of thirty students, into class/
"""
SUFFIX = ".xlsx"
MOST_EXERCISES = 500


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="where to write (default: NET.xlsx); a folder for many"
    )
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(2), default=70, help="rows (default: 70)"
    )
    parser.add_argument("--rate", metavar="η", type=_rate, help="what the η cell starts with")
    parser.add_argument(
        "--rates",
        metavar="η,η,…",
        type=_rates,
        help="the learning rates compared, or 'none' (default: 0.05 to 10000)",
    )
    parser.add_argument(
        "--exercise",
        metavar="SEED",
        type=_seeds,
        help="personal start weights, gradients left blank; 1-30 writes thirty",
    )
    parser.add_argument(
        "--solution", action="store_true", help="with --exercise: the solved workbook beside it"
    )


def run(options: Namespace) -> int:
    if options.solution and not options.exercise:
        raise UsageError("--solution goes with --exercise SEED: without it nothing is left blank")
    net = network(options.net, options.data)
    if options.exercise:
        return _exercises(net, options)
    path = Path(options.out or f"{_stem(options.net, net)}{SUFFIX}")
    _write(net, _workbook(path), options)
    print("open it: the first sheet says what is where; change η and watch the curve")
    return 0


def _exercises(net: Net, options: Namespace) -> int:
    from gradbook.lab.exercise import personal

    for seed, path in _places(net, options):
        own = personal(net, seed)
        _write(own, path, options, exercise=True)
        if options.solution:
            _write(own, path.with_name(f"{path.stem}-solution{path.suffix}"), options)
    print("the yellow cells of the sheet Training are to be filled in; Check says when it is right")
    return 0


def _places(net: Net, options: Namespace) -> list[tuple[int, Path]]:
    """Each student's file: one as it is named, many in a folder."""
    stem = f"{_stem(options.net, net)}-exercise"
    if len(options.exercise) == 1:
        (seed,) = options.exercise
        return [(seed, _workbook(Path(options.out or f"{stem}-{seed}{SUFFIX}")))]
    if options.out and options.out.endswith(SUFFIX):
        raise UsageError(f"{len(options.exercise)} exercises go into a folder, not {options.out}")
    from gradbook.files import made_folder

    folder = made_folder(options.out or ".")
    return [(seed, folder / f"{stem}-{seed}{SUFFIX}") for seed in options.exercise]


def _write(net: Net, path: Path, options: Namespace, exercise: bool = False) -> None:
    from gradbook.net.task import DEFAULT_RATES
    from gradbook.report.workbook import write_workbook

    with busy(f"writing {path.name}"):
        written = write_workbook(
            net,
            path,
            epochs=options.epochs,
            rate=options.rate,
            rates=options.rates,
            exercise=exercise,
        )
    print(f"wrote {path}")
    if not exercise and options.rates is None and len(written.rates) < len(DEFAULT_RATES):
        compared = f"compares {len(written.rates)} learning rates, not {len(DEFAULT_RATES)}"
        what = compared if written.rates else "compares no learning rates"
        print(f"  {what}: more would be too many cells (fewer --epochs make room)")


def _workbook(path: Path) -> Path:
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"a workbook's name ends in {SUFFIX}: write {path}{SUFFIX}")
    return path


def _stem(argument: str, net: Net) -> str:
    """What the file is called: like the network's file, or like the network."""
    if os.path.isfile(argument):
        return Path(argument).stem
    words = re.sub(r"\W+", "-", net.name).strip("-")
    return words or "network"


def _rate(word: str) -> float:
    value = number(word)
    if value < 0:
        raise ArgumentTypeError(f"{word} won't do: a learning rate is at least 0")
    return value


def _rates(words: str) -> tuple[float, ...]:
    return () if words.strip() == "none" else positives(words)


def _seeds(words: str) -> tuple[int, ...]:
    """7, or 1-30, or 3,5,8."""
    found: dict[int, None] = {}
    for word in words.split(","):
        first, dash, last = word.strip().partition("-")
        low = whole_number(0, 999_999_999)(first)
        high = whole_number(low, low + MOST_EXERCISES - 1)(last) if dash else low
        found.update(dict.fromkeys(range(low, high + 1)))
    if len(found) > MOST_EXERCISES:
        raise ArgumentTypeError(f"at most {MOST_EXERCISES} exercises at once")
    return tuple(found)
