"""Parts of the chain rule that are left out, in gradients or in what they are made of.

Nothing has to be tried to know of them: a claim that is the sum over some of the ways from the
loss, or the product without one slope, is so at any numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.omissions import Omissions
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits.restored import restored
from gradbook.audit.repair.edits.wrong_formula import WrongFormula
from gradbook.audit.repair.hypotheses import Cause, Hypothesis, formulas_of
from gradbook.audit.repair.symptoms import Symptoms, wrong_formula
from gradbook.audit.training.claims import Claim
from gradbook.graph.node import Array, Node

LAYERS = 4  # of columns that are made of each other
MOST_COLUMNS = 60  # that are looked at


def omissions_of_all(symptoms: Symptoms) -> list[tuple[StepUnderTest, Hypothesis]]:
    """What is left out of every wrong gradient, where nothing else is wrong, and the step in which
    each is put right: the cells that gradients are made of first."""
    try:
        return _omissions_of_all(symptoms)
    except NotUnderstood:
        return []


def _omissions_of_all(symptoms: Symptoms) -> list[tuple[StepUnderTest, Hypothesis]]:
    tested, wrong = symptoms.tested, symptoms.wrong
    if not wrong or not all(tested.left_out(claim, j) for j, claim in wrong.items()):
        return []
    others = tested.wrong_weights() - wrong.keys()
    found: list[tuple[StepUnderTest, Hypothesis]] = []
    for _ in range(LAYERS):
        columns = list(_columns(tested, wrong))
        if not columns:
            break
        found += [(tested, column) for column in columns]
        for column in columns:
            tested = tested.with_formulas(formulas_of(tested, column))
    for weight in sorted(tested.wrong_weights() & wrong.keys()):
        own = omission_of_claim(tested, weight, wrong[weight])
        if own is None:
            return []
        found.append((tested, own))
        tested = tested.with_formulas(formulas_of(tested, own))
    return found if found and tested.wrong_weights() <= others else []


def omitted_parts(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What one gradient's own formula leaves out."""
    assert symptoms.weight is not None
    try:
        weight = symptoms.weight
        found = omission_of_claim(symptoms.tested, weight, symptoms.wrong[weight])
    except NotUnderstood:
        return
    if found is not None:
        yield found


def omission_of_claim(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """What a claim leaves out of a weight's gradient, put back into its formula."""
    omissions, cell = tested.left_out(claim, weight), tested.step.weights[weight]
    wrong = wrong_formula(tested, weight, claim) if omissions else None
    if wrong is None or cell is None:
        return None
    found = restored(wrong, tested.graph.node(cell), omissions)
    return None if found is None else replace(found, explains=frozenset({weight}))


# What gradients are made of -----------------------------------------------------------------


def _columns(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> Iterator[Hypothesis]:
    """The cells of wrong gradients that leave something out, and are made of none that does."""
    owners = {j: claim.owner for j, claim in wrong.items() if j in tested.wrong_weights()}
    made_of = {j: tested.made_of([owner]) for j, owner in owners.items()}
    inside = set().union(*made_of.values()) - tested.forward - set(owners.values())
    lacking: dict[Address, tuple[Node, Omissions[Node]]] = {}
    for cell in sorted(inside & tested.graph.known.keys())[:MOST_COLUMNS]:
        users = [j for j, cells in made_of.items() if cell in cells]
        found = omission_of_cell(tested, cell, len(users))
        if found is not None:
            lacking[cell] = found
    first = [cell for cell in lacking if not tested.made_of([cell]) & lacking.keys() - {cell}]
    for cells in _in_columns(tested, first):
        each = [_put_back(tested, cell, *lacking[cell]) for cell in cells]
        known = [one for one in each if one is not None]
        if known and len(known) == len(each):
            explains = frozenset(j for j, made in made_of.items() if not made.isdisjoint(cells))
            formulas = tuple(one.formulas[0] for one in known)
            yield replace(known[0], cells=tuple(cells), formulas=formulas, explains=explains)


def _in_columns(tested: StepUnderTest, cells: Collection[Address]) -> Iterator[list[Address]]:
    """Cells that stand in one line and look alike, as those of several samples do."""
    training = tested.training
    found: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in cells:
        found[training.axis.line(cell), training.book.patterns[cell].shape].append(cell)
    yield from found.values()


def omission_of_cell(
    tested: StepUnderTest, cell: Address, gradients: int
) -> tuple[Node, Omissions[Node]] | None:
    """The value on the way to the loss whose slope a cell should be, and what it leaves out of it;
    `gradients` are made of the cell. None of what is right, as a slope of whatever it is called by.
    """
    chain, value = tested.chain, tested.graph.known.get(cell)
    if chain is None or not isinstance(value, Node) or cell in tested.training.weight_cells:
        return None
    claimed = np.atleast_1d(tested.random.of(value))
    if not np.ptp(claimed):
        return None
    called = _called_by(tested, cell)
    own = [node for node, place in tested.held.items() if place in called]
    is_slope = any(_is_slope(tested, claimed, node) for node in tested.held)
    if any(_is_slope(tested, claimed, node) for node in own):
        return None
    if is_slope and not own and gradients < 2:
        return None
    known = ((node, chain.left_out(node, claimed)) for node in own or tested.held)
    lacking = [(node, omissions) for node, omissions in known if omissions]
    return min(lacking, key=lambda one: (len(one[1]), -one[0].index), default=None)


def _is_slope(tested: StepUnderTest, claimed: Array, node: Node) -> bool:
    true = tested.chain.true(node) if tested.chain is not None else None
    return true is not None and np.allclose(true, claimed, rtol=1e-9, atol=0, equal_nan=True)


def _called_by(tested: StepUnderTest, cell: Address) -> set[Address]:
    """The cells on the way to the loss whose name is part of a cell's, as h1 is of ∂E/∂h1."""
    label = _label(tested, cell)
    names = {place: _label(tested, place) for place in tested.held.values()}
    within = {place: name for place, name in names.items() if name and name in label}
    longest = max(map(len, within.values()), default=0)
    return {place for place, name in within.items() if len(name) == longest}


def _label(tested: StepUnderTest, cell: Address) -> str:
    training = tested.training
    return training.book.label(cell, training.axis).lower()


def _put_back(
    tested: StepUnderTest, cell: Address, of: Node, omissions: Omissions[Node]
) -> Hypothesis | None:
    pattern, chain = tested.formula(cell), tested.chain
    if pattern is None or pattern.expression is None or chain is None:
        return None
    target = tested.slopes[of]
    wanted = np.asarray(tested.random.of(target))
    wrong = WrongFormula(tested, cell, pattern, pattern.expression, wanted, target)
    return restored(wrong, of, omissions, Cause.COLUMN)
