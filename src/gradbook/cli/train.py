"""Train a network on images and keep everything in one folder: model, metrics, report.

RECIPE is the name of a recipe or a network, a file, or the text itself (see gradbook help
recipes). Every line of a recipe can be said here as well, in place of the recipe's own.
Whatever interrupts a run, --resume goes on with it as if nothing had happened.
"""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.cli.options import whole_number
from gradbook.errors import GradbookError, UsageError

if TYPE_CHECKING:
    from gradbook.cli.training_display import Display
    from gradbook.data.dataset import Dataset
    from gradbook.lab.recipe import Recipe
    from gradbook.lab.run_folder import RunFolder
    from gradbook.lab.seeds import SeedsFolder
    from gradbook.lab.train import Trained

EXAMPLES = """\
  gradbook train                          `quick` on the digits: over 99 % in seconds
  gradbook train best --seeds 10          ten seeds, with mean, deviation and the lowest
  gradbook train small --epochs 5 --schedule 'one cycle 0.1'
  gradbook train mine.txt --data fashion/ -o runs/fashion
  gradbook train "input 1x28x28; conv 8 5x5 stride 2; relu; flatten; dense 10; softmax;
                  loss cross-entropy"
  gradbook train --resume runs/quick      go on with a run that was interrupted
  gradbook train quick --json             an event a line, for a program
"""

DONE, INTERRUPTED = 0, 130
USUAL = "quick"
RUNS = Path("runs")
LINES = {  # options that are lines of a recipe
    "network": ("NET", "another network: a name or a file"),
    "warp": ("WARP", "what happens to training images (see gradbook help warps)"),
    "schedule": ("SCHEDULE", "how the rate goes: 'one cycle 0.2 warm 0.2', 'constant 0.01' …"),
    "update": ("UPDATE", "'momentum 0.9 nesterov', 'adam' …"),
    "decay": ("NUMBER", "what weights lose of themselves, per step and unit of the rate"),
    "loss": ("LOSS", "'cross-entropy smoothing 0.1' …"),
}
COUNTS = {
    "epochs": "how often every image is trained on",
    "batch": "images in a step",
}
MOST_SEEDS = 1_000
LARGEST_SEED = 999_999_999
MOST_THREADS = 64
NOT_IN_NAMES = re.compile(r"[^\w.-]+")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help=f"default: {USUAL}")
    parser.add_argument("--data", metavar="DATA", help="images to train on (see gradbook data)")
    for name, about in COUNTS.items():
        parser.add_argument(f"--{name}", metavar="N", type=whole_number(1), help=about)
    for name, (value, about) in LINES.items():
        parser.add_argument(f"--{name}", metavar=value, help=about)
    parser.add_argument(
        "--hold-back",
        metavar="FOLD",
        help="the sixth of the training images, 0 to 5, to validate on; 'none' trains on all",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, LARGEST_SEED),
        help="what everything is drawn from (default: 0)",
    )
    parser.add_argument(
        "--seeds",
        metavar="K",
        type=whole_number(1, MOST_SEEDS),
        help="train K times, with the seeds from N on",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=whole_number(1, MOST_THREADS),
        help="how many cores to use (default: all there are); the result is the same",
    )
    parser.add_argument(
        "-o", "--out", metavar="RUN", help=f"the run's folder (default: a new one in {RUNS}/)"
    )
    parser.add_argument("--resume", metavar="RUN", help="go on with the run in this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON event a line")


def run(options: Namespace) -> int:
    from gradbook.lab.seeds import SeedsFolder

    if options.resume:
        _require_nothing_else(options)
        if SeedsFolder(options.resume).holds_seeds:
            return _seeds(SeedsFolder(options.resume), options)
        return one(Path(options.resume), None, options.threads, options.json)
    recipe = wanted(options)
    folder = Path(options.out) if options.out else _new_folder(recipe)
    if not options.seeds:
        return one(folder, recipe, options.threads, options.json)
    return _seeds(_planned(folder, recipe, options.seeds), options)


# What is wanted.


def _require_nothing_else(options: Namespace) -> None:
    """A run goes on as it was begun."""
    names = ("recipe", "data", *COUNTS, *LINES, "hold_back", "seed", "seeds", "out")
    for name in names:
        if getattr(options, name) is not None:
            flag = "RECIPE" if name == "recipe" else f"--{name.replace('_', '-')}"
            raise UsageError(f"--resume goes on with the run as it was begun: leave {flag} out")


def wanted(options: Namespace) -> Recipe:
    """The recipe that is named, with what is said in place of its own lines."""
    found = _named(options.recipe or USUAL)
    if options.network:
        found = _on_another_network(found, options.network)
    said = {name: getattr(options, name) for name in (*LINES, *COUNTS, "hold_back", "seed")}
    for name, value in said.items():
        if value is not None and name != "network":
            found = _changed(found, name.replace("_", " "), str(value))
    if options.data:
        found = replace(found, data=options.data)
    return found


def _named(argument: str) -> Recipe:
    from gradbook.lab.recipe import parse, recipe

    if argument != "-":
        return recipe(argument)
    from gradbook.cli.networks import standard_input

    return parse(standard_input(), "standard input")


def _on_another_network(recipe: Recipe, name: str) -> Recipe:
    """Another network, trained as this one's is."""
    from gradbook.cli.networks import network

    own, other = recipe.net, network(name)
    smoothing = own.smoothing if own.loss == other.loss else other.smoothing
    trained_alike = replace(
        other, update=own.update, decay=own.decay, smoothing=smoothing, seed=own.seed
    )
    return replace(recipe, net=trained_alike)


def _changed(recipe: Recipe, word: str, value: str) -> Recipe:
    from gradbook.lab.recipe import changed

    try:
        return changed(recipe, f"{word} {value.replace(';', ',')}")  # as warps are written alone
    except GradbookError as error:
        raise UsageError(f"--{word.replace(' ', '-')}: {error.message}") from error


def _new_folder(recipe: Recipe) -> Path:
    """One in `runs/` that isn't there yet: quick, quick-2, quick-3 …"""
    name = NOT_IN_NAMES.sub("-", recipe.title).strip("-.") or "run"
    ends = ("", *(f"-{k}" for k in range(2, 1_000_000)))
    return next(path for end in ends if not os.path.lexists(path := RUNS / f"{name}{end}"))


# Training.


def one(
    folder: Path, recipe: Recipe | None, threads: int | None = None, as_events: bool = False
) -> int:
    """Train by the recipe, or without one go on with the run in the folder; the exit code."""
    from gradbook.cli.training_display import display
    from gradbook.lab.run_folder import RunFolder

    run, shown = RunFolder(folder), display(as_events)
    if recipe is None and run.is_done:
        shown.done_before(run)
        return DONE
    trained = _trained(shown, run, recipe, threads)
    if trained.stopped:
        shown.stopped(trained, folder)
        return INTERRUPTED
    shown.done(trained, run)
    return DONE


def _trained(shown: Display, run: RunFolder, recipe: Recipe | None, threads: int | None) -> Trained:
    """Train while the display shows it, and write the report."""
    from gradbook.cli.interrupts import heeded_by
    from gradbook.lab.train import train

    with shown, heeded_by(shown):
        trained = train(
            recipe, folder=run.path, threads=threads, resume=recipe is None, listener=shown
        )
        if shown.training and not trained.stopped:
            shown.doing("writing the report")
            _write_report(run, shown.training.material.dataset)
    return trained


def _write_report(run: RunFolder, dataset: Dataset) -> None:
    from gradbook.files import write_whole
    from gradbook.report.run_page import run_page

    write_whole(run.report_file, run_page(run, dataset))


# Several seeds.


def _planned(folder: Path, recipe: Recipe, count: int) -> SeedsFolder:
    """A folder for so many runs, once it is sure that the first of them can begin."""
    from gradbook.lab.material import material, placed
    from gradbook.lab.seeds import SeedsFolder

    first = recipe.net.seed
    if first + count - 1 > LARGEST_SEED:
        raise UsageError(f"--seeds {count} from --seed {first} on: seeds go up to {LARGEST_SEED:,}")
    found = placed(recipe)
    seeds = SeedsFolder(folder)
    seeds.require_free()
    material(found)
    seeds.begin(found, range(first, first + count))
    return seeds


def _seeds(folder: SeedsFolder, options: Namespace) -> int:
    """Train one seed after the other, those that are done already left out."""
    from gradbook.cli.training_display import display
    from gradbook.files import write_whole
    from gradbook.lab.seeds import together

    recipe, seeds = folder.plan()
    results: list[dict[str, Any]] = []
    for seed in seeds:
        run, shown = folder.run(seed), display(options.json)
        if not run.is_done:
            own = None if run.holds_a_run else replace(recipe, net=replace(recipe.net, seed=seed))
            trained = _trained(shown, run, own, options.threads)
            if trained.stopped:
                shown.stopped(trained, folder.path)
                return INTERRUPTED
        results.append(run.result())
        shown.seed_done(results[-1])
    event = together(results, folder.path)
    folder.write_result(event)
    write_whole(folder.report_file, _seeds_page(folder, recipe))
    shown.seeds_done(results, event, folder)
    return DONE


def _seeds_page(folder: SeedsFolder, recipe: Recipe) -> str:
    from gradbook.cli.terminal import busy
    from gradbook.data.sources import load
    from gradbook.report.seeds_page import seeds_page

    with busy("writing the report"):
        return seeds_page(folder, load(recipe.data))
