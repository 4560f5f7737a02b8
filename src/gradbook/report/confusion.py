"""What was read as what: a table of heat for a few classes, the commonest mistakes for many."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from gradbook.report.amounts import counted, percent
from gradbook.report.page import text, wide

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

MOST_CLASSES = 40  # of a table
COMMONEST = 30  # mistakes of a list
HEATS = 9  # steps of colour
LONGEST_LEVEL = 3  # characters of a heading that isn't turned
BAR_WIDTH, BAR_HEIGHT = 90, 5


def confusion(counts: Counts, classes: Sequence[str]) -> str:
    """Rows are what the images show, columns what was read."""
    if len(classes) > MOST_CLASSES:
        return _commonest(counts, classes)
    turned = " turned" * any(len(name) > LONGEST_LEVEL for name in classes)
    head = "".join(f'<th scope="col"><span>{text(name)}</span></th>' for name in classes)
    rows = "\n".join(_row(counts, classes, k) for k in range(len(classes)))
    return wide(
        f'<table class="confusion{turned}">\n<thead><tr><td></td>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(counts: Counts, classes: Sequence[str], shown: int) -> str:
    cells = "".join(_cell(counts, classes, shown, read) for read in range(len(classes)))
    return f'<tr><th scope="row">{text(classes[shown])}</th>{cells}</tr>'


def _cell(counts: Counts, classes: Sequence[str], shown: int, read: int) -> str:
    count = int(counts[shown, read])
    if shown == read:
        return f'<td class="right">{count}</td>'
    if not count:
        return '<td class="none">·</td>'
    what = f"{counted(count, 'image')} of {classes[shown]} read as {classes[read]}"
    return (
        f'<td class="h{_heat(counts, count)}"><a href="#{pair(shown, read)}" '
        f'aria-label="{text(what)}" title="{text(what)}">{count}</a></td>'
    )


def pair(shown: int, read: int) -> str:
    """What a mistake is called in the page's links."""
    return f"is-{shown}-read-{read}"


def _heat(counts: Counts, count: int) -> int:
    """From 1 to HEATS; by the root, so that the rare ones are seen."""
    most = int((counts - np.diag(np.diag(counts))).max())
    return ceil(HEATS * sqrt(count / most))


def _commonest(counts: Counts, classes: Sequence[str]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:COMMONEST]
    pairs = [divmod(int(place), len(classes)) for place in order]
    rows = "\n".join(
        f'<tr><th scope="row" class="words">{text(classes[shown])}</th>'
        f'<td class="words">{text(classes[read])}</td><td>{wrong[shown, read]:,}</td></tr>'
        for shown, read in pairs
        if wrong[shown, read]
    )
    return wide(
        '<table class="commonest">\n<thead><tr><th class="words">is</th>'
        f'<th class="words">read as</th><th>images</th></tr></thead>\n<tbody>\n{rows}\n'
        "</tbody>\n</table>"
    )


def by_class(counts: Counts, classes: Sequence[str]) -> str:
    """Each class's images, how many were misread and as what; the worst of many."""
    missed = counts.sum(1) - np.diag(counts)
    shares = missed / np.maximum(counts.sum(1), 1)
    shown = list(range(len(classes)))
    if len(classes) > MOST_CLASSES:
        shown = np.argsort(-shares, kind="stable")[:MOST_CLASSES].tolist()
    rows = "\n".join(_class_row(counts, classes, k, shares) for k in shown)
    return wide(
        '<table class="by-class">\n<thead><tr><th class="words">class</th><th>images</th>'
        '<th>misread</th><th>read right</th><th class="words">mostly as</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _class_row(counts: Counts, classes: Sequence[str], shown: int, shares: Shares) -> str:
    images = int(counts[shown].sum())
    missed = images - int(counts[shown, shown])
    share, worst = float(shares[shown]), float(shares.max())
    right = percent(1 - share, int(counts.sum(1).max())) if images else "–"
    others = counts[shown].copy()
    others[shown] = 0
    mostly = f"{classes[int(others.argmax())]}" if missed else ""
    return (
        f'<tr><th scope="row" class="words">{text(classes[shown])}</th><td>{images:,}</td>'
        f"<td>{missed:,}{_bar(share / worst if worst else 0)}</td><td>{right}</td>"
        f'<td class="words">{text(mostly)}</td></tr>'
    )


def _bar(share: float) -> str:
    """A share of the worst class's."""
    width = round(BAR_WIDTH * share, 1)
    return (
        f'<svg class="share" viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT}" aria-hidden="true">'
        f'<rect x="{BAR_WIDTH - width:g}" width="{width:g}" height="{BAR_HEIGHT}" rx="1.5"/></svg>'
    )
