"""A training on a table in the terminal, and the rows of a prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradbook.amounts import counted, duration, loss, percent, short
from gradbook.data.formats.cells import COMMA, POINT, is_number
from gradbook.data.tables import ColumnTable, Numbers, table_remarks
from gradbook.errors import as_cell, one_line
from gradbook.lab.models.answers import likeliest_classes
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.recipes.recipe import Recipe, weight_words
from gradbook.lab.tables import Problem, TableEpoch, TrainedTable, filling_remark
from gradbook.net.description import Task
from gradbook.net.text import loss_words, update_words
from gradbook.report.training import GOOD, TRAINING, VALIDATION
from gradbook.report.words import (
    QUIET,
    Span,
    TableCell,
    TableColumn,
    TextLine,
    TextTable,
    csv_lines,
    fold,
    keep_together,
)

GOOD_LINE = f"bold {GOOD}"
MOST_LINES = 12  # of epochs: a table's take milliseconds
REMARK = "yellow"
DIGITS = 4
LARGE = 10  # an R² so far below 0 has no decimals


def opening(recipe: Recipe, problem: Problem, width: int) -> Iterator[TextLine]:
    """What is learned from what, and how."""
    training, held_back = problem.parts(recipe.held_back)
    said = (
        f": {counted(recipe.net.count(), 'parameter')}, at most {counted(recipe.epochs, 'epoch')} "
        f"of {counted(len(training), 'row')}"
    )
    yield from fold([Span(recipe.title, "bold"), Span(said)], width)
    yield from fold([Span(_task(problem), "")], width)
    settings = [
        loss_words(recipe.net),
        f"batches of {recipe.batch:,}",
        update_words(recipe.net.update),
        str(recipe.schedule),
        *([f"class weights {weight_words(recipe.class_weights)}"] if recipe.class_weights else []),
        *([f"early stop {recipe.early_stop}"] if recipe.early_stop else []),
        f"keep {recipe.keep}",
    ]
    yield from fold([Span(", ".join(map(keep_together, settings)), QUIET)], width)
    rest = f"{counted(len(held_back), 'row')} held back, {len(problem.test):,} for the test"
    if problem.everything:
        rest = "none held back, none for the test"
    yield from fold([Span(f"{rest}, seed {recipe.net.seed}", QUIET)], width)
    for remark in problem.remarks_for(recipe):
        yield from fold([Span(remark, REMARK)], width)
    yield []


def _task(problem: Problem) -> str:
    names = ", ".join(column.name for column in problem.inputs)
    words = problem.target.words
    if problem.task is Task.NUMBERS:
        numbers = problem.targets
        what = f"numbers from {short(float(numbers.min()))} to {short(float(numbers.max()))}"
    else:
        what = f"{counted(len(words), 'class', 'classes')}: {', '.join(words)}"
    return one_line(f"learns {problem.target.name} ({what}) from {names}")


def epoch_columns(task: Task, validated: bool) -> TextTable:
    """The table of epochs, empty."""
    right = (
        TableColumn("R²", "validation_score", spell=_r2, width=8, group=VALIDATION)
        if task is Task.NUMBERS
        else TableColumn("right", "validation_score", spell=percent, width=8, group=VALIDATION)
    )
    columns = (
        TableColumn("epoch", "epoch", width=5),
        TableColumn("loss", "train_loss", spell=loss, width=8, group=TRAINING),
        TableColumn("loss", "validation_loss", spell=loss, width=8, group=VALIDATION),
        right,
        TableColumn("rate", "rate", spell=short, width=9),
        TableColumn("time", "seconds", spell=duration, width=7),
    )
    return TextTable(tuple(c for c in columns if validated or c.group != VALIDATION))


def _r2(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < LARGE else short(value)


def epoch_line(table: TextTable, epoch: TableEpoch) -> TextLine:
    return table.line([column.spell(getattr(epoch, column.key)) for column in table.columns])


def is_shown(epoch: int, epochs: int) -> bool:
    """Whether this epoch has a line: some of many, and the first."""
    step = -(-epochs // MOST_LINES)
    return epoch == 1 or epoch % step == 0


def unshown(trained: TrainedTable) -> list[TableEpoch]:
    """The last epoch and the one whose weights are kept, where they have no line yet."""
    ends = dict.fromkeys([trained.history[-1], trained.kept_epoch])
    return [epoch for epoch in ends if not is_shown(epoch.epoch, trained.recipe.epochs)]


def result(trained: TrainedTable, width: int) -> Iterator[TextLine]:
    """What became of the rows of the test, or else of those trained on."""
    rows = f"the {scored_rows(trained)}"
    took = f"{counted(len(trained.history), 'epoch')} in {keep_together(duration(trained.seconds))}"
    if trained.kept_epoch.epoch != len(trained.history):
        took += f", with the weights of epoch {trained.kept_epoch.epoch}"
    yield []
    if trained.problem.task is Task.CLASSES:
        right = keep_together(percent(trained.test.score, len(trained.test.rows)))
        f1 = trained.event["macro_f1"]
        said = [Span("tells "), Span(right, f"bold {GOOD}"), Span(f" of {rows} right")]
        said.append(Span(f" (mean F1 {f1:.3f}), after {took}"))
    else:
        said = [
            Span("reaches "),
            Span(keep_together(f"R² = {_r2(trained.test.score)}"), f"bold {GOOD}"),
            Span(f" on {rows} ({errors(trained)}), after {took}"),
        ]
    yield from fold([Span(f"{one_line(trained.recipe.title)} "), *said], width)


def scored_rows(trained: TrainedTable) -> str:
    """The rows that the score is of."""
    count = len(trained.test.rows)
    if trained.problem.everything:
        return f"{counted(count, 'row')} trained on"
    return counted(count, "test row")


def seeds_columns(problem: Problem) -> TextTable:
    """The table of several seeds, empty."""
    score = _score(problem.task)
    what = " R²" if problem.task is Task.NUMBERS else ""
    of = "training" if problem.everything else "test"
    return TextTable(
        (
            TableColumn("seed", spell=str, width=6),
            TableColumn(f"validation{what}", spell=score),
            TableColumn(f"{of}{what}", width=16),
            TableColumn("epochs", spell=str, width=6),
            TableColumn("time", spell=duration, width=7),
        )
    )


def seed_line(trained: TrainedTable) -> TextLine:
    """What one of them came to."""
    table, score = seeds_columns(trained.problem), _score(trained.problem.task)
    cells = (
        trained.recipe.net.seed,
        trained.kept_epoch.validation_score,
        score(trained.test.score),
        len(trained.history),
        trained.seconds,
    )
    spelled = (column.spell(cell) for column, cell in zip(table.columns, cells, strict=True))
    return table.line(list(spelled))


def spread(trained: Sequence[TrainedTable], event: Mapping[str, Any]) -> Iterator[TextLine]:
    """All of them together: the mean with its deviation, and the lowest."""
    task, name = trained[0].problem.task, trained[0].score_name
    table, kind = seeds_columns(trained[0].problem), name.removesuffix("_accuracy")
    mean, deviation = event[name], event[f"{kind}_deviation"]
    said = (
        f"{mean:.3f} ± {deviation:.3f}"
        if task is Task.NUMBERS
        else f"{100 * mean:.2f} ± {100 * deviation:.2f} %"
    )
    yield table.line(("mean", "", said, "", duration(event["seconds"] / len(trained))), GOOD_LINE)
    yield table.line(("lowest", "", _score(task)(event[f"{kind}_lowest"]), "", ""))


def _score(task: Task) -> Callable[[float], str]:
    return _r2 if task is Task.NUMBERS else percent


def errors(trained: TrainedTable) -> str:
    """How far numbers are off, in the target's own units."""
    test = trained.test
    absolute, root = test.mean_absolute_error or 0.0, test.root_mean_squared_error or 0.0
    return (
        f"mean absolute error {short(absolute, DIGITS)}, "
        f"root mean squared error {short(root, DIGITS)}"
    )


# Predicting.


def headings(model: TableModel, table: ColumnTable) -> tuple[str, ...]:
    """Those of the table, then what is predicted."""
    found = [f"{name}: predicted" for name in model.predicts]
    if model.classes:
        found.append(f"{model.target.name}: confidence")
    return (*table.names, *found)


def predicted(model: TableModel, table: ColumnTable, answers: Numbers) -> str:
    """The rows of the table with the answers beside them, as CSV with the table's own marks."""
    lines: list[tuple[TableCell, ...]] = [tuple(map(as_cell, headings(model, table)))]
    mark = _decimal_mark(table)

    def number(value: float) -> TableCell:
        return value if mark == POINT else repr(value).replace(POINT, mark)

    for row, own in zip(table.rows, _answers(model, answers), strict=True):
        if model.classes:
            sure = own["probabilities"][own["predicted"]]
            answer: tuple[TableCell, ...] = (as_cell(own["predicted"]), number(sure))
        else:
            found = own["predicted"]
            answer = tuple(map(number, found.values() if isinstance(found, dict) else [found]))
        lines.append((*map(_as_it_was, row.cells), *answer))
    return csv_lines(lines, table.separator)


def _decimal_mark(table: ColumnTable) -> str:
    """The one that the table's numbers have; commas don't stand beside commas."""
    found = map(table.evidence, range(len(table.names)))
    commas = any(one.holds_numbers and COMMA in one.decided for one in found)
    return COMMA if commas and table.separator != COMMA else POINT


def reading_remarks(model: TableModel, table: ColumnTable, rows: Numbers) -> list[str]:
    """What is to be known of how these rows were read, and what stands for what is missing."""
    found = list(table_remarks(model.in_place(table), model.inputs))
    if np.isnan(rows).any():
        found.append(filling_remark(model.inputs, rows, model.instead_of_missing))
    return found


def records(model: TableModel, table: ColumnTable, answers: Numbers) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {"row": row.number, **own}
        for row, own in zip(table.rows, _answers(model, answers), strict=True)
    ]


def _answers(model: TableModel, answers: Numbers) -> Iterator[dict[str, Any]]:
    if not model.classes:
        for said in answers.tolist():
            yield {
                "predicted": dict(zip(model.outputs, said, strict=True))
                if model.outputs
                else said[0]
            }
        return
    for best, said in zip(likeliest_classes(model.net, answers), answers.tolist(), strict=True):
        sure = dict(zip(model.classes, said, strict=True))
        yield {"predicted": model.classes[best], "probabilities": sure}


def _as_it_was(cell: str) -> TableCell:
    """A number stays one, with its sign; a word must not pass for a formula."""
    return cell if is_number(cell) else as_cell(cell)
