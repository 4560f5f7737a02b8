"""The engine beside PyTorch, taking turns.

So whatever else the machine does falls on all of them alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter

from gradbook.errors import UsageError
from gradbook.net import builtin
from gradbook.net.measure import measure

IMAGES = 60_000  # in an epoch of the digits
BATCHES = {"reference": 128, "blocks": 64, "flat": 128}
FLOAT32 = ("eager", "channels last", "compile", "compile, channels last")
TURN = 1.5  # seconds, about


@dataclass(frozen=True)
class Time:
    """One way of training one network."""

    network: str
    batch: int
    mode: str
    threads: int
    seconds_per_epoch: float  # the median of the turns
    gflops: float  # of the multiply-adds that the plain algorithm would need
    peak_share: float


@dataclass(frozen=True)
class Race:
    times: tuple[Time, ...]
    ratios: dict[str, float]  # network → PyTorch's fastest float32 mode over the engine


def race(
    networks: Sequence[str],
    modes: Sequence[str],
    threads: int,
    rounds: int,
    peak: float,
    tell: Callable[[str], None] = lambda line: None,
) -> Race:
    """Every network in every mode. `peak` is the machine's, in GFLOP/s for these threads."""
    times: list[Time] = []
    ratios: dict[str, float] = {}
    for network in networks:
        if network not in BATCHES:
            raise UsageError(f"the bench knows {', '.join(BATCHES)}, not {network!r}")
        turns = _turns(network, modes, threads, rounds, tell)
        own = [_time(network, mode, threads, turns[mode], peak) for mode in modes]
        rivals = [turns[mode] for mode in modes if mode in FLOAT32]
        if rivals and "engine" in modes:
            fastest = min(rivals, key=median)
            pairs = zip(fastest, turns["engine"], strict=True)
            ratios[network] = median(rival / ours for rival, ours in pairs)
        times += own
    return Race(tuple(times), ratios)


def _time(network: str, mode: str, threads: int, turns: Sequence[float], peak: float) -> Time:
    batch = BATCHES[network]
    seconds = median(turns) * ceil(IMAGES / batch)
    gflops = 2 * measure(builtin(network)).training_macs * IMAGES / seconds / 1e9
    return Time(network, batch, mode, threads, seconds, gflops, gflops / peak)


def _turns(
    network: str,
    modes: Sequence[str],
    threads: int,
    rounds: int,
    tell: Callable[[str], None],
) -> dict[str, list[float]]:
    """Seconds a step, of each mode in each round."""
    found: dict[str, list[float]] = {mode: [] for mode in modes}
    with ExitStack() as stack:
        runners = {
            mode: stack.enter_context(_runner(network, mode, BATCHES[network], threads))
            for mode in modes
        }
        counts = {mode: max(3, round(TURN / (run(3) / 3))) for mode, run in runners.items()}
        for number in range(rounds):
            for mode, run in runners.items():
                found[mode].append(run(counts[mode]) / counts[mode])
            tell(f"{network}: round {number + 1} of {rounds}")
    return found


@contextmanager
def _runner(network: str, mode: str, batch: int, threads: int) -> Iterator[Callable[[int], float]]:
    """A process that trains in this mode; it waits between its turns."""
    words = [sys.executable, "-m", "gradbook.lab.runner", network, mode, str(batch), str(threads)]
    settings = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
    unwanted = {"GOMP_CPU_AFFINITY", "KMP_AFFINITY", "OMP_PROC_BIND", "OMP_PLACES"}
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, **settings},
    )
    questions, answers, complaints = process.stdin, process.stdout, process.stderr
    assert questions is not None
    assert answers is not None
    assert complaints is not None

    def run(count: int) -> float:
        questions.write(f"{count}\n")
        questions.flush()
        return float(answers.readline())

    try:
        if answers.readline() != "ready\n":
            said = complaints.read().strip().splitlines() or ["it said nothing"]
            raise UsageError(f"the bench can't run {mode!r} of {network}: {said[-1]}")
        yield run
    finally:
        process.kill()
        process.wait()
        for stream in (questions, answers, complaints):
            stream.close()


def compile_seconds(network: str) -> float:
    """From the network to the loaded engine, nothing kept from before."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        began = perf_counter()
        words = "from gradbook.engine.native import NativeEngine; from gradbook.net import builtin"
        subprocess.run(
            [sys.executable, "-c", f"{words}; NativeEngine(builtin({network!r}), 128)"],
            env={**os.environ, "GRADBOOK_CACHE": folder},
            check=True,
        )
        return perf_counter() - began
