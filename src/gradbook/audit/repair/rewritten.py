"""A column on the way back written anew: as the slope of some column on the way there."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.audit.repair.column_offers import beside
from gradbook.audit.repair.columns import Columns
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import anew
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Reference


def rewritten(columns: Columns) -> Iterator[Remedy]:
    """A column on the way back written anew: as the slope of some column on the way there."""
    tested, slopes = columns.tested, columns.slopes
    for cells in columns.columns():
        nodes = [tested.graph.known[cell] for cell in cells]
        if cells[0] in columns.forward or not all(isinstance(node, Node) for node in nodes):
            continue
        for start in sorted(columns.forward & tested.graph.known.keys()):
            if tested.positions.row(start) != tested.positions.row(cells[0]):
                continue
            there = [beside(tested, start, home, home - cells[0]) for home in cells]
            ends = [tested.graph.node(cell) for cell in there]
            found_slopes = gradients(tested.loss, ends)
            targets = [found_slopes[end] for end in ends]
            values = [slopes.numbers.of(target)[None] for target in targets]
            given = {n: v for n, v in zip(nodes, values, strict=True) if isinstance(n, Node)}
            for _ in columns.helpful(1, slopes.right(given)):
                found = [
                    anew(tested, cell, Reference("x"), target)
                    for cell, target in zip(cells, targets, strict=True)
                ]
                kept = [repair for repair in found if repair is not None]
                if len(kept) == len(cells):
                    formulas = tuple(repair.expression for repair in kept)
                    yield Remedy(cells, kept[0], formulas, frozenset())
