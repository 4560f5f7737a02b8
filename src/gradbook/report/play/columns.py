"""The network's drawing for a page: columns of units, and the lines between them, by their values.

The stages are those of every drawing; where units and lines stand is the page's own, since its
width is known there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradbook.graph.names import Name
from gradbook.net import Net, Shape
from gradbook.targets.drawing.stages import Link, Marked, Neuron, Planes, Stage, UnitColumn, stages

Places = Mapping[str, int]  # lines, by the names of their values


def columns(net: Net, places: Places) -> list[dict[str, Any]]:
    """One for each stage, from the inputs to the whole error."""
    found = stages(net, numbers=False)
    made = [
        _column(stage, before, places) for stage, before in zip(found, [None, *found], strict=False)
    ]
    for place, stage in enumerate(found):
        joined = stage.joined if isinstance(stage, UnitColumn) else ()
        for source, first in joined or [(skipped, 0) for skipped in stage.skips]:
            _add_reads(made[place], stage, found[source], place - source, first)
    return made


def _add_reads(column: dict[str, Any], stage: Stage, source: Stage, back: int, first: int) -> None:
    """The units so many columns before that others read as well, from the first of those on."""
    if not (isinstance(stage, UnitColumn) and isinstance(source, UnitColumn)):
        return
    for unit, cell in zip(column["units"], stage.cells, strict=True):
        for row, it in enumerate(source.cells):
            if it and cell and it.place + first == cell.place:
                unit["from"].append([row, None, back])


def _column(stage: Stage, before: Stage | None, places: Places) -> dict[str, Any]:
    if isinstance(stage, Planes):
        return {"words": list(stage.words), "left_out": 0, "units": [], **_maps(stage, places)}
    shown = [cell for cell in stage.cells if cell]
    return {
        "maps": [],
        "words": list(stage.words),
        "left_out": stage.count - len(shown),
        "units": [
            None if cell is None else _unit(cell, places, stage, before) for cell in stage.cells
        ],
    }


def _unit(cell: Neuron, places: Places, stage: UnitColumn, before: Stage | None) -> dict[str, Any]:
    return {
        "values": [places[str(name)] for name in cell.names if str(name) in places],
        "above": _line(cell.above, places),
        "from": _sources(cell, places, stage, before),
    }


def _sources(
    cell: Neuron, places: Places, stage: UnitColumn, before: Stage | None
) -> list[list[int | None]]:
    """The units before that it reads, by their place in the column, and the weight between."""
    found: list[list[int | None]] = []
    apart = stage.joined or stage.link is Link.BRANCH
    if not isinstance(before, UnitColumn) or apart:
        return found
    for row, source in enumerate(before.cells):
        if source is None or (stage.link is Link.EACH and source.place != cell.place):
            continue
        weight = stage.weight(cell.place, source.place) if stage.weight else None
        found.append([row, _line(weight, places)])
    return found


def _maps(stage: Planes, places: Places) -> dict[str, Any]:
    """For each channel, and each name of the stage, rows of values."""
    channels, rows, columns = stage.shape

    def row(name: Name, channel: int, number: int) -> list[int]:
        elements = ((channel, number, column) for column in range(columns))
        return [places[_called(name, element, stage.shape, places)] for element in elements]

    return {
        "maps": [
            [[row(name, c, i) for i in range(rows)] for name in stage.names]
            for c in range(channels)
        ]
    }


def _called(name: Name, element: Shape, shape: Shape, places: Places) -> str:
    """A value's name, which a softmax counts as laid out in one line."""
    said = str(name.element(element, shape))
    if said in places:
        return said
    _, rows, columns = shape
    flat = (element[0] * rows + element[1]) * columns + element[2]
    return str(name.element((flat,), (shape[0] * rows * columns,)))


def _line(mark: Marked | None, places: Places) -> int | None:
    return places.get(str(mark.name)) if mark else None
