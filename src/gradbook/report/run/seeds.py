"""Several seeds of one recipe as one page: mean, spread and lowest, and what none can read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.amounts import counted, duration, percent
from gradbook.data.dataset import Dataset
from gradbook.lab.models.answers import Answers
from gradbook.lab.runs import Compared, open_run
from gradbook.lab.training.train import SeedsFolder, Spread
from gradbook.palette import QUIET
from gradbook.report import figures
from gradbook.report.charts import notch
from gradbook.report.charts import spread_out as apart
from gradbook.report.figures import FONT
from gradbook.report.images import card, cards, line
from gradbook.report.page import Section, page, table, text, wide
from gradbook.report.run.charts import of_several
from gradbook.report.run.page import environment, facts, images_told_of, style

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
        f"{facts(_facts(run))}"
    )
    return page(
        f"{run.recipe.title} on {dataset.name}",
        [
            Section("seeds", "Seed by seed", _seeds(run, of)),
            Section("training", "How they trained", _training(run)),
            Section("hard", "Misread by most", _hard(answers, dataset)),
            Section("again", "How to reproduce it", _again(run)),
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


def _facts(run: Compared) -> list[tuple[str, str]]:
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


def _training(run: Compared) -> str:
    named = [
        (f"seed {seed}", run.recipe, history)
        for seed, history in zip(run.seeds, run.histories, strict=True)
    ]
    part = f"<p>The first {MOST_CURVES} seeds.</p>\n" if len(named) > MOST_CURVES else ""
    charts = of_several(named[:MOST_CURVES])
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


def _again(run: Compared) -> str:
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
    places = apart([x(value) for value in spread.values], SPACE, LEFT, RIGHT)
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
