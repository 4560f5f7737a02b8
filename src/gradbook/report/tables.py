"""How a training on a table looks, in the terminal and as a page; what was predicted, as a table.

It doesn't know how any of it was computed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from gradbook.amounts import counted, duration, percent, short
from gradbook.data.formats.cells import COMMA, NUMBER, PLAIN, POINT, is_number
from gradbook.data.tables import ColumnTable, Numbers, table_remarks
from gradbook.errors import as_cell, one_line
from gradbook.lab.models.answers import confusion_of, likeliest_classes
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.tables import TableProblem, filling_remark
from gradbook.lab.training.train import Trained
from gradbook.layers.losses import HALF_SURE
from gradbook.net.description import Task
from gradbook.net.measure import measure
from gradbook.report import signals
from gradbook.report.charts import EVEN, Chart
from gradbook.report.document import (
    Block,
    Blocks,
    Chapter,
    Charts,
    Facts,
    Figure,
    Items,
    Listing,
    PageOnly,
    Passage,
    Report,
)
from gradbook.report.media import csv_lines
from gradbook.report.mistakes import by_class
from gradbook.report.run_report import STYLES, environment, every_epoch
from gradbook.report.summary import summary_table
from gradbook.report.training import (
    BEST,
    EPOCH_COLUMNS,
    GOOD,
    RATE_INK,
    TRAINING_INK,
    VALIDATION,
    VALIDATION_INK,
    curve_of,
    loss_chart,
    rate_chart,
    rate_curve,
    settings_of,
)
from gradbook.report.words import (
    QUIET,
    Span,
    TableCell,
    TableColumn,
    TextLine,
    TextTable,
    fold,
    keep_together,
)

# In a terminal ----------------------------------------------------------------

GOOD_LINE = f"bold {GOOD}"
MOST_LINES = 12  # of epochs: a table's take milliseconds
REMARK = "yellow"
DIGITS = 4
LARGE = 10  # an R² so far below 0 has no decimals


def opening(recipe: Recipe, problem: TableProblem, width: int) -> Iterator[TextLine]:
    """What is learned from what, and how."""
    training, held_back = problem.parts(recipe.held_back)
    said = (
        f": {counted(recipe.net.count(), 'parameter')}, at most {counted(recipe.epochs, 'epoch')} "
        f"of {counted(len(training), problem.unit)}"
    )
    yield from fold([Span(recipe.title, "bold"), Span(said)], width)
    yield from fold([Span(_task(problem), "")], width)
    settings = [
        *chain(*settings_of(recipe)),
        *([f"early stop {recipe.early_stop}"] if recipe.early_stop else []),
        f"keep {recipe.keep}",
    ]
    yield from fold([Span(", ".join(map(keep_together, settings)), QUIET)], width)
    rest = f"{counted(len(held_back), problem.unit)} held back, "
    rest = f"{rest}{len(problem.test_rows):,} held out for the test"
    if problem.everything:
        rest = "none held back, none held out for the test"
    if problem.windows:
        rest += f", split by {signals.way_of(problem)}"
    yield from fold([Span(f"{rest}, seed {recipe.net.seed}", QUIET)], width)
    for remark in problem.remarks_for(recipe):
        yield from fold([Span(remark, REMARK)], width)
    yield []


def _task(problem: TableProblem) -> str:
    words = problem.target.words
    if problem.task is Task.NUMBERS:
        numbers = problem.targets
        what = f"numbers from {short(float(numbers.min()))} to {short(float(numbers.max()))}"
    else:
        what = f"{counted(len(words), 'class', 'classes')}: {', '.join(words)}"
    return one_line(f"learns {problem.target.name} ({what}) from {problem.given}")


def epoch_columns(task: Task, validated: bool) -> TextTable:
    """The table of epochs, empty."""
    known = {column.key: column for column in EPOCH_COLUMNS}
    if task is Task.NUMBERS:
        known[BEST] = replace(known[BEST], title="R²", spell=_r2)
    own = ("epoch", "train_loss", "validation_loss", BEST, "rate", "seconds")
    columns = map(known.__getitem__, own)
    return TextTable(tuple(c for c in columns if validated or c.group != VALIDATION))


def _r2(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < LARGE else short(value)


def is_shown(epoch: int, epochs: int) -> bool:
    """Whether this epoch has a line: some of many, and the first."""
    step = -(-epochs // MOST_LINES)
    return epoch == 1 or epoch % step == 0


def result(trained: Trained, width: int) -> Iterator[TextLine]:
    """What became of the rows of the test, or else of those trained on."""
    rows = f"the {trained.scored_rows}"
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
    if in_time := signals.in_time(trained):
        yield from fold([Span(in_time)], width)


def seeds_columns(problem: TableProblem) -> TextTable:
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


def seed_line(problem: TableProblem, result: Mapping[str, Any]) -> TextLine:
    """What one of them came to."""
    table, score = seeds_columns(problem), _score(problem.task)
    cells = (
        result["seed"],
        result["validation_score"],
        score(result[problem.score_name]),
        result["epochs"],
        result["seconds"],
    )
    spelled = (column.spell(cell) for column, cell in zip(table.columns, cells, strict=True))
    return table.line(list(spelled))


def spread(problem: TableProblem, event: Mapping[str, Any]) -> Iterator[TextLine]:
    """All of them together: the mean with its deviation, and the lowest."""
    task, name = problem.task, problem.score_name
    table, kind = seeds_columns(problem), name.removesuffix("_accuracy")
    mean, deviation = event[name], event[f"{kind}_deviation"]
    said = (
        f"{mean:.3f} ± {deviation:.3f}"
        if task is Task.NUMBERS
        else f"{100 * mean:.2f} ± {100 * deviation:.2f} %"
    )
    seconds = event["seconds"] / len(event["seeds"])
    yield table.line(("mean", "", said, "", duration(seconds)), GOOD_LINE)
    yield table.line(("lowest", "", _score(task)(event[f"{kind}_lowest"]), "", ""))
    for doubt in event["doubts"]:
        yield [Span(doubt, REMARK)]


def _score(task: Task) -> Callable[[float], str]:
    return _r2 if task is Task.NUMBERS else percent


def errors(trained: Trained) -> str:
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
    what = "probability" if model.labels else "predicted"
    found = [f"{name}: {what}" for name in model.predicts]
    if model.classes:
        found.append(f"{model.target.name}: confidence")
    return (*table.names, *found)


def prediction_csv(model: TableModel, table: ColumnTable, answers: Numbers) -> str:
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
            found = own["probabilities" if model.labels else "predicted"]
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
            each = dict(zip(model.predicts, said, strict=True))
            if model.labels:  # those that hold, and how sure it is of each
                holding = [name for name, sure in each.items() if sure >= HALF_SURE]
                yield {"predicted": holding, "probabilities": each}
            else:
                yield {"predicted": each if model.outputs else said[0]}
        return
    for best, said in zip(likeliest_classes(model.net, answers), answers.tolist(), strict=True):
        sure = dict(zip(model.classes, said, strict=True))
        yield {"predicted": model.classes[best], "probabilities": sure}


def _as_it_was(cell: str) -> TableCell:
    """A number stays one, with its sign; a word must not pass for a formula."""
    return cell if is_number(cell) else as_cell(cell)


# The page ---------------------------------------------------------------------

MOST_ROWS = 20  # of those that it is furthest off


def table_report(trained: Trained, made_with: dict[str, Any]) -> Report:
    """The report of a training on a table."""
    return Report(
        f"{trained.recipe.title}: {trained.problem.target.name}",
        list(_chapters(trained, made_with)),
        lead=list(_lead(trained)),
        foot=[Passage(trained.problem.table.file)],
        styles=STYLES,
    )


def _lead(trained: Trained) -> Iterator[Block]:
    rows = trained.scored_rows
    if trained.problem.task is Task.CLASSES:
        figure = percent(trained.test.score, len(trained.test.rows))
        said = f"of {rows} predicted correctly; mean F1 {trained.event['macro_f1']:.3f}"
    else:
        figure = f"R² = {trained.test.score:.3f}"
        said = f"on {rows}; {errors(trained)}"
    yield Passage(f"{trained.problem.target.name} from {trained.problem.given}", "lead")
    yield Passage((Span(figure, tag="b"), Span(f" {said}")), "headline")
    if trained.doubts:
        yield Items(list(trained.doubts))
    yield Facts(_facts(trained))
    if in_time := signals.in_time(trained):
        yield Passage(in_time)
    if remarks := trained.problem.remarks_for(trained.recipe):
        yield Items(remarks)


def _facts(trained: Trained) -> list[tuple[str, str]]:
    training, held_back = trained.problem.parts(trained.recipe.held_back)
    return [
        ("parameters", f"{trained.recipe.net.count():,}"),
        (f"{trained.problem.unit}s trained on", f"{len(training):,}"),
        (f"{trained.problem.unit}s held back", f"{len(held_back):,}"),
        ("epochs", f"{len(trained.history):,}"),
        ("epoch kept", f"{trained.kept_epoch.epoch:,}"),
        ("training time", duration(trained.seconds)),
        ("seed", str(trained.recipe.net.seed)),
    ]


def _chapters(trained: Trained, made_with: dict[str, Any]) -> Iterator[Chapter]:
    validated = trained.kept_epoch.validation_loss is not None
    columns = epoch_columns(trained.problem.task, validated).columns
    epochs = every_epoch(TextTable.of(columns, map(vars, trained.history)))
    charts = Charts(_charts(trained), "How it trained")
    yield Chapter("training", "How it trained", [charts, epochs])
    if trained.problem.windows:
        yield Chapter("windows", "The windows", signals.windows_blocks(trained))
    if trained.problem.task is Task.CLASSES:
        yield Chapter("classes", "Class by class", _classes(trained))
    yield Chapter("off", "Where it is off", _off(trained))
    network = Figure(summary_table(measure(trained.recipe.net)))
    yield Chapter("network", "The network", [network])
    again = [Listing(_again(trained.problem)), Listing(str(trained.recipe))]
    yield Chapter("again", "How to reproduce it", [*again, *environment(made_with)])


def _again(problem: TableProblem) -> str:
    """The command, with what isn't as usual."""
    own = problem.words_to_repeat()
    return shlex.join(["gradbook", "train", "recipe.txt", "-o", "again", *own])


def _charts(trained: Trained) -> list[Chart]:
    history = trained.history
    losses = [curve_of("training", history, "train_loss", TRAINING_INK)]
    scores: list[Chart] = []
    if trained.kept_epoch.validation_loss is not None:
        losses.append(curve_of("validation", history, "validation_loss", VALIDATION_INK))
        score = (curve_of("validation", history, BEST, VALIDATION_INK),)
        scores.append(
            Chart("R²", score, scale=EVEN, measure="R²", spell=short)
            if trained.problem.task is Task.NUMBERS
            else Chart(
                "Share predicted correctly", score, scale=EVEN, measure="right", spell=percent
            )
        )
    rate = rate_curve("rate", trained.recipe, history, RATE_INK)
    return [loss_chart("Loss", tuple(losses)), *scores, rate_chart((rate,))]


def _classes(trained: Trained) -> Blocks:
    wanted = trained.problem.targets[trained.test.rows].astype(np.int32)
    names = trained.problem.target.words
    counts = confusion_of(wanted, trained.test.read, len(names))
    columns = (TableColumn(f"predicted as {name}", spell=_count_or_dot) for name in names)
    rows = tuple((name, *row) for name, row in zip(names, counts.tolist(), strict=True))
    table = TextTable((TableColumn("is", words=True), *columns), rows, has_row_heads=True)
    return [table, PageOnly(lambda: by_class(counts, names, f"{trained.problem.unit}s"))]


def _count_or_dot(count: int) -> str:
    return f"{count:,}" if count else "·"


def _off(trained: Trained) -> Blocks:
    """The rows of the test that it is furthest off; without a test, of all."""
    shown, order = trained.problem.table, _furthest(trained)
    if not len(order):
        return [Passage(f"Nowhere: every one of the {trained.scored_rows} is predicted correctly.")]
    inputs = trained.problem.shown
    places = [shown.place(name) for name in inputs]
    rows = []
    for k in order[:MOST_ROWS].tolist():
        row = shown.rows[trained.test.rows[k]]
        cells = (_shortened(row.cells[place]) for place in places)
        rows.append((str(row.number), *_answered(trained, k), *cells))
    columns = tuple(map(TableColumn, (trained.problem.unit, "is", "told", *inputs)))
    said = f"The first {MOST_ROWS}. " if len(order) > MOST_ROWS else ""
    table = TextTable(columns, tuple(rows), has_row_heads=True)
    return [Passage(f"{said}The largest errors come first."), table]


def _shortened(cell: str) -> str:
    """A plain number in few digits."""
    value = PLAIN.value(cell) if NUMBER.fullmatch(cell) else None
    return cell if value is None else short(value, DIGITS)


def _furthest(trained: Trained) -> Any:
    test, wanted = trained.test, trained.problem.targets[trained.test.rows]
    if trained.problem.task is Task.NUMBERS:
        return np.argsort(-np.abs(test.answers[:, 0] - wanted), kind="stable")
    wrong = np.flatnonzero(test.read != wanted)
    return wrong[np.argsort(-test.answers.max(axis=1)[wrong], kind="stable")]


def _answered(trained: Trained, k: int) -> tuple[str, str]:
    said, row = trained.test.answers[k], trained.test.rows[k]
    wanted, words = trained.problem.targets[row], trained.problem.target.words
    if trained.problem.task is Task.NUMBERS:
        return short(float(wanted), DIGITS), short(float(said[0]), DIGITS)
    best = int(trained.test.read[k])
    return words[int(wanted)], f"{words[best]}, {percent(float(said[best]))}"
