"""Charts of curves over epochs: scales, the visible range, positions, and charts in characters.

Knows values and places, but not what is trained; `figures` draws the same as pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby, pairwise
from math import ceil, floor, inf, isnan, log10
from string import ascii_lowercase, ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import short
from gradbook.language import mark, numeral, tr
from gradbook.report.styled_text import Span, TextLine

# Scales -----------------------------------------------------------------------

Array = NDArray[np.float64]

DECADES_DOWN, DECADES_UP = 12, 6  # shown below and above where the curves begin
EXTREMES = (1e-290, 1e290)  # beyond these, arithmetic overflows
MOST_TICKS = 7
ROOM = 1.06  # headroom above the highest value of a linear axis
NOTCHES = (1, 2, 5, 10)
MISSING = (1, 0.5, 0.2)  # from 100 %, times powers of ten: 0 %, 50 %, 80 %, 90 %, 95 %, 98 %, …
FINEST = 7  # decades


class Scale:
    """An axis: it maps values to places, which are heights in its own units. This one is linear
    from 0, as for a learning rate.

    An infinite place lies outside every chart; NaN isn't drawn.
    """

    words = ""  # for screen readers

    def place(self, value: float) -> float:
        """Where a value lies."""
        return value

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        """The lowest and the highest place shown of curves that begin at `firsts`."""
        highest = float(max(values[np.isfinite(values)], default=1.0))
        return 0.0, highest * ROOM if highest > EXTREMES[0] else 1.0

    def levels(self, low: float, high: float) -> list[float]:
        """The values labelled on an axis between these places."""
        step = notch((high - low) / 5, down=False)
        return [step * k for k in range(ceil(low / step), floor(high / step + 1e-9) + 1)]

    def tick(self, value: float) -> tuple[str, str]:
        """A level in words: ("0.01", ""), or a power of ten with its exponent, ("10", "−6")."""
        return f"{value:g}", ""


class Log(Scale):
    """Logarithmic, as for a loss."""

    words = mark("on a log scale")

    def place(self, value: float) -> float:
        if isnan(value):
            return value
        return log10(value) if 0 < value < inf else (inf if value > 0 else -inf)

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        shown = np.clip(values[np.isfinite(values) & (values > 0)], *EXTREMES)
        lowest = float(min(shown, default=1.0))
        start = next((first for first in firsts if 0 < first < inf), lowest)
        start = min(max(start, EXTREMES[0]), EXTREMES[1])
        low = max(lowest, start * 10.0**-DECADES_DOWN)
        high = min(max(shown, default=start), start * 10.0**DECADES_UP)
        return log10(notch(low, down=True)), log10(notch(high, down=False))

    def levels(self, low: float, high: float) -> list[float]:
        powers = range(ceil(low - 1e-9), floor(high + 1e-9) + 1)
        if len(powers) >= 3:
            step = ceil(len(powers) / MOST_TICKS)
            return [10.0**power for power in powers if power % step == 0]
        decades = range(floor(low), ceil(high) + 1)
        notches = (notch * 10.0**power for power in decades for notch in NOTCHES[:-1])
        return [value for value in notches if low - 1e-9 <= log10(value) <= high + 1e-9]

    def tick(self, value: float) -> tuple[str, str]:
        if 0.001 <= value < 10_000:
            return f"{value:g}", ""
        power = floor(log10(value) + 1e-9)
        lead = round(value / 10.0**power)
        return ("10" if lead == 1 else f"{lead}·10"), str(power)


class Towards(Scale):
    """Shares, spread out towards 100 %: from 99 % to 99.9 % is as far as from 90 % to 99 %.

    100 % itself lies beyond every chart.
    """

    words = mark("spread out towards 100 %")

    def place(self, value: float) -> float:
        if isnan(value):
            return value
        return -log10(1 - value) if value < 1 else inf

    def ends(self, values: Array, firsts: Sequence[float]) -> tuple[float, float]:
        shown = values[np.isfinite(values) & (values < 1)]
        low, high = min(shown, default=0.9), max(shown, default=0.99)
        *notches, finest = self._notches()
        below = max(level for level in notches if level <= max(low, 0.0))
        above = next((level for level in notches if level > high), finest)
        return self.place(below), self.place(above)

    def levels(self, low: float, high: float) -> list[float]:
        notches = [x for x in self._notches() if low - 1e-9 <= self.place(x) <= high + 1e-9]
        decades = [x for x in notches if abs(self.place(x) - round(self.place(x))) < 1e-6]
        return notches if len(notches) <= MOST_TICKS + 1 else decades

    def tick(self, value: float) -> tuple[str, str]:
        return f"{100 * value:.10g} %", ""

    @staticmethod
    def _notches() -> list[float]:
        return [1 - m * 10.0**-power for power in range(FINEST + 1) for m in MISSING]


LOG, EVEN, TOWARDS = Log(), Scale(), Towards()


def notch(value: float, *, down: bool) -> float:
    """The next 1, 2 or 5 times a power of ten, and never the value itself."""
    unit = 10.0 ** floor(log10(value))
    notches = [unit / 2, *(unit * notch for notch in NOTCHES), unit * 20]
    if down:
        return max(notch for notch in notches if notch < value * (1 - 1e-9))
    return min(notch for notch in notches if notch > value * (1 + 1e-9))


# Curves -----------------------------------------------------------------------

FIVE_DIGITS = partial(short, digits=5)
MOST_POINTS = 1_500  # of a curve in a picture, or to be read one by one


@dataclass(frozen=True)
class Curve:
    """One value per epoch, from epoch 1."""

    label: str
    values: Array
    colour: str
    steps: Array | None = None  # drawn instead: equally many values per epoch, the last at its end

    def points(self, most: int) -> tuple[list[float], list[float]]:
        """The epochs and values of at most so many points."""
        if self.steps is None:
            places, values = thin(self.values, most)
            return [float(place) for place in places], values
        places, values = thin(self.steps, most)
        return [place * len(self.values) / len(self.steps) for place in places], values


@dataclass(frozen=True)
class Chart:
    """Curves that share their axes."""

    title: str
    curves: tuple[Curve, ...]
    labels: str = ""  # what the curves' labels are
    scale: Scale = LOG
    measure: str = mark("loss")
    spell: Callable[[float], str] = FIVE_DIGITS

    @cached_property
    def epochs(self) -> int:
        return max(len(curve.values) for curve in self.curves)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest place shown, in the scale's units."""
        drawn = [curve.steps for curve in self.curves if curve.steps is not None]
        values = np.concatenate([*(curve.values for curve in self.curves), *drawn])
        return self.scale.ends(values, [float(curve.values[0]) for curve in self.curves])

    @property
    def first(self) -> int:
        """The epoch at the left edge; steps begin before the first one ends."""
        return 0 if any(curve.steps is not None for curve in self.curves) else 1

    def across(self, epoch: float) -> float:
        """0 at the first epoch, 1 at the last."""
        return (epoch - self.first) / max(self.epochs - self.first, 1)

    def height(self, value: float) -> float:
        """0 at the lower edge, 1 at the upper one, less or more outside; NaN without a value."""
        low, high = self.ends
        return (self.scale.place(value) - low) / (high - low)

    def end(self, curve: Curve) -> float:
        """A curve's height at its end, or at its last value that isn't NaN."""
        heights = (self.height(value) for value in reversed(curve.values.tolist()))
        return next((height for height in heights if not isnan(height)), 1.0)

    def label(self, curve: Curve, down: str = "↓", up: str = "↑") -> str:
        """Its name, with an arrow if its end lies outside the chart."""
        end = self.end(curve)
        arrow = down if end < 0 else up if end > 1 else ""
        return f"{curve.label} {arrow}".rstrip()

    @property
    def levels(self) -> list[float]:
        """The values labelled on the vertical axis."""
        return self.scale.levels(*self.ends)

    @property
    def counts(self) -> list[int]:
        """The epochs labelled on the horizontal axis: the first, and round ones."""
        step = ceil(notch(max(self.epochs - 1, 1) / MOST_TICKS, down=False))
        round_ones = [count for count in range(step, self.epochs + 1, step) if count > 1 + step / 3]
        return [self.first, *([1] if self.first == 0 and step == 1 else []), *round_ones]


def thin(values: Array, most: int) -> tuple[list[int], list[float]]:
    """Return at most so many epochs and values, keeping each stretch's lowest and highest."""
    if len(values) <= most:
        return list(range(1, len(values) + 1)), values.tolist()
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), max(1, most // 2 - 1)):
        heights = np.nan_to_num(values[part], nan=inf)
        kept |= {int(part[heights.argmin()]), int(part[heights.argmax()])}
    places = sorted(kept)
    return [place + 1 for place in places], values[places].tolist()


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places from `low` to `high`, near the wanted ones, in their order and a gap apart."""
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    places: list[float] = []
    for k in order:
        place = min(max(wanted[k], low), high)
        places.append(max(place, places[-1] + gap) if places else place)
    bound = high
    for k in reversed(range(len(places))):
        places[k] = bound = min(places[k], bound)
        bound -= gap
    return [places[order.index(k)] for k in range(len(wanted))]


def few(count: int, most: int) -> list[int]:
    """Return at most so many numbers below `count`, evenly spaced, the first and last included."""
    if count <= most:
        return list(range(count))
    return sorted({round(k * (count - 1) / max(most - 1, 1)) for k in range(most)})


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tick_text(scale: Scale, level: float, ascii_only: bool = False) -> str:
    """0.01, 99.5 %, 10⁻⁶, or 1e-06 in ASCII."""
    base, power = scale.tick(level)
    if ascii_only and power:
        return f"{level:.0e}"
    return numeral(base) + power.translate(SUPERSCRIPTS)


# In characters ----------------------------------------------------------------

LETTERS = ascii_lowercase + ascii_uppercase
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille cell, row by row
LEAST_WIDTH = 24


def chart_lines(
    chart: Chart, width: int, height: int, *, ascii_only: bool = False
) -> list[TextLine]:
    """The chart in so many columns and rows; the rows of the axis and the title come on top."""
    marks = [LETTERS[k % len(LETTERS)] * ascii_only for k in range(len(chart.curves))]
    arrows = "v^" if ascii_only else "↓↑"
    labels = [
        f"{mark} {chart.label(curve, *arrows)}".lstrip()
        for mark, curve in zip(marks, chart.curves, strict=True)
    ]
    levels = {
        _row(chart.height(level), height): tick_text(chart.scale, level, ascii_only)
        for level in chart.levels
    }
    gutter = max(map(len, levels.values()), default=0) + 1
    margin = max(map(len, labels)) + 1
    canvas = _Canvas(
        max(width - gutter - margin - 1, LEAST_WIDTH),
        height,
        1 if ascii_only else 2,
        1 if ascii_only else 4,
    )
    for sign, curve in zip(marks, chart.curves, strict=True):
        epochs, values = thin(curve.values, 8 * canvas.width)
        across = map(chart.across, epochs)
        canvas.draw(list(zip(across, map(chart.height, values), strict=True)), sign, curve.colour)
    beside = _beside(chart, labels, height)
    side, tee, corner, floor = "|++-" if ascii_only else "│┤└─"
    lines: list[TextLine] = [[Span(" " * gutter + chart.title)]]
    for row in range(height):
        axis = f"{levels.get(row, ''):>{gutter - 1}} {tee if row in levels else side}"
        lines.append([Span(axis), *canvas.row(row), Span(" "), *beside.get(row, [])])
    lines.append([Span(" " * gutter + corner + floor * canvas.width)])
    lines.append([Span(" " * (gutter + 1) + _counts(chart, canvas.width))])
    return lines


def _row(height: float, rows: int) -> int:
    """The row of a height from 0 to 1; row 0 is the upper one."""
    return min(round((1 - min(max(height, 0.0), 1.0)) * rows - 0.5), rows - 1)


def _beside(chart: Chart, labels: list[str], rows: int) -> dict[int, TextLine]:
    """The labels, each in the row nearest to where its curve ends."""
    named = few(len(labels), rows)
    wanted = [float(_row(chart.end(chart.curves[k]), rows)) for k in named]
    places = spread_out(wanted, 1.0, 0.0, rows - 1.0)
    return {
        round(place): [Span(labels[k], chart.curves[k].colour)]
        for k, place in zip(named, places, strict=True)
    }


def _counts(chart: Chart, width: int) -> str:
    """The line of epoch labels below the axis."""
    line = [" "] * (width + 8)
    free = 0
    for count in chart.counts:
        word = str(count) if count > 1 else tr("epoch {epoch}", epoch=1)
        at = round(chart.across(count) * (width - 1))
        at = max(0, min(at - len(word) // 2, width - len(word)))
        if at >= free:
            line[at : at + len(word)] = word
            free = at + len(word) + 1
    return "".join(line).rstrip()


@dataclass
class _Canvas:
    """Character cells, each of 2 × 4 dots or one."""

    width: int
    height: int
    fine: int  # dots across a cell: 2, or 1 for letters
    down: int  # dots down a cell: 4, or 1 for letters
    dots: dict[tuple[int, int], int] = field(default_factory=dict)
    inks: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)  # (mark, colour)

    def draw(self, points: list[tuple[float, float]], mark: str, colour: str) -> None:
        """Join the points, given from 0 to 1, by lines."""
        columns, rows = self.width * self.fine, self.height * self.down
        placed = [
            (x * (columns - 1), min(max((1 - y) * rows - 0.5, -2.0 * rows), 3.0 * rows))
            for x, y in points
        ]
        for (x, y), (x_next, y_next) in pairwise([*placed, placed[-1]]):
            if isnan(y) or isnan(y_next):
                continue
            steps = ceil(2 * max(abs(x_next - x), abs(y_next - y))) or 1
            for k in range(steps + 1):
                share = k / steps
                self._dot(x + (x_next - x) * share, y + (y_next - y) * share, mark, colour)

    def _dot(self, x: float, y: float, mark: str, colour: str) -> None:
        column, row = round(x), round(y)
        if not 0 <= row < self.height * self.down:
            return
        cell = (row // self.down, column // self.fine)
        if self.fine == 2:
            self.dots[cell] = self.dots.get(cell, 0) | DOTS[row % 4][column % 2]
        self.inks[cell] = (mark, colour)

    def row(self, row: int) -> TextLine:
        cells = []
        for place in ((row, column) for column in range(self.width)):
            mark, colour = self.inks.get(place, (" ", ""))
            cells.append((chr(0x2800 + self.dots[place]) if place in self.dots else mark, colour))
        runs = groupby(cells, lambda cell: cell[1])
        return [Span("".join(mark for mark, _ in run), colour) for colour, run in runs]
