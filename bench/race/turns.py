"""Processes that take turns at the same work, so that what else the machine does falls on all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from gradbook.errors import UsageError

TURN = 1.5  # seconds, about
LEAST = 3  # pieces of work in a turn
ROOT = Path(__file__).parents[2]
UNWANTED = ("GOMP_CPU_AFFINITY", "KMP_AFFINITY", "OMP_PROC_BIND", "OMP_PLACES")
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Taken:
    """What one mode took for one piece of work, such as a training step."""

    seconds: list[float]  # in each turn
    ready_after: float  # seconds to import, build and compile, nothing kept from before
    mebibytes: float  # at most, the whole process
    loss: float  # of the last of the first steps, before the clock

    @property
    def fastest(self) -> float:
        return min(self.seconds)


@dataclass
class Runner:
    """A process that waits between its turns."""

    process: subprocess.Popen[str]
    what: str
    ready_after: float = 0.0
    mebibytes: float = 0.0
    loss: float = nan

    def answer(self) -> list[str]:
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        if not words:
            assert self.process.stderr is not None
            said = self.process.stderr.read().strip().splitlines() or ["it said nothing"]
            raise UsageError(f"the bench can't run {self.what}: {said[-1]}")
        return words

    def run(self, count: int) -> float:
        """Seconds for a piece of work."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{count}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said before it ended comes as the answer
        seconds, mebibytes = map(float, self.answer())
        self.mebibytes = max(self.mebibytes, mebibytes)
        return seconds / count


def turns(
    runners: Mapping[str, Sequence[str]], threads: int, rounds: int, tell: Tell
) -> dict[str, Taken]:
    """Every mode's runner so many times, each turn about as long."""
    with ExitStack() as stack:
        running = {}
        for mode, words in runners.items():
            tell(f"{mode} gets ready")
            running[mode] = stack.enter_context(started(mode, words, threads))
        counts = {mode: max(LEAST, round(TURN / one.run(LEAST))) for mode, one in running.items()}
        seconds: dict[str, list[float]] = {mode: [] for mode in runners}
        for number in range(rounds):
            for mode, one in running.items():
                tell(f"round {number + 1} of {rounds}, {mode}")
                seconds[mode].append(one.run(counts[mode]))
        return {
            mode: Taken(seconds[mode], one.ready_after, one.mebibytes, one.loss)
            for mode, one in running.items()
        }


@contextmanager
def started(mode: str, words: Sequence[str], threads: int) -> Iterator[Runner]:
    """A runner (see runner.py) that is ready, with caches of its own."""
    with TemporaryDirectory(prefix="gradbook-bench-") as folder:
        kept = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        settings = {
            "GRADBOOK_CACHE": folder,
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": "1",
            "TORCHINDUCTOR_CACHE_DIR": folder,
        }
        began = perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.race.runner", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, **settings},
            cwd=ROOT,
        )
        runner = Runner(process, f"{mode!r} of {words[1]}")
        try:
            runner.loss = float(runner.answer()[1])
            runner.ready_after = perf_counter() - began
            yield runner
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
