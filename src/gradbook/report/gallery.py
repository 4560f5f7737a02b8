"""Images with what was read, what they are, and how sure the network was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gradbook.data.images import Images
from gradbook.lab.models.answers import Answers, Places
from gradbook.report.amounts import sureness
from gradbook.report.confusion import pair
from gradbook.report.page import text
from gradbook.report.pixels import picture

BAR_HEIGHT = 3


def cards(made: Iterable[str]) -> str:
    """Cards side by side; nothing where there are none."""
    together = "\n".join(made)
    return f'<ol class="gallery">\n{together}\n</ol>' if together else ""


def card(pixels: NDArray[np.uint8], place: int, what: str, lines: str, kind: str = "") -> str:
    """The test image of that place, what it is in words, and lines of a list below it."""
    return (
        f'<li{kind}><img src="{picture(pixels)}" alt="test image {place + 1:,}: {text(what)}" '
        f'title="image {place + 1:,}">\n<dl>{lines}</dl></li>'
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
    lines = "".join(_lines(answers, place, classes))
    return card(images.pixels[place], place, what, lines, f'{anchor} data-kind="{name}"')


def _lines(answers: Answers, place: int, classes: Sequence[str]) -> Iterator[str]:
    """What was read, what it is where that is something else, and the runner-up."""
    shown, read = int(answers.labels[place]), int(answers.read[place])
    runner_up = int(answers.runner_up[place])
    said = answers.probabilities[place]
    yield _line("read", classes[read], float(said[read]), "good" if read == shown else "bad")
    if shown != read:
        yield _line("is", classes[shown], float(said[shown]), "good")
    if runner_up not in (shown, read):
        yield _line("next", classes[runner_up], float(said[runner_up]), "other")


def _line(word: str, name: str, probability: float, kind: str) -> str:
    width = round(100 * float(np.nan_to_num(probability)), 1)
    bar = (
        f'<svg class="sure" viewBox="0 0 100 {BAR_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect class="{kind}" width="{width:g}" height="{BAR_HEIGHT}"/></svg>'
    )
    return (
        f'<div><dt title="{text(name)}">{word} <b>{text(name)}</b></dt>'
        f"<dd>{sureness(probability)}{bar}</dd></div>"
    )
