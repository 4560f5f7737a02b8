"""Several seeds of one recipe as one page: mean, spread and lowest, and what none can read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.data.dataset import Dataset
from gradbook.lab.models.answers import Answers
from gradbook.lab.runs.comparison import Compared, opened
from gradbook.lab.training.seeds import SeedsFolder
from gradbook.report import epoch_charts
from gradbook.report.amounts import counted, percent
from gradbook.report.gallery import card, cards
from gradbook.report.page import Section, page, text, wide
from gradbook.report.run_page import facts, facts_table, style
from gradbook.report.spread_svg import dots
from gradbook.report.training_text import duration, share

MOST_CURVES = 12
MOST_HARD = 60  # images


def seeds_page(folder: SeedsFolder, dataset: Dataset) -> str:
    """The report above the finished runs of several seeds."""
    run = opened(folder.path)
    return told(run, run.answers(dataset), dataset)


def told(run: Compared, answers: Sequence[Answers], dataset: Dataset) -> str:
    """The page of what was gathered; each seed's answers to the test images."""
    of, seeds = len(dataset.test_for_reporting), len(run.seeds)
    lead = (
        f'<p class="headline"><b>{percent(run.test.mean, of)}</b> '
        f"of {counted(of, 'test image')} read right, the mean of {counted(seeds, 'seed')}; "
        f"{_spread(run, of)}</p>\n"
        f"{facts(_facts(run))}"
    )
    where = run.results[0].get("made_with")
    return page(
        f"{run.recipe.title} on {dataset.name}",
        [
            Section("seeds", "Seed by seed", _seeds(run, of)),
            Section("training", "How they trained", _training(run)),
            Section("hard", "Misread by most", _hard(answers, dataset)),
            Section("again", "How to do it again", _again(run, where)),
        ],
        lead=lead,
        foot=f"<p>{text(f'{dataset.name}: {dataset.source}')}</p>",
        style=style(),
        script=epoch_charts.script(),
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
        found.append(("validation, the mean", share(run.validation)))
    return found


def _seeds(run: Compared, of: int) -> str:
    labels = [str(seed) for seed in run.seeds]
    rows = "\n".join(_row(run, k, of) for k in range(len(labels)))
    table = wide(
        '<table><thead><tr><th class="words">seed</th><th>test</th><th>misread</th>'
        "<th>validation</th><th>time</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>"
    )
    return f'<figure class="column">{dots(run.test, labels, of)}</figure>\n{table}'


def _row(run: Compared, k: int, of: int) -> str:
    result, folder = run.results[k], run.runs[k].path.name
    right = result["test_accuracy"]
    return (
        f'<tr><th scope="row" class="words"><a href="{text(folder)}/report.html">'
        f"{run.seeds[k]}</a></th><td>{percent(right, of)}</td><td>{round((1 - right) * of):,}</td>"
        f"<td>{share(run.validations[k])}</td><td>{duration(result['seconds'])}</td></tr>"
    )


def _training(run: Compared) -> str:
    named = [
        (f"seed {seed}", history) for seed, history in zip(run.seeds, run.histories, strict=True)
    ]
    part = f"<p>The first {MOST_CURVES} seeds.</p>\n" if len(named) > MOST_CURVES else ""
    charts = epoch_charts.of_several(named[:MOST_CURVES])
    return part + epoch_charts.figure(charts, "How each seed trained")


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
    lines = (
        f"<div><dt>is <b>{text(shown)}</b></dt></div>"
        f"<div><dt>mostly read <b>{text(mostly)}</b></dt></div>"
        f"<div><dt>wrong</dt><dd>{missed} of {len(answers)}</dd></div>"
    )
    return card(image, place, shown, lines)


def _again(run: Compared, where: object) -> str:
    file = f"{run.runs[0].path.name}/recipe.txt"  # the first seed's, which is in it
    command = f"gradbook train {file} --seeds {len(run.seeds)} -o again"
    made = f"<h3>Where it was made</h3>\n{facts_table(where)}" if isinstance(where, dict) else ""
    return (
        f"<pre><code>{text(command)}</code></pre>\n<p>The first seed’s recipe:</p>\n"
        f"<pre><code>{text(str(run.recipe))}</code></pre>\n{made}"
    )
