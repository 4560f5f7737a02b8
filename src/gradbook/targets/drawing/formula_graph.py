"""Formulas as a picture: a circle for each name, lines from what a formula mentions to its name.

Names stand in columns, each behind all that it is made of. A line that passes a column takes a
place of its own in it, so no line crosses a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gradbook.graph.node import Node, ancestors, named_inputs
from gradbook.language import tr
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step, run
from gradbook.palette import ACTIVATION, ERROR, INPUT, QUIET, SUM, WEIGHT, Colour
from gradbook.targets.drawing.layout import MARGIN, NAME_SIZE, PADDING, RADIUS, name_label
from gradbook.targets.drawing.shapes import Drawing, Label, Polyline, Shape, Unit, drawing
from gradbook.targets.drawing.stages import Marked

PITCH = 76.0  # from circle to circle of a column
PASSING = 30.0  # what a line takes that passes a column
BETWEEN = 74.0  # from column to column
SWEEPS = 6  # in which names move towards what they are joined to

Slot = tuple[Node, int]  # a value in a column: its own, or one that its line passes


@dataclass(frozen=True)
class GraphLine:
    """A line from a value to one that is made of it, by the slots that it passes."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class FormulaGraph:
    """The column of each value, the lines between them, and the height of every slot."""

    columns: Mapping[Node, int]
    lines: Sequence[GraphLine]
    heights: Mapping[Slot, float]


def formula_graph(step: Step) -> FormulaGraph:
    """Where each named value of a step of formulas stands."""
    values = [
        node
        for node in ancestors([step.loss])
        if node.name and node.op.name != "constant" and node is not step.count
    ]
    sources = {node: named_inputs(node, set(values)) for node in values}
    columns = _columns(values, sources)
    lines = [
        GraphLine(
            (*((source, k) for k in range(columns[source], columns[node])), (node, columns[node]))
        )
        for node in values
        for source in dict.fromkeys(sources[node])
    ]
    return FormulaGraph(columns, lines, _heights(columns, lines))


def draw_formulas(formulas: Formulas, numbers: bool = False) -> Drawing:
    """The graph of formulas; `numbers` adds each value to its name."""
    step = scalar_step(formulas)
    graph = formula_graph(step)
    labels = _labels(step, list(graph.columns), numbers)
    words = tr("The graph of the formulas {formulas}", formulas="; ".join(formulas.equations))
    return drawing(words, _shapes(graph, labels), MARGIN)


def _columns(values: Sequence[Node], sources: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """Each value one column behind the last that it is made of; a number right before its use."""
    columns: dict[Node, int] = {}
    for node in values:
        columns[node] = max((columns[source] + 1 for source in sources[node]), default=0)
    for node in values:
        if not sources[node]:
            uses = [columns[user] for user in values if node in sources[user]]
            columns[node] = min(uses, default=1) - 1
    return columns


def _heights(columns: Mapping[Node, int], lines: Sequence[GraphLine]) -> dict[Slot, float]:
    """Where each slot stands across: in the order that crosses few lines, around the middle."""
    slots = dict.fromkeys((node, column) for node, column in columns.items())
    slots |= dict.fromkeys(slot for line in lines for slot in line.slots)
    rows = [[slot for slot in slots if slot[1] == k] for k in range(max(columns.values()) + 1)]
    neighbours: dict[Slot, list[Slot]] = {slot: [] for slot in slots}
    for line in lines:
        for a, b in pairwise(line.slots):
            neighbours[a].append(b)
            neighbours[b].append(a)
    heights: dict[Slot, float] = {}
    for row in rows:
        heights |= _stacked(row, columns)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = {
                slot: sum(heights[other] for other in neighbours[slot]) / len(neighbours[slot])
                if neighbours[slot]
                else heights[slot]
                for slot in row
            }
            row.sort(key=lambda slot: wanted[slot])
            stacked = _stacked(row, columns)
            shift = sum(wanted[slot] - stacked[slot] for slot in row) / len(row)
            heights |= {slot: height + shift for slot, height in stacked.items()}
    return heights


def _stacked(row: Sequence[Slot], columns: Mapping[Node, int]) -> dict[Slot, float]:
    heights: dict[Slot, float] = {}
    below = 0.0
    for slot in row:
        room = PITCH if columns[slot[0]] == slot[1] else PASSING
        heights[slot] = below + room / 2
        below += room
    return {slot: height - below / 2 for slot, height in heights.items()}


def _labels(step: Step, values: Sequence[Node], numbers: bool) -> dict[Node, Label]:
    worked = next(run(step, 1, watch=values)) if numbers and step.samples == 1 else {}
    labels = {}
    for node in values:
        assert node.name
        value = float(worked[node]) if node in worked else None
        label = name_label(Marked(node.name, value), NAME_SIZE)
        labels[node] = replace(label, colour=role_colour(step, node))
    return labels


def role_colour(step: Step, node: Node) -> Colour:
    """The colour of a value's part in the formulas, whatever its name."""
    if node in (step.loss, *step.outputs):
        return ERROR
    if node in step.inputs:
        return INPUT
    if node in step.weights:
        return WEIGHT
    return ACTIVATION if len(node.inputs) == 1 else SUM


def _shapes(graph: FormulaGraph, labels: Mapping[Node, Label]) -> list[Shape]:
    """Lines lie behind the circles that they join."""
    columns, heights = graph.columns, graph.heights
    halves = {node: max(RADIUS, (label.width + PADDING) / 2) for node, label in labels.items()}
    widths = [
        max(halves[node] for node, at in columns.items() if at == k) if k in columns.values() else 0
        for k in range(max(columns.values()) + 1)
    ]
    middles = [0.0]
    for before, after in pairwise(widths):
        middles.append(middles[-1] + before + BETWEEN + after)
    shapes: list[Shape] = []
    for line in graph.lines:
        (source, _), *_, (goal, _) = line.slots
        points = [(middles[k], heights[node, k]) for node, k in line.slots]
        points[0] = (points[0][0] + halves[source], points[0][1])
        points[-1] = (points[-1][0] - halves[goal], points[-1][1])
        shapes.append(Polyline(tuple(points), QUIET))
    for node, label in labels.items():
        centre = (middles[columns[node]], heights[node, columns[node]])
        shapes.append(Unit(centre, halves[node], RADIUS, (label.colour,)))
        shapes.append(label.at(centre))
    return shapes
