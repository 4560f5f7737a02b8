"""A training: the list of recipes, its charts, and the text shown before, during and after it.

For terminals and notebooks, whatever the problem is. Doesn't know how a network is trained.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from math import isfinite, log
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from gradbook.amounts import counted, duration, loss, percent, short
from gradbook.data.warp import write_warp
from gradbook.errors import one_line
from gradbook.files import InnerPath
from gradbook.lab.models.answers import FinalScore
from gradbook.lab.problem import Problem
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import BEST as KEEP_BEST
from gradbook.lab.recipes.recipe import UNWARPED, Recipe, weight_words
from gradbook.lab.recipes.recipe_text import builtin_recipe, measurement
from gradbook.lab.signals import SignalProblem
from gradbook.lab.tables import TableProblem
from gradbook.lab.training.epochs import Epoch, History, Progress, rates_of, schedule_losses
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.run_training import LiveTraining, TrainingRun
from gradbook.lab.training.train import SCORES, SeedsFolder, Trained
from gradbook.net.description import Task
from gradbook.net.measure import measure
from gradbook.net.text import loss_words
from gradbook.palette import curve_colours
from gradbook.report.charts import EVEN, TOWARDS, Chart, Curve
from gradbook.report.document import Block, PageOnly, Passage, Report
from gradbook.report.figures import Frame, chart_svg
from gradbook.report.markup import report_cell
from gradbook.report.mistakes import by_class, confusion
from gradbook.report.styled_text import (
    GAP,
    QUIET,
    RULE,
    Span,
    TableColumn,
    TextLine,
    TextTable,
    fit,
    fold,
    keep_together,
)
from gradbook.report.styled_text import bar as drawn_bar
from gradbook.report.terminal import report_text

# Charts -----------------------------------------------------------------------

TRAINING_INK, VALIDATION_INK, RATE_INK = "#C27A09", "#077DB3", "#BC3E78"  # of palette.CURVES
STEPS = 100  # per epoch at which the rate is drawn
Histories = Sequence[tuple[str, Recipe, Sequence[Epoch]]]


def run_charts(recipe: Recipe, history: Sequence[Epoch], task: Task = Task.CLASSES) -> list[Chart]:
    """Loss and accuracy, or R², of training and validation; and the rate of every step."""
    parts = [("training", "train", TRAINING_INK), ("validation", "validation", VALIDATION_INK)]

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(
            _curve(name, history, f"{key}_{figure}", ink)
            for name, key, ink in parts
            if all(getattr(epoch, f"{key}_{figure}") is not None for epoch in history)
        )

    losses, scores = curves("loss"), curves("accuracy")
    smoothing = recipe.net.smoothing
    unlike = f" (of training with smoothing {smoothing:g})" if smoothing and len(losses) > 1 else ""
    return [
        Chart(f"Loss{unlike}", losses, spell=loss),
        *([_scores("", scores, task)] if scores else []),
        _rates((_rate("rate", recipe, history, RATE_INK),)),
    ]


def runs_charts(runs: Histories) -> list[Chart]:
    """The same for several runs, one colour each: validation if all have it, else training."""
    validated = all(epoch.validation_accuracy is not None for *_, run in runs for epoch in run)
    inks = curve_colours(len(runs))
    whose, key = ("Validation", "validation") if validated else ("Training", "train")

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(
            _curve(name, history, f"{key}_{figure}", ink)
            for (name, _, history), ink in zip(runs, inks, strict=True)
        )

    rates = [_rate(*run, ink) for run, ink in zip(runs, inks, strict=True)]
    if len({curve.values.tobytes() for curve in rates}) == 1 < len(rates):
        rates = [replace(rates[0], label="all", colour=RATE_INK)]
    return [
        Chart(f"{whose} loss", curves("loss"), spell=loss),
        _scores(whose, curves("accuracy"), Task.CLASSES),
        _rates(tuple(rates)),
    ]


def _scores(whose: str, curves: tuple[Curve, ...], task: Task) -> Chart:
    if task is Task.NUMBERS:
        return Chart("R²", curves, scale=EVEN, measure="R²", spell=short)
    title = f"{whose} accuracy".strip().capitalize()
    return Chart(title, curves, scale=TOWARDS, measure="accuracy", spell=percent)


def _rates(curves: tuple[Curve, ...]) -> Chart:
    return Chart("Learning rate of each step", curves, scale=EVEN, measure="rate", spell=short)


def _rate(label: str, recipe: Recipe, history: Sequence[Epoch], colour: str) -> Curve:
    """The rate step by step, since it may rise and fall within an epoch."""
    steps = rates_of(recipe.schedule, recipe.epochs, schedule_losses(history), STEPS)
    return replace(_curve(label, history, "rate", colour), steps=steps)


def _curve(label: str, history: Sequence[Epoch], column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in history]
    return Curve(label, np.array(values, np.float64), colour)


# Recipes ----------------------------------------------------------------------

Record = dict[str, Any]


def _right(reached: Record | None) -> str:
    if reached is None:
        return "see the docs"
    return f"{100 * reached['mean']:.2f} ± {100 * reached['deviation']:.2f} %"


RECIPE_COLUMNS = (  # a key is that of a recipe's record
    TableColumn("recipe", "name", words=True, ink="cyan"),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spell=str),
    TableColumn("time", "seconds_here", spell=lambda it: "" if it is None else duration(it)),
    TableColumn("test images right", "measured", spell=_right),
)


def recipes_report(threads: int) -> Report:
    """One row per recipe, with its purpose beside the figures or below them."""
    records = [_record(name, threads) for name in RECIPES]
    notes = tuple([Span(record["about"])] for record in records)
    table = replace(TextTable.of(RECIPE_COLUMNS, records), notes=notes)
    brief: list[Block] = [table]
    known = [record["measured"] for record in records if record["measured"]]
    if known:
        machines = " and ".join(dict.fromkeys(it["machine"] for it in known))
        words = (
            f"Measured over {min(it['seeds'] for it in known)} seeds or more on {machines}; "
            f"times are converted to {counted(threads, 'core')}."
        )
        brief.append(Passage(words))
    record = {"version": 1, "recipes": records}
    return Report("Recipes", brief=brief, rows=table, record=record, indent=2)


def _record(name: str, threads: int) -> Record:
    """A recipe's cost, and its accuracy if that was measured."""
    recipe, reached = builtin_recipe(name), measurement(name)
    return {
        "name": name,
        "about": recipe.about,
        "parameters": measure(recipe.net).parameters,
        "epochs": recipe.epochs,
        "seconds_here": reached and reached.seconds_with(threads),
        "measured": reached and asdict(reached),
    }


# Before and after -------------------------------------------------------------

INDENT = "  "
REMARK = "yellow"


def opening_lines(training: TrainingRun, width: int) -> Iterator[TextLine]:
    """The network, its data and the settings; then remarks."""
    material, problem = training.material, training.problem
    parts = material.epoch_size, len(material.held_back or ())
    threads = getattr(training.engine, "threads", 1) if problem.is_watched else 0
    yield from lines_before(training.recipe, problem, parts, width, threads)
    for remark in training.remarks:
        yield from fold([Span(remark, REMARK)], width)
    if training.history:
        done = counted(len(training.history), "epoch")
        yield from fold([Span(f"resuming after {done}", QUIET)], width)
    yield []


def lines_before(
    recipe: Recipe, problem: Problem, parts: tuple[int, int], width: int, threads: int = 0
) -> Iterator[TextLine]:
    """The same for a recipe; `parts` are the numbers of samples trained on and held back."""
    most = "at most " if recipe.early_stop else ""
    words = (
        f": {counted(recipe.net.count(), 'parameter')}, {most}{counted(recipe.epochs, 'epoch')} of "
        f"{counted(parts[0], problem.unit)}"
    )
    if isinstance(problem, TableProblem):
        target, numbers = problem.target, problem.targets
        what = f"{counted(len(target.words), 'class', 'classes')}: {', '.join(target.words)}"
        if problem.task is Task.NUMBERS:
            low, high = (short(float(it)) for it in (numbers.min(), numbers.max()))
            what = f"numbers from {low} to {high}"
        about = [Span(one_line(f"learns {target.name} ({what}) from {problem.inputs_in_words}"))]
    else:
        words += f" of {one_line(problem.title)}"
        about = []
    yield from fold([Span(recipe.title, "bold"), Span(words)], width)
    yield from fold(about, width)
    for group in _settings(recipe, problem, parts[1], threads):
        yield from fold([Span(", ".join(map(keep_together, group)), QUIET)], width)


def _settings(
    recipe: Recipe, problem: Problem, held_back: int, threads: int
) -> Iterator[list[str]]:
    """The settings of the training, grouped in lines."""
    yield [
        loss_words(recipe.net),
        f"batches of {recipe.batch:,}",
        str(recipe.net.update),
        str(recipe.schedule),
        *([f"early stop {recipe.early_stop}"] if recipe.early_stop else []),
        *(["keep best"] if recipe.keep == KEEP_BEST else []),
    ]
    if recipe.class_weights:
        yield [f"class weights {weight_words(recipe.class_weights)}"]
    if recipe.warp.changes_images:
        yield ("warp " + write_warp(recipe.warp)).split("; ")
    if recipe.frozen:
        yield [f"freeze {' '.join(recipe.frozen)}"]
    if recipe.start:
        yield [f"start {recipe.start}"]
    if recipe.statistics == UNWARPED:
        yield [f"statistics {recipe.statistics}"]
    more = "more " if problem.is_watched else ""
    apart = [f"{counted(held_back, more + problem.unit)} held back"] if held_back else []
    if problem.everything:
        apart = ["none held back", "none held out for the test"]
    elif not problem.is_watched:
        apart.append(f"{problem.test_count():,} held out for the test")
    if isinstance(problem, SignalProblem):
        apart.append(f"split by {problem.way}")
    yield [*apart, f"seed {recipe.net.seed}", *([counted(threads, "thread")] if threads else [])]


def result_lines(
    event: Mapping[str, Any], width: int, scored: str, count: int | None = None
) -> Iterator[TextLine]:
    """How well the `count` samples in `scored` were predicted, and how long the training took."""
    name = next((name for name in SCORES if name in event), "")
    took = f"{counted(event['epochs'], 'epoch')} in {keep_together(duration(event['seconds']))}"
    kept = event.get("kept_epoch")
    if kept not in (None, event["epochs"]):
        took += f", with the weights of epoch {kept}"
    if not name:
        took = keep_together(duration(event["seconds"]))
        figure, usual = f"a loss of {event['held_out_loss']:.3f}", event["loss_by_frequency"]
        known = f"{usual:.3f} from the letters' frequencies alone"
        line = [Span("reaches "), _good(figure), Span(f" per letter on {scored} ({known})")]
    elif name.endswith("r2"):
        figure, errors = f"R² = {r2(event[name])}", error_words(event)
        line = [Span("reaches "), _good(figure), Span(f" on the {scored} ({errors})")]
    else:
        missed = "" if count is None else f", {round(count * (1 - event[name])):,} wrong"
        verb = "reads"
        if "target" in event:
            verb, missed = "predicts", f"{missed} (mean F1 {event['macro_f1']:.3f})"
        right = _good(percent(event[name], count or ASSUMED_SAMPLES))
        line = [Span(f"{verb} "), right, Span(f" of the {scored} correctly{missed}")]
    yield []
    yield from fold([Span(f"{one_line(event['recipe'])} "), *line, Span(f", after {took}")], width)


def _good(words: str) -> Span:
    return Span(keep_together(words), f"bold {GOOD}")


def r2(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < LARGE else short(value)


ASSUMED_SAMPLES = 10_000  # samples, if their number isn't known
MOST_NUMBERS = 6  # of several predicted ones, in a line
LARGE = 10  # a larger R² has no decimals
MOST_ALARMS = 100  # per hour; more are shown without decimals


def error_words(event: Mapping[str, Any]) -> str:
    """How far numbers are off, in the targets' own units."""
    if several := event.get("numbers"):
        shown = [f"{name} {short(it['mean_absolute_error'], 4)}" for name, it in several.items()]
        more = ["…"] * (len(shown) > MOST_NUMBERS)
        return one_line(f"mean absolute errors: {', '.join(shown[:MOST_NUMBERS] + more)}")
    absolute, root = event["mean_absolute_error"], event["root_mean_squared_error"]
    return f"mean absolute error {short(absolute, 4)}, root mean squared error {short(root, 4)}"


def in_time(event: Mapping[str, Any]) -> str:
    """The delay of an answer, and the rate of false alarms; '' if the time isn't known."""
    return " ".join(_in_time(event))


def _in_time(event: Mapping[str, Any]) -> Iterator[str]:
    if latency := event.get("latency_seconds"):
        window, step = (event[what] / event["rows_a_second"] for what in ("window", "step"))
        yield (
            f"An answer comes at most {latency:.3g} s after something begins: a window of "
            f"{window:.3g} s and a step of {step:.3g} s."
        )
    if "background" not in event:
        return
    alarms, seconds = event["false_alarms"], event["background_seconds"]
    words = f"On '{event['background']}', {counted(alarms, 'false alarm')}"
    if not seconds:
        yield f"{words}; the number per hour needs a time column, or --set 'sample rate HZ'."
        return
    hourly, most = (
        f"{count:,.0f}" if count >= MOST_ALARMS else f"{count:.3g}"
        for count in (event["false_alarms_an_hour"], event["false_alarms_an_hour_below"])
    )
    yield (
        f"{words} in {duration(seconds)}: {hourly} an hour, and with 95 % confidence fewer than "
        f"{most}."
    )


class SeedsTable:
    """The results of several seeds, one line each, and then their summary."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.name = next(name for name in SCORES if name in result)
        of, rest = self.name.split("_") if "_" in self.name else ("test", self.name)
        self.is_r2 = rest == "r2"
        self.held_back = next(n for n in result if n in ("validation_accuracy", "validation_score"))
        self.spell = r2 if self.is_r2 else percent
        what = " R²" if self.is_r2 else ""
        columns = (
            TableColumn("seed", spell=str, width=6),
            TableColumn(f"validation{what}", spell=self.spell, width=9),
            TableColumn(f"{of}{what}", width=16),
            TableColumn("epochs", spell=str, width=6),
            TableColumn("time", spell=duration, width=7),
        )
        self.table = TextTable(columns)

    def heading(self) -> Iterator[TextLine]:
        return self.table.heading()

    def line(self, result: Mapping[str, Any]) -> TextLine:
        cells = (
            str(result["seed"]),
            self.spell(result[self.held_back]),
            self.spell(result[self.name]),
            str(result["epochs"]),
            duration(result["seconds"]),
        )
        return self.table.line(cells)

    def summary(self, event: Mapping[str, Any]) -> Iterator[TextLine]:
        """The mean with its deviation, the lowest, and doubts about the result."""
        kind = self.name.removesuffix("_accuracy")
        mean, deviation = event[self.name], event[f"{kind}_deviation"]
        spread = (
            f"{mean:.3f} ± {deviation:.3f}"
            if self.is_r2
            else f"{100 * mean:.2f} ± {100 * deviation:.2f} %"
        )
        held_back = self.spell(event.get(self.held_back))
        seconds = duration(event["seconds"] / len(event["seeds"]))
        yield self.table.line(("mean", held_back, spread, "", seconds), f"bold {GOOD}")
        yield self.table.line(("lowest", "", self.spell(event[f"{kind}_lowest"]), "", ""))
        for doubt in event["doubts"]:
            yield [Span(doubt, REMARK)]


def files_lines(run: RunFolder, width: int) -> Iterator[TextLine]:
    """The files that were written, and the command to use next."""
    model, figures = (run.model_file, "the model"), (run.csv_file, "every epoch's figures")
    yield from _listed([(run.report_file, LOOK_HERE), model, figures], width)
    yield []
    verb = "generate" if run.learns_lines else "predict"
    argument, does = ROWS if run.problem_file.is_file() else PICTURES
    argument, does = ("", "writes new lines") if run.learns_lines else (f" {argument}", does)
    line = [*_command(verb, str(run.path)), Span(argument), Span(f"  {does}")]
    yield line if sum(len(span.text) for span in line) <= width else line[:-1]


PICTURES, ROWS = ("FILE", "reads your pictures"), ("new.csv -o predicted.csv", "predicts its rows")
LOOK_HERE = "the report: look here first"


def seeds_files_lines(folder: SeedsFolder, width: int) -> Iterator[TextLine]:
    """The same for several seeds."""
    report = [] if folder.problem_file.is_file() else [(folder.report_file, LOOK_HERE)]
    yield from _listed([*report, (folder.path / "seed-*", "the run of each seed")], width)


def _listed(files: list[tuple[InnerPath, str]], width: int) -> Iterator[TextLine]:
    yield []
    longest = max(len(str(path)) for path, _ in files)
    fits = len(INDENT) + longest + 2 + max(len(what) for _, what in files) <= width
    for path, what in files:
        aside = " " * (longest - len(str(path)) + 2) + what
        yield [Span(INDENT), Span(str(path), "cyan"), Span(aside if fits else "")]


def _command(*words: str) -> TextLine:
    return [Span(INDENT + shlex.join(["gradbook", *words]), "bold")]


def stopping_lines(training: TrainingRun | None, folder: Path, width: int) -> Iterator[TextLine]:
    """Where the training stopped, if between two steps, and how to resume it."""
    where = ""
    if training:
        epoch, step = divmod(training.checkpoint().step, training.steps)
        where = f" after {counted(epoch, 'epoch')}" if epoch else " before the first step"
        if step:
            where = f" after step {step:,} of {training.steps:,} in epoch {epoch + 1}"
    yield []
    yield from fold(f"Stopped{where} and saved. Resume with", width)
    yield []
    yield _command("train", "--resume", str(folder))


# Epochs -----------------------------------------------------------------------

GOOD = "green"
TRAINING, VALIDATION = "training", "validation"
BEST = "validation_accuracy"  # marked if it is the highest so far

EPOCH_COLUMNS = (  # a key is the figure's name in an epoch
    TableColumn("epoch", "epoch", width=5),
    TableColumn("loss", "train_loss", spell=loss, width=8, group=TRAINING),
    TableColumn("right", "train_accuracy", spell=percent, width=8, group=TRAINING, spare=3),
    TableColumn("loss", "validation_loss", spell=loss, width=8, group=VALIDATION, spare=1),
    TableColumn("right", BEST, spell=percent, width=8, group=VALIDATION),
    TableColumn("rate", "rate", spell=short, width=9, spare=4),
    TableColumn("images/s", "images_per_second", spell="{:,.0f}".format, width=8, spare=5),
    TableColumn("time", "seconds", spell=duration, width=7, spare=2),
)


@dataclass(frozen=True)
class EpochTable:
    """A table that is printed row by row, so its widths are fixed before the first row."""

    table: TextTable
    rule: str = RULE

    def heading(self) -> list[TextLine]:
        return list(self.table.heading(self.rule))

    def row(self, epoch: Epoch, best: bool = False) -> TextLine:
        """One epoch; `best` marks its validation accuracy as the highest so far."""
        columns = self.table.columns
        cells = [column.spell(getattr(epoch, column.key)) for column in columns]
        inked = tuple(replace(c, ink=GOOD) if c.key == BEST else c for c in columns)
        return (TextTable(inked) if best else self.table).line(cells)


def epoch_table(
    problem: Problem | type[Problem], width: int, validated: bool = True, ascii_only: bool = False
) -> EpochTable:
    """A table with as many columns as fit in the width."""
    table, _ = fit(history_table((), problem, validated), width)
    return EpochTable(table, "-" if ascii_only else RULE)


def history_table(
    history: Sequence[Epoch], problem: Problem | type[Problem], validated: bool
) -> TextTable:
    """Every figure of every epoch."""
    is_of_numbers = isinstance(problem, TableProblem) and problem.task is Task.NUMBERS
    columns = (
        replace(column, title="R²", spell=r2) if is_of_numbers and column.key == BEST else column
        for column in EPOCH_COLUMNS
        if column.key in problem.columns and (validated or column.group != VALIDATION)
    )
    return TextTable.of(columns, map(asdict, history))


def history_report(history: History) -> Report:
    """Every epoch of a training in numbers."""
    table = _all_epochs(history)
    return Report("", brief=[table], cell=[table])


def _all_epochs(history: History) -> TextTable:
    validated = any(epoch.validation_loss is not None for epoch in history)
    return history_table(history, history.problem, validated)


def history_text(history: History) -> str:
    """The epochs as a table in text."""
    return report_text(history_report(history)).rstrip()


def history_cell(history: History) -> str:
    """The epochs as a table in a notebook."""
    return report_cell(history_report(history))


def score_report(score: FinalScore) -> Report:
    """A score: how many are right, the confusion matrix and the figures of each class; or how far
    numbers are off."""
    count, blocks = len(score.rows), list[Block]()
    if score.confusion is not None:
        names = tuple(score.classes)
        right = percent(score.score, count)
        words = f"{right} of {counted(count, 'sample')} are predicted correctly. {CONFUSION}"
        counts = score.confusion
        blocks = [confusion(counts, names, "sample"), by_class(counts, names, "samples")]
    elif score.mean_absolute_error is not None:
        figures = {name: getattr(score, name) for name in ERRORS}
        words = f"R² is {r2(score.score)} on {counted(count, 'sample')}: {error_words(figures)}."
    elif score.numbers:
        words = (
            f"R² is {r2(score.score)} on {counted(count, 'sample')}, the mean of "
            f"{len(score.numbers)} numbers."
        )
        blocks = [by_number(score)]
    elif score.letters is not None:
        words = f"The loss is {score.loss:.3f} per letter on {counted(count, 'line')}."
    else:
        words = (
            f"{percent(score.score, count)} of the labels of {counted(count, 'sample')} are right."
        )
    blocks = [Passage(words), *blocks]
    return Report("", brief=blocks, cell=blocks)


def by_number(score: FinalScore) -> TextTable:
    """The figures of each predicted number, in its own unit."""
    rows = tuple(
        (name, r2(it.r2), *(short(getattr(it, error), 4) for error in ERRORS))
        for name, it in score.numbers.items()
    )
    words = ("R²", "mean absolute error", "root mean squared error")
    columns = (TableColumn("number", words=True), *map(TableColumn, words))
    return TextTable(columns, rows, kind="by-number", has_row_heads=True)


CONFUSION = "Rows of the matrix are the true classes, columns the predicted ones."
ERRORS = ("mean_absolute_error", "root_mean_squared_error")


def score_text(score: FinalScore) -> str:
    """A score as text."""
    return report_text(score_report(score)).rstrip()


def score_cell(score: FinalScore) -> str:
    """A score in a notebook."""
    return report_cell(score_report(score))


MOST_LINES = 12  # of epochs that take milliseconds


def is_shown(problem: Problem, epoch: int, epochs: int) -> bool:
    """Whether this epoch gets a line: all do if they are slow, else the first and every few."""
    step = -(-epochs // MOST_LINES)
    return problem.is_watched or epoch == 1 or epoch % step == 0


def training_cell(trained: Trained) -> str:
    """A training in a notebook: a line about it, and a table of its epochs."""
    about = Passage(repr(trained).strip("<>"))
    return report_cell(Report("", cell=[about, _all_epochs(trained.history)]))


# Progress ---------------------------------------------------------------------

FULL, HALF, EMPTY = "━", "╸", "─"
LEVELS = "▁▂▃▄▅▆▇█"
NOT_ASCII = FULL + HALF + EMPTY + LEVELS
LABEL, ASIDE = 15, 20  # columns left and right of a bar
LEAST_BAR = 12
BLOCK = 75  # columns of the whole table; nothing is wider


class Trace:
    """All losses so far as a few means: whenever there are too many, pairs are averaged."""

    MOST, RECENT = 256, 50

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=self.RECENT)
        self._means: list[float] = []
        self._each = 1  # losses in a mean
        self._latest: list[float] = []  # not yet in a mean

    def add(self, losses: Iterable[float]) -> None:
        for value in filter(isfinite, losses):
            self.recent.append(value)
            self._latest.append(value)
            if len(self._latest) == self._each:
                self._means.append(fmean(self._latest))
                self._latest = []
            if len(self._means) == self.MOST:
                self._means = list(
                    map(fmean, zip(self._means[::2], self._means[1::2], strict=True))
                )
                self._each *= 2

    def means(self, most: int) -> list[float]:
        """At most so many means, from the first loss to the latest."""
        means = [*self._means, fmean(self._latest)] if self._latest else self._means
        count = min(len(means), most)
        edges = [k * len(means) // count for k in range(count + 1)] if count else []
        return [fmean(means[a:b]) for a, b in pairwise(edges)]


def progress_lines(
    now: Progress, trace: Trace, width: int, *, ascii_only: bool = False
) -> list[TextLine]:
    """The lines below the table: bars for the training and the epoch, and the losses so far."""
    part = now.step / max(now.steps, 1)
    whole = (now.epoch - 1 + part) / max(now.epochs, 1)
    latest = loss(fmean(trace.recent)) if trace.recent else ""
    rows = [
        (f"epoch {now.epoch}/{now.epochs}", whole, f"{duration(now.seconds_left)} left"),
        (f"step {now.step}/{now.steps}", part, f"{now.images_per_second:,.0f} images/s"),
        (f"loss {latest}", None, f"rate {short(now.rate)}"),
    ]
    beside = width >= LABEL + LEAST_BAR + ASIDE
    room = max(width - LABEL - (ASIDE if beside else 0), 1)
    lines: list[TextLine] = []
    for label, filled, aside in rows:
        line = [Span(f"{label:<{LABEL}}")]
        if filled is None:
            line.append(Span(spark(trace.means(room), room, ascii_only), "magenta"))
        else:
            line += bar(filled, room, ascii_only)
        lines.append([*line, Span(f"{aside:>{ASIDE}}")] if beside else line)
    if not beside:
        lines += fold(GAP.join(keep_together(aside) for *_, aside in rows), width)
    return lines


def progress_in_a_line(now: Progress, width: int) -> TextLine:
    """The same in a single line."""
    words = f"epoch {now.epoch}/{now.epochs}, step {now.step}/{now.steps}, "
    return [Span((words + f"{duration(now.seconds_left)} left")[:width])]


def bar(share_done: float, width: int, ascii_only: bool = False) -> TextLine:
    """A bar filled to that share, exact to half a character."""
    full, half, empty = "#.-" if ascii_only else (FULL, HALF, EMPTY)
    halves = round(2 * width * min(max(share_done, 0.0), 1.0))
    done = full * (halves // 2) + half * (halves % 2)
    return [Span(done, "cyan"), Span(empty * (width - len(done)), QUIET)]


def spark(values: Sequence[float], width: int, ascii_only: bool = False) -> str:
    """The values from left to right as heights, on a logarithmic scale where all are above 0."""
    levels = "_.-=+*%#" if ascii_only else LEVELS
    heights = [log(value) for value in values] if all(v > 0 for v in values) else values
    low, high = min(heights, default=0.0), max(heights, default=0.0)
    scale = (len(levels) - 1) / (high - low) if high > low else 0.0
    return "".join(levels[round((height - low) * scale)] for height in heights).ljust(width)


# In a notebook ----------------------------------------------------------------

PREPARING = "loading the images and compiling the engine …"
FRAME = Frame(width=440.0, height=250.0, left=56.0, right=92.0)
SPARK = 40  # characters that the losses take in plain text


def live_html(live: LiveTraining) -> str:
    """A bar, a line of words, and the curves of loss and accuracy so far."""
    training = live.training
    if training is None:
        return report_cell(Report("", cell=[Passage("" if live.is_over else PREPARING)]))
    now = training.progress()
    done = (now.epoch - 1) * now.steps + now.step
    share = 1.0 if training.is_over else done / max(now.epochs * now.steps, 1)
    title, standing = Span(training.recipe.title, tag="b"), Span(f" {_standing(live)}")
    blocks: list[Block] = [Passage((title, Span(" "), drawn_bar(share), standing))]
    if live.doubt:
        blocks.append(Passage(live.doubt))
    if training.history:
        charts = run_charts(training.recipe, training.history)[:2]
        blocks += [PageOnly(partial(chart_svg, chart, FRAME)) for chart in charts]
    return report_cell(Report("", cell=blocks))


def live_text(live: LiveTraining) -> str:
    """The same without pictures: the progress, the last epoch, and a line of losses."""
    training = live.training
    if training is None:
        return "" if live.is_over else PREPARING
    lines = [f"{training.recipe.title}: {_standing(live)}", *([live.doubt] if live.doubt else [])]
    if training.history:
        falling = spark([epoch.train_loss for epoch in training.history[-SPARK:]], 0)
        lines += [str(training.history[-1]), f"loss {falling}"]
    return "\n".join(lines)


def _standing(live: LiveTraining) -> str:
    training = live.training
    assert training
    if live.is_over or training.is_over:
        words = f"{counted(len(training.history), 'epoch')} in {duration(training.seconds)}"
        return words if training.is_over else f"stopped after {words}"
    now = training.progress()
    recent = f", loss {loss(fmean(now.recent_losses))}" if now.recent_losses else ""
    return (
        f"epoch {now.epoch} of {now.epochs}, step {now.step} of {now.steps}{recent}, "
        f"{now.images_per_second:,.0f} images/s, {duration(now.seconds_left)} left"
    )
