"""The report of a training as one page, for images, a table or signals: the public `write_report`.

It shows the result, the curves, the wrong predictions and, for images, the values inside the
network. Several seeds also have a common report.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, duration, loss, percent, short
from gradbook.data.dataset import Dataset
from gradbook.data.formats.cells import NUMBER, PLAIN
from gradbook.data.warp import write_warp
from gradbook.errors import UsageError
from gradbook.files import write_whole
from gradbook.lab.images import ImageProblem, images_of
from gradbook.lab.models.answers import Answers, confusion_of, least_loss_of_classes
from gradbook.lab.recipes.recipe import Recipe, weight_words
from gradbook.lab.runs import Evidence, RunOfSeeds, Stage, gather, open_run
from gradbook.lab.signals import SignalProblem
from gradbook.lab.texts import NAMES
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder, Spread, Trained, doubts_by_seed
from gradbook.layers.card import spell
from gradbook.net.description import Task
from gradbook.net.measure import measure
from gradbook.report.charts import Scale
from gradbook.report.document import (
    Block,
    Blocks,
    Card,
    Chapter,
    Charts,
    Facts,
    Figure,
    Fold,
    Gallery,
    Items,
    Listing,
    PageOnly,
    Passage,
    Picture,
    Pictures,
    Report,
    Subheading,
)
from gradbook.report.figures import Frame, Point, ScaledAxis, ValueAxis, points_svg
from gradbook.report.images import picture, signed_picture, strip
from gradbook.report.markup import report_page
from gradbook.report.mistakes import by_class, card, confusion, confusion_matrix, misread, named
from gradbook.report.styled_text import Span, TableColumn, TextTable, Words, bar
from gradbook.report.summary import STYLES as SUMMARY_STYLES
from gradbook.report.summary import remarks, summary_table
from gradbook.report.training_text import (
    error_words,
    history_table,
    in_time,
    r2,
    run_charts,
    runs_charts,
)

STYLES = (*SUMMARY_STYLES, "run.css")
TRAINED = "How the training went"

Array = NDArray[np.float64]


def training_report(trained: Trained, made_with: Mapping[str, Any]) -> Report:
    """The report of a training on a table or on signals."""
    problem, recipe, history = trained.problem, trained.recipe, trained.history
    training, held_back = problem.parts(recipe.held_back)
    chapters = []
    if problem.windows:
        chapters.append(Chapter("windows", "The windows", _windows(trained)))
    if problem.task is Task.CLASSES:
        figure = percent(trained.test.score, len(trained.test.rows))
        f1 = f"mean F1 {trained.event['macro_f1']:.3f}"
        words = f" of {trained.scored_rows} predicted correctly; {f1}"
        chapters.append(Chapter("confusion", "Confusion matrix", _confusion(trained)))
    else:
        figure = f"R² = {r2(trained.test.score)}"
        words = f" on {trained.scored_rows}; {error_words(trained.event)}"
    chapters.append(Chapter("off", "Largest errors", _off(trained)))
    facts = [
        ("parameters", f"{recipe.net.count():,}"),
        (f"{problem.unit}s trained on", f"{len(training):,}"),
        (f"{problem.unit}s held back", f"{len(held_back):,}"),
        ("epochs", f"{len(history):,}"),
        ("epoch kept", f"{trained.kept_epoch.epoch:,}"),
        ("training time", duration(trained.seconds)),
        ("seed", str(recipe.net.seed)),
    ]
    remarks: list[Block] = [Passage(time_words)] if (time_words := in_time(trained.event)) else []
    if lines := problem.remarks_for(recipe):
        remarks.append(Items(lines))
    again = shlex.join([*AGAIN, *problem.words_to_repeat()])
    return Report(
        f"{recipe.title}: {problem.target.name}",
        [
            Chapter("training", TRAINED, _curves(recipe, history, problem)),
            *chapters,
            *_last_chapters(recipe, again, made_with),
        ],
        lead=[
            Passage(f"{problem.target.name} from {problem.inputs_in_words}", "lead"),
            *_headline((Span(figure, tag="b"), Span(words)), trained.doubts, facts),
            *remarks,
        ],
        foot=[Passage(problem.table.file)],
        has_contents=True,
        styles=STYLES,
    )


def lines_report(trained: Trained, made_with: Mapping[str, Any]) -> Report:
    """The report of a training on lines, with some that it wrote."""
    problem, recipe, random = trained.problem, trained.recipe, np.random.default_rng(0)
    loss_of_all, frequent = trained.test.letters or (trained.test.loss, 0.0)
    words = f" per letter on {trained.scored_rows}; {frequent:.3f} from their frequencies alone"
    model: Any = trained.model  # a model of lines, which can write
    written = [[Span(model.write(random, temperature))] for temperature in WRITTEN_AT]
    facts = [
        ("parameters", f"{recipe.net.count():,}"),
        ("different lines", f"{len(problem.lines.lines):,}"),
        ("lines learned from", f"{problem.steps:,}"),
        ("training time", duration(trained.seconds)),
        ("seed", str(recipe.net.seed)),
    ]
    again = ["gradbook", "train", NAMES, *problem.words_to_repeat()]
    return Report(
        recipe.title,
        [
            Chapter("training", TRAINED, _curves(recipe, trained.history, problem)),
            Chapter("written", "What it writes", [Items(written)]),
            *_last_chapters(recipe, shlex.join(again), made_with),
        ],
        lead=list(
            _headline(
                (Span(f"loss {loss_of_all:.3f}", tag="b"), Span(words)), trained.doubts, facts
            )
        ),
        foot=[Passage(problem.title)],
        has_contents=True,
        styles=STYLES,
    )


def run_report(run: Evidence) -> Report:
    """The report of a finished run on images, from the evidence that was gathered."""
    title, data, answers = run.recipe.title, run.dataset.name, run.answers
    missed, last = len(answers) - int(answers.right.sum()), run.history[-1] if run.history else None
    headline = (
        Span(percent(answers.accuracy, len(answers)), tag="b"),
        Span(f" of {images_in_words(run.dataset, len(answers))} read correctly; "),
        Span(f"{missed:,} misread", link="misread"),
    )
    facts = [("parameters", f"{run.model.parameters:,}")]
    if last:
        facts += [
            ("epochs", f"{last.epoch:,}"),
            ("training time", duration(last.seconds)),
            ("images per second", f"{last.images_per_second:,.0f}"),
        ]
        if last.validation_accuracy is not None:
            facts.append(("validation", percent(last.validation_accuracy)))
    facts.append(("seed", str(run.recipe.net.seed)))
    chapters = []
    if run.history:
        curves = _curves(run.recipe, run.history, ImageProblem)
        chapters.append(Chapter("training", TRAINED, [*_how_measured(run), *curves]))
    network, again = _last_chapters(run.recipe, shlex.join(AGAIN), run.result.get("made_with"))
    inside = [Chapter("insides", "Inside the network", list(_inside(run)))]
    return Report(
        title if title.endswith(data) else f"{title} on {data}",
        [
            *chapters,
            Chapter("confusion", "Confusion matrix", confusion_matrix(run)),
            Chapter("misread", "Misread", misread(run)),
            Chapter("images", "Training images", list(_training_images(run))),
            network,
            *(inside if run.filters is not None or run.stages else []),
            again,
        ],
        lead=[
            *([Passage(run.recipe.about, "lead")] if run.recipe.about else []),
            *_headline(headline, run.result.get("doubts", ()), facts),
        ],
        foot=[Passage(f"{data}: {run.dataset.source}")],
        has_contents=True,
        styles=STYLES,
        scripts=["run.js"],
    )


# What every report has --------------------------------------------------------


def _headline(
    words: Words, doubts: Sequence[str], facts: Sequence[tuple[str, str]]
) -> Iterator[Block]:
    """The result, doubts about it, and figures."""
    yield Passage(words, "headline")
    if doubts:
        yield Items(list(doubts))
    yield Facts(facts)


def _curves(recipe: Recipe, history: Sequence[Epoch], problem: Any) -> list[Block]:
    """The training in curves and in numbers."""
    validated = any(epoch.validation_loss is not None for epoch in history)
    task = getattr(problem, "task", Task.CLASSES)
    table = history_table(history, problem, validated)
    charts = Charts(run_charts(recipe, history, task), TRAINED)
    return [charts, Fold("Every epoch in numbers", [table])]


def _last_chapters(recipe: Recipe, again: str, made_with: object) -> list[Chapter]:
    """The network, and how to train it again."""
    measured = measure(recipe.net)
    figure = Figure([summary_table(measured)])
    return [
        Chapter("network", "The network", [Items(remarks(measured), "remarks"), figure]),
        Chapter(
            "again",
            "How to reproduce it",
            [
                Passage(
                    "The same recipe and seed give the same bits on this machine, with any number "
                    "of threads."
                ),
                Listing(again),
                Passage("The recipe is in the folder of this page:"),
                Listing(str(recipe)),
                *_environment(made_with),
            ],
        ),
    ]


WRITTEN_AT = (0.0, *[0.5] * 11)  # temperatures of the lines that a report shows
AGAIN = ("gradbook", "train", "recipe.txt", "-o", "again")


def _environment(known: object) -> Blocks:
    """Versions, processor and compiler, from a run's result."""
    if not isinstance(known, dict):
        return []
    rows = tuple((str(name), str(value)) for name, value in known.items())
    columns = (TableColumn("", words=True), TableColumn("", words=True))
    return [Subheading("Environment"), TextTable(columns, rows, kind="where", has_row_heads=True)]


# Tables and signals -----------------------------------------------------------

MOST_ROWS = 20  # with the largest errors
DIGITS = 4


def _windows(trained: Trained) -> Blocks:
    """For each class, the numbers of recordings and of windows, in all and in each part."""
    problem = trained.problem
    assert isinstance(problem, SignalProblem)
    names = ("class", "recordings", "windows", "trained on", "held back", "test")
    first = TableColumn(names[0], words=True)
    columns = (first, *map(TableColumn, names[1:]))
    rows = tuple(problem.balance(trained.recipe.held_back))
    words = (
        f"Windows of one {problem.way} are never in two parts. Each channel is scaled to mean 0 "
        "and deviation 1, computed from the training windows alone."
    )
    return [TextTable(columns, rows, has_row_heads=True), Passage(words)]


def _confusion(trained: Trained) -> Blocks:
    problem, names = trained.problem, trained.problem.target.words
    wanted = problem.targets[trained.test.rows].astype(np.int32)
    counts, unit = confusion_of(wanted, trained.test.read, len(names)), problem.unit
    words = f"Rows are the true classes of the {unit}s, columns the predicted ones."
    tables = [confusion(counts, names, unit), by_class(counts, names, f"{unit}s")]
    return [Passage(words), Figure(tables, "mistakes")]


def _off(trained: Trained) -> Blocks:
    """The test rows with the largest errors; without a test, of all rows."""
    problem, test = trained.problem, trained.test
    table, wanted = problem.table, problem.targets[test.rows]
    if problem.task is Task.NUMBERS:
        order = np.argsort(-np.abs(test.answers[:, 0] - wanted), kind="stable")
    else:
        wrong = np.flatnonzero(test.read != wanted)
        order = wrong[np.argsort(-test.answers.max(axis=1)[wrong], kind="stable")]
    if not len(order):
        return [Passage(f"None: every one of the {trained.scored_rows} is predicted correctly.")]
    places = [table.place(name) for name in problem.shown]

    shown_rows = table.rows_at(test.rows[order[:MOST_ROWS]])

    def row(k: int) -> tuple[str, ...]:
        table_row, answer = shown_rows[int(test.rows[k])], test.answers[k]
        if problem.task is Task.NUMBERS:
            cells = short(float(wanted[k]), DIGITS), short(float(answer[0]), DIGITS)
        else:
            names, read = problem.target.words, int(test.read[k])
            cells = names[int(wanted[k])], f"{names[read]}, {percent(float(answer[read]))}"
        return (
            str(table_row.number),
            *cells,
            *(_shortened(table_row.cells[place]) for place in places),
        )

    columns = tuple(map(TableColumn, (problem.unit, "actual", "predicted", *problem.shown)))
    words = f"The first {MOST_ROWS}. " if len(order) > MOST_ROWS else ""
    rows = tuple(map(row, order[:MOST_ROWS].tolist()))
    shown = TextTable(columns, rows, has_row_heads=True)
    return [Passage(f"{words}The largest errors come first."), shown]


def _shortened(cell: str) -> str:
    """A cell, a plain number rounded to few digits."""
    value = PLAIN.value(cell) if NUMBER.fullmatch(cell) else None
    return cell if value is None else short(value, DIGITS)


# Images -----------------------------------------------------------------------


def images_in_words(dataset: Dataset, count: int) -> str:
    """'10,000 test images' or, if none were held out, '60,000 images trained on'."""
    if dataset.everything:
        return counted(count, "image trained on", "images trained on")
    return counted(count, "test image")


def _how_measured(run: Evidence) -> Iterator[Block]:
    """How the figures of the training were measured, and which ones can't be compared."""
    warped = "on warped images, " if run.recipe.warp.changes_images else ""
    held_back = len(run.dataset.training_and_validation) - run.image_count
    yield Passage(
        f"Training figures are measured {warped}while the network learns from them; validation "
        f"figures on {counted(held_back, 'image')} that it never learns from."
        if run.has_validation
        else f"No images were held back: the figures of all {run.image_count:,} were measured "
        f"{warped}while the network learned from them."
    )
    net, weights = run.recipe.net, run.recipe.class_weights
    unlike = []
    if net.smoothing:
        unlike.append(
            f"The training loss uses targets smoothed by {net.smoothing:g}, so it can’t fall "
            f"below {loss(least_loss_of_classes(net))}; the validation loss uses plain ones."
        )
    if weights:
        unlike.append(
            f"The training loss weights the classes ({weight_words(weights)}); the validation loss "
            "counts every image once."
        )
    if unlike and run.has_validation:
        yield Passage(f"{' '.join(unlike)} Compare the accuracies, or each loss only with itself.")


def _training_images(run: Evidence) -> Iterator[Block]:
    """Some training images, unchanged and as the first epochs saw them."""
    data, warp = run.dataset, run.recipe.warp
    channels, rows, columns = data.shape
    colour = "grey" if channels == 1 else "colour"
    words = (
        f"{counted(run.image_count, 'image')} of {rows} × {columns} pixels in {colour}, "
        f"{counted(len(data.classes), 'class', 'classes')}."
    )
    anew = [Span(" Each is warped afresh in every epoch: "), Span(write_warp(warp), tag="code")]
    yield Passage((Span(words), *anew) if warp.changes_images else words)
    names = ["as they are", *(f"in epoch {k}" for k in range(1, len(run.warped)))]
    factor = max(56 // columns, 1)
    films = []
    for name, images in zip(names, run.warped, strict=True):
        about = f"{counted(len(images), 'training image')}, {name}"
        shown = Picture(partial(strip, images.pixels, factor), about)
        films.append(Pictures([[shown]], name, "film"))
    yield Figure(films, "column")


# From inside ------------------------------------------------------------------

MOST_TILES = 32  # of a layer
PERCENTILE = 99.5  # of a layer's values: what counts as full strength
FILTERS = (
    Span("Each filter, and below it its output for the image. "),
    Span("Blue", tag="span", kind="plus"),
    Span(" is positive, "),
    Span("orange", tag="span", kind="minus"),
    Span(" negative; zero is the background."),
)


def _inside(run: Evidence) -> Iterator[Block]:
    """A test image layer by layer, and the first filters."""
    test, classes = run.dataset.test_for_reporting, run.dataset.classes
    image, shown = test.pixels[run.example], classes[int(test.labels[run.example])]
    probabilities = run.answers.probabilities[run.example]
    yield Passage(f"Test image {run.example + 1:,} is of class {shown}. The network’s answer:")
    likeliest = np.argsort(-probabilities, kind="stable")[:10].tolist()
    order = sorted(likeliest) if len(classes) <= 10 else likeliest
    shares = np.nan_to_num(probabilities).tolist()
    rows = tuple((classes[k], (bar(shares[k], "activations"),)) for k in order)
    columns = (TableColumn(""), TableColumn("", is_drawn=True))
    answer = TextTable(columns, rows, has_row_heads=True)
    picture_of_it = Pictures([[Picture(partial(picture, image), "the image")]], kind="seen")
    yield Figure([picture_of_it, answer], "column answer")
    later = run.stages
    if run.filters is not None:
        sums = run.stages[0].values if run.stages else None
        later = run.stages[1:]
        yield Subheading("The filters of the first layer")
        yield Passage(FILTERS)
        yield Figure(list(_filters(run.filters, sums)), "column")
    if later:
        yield Subheading("Layer by layer")
        each = [block for stage in later for block in _stage(stage, test.shape[1:])]
        yield Figure(each, "column")


def _filters(kernels: Array, sums: Array | None) -> Iterator[Block]:
    """Each filter, and below it its output for the image."""
    strongest = float(np.abs(kernels).max())
    full = _full(sums) if sums is not None else 0.0
    stacks = []
    for number, kernel in enumerate(kernels[:MOST_TILES]):
        stack = [_tile(channel, strongest, f"filter {number + 1}") for channel in kernel]
        if sums is not None:
            stack.append(_tile(sums[number], full, f"the image through filter {number + 1}"))
        stacks.append(stack)
    yield Pictures(stacks, kind="filters")
    yield from _left_out(len(kernels), "filter")


def _tile(values: Array, most: float, words: str = "") -> Picture:
    return Picture(partial(signed_picture, values, most), words)


def _stage(stage: Stage, sides: tuple[int, ...]) -> Iterator[Block]:
    full = _full(stage.values)
    tiles = [[_tile(channel, full)] for channel in stage.values[:MOST_TILES]]
    field = spell(stage.field).replace("x", "×")
    beyond = any(sees > side for sees, side in zip(stage.field, sides, strict=True))
    padding = " (with padding beyond the image’s edge)" if beyond else ""
    facts = f" {spell(stage.values.shape)}, receptive field {field}{padding}"
    yield Pictures(tiles, (Span(stage.layers, tag="b"), Span(facts)), about="the channels")
    yield from _left_out(len(stage.values), "channel")


def _full(values: Array) -> float:
    sizes = np.abs(values)
    usual, most = np.nan_to_num([np.percentile(sizes, PERCENTILE), sizes.max()]).tolist()
    return float(usual or most)


def _left_out(count: int, what: str) -> Blocks:
    if count <= MOST_TILES:
        return ()
    return (Passage(f"The first {MOST_TILES} of {counted(count, what)}.", "aside"),)


# Several seeds ----------------------------------------------------------------

MOST_CURVES = 12
MOST_HARD = 60  # images
SEEDS = Frame(width=760.0, height=240.0, left=62.0, right=20.0, top=34.0, bottom=46.0)
DOT = "#077DB3"


def seeds_report(folder: SeedsFolder, dataset: Dataset) -> Report:
    """The common report of the finished runs of several seeds."""
    run = open_run(folder.path)
    of, seeds = len(dataset.test_for_reporting), len(run.seeds)
    spread = "a single one has no spread"
    if seeds > 1:
        deviation = f"{100 * run.test.deviation:.3f}"
        spread = f"deviation {deviation} points, lowest {percent(run.test.lowest, of)}"
    headline = (
        Span(percent(run.test.mean, of), tag="b"),
        Span(
            f" of {images_in_words(dataset, of)} read correctly, the mean of "
            f"{counted(seeds, 'seed')}; {spread}"
        ),
    )
    facts = [
        ("parameters", f"{run.parameters:,}"),
        ("epochs", f"{run.recipe.epochs:,}"),
        ("time of one training", duration(run.seconds)),
    ]
    if run.validation is not None:
        facts.append(("mean validation", percent(run.validation)))
    doubts = doubts_by_seed((it["seed"], it.get("doubts", ())) for it in run.results)
    trained = [
        (f"seed {seed}", run.recipe, history)
        for seed, history in zip(run.seeds, run.histories, strict=True)
    ]
    first = [Passage(f"The first {MOST_CURVES} seeds.")] if seeds > MOST_CURVES else []
    charts = Charts(runs_charts(trained[:MOST_CURVES]), "How each seed trained")
    file = f"{run.runs[0].path.name}/recipe.txt"  # the first seed's; it contains the seed
    again = [
        Listing(f"gradbook train {file} --seeds {seeds} -o again"),
        Passage("The first seed’s recipe:"),
        Listing(str(run.recipe)),
        *_environment(run.results[0].get("made_with")),
    ]
    return Report(
        f"{run.recipe.title} on {dataset.name}",
        [
            Chapter("seeds", "Seed by seed", _seeds(run, of)),
            Chapter("training", "How they trained", [*first, charts]),
            Chapter("hard", "Misread by most", _hard(run.answers(dataset), dataset)),
            Chapter("again", "How to reproduce it", again),
        ],
        lead=list(_headline(headline, doubts, facts)),
        foot=[Passage(f"{dataset.name}: {dataset.source}")],
        styles=STYLES,
    )


def _seeds(run: RunOfSeeds, of: int) -> Blocks:
    columns = (
        TableColumn("seed", "seed", words=True),
        TableColumn("test", "test_accuracy", spell=lambda right: percent(right, of)),
        TableColumn("misread", "misread"),
        TableColumn("validation", "validation_accuracy", spell=percent),
        TableColumn("time", "seconds", spell=duration),
    )
    records = [
        {
            "seed": (Span(str(seed), link=f"{history.path.name}/report.html"),),
            "misread": round((1 - result["test_accuracy"]) * of),
            **{key: result[key] for key in ("test_accuracy", "seconds")},
            "validation_accuracy": validation,
        }
        for seed, history, result, validation in zip(
            run.seeds, run.runs, run.results, run.validations, strict=True
        )
    ]
    table = replace(TextTable.of(columns, records), has_row_heads=True)
    drawn = PageOnly(lambda: seeds_svg(run.test, run.seeds, of), is_chart=True)
    return [Figure([drawn], "column"), table]


def seeds_svg(spread: Spread, seeds: Sequence[int], of: int) -> str:
    """The accuracy of each seed as a point, and the mean as a line."""
    names = tuple(map(str, seeds))
    points = [
        Point(float(k), value, f"seed {name}: {percent(value, of)}", DOT)
        for k, (name, value) in enumerate(zip(names, spread.values, strict=True))
    ]
    mean = [(k, spread.mean) for k in (-0.5, len(names) - 0.5)]
    title = f"Test accuracy of each seed, and the mean, {percent(spread.mean, of)}"
    across, upwards = ValueAxis("seed", 0, 0, names=names), ScaledAxis(_Shares(of), spread.values)
    return points_svg(title, across, upwards, points, path=mean, frame=SEEDS)


class _Shares(Scale):
    """An axis for shares of so many samples, which fits closely around the values."""

    def __init__(self, of: int) -> None:
        self.of = of

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        low, high = float(values.min()), float(values.max())
        room = max((high - low) * 0.15, 1.5 / self.of)
        return low - room, high + room

    def levels(self, low: float, high: float) -> list[float]:
        return [level for level in super().levels(low, high) if level <= 1.0]

    def tick(self, value: float) -> tuple[str, str]:
        return percent(value, self.of), ""


def _hard(answers: Sequence[Answers], dataset: Dataset) -> Blocks:
    """The test images that most of the seeds misread, the hardest first."""
    missed = np.sum([~seed.right for seed in answers], axis=0)
    places = np.flatnonzero(2 * missed > len(answers))
    hardest = places[np.argsort(-missed[places], kind="stable")]
    everyone = int((missed == len(answers)).sum())
    words = (
        f"{counted(everyone, 'test image is', 'test images are')} misread by every seed, "
        f"{int((missed > 0).sum()):,} by at least one."
    )
    if len(hardest):
        first = f", the first {MOST_HARD}" if len(hardest) > MOST_HARD else ""
        words += f" Here are those that more than half misread{first}."

    def of(place: int) -> Card:
        shown = dataset.classes[int(answers[0].labels[place])]
        wrong = [int(seed.read[place]) for seed in answers if not seed.right[place]]
        mostly = dataset.classes[max(set(wrong), key=wrong.count)]
        lines: list[tuple[Words, Words]] = [
            (named("is", shown), ""),
            (named("mostly read", mostly), ""),
            ("wrong", f"{missed[place]} of {len(answers)}"),
        ]
        return card(dataset.test_for_reporting, place, shown, lines)

    return [Passage(words), Gallery(list(map(of, hardest[:MOST_HARD].tolist())))]


# In a folder ------------------------------------------------------------------


def write_report(
    folder: str | os.PathLike[str], data: Dataset | str | os.PathLike[str] | None = None
) -> Path:
    """Write `report.html` into the folder of a finished run, or of several seeds.

    Args:
        folder: The folder that `train` made.
        data: The images that it was trained on, if they aren't where its recipe says.

    Returns:
        The path of the report.

    >>> import gradbook as gb
    >>> run = gb.train("tiny", "epochs 1", folder="runs/tiny")
    >>> gb.write_report("runs/tiny").name
    'report.html'
    """
    if not isinstance(folder, str | os.PathLike):
        raise UsageError("give the folder of a run, as gb.train(…, folder=…) makes it")
    seeds = SeedsFolder(folder)
    run = seeds.run(seeds.plan()[1][0]) if seeds.holds_seeds else RunFolder(folder)
    run.require_images()
    dataset = data if isinstance(data, Dataset) else images_of(run.recipe(), data)
    several = seeds.holds_seeds
    report = seeds_report(seeds, dataset) if several else run_report(gather(run, dataset))
    write_whole(seeds.report_file, report_page(report))
    return Path(seeds.report_file)
