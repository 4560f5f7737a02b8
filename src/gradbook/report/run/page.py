"""A run as one page: what it reached, how it got there, what it gets wrong, what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from gradbook.amounts import counted, duration, percent
from gradbook.data import warp_text
from gradbook.data.dataset import Dataset
from gradbook.lab.models.answers import Places
from gradbook.lab.runs.evidence import Evidence, gather
from gradbook.lab.training.run_folder import RunFolder
from gradbook.net.measure import measure
from gradbook.report.chart import interactive
from gradbook.report.page.shell import Section, page, text, wide
from gradbook.report.page.tables import table, text_table
from gradbook.report.run import insides
from gradbook.report.run.charts import of_run
from gradbook.report.run.epochs import table_of
from gradbook.report.run.mistakes import MOST_CLASSES, by_class, confusion, gallery
from gradbook.report.summary import page as summary_page

MOST_MISREAD = 120  # cards
UNSURE = 12
SURE = 0.99
FILTERS = """\
<h3>The first filters</h3>
<p>Each filter, and below it what it makes of the image. <span class="plus">Blue</span> is above
nought, <span class="minus">orange</span> below; nought is the paper.</p>"""
AGAIN = "gradbook train recipe.txt -o again"


def run_page(run: RunFolder, dataset: Dataset) -> str:
    """The report of a finished run."""
    return told(gather(run, dataset))


def told(run: Evidence) -> str:
    """The page of what was gathered."""
    sections = list(_sections(run))
    return page(
        f"{run.recipe.title} on {run.dataset.name}",
        sections,
        lead=f"{_lead(run)}\n{_contents(sections)}",
        foot=f"<p>{text(f'{run.dataset.name}: {run.dataset.source}')}</p>",
        style=style(),
        script=interactive.script() + _file("run.js"),
    )


def style() -> str:
    return interactive.style() + summary_page.STYLE + _file("run.css")


def _file(name: str) -> str:
    return files("gradbook.report.run").joinpath(name).read_text("utf-8")


# What it reached.


def _lead(run: Evidence) -> str:
    answers = run.answers
    about = f'<p class="lead">{text(run.recipe.about)}</p>\n' if run.recipe.about else ""
    missed = len(answers) - int(answers.right.sum())
    return (
        f'{about}<p class="headline"><b>{percent(answers.accuracy, len(answers))}</b> '
        f"of {counted(len(answers), 'test image')} read right; "
        f'<a href="#misread">{missed:,} misread</a></p>\n'
        f"{facts(_facts(run))}"
    )


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
        yield Section("training", "How it trained", training(run))
    yield Section("confusion", "What is read as what", _confusion(run))
    yield Section("misread", "Misread", _misread(run))
    yield Section("images", "What it trained on", _images(run))
    yield Section("network", "The network", _network(run))
    if run.filters is not None or run.stages:
        yield Section("insides", "An image on its way", _insides(run))
    yield Section("again", "How to do it again", _again(run))


# What it gets wrong.


def _confusion(run: Evidence) -> str:
    counts, classes = run.answers.confusion(), run.dataset.classes
    said = (
        "Each row is what the images show, each column what was read. A number leads to its images."
        if len(classes) <= MOST_CLASSES
        else "The commonest mistakes, and the classes that are misread the most."
    )
    tables = f"{confusion(counts, classes)}\n{by_class(counts, classes)}"
    return f'<p>{said}</p>\n<figure class="mistakes">{tables}</figure>'


def _misread(run: Evidence) -> str:
    wrong, unsure = run.answers.wrong(), run.answers.unsure(UNSURE)
    parts = [] if len(wrong) else ["<p>None.</p>"]
    if len(wrong):
        left_out = len(wrong) > MOST_MISREAD
        part = f" The surest {MOST_MISREAD} of {len(wrong):,}." if left_out else ""
        parts = [
            "<p>The surest mistakes come first: what was read, what it is, and how likely each "
            f"was to the network.{part} {_trust(run)}</p>",
            '<p class="only" hidden><span></span> <button type="button">show all</button></p>',
            f'<figure id="cards">{_cards(run, wrong[:MOST_MISREAD])}</figure>',
        ]
    if len(unsure):
        parts += ["<h3>Right, but only just</h3>", f"<figure>{_cards(run, unsure)}</figure>"]
    return "\n".join(parts)


def _trust(run: Evidence) -> str:
    """What its being sure is worth."""
    sure, wrong = run.answers.surer_than(SURE)
    least = f"{100 * SURE:g} % sure"
    if not sure:
        return f"It was never {least}."
    return f"Of the {counted(sure, 'image')} it was at least {least} of, {wrong:,} are wrong."


def _cards(run: Evidence, places: Places) -> str:
    return gallery(run.dataset.test_for_reporting, run.answers, places, run.dataset.classes)


# What it is made of.


def _images(run: Evidence) -> str:
    data, warp = run.dataset, run.recipe.warp
    channels, rows, columns = data.shape
    colour = "grey" if channels == 1 else "colour"
    said = (
        f"{run.trained_on:,} images of {rows} × {columns} pixels in {colour}, "
        f"{counted(len(data.classes), 'class', 'classes')}."
    )
    if warp.changes_images:
        said += f" Each is drawn anew in every epoch: <code>{text(warp_text.write(warp))}</code>"
    names = ["as they are", *(f"in epoch {k}" for k in range(1, len(run.warped)))]
    films = insides.warped_rows(list(zip(names, run.warped, strict=True)))
    return f"<p>{said}</p>\n{_column(films)}"


def _network(run: Evidence) -> str:
    measured = measure(run.model.net)
    return f"{summary_page.remarks_list(measured)}\n{summary_page.layers(measured)}"


def _insides(run: Evidence) -> str:
    test, classes = run.dataset.test_for_reporting, run.dataset.classes
    shown = classes[int(test.labels[run.example])]
    probabilities = run.answers.probabilities[run.example]
    answer = insides.answer(test.pixels[run.example], probabilities, classes)
    parts = [
        f"<p>Test image {run.example + 1:,} is of class {text(shown)}. What the network says:</p>",
        _column(answer),
    ]
    later = run.stages
    if run.filters is not None:
        sums = run.stages[0].values if run.stages else None
        later = run.stages[1:]
        parts += [FILTERS, _column(insides.filters(run.filters, sums))]
    if later:
        parts += ["<h3>Layer by layer</h3>", _column(insides.stages(later))]
    return "\n".join(parts)


def _column(pictures: str) -> str:
    """A figure no wider than the words."""
    return f'<figure class="column">{pictures}</figure>'


# How to do it again.


def _again(run: Evidence) -> str:
    known = run.result.get("made_with")
    where = facts_table(known) if isinstance(known, dict) else ""
    return (
        "<p>The same recipe and seed give the same bits on this machine, whatever the number of "
        "threads.</p>\n"
        f"<pre><code>{AGAIN}</code></pre>\n"
        "<p>The recipe lies beside this page:</p>\n"
        f"<pre><code>{text(str(run.recipe))}</code></pre>\n<h3>Where it was made</h3>\n{where}"
    )


def facts_table(pairs: dict[str, Any]) -> str:
    rows = ((text(str(name)), text(str(value))) for name, value in pairs.items())
    return wide(table((), rows, words=(0, 1), kind="where", headed=True))


def training(run: Evidence) -> str:
    warped = run.recipe.warp.changes_images
    on = "on images as they were warped, " if warped else ""
    said = (
        f"Training is measured {on}while the network learns from them; validation on "
        f"{counted(_held_back(run), 'image')} that it never learns from."
        if run.validated
        else f"Nothing was held back: all {run.trained_on:,} images were trained on, and what is "
        f"shown was measured {on}while the network learnt from them."
    )
    charts = interactive.figure(of_run(run.history), "How it trained")
    return f"<p>{said}</p>\n{charts}\n{_epochs(run)}"


def _held_back(run: Evidence) -> int:
    return len(run.dataset.training_and_validation) - run.trained_on


def _epochs(run: Evidence) -> str:
    """Every epoch's numbers, for those who want them all."""
    shown = wide(text_table(table_of(run.history, run.validated)))
    return f"<details><summary>Every epoch in numbers</summary>{shown}</details>"
