"""From a network to its drawing: stages side by side, and between them lines with names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import inf

from gradbook.net.layers import spell
from gradbook.net.network import Net
from gradbook.net.text import layer_words
from gradbook.palette import QUIET, WEIGHT, Colour
from gradbook.targets.drawing.place import (
    LABEL_PAD,
    WORD_SIZE,
    PlacedStage,
    longest_word,
    measured,
    phrases,
    place,
    weight_label,
    words,
)
from gradbook.targets.drawing.shapes import (
    Box,
    Drawing,
    Label,
    Point,
    Polyline,
    Shape,
    WindowFrame,
    drawing,
    ems,
)
from gradbook.targets.drawing.spacing import SpacingRules, spaced
from gradbook.targets.drawing.stages import Link, Planes, Stage, UnitColumn, stages

MARGIN = 20.0
RULES = SpacingRules(
    pitch=80, apart=12, stub=20, steep=0.45, slant=84, slope=0.5, widest=320, captions=10
)
GAPS = {Link.ALL: 88.0, Link.EACH: 64.0} | dict.fromkeys(
    (Link.WINDOW, Link.LAID_OUT, Link.BRANCH), 62.0
)
CAPTION_GAP, CAPTION_STEP = 26.0, 1.3  # points above the first line, and sizes to the next
WIDEST_CAPTION = 180.0
LEAST_WINDOW = 6.0
SKIP_STEP = 16.0  # from one line over the top to the next
SKIP_APART = 7.0  # from a column to the line that leaves it upward


def draw(net: Net, numbers: bool = False) -> Drawing:
    """The network as a picture; `numbers` adds inputs, targets and start values to the names."""
    called = f"The network {net.name}" if net.name else "A network"
    layers = ", ".join(map(layer_words, net.layers))
    said = f"{called}: input {spell(net.input)}, {layers}, {net.objective}"
    return drawing(said, _shapes(_placed(stages(net, numbers))), MARGIN)


def _placed(found: Sequence[Stage]) -> list[PlacedStage]:
    written = [phrases(stage, before) for stage, before in zip(found, [None, *found], strict=False)]
    sizes = [
        measured(stage, after, GAPS[after.link] if after else 0, longest_word(own))
        for stage, after, own in zip(found, [*found[1:], None], written, strict=True)
    ]
    placed = zip(found, spaced(sizes, RULES), written, strict=True)
    return [place(stage, column, own) for stage, column, own in placed]


def _shapes(places: Sequence[PlacedStage]) -> list[Shape]:
    """Lines lie behind what they join, windows before it; around all that, what goes over the top
    and what stands below."""
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
    bottom = max(shape.box.bottom for shape in shapes)
    return [*_skips(places, top), *shapes, *_captions(places, bottom + CAPTION_GAP)]


def _skips(places: Sequence[PlacedStage], top: float) -> Iterator[Polyline]:
    """Lines over the top, from an earlier stage to one that reads it as well."""
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
    """At which height a line over the top leaves a stage, or comes to it."""
    return min(spot.heights.values()) if spot.front is None else spot.front.top


def _line(colour: Colour, *points: Point) -> Polyline:
    """Through those points, each once."""
    return Polyline((points[0], *(b for a, b in pairwise(points) if a != b)), colour)


def _weights(source: PlacedStage, goal: PlacedStage) -> Iterator[Polyline | Label]:
    """For each weight a line from unit to unit, which its label interrupts near its start."""
    assert isinstance(goal.stage, UnitColumn)
    column = source.column
    for before, y in source.heights.items():
        for port, (unit, end) in zip(column.ports, goal.heights.items(), strict=True):
            label, row = weight_label(goal.stage, unit, before), y + port
            start = column.labels + LABEL_PAD
            yield _line(WEIGHT, *source.leaving(y), (column.labels, row))
            yield label.at((start + label.width / 2, row))
            rest = (start + label.width + LABEL_PAD, row)
            yield _line(WEIGHT, rest, (column.lines, row), *goal.arriving(end))


def _plain_lines(source: PlacedStage, goal: PlacedStage) -> Iterator[Polyline]:
    """Lines without weights: from every unit, from each to its own, or from the edge of planes."""
    assert isinstance(goal.stage, UnitColumn)
    ends = list(goal.heights.items())
    if source.front:
        edges = (source.front.top, source.front.bottom)
        starts = list(zip(edges, (ends[0][1], ends[-1][1]), strict=True))
    elif goal.stage.link is Link.ALL:
        starts = list(product(source.heights.values(), goal.heights.values()))
    else:
        own = ((source.heights.get(place - goal.stage.first), y) for place, y in ends)
        starts = [(start, y) for start, y in own if start is not None]
    for y, end in starts:
        yield _line(QUIET, *source.leaving(y), *goal.arriving(end))


def _window(source: PlacedStage, goal: PlacedStage) -> Iterator[Shape]:
    """A window on the planes before, and lines from its corners to the place that it makes."""
    assert isinstance(source.stage, Planes)
    assert isinstance(goal.stage, Planes)
    assert source.front
    assert goal.front
    if goal.stage.window == (1, 1):
        yield _line(QUIET, *source.leaving(0), *goal.arriving(0))
        return
    colour = WEIGHT if goal.stage.weights else QUIET
    window = _part(source.front, source.stage.shape, goal.stage.window)
    window = window.moved((source.front.right - window.right, 0))
    made = _part(goal.front, goal.stage.shape, (1, 1))
    yield from (WindowFrame(window, colour), WindowFrame(made, colour))
    for start, (_, end) in (
        (window.corners[1], made.corners[0]),
        (window.corners[2], made.corners[3]),
    ):
        yield _line(colour, start, (source.right, start[1]), *goal.arriving(end))


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


def _captions(places: Sequence[PlacedStage], top: float) -> Iterator[Label]:
    """Under each stage its layers' words, and its weights where not all of them are drawn."""
    for spot, most in zip(places, _caption_widths(places), strict=True):
        lines = [line for phrase in spot.phrases for line in _wrapped(phrase, most)]
        for k, line in enumerate(lines):
            yield words(line, (spot.middle, top + k * WORD_SIZE * CAPTION_STEP))


def _caption_widths(places: Sequence[PlacedStage]) -> Iterator[float]:
    """How wide the words under each stage may be: what is free between two is shared by both."""
    longest = [longest_word(spot.phrases) for spot in places]
    free = [
        after.middle - before.middle - RULES.captions - (one + other) / 2
        for (before, after), (one, other) in zip(pairwise(places), pairwise(longest), strict=True)
    ]
    for own, room in zip(longest, map(min, [*free, inf], [inf, *free]), strict=True):
        yield max(own, min(WIDEST_CAPTION, own + room))


def _wrapped(phrase: str, most: float) -> list[str]:
    """In lines that are no wider than that, where no single word is."""
    lines: list[str] = []
    for word in phrase.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and ems(longer) * WORD_SIZE <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
