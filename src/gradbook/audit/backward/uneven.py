"""Errors of single outputs without a sum, one of which isn't measured as the others are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.backward.cell_functions import POINTS
from gradbook.audit.backward.losses import StartingLoss
from gradbook.audit.backward.outputs import Cells, OutputPair
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import references
from gradbook.audit.judge.numbers import agree
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import write


@dataclass(frozen=True, eq=False)
class UnevenError:
    """An output's error that differs from those of other outputs, and what is right."""

    cell: Address
    like: Address  # one that is as most are
    text: str


def evened(cells: Cells, loss: StartingLoss) -> tuple[StartingLoss, list[UnevenError]]:
    """The loss as it would be if each of its cells measured its output as the others do."""
    own = {cell: _own_pair(cells, loss, cell) for cell in loss.cells}
    pairs = {cell: pair for cell, pair in own.items() if pair is not None}
    if len(pairs) < 2 or len(pairs) < len(loss.cells):
        return loss, []
    weights = {cell: _weight(cells, cell, pair) for cell, pair in pairs.items()}
    usual = _usual(cells, weights)
    seeds, found = dict(loss.seeds), []
    for cell, weight in weights.items():
        with np.errstate(all="ignore"):
            factor = weights[usual] / weight
        text = _said_of(cells, usual, pairs[usual], cell, pairs[cell])
        if agree(weight, weights[usual]) or not text:
            continue
        if agree(cells.values.said_by(text, cell), cells.values.number(cell) * factor):
            seeds[cell] = factor
            found.append(UnevenError(cell, usual, text))
    return replace(loss, seeds=seeds), found


def _own_pair(cells: Cells, loss: StartingLoss, cell: Address) -> OutputPair | None:
    behind = cells.flow.behind([cell])
    own = [p for p in loss.pairs if p.output in behind and p.target in behind]
    return own[0] if len(own) == 1 else None


def _weight(cells: Cells, cell: Address, pair: OutputPair) -> Array:
    """How much an output's error counts."""
    values = cells.values
    slope = values.slopes({cell: np.ones(POINTS)}).get(pair.output, np.full(POINTS, np.nan))
    with np.errstate(all="ignore"):
        return slope / (values.number(pair.output) - values.number(pair.target))


def _usual(cells: Cells, weights: dict[Address, Array]) -> Address:
    """The one with which most agree; where two tie, the one with the longer formula."""

    def votes(cell: Address) -> tuple[int, int, int]:
        expression = cells.book.patterns[cell].expression
        said = len(list(references(expression))) if expression else 0
        return sum(agree(weights[cell], other) for other in weights.values()), said, -cell

    return max(weights, key=votes)


def _said_of(cells: Cells, there: Address, of: OutputPair, here: Address, by: OutputPair) -> str:
    """A cell's formula for another output and its target."""
    instead = {of.output: by.output, of.target: by.target}
    said = cells.naming.said_of(there, here, instead)
    return write(said) if said is not None else ""
