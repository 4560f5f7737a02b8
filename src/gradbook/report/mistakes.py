"""The confusion matrix of a few classes, the most frequent mistakes of many, and their images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, percent, sureness
from gradbook.data.dataset import Images
from gradbook.lab.models.answers import Answers, ClassScore, Places, aimed_probability, class_scores
from gradbook.lab.runs import Evidence
from gradbook.report.images import card, cards, line
from gradbook.report.page import bar, table, text, wide

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

MOST_CLASSES = 40  # of a table
COMMONEST = 30  # mistakes of a list
HEATS = 9  # steps of colour
LONGEST_LEVEL = 3  # characters of a heading that isn't turned
MOST_MISREAD = 120  # cards of mistakes
UNSURE = 12  # cards of correct answers, the least sure
SURE = 0.99


def confusion_matrix(run: Evidence) -> str:
    """The matrix, and beside it the classes one by one."""
    counts, classes = run.answers.confusion(), run.dataset.classes
    said = (
        "Rows are what the images show, columns what the network read. Click on a number to see "
        "its images."
        if len(classes) <= MOST_CLASSES
        else "The most frequent mistakes, and the classes that are misread the most."
    )
    tables = f"{confusion(counts, classes)}\n{by_class(counts, classes)}"
    return f'<p>{said}</p>\n<figure class="mistakes">{tables}</figure>'


def misread(run: Evidence) -> str:
    """The images that were misread, and those that nearly were."""
    wrong, unsure = run.answers.wrong(), run.answers.unsure(UNSURE)
    parts = [] if len(wrong) else ["<p>None.</p>"]
    if len(wrong):
        left_out = len(wrong) > MOST_MISREAD
        part = f" These are the first {MOST_MISREAD} of {len(wrong):,}." if left_out else ""
        parts = [
            "<p>The most confident mistakes come first: what was read, what it is, and the "
            f"probability that the network gave to each.{part} {_trust(run)}</p>",
            '<p class="only" hidden><span></span> <button type="button">show all</button></p>',
            f'<figure id="cards">{_cards(run, wrong[:MOST_MISREAD])}</figure>',
        ]
    if len(unsure):
        parts += ["<h3>Correct, but least sure</h3>", f"<figure>{_cards(run, unsure)}</figure>"]
    return "\n".join(parts)


def _trust(run: Evidence) -> str:
    """What its being sure is worth."""
    sure, wrong = run.answers.surer_than(SURE)
    least = f"{100 * SURE:g} % sure"
    said = (
        f"Of the {counted(sure, 'image')} that it was at least {least} of, it misread {wrong:,}."
        if sure
        else f"It was never {least}."
    )
    return f"{said} {_smoothed(run)}".rstrip()


def _smoothed(run: Evidence) -> str:
    """Why it is less sure than it could be."""
    net = run.recipe.net
    if not net.smoothing:
        return ""
    return (
        f"Label smoothing of {net.smoothing:g} taught it to give each image’s class "
        f"{sureness(aimed_probability(net))}, not 100 %, so its confidence is lower than its "
        "accuracy."
    )


def _cards(run: Evidence, places: Places) -> str:
    return gallery(run.dataset.test_for_reporting, run.answers, places, run.dataset.classes)


def confusion(counts: Counts, classes: Sequence[str]) -> str:
    """Rows are what the images show, columns what was read."""
    if len(classes) > MOST_CLASSES:
        return _commonest(counts, classes)
    turned = " turned" * any(len(name) > LONGEST_LEVEL for name in classes)
    head = "".join(f'<th scope="col"><span>{text(name)}</span></th>' for name in classes)
    rows = "\n".join(
        f'<tr><th scope="row">{text(name)}</th>'
        f"{''.join(_cell(counts, classes, k, read) for read in range(len(classes)))}</tr>"
        for k, name in enumerate(classes)
    )
    return wide(
        f'<table class="confusion{turned}">\n<thead><tr><td></td>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _cell(counts: Counts, classes: Sequence[str], shown: int, read: int) -> str:
    count = int(counts[shown, read])
    if shown == read:
        return f'<td class="right">{count}</td>'
    if not count:
        return '<td class="none">·</td>'
    most = int((counts - np.diag(np.diag(counts))).max())
    heat = ceil(HEATS * sqrt(count / most))  # by the root, so that the rare ones are seen
    what = f"{counted(count, 'image')} of {classes[shown]} read as {classes[read]}"
    return (
        f'<td class="h{heat}"><a href="#{pair(shown, read)}" '
        f'aria-label="{text(what)}" title="{text(what)}">{count}</a></td>'
    )


def pair(shown: int, read: int) -> str:
    """What a mistake is called in the page's links."""
    return f"is-{shown}-read-{read}"


def _commonest(counts: Counts, classes: Sequence[str]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:COMMONEST]
    pairs = [divmod(int(place), len(classes)) for place in order]
    rows = [
        (text(classes[shown]), text(classes[read]), f"{wrong[shown, read]:,}")
        for shown, read in pairs
        if wrong[shown, read]
    ]
    return wide(table(("is", "read as", "images"), rows, (0, 1), kind="commonest", headed=True))


def by_class(counts: Counts, classes: Sequence[str], what: str = "images") -> str:
    """Each class's images, how many were misread and as what; the worst of many."""
    missed = counts.sum(1) - np.diag(counts)
    shares, scores = missed / np.maximum(counts.sum(1), 1), class_scores(counts)
    shown = list(range(len(classes)))
    if len(classes) > MOST_CLASSES:
        shown = np.argsort(-shares, kind="stable")[:MOST_CLASSES].tolist()
    rows = (_class_row(counts, classes, k, shares, scores[k]) for k in shown)
    head = ("class", what, "misread", "precision", "recall", "F1", "mostly as")
    return wide(table(head, rows, words=(0, 6), kind="by-class", headed=True))


def _class_row(
    counts: Counts, classes: Sequence[str], shown: int, shares: Shares, score: ClassScore
) -> tuple[str, ...]:
    images, most = score.images, int(counts.sum(1).max())
    missed = images - int(counts[shown, shown])
    share, worst = float(shares[shown]), float(shares.max())
    others = counts[shown].copy()
    others[shown] = 0
    return (
        text(classes[shown]),
        f"{images:,}",
        f"{missed:,}{bar(share / worst if worst else 0, 'errors', at_the_right=True)}",
        *("–" if it is None else percent(it, most) for it in (score.precision, score.recall)),
        "–" if score.f1 is None else percent(score.f1, most),
        text(classes[int(others.argmax())]) if missed else "",
    )


def gallery(images: Images, answers: Answers, places: Places, classes: Sequence[str]) -> str:
    """A card for each of these images. The first of a kind of mistake can be linked to."""
    known: set[str] = set()
    return cards(_card(images, answers, int(place), classes, known) for place in places)


def _card(
    images: Images, answers: Answers, place: int, classes: Sequence[str], known: set[str]
) -> str:
    shown, read = int(answers.labels[place]), int(answers.read[place])
    name = pair(shown, read)
    anchor = "" if name in known or shown == read else f' id="{name}"'
    known.add(name)
    what = f"{classes[shown]}, read as {classes[read]}"
    lines = _lines(answers, place, classes)
    return card(images.pixels[place], place, what, lines, f'{anchor} data-kind="{name}"')


def _lines(answers: Answers, place: int, classes: Sequence[str]) -> Iterator[str]:
    """What was read, what it is where that is something else, and the runner-up."""
    shown, read = int(answers.labels[place]), int(answers.read[place])
    runner_up = int(answers.runner_up[place])
    said = answers.probabilities[place]
    named = [("read", read, "good" if read == shown else "bad")]
    if shown != read:
        named.append(("is", shown, "good"))
    if runner_up not in (shown, read):
        named.append(("next", runner_up, "other"))
    for word, k, kind in named:
        sure = float(said[k])
        yield line(word, classes[k], sureness(sure) + bar(float(np.nan_to_num(sure)), kind))
