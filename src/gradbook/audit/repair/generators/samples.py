"""A gradient gathered from a column of samples: what each sample's share of it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copied, relaid
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.hypotheses import Cause, Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import WrongFormula, anew
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Call, Number

SEEN = 1_000  # numbers that could be computed while a formula is led to another sample


def repaired_shares(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What is wrong with the shares that a claim adds up, if it adds up some."""
    tested, weight = symptoms.under_test, symptoms.weight
    assert weight is not None
    claim = symptoms.wrong[weight]
    try:
        every = shares_of(tested, claim)
        cells = [c for c in every if not _is_right(tested, weight, claim, c)]
        several = cells and len(every) > 1
        target = share_target(tested, weight, claim, cells[0])[0] if several else None
        found = repaired_as(tested, cells[0], target) if target is not None else None
    except NotUnderstood:
        return
    if found is not None:
        text = found.formulas[0]
        formulas = tuple(_as_seen_from(tested, text, cells[0], cell) for cell in cells)
        yield Hypothesis(Cause.COLUMN, tuple(cells), formulas, found.edits, frozenset({weight}))


def shares_of(tested: StepUnderTest, claim: Claim) -> list[Address]:
    """The cells of one column, formulas of one shape, that the claim is gathered from."""
    training = tested.training
    patterns = training.book.patterns
    sources = list(dict.fromkeys(training.flow.sources(claim.owner)))
    cells = [cell for cell in sources if cell in patterns and cell not in training.weight_cells]
    if not cells and isinstance(claim.expression, Call):
        cells = [c for c in sources if isinstance(training.book.values.get(c), float)]  # pasted
    if len({patterns[c].shape if c in patterns else "" for c in cells}) > 1:
        return []
    return cells if len(set(map(training.axis.beside, cells))) == 1 else []


def _is_right(tested: StepUnderTest, weight: int, claim: Claim, cell: Address) -> bool:
    """Whether one sample's share is what it should be."""
    target, share = share_target(tested, weight, claim, cell)
    return share is not None and tested.same(share, target)


def share_target(
    tested: StepUnderTest, weight: int, claim: Claim, cell: Address
) -> tuple[Node, Node | None]:
    """What a share should be, and what it is."""
    target = _through(tested, weight, cell)
    try:
        claimed = tested.claim_node(claim)
        share = tested.graph.known.get(cell)
    except NotUnderstood:
        share = None  # it can't be worked, so it has no factor either
    if not isinstance(share, Node):
        return target, None
    return target / gradients(claimed, [share])[share], share


def repaired_as(tested: StepUnderTest, cell: Address, target: Node) -> Hypothesis | None:
    """How a share becomes what it should be."""
    pattern = tested.formula(cell)
    if pattern is None:
        return anew(tested, cell, Number(0.0), target)
    if pattern.expression is None:
        return None
    wanted = np.asarray(tested.random.of(target))
    return WrongFormula(tested, cell, pattern, pattern.expression, wanted, target).repair


def _through(tested: StepUnderTest, weight: int, cell: Address) -> Node:
    """∂loss/∂w as far as it comes by way of the cell's own sample."""
    training, graph = tested.training, tested.graph
    at = tested.step.weights[weight]
    assert at is not None
    along = training.axis.along
    others = [
        graph.known[user]
        for user in training.flow.users.get(at, ())
        if user in graph.known and along(user) != along(cell)
    ]
    node = graph.node(at)
    return gradients(tested.loss, [node], [n for n in others if isinstance(n, Node)])[node]


def _as_seen_from(tested: StepUnderTest, text: str, home: Address, cell: Address) -> str:
    """The formula of another sample: what is a sample's own moves with it, all else stays."""
    reader = tested.training.book.reader

    def follow(reference: str) -> str:
        at = reader.cell(reference, home)
        there = None if at is None else beside(tested, at, cell, home)
        if at is None or there is None or there == at:
            return reference
        return copied(reference, at, there)

    return relaid(text, follow)


def unlike_others(tested: StepUnderTest, cells: Sequence[Address]) -> list[Address]:
    """The cells of a column that don't say of their samples what most say of theirs; all of them
    where nothing is said by most, as where they only happen to stand below each other."""
    patterns = tested.training.book.patterns
    if len(cells) < 2 or len({patterns[cell] for cell in cells}) == 1:
        return []
    first, said = cells[0], {}
    for cell in cells:
        spend(SEEN)
        text = _as_seen_from(tested, patterns[cell].text_at(cell), cell, first)
        said[cell] = text.replace("$", "")  # which is fixed makes no difference in one cell
    ((usual, often),) = Counter(said.values()).most_common(1)
    return [cell for cell in cells if said[cell] != usual or 2 * often <= len(cells)]


def beside(tested: StepUnderTest, cell: Address, home: Address, first: Address) -> Address:
    """The cell that stands to a sample's `home` as this one stands to the first sample's."""
    training, known = tested.training, tested.graph.known
    there = cell + home - first
    if there == cell or cell in training.weight_cells or sheet_of(cell) != sheet_of(home):
        return cell
    if there in training.weight_cells:
        return cell
    if training.plain(there) not in known and there not in tested.positions.unused_formulas:
        return cell
    a, b = (training.book.patterns.get(c) for c in (cell, there))
    alike = a is b or (a is not None and b is not None and a.shape == b.shape)
    return there if alike else cell
