"""Values in a file that its own formulas don't give: it was changed and not recalculated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradbook.audit.findings.findings import STALE, Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, written
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.node import Node

NEAR = 1e-6  # of a value: some programs keep no more digits, and errors grow along a formula
FAINT = 1e-9  # of what it adds up: of a difference of equal numbers only noise is left
WHY = "the value in the file isn't what the formula gives: let it recalculate, and save it"


def stale_findings(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> list[Finding]:
    """The cells whose values are old, column by column."""
    if training.book.recalculates:
        return []
    columns: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
    for group in groups:
        for cell in _stale(StepUnderTest.of(training, group)):
            columns[training.axis.line(cell)].append(cell)
    lines = (own for cells in columns.values() for own in by_sheet(cells))
    return [_finding(training, cells) for cells in lines]


def _finding(training: SheetTraining, cells: Sequence[Address]) -> Finding:
    quantity = training.book.label(cells[0], training.axis) or written(cells[0])
    found = finding_in(training.book, cells, STALE, quantity=quantity, why=WHY)
    return replace(found, expected=found.formula)


def _stale(tested: StepUnderTest) -> list[Address]:
    """Cells of like steps whose values differ from what their step's weights make of them."""
    if not _could_be_worked(tested):
        return []
    computed = tested.training.computed_cells & tested.training.book.patterns.keys()
    return [
        at
        for cell, node in list(tested.graph.known.items())
        if isinstance(node, Node) and cell in computed and cell in tested.positions.places
        for at in _old(tested, cell, node)
    ]


def _could_be_worked(tested: StepUnderTest) -> bool:
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
    """The cells that stand in this one's place in the steps, where their values are old."""
    values = tested.training.book.values
    there = [tested.positions.there(cell, step) for step in tested.alike]
    given = np.array([x if isinstance(x := values.get(at), float) else np.nan for at in there])
    computed = np.broadcast_to(tested.sheet.of(node), given.shape)
    with np.errstate(all="ignore"):
        largest = np.nanmax(tested.sheet.size(node), initial=0)
        apart = np.abs(given - computed) > NEAR * np.abs(computed) + FAINT * largest
    return [at for at, is_old in zip(there, apart & np.isfinite(computed), strict=True) if is_old]
