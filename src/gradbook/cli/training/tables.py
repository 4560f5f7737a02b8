"""A training on a table under its display, from the rows to the report: events, or lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.main import DONE
from gradbook.cli.terminal.output import show, width
from gradbook.cli.training.display import room
from gradbook.engine.surroundings import surroundings
from gradbook.files import write_whole
from gradbook.lab.tables.training import TableEpoch, keep, settled, train_table
from gradbook.lab.training.run_folder import RunFolder
from gradbook.report.run import words
from gradbook.report.tables import text
from gradbook.report.tables.page import table_page
from gradbook.report.words.table import RULE

if TYPE_CHECKING:
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.tables.problem import Problem


def train_on(folder: Path, recipe: Recipe, problem: Problem, as_events: bool) -> int:
    """Train, write everything into the folder, and tell of it."""
    RunFolder(folder).require_free()
    recipe = settled(recipe, problem)
    tell = _events(recipe, problem) if as_events else _lines(recipe, problem)
    trained = train_table(recipe, problem, tell)
    run = keep(trained, folder)
    write_whole(run.report_file, table_page(trained, surroundings(1)))
    if as_events:
        print(json.dumps({**trained.event, "model": str(run.model_file)}, ensure_ascii=False))
    else:
        show(text.result(trained, room()))
        show(words.files(run, width(), "new.csv -o predicted.csv", "predicts its rows"))
    return DONE


Tell = Callable[[TableEpoch], object]


def _events(recipe: Recipe, problem: Problem) -> Tell:
    training, held_back = problem.parts(recipe.held_back)
    started = {
        "event": "started",
        "recipe": recipe.title,
        "parameters": recipe.net.count(),
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "data": problem.table.file,
        "target": problem.target.name,
        "task": str(problem.task),
        "rows": len(training),
        "validation_rows": len(held_back),
        "test_rows": len(problem.test),
        "seed": recipe.net.seed,
    }
    print(json.dumps(started, ensure_ascii=False), flush=True)
    return lambda epoch: print(json.dumps({"event": "epoch", **asdict(epoch)}), flush=True)


def _lines(recipe: Recipe, problem: Problem) -> Tell:
    table = text.epoch_columns(problem.task, recipe.held_back is not None)
    show([*text.opening(recipe, problem, room()), *table.heading(RULE)])

    def tell(epoch: TableEpoch) -> None:
        if text.is_shown(epoch.epoch, recipe.epochs):
            show([text.epoch_line(table, epoch)])

    return tell
