"""Puts the names of weights on their lines, where none meets another or a foreign line."""

from __future__ import annotations

from collections.abc import Sequence
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
        tried = [
            replace(label, centre=line.point(fractions[row % 2]), on_line=True)
            for line, label, row in zip(lines, labels, rows, strict=True)
        ]
        found = min(_room(tried, lines, most_room), ROOMY)
        if found > most_room:
            best, most_room = tried, found
    return best


def _room(labels: Sequence[Label], lines: Sequence[Line], enough: float) -> float:
    """The least room around any label, or 0 once it is clear that it's no more than `enough`."""
    boxes = [label.box for label in labels]
    room = ROOMY + LABEL_GAP
    for k, box in enumerate(boxes):
        if box.left < lines[k].start[0] + LABEL_GAP or box.right > lines[k].end[0] - LABEL_GAP:
            return 0
        between_labels = min((box.gap(other) for other in boxes[:k]), default=room) - LABEL_GAP
        others = (line for j, line in enumerate(lines) if j != k)
        between_lines = min((_line_gap(box, line) for line in others), default=room) - LINE_GAP
        room = min(room, between_labels, between_lines)
        if room <= enough:
            return 0
    return room


def _line_gap(box: Box, line: Line) -> float:
    """How far a line passes above or below a box; negative where it runs through."""
    heights = line.height_at(box.left), line.height_at(box.right)
    return max(box.top - max(heights), min(heights) - box.bottom)
