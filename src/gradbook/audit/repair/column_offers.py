"""What may stand in a column's formulas: the same things as seen from each of its cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.slopes import Slopes
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.search import Offer

MOST_OFFERED = 120


def beside(tested: StepUnderTest, cell: Address, home: Address, by: int) -> Address:
    """The cell that stands to another sample's as this one stands to the first sample's."""
    training, known = tested.training, tested.graph.known
    there = cell + by
    if not by or cell in training.weight_cells or sheet_of(cell) != sheet_of(home):
        return cell
    if there in training.weight_cells:
        return cell
    if training.plain(there) not in known and there not in tested.positions.unused:
        return cell
    a, b = (training.book.patterns.get(c) for c in (cell, there))
    alike = a is b or (a is not None and b is not None and a.shape == b.shape)
    return there if alike else cell


def column_offers(
    tested: StepUnderTest, slopes: Slopes, cells: Sequence[Address]
) -> list[list[Offer]]:
    """For each cell of a column the same things as seen from there."""
    training, made = tested.training, tested.graph
    below = training.flow.below(cells, training.weight_cells) | set(cells)
    own = {cell for cell in tested.step.weights if cell is not None}
    every = dict.fromkeys([*tested.step.cells, *own, *tested.positions.unused])
    before = tested.forward
    on_the_way = cells[0] in before
    some = {
        tested.mentions.seen_from(cell, cells[0])
        for cell in every
        if cell not in below
        and (cell not in training.weight_cells or cell in own)
        and cell not in tested.positions.of_other_steps
        and not (on_the_way and _is_still(tested, cell) and cell not in before)
    }
    near = sorted(some, key=lambda c: (sheet_of(c) != sheet_of(cells[0]), abs(c - cells[0]), c))
    found: list[list[Offer]] = [[] for _ in cells]
    for seen in near:
        if len(cells) > 1 and _is_of_another_sample(tested, seen, cells, some):
            continue
        row: list[Offer] = []
        for home in cells:
            there = beside(tested, seen, home, home - cells[0])
            try:
                node = made.node(there)
            except NotUnderstood:
                break
            if node.is_constant():
                break
            row.append(Offer(tested.mentions.reference(there, home), slopes.numbers.of(node)))
        if len(row) == len(cells):
            for list_, offer in zip(found, row, strict=True):
                list_.append(offer)
        if len(found[0]) >= MOST_OFFERED:
            break
    return found


def _is_still(tested: StepUnderTest, cell: Address) -> bool:
    """Whether a cell's formula depends on no weight and doesn't only repeat a number: a gradient
    that lost what it came from."""
    training = tested.training
    computed = cell in training.book.patterns and cell not in training.varying
    return computed and training.plain(cell) == cell


def _is_of_another_sample(
    tested: StepUnderTest, cell: Address, homes: Sequence[Address], some: Collection[Address]
) -> bool:
    """Whether a cell stands to another sample's as one that is offered does to the first's."""
    line, home = tested.positions.row, homes[0]
    if sheet_of(cell) != sheet_of(home) or cell in tested.training.weight_cells:
        return False
    if line(cell) == line(home):
        return False
    alike = (cell + home - other for other in homes[1:])
    return cell in tested.training.varying or any(
        c in some and line(c) == line(home) for c in alike
    )
