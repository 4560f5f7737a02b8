"""Gives one stage its shapes: a column of units, or a stack of planes, around the height 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gradbook.graph.names import Name
from gradbook.palette import QUIET, colour_of
from gradbook.targets.drawing.shapes import Box, Label, Plane, Point, Segment, Shape, Unit
from gradbook.targets.drawing.stages import Marked, Neuron, Planes, Stage, UnitColumn

RADIUS, SMALL_RADIUS = 26.0, 12.0
PADDING = 11.0  # beside a name in its circle
ABOVE = 7.0  # between a circle and the small one above it
ROOM_ABOVE = 2 * (RADIUS + SMALL_RADIUS) + ABOVE + 12  # from unit to unit where there are such
LEFT_OUT = 0.7  # of a unit's room goes to those left out
DOT, DOT_STEP = 1.5, 6.0

MOST_PLANES, PLANE_STEP = 5, 8.0
SIDE_OF_ONE, MOST_SIDE = 25.0, 150.0  # a plane's side grows as the root of its places
MOST_RULED = 8
NAMES_APART = 10.0


@dataclass(frozen=True)
class PlacedStage:
    """Where a stage stands: its edges, the heights of its units or the foremost of its planes."""

    stage: Stage
    left: float
    right: float
    shapes: tuple[Shape, ...]
    heights: dict[int, float] = field(default_factory=dict)
    front: Box | None = None

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def upper(self) -> float:
        """Where a line from above ends: behind the first unit, or over the planes' name."""
        if self.heights:
            return min(self.heights.values())
        return min(shape.box.top for shape in self.shapes)


def place(stage: Stage, left: float, room: float) -> PlacedStage:
    """The stage with its left edge at `left` and `room` from each unit to the next."""
    return _column(stage, left, room) if isinstance(stage, UnitColumn) else _stack(stage, left)


def least_room(stage: Stage) -> float:
    """From unit to unit, so that small circles above them have their place."""
    has_above = isinstance(stage, UnitColumn) and any(cell and cell.above for cell in stage.cells)
    return ROOM_ABOVE if has_above else 0


def _column(stage: UnitColumn, left: float, room: float) -> PlacedStage:
    labels = [_names(cell) for cell in stage.cells if cell]
    widths = (len(names) * (max(label.width for label in names) + PADDING) for names in labels)
    half = max(RADIUS, max(widths) / 2)
    heights: dict[int, float] = {}
    shapes: list[Shape] = []
    for cell, y in _spots(stage, room):
        centre = (left + half, y)
        if cell:
            heights[cell.place] = y
            shapes += [*_above(cell.above, centre), *_unit(centre, half, _names(cell))]
        else:
            shapes += _left_out(centre, stage)
    return PlacedStage(stage, left, left + 2 * half, tuple(shapes), heights)


def _spots(stage: UnitColumn, room: float) -> Iterator[tuple[Neuron | None, float]]:
    rooms = [room if cell else LEFT_OUT * room for cell in stage.cells]
    steps = [0.0, *((one + next_one) / 2 for one, next_one in pairwise(rooms))]
    y = -sum(steps) / 2
    for cell, step in zip(stage.cells, steps, strict=True):
        y += step
        yield cell, y


def _names(cell: Neuron) -> list[Label]:
    first, *others = cell.names
    marks = [Marked(first, cell.value), *map(Marked, others)]
    return [name_label(mark, NAME_SIZE) for mark in marks]


def _unit(centre: Point, half: float, names: Sequence[Label]) -> Iterator[Shape]:
    x, y = centre
    yield Unit(centre, half, RADIUS, tuple(label.colour for label in names))
    if len(names) == 1:
        yield names[0].at(centre)
    else:  # each in the middle of its half, a little away from the round end
        yield from (
            label.at((x + side * (half / 2 - 2), y))
            for label, side in zip(names, (-1, 1), strict=True)
        )


def _above(mark: Marked | None, below: Point) -> Iterator[Shape]:
    """The small circle of a bias or a target."""
    if mark:
        label = name_label(mark, SMALL_SIZE)
        x, y = below[0], below[1] - RADIUS - ABOVE - SMALL_RADIUS
        yield Segment((x, y), below, label.colour)
        half = max(SMALL_RADIUS, label.width / 2 + 7)
        yield Unit((x, y), half, SMALL_RADIUS, (label.colour,))
        yield label.at((x, y))


def _left_out(centre: Point, stage: UnitColumn) -> Iterator[Shape]:
    x, y = centre[0], centre[1] - 18
    yield from (Unit((x, y + k * DOT_STEP), DOT, DOT, (QUIET,)) for k in (-1, 0, 1))
    missing = stage.count - sum(cell is not None for cell in stage.cells)
    yield words(f"{missing:,} more", (x, y + 20))


def _stack(stage: Planes, left: float) -> PlacedStage:
    channels, rows, columns = stage.shape
    height, width = _side(rows), _side(columns)
    back = (min(channels, MOST_PLANES) - 1) * PLANE_STEP  # the hindmost is up and to the right
    colour = colour_of(stage.names[-1].stem)
    ruled = (rows, columns) if max(rows, columns) <= MOST_RULED else (1, 1)
    front = Box(left, (back - height) / 2, left + width, (back + height) / 2)
    steps = [PLANE_STEP * k for k in reversed(range(min(channels, MOST_PLANES)))]
    sheets = [Plane(front, colour, ruled).moved((step, -step)) for step in steps]
    middle = left + (width + back) / 2
    shape = words(f"{channels}@{rows}x{columns}", (middle, front.bottom + 14))
    names = _side_by_side(stage, (middle, front.top - back - NAME_SIZE * 0.85))
    return PlacedStage(stage, left, left + width + back, (*sheets, *names, shape), front=front)


def _side_by_side(stage: Planes, centre: Point) -> Iterator[Label]:
    labels = [name_label(Marked(name), NAME_SIZE) for name in stage.names]
    x = centre[0] - (sum(label.width for label in labels) + NAMES_APART * (len(labels) - 1)) / 2
    for label in labels:
        yield label.at((x + label.width / 2, centre[1]))
        x += label.width + NAMES_APART


def _side(places: int) -> float:
    return float(min(MOST_SIDE, SIDE_OF_ONE * places**0.5))


NAME_SIZE, SMALL_SIZE, WORD_SIZE = 16.0, 13.5, 12.5


# What is written: names with their subscripts, numbers, words ----------------


def name_label(mark: Marked, size: float) -> Label:
    """A name, and its number where it is to be shown."""
    text, subscript = spelled(mark.name)
    number = "" if mark.value is None else f"{mark.value:.4g}".replace("-", "−")
    return Label(text, size, colour_of(mark.name.stem), subscript, number)


def spelled(name: Name) -> tuple[str, str]:
    """A name as it is set: its letter, and what stands below the line after it."""
    if name.of:
        return name.stem, "".join(spelled(name.of))
    numbers = ([] if name.layer is None else [name.layer]) + list(name.index)
    return name.stem, name.word + ",".join(map(str, numbers))


def words(text: str, centre: Point) -> Label:
    return Label(text, WORD_SIZE, QUIET, is_name=False, centre=centre)
