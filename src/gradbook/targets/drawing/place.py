"""Gives one stage its size and its shapes: a column of units, or a stack of planes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gradbook.graph.names import Name
from gradbook.palette import QUIET, colour_of
from gradbook.targets.drawing.shapes import Box, Label, Plane, Point, Polyline, Shape, Unit, ems
from gradbook.targets.drawing.spacing import ColumnSize, PlacedColumn
from gradbook.targets.drawing.stages import Link, Marked, Neuron, Planes, Stage, UnitColumn

RADIUS, SMALL_RADIUS = 26.0, 12.0
PADDING = 11.0  # beside a name in its circle
ABOVE = 7.0  # between a circle and the small one above it
DOT, DOT_STEP = 1.5, 6.0
ROW = 18.0  # of a label beside a line
LABEL_PAD = 4.0  # between a label and its line

MOST_PLANES, PLANE_STEP = 5, 8.0
SIDE_OF_ONE, MOST_SIDE = 25.0, 150.0  # a plane's side grows as the root of its places
MOST_RULED = 8
NAMES_APART = 10.0


@dataclass(frozen=True)
class PlacedStage:
    """Where a stage stands: its room, where lines reach its units or planes, and their heights."""

    stage: Stage
    column: PlacedColumn
    right: float
    edges: tuple[float, float]
    shapes: tuple[Shape, ...]
    phrases: tuple[str, ...]  # written below it
    heights: dict[int, float] = field(default_factory=dict)
    front: Box | None = None

    @property
    def left(self) -> float:
        return self.column.left

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    def arriving(self, y: float) -> tuple[Point, Point]:
        """How a line comes in at a height, past whatever stands out above a unit."""
        return (self.left, y), (self.edges[0], y)

    def leaving(self, y: float) -> tuple[Point, Point]:
        return (self.edges[1], y), (self.right, y)


def measured(stage: Stage, after: Stage | None, gap: float, caption: float) -> ColumnSize:
    """What a stage takes, with the labels of the lines that lead to the one after it."""
    size = ColumnSize(_width(stage), gap=gap, caption=caption)
    if not isinstance(stage, UnitColumn):
        return size
    has_above = any(cell and cell.above for cell in stage.cells)
    size = replace(
        size,
        before=RADIUS + (ABOVE + 2 * SMALL_RADIUS if has_above else 0),
        after=RADIUS,
        cells=tuple(cell is not None for cell in stage.cells),
        follows=stage.link is Link.EACH,
    )
    if not (isinstance(after, UnitColumn) and after.weight):
        return size
    labels = [
        weight_label(after, goal.place, it.place) for goal in units(after) for it in units(stage)
    ]
    label = max(label.width for label in labels) + 2 * LABEL_PAD
    return replace(size, fan=len(units(after)), label=(label, ROW))


def units(stage: UnitColumn) -> list[Neuron]:
    """Those that are drawn."""
    return [cell for cell in stage.cells if cell]


def weight_label(stage: UnitColumn, place: int, before: int) -> Label:
    assert stage.weight
    return replace(name_label(stage.weight(place, before), SMALL_SIZE), is_left=True)


def phrases(stage: Stage, before: Stage | None) -> tuple[str, ...]:
    """A stage's words, and its weights where not every one of them has a line of its own."""
    drawn = [isinstance(it, UnitColumn) and None not in it.cells for it in (stage, before)]
    return (*stage.words, *([stage.weights] if stage.weights and not all(drawn) else []))


def longest_word(said: Sequence[str]) -> float:
    """How wide it is, and so the least that words in lines take."""
    return max((ems(word) * WORD_SIZE for phrase in said for word in phrase.split()), default=0.0)


def place(stage: Stage, column: PlacedColumn, said: tuple[str, ...]) -> PlacedStage:
    """The stage in its place, around the height 0, over what is said of it."""
    if isinstance(stage, UnitColumn):
        return _column(stage, column, said)
    return _stack(stage, column, said)


def _width(stage: Stage) -> float:
    if isinstance(stage, Planes):
        names = [label.width for label in _plane_names(stage)]
        shape = words(_shape_words(stage), (0, 0)).width
        written = sum(names) + NAMES_APART * (len(names) - 1)
        return max(_planes_width(stage), written, shape)
    above = (2 * _above_half(cell.above) for cell in units(stage) if cell.above)
    missing = words(_missing(stage), (0, 0)).width if None in stage.cells else 0
    return max(2 * _half(stage), missing, *above)


def _half(stage: UnitColumn) -> float:
    """Half the width of its units."""
    labels = [_names(cell) for cell in units(stage)]
    widths = (len(names) * (max(label.width for label in names) + PADDING) for names in labels)
    return max(RADIUS, max(widths) / 2)


def _column(stage: UnitColumn, column: PlacedColumn, said: tuple[str, ...]) -> PlacedStage:
    half, width = _half(stage), _width(stage)
    x = column.left + width / 2
    heights: dict[int, float] = {}
    shapes: list[Shape] = []
    for cell, y in zip(stage.cells, column.across, strict=True):
        if cell:
            heights[cell.place] = y
            shapes += [*_above(cell.above, (x, y)), *_unit((x, y), half, _names(cell))]
        else:
            shapes += _left_out((x, y), stage)
    edges = (x - half, x + half)
    return PlacedStage(stage, column, column.left + width, edges, tuple(shapes), said, heights)


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


def _above_half(mark: Marked) -> float:
    return max(SMALL_RADIUS, name_label(mark, SMALL_SIZE).width / 2 + 7)


def _above(mark: Marked | None, below: Point) -> Iterator[Shape]:
    """The small circle of a bias or a target."""
    if mark:
        label = name_label(mark, SMALL_SIZE)
        x, y = below[0], below[1] - RADIUS - ABOVE - SMALL_RADIUS
        yield Polyline(((x, y + SMALL_RADIUS), (x, below[1] - RADIUS)), label.colour)
        yield Unit((x, y), _above_half(mark), SMALL_RADIUS, (label.colour,))
        yield label.at((x, y))


def _missing(stage: UnitColumn) -> str:
    return f"{stage.count - len(units(stage)):,} more"


def _left_out(centre: Point, stage: UnitColumn) -> Iterator[Shape]:
    x, y = centre[0], centre[1] - 18
    yield from (Unit((x, y + k * DOT_STEP), DOT, DOT, (QUIET,)) for k in (-1, 0, 1))
    yield words(_missing(stage), (x, y + 20))


def _stack(stage: Planes, column: PlacedColumn, said: tuple[str, ...]) -> PlacedStage:
    channels, rows, columns = stage.shape
    height, width, back = _side(rows), _side(columns), _back(stage)
    colour = colour_of(stage.names[-1].stem)
    ruled = (rows, columns) if max(rows, columns) <= MOST_RULED else (1, 1)
    middle = column.left + _width(stage) / 2
    left = middle - (width + back) / 2
    front = Box(left, (back - height) / 2, left + width, (back + height) / 2)
    steps = [PLANE_STEP * k for k in reversed(range(min(channels, MOST_PLANES)))]
    sheets = [Plane(front, colour, ruled).moved((step, -step)) for step in steps]
    shape = words(_shape_words(stage), (middle, front.bottom + 14))
    names = _side_by_side(stage, (middle, front.top - back - NAME_SIZE * 0.85))
    right = column.left + _width(stage)
    shapes: tuple[Shape, ...] = (*sheets, *names, shape)
    return PlacedStage(stage, column, right, (left, left + width + back), shapes, said, front=front)


def _back(stage: Planes) -> float:
    """How far the hindmost is up and to the right."""
    return (min(stage.shape[0], MOST_PLANES) - 1) * PLANE_STEP


def _planes_width(stage: Planes) -> float:
    return _side(stage.shape[2]) + _back(stage)


def _shape_words(stage: Planes) -> str:
    channels, rows, columns = stage.shape
    return f"{channels}@{rows}x{columns}"


def _plane_names(stage: Planes) -> list[Label]:
    return [name_label(Marked(name), NAME_SIZE) for name in stage.names]


def _side_by_side(stage: Planes, centre: Point) -> Iterator[Label]:
    labels = _plane_names(stage)
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
