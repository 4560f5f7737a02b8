"""Runs a training with one seed or several and shows it: started, continued or stopped."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.cli.display import Display, display, seeds_display
from gradbook.cli.main import DONE, INTERRUPTED
from gradbook.cli.output import busy
from gradbook.engine.compilers import surroundings
from gradbook.errors import FileError
from gradbook.files import renew, write_whole
from gradbook.interruption import heard_alike
from gradbook.lab.images import ImageProblem
from gradbook.lab.texts import LineProblem
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder, summarise_seeds, train

if TYPE_CHECKING:
    from gradbook.lab.problem import Problem
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.train import Trained


@dataclass(frozen=True)
class How:
    """How a training runs and is shown, whatever it trains."""

    threads: int | None = None
    as_events: bool = False


def train_one_seed(
    folder: Path, recipe: Recipe | None, how: How, problem: Problem | None = None
) -> int:
    """Train by the recipe, on images unless another problem is given; without a recipe, continue
    the run in the folder."""
    renew(folder)
    run = RunFolder(folder)
    shown = display(how.as_events, problem is None and not run.problem_file.is_file())
    if recipe is None and run.is_done and run.report_file.is_file():
        shown.on_done_before(run)
        return DONE
    trained = _trained(shown, run, folder, recipe, how, problem)
    if trained is None:
        return INTERRUPTED
    shown.on_end(trained, run)
    return DONE


@heard_alike()
def _trained(
    shown: Display,
    run: RunFolder,
    resumed_by: Path,
    recipe: Recipe | None,
    how: How,
    problem: Problem | None,
) -> Trained | None:
    """The result; None if the training was stopped, and then the command to continue is printed."""
    try:
        with shown:
            trained = train(
                recipe,
                data=problem,
                folder=run.path,
                threads=how.threads,
                resume=recipe is None,
                listener=shown,
            )
            if shown.training and not trained.stopped:
                shown.doing("writing the report")
                _write_report(trained, run)
    except KeyboardInterrupt:  # before the first step, or after the last
        if not run.holds_a_run:
            raise
        shown.on_stop(resumed_by)
        return None
    except FileError as error:
        if shown.training is None:
            raise
        again = _again(RunFolder(resumed_by))
        raise FileError(f"{error.message}; then continue with {again}") from error
    if trained.stopped:
        shown.on_stop(resumed_by, trained)
        return None
    return trained


def _write_report(trained: Trained, run: RunFolder) -> None:
    if isinstance(trained.problem, ImageProblem):
        from gradbook.report.training_report import write_report

        write_report(run.path, trained.problem.dataset)
        return
    from gradbook.report.markup import report_page
    from gradbook.report.training_report import lines_report, training_report

    report = lines_report if isinstance(trained.problem, LineProblem) else training_report
    write_whole(run.report_file, report_page(report(trained, surroundings(1))))


# Several seeds.


def plan_seeds(
    folder: Path, recipe: Recipe, count: int, problem: Problem | None = None
) -> SeedsFolder:
    """A folder for this many runs, after a check that the first of them can start."""
    from gradbook.lab.images import require_trainable, with_whole_path

    folder_of_all = SeedsFolder(folder)
    folder_of_all.require_free()
    recipe = with_whole_path(recipe)
    seeds = range(recipe.net.seed, recipe.net.seed + count)
    replace(recipe.net, seed=seeds[-1])  # a network that is too large raises here
    chosen = (problem or ImageProblem(recipe)).adapt(recipe)
    if isinstance(chosen.problem, ImageProblem):
        require_trainable(chosen.recipe, chosen.problem.dataset)
    folder_of_all.begin_all(chosen.recipe, seeds, chosen.problem)
    return folder_of_all


def train_seeds(folder: SeedsFolder, how: How, problem: Problem | None = None) -> int:
    """Train with each seed that isn't finished yet, and print each result as it arrives."""
    renew(folder.path)
    recipe, seeds = folder.plan()
    if problem is None and folder.problem_file.is_file():
        problem = folder.problem(recipe)
    results: list[dict[str, Any]] = []
    for seed in seeds:
        run, shown = folder.run(seed), seeds_display(how.as_events, recipe, problem, seed)
        if not run.is_done:
            new = None if run.holds_a_run else replace(recipe, net=replace(recipe.net, seed=seed))
            if _trained(shown, run, Path(folder.path), new, how, problem) is None:
                return INTERRUPTED
        results.append(run.result())
        shown.on_seed(results[-1])
    event = summarise_seeds(results, Path(folder.path))
    folder.write_result(event)
    if problem is None:
        from gradbook.report.training_report import write_report

        with busy("writing the report"):
            write_report(folder.path)
    shown.on_seeds(results, event, folder)
    return DONE


def _again(folder: RunFolder) -> str:
    return shlex.join(["gradbook", "train", "--resume", str(folder.path)])
