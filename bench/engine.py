"""How fast the engine trains and predicts on this machine, beside PyTorch, JAX and tinygrad.

    python bench/engine.py                        the digit networks, on all threads and on one
    python bench/engine.py flat --threads 1       one network, on one thread alone
    python bench/engine.py --engine-only          without the others
    python bench/engine.py --json > engine.json   the trainings alone, for a program

Each way of training is a process of its own, and they take turns, so that other work on the machine
affects all of them. A turn is some training steps on digits, from which the seconds of an epoch are
computed; the loss is that of the 50th step, so that nobody does less work. Whoever isn't installed
is left out. It needs a quiet machine and about ten minutes, and as many again for tinygrad.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from math import isnan
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.race import others
from bench.race import race as racing
from bench.race.peak import gflops
from bench.race.race import BATCHES, ENGINE, Predicted, Race, predictions
from bench.race.rivals import MODES, PREDICTORS
from gradbook.engine.compilers import surroundings
from gradbook.errors import GradbookError

VERSION = 1  # of the JSON format
UNKNOWN = "–"


def main(words: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("networks", metavar="NET", nargs="*", help=", ".join(BATCHES))
    parser.add_argument(
        "--threads", metavar="N", type=int, help="for all (default: up to 2, and 1)"
    )
    parser.add_argument("--rounds", metavar="N", type=int, default=7, help="turns (default: 7)")
    parser.add_argument("--engine-only", action="store_true", help="leave out the others")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(words)
    networks = options.networks or list(BATCHES)
    if unknown := set(networks) - BATCHES.keys():
        parser.error(f"the networks are {', '.join(BATCHES)}, not {', '.join(sorted(unknown))}")
    rivals = {} if options.engine_only else {**dict.fromkeys(MODES, ("torch",)), **others.MODES}
    modes = [ENGINE, *(mode for mode, needs in rivals.items() if all(map(find_spec, needs)))]
    counts = (
        [options.threads] if options.threads else sorted({min(2, os.cpu_count() or 1), 1})[::-1]
    )
    pairs = [(network, threads) for threads in counts for network in networks]
    try:
        peaks = {threads: gflops(threads) for threads in counts}
        races = [racing.race(name, modes, n, options.rounds, peaks[n], tell) for name, n in pairs]
        if options.json:
            print(as_json(races, peaks))
            return
        print_training(races, peaks, options.rounds)
        predictors = {} if options.engine_only else PREDICTORS
        present = [mode for mode, needs in predictors.items() if all(map(find_spec, needs))]
        predicted = {
            (name, n): predictions(name, [ENGINE, *present], n, options.rounds, tell)
            for name, n in pairs
        }
    except GradbookError as error:
        parser.error(str(error))
    print(f"\nPredicting: medians\n\n{prediction_table(predicted)}")
    missing = [mode for mode in rivals if mode not in modes]
    if missing := [*missing, *(mode for mode in predictors if mode not in present)]:
        remedy = "pip install 'gradbook[onnx,torch]' jax tinygrad"
        print(f"\nnot here to compare with: {', '.join(missing)} ({remedy})")


def tell(doing: str) -> None:
    """Show the current task on a terminal's error stream."""
    if sys.stderr.isatty():
        print(f"\r{doing}\033[K", end="", file=sys.stderr, flush=True)


def as_json(races: Sequence[Race], peaks: Mapping[int, float]) -> str:
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


# For people.


def print_training(races: Sequence[Race], peaks: Mapping[int, float], rounds: int) -> None:
    here = surroundings(max(peaks))
    print(f"{here['processor']}, {here['vectors']}; {here['compiler']}")
    for threads, peak in peaks.items():
        print(f"on {threads_of(threads)} at most {peak:.0f} GFLOP/s of multiply-adds")
    print(f"\nTraining: the median of {rounds} rounds for an epoch of {racing.IMAGES:,} images\n")
    print(training_table(races))
    for race in races:
        if race.ratio:
            first, ratio = race.times[0], race.ratio
            print(
                f"{first.network}, {threads_of(first.threads)}: {ratio.value:.1f} times as fast as "
                f"PyTorch's fastest in float32, {ratio.mode} ({ratio.lower:.1f} to "
                f"{ratio.upper:.1f} in the middle half of the rounds)"
            )


def training_table(races: Sequence[Race]) -> str:
    lines = [
        f"{'network':<11}{'threads':>7}  {'mode':<23}{'s an epoch':>10}{'GFLOP/s':>9}{'of peak':>9}"
        f"{'ready after':>13}{'memory':>10}{'loss':>7}"
    ]
    for race in races:
        for time in race.times:
            taken = race.taken[time.mode]
            memory = UNKNOWN if isnan(taken.mebibytes) else f"{taken.mebibytes:,.0f} MiB"
            lines.append(
                f"{time.network:<11}{time.threads:>7}  {time.mode:<23}"
                f"{time.seconds_per_epoch:>10.2f}{time.gflops:>9.0f}{time.peak_share:>9.0%}"
                f"{taken.ready_after:>11.1f} s{memory:>10}{taken.loss:>7.2f}"
            )
        lines.append("")
    return "\n".join(lines)


def prediction_table(found: Mapping[tuple[str, int], Sequence[Predicted]]) -> str:
    """`found` by network and threads."""
    counts = racing.PREDICTED
    heads = "".join(f"{'one image' if n == 1 else f'{n:,} images':>18}" for n in counts)
    lines = [f"{'network':<11}{'threads':>7}  {'mode':<23}{heads}"]
    for (network, threads), times in found.items():
        for mode in dict.fromkeys(time.mode for time in times):
            own = {time.images: time.seconds for time in times if time.mode == mode}
            cells = "".join(f"{milliseconds(own[count]):>18}" for count in counts)
            lines.append(f"{network:<11}{threads:>7}  {mode:<23}{cells}")
    return "\n".join(lines)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:,.0f} ms"


def threads_of(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


if __name__ == "__main__":
    main()
