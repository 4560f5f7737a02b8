"""One edit of a column, and how well it makes the column fit with the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gradbook.audit.formula.address import Address
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.repair import Repair
from gradbook.targets.excel.language.grammar import Expression, write


@dataclass(frozen=True)
class Remedy:
    """One edit of a column: its cells in this step, and the gradients that it puts right."""

    cells: tuple[Address, ...]
    repair: Repair
    expressions: tuple[Expression, ...]  # the right one of every cell
    lanes: frozenset[int]


def likeness(tested: StepUnderTest, remedy: Remedy) -> int:
    """How many more formulas of its kind, on the way to the loss or back, a formula looks like once
    it is changed."""
    book, owner, before = tested.training.book, remedy.cells[0], tested.forward
    others = (
        book.patterns.get(c)
        for c in tested.step.cells
        if c not in remedy.cells and (c in before) == (owner in before)
    )
    shapes = Counter(pattern.shape for pattern in others if pattern is not None)
    after = book.reader.typed(write(remedy.repair.expression), owner).shape
    stands = book.patterns[owner].shape if owner in book.patterns else ""
    return shapes[after] - shapes[stands]
