"""A training: the recipes there are, its charts, and what is said before, while and after it runs.

For a terminal and for notebooks. It doesn't know how a network is trained.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import UNWARPED, Recipe, weight_words
from gradbook.lab.recipes.text import builtin_recipe, measurement
from gradbook.lab.training.epochs import Epoch, Progress, rates_of, schedule_losses
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import RangeTest, SeedsFolder, Trained
from gradbook.lab.training.training import LiveTraining, TrainingRun
from gradbook.net.measure import measure
from gradbook.net.text import loss_words, update_words
from gradbook.palette import curve_colours
from gradbook.report.charts import EVEN, TOWARDS, Chart, Curve, few
from gradbook.report.document import Block, Passage, Report
from gradbook.report.figures import Frame, chart_svg
from gradbook.report.markup import report_cell
from gradbook.report.page import text
from gradbook.report.words import (
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

# Charts -----------------------------------------------------------------------

TRAINING_INK, VALIDATION_INK, RATE_INK = "#C27A09", "#077DB3", "#BC3E78"  # of palette.CURVES
STEPS = 100  # of an epoch, that its rate is drawn at
Histories = Sequence[tuple[str, Recipe, Sequence[Epoch]]]


def run_charts(recipe: Recipe, history: Sequence[Epoch]) -> list[Chart]:
    """Loss and accuracy of training and of validation, and the rate of every step."""
    parts = [("training", "train", TRAINING_INK), ("validation", "validation", VALIDATION_INK)]
    shown = parts if _validated(history) else parts[:1]

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(curve_of(name, history, f"{key}_{figure}", ink) for name, key, ink in shown)

    smoothing = recipe.net.smoothing
    unlike = f" (of training with smoothing {smoothing:g})" if smoothing and len(shown) > 1 else ""
    return [
        loss_chart(f"Loss{unlike}", curves("loss")),
        _accuracies("Accuracy", curves("accuracy")),
        rate_chart((rate_curve("rate", recipe, history, RATE_INK),)),
    ]


def rate_curve(label: str, recipe: Recipe, history: Sequence[Epoch], colour: str) -> Curve:
    """By steps: between the ends of two epochs it may rise and fall."""
    steps = rates_of(recipe.schedule, recipe.epochs, schedule_losses(history), STEPS)
    return replace(curve_of(label, history, "rate", colour), steps=steps)


def runs_charts(runs: Histories) -> list[Chart]:
    """The same of several runs, a colour for each; validation where all have it, else training."""
    validated = all(_validated(history) for _, _, history in runs)
    inks = curve_colours(len(runs))
    whose = "validation" if validated else "training"
    key = "validation" if validated else "train"

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(
            curve_of(name, history, f"{key}_{figure}", ink)
            for (name, _, history), ink in zip(runs, inks, strict=True)
        )

    return [
        loss_chart(f"{whose.capitalize()} loss", curves("loss")),
        _accuracies(f"{whose.capitalize()} accuracy", curves("accuracy")),
        rate_chart(_shared([rate_curve(*run, ink) for run, ink in zip(runs, inks, strict=True)])),
    ]


def loss_chart(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, spell=loss)


def _accuracies(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, scale=TOWARDS, measure="accuracy", spell=percent)


def rate_chart(curves: tuple[Curve, ...]) -> Chart:
    return Chart("Learning rate of each step", curves, scale=EVEN, measure="rate", spell=short)


def _shared(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """One for each run, or one for all where all are the same."""
    if len({curve.values.tobytes() for curve in curves}) == 1 < len(curves):
        return (replace(curves[0], label="all", colour=RATE_INK),)
    return tuple(curves)


def _validated(history: Sequence[Epoch]) -> bool:
    return all(epoch.validation_accuracy is not None for epoch in history)


def curve_of(label: str, history: Sequence[Epoch], column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in history]
    return Curve(label, np.array(values, np.float64), colour)


# Recipes ----------------------------------------------------------------------

Record = dict[str, Any]


def _right(reached: Record | None) -> str:
    if reached is None:
        return "docs/results.md"
    return f"{100 * reached['mean']:.2f} ± {100 * reached['deviation']:.2f} %"


RECIPE_COLUMNS = (  # a key is that of a recipe's record
    TableColumn("recipe", "name", words=True, ink="cyan"),
    TableColumn("parameters", "parameters"),
    TableColumn("epochs", "epochs", spell=str),
    TableColumn("time", "seconds_here", spell=lambda it: "" if it is None else duration(it)),
    TableColumn("test images right", "measured", spell=_right),
)


def recipes_report(threads: int) -> Report:
    """A row for each; what it is for stands beside the figures, or under them."""
    found = [_record(name, threads) for name in RECIPES]
    notes = tuple([Span(record["about"])] for record in found)
    table = replace(TextTable.of(RECIPE_COLUMNS, found), notes=notes)
    brief: list[Block] = [table]
    known = [record["measured"] for record in found if record["measured"]]
    if known:
        machines = " and ".join(dict.fromkeys(it["machine"] for it in known))
        words = (
            f"Measured over {min(it['seeds'] for it in known)} seeds or more on {machines}; "
            f"times are converted to {counted(threads, 'core')}."
        )
        brief.append(Passage(words))
    record = {"version": 1, "recipes": found}
    return Report("Recipes", brief=brief, rows=table, record=record, indent=2)


def _record(name: str, threads: int) -> Record:
    """What it costs, and what it reached where that was measured."""
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


def opening_lines(training: TrainingRun, width: int) -> Iterator[TextLine]:
    """What is trained on what, and how; then what the user should know."""
    recipe, material = training.recipe, training.material
    said = (
        f": {counted(recipe.net.count(), 'parameter')}, {counted(recipe.epochs, 'epoch')} of "
        f"{counted(len(material.numbers), 'image')} of {one_line(training.problem.title)}"
    )
    yield from fold([Span(recipe.title, "bold"), Span(said)], width)
    for group in _settings(training):
        yield from fold([Span(", ".join(map(keep_together, group)), QUIET)], width)
    for remark in training.remarks:
        yield from fold([Span(remark, "yellow")], width)
    if training.history:
        done = counted(len(training.history), "epoch")
        yield from fold([Span(f"resuming after {done}", QUIET)], width)
    yield []


def settings_of(recipe: Recipe) -> Iterator[list[str]]:
    """How a recipe trains, on images or on a table; what belongs together in a line."""
    yield [
        loss_words(recipe.net),
        f"batches of {recipe.batch:,}",
        update_words(recipe.net.update),
        str(recipe.schedule),
    ]
    if recipe.class_weights:
        yield [f"class weights {weight_words(recipe.class_weights)}"]


def _settings(training: TrainingRun) -> Iterator[list[str]]:
    """How it is trained; what belongs together in a line."""
    recipe, held_back = training.recipe, training.material.held_back
    yield from settings_of(recipe)
    if recipe.warp.changes_images:
        yield ("warp " + write_warp(recipe.warp)).split("; ")
    if recipe.statistics == UNWARPED:
        yield [f"statistics {recipe.statistics}"]
    threads = getattr(training.engine, "threads", 1)
    kept = [] if held_back is None else [f"{counted(len(held_back), 'more image')} held back"]
    yield [*kept, f"seed {recipe.net.seed}", counted(threads, "thread")]


def result_lines(
    event: Mapping[str, Any], width: int, tested: int | None = None
) -> Iterator[TextLine]:
    """How many of so many test images are read correctly, and what that took."""
    right = percent(event["test_accuracy"])
    kind = event.get("tested_on", "test images")
    images = f"the {kind}" if tested is None else f"the {_of_kind(tested, kind)}"
    wrong = "" if tested is None else f", {round(tested * (1 - event['test_accuracy'])):,} wrong"
    took = f"{counted(event['epochs'], 'epoch')} in {keep_together(duration(event['seconds']))}"
    said = [
        Span(f"{event['recipe']} reads "),
        Span(keep_together(right), f"bold {GOOD}"),
        Span(f" of {images} correctly{wrong}, after {took}{_kept(event)}"),
    ]
    yield []
    yield from fold(said, width)


def _of_kind(count: int, kind: str) -> str:
    return counted(count, kind.replace("images", "image", 1), kind)


def _kept(event: Mapping[str, Any]) -> str:
    """Which epoch's weights they are, where they aren't the last one's."""
    kept = event.get("kept_epoch")
    return f", with the weights of epoch {kept}" if kept not in (None, event["epochs"]) else ""


def done_before_lines(run: RunFolder, width: int) -> Iterator[TextLine]:
    words = f"{run.path} is already finished: remove the folder, or name another, to train again"
    yield from fold(words, width)


def seeds_lines(
    results: Sequence[Mapping[str, Any]], event: Mapping[str, Any]
) -> Iterator[TextLine]:
    """What each of several seeds reached, and all together."""
    columns = (
        TableColumn("seed", spell=str, width=6),
        TableColumn("validation", spell=percent),
        TableColumn("test", width=14),
        TableColumn("time", spell=duration, width=7),
    )
    rows = [
        (r["seed"], r["validation_accuracy"], percent(r["test_accuracy"]), r["seconds"])
        for r in results
    ]
    mean, deviation = (f"{100 * event[name]:.2f}" for name in ("test_accuracy", "test_deviation"))
    seconds = event["seconds"] / len(results)
    together = ("mean", event["validation_accuracy"], f"{mean} ± {deviation} %", seconds)
    table = TextTable(columns, (*rows, together))
    *seeds, mean_of_all = table.texts
    yield from table.heading()
    yield from map(table.line, seeds)
    yield table.line(mean_of_all, f"bold {GOOD}")
    yield table.line(("lowest", "", percent(event["test_lowest"]), ""))
    for doubt in event["doubts"]:
        yield [Span(doubt, "yellow")]


def files_lines(
    run: RunFolder, width: int, given: str = "FILE", does: str = "reads your pictures"
) -> Iterator[TextLine]:
    """Where everything is, and what to do with it."""
    model, figures = (run.model_file, "the model"), (run.csv_file, "every epoch's figures")
    yield from _listed(run.report_file, [model, figures], width)
    yield []
    line = [*_command("predict", str(run.path)), Span(f" {given}"), Span(f"  {does}")]
    yield line if sum(len(span.text) for span in line) <= width else line[:-1]


def seeds_files_lines(folder: SeedsFolder, width: int) -> Iterator[TextLine]:
    """The same for several seeds."""
    runs = (folder.path / "seed-*", "the run of each seed")
    yield from _listed(folder.report_file, [runs], width)


def _listed(
    report: InnerPath, others: list[tuple[InnerPath, str]], width: int
) -> Iterator[TextLine]:
    found = [(report, "the report: look here first"), *others]
    yield []
    longest = max(len(str(path)) for path, _ in found)
    fits = len(INDENT) + longest + 2 + max(len(what) for _, what in found) <= width
    for path, what in found:
        aside = " " * (longest - len(str(path)) + 2) + what
        yield [Span(INDENT), Span(str(path), "cyan"), Span(aside if fits else "")]


def _command(*said: str) -> TextLine:
    return [Span(INDENT + shlex.join(["gradbook", *said]), "bold")]


def stopping_lines(training: TrainingRun | None, folder: Path, width: int) -> Iterator[TextLine]:
    """Where it stands, if it stopped between two steps, and how to go on."""
    where = f" {_place(training)}" if training else ""
    yield []
    yield from fold(f"Stopped{where} and saved. Resume with", width)
    yield []
    yield _command("train", "--resume", str(folder))


def _place(training: TrainingRun) -> str:
    epoch, step = divmod(training.checkpoint().step, training.steps)
    if step:
        return f"after step {step:,} of {training.steps:,} in epoch {epoch + 1}"
    return f"after {counted(epoch, 'epoch')}" if epoch else "before the first step"


# Epochs -----------------------------------------------------------------------

GOOD = "green"
TRAINING, VALIDATION = "training", "validation"
BEST = "validation_accuracy"  # what is marked where it is the most so far

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
    """Rows that come one after the other, so the widths are settled before the first."""

    table: TextTable
    rule: str = RULE

    def heading(self) -> list[TextLine]:
        return list(self.table.heading(self.rule))

    def row(self, epoch: Epoch, best: bool = False) -> TextLine:
        """One epoch; `best` marks what it got right as the most so far."""
        columns = self.table.columns
        cells = [column.spell(getattr(epoch, column.key)) for column in columns]
        inked = tuple(replace(c, ink=GOOD) if c.key == BEST else c for c in columns)
        return (TextTable(inked) if best else self.table).line(cells)


def epoch_table(width: int, validated: bool = True, ascii_only: bool = False) -> EpochTable:
    """As many columns as the width holds."""
    table, _ = fit(history_table((), validated), width)
    return EpochTable(table, "-" if ascii_only else RULE)


def history_table(history: Sequence[Epoch], validated: bool) -> TextTable:
    """Every figure of every epoch."""
    columns = (c for c in EPOCH_COLUMNS if validated or c.group != VALIDATION)
    return TextTable.of(columns, map(asdict, history))


def training_cell(trained: Trained) -> str:
    """A training as a notebook shows it: how it went, epoch by epoch."""
    validated = any(epoch.validation_loss is not None for epoch in trained.history)
    epochs = history_table(trained.history, validated)
    return report_cell(Report("", cell=[Passage(repr(trained).strip("<>")), epochs]))


# Progress ---------------------------------------------------------------------

FULL, HALF, EMPTY = "━", "╸", "─"
LEVELS = "▁▂▃▄▅▆▇█"
NOT_ASCII = FULL + HALF + EMPTY + LEVELS
LABEL, ASIDE = 15, 20  # columns left and right of a bar
LEAST_BAR = 12
BLOCK = 75  # columns that the whole table takes; nothing stands wider


class Trace:
    """All losses so far in a few means: whenever there are too many, pairs become one."""

    MOST, RECENT = 256, 50

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=self.RECENT)
        self._means: list[float] = []
        self._each = 1  # losses in a mean
        self._latest: list[float] = []  # fewer than that

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
        """At most so many, from the first to now."""
        means = [*self._means, fmean(self._latest)] if self._latest else self._means
        count = min(len(means), most)
        edges = [k * len(means) // count for k in range(count + 1)] if count else []
        return [fmean(means[a:b]) for a, b in pairwise(edges)]


def progress_lines(
    now: Progress, trace: Trace, width: int, *, ascii_only: bool = False
) -> list[TextLine]:
    """What stands beneath the table: the training's bar, the epoch's, and the losses so far."""
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
    """The same where there is room for one line only."""
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
    """A bar, a line of words, and the curves of loss and accuracy as far as they go."""
    training = live.training
    if training is None:
        return f"<p>{'' if live.is_over else PREPARING}</p>"
    name = f"<b>{text(training.recipe.title)}</b>"
    parts = [f"<p>{name} {_progress_element(live)} {text(_standing(live))}</p>"]
    if live.doubt:
        parts.append(f"<p>{text(live.doubt)}</p>")
    if training.history:
        charts = run_charts(training.recipe, training.history)[:2]
        drawn = "".join(chart_svg(chart, FRAME) for chart in charts)
        parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{drawn}</div>')
    return "\n".join(parts)


def live_text(live: LiveTraining) -> str:
    """The same without pictures: where it stands, the last epoch, and how the loss fell."""
    training = live.training
    if training is None:
        return "" if live.is_over else PREPARING
    lines = [f"{training.recipe.title}: {_standing(live)}", *([live.doubt] if live.doubt else [])]
    if training.history:
        falling = spark([epoch.train_loss for epoch in training.history[-SPARK:]], 0)
        lines += [str(training.history[-1]), f"loss {falling}"]
    return "\n".join(lines)


def _progress_element(live: LiveTraining) -> str:
    assert live.training
    now = live.training.progress()
    done, of = _steps(live, now), max(now.epochs * now.steps, 1)
    return f'<progress value="{done}" max="{of}" style="width:16em"></progress>'


def _steps(live: LiveTraining, now: Progress) -> int:
    """How many steps are done, over all epochs."""
    assert live.training
    if live.training.is_over:
        return now.epochs * now.steps
    return (now.epoch - 1) * now.steps + now.step


def _standing(live: LiveTraining) -> str:
    training = live.training
    assert training
    if live.is_over or training.is_over:
        said = f"{counted(len(training.history), 'epoch')} in {duration(training.seconds)}"
        return said if training.is_over else f"stopped after {said}"
    now = training.progress()
    recent = f", loss {loss(fmean(now.recent_losses))}" if now.recent_losses else ""
    return (
        f"epoch {now.epoch} of {now.epochs}, step {now.step} of {now.steps}{recent}, "
        f"{now.images_per_second:,.0f} images/s, {duration(now.seconds_left)} left"
    )


# A range test -----------------------------------------------------------------

MOST_RATES = 24
LONGEST = 36  # characters of a bar
HIGHEST = 1.25  # times the loss at the start: what is higher leaves the chart
BARS = "█", "#"
BEYOND = "▶", ">"


def range_test_lines(
    test: RangeTest, title: str, width: int, *, ascii_only: bool = False
) -> Iterator[TextLine]:
    """A row for some of the rates, then what follows from them all."""
    yield [Span(f"{title}: the loss of steps at ever higher rates", "bold")]
    yield []
    places = few(len(test.rates), MOST_RATES)
    best = int(np.argmin([abs(np.log(test.rates[k] / test.suggested_rate)) for k in places]))
    top = HIGHEST * float(test.losses[0])
    for row, place in enumerate(places):
        rate, height = test.rates[place], float(test.losses[place])
        shown = min(height / top, 1.0)
        bar = BARS[ascii_only] * max(round(LONGEST * shown), 1)
        beyond = BEYOND[ascii_only] if height > top else ""
        aside = f"  about the suggested rate, {short(test.suggested_rate)}" if row == best else ""
        yield [
            Span(f"{short(rate):>9}  {loss(height):>8}  "),
            Span(bar + beyond, GOOD if row == best else "cyan" if not beyond else "red"),
            Span(aside, "bold"),
        ]
    yield []
    yield from fold(
        [Span(f"rate {short(test.suggested_rate)}", f"bold {GOOD}"), Span(f": {test.why}")], width
    )
    yield from fold([Span(f"use it with --rate {short(test.suggested_rate)}", QUIET)], width)
