"""A training on a table under its display, from the rows to the report: events, or lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.display import room
from gradbook.cli.main import DONE
from gradbook.cli.output import print_event, show, warn, width
from gradbook.engine.compilers import surroundings
from gradbook.files import InnerPath, renew, write_whole
from gradbook.lab.logs import Logs
from gradbook.lab.tables import (
    TableEpoch,
    TrainedTable,
    adapt_to_table,
    summarise_seeds,
    train_table,
    with_seed,
    write_run,
)
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.report import tables
from gradbook.report.markup import report_page
from gradbook.report.tables import table_report
from gradbook.report.training import files_lines
from gradbook.report.words import RULE, Span, TextTable

if TYPE_CHECKING:
    from gradbook.cli.training import How
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.tables import Problem

Tell = Callable[[TableEpoch], object]


def train_on(folder: Path, recipe: Recipe, problem: Problem, how: How) -> int:
    """Train, write everything into the folder, and tell of it."""
    RunFolder(folder).require_free()
    renew(folder)
    recipe = adapt_to_table(recipe, problem)
    table = tables.epoch_columns(problem.task, recipe.held_back is not None)
    if not how.as_events:
        show([*tables.opening(recipe, problem, room()), *table.heading(RULE)])
    tell = _events(recipe, problem) if how.as_events else _lines(recipe, table)
    trained, run = _kept(folder, recipe, problem, tell, how)
    if how.as_events:
        print_event(**trained.event, model=str(run.model_file))
    else:
        show(tables.epoch_line(table, epoch) for epoch in tables.unshown(trained))
        show(tables.result(trained, room()))
        show(files_lines(run, width(), "new.csv -o predicted.csv", "predicts its rows"))
    return DONE


def train_seeds_on(folder: Path, recipe: Recipe, problem: Problem, count: int, how: How) -> int:
    """The same with several seeds, and what they come to together."""
    all_of_them = SeedsFolder(folder)
    all_of_them.require_free()
    renew(folder)
    recipe = adapt_to_table(recipe, problem)
    first = recipe.net.seed
    recipes = [with_seed(recipe, first + k) for k in range(count)]  # or too large a seed is refused
    if not how.as_events:
        show([*tables.opening(recipe, problem, room()), *tables.seeds_columns(problem).heading()])
    results: list[TrainedTable] = []
    for own in recipes:
        tell = _events(own, problem) if how.as_events else _silent
        run = all_of_them.run(own.net.seed)
        results.append(_kept(run.path, own, problem, tell, how)[0])
        if how.as_events:
            print_event(**{**results[-1].event, "event": "seed_done"}, model=str(run.model_file))
        else:
            show([tables.seed_line(results[-1])])
    event = summarise_seeds(results, folder)
    all_of_them.write_result(event)
    if how.as_events:
        print_event(**event)
    else:
        show(tables.spread(results, event))
        show([[], [Span(f"  {folder / 'seed-*'}", "bold"), Span("  the run of each seed")]])
    return DONE


def _kept(
    folder: Path | InnerPath, recipe: Recipe, problem: Problem, tell: Tell, how: How
) -> tuple[TrainedTable, RunFolder]:
    """What came of a training whose figures the logs are told as well, and where it is kept."""
    logs = Logs(how.logs, Path(folder), warn) if how.logs else None

    def heard(epoch: TableEpoch) -> None:
        if logs:
            logs.epoch(epoch)
        tell(epoch)

    if logs:
        logs.begin(recipe)
    trained = train_table(recipe, problem, heard)
    run = write_run(trained, folder)
    write_whole(run.report_file, report_page(table_report(trained, surroundings(1))))
    if logs:
        logs.end(**{trained.score_name: trained.test.score})
    return trained, run


def _silent(epoch: TableEpoch) -> None: ...


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
        remarks=problem.remarks_for(recipe),
    )
    return lambda epoch: print_event("epoch", **asdict(epoch))


def _lines(recipe: Recipe, table: TextTable) -> Tell:
    def tell(epoch: TableEpoch) -> None:
        if tables.is_shown(epoch.epoch, recipe.epochs):
            show([tables.epoch_line(table, epoch)])

    return tell
