"""Values in a file that its own formulas don't give: it was changed and not recalculated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, ranges, sheet_of, written
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training
from gradbook.graph.node import Node

NEAR = 1e-6  # of a value: some programs keep no more digits, and errors grow along a formula
FAINT = 1e-9  # of the largest value of its column, or of what it is the sum of
ADDING = ("add", "subtract", "negate", "copy")


def stale_findings(training: Training, groups: Sequence[Sequence[Step]]) -> list[Finding]:
    """The cells whose values are old, column by column."""
    if training.book.recalculates:
        return []
    columns: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for group in groups:
        for cell in _stale(StepUnderTest.of(training, group)):
            columns[training.axis.line(cell)].append(cell)
    return [_finding(training, sorted(cells)) for cells in columns.values()]


def _stale(tested: StepUnderTest) -> list[Address]:
    """Cells of like steps whose values differ from what their step's weights make of them."""
    if not _worked(tested):
        return []
    found: list[Address] = []
    for cell, node in list(tested.graph.known.items()):
        if (
            isinstance(node, Node)
            and cell in tested.training.varying
            and cell in tested.positions.places
        ):
            found += _old(tested, cell, node)
    return found


def _worked(tested: StepUnderTest) -> bool:
    """Whether the whole step, its claims included, could be worked as a graph."""
    try:
        return all(
            tested.loss is not tested.claimed(claim) and tested.graph.node(claim.owner) is not None
            for options in tested.step.claims
            for claim in options[:1]
            if claim.whole
        )
    except NotUnderstood:
        return False


def _old(tested: StepUnderTest, cell: Address, node: Node) -> list[Address]:
    book = tested.training.book
    if cell in tested.training.weight_cells or cell not in book.patterns:
        return []
    there = [tested.positions.there(cell, step) for step in tested.alike]
    given = np.array([_number(book.values.get(at)) for at in there])
    computed = np.broadcast_to(tested.sheet.of(node), given.shape)
    with np.errstate(all="ignore"):
        largest = max(
            np.nanmax(np.abs(tested.sheet.of(part)), initial=0) for part in _summands(node)
        )
        apart = np.abs(given - computed) > NEAR * np.abs(computed) + FAINT * largest
    return [at for at, is_old in zip(there, apart & np.isfinite(computed), strict=True) if is_old]


def _summands(node: Node) -> list[Node]:
    """The node and what it adds up or subtracts: of a difference of equal numbers only noise is
    left, by which no file is old."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        found.append(part)
        waiting += part.inputs if part.op.name in ADDING else ()
    return found


def _number(value: object) -> float:
    return float(value) if isinstance(value, float) else float("nan")


def _finding(training: Training, cells: Sequence[Address]) -> Finding:
    book, cell = training.book, cells[0]
    return Finding(
        kind="stale value",
        quantity=book.label(cell, training.axis) or written(cell),
        weight="",
        cells=ranges(cells),
        formula=book.formula(cell),
        expected=book.formula(cell),
        why="the value in the file isn't what the formula gives: let it recalculate, and save it",
        sheet=book.sheets[sheet_of(cell)].title,
    )
