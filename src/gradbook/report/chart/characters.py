"""Draws a chart in characters: dots of Braille, or letters where a terminal has nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import ceil, isnan
from string import ascii_lowercase, ascii_uppercase

from gradbook.report.chart.curves import Chart, few, spread, thinned, tick_text
from gradbook.report.words import Span, TextLine

LETTERS = ascii_lowercase + ascii_uppercase
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille cell, row by row
LEAST_WIDTH = 24


def chart_lines(
    chart: Chart, width: int, height: int, *, ascii_only: bool = False
) -> list[TextLine]:
    """The chart in so many columns and rows, axis and title not counted among the rows."""
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
    for mark, curve in zip(marks, chart.curves, strict=True):
        epochs, values = thinned(curve.values, 8 * canvas.width)
        across = map(chart.across, epochs)
        canvas.draw(list(zip(across, map(chart.height, values), strict=True)), mark, curve.colour)
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
    places = spread(wanted, 1.0, 0.0, rows - 1.0)
    return {
        round(place): [Span(labels[k], chart.curves[k].colour)]
        for k, place in zip(named, places, strict=True)
    }


def _counts(chart: Chart, width: int) -> str:
    """The named epochs under their places, and the word."""
    line = [" "] * (width + 8)
    free = 0
    for count in chart.counts:
        word = str(count) if count > 1 else "epoch 1"
        at = round(chart.across(count) * (width - 1))
        at = max(0, min(at - len(word) // 2, width - len(word)))
        if at >= free:
            line[at : at + len(word)] = word
            free = at + len(word) + 1
    return "".join(line).rstrip()


@dataclass
class _Canvas:
    """Cells of characters, each of 2 × 4 dots or of one."""

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
        cells = [self._cell((row, column)) for column in range(self.width)]
        runs = groupby(cells, lambda cell: cell[1])
        return [Span("".join(mark for mark, _ in run), colour) for colour, run in runs]

    def _cell(self, cell: tuple[int, int]) -> tuple[str, str]:
        """What stands in it, and its colour."""
        mark, colour = self.inks.get(cell, (" ", ""))
        return (chr(0x2800 + self.dots[cell]) if cell in self.dots else mark), colour
