"""Where units stand, and where the labels of their weights: the rules of every drawing.

A weight's label stands right behind the unit that its line leaves, in a row of its own, rows in the
order of the units that the lines lead to. Behind the labels of a column the lines go on, straight
and with nothing in their way: no label can lie on a line, or on another label.

`along` runs from the inputs to the error, `across` from unit to unit of a column, so that the same
rules hold from left to right and from top to bottom. A page, which draws networks that are typed in
it, has them in JavaScript (web/view/spacing.js); a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

LEFT_OUT = 0.7  # of a unit's room goes to those left out


@dataclass(frozen=True)
class SpacingRules:
    """How much room things have at least; angles as a length along for each across."""

    pitch: float  # from unit to unit of a column
    apart: float  # between what belongs to one unit and what to the next
    stub: float  # of a line, between its unit and its label
    steep: float  # of the stubs: along, for each across
    slant: float  # of a line, behind its label
    slope: float  # of the lines: along, for each across of the one that climbs the most
    widest: float  # that lines grow along, however much they climb or room there is
    captions: float  # between the words under neighbours


@dataclass(frozen=True)
class ColumnSize:
    """What one column takes."""

    along: float
    before: float = 0.0  # across, from the middle of a unit to where its own begins
    after: float = 0.0  # and to where it ends
    cells: tuple[bool, ...] = ()  # a unit, or those left out; none in maps
    follows: bool = False  # each unit its own before it, at the same height
    fan: int = 0  # named lines that leave each unit
    label: tuple[float, float] = (0.0, 0.0)  # of one of them, along and across
    gap: float = 0.0  # to the next column, where lines have no names
    caption: float = 0.0  # its longest word, where words stand side by side under columns


@dataclass(frozen=True)
class PlacedColumn:
    """Where a column stands: along it begins at `left`; across, 0 is the middle of the drawing."""

    left: float
    across: tuple[float, ...]  # of each cell
    ports: tuple[float, ...]  # of a unit's lines where they have their labels, from its middle
    labels: float  # where those begin, along
    lines: float  # where the lines go on behind them


def spaced(
    columns: Sequence[ColumnSize], rules: SpacingRules, room: float = 0.0, most: float = inf
) -> list[PlacedColumn]:
    """Every column in its place. Lines grow into what is left of `room`, and where there isn't even
    the `most`, they become up to half as long."""
    across = [
        _across(column.cells, pitch)
        for column, pitch in zip(columns, _pitches(columns, rules), strict=True)
    ]
    ports = [_ports(column) for column in columns]
    slants = [
        _slant(columns[k], columns[k + 1], rules, _climb(columns[k : k + 2], across[k:], ports[k]))
        for k in range(len(columns) - 1)
    ]
    stubs = [_stub(column, rules) for column in columns]
    named = [k for k in range(len(slants)) if columns[k].fan]
    total = sum(column.along for column in columns) + sum(stubs[:-1]) + sum(slants)
    spare = (max(room - total, 0) + min(most - total, 0)) / max(len(named), 1)
    for k in named:
        least = min(slants[k], max(rules.slant, slants[k] / 2))
        slants[k] = max(least, min(slants[k] + spare, max(rules.widest, slants[k])))
    placed = []
    left = 0.0
    for column, cells, own, stub, slant in zip(
        columns, across, ports, stubs, [*slants, 0.0], strict=True
    ):
        lines = left + column.along + stub
        placed.append(PlacedColumn(left, cells, own, lines - column.label[0], lines))
        left = lines + slant
    return placed


def _pitches(columns: Sequence[ColumnSize], rules: SpacingRules) -> Iterator[float]:
    """From unit to unit: the same in all columns, but for those whose labels take more, and for
    those whose units go on from such."""
    base = max(rules.pitch, *(column.before + column.after + rules.apart for column in columns))
    own = [max(base, column.fan * column.label[1] + rules.apart) for column in columns]
    begin = 0
    for end in range(1, len(columns) + 1):
        if end == len(columns) or not columns[end].follows:
            yield from [max(own[begin:end])] * (end - begin)
            begin = end


def _across(cells: Sequence[bool], pitch: float) -> tuple[float, ...]:
    rooms = [pitch if cell else LEFT_OUT * pitch for cell in cells]
    steps = [(one + other) / 2 for one, other in pairwise(rooms)]
    found = [-sum(steps) / 2] if cells else []
    for step in steps:
        found.append(found[-1] + step)
    return tuple(found)


def _ports(column: ColumnSize) -> tuple[float, ...]:
    return tuple((k - (column.fan - 1) / 2) * column.label[1] for k in range(column.fan))


def _climb(
    pair: Sequence[ColumnSize], across: Sequence[Sequence[float]], ports: Sequence[float]
) -> float:
    """How far the line that climbs the most does, from its label to the unit that it leads to."""
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
    """From a column to where its lines go on: what leads to the labels, and those."""
    if not column.fan:
        return 0.0
    return max(rules.stub, rules.steep * column.fan * column.label[1] / 2) + column.label[0]


def _slant(column: ColumnSize, goal: ColumnSize, rules: SpacingRules, climb: float) -> float:
    """From where the lines go on to the next column, and so that the words below stay apart."""
    wanted = column.gap
    if column.fan:
        wanted = max(rules.slant, min(rules.slope * climb, rules.widest))
    words = (column.caption + goal.caption) / 2 + rules.captions if column.caption else 0.0
    between = words - (column.along + goal.along) / 2 - _stub(column, rules)
    return max(wanted, between)
