"""From a network to its drawing: stages side by side, and between them lines with names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, product
from math import inf
from textwrap import wrap

from gradbook.net.layers import spell
from gradbook.net.network import Net
from gradbook.net.text import layer_words
from gradbook.palette import QUIET, WEIGHT
from gradbook.targets.drawing.place import (
    SMALL_SIZE,
    WORD_SIZE,
    PlacedStage,
    least_room,
    name_label,
    place,
    words,
)
from gradbook.targets.drawing.shapes import (
    Box,
    Drawing,
    Label,
    Segment,
    Shape,
    WindowFrame,
    drawing,
)
from gradbook.targets.drawing.stages import Link, Planes, Stage, UnitColumn, stages

MARGIN = 20.0
ROOMS = sorted(product((80, 96, 112), (160, 200, 250, 310)), key=lambda room: room[0] * room[1])
GAPS = {Link.ALL: 100.0, Link.EACH: 76.0} | dict.fromkeys(
    (Link.WINDOW, Link.LAID_OUT, Link.BRANCH), 62.0
)
CAPTION_GAP, CAPTION_STEP = 26.0, 1.3  # points above the first line, and sizes to the next
CAPTIONS_APART = 10.0
CHARACTER = 0.6  # of a caption's size, about as wide as one is
MOST_CHARACTERS = 24
LEAST_WINDOW = 6.0
SKIP_STEP = 16.0  # from one line over the top to the next


def draw(net: Net, numbers: bool = False) -> Drawing:
    """The network as a picture; `numbers` adds inputs, targets and start values to the names.

    Sizes grow until all weights can carry their names. Where even the largest is too small,
    the weights in question are named under the picture instead, and numbers are left out.
    """
    wanted = [True, False] if numbers else [False]
    layouts = [_roomiest(stages(net, with_numbers)) for with_numbers in wanted]
    layout = min(layouts, key=lambda layout: len(layout.unnamed))
    called = f"The network {net.name}" if net.name else "A network"
    layers = ", ".join(map(layer_words, net.layers))
    words = f"{called}: input {spell(net.input)}, {layers}, {net.objective}"
    return drawing(words, layout.shapes, MARGIN)


@dataclass(frozen=True)
class _Layout:
    shapes: tuple[Shape, ...]
    unnamed: frozenset[str]  # the weights that found no room for their names


def _roomiest(found: Sequence[Stage]) -> _Layout:
    """The smallest layout with all names, or else the smallest of those with the most."""
    layouts = []
    for down, across in ROOMS:
        layouts.append(_laid_out(found, down, across))
        if not layouts[-1].unnamed:
            break
    return min(layouts, key=lambda layout: len(layout.unnamed))


def _laid_out(found: Sequence[Stage], down: float, across: float) -> _Layout:
    room = max(down, *map(least_room, found))
    places: list[PlacedStage] = []
    for stage in found:
        left = places[-1].right + _gap(stage, across) if places else 0.0
        places.append(place(stage, left, room))
    behind, before, unnamed = list[Shape](), list[Shape](), set[str]()
    for source, goal in pairwise(places):
        if goal.stage.link is Link.BRANCH:
            continue
        if isinstance(goal.stage, Planes):
            before += _window(source, goal)
        elif goal.stage.weight:
            lines, names = _weights(source, goal)
            behind += [*lines, *names]
            unnamed |= set() if names else {goal.stage.weights}
        else:
            behind += _plain_lines(source, goal)
    behind += _skips(places)
    own = [shape for spot in places for shape in spot.shapes]
    captions = _captions(places, unnamed)
    return _Layout((*behind, *own, *before, *captions), frozenset(unnamed))


def _skips(places: Sequence[PlacedStage]) -> Iterator[Segment]:
    """Lines over the top, from an earlier stage to one that reads it as well."""
    top = min(shape.box.top for spot in places for shape in spot.shapes)
    for number, (source, goal) in enumerate(
        ((places[earlier], spot) for spot in places for earlier in spot.stage.skips), 1
    ):
        height = top - number * SKIP_STEP
        start, end = (source.middle + source.right) / 2, (goal.left + goal.middle) / 2
        corners = [(start, source.upper), (start, height), (end, height), (end, goal.upper)]
        yield from (Segment(one, other, QUIET) for one, other in pairwise(corners))


def _gap(stage: Stage, across: float) -> float:
    named = isinstance(stage, UnitColumn) and stage.weight
    return across if named else GAPS[stage.link]


def _weights(source: PlacedStage, goal: PlacedStage) -> tuple[list[Segment], list[Label]]:
    assert isinstance(goal.stage, UnitColumn)
    assert goal.stage.weight
    ways = [(i, j) for j in goal.heights for i in source.heights]
    lines = [
        Segment((source.right, source.heights[i]), (goal.left, goal.heights[j]), WEIGHT)
        for i, j in ways
    ]
    labels = [name_label(goal.stage.weight(j, i), SMALL_SIZE) for i, j in ways]
    rows = {i: row for row, i in enumerate(source.heights)}
    return lines, placed(lines, labels, [rows[i] for i, _ in ways])


def _plain_lines(source: PlacedStage, goal: PlacedStage) -> Iterator[Segment]:
    """Lines without weights: from every unit, from each to its own, or from the edge of planes."""
    ends = list(goal.heights.items())
    if source.front:
        edges = (source.front.top, source.front.bottom)
        starts = list(zip(edges, (ends[0][1], ends[-1][1]), strict=True))
    elif isinstance(goal.stage, UnitColumn) and goal.stage.link is Link.ALL:
        starts = list(product(source.heights.values(), goal.heights.values()))
    else:
        first = goal.stage.first if isinstance(goal.stage, UnitColumn) else 0
        own = ((source.heights.get(place - first), y) for place, y in ends)
        starts = [(start, y) for start, y in own if start is not None]
    for y, end in starts:
        yield Segment((source.right, y), (goal.left, end), QUIET)


def _window(source: PlacedStage, goal: PlacedStage) -> Iterator[Shape]:
    """A window on the planes before, and lines from its corners to the place that it makes."""
    assert isinstance(source.stage, Planes)
    assert isinstance(goal.stage, Planes)
    assert source.front
    assert goal.front
    if goal.stage.window == (1, 1):
        yield Segment((source.right, 0), (goal.left, 0), QUIET)
        return
    colour = WEIGHT if goal.stage.weights else QUIET
    window = _part(source.front, source.stage.shape, goal.stage.window)
    window = window.moved((source.front.right - window.right, 0))
    made = _part(goal.front, goal.stage.shape, (1, 1))
    yield from (WindowFrame(window, colour), WindowFrame(made, colour))
    yield Segment(window.corners[1], made.corners[0], colour)
    yield Segment(window.corners[2], made.corners[3], colour)


def _part(plane: Box, shape: tuple[int, ...], size: tuple[int, int]) -> Box:
    """So many rows and columns in the plane's upper left corner."""
    _, rows, columns = shape
    height = (plane.bottom - plane.top) * min(size[0] / rows, 1)
    width = (plane.right - plane.left) * min(size[1] / columns, 1)
    return Box(
        plane.left,
        plane.top,
        plane.left + max(width, LEAST_WINDOW),
        plane.top + max(height, LEAST_WINDOW),
    )


def _captions(places: Sequence[PlacedStage], unnamed: Collection[str]) -> Iterator[Label]:
    """Under each stage its layers' words, and its weights where they stand nowhere else."""
    top = max(shape.box.bottom for spot in places for shape in spot.shapes) + CAPTION_GAP
    for spot, most in zip(places, _caption_widths(places), strict=True):
        stage = spot.stage
        said = stage.weights if isinstance(stage, Planes) or stage.weights in unnamed else ""
        lines = [
            line
            for phrase in (*stage.words, said)
            for line in wrap(phrase, most, break_long_words=False)
        ]
        for k, line in enumerate(lines):
            yield words(line, (spot.middle, top + k * WORD_SIZE * CAPTION_STEP))


def _caption_widths(places: Sequence[PlacedStage]) -> Iterator[int]:
    """How many characters fit under each stage before they meet its neighbours'."""
    middles = [spot.middle for spot in places]
    apart = [after - before for before, after in pairwise(middles)]
    for room in map(min, [*apart, inf], [inf, *apart]):
        yield min(MOST_CHARACTERS, int((room - CAPTIONS_APART) / (WORD_SIZE * CHARACTER)))


# Names of weights, each on its line, where none meets another name or line ---

MOST_LABELS = 48  # between two columns; more than that nobody reads
LABEL_GAP, LINE_GAP = 3.0, 1.5  # the least that reads well
ROOMY = 4.0  # more room than this is no better
FRACTIONS = (0.66, 0.6, 0.72, 0.54, 0.78, 0.48, 0.83, 0.4, 0.32, 0.26)


def placed(lines: Sequence[Segment], labels: Sequence[Label], rows: Sequence[int]) -> list[Label]:
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


def _room(boxes: Iterable[Box], lines: Sequence[Segment], enough: float) -> float:
    """The least room around any label, or 0 once it is clear that it's no more than `enough`."""
    room = ROOMY
    before: list[Box] = []
    for line, box in zip(lines, boxes, strict=True):
        ends = min(box.left - line.start[0], line.end[0] - box.right)
        labels = min((box.gap(other) for other in before), default=room + LABEL_GAP)
        others = (other for other in lines if other is not line)
        others_gap = min((_line_gap(box, other) for other in others), default=room + LINE_GAP)
        room = min(room, ends - LABEL_GAP, labels - LABEL_GAP, others_gap - LINE_GAP)
        if room <= enough:
            return 0
        before.append(box)
    return room


def _line_gap(box: Box, line: Segment) -> float:
    """How far a line passes above or below a box; negative where it runs through."""
    heights = line.height_at(box.left), line.height_at(box.right)
    return max(box.top - max(heights), min(heights) - box.bottom)
