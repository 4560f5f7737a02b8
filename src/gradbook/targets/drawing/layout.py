"""From a network to its drawing: the places of units, the lines between them, and their labels.

A weight's label directly follows the unit at which its line begins. Each label has its own row, in
the order of the units to which the lines lead. After a column's labels, the lines continue
straight, with nothing in their way: no label can cover a line or another label.

`along` runs from the inputs to the error, `across` from unit to unit of a column, so that the same
rules apply from left to right and from top to bottom. A page that draws networks as they are typed
has the same rules in JavaScript (web/view/spacing.js); a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import inf

from gradbook.graph.names import Name
from gradbook.language import mark, numeral, tr
from gradbook.layers.card import spell
from gradbook.net.network import Net
from gradbook.palette import QUIET, WEIGHT, Colour, colour_of
from gradbook.targets.drawing.shapes import (
    Box,
    Drawing,
    Label,
    Plane,
    Point,
    Polyline,
    Shape,
    Unit,
    WindowFrame,
    drawing,
    ems,
)
from gradbook.targets.drawing.stages import Link, Marked, Neuron, Planes, Stage, UnitColumn, stages

# The rules of every drawing --------------------------------------------------

LEFT_OUT = 0.7  # of a unit's room, for those left out


@dataclass(frozen=True)
class SpacingRules:
    """The least room between things; angles are lengths along per length across."""

    pitch: float  # from unit to unit of a column
    apart: float  # between the parts of one unit and those of the next
    stub: float  # of a line, between its unit and its label
    steep: float  # of the stubs: along per across
    slant: float  # of a line, after its label
    slope: float  # of the lines: along per across, for the steepest line
    widest: float  # length along up to which lines may grow
    captions: float  # between the words below neighbours


@dataclass(frozen=True)
class ColumnSize:
    """The room that one column needs."""

    along: float
    before: float = 0.0  # across, from the middle of a unit to the beginning of its parts
    after: float = 0.0  # and to their end
    cells: tuple[bool, ...] = ()  # True: a unit, False: those left out; empty for maps
    follows: bool = False  # each unit is at the height of the unit before it
    fan: int = 0  # named lines that leave each unit
    label: tuple[float, float] = (0.0, 0.0)  # of one of those lines, along and across
    gap: float = 0.0  # to the next column, if lines have no names
    caption: float = 0.0  # its longest word, if words are below columns


@dataclass(frozen=True)
class PlacedColumn:
    """A column's place: along, it begins at `left`; across, 0 is the middle of the drawing."""

    left: float
    across: tuple[float, ...]  # of each cell
    ports: tuple[float, ...]  # where a unit's lines have their labels, from its middle
    labels: float  # where the labels begin, along
    lines: float  # where the lines continue after them


def space_out(columns: Sequence[ColumnSize], rules: SpacingRules) -> list[PlacedColumn]:
    """Every column in its place."""
    across = [
        _across(column.cells, pitch)
        for column, pitch in zip(columns, _pitches(columns, rules), strict=True)
    ]
    ports = list[tuple[float, ...]]()
    for column in columns:
        middle = (column.fan - 1) / 2
        ports.append(tuple((k - middle) * column.label[1] for k in range(column.fan)))
    slants = [
        _slant(columns[k], columns[k + 1], rules, _climb(columns[k : k + 2], across[k:], ports[k]))
        for k in range(len(columns) - 1)
    ]
    stubs = [_stub(column, rules) for column in columns]
    placed = []
    left = 0.0
    for column, cells, ports_of, stub, slant in zip(
        columns, across, ports, stubs, [*slants, 0.0], strict=True
    ):
        lines = left + column.along + stub
        placed.append(PlacedColumn(left, cells, ports_of, lines - column.label[0], lines))
        left = lines + slant
    return placed


def _pitches(columns: Sequence[ColumnSize], rules: SpacingRules) -> Iterator[float]:
    """From unit to unit: the same in all columns, except for columns whose labels need more room,
    and for those whose units are at the same heights."""
    base = max(rules.pitch, *(column.before + column.after + rules.apart for column in columns))
    pitches = [max(base, column.fan * column.label[1] + rules.apart) for column in columns]
    begin = 0
    for end in range(1, len(columns) + 1):
        if end == len(columns) or not columns[end].follows:
            yield from [max(pitches[begin:end])] * (end - begin)
            begin = end


def _across(cells: Sequence[bool], pitch: float) -> tuple[float, ...]:
    rooms = [pitch if cell else LEFT_OUT * pitch for cell in cells]
    steps = [(upper + lower) / 2 for upper, lower in pairwise(rooms)]
    places = [-sum(steps) / 2] if cells else []
    for step in steps:
        places.append(places[-1] + step)
    return tuple(places)


def _climb(
    pair: Sequence[ColumnSize], across: Sequence[Sequence[float]], ports: Sequence[float]
) -> float:
    """The greatest distance across, from a line's label to the unit that it leads to."""
    starts, goals = (
        [middle for cell, middle in zip(column.cells, middles, strict=True) if cell]
        for column, middles in zip(pair, across, strict=False)
    )
    ways = (
        abs(start + port - goal)
        for start in starts
        for port, goal in zip(ports, goals, strict=False)
    )
    return max(ways, default=0.0)


def _stub(column: ColumnSize, rules: SpacingRules) -> float:
    """From a column to where its lines continue: the stubs and the labels."""
    if not column.fan:
        return 0.0
    return max(rules.stub, rules.steep * column.fan * column.label[1] / 2) + column.label[0]


def _slant(column: ColumnSize, goal: ColumnSize, rules: SpacingRules, climb: float) -> float:
    """From where the lines continue to the next column, with enough room for the words below."""
    wanted = column.gap
    if column.fan:
        wanted = max(rules.slant, min(rules.slope * climb, rules.widest))
    words = (column.caption + goal.caption) / 2 + rules.captions if column.caption else 0.0
    between = words - (column.along + goal.along) / 2 - _stub(column, rules)
    return max(wanted, between)


# One stage: a column of units, or a stack of planes --------------------------

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
    """A stage in its place: its extent, the ends of lines at its units or planes, its shapes."""

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
        """The end of a line at a height, which must pass whatever protrudes above a unit."""
        return (self.left, y), (self.edges[0], y)

    def leaving(self, y: float) -> tuple[Point, Point]:
        return (self.edges[1], y), (self.right, y)


def measure(stage: Stage, after: Stage | None, gap: float, caption: float) -> ColumnSize:
    """A stage's size, with the labels of the lines that lead to the next one."""
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
        weight_label(after, end.place, unit.place) for end in units(after) for unit in units(stage)
    ]
    label = max(label.width for label in labels) + 2 * LABEL_PAD
    return replace(size, fan=len(units(after)), label=(label, ROW))


def units(stage: UnitColumn) -> list[Neuron]:
    """The units that are drawn."""
    return [cell for cell in stage.cells if cell]


def weight_label(stage: UnitColumn, place: int, before: int) -> Label:
    assert stage.weight
    return replace(name_label(stage.weight(place, before), SMALL_SIZE), is_left=True)


def phrases(stage: Stage, before: Stage | None) -> tuple[str, ...]:
    """A stage's words, with its weights unless each of them has its own line."""
    drawn = [isinstance(part, UnitColumn) and None not in part.cells for part in (stage, before)]
    return (*stage.words, *([stage.weights] if stage.weights and not all(drawn) else []))


def longest_word(texts: Sequence[str]) -> float:
    """The width of the longest word, below which lines of words can't be narrowed."""
    return max((ems(word) * WORD_SIZE for phrase in texts for word in phrase.split()), default=0.0)


def place(stage: Stage, column: PlacedColumn, texts: tuple[str, ...]) -> PlacedStage:
    """The stage in its place, around height 0, above its words."""
    if isinstance(stage, UnitColumn):
        return _column(stage, column, texts)
    return _stack(stage, column, texts)


def _width(stage: Stage) -> float:
    if isinstance(stage, Planes):
        names = [label.width for label in _plane_names(stage)]
        shape = words(_shape_words(stage), (0, 0)).width
        written = sum(names) + NAMES_APART * (len(names) - 1)
        return max(_side(stage.shape[2]) + _back(stage), written, shape)
    above = (2 * _above_half(cell.above) for cell in units(stage) if cell.above)
    missing = words(_missing(stage), (0, 0)).width if None in stage.cells else 0
    return max(2 * _half(stage), missing, *above)


def _half(stage: UnitColumn) -> float:
    """Half the width of its units."""
    labels = [_names(cell) for cell in units(stage)]
    widths = (len(names) * (max(label.width for label in names) + PADDING) for names in labels)
    return max(RADIUS, max(widths) / 2)


def _column(stage: UnitColumn, column: PlacedColumn, texts: tuple[str, ...]) -> PlacedStage:
    half, width = _half(stage), _width(stage)
    x = column.left + width / 2
    heights: dict[int, float] = {}
    shapes: list[Shape] = []
    for cell, y in zip(stage.cells, column.across, strict=True):
        if cell:
            heights[cell.place] = y
            shapes += [*_above(cell.above, (x, y)), *_unit((x, y), half, _names(cell))]
        else:
            dots = [(x, y - 18 + k * DOT_STEP) for k in (-1, 0, 1)]
            shapes += [Unit(dot, DOT, DOT, (QUIET,)) for dot in dots]
            shapes.append(words(_missing(stage), (x, y + 2)))
    edges = (x - half, x + half)
    return PlacedStage(stage, column, column.left + width, edges, tuple(shapes), texts, heights)


def _names(cell: Neuron) -> list[Label]:
    first, *others = cell.names
    marks = [Marked(first, cell.value), *map(Marked, others)]
    return [name_label(mark, NAME_SIZE) for mark in marks]


def _unit(centre: Point, half: float, names: Sequence[Label]) -> Iterator[Shape]:
    x, y = centre
    colours = tuple(label.colour for label in names)
    yield Unit(centre, half, RADIUS, colours)
    if len(names) == 1:
        yield names[0].at(centre)
    else:  # each in the middle of its half, slightly away from the round end
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
    count = f"{stage.count - len(units(stage)):,}"
    return tr("{count} more", count=numeral(count))


def _stack(stage: Planes, column: PlacedColumn, texts: tuple[str, ...]) -> PlacedStage:
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
    return PlacedStage(
        stage, column, right, (left, left + width + back), shapes, texts, front=front
    )


def _back(stage: Planes) -> float:
    """The offset of the rearmost plane, up and to the right."""
    return (min(stage.shape[0], MOST_PLANES) - 1) * PLANE_STEP


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


# Texts: names with their subscripts, numbers, words --------------------------


def name_label(mark: Marked, size: float) -> Label:
    """A name, with its number if it is shown."""
    text, subscript = spell_out(mark.name)
    number = "" if mark.value is None else numeral(f"{mark.value:.4g}").replace("-", "−")
    return Label(text, size, colour_of(mark.name.stem), subscript, number)


def spell_out(name: Name) -> tuple[str, str]:
    """A name's letter and its subscript."""
    if name.of:
        return name.stem, "".join(spell_out(name.of))
    return name.stem, name.word + ",".join(map(str, name.numbers)) + name.mark


def words(text: str, centre: Point) -> Label:
    return Label(text, WORD_SIZE, QUIET, is_name=False, centre=centre)


# Stages side by side, and the lines between them -----------------------------

MARGIN = 20.0
RULES = SpacingRules(
    pitch=80, apart=12, stub=20, steep=0.45, slant=84, slope=0.5, widest=320, captions=10
)
GAPS = {Link.ALL: 88.0, Link.EACH: 64.0} | dict.fromkeys(
    (Link.WINDOW, Link.LAID_OUT, Link.BRANCH), 62.0
)
CAPTION_GAP, CAPTION_STEP = 26.0, 1.3  # points above the first line, and line height
WIDEST_CAPTION = 180.0
LEAST_WINDOW = 6.0
SKIP_STEP = 16.0  # between two lines over the top
SKIP_APART = 7.0  # from a column to the line that leaves it upwards


def draw(net: Net, numbers: bool = False) -> Drawing:
    """The network as a picture; `numbers` adds inputs, targets and start values to the names."""
    with_name = mark("The network {name}: input {shape}, {layers}, {loss}")
    without_name = mark("A network: input {shape}, {layers}, {loss}")
    title = tr(
        with_name if net.name else without_name,
        name=net.name,
        shape=spell(net.input),
        layers=", ".join(layer.text for layer in net.layers),
        loss=tr(str(net.objective)),
    )
    return drawing(title, _shapes(_placed(stages(net, numbers))), MARGIN)


def _placed(drawn: Sequence[Stage]) -> list[PlacedStage]:
    written = [phrases(stage, before) for stage, before in zip(drawn, [None, *drawn], strict=False)]
    sizes = [
        measure(stage, after, GAPS[after.link] if after else 0, longest_word(texts))
        for stage, after, texts in zip(drawn, [*drawn[1:], None], written, strict=True)
    ]
    placed = zip(drawn, space_out(sizes, RULES), written, strict=True)
    return [place(stage, column, texts) for stage, column, texts in placed]


def _shapes(places: Sequence[PlacedStage]) -> list[Shape]:
    """All shapes: lines are behind the stages they connect, windows in front of them; lines over
    the top and words below surround them."""
    pairs = [pair for pair in pairwise(places) if pair[1].stage.link is not Link.BRANCH]
    lines: list[Shape] = []
    for source, goal in pairs:
        if isinstance(goal.stage, UnitColumn):
            lines += (_weights if goal.stage.weight else _plain_lines)(source, goal)
    shapes = [*lines, *(shape for spot in places for shape in spot.shapes)]
    for source, goal in pairs:
        if isinstance(goal.stage, Planes):
            shapes += _window(source, goal)
    top = min(shape.box.top for shape in shapes)
    below = max(shape.box.bottom for shape in shapes) + CAPTION_GAP
    captions = list[Shape]()  # each stage's layers, and its weights unless all of them are drawn
    for spot, most in zip(places, _caption_widths(places), strict=True):
        texts = [text for phrase in spot.phrases for text in _wrapped(phrase, most)]
        for k, text in enumerate(texts):
            captions.append(words(text, (spot.middle, below + k * WORD_SIZE * CAPTION_STEP)))
    return [*_skips(places, top), *shapes, *captions]


def _skips(places: Sequence[PlacedStage], top: float) -> Iterator[Polyline]:
    """Lines over the top, from an earlier stage to a later one that also reads it."""
    for number, (source, goal) in enumerate(
        ((places[earlier], spot) for spot in places for earlier in spot.stage.skips), 1
    ):
        height = top - number * SKIP_STEP
        up, down = source.right + SKIP_APART, goal.left - SKIP_APART
        first, last = _upper(source), _upper(goal)
        yield _line(
            QUIET,
            (source.edges[1], first),
            (up, first),
            (up, height),
            (down, height),
            (down, last),
            (goal.edges[0], last),
        )


def _upper(spot: PlacedStage) -> float:
    """The height at which a line over the top leaves or reaches a stage."""
    return min(spot.heights.values()) if spot.front is None else spot.front.top


def _line(colour: Colour, *points: Point) -> Polyline:
    """A line through those points, without repeated points."""
    way = (points[0], *(b for a, b in pairwise(points) if a != b))
    return Polyline(way, colour)


def _weights(source: PlacedStage, goal: PlacedStage) -> Iterator[Polyline | Label]:
    """A line from unit to unit for each weight, with its label near its start."""
    assert isinstance(goal.stage, UnitColumn)
    column = source.column
    for before, y in source.heights.items():
        for port, (unit, end) in zip(column.ports, goal.heights.items(), strict=True):
            label, row = weight_label(goal.stage, unit, before), y + port
            start = column.labels + LABEL_PAD
            yield _line(WEIGHT, *source.leaving(y), (column.labels, row))
            yield label.at((start + label.width / 2, row))
            rest = (start + label.width + LABEL_PAD, row)
            ways = (rest, (column.lines, row), *goal.arriving(end))
            yield _line(WEIGHT, *ways)


def _plain_lines(source: PlacedStage, goal: PlacedStage) -> Iterator[Polyline]:
    """Lines without weights: between all units, between pairs, or from the edges of planes."""
    assert isinstance(goal.stage, UnitColumn)
    ends = list(goal.heights.items())
    if source.front:
        edges = (source.front.top, source.front.bottom)
        for y, (_, end) in zip(edges, (ends[0], ends[-1]), strict=True):
            yield _line(QUIET, *source.leaving(y), *goal.arriving(end))
        return
    for (before, y), (place, end) in product(source.heights.items(), ends):
        if goal.stage.link is Link.ALL or before == place - goal.stage.first:
            yield _line(QUIET, *source.leaving(y), *goal.arriving(end))


def _window(source: PlacedStage, goal: PlacedStage) -> Iterator[Shape]:
    """A window on the planes before, and lines from its corners to the place that it computes."""
    assert isinstance(goal.stage, Planes)
    assert goal.front
    if goal.stage.window == (1, 1) or not isinstance(source.stage, Planes):
        yield _line(QUIET, *source.leaving(0), *goal.arriving(0))
        return
    assert source.front
    colour = WEIGHT if goal.stage.weights else QUIET
    window = _part(source.front, source.stage.shape, goal.stage.window)
    window = window.moved((source.front.right - window.right, 0))
    goal_part = _part(goal.front, goal.stage.shape, (1, 1))
    yield from (WindowFrame(window, colour), WindowFrame(goal_part, colour))
    for start, (_, end) in (
        (window.corners[1], goal_part.corners[0]),
        (window.corners[2], goal_part.corners[3]),
    ):
        yield _line(colour, start, (source.right, start[1]), *goal.arriving(end))


def _part(plane: Box, shape: tuple[int, ...], size: tuple[int, int]) -> Box:
    """A box of so many rows and columns in the plane's upper left corner."""
    _, rows, columns = shape
    height = (plane.bottom - plane.top) * min(size[0] / rows, 1)
    width = (plane.right - plane.left) * min(size[1] / columns, 1)
    return Box(
        plane.left,
        plane.top,
        plane.left + max(width, LEAST_WINDOW),
        plane.top + max(height, LEAST_WINDOW),
    )


def _caption_widths(places: Sequence[PlacedStage]) -> Iterator[float]:
    """The widths of the words below each stage: free room between two stages is shared."""
    longest = [longest_word(spot.phrases) for spot in places]
    free = [
        after.middle - before.middle - RULES.captions - (left_word + right_word) / 2
        for (before, after), (left_word, right_word) in zip(
            pairwise(places), pairwise(longest), strict=True
        )
    ]
    for longest_here, room in zip(longest, map(min, [*free, inf], [inf, *free]), strict=True):
        yield max(longest_here, min(WIDEST_CAPTION, longest_here + room))


def _wrapped(phrase: str, most: float) -> list[str]:
    """Break a phrase into lines of at most that width, except for longer words."""
    lines: list[str] = []
    for word in phrase.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and ems(longer) * WORD_SIZE <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
