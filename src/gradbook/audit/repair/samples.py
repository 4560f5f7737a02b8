"""A gradient gathered from a column of samples: what each sample's share of it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.audit.formula.address import Address, column_of, row_of
from gradbook.audit.formula.pattern import moved, relaid
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.column_offers import beside
from gradbook.audit.repair.repair import Patient, Repair, anew, repair
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Call, Expression, Number, write
from gradbook.targets.excel.language.reader import read


@dataclass(frozen=True)
class Shares:
    """The repair of a column of shares, and the right formula of each of its cells."""

    cells: tuple[Address, ...]
    repair: Repair
    expressions: tuple[Expression, ...]


def repaired_shares(tested: StepUnderTest, lane: int, claim: Claim) -> Shares | None:
    """What is wrong with the shares that a claim adds up; None where it adds up none."""
    try:
        every = _shares(tested, claim)
        if len(every) < 2:
            return None
        cells = tuple(cell for cell in every if not _is_right(tested, lane, claim, cell))
        found = _repair(tested, lane, claim, cells[0]) if cells else None
    except NotUnderstood:
        return None
    if found is None:
        return None
    text = write(found.expression)
    expressions = tuple(read(_as_seen_from(tested, text, cells[0], cell)) for cell in cells)
    return Shares(cells, found, expressions)


def _shares(tested: StepUnderTest, claim: Claim) -> tuple[Address, ...]:
    """The cells of one column, formulas of one shape, that the claim is gathered from."""
    training = tested.training
    patterns = training.book.patterns
    sources = list(dict.fromkeys(training.flow.sources(claim.owner)))
    cells = [cell for cell in sources if cell in patterns and cell not in training.weight_cells]
    if not cells and isinstance(claim.expression, Call):
        cells = [c for c in sources if isinstance(training.book.values.get(c), float)]  # pasted
    if not cells or len({patterns[c].shape if c in patterns else "" for c in cells}) > 1:
        return ()
    line = training.axis.beside
    return tuple(cells) if len({line(cell) for cell in cells}) == 1 else ()


def _is_right(tested: StepUnderTest, lane: int, claim: Claim, cell: Address) -> bool:
    """Whether one sample's share is what it should be."""
    target, share = _target(tested, lane, claim, cell)
    return share is not None and tested.same(share, target)


def _target(
    tested: StepUnderTest, lane: int, claim: Claim, cell: Address
) -> tuple[Node, Node | None]:
    """What a share should be, and what it is."""
    target = _through(tested, lane, cell)
    try:
        claimed = tested.claimed(claim)
        share = tested.graph.known.get(cell)
    except NotUnderstood:
        share = None  # it can't be worked, so it has no factor either
    if not isinstance(share, Node):
        return target, None
    return target / gradients(claimed, [share])[share], share


def _repair(tested: StepUnderTest, lane: int, claim: Claim, cell: Address) -> Repair | None:
    book = tested.training.book
    target, _ = _target(tested, lane, claim, cell)
    if cell not in book.patterns:
        return anew(tested, cell, Number(0.0), target)
    pattern = book.reader.typed(book.patterns[cell].text_at(cell), cell)
    if pattern.expression is None:
        return None
    with np.errstate(all="ignore"):
        wanted = np.asarray(tested.random.of(target))
    return repair(Patient(tested, cell, pattern, pattern.expression, wanted), target)


def _through(tested: StepUnderTest, lane: int, cell: Address) -> Node:
    """∂loss/∂w as far as it comes by way of the cell's own sample."""
    training, made = tested.training, tested.graph
    weight = tested.step.weights[lane]
    assert weight is not None
    line = training.axis.along
    others = [
        made.known[user]
        for user in training.flow.users.get(weight, ())
        if user in made.known and line(user) != line(cell)
    ]
    node = made.node(weight)
    return gradients(tested.loss, [node], [n for n in others if isinstance(n, Node)])[node]


def _as_seen_from(tested: StepUnderTest, text: str, home: Address, cell: Address) -> str:
    """The formula of another sample: what is a sample's own moves with it, all else stays."""
    reader = tested.training.book.reader

    def follow(reference: str) -> str:
        at = reader.cell(reference, home)
        there = None if at is None else beside(tested, at, cell, cell - home)
        if at is None or there is None or there == at:
            return reference
        return moved(reference, row_of(there) - row_of(at), column_of(there) - column_of(at))

    return relaid(text, follow)
