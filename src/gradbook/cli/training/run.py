"""A training from its recipe to its report, under a display: one, or several seeds."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.cli.main import DONE, INTERRUPTED
from gradbook.cli.terminal.screen import is_screen
from gradbook.cli.training.display import AsEvents, AsLines
from gradbook.errors import FileError
from gradbook.files import write_whole
from gradbook.interruption import heard_as_well
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.seeds import SeedsFolder, together
from gradbook.lab.training.train import train

if TYPE_CHECKING:
    from gradbook.cli.training.display import Display
    from gradbook.data.dataset import Dataset
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.train import Trained


def display(as_events: bool) -> Display:
    """The one that suits who looks."""
    if as_events:
        return AsEvents()
    if not is_screen():
        return AsLines()
    from gradbook.cli.training.display import OnScreen

    return OnScreen()


def one(
    folder: Path, recipe: Recipe | None, threads: int | None = None, as_events: bool = False
) -> int:
    """Train by the recipe, or without one go on with the run in the folder."""
    run, shown = RunFolder(folder), display(as_events)
    if recipe is None and run.is_done and run.report_file.exists():
        shown.done_before(run)
        return DONE
    trained = _trained(shown, run, folder, recipe, threads)
    if trained is None:
        return INTERRUPTED
    shown.done(trained, run)
    return DONE


def _trained(
    shown: Display, run: RunFolder, resumed_by: Path, recipe: Recipe | None, threads: int | None
) -> Trained | None:
    """What came of it; nothing if it was stopped, and how it goes on is then said."""
    with heard_as_well("SIGINT", "SIGTERM", "SIGHUP"):
        return _heeding(shown, run, resumed_by, recipe, threads)


def _heeding(
    shown: Display, run: RunFolder, resumed_by: Path, recipe: Recipe | None, threads: int | None
) -> Trained | None:
    try:
        with shown:
            resume = recipe is None
            trained = train(recipe, folder=run.path, threads=threads, resume=resume, listener=shown)
            if shown.training and not trained.stopped:
                shown.doing("writing the report")
                _write_report(run, shown.training.material.dataset)
    except KeyboardInterrupt:  # before the first step, or after the last
        if not run.holds_a_run:
            raise
        shown.stopped(resumed_by)
        return None
    except FileError as error:
        if shown.training is None:
            raise
        again = shlex.join(["gradbook", "train", "--resume", str(resumed_by)])
        raise FileError(f"{error.message}; then it goes on with {again}") from error
    if trained.stopped:
        shown.stopped(resumed_by, trained)
        return None
    return trained


def _write_report(run: RunFolder, dataset: Dataset) -> None:
    from gradbook.report.run.page import run_page

    write_whole(run.report_file, run_page(run, dataset))


# Several seeds.


def planned(folder: Path, recipe: Recipe, count: int) -> SeedsFolder:
    """A folder for so many runs, once it is sure that the first of them can begin."""
    from gradbook.lab.training.material import material, placed

    found, folder_of_all = placed(recipe), SeedsFolder(folder)
    folder_of_all.require_free()
    seeds = range(recipe.net.seed, recipe.net.seed + count)
    replace(recipe.net, seed=seeds[-1])  # refuses one that is too large
    material(found)
    folder_of_all.begin(found, seeds)
    return folder_of_all


def several(folder: SeedsFolder, threads: int | None = None, as_events: bool = False) -> int:
    """Train one seed after the other, those that are done already left out."""
    recipe, seeds = folder.plan()
    results: list[dict[str, Any]] = []
    for seed in seeds:
        run, shown = folder.run(seed), display(as_events)
        if not run.is_done:
            own = None if run.holds_a_run else replace(recipe, net=replace(recipe.net, seed=seed))
            if _trained(shown, run, folder.path, own, threads) is None:
                return INTERRUPTED
        results.append(run.result())
        shown.seed_done(results[-1])
    event = together(results, folder.path)
    folder.write_result(event)
    write_whole(folder.report_file, _seeds_page(folder, recipe))
    shown.seeds_done(results, event, folder)
    return DONE


def _seeds_page(folder: SeedsFolder, recipe: Recipe) -> str:
    from gradbook.cli.terminal.output import busy
    from gradbook.lab.training.material import images_of
    from gradbook.report.run.seeds import seeds_page

    with busy("writing the report"):
        return seeds_page(folder, images_of(recipe))
