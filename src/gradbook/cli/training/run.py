"""A training from its recipe to its report, under a display: one, or several seeds."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.cli.main import DONE, INTERRUPTED
from gradbook.cli.terminal.output import busy, can_say, print_json, show, width
from gradbook.cli.training.display import Display, display
from gradbook.errors import FileError
from gradbook.interruption import heard_alike
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.seeds import SeedsFolder, together
from gradbook.lab.training.train import train
from gradbook.report.run.progress import NOT_ASCII

if TYPE_CHECKING:
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.train import Trained


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


@heard_alike()
def _trained(
    shown: Display, run: RunFolder, resumed_by: Path, recipe: Recipe | None, threads: int | None
) -> Trained | None:
    """What came of it; nothing if it was stopped, and how it goes on is then said."""
    try:
        with shown:
            resume = recipe is None
            trained = train(recipe, folder=run.path, threads=threads, resume=resume, listener=shown)
            if shown.training and not trained.stopped:
                shown.doing("writing the report")
                from gradbook.report.run.report import write_report

                write_report(run.path, shown.training.material.dataset)
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


def find_rate(recipe: Recipe, threads: int | None = None, as_record: bool = False) -> int:
    """Say which rate a range test suggests; nothing is trained or written."""
    from gradbook.lab.training.find_rate import as_record as record_of
    from gradbook.lab.training.find_rate import range_test
    from gradbook.lab.training.material import placed
    from gradbook.lab.training.train import prepared
    from gradbook.report.run.range_test import lines

    with busy("testing rates"):
        ready = prepared(placed(recipe), None, threads, new=True)
        test = range_test(ready.recipe, ready.material, ready.engine)
    if as_record:
        print_json(record_of(test))
    else:
        show(lines(test, ready.recipe.title, width(), ascii_only=not can_say(NOT_ASCII)))
    return DONE


# Several seeds.


def planned(folder: Path, recipe: Recipe, count: int) -> SeedsFolder:
    """A folder for so many runs, once it is sure that the first of them can begin."""
    from gradbook.lab.training.adapt import adapted
    from gradbook.lab.training.material import images_of, material, placed

    found, folder_of_all = placed(recipe), SeedsFolder(folder)
    folder_of_all.require_free()
    seeds = range(recipe.net.seed, recipe.net.seed + count)
    replace(recipe.net, seed=seeds[-1])  # refuses one that is too large
    dataset = images_of(found)
    found = adapted(found, dataset).recipe
    material(found, dataset)
    folder_of_all.begin_all(found, seeds)
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
    from gradbook.report.run.report import write_report

    with busy("writing the report"):
        write_report(folder.path)
    shown.seeds_done(results, event, folder)
    return DONE
