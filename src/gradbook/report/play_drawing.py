"""The drawing of a network on the page to play with: columns of units or maps, with their lines.

The page itself decides where units and connections are, because it knows its width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradbook.graph.names import Name, is_sequence
from gradbook.net import Shape
from gradbook.targets.drawing.stages import Link, Marked, Neuron, Planes, Stage, UnitColumn, stages
from gradbook.targets.page.page_content import PageContent
from gradbook.targets.page.unrolled import step_planes

Places = Mapping[str, int]  # lines, by the names of their values


def columns(known: PageContent) -> list[dict[str, Any]]:
    """One for each stage of the drawing, from the inputs to the whole error."""
    places = {str(node.name): line for node, line in known.lines.places.items() if node.name}
    drawn = stages(known.start_net, numbers=False)
    shapes = [
        _column(stage, before, places, known)
        for stage, before in zip(drawn, [None, *drawn], strict=False)
    ]
    for place, stage in enumerate(drawn):
        joined = stage.joined if isinstance(stage, UnitColumn) else ()
        for source, first in joined or [(skipped, 0) for skipped in stage.skips]:
            _add_reads(shapes[place], stage, drawn[source], place - source, first)
    return shapes


def _add_reads(column: dict[str, Any], stage: Stage, source: Stage, back: int, first: int) -> None:
    """Add connections from a stage `back` columns earlier, whose first unit is read at `first`."""
    if not (isinstance(stage, UnitColumn) and isinstance(source, UnitColumn)):
        return
    for unit, cell in zip(column["units"], stage.cells, strict=True):
        for row, it in enumerate(source.cells):
            if it and cell and it.place + first == cell.place:
                unit["from"].append([row, None, back])


def _column(
    stage: Stage, before: Stage | None, places: Places, known: PageContent
) -> dict[str, Any]:
    content = {"words": list(stage.words), "layers": list(stage.layers)}
    if isinstance(stage, Planes):
        maps = _maps(stage, places) if stage.unrolled is None else _unrolled(stage, places, known)
        return {**content, "left_out": 0, "units": [], **maps}
    shown = [cell for cell in stage.cells if cell]
    return {
        **content,
        "maps": [],
        "left_out": stage.count - len(shown),
        "units": [
            cell
            and {
                "values": [places[str(name)] for name in cell.names if str(name) in places],
                "above": _line(cell.above, places),
                "from": _sources(cell, places, stage, before),
            }
            for cell in stage.cells
        ],
    }


def _sources(
    cell: Neuron, places: Places, stage: UnitColumn, before: Stage | None
) -> list[list[int | None]]:
    """The units of the column before that it reads: each one's row, and the line of the weight."""
    sources: list[list[int | None]] = []
    apart = stage.joined or stage.link is Link.BRANCH
    if not isinstance(before, UnitColumn) or apart:
        return sources
    for row, source in enumerate(before.cells):
        if source is None or (stage.link is Link.EACH and source.place != cell.place):
            continue
        weight = stage.weight(cell.place, source.place) if stage.weight else None
        sources.append([row, _line(weight, places)])
    return sources


def _maps(stage: Planes, places: Places) -> dict[str, Any]:
    """For each channel, and each name of the stage, rows of values; for a sequence, one row per
    feature and one column per step."""
    channels, rows, columns = stage.shape
    if is_sequence(stage.shape):
        return {"maps": [[_steps(name, stage.shape, places) for name in stage.names]]}

    def row(name: Name, channel: int, number: int) -> list[int]:
        elements = ((channel, number, column) for column in range(columns))
        return [places[_called(name, element, stage.shape, places)] for element in elements]

    return {
        "maps": [
            [[row(name, c, i) for i in range(rows)] for name in stage.names]
            for c in range(channels)
        ]
    }


def _steps(name: Name, shape: Shape, places: Places) -> list[list[int | None]]:
    return [
        [places[str(name.element((feature, 0, step), shape))] for step in range(shape[2])]
        for feature in range(shape[0])
    ]


def _unrolled(stage: Planes, places: Places, known: PageContent) -> dict[str, Any]:
    """A recurrent layer's values at each step, its weights, and the activations of its outputs."""
    assert stage.unrolled is not None
    planes = step_planes(known.step, stage.unrolled)
    lines = known.lines.places
    titles = [[plane.title for plane in row] for row in planes]
    maps = [
        [
            [[None if it is None else lines.get(it) for it in nodes] for nodes in plane.rows]
            for plane in row
        ]
        for row in planes
    ]
    for name in stage.names[1:]:
        titles.append([str(name)])
        maps.append([_steps(name, stage.shape, places)])
    return {"maps": maps, "titles": titles}


def _called(name: Name, element: Shape, shape: Shape, places: Places) -> str:
    """A value's name; a softmax, of maps of one place each, numbers its values in one row."""
    word = str(name.element(element, shape))
    return word if word in places else str(name.element(element[:1], shape[:1]))


def _line(mark: Marked | None, places: Places) -> int | None:
    return places.get(str(mark.name)) if mark else None
