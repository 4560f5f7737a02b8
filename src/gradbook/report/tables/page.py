"""A training on a table as one page: what it reached, how it trained, where it is off."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradbook.amounts import duration, loss, percent, short
from gradbook.data.formats.cells import NUMBER, PLAIN
from gradbook.lab.models.answers import confusion_of
from gradbook.lab.tables import MEAN, Problem, TrainedTable
from gradbook.lab.training.epochs import rates_of, schedule_losses
from gradbook.net.description import Task
from gradbook.net.measure import measure
from gradbook.report import figures
from gradbook.report.charts import EVEN, Chart, Curve
from gradbook.report.mistakes import by_class
from gradbook.report.page import Section, page, table, text, text_table, wide
from gradbook.report.run_report import environment, facts, style
from gradbook.report.summary import page as summary_page
from gradbook.report.tables.text import DIGITS, epoch_columns, errors, scored_rows
from gradbook.report.training import RATE_INK, STEPS, TRAINING_INK, VALIDATION_INK
from gradbook.report.words import TextTable

MOST_ROWS = 20  # of those that it is furthest off


def table_page(trained: TrainedTable, made_with: dict[str, Any]) -> str:
    """The report of a training on a table."""
    return page(
        f"{trained.recipe.title}: {trained.problem.target.name}",
        list(_sections(trained, made_with)),
        lead=_lead(trained),
        foot=f"<p>{text(trained.problem.table.file)}</p>",
        style=style(),
        script=figures.figure_script(),
    )


def _lead(trained: TrainedTable) -> str:
    rows = scored_rows(trained)
    if trained.problem.task is Task.CLASSES:
        figure = percent(trained.test.score, len(trained.test.rows))
        said = f"of {rows} told right; mean F1 {trained.event['macro_f1']:.3f}"
    else:
        figure = f"R² = {trained.test.score:.3f}"
        said = f"on {rows}; {errors(trained)}"
    names = ", ".join(column.name for column in trained.problem.inputs)
    return (
        f'<p class="lead">{text(trained.problem.target.name)} from {text(names)}</p>\n'
        f'<p class="headline"><b>{figure}</b> {said}</p>\n{facts(_facts(trained))}'
        f"{_remarks(trained)}"
    )


def _remarks(trained: TrainedTable) -> str:
    """What is to be known of the rows."""
    found = trained.problem.remarks_for(trained.recipe)
    items = "".join(f"<li>{text(remark)}</li>" for remark in found)
    return f"\n<ul>{items}</ul>" if items else ""


def _facts(trained: TrainedTable) -> list[tuple[str, str]]:
    training, held_back = trained.problem.parts(trained.recipe.held_back)
    return [
        ("parameters", f"{trained.recipe.net.count():,}"),
        ("rows trained on", f"{len(training):,}"),
        ("rows held back", f"{len(held_back):,}"),
        ("epochs", f"{len(trained.history):,}"),
        ("epoch kept", f"{trained.kept_epoch.epoch:,}"),
        ("training time", duration(trained.seconds)),
        ("seed", str(trained.recipe.net.seed)),
    ]


def _sections(trained: TrainedTable, made_with: dict[str, Any]) -> Iterator[Section]:
    charts = figures.figure(_charts(trained), "How it trained")
    validated = trained.kept_epoch.validation_loss is not None
    columns = epoch_columns(trained.problem.task, validated).columns
    epochs = TextTable.of(columns, map(vars, trained.history))
    numbers = wide(text_table(epochs))
    yield Section(
        "training",
        "How it trained",
        f"{charts}\n<details><summary>Every epoch in numbers</summary>{numbers}</details>",
    )
    if trained.problem.task is Task.CLASSES:
        yield Section("classes", "Class by class", _classes(trained))
    yield Section("off", "Where it is off", _off(trained))
    measured = measure(trained.recipe.net)
    yield Section("network", "The network", summary_page.layers(measured))
    yield Section(
        "again",
        "How to reproduce it",
        f"<pre><code>{text(_again(trained.problem))}</code></pre>\n<pre><code>{text(str(trained.recipe))}</code></pre>\n"
        f"{environment(made_with)}",
    )


def _again(problem: Problem) -> str:
    """The command, with what isn't as usual."""
    table, target = problem.table, problem.target.name
    names = table.names
    known = {target, *(column.name for column in problem.inputs)}
    ignored = [name for name in names if name not in known]
    said = ["gradbook", "train", "recipe.txt", "-o", "again", "--task", str(problem.task)]
    said += ["--target", target] if target != names[-1] else []
    said += ["--missing", problem.missing] if problem.missing != MEAN else []
    said += ["--decimal", table.decimal] if table.decimal else []
    said += ["--dates", table.dates] if table.dates else []
    return shlex.join(said + (["--ignore", ",".join(ignored)] if ignored else []))


def _charts(trained: TrainedTable) -> list[Chart]:
    history, recipe = trained.history, trained.recipe
    names = [
        ("training", "train_loss", TRAINING_INK),
        ("validation", "validation_loss", VALIDATION_INK),
    ]
    validated = trained.kept_epoch.validation_loss is not None
    losses = [_curve(trained, *name) for name in (names if validated else names[:1])]
    found = [Chart("Loss", tuple(losses), spell=loss)]
    if validated:
        score = _curve(trained, "validation", "validation_score", VALIDATION_INK)
        found.append(
            Chart("R²", (score,), scale=EVEN, measure="R²", spell=short)
            if trained.problem.task is Task.NUMBERS
            else Chart("Share told right", (score,), scale=EVEN, measure="right", spell=percent)
        )
    steps = rates_of(recipe.schedule, recipe.epochs, schedule_losses(history), STEPS)
    rates = np.array([epoch.rate for epoch in history])
    rate = Curve("rate", rates, RATE_INK, steps)
    found.append(
        Chart("Learning rate of each step", (rate,), scale=EVEN, measure="rate", spell=short)
    )
    return found


def _curve(trained: TrainedTable, label: str, column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in trained.history]
    return Curve(label, np.array(values, np.float64), colour)


def _classes(trained: TrainedTable) -> str:
    wanted = trained.problem.targets[trained.test.rows].astype(np.int32)
    names = trained.problem.target.words
    counts = confusion_of(wanted, trained.test.read, len(names))
    head = ("is", *(f"told as {text(name)}" for name in names))
    rows = [
        (text(name), *(f"{count:,}" if count else "·" for count in row))
        for name, row in zip(names, counts.tolist(), strict=True)
    ]
    return f"{wide(table(head, rows, (0,), headed=True))}\n{by_class(counts, names, 'rows')}"


def _off(trained: TrainedTable) -> str:
    """The rows of the test that it is furthest off; without a test, of all."""
    shown = trained.problem.table
    order = _furthest(trained)[:MOST_ROWS]
    if not len(order):
        return f"<p>Nowhere: every one of the {scored_rows(trained)} is told right.</p>"
    inputs = [column.name for column in trained.problem.inputs]
    places = [shown.place(name) for name in inputs]
    rows = []
    for k in order.tolist():
        row = shown.rows[trained.test.rows[k]]
        cells = (_shortened(row.cells[place]) for place in places)
        rows.append((f"{row.number}", *_answered(trained, k), *cells))
    head = ("row", "is", "told", *map(text, inputs))
    said = f"The first {MOST_ROWS}. " if len(_furthest(trained)) > MOST_ROWS else ""
    return f"<p>{said}The furthest off come first.</p>\n{wide(table(head, rows, headed=True))}"


def _shortened(cell: str) -> str:
    """A cell as HTML, a plain number in few digits."""
    value = PLAIN.value(cell) if NUMBER.fullmatch(cell) else None
    return text(cell) if value is None else short(value, DIGITS)


def _furthest(trained: TrainedTable) -> Any:
    test, wanted = trained.test, trained.problem.targets[trained.test.rows]
    if trained.problem.task is Task.NUMBERS:
        return np.argsort(-np.abs(test.answers[:, 0] - wanted), kind="stable")
    wrong = np.flatnonzero(test.read != wanted)
    return wrong[np.argsort(-test.answers.max(axis=1)[wrong], kind="stable")]


def _answered(trained: TrainedTable, k: int) -> tuple[str, str]:
    said, row = trained.test.answers[k], trained.test.rows[k]
    wanted, words = trained.problem.targets[row], trained.problem.target.words
    if trained.problem.task is Task.NUMBERS:
        return short(float(wanted), DIGITS), short(float(said[0]), DIGITS)
    best = int(trained.test.read[k])
    return text(words[int(wanted)]), f"{text(words[best])}, {percent(float(said[best]))}"
