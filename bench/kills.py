"""Kill trainings with signal 9 at random moments, resume them, and compare every bit at the end.

    python bench/kills.py [KILLS]

Several recipes train on some thousands of the digits. Each is trained once undisturbed; then
again and again, killed at a random moment (sometimes before it has even begun) and resumed, on
one thread or on two, until it is finished. After each kill every file in the run's folder must be
whole; at the end the model and the history must equal those of the undisturbed run. Exits 1 if
one doesn't.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

from gradbook.data.sources import load
from gradbook.errors import GradbookError
from gradbook.files import PART
from gradbook.lab.training import run_folder
from gradbook.lab.training.run_folder import RunFolder

KILLS = 30
SEED = 4
IMAGES = 6_000
RECIPES = {  # and changes that make them short
    "quick": "epochs 3",
    "tiny": "epochs 2",
    "reference": "epochs 2; warp crop 22 chance 0.1, rotate 15, elastic 7 2",
    "flat": "epochs 2; update adamw; schedule cosine 0.01",
}
TRAIN = """
import sys
from gradbook.lab.training import run_training
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import train
run_training.SAVED_EVERY = 0.15  # seconds: many checkpoints within an epoch too
recipe, changes, folder, threads = sys.argv[1:]
if RunFolder(folder).holds_a_run:
    train(folder=folder, threads=int(threads), resume=True)
else:
    train(recipe, changes, folder=folder, threads=int(threads))
"""


def started(name: str, data: Path, folder: Path, threads: int = 1) -> subprocess.Popen[bytes]:
    changes = f"{RECIPES[name]}; data {data}"
    words = [TRAIN, name, changes, str(folder), str(threads)]
    return subprocess.Popen([sys.executable, "-c", *words])


def some_digits(folder: Path) -> Path:
    found = load("digits")
    path = folder / "digits.npz"
    train, test = found.training_and_validation, found.test_for_reporting
    np.savez(
        path,
        x_train=train.pixels[:IMAGES, 0],
        y_train=train.labels[:IMAGES],
        x_test=test.pixels[:1000, 0],
        y_test=test.labels[:1000],
    )
    return path


def undisturbed(name: str, data: Path, folder: Path) -> float:
    """Train to the end with everything compiled; return the seconds."""
    for path in (folder.with_name(f"{name} first"), folder):
        began = perf_counter()
        if started(name, data, path).wait():
            sys.exit(f"{name} doesn't train")
    return perf_counter() - began


def killed(name: str, data: Path, folder: Path, seconds: float, chance: random.Random) -> int:
    """Kill and resume until the run is done; return the number of kills."""
    kills = 0
    while True:
        process = started(name, data, folder, chance.choice((1, 2)))
        try:
            code = process.wait(timeout=chance.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            code = process.wait()
        if code == 0:
            return kills
        if code != -signal.SIGKILL:
            sys.exit(f"{name} ended with {code} after {kills} kills")
        kills += 1
        for fault in half_written(folder):
            sys.exit(f"{name}, after kill {kills}: {fault}")


def half_written(folder: Path) -> Iterator[str]:
    """The faults in the folder's files, except those that aren't in their place yet."""
    run = RunFolder(folder)
    readers = {
        run.recipe_file.name: lambda path: run.recipe(),
        run.json_file.name: lambda path: run.history(),
        run.csv_file.name: lambda path: path.read_text("utf-8"),
        run.model_file.name: lambda path: run.model(),
        run.result_file.name: lambda path: run.result(),
    }
    for path in folder.rglob("*"):
        if path.is_dir() or path.name.startswith(PART):
            continue
        try:
            readers.get(path.name, run_folder.read_checkpoint)(path)
        except GradbookError as error:
            yield str(error)


def differences(one: Path, other: Path) -> list[str]:
    names = [
        name
        for name in ("model.safetensors", "recipe.txt")
        if (one / name).read_bytes() != (other / name).read_bytes()
    ]
    clock = ("seconds", "images_per_second")
    histories = [
        [{k: v for k, v in json.loads(line).items() if k not in clock} for line in lines]
        for lines in ((path / "metrics.jsonl").read_text().splitlines() for path in (one, other))
    ]
    return names + ["metrics.jsonl"] * (histories[0] != histories[1])


def main(wanted: int) -> int:
    chance, kills, runs, wrong = random.Random(SEED), 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = some_digits(folder)
        seconds = {name: undisturbed(name, data, folder / name) for name in RECIPES}
        while kills < wanted:
            name = list(RECIPES)[runs % len(RECIPES)]
            runs += 1
            run = folder / f"{name} {runs}"
            died = killed(name, data, run, seconds[name], chance)
            other = differences(folder / name, run)
            kills, wrong = kills + died, wrong + bool(other)
            verdict = f"other {', '.join(other)}" if other else "the same bits"
            print(f"{name:<10} killed {died:>2} times: {verdict}", flush=True)
    print(f"{kills} kills over {runs} runs: {wrong} of them ended with other bits")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS))
