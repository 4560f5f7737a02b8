"""The confusion matrix of a few classes, the most frequent mistakes of many, and their images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, percent, sureness
from gradbook.data.dataset import Images
from gradbook.lab.models.answers import Answers, Places, aimed_probability, class_scores
from gradbook.lab.runs import Evidence
from gradbook.palette import ERROR
from gradbook.report.document import (
    Block,
    Blocks,
    Card,
    Figure,
    Gallery,
    PageOnly,
    Passage,
    Picture,
    Subheading,
)
from gradbook.report.images import picture
from gradbook.report.styled_text import RichCell, Span, TableColumn, TextLine, TextTable, Words, bar

Counts = NDArray[np.int64]

MOST_CLASSES = 40  # of a table
COMMONEST = 30  # mistakes of a list
HEATS = 9  # steps of colour
LONGEST_LEVEL = 3  # characters of a heading that isn't turned
MOST_MISREAD = 120  # cards of mistakes
UNSURE = 12  # cards of correct answers, the least sure
SURE = 0.99
ONLY = '<p class="only" hidden><span></span> <button type="button">show all</button></p>'


def confusion_matrix(run: Evidence) -> Blocks:
    """The matrix, and beside it a table of the classes."""
    counts, classes = run.answers.confusion(), run.dataset.classes
    words = (
        "Rows are what the images show, columns what the network read. Click on a number to see "
        "its images."
        if len(classes) <= MOST_CLASSES
        else "The most frequent mistakes, and the classes that are misread the most."
    )
    tables = [confusion(counts, classes), by_class(counts, classes)]
    return [Passage(words), Figure(tables, "mistakes")]


def misread(run: Evidence) -> Blocks:
    """The images that were misread, and those that nearly were."""
    wrong, unsure = run.answers.wrong(), run.answers.unsure(UNSURE)
    blocks: list[Block] = [] if len(wrong) else [Passage("None.")]
    if len(wrong):
        left_out = len(wrong) > MOST_MISREAD
        part = f" These are the first {MOST_MISREAD} of {len(wrong):,}." if left_out else ""
        blocks = [
            Passage(
                "The most confident mistakes come first: what was read, what it is, and the "
                f"probability that the network gave to each.{part} {_trust(run)}"
            ),
            PageOnly(lambda: ONLY),
            _cards(run, wrong[:MOST_MISREAD], "cards"),
        ]
    if len(unsure):
        blocks += [Subheading("Correct, but least sure"), _cards(run, unsure)]
    return blocks


def _trust(run: Evidence) -> str:
    """How far the network's confidence can be trusted."""
    sure, wrong = run.answers.surer_than(SURE)
    least = f"{100 * SURE:g} % sure"
    words = (
        f"Of the {counted(sure, 'image')} that it was at least {least} of, it misread {wrong:,}."
        if sure
        else f"It was never {least}."
    )
    if net := run.recipe.net if run.recipe.net.smoothing else None:
        words += (
            f" Label smoothing of {net.smoothing:g} taught it to give each image’s class "
            f"{sureness(aimed_probability(net))}, not 100 %, so its confidence is lower than its "
            "accuracy."
        )
    return words


def _cards(run: Evidence, places: Places, anchor: str = "") -> Gallery:
    images, classes = run.dataset.test_for_reporting, run.dataset.classes
    return gallery(images, run.answers, places, classes, anchor)


def confusion(counts: Counts, classes: Sequence[str], unit: str = "image") -> TextTable:
    """Rows are the true classes, columns the predicted ones; a mistake links to its images."""
    wrong = counts - np.diag(np.diag(counts))
    if len(classes) > MOST_CLASSES:
        return _commonest(wrong, classes)
    most = int(wrong.max())

    def cell(shown: int, read: int) -> RichCell:
        count = int(counts[shown, read])
        if shown == read or not count:
            return (Span(str(count) if count or shown == read else "·", kind=KINDS[shown == read]),)
        heat = ceil(HEATS * sqrt(count / most))  # the root makes rare mistakes visible
        what = f"{counted(count, unit)} of {classes[shown]} read as {classes[read]}"
        link = pair(shown, read) if unit == "image" else ""
        return (Span(str(count), link=link, kind=f"h{heat}", about=what),)

    is_turned = any(len(name) > LONGEST_LEVEL for name in classes)
    places = range(len(classes))
    return TextTable(
        (TableColumn(""), *map(TableColumn, classes)),
        tuple((name, *(cell(k, read) for read in places)) for k, name in enumerate(classes)),
        kind="confusion turned" if is_turned else "confusion",
        has_row_heads=True,
    )


KINDS = {True: "right", False: "none"}


def pair(shown: int, read: int) -> str:
    """The anchor of a mistake's images."""
    return f"is-{shown}-read-{read}"


def _commonest(wrong: Counts, classes: Sequence[str]) -> TextTable:
    order = np.argsort(-wrong, axis=None, kind="stable")[:COMMONEST]
    pairs = [divmod(int(place), len(classes)) for place in order]
    columns = (TableColumn("is", words=True), TableColumn("read as", words=True))
    rows = tuple(
        (classes[shown], classes[read], int(wrong[shown, read]))
        for shown, read in pairs
        if wrong[shown, read]
    )
    return TextTable((*columns, TableColumn("images")), rows, kind="commonest", has_row_heads=True)


def by_class(counts: Counts, classes: Sequence[str], what: str = "images") -> TextTable:
    """Each class's images, how many were misread and as what; of many classes, the worst."""
    sums, missed = counts.sum(1), counts.sum(1) - np.diag(counts)
    scores, most = class_scores(counts), int(sums.max())
    order = list(range(len(classes)))
    if len(classes) > MOST_CLASSES:
        shares = missed / np.maximum(sums, 1)
        order = np.argsort(-shares, kind="stable")[:MOST_CLASSES].tolist()
    others = counts - np.diag(np.diag(counts))
    mostly = [classes[k] if missed[row] else "" for row, k in enumerate(others.argmax(1).tolist())]

    def share(value: float | None) -> str:
        return "–" if value is None else percent(value, most)

    rows = tuple(
        (
            classes[k],
            scores[k].images,
            int(missed[k]),
            *map(share, (scores[k].precision, scores[k].recall, scores[k].f1)),
            mostly[k],
        )
        for k in order
    )
    columns = (
        TableColumn("class", words=True),
        TableColumn(what),
        TableColumn("misread", has_bars=True, tint=ERROR),
        *map(TableColumn, ("precision", "recall", "F1")),
        TableColumn("mostly as", words=True),
    )
    return TextTable(columns, rows, kind="by-class", has_row_heads=True)


def gallery(
    images: Images, answers: Answers, places: Places, classes: Sequence[str], anchor: str = ""
) -> Gallery:
    """One card per image; the first of each kind of mistake has an anchor."""
    known: set[str] = set()
    cards = []
    for place in map(int, places):
        shown, read = int(answers.labels[place]), int(answers.read[place])
        name = pair(shown, read)
        file_name = "" if name in known or shown == read else name
        known.add(name)
        what = f"{classes[shown]}, read as {classes[read]}"
        lines = _lines(answers, place, classes)
        cards.append(card(images, place, what, lines, file_name, name))
    return Gallery(cards, anchor)


def card(
    images: Images,
    place: int,
    what: str,
    lines: Sequence[tuple[Words, Words]],
    anchor: str = "",
    kind: str = "",
) -> Card:
    """The test image at that place, a description of it, and lines below it."""
    number = f"image {place + 1:,}"
    shown = Picture(partial(picture, images.pixels[place]), f"test {number}: {what}")
    return Card(shown, lines, number, anchor, kind)


def named(word: str, name: str) -> TextLine:
    """A word, and a name in bold."""
    return [Span(f"{word} "), Span(name, tag="b")]


def _lines(answers: Answers, place: int, classes: Sequence[str]) -> list[tuple[Words, Words]]:
    """The predicted class, the true one if it differs, and the runner-up, with probabilities."""
    shown, read = int(answers.labels[place]), int(answers.read[place])
    runner_up = int(answers.runner_up[place])
    readings = [("read", read, "good" if read == shown else "bad")]
    if shown != read:
        readings.append(("is", shown, "good"))
    if runner_up not in (shown, read):
        readings.append(("next", runner_up, "other"))
    shares = answers.probabilities[place].tolist()
    return [
        (
            named(word, classes[k]),
            [Span(sureness(shares[k])), bar(float(np.nan_to_num(shares[k])), kind)],
        )
        for word, k, kind in readings
    ]
