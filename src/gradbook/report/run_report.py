"""The report of a run, or of several seeds, as one page: the public `write_report`.

It says what was reached, how, what is misread, and what it looks like from inside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, duration, loss, percent
from gradbook.data.dataset import Dataset
from gradbook.data.warp import write_warp
from gradbook.files import write_whole
from gradbook.lab.models.answers import Answers, least_loss_of_classes
from gradbook.lab.recipes.recipe import weight_words
from gradbook.lab.runs import Compared, Evidence, Stage, gather, open_run
from gradbook.lab.training.material import images_of
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder, Spread
from gradbook.layers.card import spell
from gradbook.net.measure import measure
from gradbook.palette import QUIET
from gradbook.report import figures
from gradbook.report.charts import notch, spread_out
from gradbook.report.figures import FONT
from gradbook.report.images import card, cards, line, picture, signed_picture, strip
from gradbook.report.markup import markup
from gradbook.report.mistakes import confusion_matrix, misread
from gradbook.report.page import Section, bar, page, resource, table, text, wide
from gradbook.report.summary import STYLES as SUMMARY_STYLES
from gradbook.report.summary import network_blocks
from gradbook.report.training import history_table, run_charts, runs_charts

# A run ------------------------------------------------------------------------

STYLES = (*SUMMARY_STYLES, "run.css")
AGAIN = "gradbook train recipe.txt -o again"


def run_page(run: RunFolder, dataset: Dataset) -> str:
    """The report of a finished run."""
    return evidence_page(gather(run, dataset))


def evidence_page(run: Evidence) -> str:
    """The same of what was gathered already."""
    sections = list(_sections(run))
    return page(
        heading(run),
        sections,
        lead=f"{_lead(run)}\n{_contents(sections)}",
        foot=f"<p>{text(f'{run.dataset.name}: {run.dataset.source}')}</p>",
        style=style(),
        script=figures.figure_script() + resource("run.js"),
    )


def heading(run: Evidence) -> str:
    """Whose training it was, and on what, once."""
    title, data = run.recipe.title, run.dataset.name
    return title if title.endswith(data) else f"{title} on {data}"


def style() -> str:
    return figures.figure_style() + "".join(map(resource, STYLES))


# What it reached.


def _lead(run: Evidence) -> str:
    answers = run.answers
    about = f'<p class="lead">{text(run.recipe.about)}</p>\n' if run.recipe.about else ""
    missed = len(answers) - int(answers.right.sum())
    return (
        f'{about}<p class="headline"><b>{percent(answers.accuracy, len(answers))}</b> '
        f"of {images_told_of(run.dataset, len(answers))} read correctly; "
        f'<a href="#misread">{missed:,} misread</a></p>\n'
        f"{facts(_facts(run))}"
    )


def images_told_of(dataset: Dataset, count: int) -> str:
    """'10,000 test images'; where there are none to report on, so many images trained on."""
    if dataset.everything:
        return counted(count, "image trained on", "images trained on")
    return counted(count, "test image")


def facts(pairs: list[tuple[str, str]]) -> str:
    said = "".join(f"<div><dt>{text(a)}</dt><dd>{text(b)}</dd></div>" for a, b in pairs)
    return f'<dl class="facts">{said}</dl>'


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


def _contents(sections: Sequence[Section]) -> str:
    links = "".join(
        f'<li><a href="#{section.anchor}">{section.heading}</a></li>' for section in sections
    )
    return f'<nav aria-label="Contents"><ul class="chips">{links}</ul></nav>'


def _sections(run: Evidence) -> Iterator[Section]:
    if run.history:
        yield Section("training", "How it trained", _training(run))
    yield Section("confusion", "Confusion matrix", confusion_matrix(run))
    yield Section("misread", "Misread", misread(run))
    yield Section("images", "Training images", training_images(run))
    yield Section("network", "The network", markup(network_blocks(measure(run.model.net))))
    if run.filters is not None or run.stages:
        yield Section("insides", "Inside the network", inside(run))
    yield Section("again", "How to reproduce it", _again(run))


# How it got there.


def _training(run: Evidence) -> str:
    warped = run.recipe.warp.changes_images
    held_back = len(run.dataset.training_and_validation) - run.image_count
    said = (
        f"Training figures are measured {'on warped images, ' if warped else ''}while the network "
        f"learns from them; validation figures on {counted(held_back, 'image')} that it never "
        "learns from."
        if run.has_validation
        else f"No images were held back: the figures of all {run.image_count:,} "
        f"were measured {'on warped images, ' if warped else ''}while the network learned from "
        "them."
    )
    charts = figures.figure(run_charts(run.recipe, run.history), "How it trained")
    epochs = markup([history_table(run.history, run.has_validation)])
    return (
        f"<p>{said}</p>\n{_likes(run)}{charts}\n"
        f"<details><summary>Every epoch in numbers</summary>{epochs}</details>"
    )


def _likes(run: Evidence) -> str:
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
    return f"<p>{' '.join(said)} Compare the accuracies, or each loss with itself.</p>\n"


# How to reproduce it.


def _again(run: Evidence) -> str:
    return (
        "<p>The same recipe and seed give the same bits on this machine, with any number of "
        f"threads.</p>\n<pre><code>{AGAIN}</code></pre>\n"
        "<p>The recipe is in the folder of this page:</p>\n"
        f"<pre><code>{text(str(run.recipe))}</code></pre>\n"
        f"{environment(run.result.get('made_with'))}"
    )


def environment(known: object) -> str:
    """Versions, processor, compiler, as a run's result has them."""
    if not isinstance(known, dict):
        return ""
    rows = ((text(str(name)), text(str(value))) for name, value in known.items())
    facts = wide(table((), rows, words=(0, 1), kind="where", headed=True))
    return f"<h3>Environment</h3>\n{facts}"


# From inside ------------------------------------------------------------------

MOST_TILES = 32  # of a layer
PERCENTILE = 99.5  # of a layer's values: what counts as full strength
FILTERS = """\
<h3>The filters of the first layer</h3>
<p>Each filter, and below it its output for the image. <span class="plus">Blue</span> is positive,
<span class="minus">orange</span> negative; zero is the paper.</p>"""

Array = NDArray[np.float64]


def training_images(run: Evidence) -> str:
    """Some of them as they are, and as the first epochs saw them."""
    data, warp = run.dataset, run.recipe.warp
    channels, rows, columns = data.shape
    colour = "grey" if channels == 1 else "colour"
    said = (
        f"{counted(run.image_count, 'image')} of {rows} × {columns} pixels in {colour}, "
        f"{counted(len(data.classes), 'class', 'classes')}."
    )
    if warp.changes_images:
        said += f" Each is warped anew in every epoch: <code>{text(write_warp(warp))}</code>"
    names = ["as they are", *(f"in epoch {k}" for k in range(1, len(run.warped)))]
    factor = max(56 // columns, 1)
    films = "\n".join(
        f'<div class="film"><p>{name}</p><img src="{strip(images.pixels, factor)}" '
        f'alt="{counted(len(images), "training image")}, {name}"></div>'
        for name, images in zip(names, run.warped, strict=True)
    )
    return f"<p>{said}</p>\n{_column(films)}"


def inside(run: Evidence) -> str:
    """A test image layer by layer, and the first filters."""
    test, classes = run.dataset.test_for_reporting, run.dataset.classes
    shown = classes[int(test.labels[run.example])]
    probabilities = run.answers.probabilities[run.example]
    parts = [
        f"<p>Test image {run.example + 1:,} is of class {text(shown)}. The network’s answer:</p>",
        _column(_answer(test.pixels[run.example], probabilities, classes)),
    ]
    later = run.stages
    if run.filters is not None:
        sums = run.stages[0].values if run.stages else None
        later = run.stages[1:]
        parts += [FILTERS, _column(_filters(run.filters, sums))]
    if later:
        stages = "\n".join(_stage(stage, test.shape[1:]) for stage in later)
        parts += ["<h3>Layer by layer</h3>", _column(stages)]
    return "\n".join(parts)


def _column(pictures: str) -> str:
    """A figure no wider than the words."""
    return f'<figure class="column">{pictures}</figure>'


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


def seeds_page(folder: SeedsFolder, dataset: Dataset) -> str:
    """The report above the finished runs of several seeds."""
    run = open_run(folder.path)
    answers = run.answers(dataset)
    of, seeds = len(dataset.test_for_reporting), len(run.seeds)
    lead = (
        f'<p class="headline"><b>{percent(run.test.mean, of)}</b> '
        f"of {images_told_of(dataset, of)} read correctly, the mean of {counted(seeds, 'seed')}; "
        f"{_spread(run, of)}</p>\n"
        f"{facts(_facts_of_seeds(run))}"
    )
    return page(
        f"{run.recipe.title} on {dataset.name}",
        [
            Section("seeds", "Seed by seed", _seeds(run, of)),
            Section("training", "How they trained", _training_of_seeds(run)),
            Section("hard", "Misread by most", _hard(answers, dataset)),
            Section("again", "How to reproduce it", _again_with_seeds(run)),
        ],
        lead=lead,
        foot=f"<p>{text(f'{dataset.name}: {dataset.source}')}</p>",
        style=style(),
        script=figures.figure_script(),
    )


def _spread(run: Compared, of: int) -> str:
    if len(run.seeds) == 1:
        return "one alone has no spread"
    deviation = f"{100 * run.test.deviation:.3f}"
    return f"deviation {deviation} points, lowest {percent(run.test.lowest, of)}"


def _facts_of_seeds(run: Compared) -> list[tuple[str, str]]:
    found = [
        ("parameters", f"{run.parameters:,}"),
        ("epochs", f"{run.recipe.epochs:,}"),
        ("time of one training", duration(run.seconds)),
    ]
    if run.validation is not None:
        found.append(("validation, the mean", percent(run.validation)))
    return found


def _seeds(run: Compared, of: int) -> str:
    labels = [str(seed) for seed in run.seeds]
    rows = [_row(run, k, of) for k in range(len(labels))]
    head = ("seed", "test", "misread", "validation", "time")
    shown = wide(table(head, rows, words=(0,), headed=True))
    return f'<figure class="column">{dots(run.test, labels, of)}</figure>\n{shown}'


def _row(run: Compared, k: int, of: int) -> tuple[str, ...]:
    result, folder = run.results[k], run.runs[k].path.name
    right = result["test_accuracy"]
    return (
        f'<a href="{text(folder)}/report.html">{run.seeds[k]}</a>',
        percent(right, of),
        f"{round((1 - right) * of):,}",
        percent(run.validations[k]),
        duration(result["seconds"]),
    )


def _training_of_seeds(run: Compared) -> str:
    named = [
        (f"seed {seed}", run.recipe, history)
        for seed, history in zip(run.seeds, run.histories, strict=True)
    ]
    part = f"<p>The first {MOST_CURVES} seeds.</p>\n" if len(named) > MOST_CURVES else ""
    charts = runs_charts(named[:MOST_CURVES])
    return part + figures.figure(charts, "How each seed trained")


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


def _again_with_seeds(run: Compared) -> str:
    file = f"{run.runs[0].path.name}/recipe.txt"  # the first seed's, which is in it
    command = f"gradbook train {file} --seeds {len(run.seeds)} -o again"
    return (
        f"<pre><code>{text(command)}</code></pre>\n<p>The first seed’s recipe:</p>\n"
        f"<pre><code>{text(str(run.recipe))}</code></pre>\n"
        f"{environment(run.results[0].get('made_with'))}"
    )


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

    `data` are the images it was trained on, where they aren't found as its recipe says.
    """
    seeds = SeedsFolder(folder)
    run = seeds.run(seeds.plan()[1][0]) if seeds.holds_seeds else RunFolder(folder)
    dataset = data if isinstance(data, Dataset) else images_of(run.recipe(), data)
    page = seeds_page(seeds, dataset) if seeds.holds_seeds else run_page(run, dataset)
    write_whole(seeds.report_file, page)
    return seeds.report_file
