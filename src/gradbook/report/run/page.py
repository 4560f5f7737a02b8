"""A run as one page: what it reached, how it got there, what it gets wrong, what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.amounts import counted, duration, loss, percent
from gradbook.data.dataset import Dataset
from gradbook.lab.models.answers import least_loss_of_classes
from gradbook.lab.recipes.recipe import weight_words
from gradbook.lab.runs import Evidence, gather
from gradbook.lab.training.run_folder import RunFolder
from gradbook.net.measure import measure
from gradbook.report import figures
from gradbook.report.page import Section, page, resource, table, text, text_table, wide
from gradbook.report.run.charts import of_run
from gradbook.report.run.epochs import table_of
from gradbook.report.run.insides import inside, training_images
from gradbook.report.run.mistakes import confusion_matrix, misread
from gradbook.report.summary import page as summary_page

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
    return figures.figure_style() + summary_page.style() + resource("run.css")


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
    measured = measure(run.model.net)
    layers = f"{summary_page.remarks_list(measured)}\n{summary_page.layers(measured)}"
    yield Section("network", "The network", layers)
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
    charts = figures.figure(of_run(run.recipe, run.history), "How it trained")
    epochs = wide(text_table(table_of(run.history, run.has_validation)))
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
