"""Studies: trainings per hour, the driver's share, and 30 kills that must change nothing.

    python bench/studies.py [--trials N] [--simulated N] [--kills N]

First comes a study of `quick` with one epoch, by 1 and by 2 workers. Then the driver is measured
alone: the results of trials are invented, but they go to other processes and back, are kept in the
journal and are reported to the sampler. Last, a small study is killed with signal 9 at random
moments (the driver, or one of its workers) and resumed until it is done, again and again until
there were enough kills; its trials, values and bits must equal those of an undisturbed study. Exits
1 if one doesn't.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.lab.study.run_study import DONE, Result, StudyFolder, StudyListener, study
from gradbook.lab.study.study_plan import read_plan
from gradbook.work import Task
from gradbook.work.processes import ProcessCrew
from tests.lab import made

SEED = 5
QUICK = "vary quick\nepochs 1\nschedule one cycle {0.1..1 log} warm 0.2\nbatch {128|256}\n"
COMMAND = [sys.executable, "-m", "gradbook", "study"]
SMALL = """\
schedule one cycle {0.01..1 log}
batch {16|32}
trials 8
"""
CLOCK = ("seconds",)


class Simulated(ProcessCrew):
    """A study with real processes and messages, and no training."""

    def give(self, name: str, task: Task) -> None:
        super().give(name, partial(made_up, name))


def made_up(name: str) -> Result:
    return Result(DONE, accuracy=random.Random(name).random(), bits=(name,))


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--simulated", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for workers in (1, 2) if options.trials else ():
            _speed(folder / f"speed {workers}", options.trials, workers)
        for sampler in ("random", "tpe") if options.simulated else ():
            _overhead(folder / f"overhead {sampler}", options.simulated, sampler)
        return _kills(folder, options.kills) if options.kills else 0


def _speed(path: Path, trials: int, workers: int) -> None:
    folder = _begun(path, f"{QUICK}trials {trials}\n")
    began = perf_counter()
    study(folder, folder.plan(), ProcessCrew(workers), 2 // workers, StudyListener())
    spent = perf_counter() - began
    print(f"{workers} at once: {3600 * trials / spent:,.0f} trials an hour", flush=True)


def _overhead(path: Path, trials: int, sampler: str) -> None:
    folder = _begun(path, f"{QUICK}trials {trials}\nsampler {sampler}\n")
    began, worked = perf_counter(), getrusage(RUSAGE_SELF)
    study(folder, folder.plan(), Simulated(2), 1, StudyListener())
    spent, after = perf_counter() - began, getrusage(RUSAGE_SELF)
    own = after.ru_utime + after.ru_stime - worked.ru_utime - worked.ru_stime
    print(
        f"{sampler}: {trials:,} trials without training take {1000 * spent / trials:.1f} ms each, "
        f"{1000 * own / trials:.1f} ms of the driver's processor; {after.ru_maxrss / 1024:,.0f} MB",
        flush=True,
    )


def _begun(path: Path, text: str) -> StudyFolder:
    folder = StudyFolder(path)
    folder.begin(read_plan(text))
    return folder


# Kills.


def _kills(folder: Path, wanted: int) -> int:
    chance, kills, runs, wrong = random.Random(SEED), 0, 0, 0
    text = folder / "small.txt"
    rows = str(made.recipe(f"data {made.archive(folder)}")).splitlines()
    own = [row for row in rows if not row.startswith(("schedule", "batch ", "recipe"))]
    text.write_text(SMALL + "\n".join(own), encoding="utf-8")
    for name in ("first", "undisturbed"):  # the first one compiles
        began = perf_counter()
        words = [*COMMAND, str(text), "-o", str(folder / name)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        spent = perf_counter() - began
    expected = _trials(folder / "undisturbed")
    while kills < wanted:
        runs += 1
        path = folder / f"run {runs}"
        kills += _killed(text, path, spent, chance)
        wrong += _trials(path) != expected
    print(f"{kills} kills in {runs} studies: {wrong} had other trials, values or bits")
    return bool(wrong)


def _killed(text: Path, path: Path, spent: float, chance: random.Random) -> int:
    """Kill and resume until the study is done; return the number of kills."""
    kills = 0
    while True:
        begun = (path / "study.txt").exists()
        own = ["--resume", str(path)] if begun else [str(text), "-o", str(path)]
        workers = str(chance.choice((1, 2, 3)))
        driver = subprocess.Popen(
            [*COMMAND, *own, "--workers", workers],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _, said = driver.communicate(timeout=chance.uniform(0, 1.5 * spent))
        except subprocess.TimeoutExpired:
            victims = [driver.pid, *_workers(driver.pid)]
            os.kill(chance.choice(victims), signal.SIGKILL)
            kills += 1
            _, said = driver.communicate()
        if driver.returncode == 0:
            return kills
        if driver.returncode != -signal.SIGKILL and "another process" not in said:
            sys.exit(f"ended with {driver.returncode} after {kills} kills: {said}")


def _workers(driver: int) -> list[int]:
    children = Path(f"/proc/{driver}/task/{driver}/children")
    return list(map(int, children.read_text().split())) if children.exists() else []


def _trials(path: Path) -> list[dict[str, object]]:
    trials = StudyFolder(path).records()
    return [{k: v for k, v in trial.items() if k not in CLOCK} for trial in trials]


if __name__ == "__main__":
    sys.exit(main())
