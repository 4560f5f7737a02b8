"""How fast the engine trains and predicts on this machine, beside PyTorch and onnxruntime."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gradbook.cli.options import whole_number
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.lab.race import Race

EXAMPLES = """\
  gradbook bench                        the three digit networks, on all threads and on one
  gradbook bench flat --threads 1       one network, on one thread alone
  gradbook bench --engine-only          without PyTorch and onnxruntime
  gradbook bench --json > bench.json    the trainings alone, for a program

Each way of training is a process of its own, and they take turns, so that what else the machine
does falls on all. A turn is some training steps on made-up images; an epoch is reckoned from it.
Give it a quiet machine and about ten minutes.
"""
VERSION = 1


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("networks", metavar="NET", nargs="*", help="reference, blocks or flat")
    parser.add_argument(
        "--threads",
        metavar="N",
        type=whole_number(1, 64),
        help="for all of them alike (default: the machine's, up to 2, and then 1)",
    )
    parser.add_argument(
        "--rounds", metavar="N", type=whole_number(1, 1000), default=7, help="turns (default: 7)"
    )
    parser.add_argument("--engine-only", action="store_true", help="leave the others out")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    from gradbook.engine.peak import gflops
    from gradbook.lab.race import BATCHES, require_known

    networks = options.networks or list(BATCHES)
    for network in networks:
        require_known(network)
    counts = _threads(options.threads)
    peaks = {threads: gflops(threads) for threads in counts}
    with _telling() as tell:
        races = _races(networks, counts, peaks, options, tell)
        if options.json:
            print(_json(races, peaks))
            return 0
        _show_training(races, peaks, options.rounds)
        _show_prediction(networks, counts, options, tell)
    return 0


def _threads(wanted: int | None) -> list[int]:
    import os

    return [wanted] if wanted else sorted({min(2, os.cpu_count() or 1), 1}, reverse=True)


def _races(
    networks: Sequence[str],
    counts: Sequence[int],
    peaks: dict[int, float],
    options: Namespace,
    tell: Callable[[str], None],
) -> list[Race]:
    from gradbook.lab.race import ENGINE, race
    from gradbook.lab.rivals import MODES

    if not options.engine_only and not _there("torch"):
        raise UsageError("the bench needs PyTorch: pip install 'gradbook[torch]', or --engine-only")
    modes = [ENGINE] if options.engine_only else [ENGINE, *MODES]
    return [
        race(network, modes, threads, options.rounds, peaks[threads], tell)
        for threads in counts
        for network in networks
    ]


def _show_training(races: Sequence[Race], peaks: dict[int, float], rounds: int) -> None:
    from gradbook.engine.surroundings import surroundings
    from gradbook.report.speed import ratios, training

    here = surroundings(max(peaks))
    print(f"{here['processor']}, {here['vectors']}; {here['compiler']}")
    for threads, peak in peaks.items():
        many = "1 thread does" if threads == 1 else f"{threads} threads do"
        print(f"{many} at most {peak:.0f} GFLOP/s of multiply-adds")
    print(f"\nTraining: the median of {rounds} rounds for an epoch of 60,000 images\n")
    print(training(races))
    if said := ratios(races):
        print(said)


def _show_prediction(
    networks: Sequence[str],
    counts: Sequence[int],
    options: Namespace,
    tell: Callable[[str], None],
) -> None:
    from gradbook.lab.race import ENGINE, predictions
    from gradbook.lab.rivals import PREDICTORS
    from gradbook.report.speed import prediction

    rivals = {} if options.engine_only else PREDICTORS
    present = [mode for mode, needs in rivals.items() if all(map(_there, needs))]
    found = {
        (network, threads): predictions(network, [ENGINE, *present], threads, options.rounds, tell)
        for threads in counts
        for network in networks
    }
    print("\nPredicting: medians\n")
    print(prediction(found))
    if len(present) < len(rivals):
        print("\nonnxruntime isn't here to compare with: pip install 'gradbook[onnx]'")


def _there(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """What is under way, on a terminal's error stream."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda said: None
        return
    from rich.console import Console

    with Console(stderr=True).status("measuring the machine") as status:
        yield status.update


def _json(races: Sequence[Race], peaks: dict[int, float]) -> str:
    import json
    import os
    from dataclasses import asdict

    from gradbook.engine.surroundings import surroundings

    threads = max(peaks)
    here = surroundings(threads)
    machine = {
        "processor": here["processor"],
        "cores": os.cpu_count(),
        "vectors": here["vectors"],
        "compiler": here["compiler"],
        "peak_gflops": {str(count): round(peak, 1) for count, peak in peaks.items()},
    }
    ratios = {
        race.times[0].network: race.ratio.value
        for race in races
        if race.ratio and race.times[0].threads == threads
    }
    rows = [asdict(time) for race in races for time in race.times]
    content = {"version": VERSION, "machine": machine, "rows": rows, "ratios": ratios}
    return json.dumps(content, indent=2)
