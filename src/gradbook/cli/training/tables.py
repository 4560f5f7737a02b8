"""A training on a table under its display, from the rows to the report: events, or lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.main import DONE
from gradbook.cli.terminal.output import print_event, show, width
from gradbook.cli.training.display import room
from gradbook.engine.surroundings import surroundings
from gradbook.files import write_whole
from gradbook.lab.tables.training import TableEpoch, keep, settled, train_table
from gradbook.lab.training.run_folder import RunFolder
from gradbook.report.run import words
from gradbook.report.tables import text
from gradbook.report.tables.page import table_page
from gradbook.report.words.table import RULE, TextTable

if TYPE_CHECKING:
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.tables.problem import Problem


def train_on(folder: Path, recipe: Recipe, problem: Problem, as_events: bool) -> int:
    """Train, write everything into the folder, and tell of it."""
    RunFolder(folder).require_free()
    recipe = settled(recipe, problem)
    table = text.epoch_columns(problem.task, recipe.held_back is not None)
    tell = _events(recipe, problem) if as_events else _lines(recipe, problem, table)
    trained = train_table(recipe, problem, tell)
    run = keep(trained, folder)
    write_whole(run.report_file, table_page(trained, surroundings(1)))
    if as_events:
        print_event(**trained.event, model=str(run.model_file))
    else:
        show(text.epoch_line(table, epoch) for epoch in text.unshown(trained))
        show(text.result(trained, room()))
        show(words.files(run, width(), "new.csv -o predicted.csv", "predicts its rows"))
    return DONE


Tell = Callable[[TableEpoch], object]


def _events(recipe: Recipe, problem: Problem) -> Tell:
    training, held_back = problem.parts(recipe.held_back)
    print_event(
        "started",
        recipe=recipe.title,
        parameters=recipe.net.count(),
        epochs=recipe.epochs,
        batch=recipe.batch,
        data=problem.table.file,
        target=problem.target.name,
        task=str(problem.task),
        rows=len(training),
        validation_rows=len(held_back),
        test_rows=len(problem.test),
        seed=recipe.net.seed,
    )
    return lambda epoch: print_event("epoch", **asdict(epoch))


def _lines(recipe: Recipe, problem: Problem, table: TextTable) -> Tell:
    show([*text.opening(recipe, problem, room()), *table.heading(RULE)])

    def tell(epoch: TableEpoch) -> None:
        if text.is_shown(epoch.epoch, recipe.epochs):
            show([text.epoch_line(table, epoch)])

    return tell
