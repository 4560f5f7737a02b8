"""Train recipes on all 60,000 training images with several seeds; score the test images at the end.

    python bench/accuracy.py RECIPE… [--seeds 10] [--last N] [--threads N] [--time] [--keep]

Prints the mean, the deviation and the lowest seed of each recipe, as docs/explanation/results.md
shows them, and those of the last N epochs with --last; with --keep it writes them to where
`gradbook train --list` reads them. Seeds with a finished run of the same recipe in the folder are
not trained again; an interrupted run is resumed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gradbook.engine.compilers import surroundings
from gradbook.files import write_whole
from gradbook.lab.recipes import recipe_text as text
from gradbook.lab.recipes.recipe_text import Measured
from gradbook.lab.recipes.recipe_text import recipe as recipe_of
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.run_training import Listener, TrainingRun
from gradbook.lab.training.train import SeedsFolder, Spread, train
from gradbook.system import cores

RECIPES = Path(text.__file__).with_name("measured.json")


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="+", metavar="RECIPE")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--last", type=int, default=1, help="epochs to score, from the end")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--time", action="store_true", help="time one more training")
    parser.add_argument("--keep", action="store_true", help=f"write {RECIPES.name}")
    parser.add_argument("-o", "--out", type=Path, default=Path("runs", "accuracy"))
    options = parser.parse_args()
    print("| recipe | parameters | epochs | seeds | test, final epoch | lowest | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in options.recipes:
        folder = SeedsFolder(options.out / Path(name).stem)
        seeds = range(options.first, options.first + options.seeds)
        results = [_result(folder.run(s), name, s, options) for s in seeds]
        found = _measured(results, options.threads)
        if options.time:
            found = replace(found, seconds=seconds_of(name, cores()), threads=cores())
        print(_row(name, results[0], found), flush=True)
        if options.last > 1:
            print(_last_epochs([folder.run(s) for s in seeds]), flush=True)
        if options.keep:
            _keep(name, found)


class LastEpochs(Listener):
    """Scores the test images after each of the last epochs, for the report alone."""

    def __init__(self, run: RunFolder, epochs: int) -> None:
        self.file, self.epochs = _last_file(run), epochs

    def started(self, training: TrainingRun) -> None:
        self.training = training

    def epoch_done(self, epoch: Epoch) -> None:
        if epoch.epoch > self.training.recipe.epochs - self.epochs:
            found = _last(self.file) | {str(epoch.epoch): self.training.test().score}
            write_whole(self.file, json.dumps(found))


def _last_file(run: RunFolder) -> Path:
    return Path(run.path) / "last-epochs.json"


def _last(file: Path) -> dict[str, float]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def _last_epochs(runs: list[RunFolder]) -> str:
    """The mean and the lowest of all seeds, per epoch."""
    found = [_last(_last_file(run)) for run in runs]
    scores = {epoch: [seed[epoch] for seed in found] for epoch in found[0]}
    return "\n".join(
        f"  epoch {epoch}: {np.mean(s):.3%}, lowest {min(s):.2%}" for epoch, s in scores.items()
    )


def _result(run: RunFolder, name: str, seed: int, options: Namespace) -> dict[str, Any]:
    listener = LastEpochs(run, options.last) if options.last > 1 else None
    return result_of(run, name, seed, options.threads, listener)


def result_of(
    run: RunFolder, what: str, seed: int, threads: int, listener: Listener | None = None
) -> dict[str, Any]:
    """Load the images in every training, so that its seconds include that."""
    go_on = run.holds_a_run
    if go_on:
        _require_own(run, what, seed)
    if not Path(run.result_file).exists():
        train(
            None if go_on else what,
            folder=run.path,
            seed=None if go_on else seed,
            resume=go_on,
            held_back=None if go_on else False,
            threads=threads,
            listener=listener,
        )
    return run.result()


def _require_own(run: RunFolder, what: str, seed: int) -> None:
    """Refuse a run that another recipe of the same name trained."""
    asked = recipe_of(what)
    if run.recipe() != replace(asked, net=replace(asked.net, seed=seed), held_back=None):
        sys.exit(f"{run.path} was trained by another recipe: name another --out")


def seconds_of(what: str, threads: int) -> float:
    """The seconds of one training; the seeds may have been trained beside other work."""
    with TemporaryDirectory() as folder:
        return train(what, folder=Path(folder, "run"), held_back=False, threads=threads).seconds


def _measured(results: list[dict[str, Any]], threads: int) -> Measured:
    test = Spread(tuple(result["test_accuracy"] for result in results))
    return Measured(
        seeds=len(results),
        mean=test.mean,
        deviation=test.deviation,
        lowest=test.lowest,
        seconds=median(result["seconds"] for result in results),
        threads=threads,
        machine=surroundings(threads)["processor"],
    )


def _row(name: str, result: dict[str, Any], found: Measured) -> str:
    cells = (
        f"`{name}`",
        f"{result['parameters']:,}",
        str(result["epochs"]),
        str(found.seeds),
        f"{found.mean:.3%} ± {100 * found.deviation:.3f}",
        f"{found.lowest:.2%}",
        f"{found.seconds:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _keep(name: str, found: Measured) -> None:
    known = json.loads(RECIPES.read_text("utf-8"))
    known[name] = asdict(found)
    RECIPES.write_text(json.dumps(known, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
