"""The whole of `gradbook train quick` beside PyTorch's 20 epochs of the recipe `reference`.

    python bench/quick.py [--rounds 5] [--steps 150] [--threads 2] [--json]

Ours is a new process each time, measured from the call until it reports its last epoch: that
includes Python, imports (with bytecode, as pip leaves it), images and checkpoints and, in the first
run, which has an empty cache, compiling the engine. PyTorch trains the recipe's network with its
batches, update and warps, in whichever float32 mode is fastest here; only its steps count, after a
warm-up, not its start or its compiler. Both take turns of some steps, and the ratio is the median
over the rounds. Without PyTorch, ours is measured alone.
"""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import gradbook
from bench.race.race import FLOAT32, IMAGES
from bench.race.turns import Runner, started
from bench.startup import ENVIRONMENT
from gradbook.engine.compilers import surroundings
from gradbook.errors import GradbookError
from gradbook.lab.recipes.recipe_text import builtin_recipe
from gradbook.system import cores

QUICK = ("train", "quick", "--set", "hold back none", "--json")
RIVAL = builtin_recipe("reference")
MODES = FLOAT32 if find_spec("torch") else ()
TRIALS, TRIAL = 3, 12  # turns, and the steps of each, that show which mode is the fastest


@dataclass(frozen=True)
class Run:
    """One run of ours."""

    seconds: float  # from the call to the last update
    test_accuracy: float


@dataclass(frozen=True)
class Bench:
    """The measurements, round by round."""

    first: Run  # with an empty cache
    runs: list[Run]
    mode: str  # PyTorch's fastest, if it is installed
    trials: dict[str, float]  # seconds a step of each mode
    steps: list[float]  # seconds a step, in each round

    @property
    def rival_seconds(self) -> list[float]:
        """The seconds of all epochs, computed from each round."""
        return [step * IMAGES / RIVAL.batch * RIVAL.epochs for step in self.steps]

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.rival_seconds, self.runs, strict=False)
        return [theirs / ours.seconds for theirs, ours in pairs]


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150, help="steps of PyTorch per round")
    parser.add_argument("--threads", type=int, default=min(2, cores()), help="for both")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    try:
        found = measured(options.rounds, options.steps, options.threads)
    except GradbookError as error:
        raise SystemExit(str(error)) from error
    print(as_json(found, options.threads) if options.json else as_text(found, options.threads))


def measured(rounds: int, steps: int, threads: int) -> Bench:
    with TemporaryDirectory(prefix="gradbook-quick-") as folder, ExitStack() as stack:
        tell("quick, with an empty cache")
        compileall.compile_dir(Path(gradbook.__file__).parent, quiet=1)  # as pip leaves them
        first = quick(Path(folder), threads)
        rivals: dict[str, Runner] = {}
        for mode in MODES:
            tell(f"PyTorch, {mode}, gets ready")
            words = ["recipe", RIVAL.name, mode, str(RIVAL.batch), str(threads)]
            rivals[mode] = stack.enter_context(started(mode, words, threads))
        trials = {mode: min(one.run(TRIAL) for _ in range(TRIALS)) for mode, one in rivals.items()}
        fastest = min(trials, key=lambda mode: trials[mode], default="")
        runs, taken = [], []
        for number in range(1, rounds + 1):
            tell(f"round {number} of {rounds}")
            runs.append(quick(Path(folder), threads))
            taken += [rivals[fastest].run(steps)] if fastest else []
    return Bench(first, runs, fastest, trials, taken)


def quick(folder: Path, threads: int) -> Run:
    """Run a new process; its engine is in the folder's cache if an earlier one compiled it."""
    with TemporaryDirectory(dir=folder) as out:
        words = [*QUICK, "--threads", str(threads), "--out", str(Path(out, "run"))]
        began, last = perf_counter(), 0.0
        with subprocess.Popen(
            [sys.executable, "-m", "gradbook", *words],
            stdout=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, "GRADBOOK_CACHE": str(folder / "cache")},
        ) as process:
            assert process.stdout
            event: dict[str, Any] = {}
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "epoch":
                    last = perf_counter() - began
    if process.returncode:
        raise SystemExit("gradbook train quick has failed")
    return Run(last, event["test_accuracy"])


def tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def as_text(found: Bench, threads: int) -> str:
    here = surroundings(threads)
    lines = [
        f"{here['processor']}; threads: {threads}; {here['compiler']}",
        f"quick: {spread([run.seconds for run in found.runs])} s from the call to the last update; "
        f"{found.first.seconds:.1f} s the first time, when the engine is compiled; "
        f"{found.first.test_accuracy:.2%} of the test images read right",
    ]
    if found.mode:
        trials = ", ".join(f"{mode} {1000 * step:.1f}" for mode, step in found.trials.items())
        lines += [
            f"PyTorch: {spread(found.rival_seconds, 0)} s for {RIVAL.epochs} epochs of "
            f"{RIVAL.name}, {1000 * median(found.steps):.1f} ms a step, {found.mode} "
            f"(ms a step in a trial of each mode: {trials})",
            f"ratio: {spread(found.ratios)}",
        ]
    return "\n".join(lines)


def spread(numbers: list[float], digits: int = 1) -> str:
    low, high = min(numbers), max(numbers)
    return f"{median(numbers):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def as_json(found: Bench, threads: int) -> str:
    quick = {
        "seconds": median(run.seconds for run in found.runs),
        "first_seconds": found.first.seconds,
        "runs": [asdict(run) for run in found.runs],
    }
    content: dict[str, Any] = {"version": 1, "machine": surroundings(threads), "quick": quick}
    if found.mode:
        content["pytorch"] = {
            "mode": found.mode,
            "epochs": RIVAL.epochs,
            "seconds": median(found.rival_seconds),
            "seconds_a_step": found.steps,
            "trials": found.trials,
        }
        content |= {"ratio": median(found.ratios), "ratios": found.ratios}
    return json.dumps(content, indent=2)


if __name__ == "__main__":
    main()
