"""The report of a run, or of several seeds, as one page: the public `write_report`.

It says what was reached, how, what is misread, and what it looks like from inside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, duration, loss, percent
from gradbook.data.dataset import Dataset
from gradbook.data.warp import write_warp
from gradbook.files import write_whole
from gradbook.lab.images import images_of
from gradbook.lab.models.answers import Answers, least_loss_of_classes
from gradbook.lab.recipes.recipe import weight_words
from gradbook.lab.runs import Compared, Evidence, Stage, gather, open_run
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder, Spread, doubts_by_seed
from gradbook.layers.card import spell
from gradbook.net.measure import measure
from gradbook.palette import QUIET
from gradbook.report.charts import notch, spread_out
from gradbook.report.document import (
    Block,
    Blocks,
    Chapter,
    Charts,
    Facts,
    Figure,
    Fold,
    Items,
    Listing,
    PageOnly,
    Passage,
    Report,
    Subheading,
)
from gradbook.report.figures import FONT
from gradbook.report.images import card, cards, line, picture, signed_picture, strip
from gradbook.report.markup import report_page, words_markup
from gradbook.report.mistakes import confusion_matrix, misread
from gradbook.report.page import bar, table, text
from gradbook.report.summary import STYLES as SUMMARY_STYLES
from gradbook.report.summary import network_blocks
from gradbook.report.training import history_table, run_charts, runs_charts
from gradbook.report.words import Span, TableColumn, TextTable

# A run ------------------------------------------------------------------------

STYLES = (*SUMMARY_STYLES, "run.css")
AGAIN = "gradbook train recipe.txt -o again"


def run_report(run: Evidence) -> Report:
    """The report of a finished run, from what was gathered of it."""
    chapters = list(_chapters(run))
    return Report(
        heading(run),
        chapters,
        lead=[*_lead(run), PageOnly(partial(_contents, chapters))],
        foot=[Passage(f"{run.dataset.name}: {run.dataset.source}")],
        styles=STYLES,
        scripts=["run.js"],
    )


def heading(run: Evidence) -> str:
    """Whose training it was, and on what, once."""
    title, data = run.recipe.title, run.dataset.name
    return title if title.endswith(data) else f"{title} on {data}"


# What it reached.


def _lead(run: Evidence) -> Iterator[Block]:
    answers = run.answers
    missed = len(answers) - int(answers.right.sum())
    if run.recipe.about:
        yield Passage(run.recipe.about, "lead")
    yield Passage(
        (
            Span(percent(answers.accuracy, len(answers)), tag="b"),
            Span(f" of {images_told_of(run.dataset, len(answers))} read correctly; "),
            Span(f"{missed:,} misread", link="misread"),
        ),
        "headline",
    )
    if said := run.result.get("doubts"):
        yield Items(said)
    yield Facts(_facts(run))


def images_told_of(dataset: Dataset, count: int) -> str:
    """'10,000 test images'; where there are none to report on, so many images trained on."""
    if dataset.everything:
        return counted(count, "image trained on", "images trained on")
    return counted(count, "test image")


def _facts(run: Evidence) -> list[tuple[str, str]]:
    last = run.history[-1] if run.history else None
    found = [("parameters", f"{run.model.parameters:,}")]
    if last:
        found += [
            ("epochs", f"{last.epoch:,}"),
            ("training time", duration(last.seconds)),
            ("images a second", f"{last.images_per_second:,.0f}"),
        ]
        if last.validation_accuracy is not None:
            found.append(("validation", percent(last.validation_accuracy)))
    return [*found, ("seed", str(run.recipe.net.seed))]


def _contents(chapters: Sequence[Chapter]) -> str:
    links = "".join(
        f'<li><a href="#{one.anchor}">{words_markup(one.heading)}</a></li>' for one in chapters
    )
    return f'<nav aria-label="Contents"><ul class="chips">{links}</ul></nav>'


def _chapters(run: Evidence) -> Iterator[Chapter]:
    if run.history:
        yield Chapter("training", "How it trained", list(_training(run)))
    confusion = PageOnly(partial(confusion_matrix, run))
    yield Chapter("confusion", "Confusion matrix", [confusion])
    yield Chapter("misread", "Misread", [PageOnly(partial(misread, run))])
    yield Chapter("images", "Training images", list(_training_images(run)))
    yield Chapter("network", "The network", network_blocks(measure(run.model.net)))
    if run.filters is not None or run.stages:
        yield Chapter("insides", "Inside the network", list(_inside(run)))
    yield Chapter("again", "How to reproduce it", _again(run))


# How it got there.


def _training(run: Evidence) -> Iterator[Block]:
    warped = "on warped images, " if run.recipe.warp.changes_images else ""
    held_back = len(run.dataset.training_and_validation) - run.image_count
    yield Passage(
        f"Training figures are measured {warped}while the network learns from them; validation "
        f"figures on {counted(held_back, 'image')} that it never learns from."
        if run.has_validation
        else f"No images were held back: the figures of all {run.image_count:,} were measured "
        f"{warped}while the network learned from them."
    )
    if said := _unlike(run):
        yield Passage(said)
    yield Charts(run_charts(run.recipe, run.history), "How it trained")
    yield every_epoch(history_table(run.history, run.has_validation))


def every_epoch(table: TextTable) -> Fold:
    return Fold("Every epoch in numbers", [table])


def _unlike(run: Evidence) -> str:
    """What must not be compared: losses that are reckoned differently."""
    net, weights = run.recipe.net, run.recipe.class_weights
    said = []
    if net.smoothing:
        said.append(
            f"The training loss is of targets smoothed by {net.smoothing:g}, so it can’t fall "
            f"below {loss(least_loss_of_classes(net))}; the validation loss is of the plain ones."
        )
    if weights:
        said.append(
            f"The training loss weighs the classes ({weight_words(weights)}); the validation loss "
            "counts every image once."
        )
    if not said or not run.has_validation:
        return ""
    return f"{' '.join(said)} Compare the accuracies, or each loss only with itself."


# How to reproduce it.


def _again(run: Evidence) -> Blocks:
    return [
        Passage(
            "The same recipe and seed give the same bits on this machine, with any number of "
            "threads."
        ),
        Listing(AGAIN),
        Passage("The recipe is in the folder of this page:"),
        Listing(str(run.recipe)),
        *environment(run.result.get("made_with")),
    ]


def environment(known: object) -> Blocks:
    """Versions, processor, compiler, as a run's result has them."""
    if not isinstance(known, dict):
        return []
    rows = tuple((str(name), str(value)) for name, value in known.items())
    columns = (TableColumn("", words=True), TableColumn("", words=True))
    return [Subheading("Environment"), TextTable(columns, rows, kind="where", has_row_heads=True)]


# From inside ------------------------------------------------------------------

MOST_TILES = 32  # of a layer
PERCENTILE = 99.5  # of a layer's values: what counts as full strength
FILTERS = """\
<p>Each filter, and below it its output for the image. <span class="plus">Blue</span> is positive,
<span class="minus">orange</span> negative; zero is the paper.</p>"""

Array = NDArray[np.float64]


def _training_images(run: Evidence) -> Iterator[Block]:
    """Some of them as they are, and as the first epochs saw them."""
    data, warp = run.dataset, run.recipe.warp
    channels, rows, columns = data.shape
    colour = "grey" if channels == 1 else "colour"
    said = (
        f"{counted(run.image_count, 'image')} of {rows} × {columns} pixels in {colour}, "
        f"{counted(len(data.classes), 'class', 'classes')}."
    )
    anew = [Span(" Each is warped afresh in every epoch: "), Span(write_warp(warp), tag="code")]
    yield Passage((Span(said), *anew) if warp.changes_images else said)
    yield _column(partial(_films, run))


def _films(run: Evidence) -> str:
    names = ["as they are", *(f"in epoch {k}" for k in range(1, len(run.warped)))]
    factor = max(56 // run.dataset.shape[2], 1)
    return "\n".join(
        f'<div class="film"><p>{name}</p><img src="{strip(images.pixels, factor)}" '
        f'alt="{counted(len(images), "training image")}, {name}"></div>'
        for name, images in zip(names, run.warped, strict=True)
    )


def _inside(run: Evidence) -> Iterator[Block]:
    """A test image layer by layer, and the first filters."""
    test, classes = run.dataset.test_for_reporting, run.dataset.classes
    image, shown = test.pixels[run.example], classes[int(test.labels[run.example])]
    probabilities = run.answers.probabilities[run.example]
    yield Passage(f"Test image {run.example + 1:,} is of class {shown}. The network’s answer:")
    yield _column(partial(_answer, image, probabilities, classes))
    later = run.stages
    if run.filters is not None:
        sums = run.stages[0].values if run.stages else None
        later = run.stages[1:]
        yield Subheading("The filters of the first layer")
        yield PageOnly(lambda: FILTERS)
        yield _column(partial(_filters, run.filters, sums))
    if later:
        yield Subheading("Layer by layer")
        yield _column(lambda: "\n".join(_stage(stage, test.shape[1:]) for stage in later))


def _column(draw: Callable[[], str]) -> Block:
    """A figure no wider than the words."""
    return Figure(PageOnly(draw), "column")


def _filters(kernels: Array, sums: Array | None) -> str:
    """Each filter, and below it its output for the image."""
    strongest = float(np.abs(kernels).max())
    full = _full(sums) if sums is not None else 0.0
    cells = []
    for number, kernel in enumerate(kernels[:MOST_TILES]):
        parts = [_tile(channel, strongest, f"filter {number + 1}") for channel in kernel]
        if sums is not None:
            parts.append(_tile(sums[number], full, f"the image through filter {number + 1}"))
        cells.append(f"<li>{''.join(parts)}</li>")
    return f'<ol class="filters">{"".join(cells)}</ol>{_left_out(len(kernels), "filter")}'


def _tile(values: Array, most: float, words: str) -> str:
    return f'<img src="{signed_picture(values, most)}" alt="{text(words)}">'


def _stage(stage: Stage, sides: tuple[int, ...]) -> str:
    full = _full(stage.values)
    tiles = "".join(_tile(channel, full, "") for channel in stage.values[:MOST_TILES])
    field = spell(stage.field).replace("x", "×")
    beyond = any(sees > side for sees, side in zip(stage.field, sides, strict=True))
    padding = " (past the image’s edge, padding)" if beyond else ""
    facts = f"{spell(stage.values.shape)}, receptive field {field}{padding}"
    return (
        f'<div class="stage"><p><b>{text(stage.layers)}</b> <span>{text(facts)}</span></p>\n'
        f'<div class="tiles" role="img" aria-label="the channels">{tiles}</div>'
        f"{_left_out(len(stage.values), 'channel')}</div>"
    )


def _full(values: Array) -> float:
    sizes = np.abs(values)
    usual, most = np.nan_to_num([np.percentile(sizes, PERCENTILE), sizes.max()]).tolist()
    return float(usual or most)


def _left_out(count: int, what: str) -> str:
    if count <= MOST_TILES:
        return ""
    return f'<p class="aside">The first {MOST_TILES} of {counted(count, what)}.</p>'


def _answer(image: NDArray[np.uint8], probabilities: Array, classes: Sequence[str]) -> str:
    """An image, and how likely each class was found: the likeliest of many."""
    ranked = np.argsort(-probabilities, kind="stable")[:10]
    order = sorted(ranked.tolist()) if len(classes) <= 10 else ranked.tolist()
    rows = [
        (text(classes[k]), bar(float(np.nan_to_num(probabilities[k])), "activations"))
        for k in order
    ]
    shown = table((), rows, headed=True)
    return f'<div class="answer"><img src="{picture(image)}" alt="the image">{shown}</div>'


# Several seeds ----------------------------------------------------------------

MOST_CURVES = 12
MOST_HARD = 60  # images


def seeds_report(folder: SeedsFolder, dataset: Dataset) -> Report:
    """The report above the finished runs of several seeds."""
    run = open_run(folder.path)
    answers = run.answers(dataset)
    of, seeds = len(dataset.test_for_reporting), len(run.seeds)
    headline = (
        Span(percent(run.test.mean, of), tag="b"),
        Span(
            f" of {images_told_of(dataset, of)} read correctly, the mean of "
            f"{counted(seeds, 'seed')}; {_spread(run, of)}"
        ),
    )
    return Report(
        f"{run.recipe.title} on {dataset.name}",
        [
            Chapter("seeds", "Seed by seed", _seeds(run, of)),
            Chapter("training", "How they trained", list(_training_of_seeds(run))),
            Chapter("hard", "Misread by most", [PageOnly(partial(_hard, answers, dataset))]),
            Chapter("again", "How to reproduce it", _again_with_seeds(run)),
        ],
        lead=[Passage(headline, "headline"), *_doubts(run), Facts(_facts_of_seeds(run))],
        foot=[Passage(f"{dataset.name}: {dataset.source}")],
        styles=STYLES,
    )


def _spread(run: Compared, of: int) -> str:
    if len(run.seeds) == 1:
        return "one alone has no spread"
    deviation = f"{100 * run.test.deviation:.3f}"
    return f"deviation {deviation} points, lowest {percent(run.test.lowest, of)}"


def _doubts(run: Compared) -> Blocks:
    said = doubts_by_seed((it["seed"], it.get("doubts", ())) for it in run.results)
    return [Items(said)] if said else []


def _facts_of_seeds(run: Compared) -> list[tuple[str, str]]:
    found = [
        ("parameters", f"{run.parameters:,}"),
        ("epochs", f"{run.recipe.epochs:,}"),
        ("time of one training", duration(run.seconds)),
    ]
    if run.validation is not None:
        found.append(("validation, the mean", percent(run.validation)))
    return found


def _seeds(run: Compared, of: int) -> Blocks:
    labels = [str(seed) for seed in run.seeds]
    columns = (
        TableColumn("seed", "seed", words=True, spell=str),
        TableColumn("test", "test_accuracy", spell=lambda right: percent(right, of)),
        TableColumn("misread", "misread"),
        TableColumn("validation", "validation_accuracy", spell=percent),
        TableColumn("time", "seconds", spell=duration),
    )
    records = [
        {
            "seed": seed,
            "misread": round((1 - result["test_accuracy"]) * of),
            **{key: result[key] for key in ("test_accuracy", "seconds")},
            "validation_accuracy": validation,
        }
        for seed, result, validation in zip(run.seeds, run.results, run.validations, strict=True)
    ]
    links = tuple(f"{own.path.name}/report.html" for own in run.runs)
    table = replace(TextTable.of(columns, records), has_row_heads=True, links=links)
    return [_column(partial(dots, run.test, labels, of)), table]


def _training_of_seeds(run: Compared) -> Iterator[Block]:
    named = [
        (f"seed {seed}", run.recipe, history)
        for seed, history in zip(run.seeds, run.histories, strict=True)
    ]
    if len(named) > MOST_CURVES:
        yield Passage(f"The first {MOST_CURVES} seeds.")
    yield Charts(runs_charts(named[:MOST_CURVES]), "How each seed trained")


def _hard(answers: Sequence[Answers], dataset: Dataset) -> str:
    """The test images that most of the seeds misread, the hardest first."""
    missed = np.sum([~seed.right for seed in answers], axis=0)
    places = np.flatnonzero(2 * missed > len(answers))
    hardest = places[np.argsort(-missed[places], kind="stable")]
    everyone = int((missed == len(answers)).sum())
    anyone = int((missed > 0).sum())
    said = (
        f"<p>{counted(everyone, 'test image is', 'test images are')} misread by every seed, "
        f"{anyone:,} by at least one."
    )
    if len(hardest):
        first = f", the first {MOST_HARD}" if len(hardest) > MOST_HARD else ""
        said += f" Here are those that more than half misread{first}."
    shown = cards(
        _card(answers, dataset, int(place), int(missed[place])) for place in hardest[:MOST_HARD]
    )
    return f"{said}</p>\n<figure>{shown}</figure>" if shown else f"{said}</p>"


def _card(answers: Sequence[Answers], dataset: Dataset, place: int, missed: int) -> str:
    image, classes = dataset.test_for_reporting.pixels[place], dataset.classes
    shown = classes[int(answers[0].labels[place])]
    wrong = [int(seed.read[place]) for seed in answers if not seed.right[place]]
    mostly = classes[max(set(wrong), key=wrong.count)]
    lines = [
        line("is", shown),
        line("mostly read", mostly),
        line("wrong", "", f"{missed} of {len(answers)}"),
    ]
    return card(image, place, shown, lines)


def _again_with_seeds(run: Compared) -> Blocks:
    file = f"{run.runs[0].path.name}/recipe.txt"  # the first seed's, which is in it
    return [
        Listing(f"gradbook train {file} --seeds {len(run.seeds)} -o again"),
        Passage("The first seed’s recipe:"),
        Listing(str(run.recipe)),
        *environment(run.results[0].get("made_with")),
    ]


WIDTH, HEIGHT, LINE = 760.0, 96.0, 46.0  # points
LEFT, RIGHT = 40.0, 720.0
DOT = "#077DB3"
MOST_LABELS = 24
SPACE = 24.0  # from one label to the next


def dots(spread: Spread, labels: Sequence[str], of: int) -> str:
    """The accuracies of the seeds, each with its label; `of` is how many images they are of."""
    low, high = min(spread.values), max(spread.values)
    room = max((high - low) * 0.15, 1.5 / of)
    low, high = low - room, high + room

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)

    parts = [f'<path class="grid" stroke="{QUIET.fill}" d="M{LEFT} {LINE}H{RIGHT}"/>']
    for level in _levels(low, high, of):
        tick = f'<path class="grid" stroke="{QUIET.fill}" d="M{x(level)} {LINE - 5}v10"/>'
        parts += [tick, _text(x(level), LINE + 32, percent(level, of))]
    parts.append(
        f'<path class="mean" d="M{x(spread.mean)} {LINE - 15}v30"><title>the mean, '
        f"{percent(spread.mean, of)}</title></path>"
    )
    places = spread_out([x(value) for value in spread.values], SPACE, LEFT, RIGHT)
    for value, label, place in zip(spread.values, labels, places, strict=True):
        said = f"seed {label}: {percent(value, of)}"
        parts.append(
            f'<circle cx="{x(value)}" cy="{LINE}" r="8" fill="{DOT}" fill-opacity=".7">'
            f"<title>{said}</title></circle>"
        )
        if len(labels) <= MOST_LABELS:
            parts.append(_text(place, LINE - 20, label))
    return (
        f'<svg class="gb-chart dots" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'font-family="{FONT}" aria-label="The seeds on a line">{"".join(parts)}</svg>'
    )


def _levels(low: float, high: float, of: int) -> list[float]:
    step = max(notch((high - low) / 6, down=False), 1 / of)
    first = round(low / step) * step
    levels = [first + k * step for k in range(12)]
    return [level for level in levels if low <= level <= min(high, 1.0)]


def _text(x: float, y: float, words: str) -> str:
    return (
        f'<text class="quiet" fill="{QUIET.ink}" x="{x:g}" y="{y:g}" '
        f'text-anchor="middle">{words}</text>'
    )


# In a folder ------------------------------------------------------------------


def write_report(
    folder: str | os.PathLike[str], data: Dataset | str | os.PathLike[str] | None = None
) -> Path:
    """Write `report.html` into the folder of a finished run, or of several seeds.

    Args:
        folder: The folder that `train` made.
        data: The images it was trained on, where they aren't where its recipe says.

    Returns:
        Where the report is.
    """
    seeds = SeedsFolder(folder)
    run = seeds.run(seeds.plan()[1][0]) if seeds.holds_seeds else RunFolder(folder)
    dataset = data if isinstance(data, Dataset) else images_of(run.recipe(), data)
    several = seeds.holds_seeds
    found = seeds_report(seeds, dataset) if several else run_report(gather(run, dataset))
    write_whole(seeds.report_file, report_page(found))
    return Path(seeds.report_file)
