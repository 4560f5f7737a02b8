"""Puts the names of weights on their lines, where none meets another or a foreign line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from gradbook.targets.drawing.shapes import Box, Label, Line

MOST_LABELS = 48  # between two columns; more than that nobody reads
LABEL_GAP, LINE_GAP = 3.0, 1.5  # the least that reads well
ROOMY = 4.0  # more room than this is no better
FRACTIONS = (0.66, 0.6, 0.72, 0.54, 0.78, 0.48, 0.83, 0.4, 0.32, 0.26)


def placed(lines: Sequence[Line], labels: Sequence[Label], rows: Sequence[int]) -> list[Label]:
    """The labels, each on its own line; none at all where they would not fit.

    All stand at one fraction of the way, or those of even and odd `rows` at two, so that the
    eye finds them in a column each. Of the ways that fit the roomiest is taken.
    """
    if not labels or len(labels) > MOST_LABELS:
        return []
    best: list[Label] = []
    most_room = 0.0
    for fractions in [(f, f) for f in FRACTIONS] + list(combinations(FRACTIONS, 2)):
        centres = [line.point(fractions[row % 2]) for line, row in zip(lines, rows, strict=True)]
        boxes = (label.at(centre).box for label, centre in zip(labels, centres, strict=True))
        room = _room(boxes, lines, most_room)
        if room > most_room:
            most_room = room
            best = [
                replace(label, centre=centre, on_line=True)
                for label, centre in zip(labels, centres, strict=True)
            ]
    return best


def _room(boxes: Iterable[Box], lines: Sequence[Line], enough: float) -> float:
    """The least room around any label, or 0 once it is clear that it's no more than `enough`."""
    room = ROOMY
    before: list[Box] = []
    for line, box in zip(lines, boxes, strict=True):
        ends = min(box.left - line.start[0], line.end[0] - box.right)
        labels = min((box.gap(other) for other in before), default=room + LABEL_GAP)
        others = (other for other in lines if other is not line)
        foreign = min((_line_gap(box, other) for other in others), default=room + LINE_GAP)
        room = min(room, ends - LABEL_GAP, labels - LABEL_GAP, foreign - LINE_GAP)
        if room <= enough:
            return 0
        before.append(box)
    return room


def _line_gap(box: Box, line: Line) -> float:
    """How far a line passes above or below a box; negative where it runs through."""
    heights = line.height_at(box.left), line.height_at(box.right)
    return max(box.top - max(heights), min(heights) - box.bottom)
