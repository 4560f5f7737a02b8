"""The loss of a checked program over its run, as written and corrected, as a drawing.

Knows nothing of what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from gradbook.audit.programs.program_report import ProgramLoss
from gradbook.language import numeral, tr
from gradbook.report.page_shell import text
from gradbook.report.program_words import PLAIN, loss_value, nice_step

MOST_POINTS = 240  # of a curve
LEFT, TOP, FOOT, LABEL = 36, 8, 18, 118  # around the curves, in pixels
APART = 32  # pixels between the labels of two curves
TALLEST = 4.0  # times the first loss: higher values are cut off
LEAST = 1e-300

Course = Sequence[float]


@dataclass(frozen=True)
class _Axis:
    """Heights of losses: from 0, or from a negative loss, in steps."""

    bottom: float  # pixels
    low: float
    high: float
    step: float

    @classmethod
    def of(cls, courses: Sequence[Course], bottom: float) -> _Axis:
        finite = [it for course in courses for it in course if isfinite(it)]
        cap = TALLEST * max(abs(finite[0]) if finite else 1.0, LEAST)
        highest = min(max(finite, default=1.0), cap)
        lowest = max(min(finite, default=0.0), -cap)
        step = nice_step(max(highest, -lowest) or 1.0)
        low = -2 * step if lowest < 0 else 0.0
        return cls(bottom, low, 2 * step if highest > 0 or low == 0 else 0.0, step)

    def y(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - TOP)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Three levels in words."""
        digits = (f"{it:.10g}".partition(".")[2] for it in (self.step, 2 * self.step))
        decimals = max(map(len, digits))
        middle = (self.low + self.high) / 2
        for tick in (self.low, middle, self.high):
            is_plain = PLAIN[0] <= self.step < PLAIN[1]
            words = f"{tick:.{decimals}f}" if is_plain else f"{tick:.3g}"
            yield tick, numeral(words.replace("-", "−"))


def course_svg(loss: ProgramLoss, size: tuple[int, int], tone: str, in_epochs: bool) -> str:
    """Both courses, or one in its tone."""
    width, height = size
    right = width - LABEL
    courses = [(tone, "", loss.course)]
    if loss.corrected_course:
        made, mended = tr("as written"), tr("corrected")
        courses = [("made", made, loss.course), ("mended", mended, loss.corrected_course)]
    axis = _Axis.of([course for _, _, course in courses], height - FOOT)
    drawn = []
    for tick, words in axis.ticks():
        y = axis.y(tick)
        drawn.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    ends = [axis.y(it[-1]) if isfinite(it[-1]) else TOP for _, _, it in courses]
    for (kind, words, course), end, label in zip(courses, ends, _apart(ends, axis), strict=True):
        drawn.append(f'<path class="{kind}" d="{_path(course, right, axis)}"/>')
        drawn.append(f'<circle class="{kind}" cx="{right}" cy="{end:.1f}" r="4"/>')
        drawn.append(_label(kind, words, course[-1], right + 10, label))
    count = len(loss.course)
    epoch = tr("epoch {number}", number=count) if in_epochs else tr("step {number}", number=count)
    drawn.append(f'<text x="{LEFT}" y="{height - 3}">0</text>')
    drawn.append(f'<text x="{right}" y="{height - 3}" text-anchor="end">{text(epoch)}</text>')
    spoken = "; ".join(
        f"{words or tr('loss')}: {loss_value(course[0])} → {loss_value(course[-1])}"
        for _, words, course in courses
    )
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{text(spoken)}">{"".join(drawn)}</svg>'
    )


def _apart(ends: Sequence[float], axis: _Axis) -> list[float]:
    """Where the labels of curves are, which mustn't overlap."""
    labels = list(ends)
    if len(ends) == 2 and abs(ends[0] - ends[1]) < APART:
        middle = min(max(sum(ends) / 2, TOP + APART / 2), axis.bottom - APART / 2)
        upper = ends.index(min(ends))
        labels[upper], labels[1 - upper] = middle - APART / 2, middle + APART / 2
    return labels


def _label(kind: str, words: str, last: float, x: float, y: float) -> str:
    value = loss_value(last)
    if not words:
        return f'<text class="{kind} bold" x="{x}" y="{y + 4:.1f}">{value}</text>'
    return (
        f'<text class="{kind}" x="{x}" y="{y - 2:.1f}"><tspan>{text(words)}</tspan>'
        f'<tspan class="bold" x="{x}" dy="15">{value}</tspan></text>'
    )


def _path(course: Course, right: float, axis: _Axis) -> str:
    """At most so many points, the last among them; a gap where there is no number."""
    every = max(len(course) // MOST_POINTS, 1)
    places = sorted({*range(0, len(course), every), len(course) - 1})
    pieces: list[str] = []
    is_begun = False
    for place in places:
        value = course[place]
        if isnan(value):
            is_begun = False
            continue
        x = LEFT + (right - LEFT) * place / (len(course) - 1)
        pieces.append(f"{'L' if is_begun else 'M'}{x:.1f},{axis.y(value):.1f}")
        is_begun = True
    return "".join(pieces)
