"""Parts of the chain rule that are left out, in gradients or in what they are made of.

Nothing has to be tried to know of them: a claim that is the sum over some of the ways from the
loss, or the product without one slope, is so at any numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.judge.omissions import Omissions
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.generators.samples import share_target, shares_of
from gradbook.audit.repair.hypotheses import Cause, Hypothesis, formulas_of
from gradbook.audit.repair.symptoms import Symptoms, wrong_formula
from gradbook.audit.repair.wrong_formula import WrongFormula, restore
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
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
    tested, wrong = symptoms.under_test, symptoms.wrong
    if not wrong or not all(_is_its_own(tested, j, claim) for j, claim in wrong.items()):
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


def _is_its_own(tested: StepUnderTest, weight: int, claim: Claim) -> bool:
    """Whether a claim leaves something out, and no way of a weight that unlike formulas take:
    of those one may be odd, which is suspected first."""
    omissions, cell = tested.left_out(claim, weight), tested.step.weights[weight]
    if not omissions or cell is None or tested.chain is None:
        return False
    of, partials = tested.graph.node(cell), tested.chain.partials
    patterns, held = tested.training.book.patterns, tested.cells_of_values
    users = [held[place] for place, some in partials.items() if of in some and place in held]
    shapes = {patterns[cell].shape for cell in users if cell in patterns}
    return len(shapes) < 2 or not any(one.is_way for one in omissions)


def omitted_parts(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What one gradient's own formula leaves out."""
    assert symptoms.weight is not None
    try:
        weight = symptoms.weight
        found = omission_of_claim(symptoms.under_test, weight, symptoms.wrong[weight])
    except NotUnderstood:
        return
    if found is not None:
        yield found


def omission_of_claim(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """What a claim leaves out of a weight's gradient, put back into its formula."""
    if len(shares_of(tested, claim)) > 1:
        return None
    omissions, cell = tested.left_out(claim, weight), tested.step.weights[weight]
    wrong = wrong_formula(tested, weight, claim) if omissions else None
    if wrong is None or cell is None:
        return None
    found = restore(wrong, tested.graph.node(cell), omissions)
    return None if found is None else replace(found, explains=frozenset({weight}))


# What gradients are made of -----------------------------------------------------------------


@dataclass(frozen=True)
class LackingCell:
    """A cell that leaves something out of the slope that it should be."""

    cell: Address
    of: Node  # what it should be the slope by
    omissions: Omissions[Node]
    target: Node
    per: Node | None = None  # by how much the gradient that it is a share of grows with it

    def put_right(self, tested: StepUnderTest) -> Hypothesis | None:
        pattern = tested.formula(self.cell)
        if pattern is None or pattern.expression is None:
            return None
        wanted = np.asarray(tested.random.of(self.target))
        wrong = WrongFormula(tested, self.cell, pattern, pattern.expression, wanted, self.target)
        return restore(wrong, self.of, self.omissions, Cause.COLUMN, self.per)


def _columns(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> Iterator[Hypothesis]:
    """The cells of wrong gradients that leave something out, and are made of none that does."""
    still = {j: claim for j, claim in wrong.items() if j in tested.wrong_weights()}
    owners = {claim.owner for claim in still.values()}
    made_of = {j: tested.made_of([claim.owner]) for j, claim in still.items()}
    shares = {cell: j for j, claim in still.items() for cell in shares_of(tested, claim)}
    inside = set().union(*made_of.values()) - tested.forward - owners
    lacking: dict[Address, LackingCell] = {}
    for cell in sorted(inside & tested.graph.known.keys())[:MOST_COLUMNS]:
        users = [j for j, cells in made_of.items() if cell in cells]
        if cell in shares and len(users) == 1:
            found = omission_of_share(tested, shares[cell], still[shares[cell]], cell)
        else:
            found = omission_of_cell(tested, cell, len(users))
        if found is not None:
            lacking[cell] = found
    first = [cell for cell in lacking if not tested.made_of([cell]) & lacking.keys() - {cell}]
    for cells in _in_columns(tested, first):
        each = [lacking[cell].put_right(tested) for cell in cells]
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


def omission_of_cell(tested: StepUnderTest, cell: Address, users: int) -> LackingCell | None:
    """What a cell leaves out of the slope by a value on the way to the loss; `users` gradients are
    made of it. None of one that is right, as the slope by whatever it is called by."""
    chain, value = tested.chain, tested.graph.known.get(cell)
    if chain is None or not isinstance(value, Node) or cell in tested.training.weight_cells:
        return None
    claimed = np.atleast_1d(tested.random.of(value))
    if not np.ptp(claimed):
        return None
    called = _called_by(tested, cell)
    own = [node for node, place in tested.cells_of_values.items() if place in called]
    if any(_is_slope(tested, claimed, node) for node in own):
        return None
    if (
        users < 2
        and not own
        and any(_is_slope(tested, claimed, node) for node in tested.cells_of_values)
    ):
        return None
    known = ((node, chain.left_out(node, claimed)) for node in own or tested.cells_of_values)
    lacking = [(node, omissions) for node, omissions in known if omissions]
    if not lacking:
        return None
    of, omissions = min(lacking, key=lambda one: (len(one[1]), -one[0].index))
    there = _beside(tested, omissions, cell)
    return LackingCell(cell, of, there, tested.slopes[of]) if there else None


def omission_of_share(
    tested: StepUnderTest, weight: int, claim: Claim, cell: Address
) -> LackingCell | None:
    """What a sample's share of a gradient leaves out."""
    chain, at = tested.chain, tested.step.weights[weight]
    target, share = share_target(tested, weight, claim, cell)
    if chain is None or at is None or share is None:
        return None
    along, of = tested.training.axis.along, tested.graph.node(at)
    per = gradients(tested.claim_node(claim), [share])[share]
    users = [node for node, place in tested.cells_of_values.items() if along(place) == along(cell)]
    claimed = np.atleast_1d(tested.random.of(share * per))
    omissions = _beside(tested, chain.left_out(of, claimed, users), cell)
    return LackingCell(cell, of, omissions, target, per) if omissions else None


def _beside(tested: StepUnderTest, omissions: Omissions[Node], cell: Address) -> Omissions[Node]:
    """What is left out in a cell's own sample, where there are several."""
    along, found = tested.training.axis.along, []
    for one in omissions:
        own = [
            p
            for p in one.places
            if p in tested.cells_of_values and along(tested.cells_of_values[p]) == along(cell)
        ]
        places = one.places if len(one.places) == 1 else tuple(own)
        found.append(replace(one, places=places))
    return tuple(one for one in found if one.places)


def _is_slope(tested: StepUnderTest, claimed: Array, node: Node) -> bool:
    true = tested.chain.true(node) if tested.chain is not None else None
    return true is not None and np.allclose(true, claimed, rtol=1e-9, atol=0, equal_nan=True)


def _called_by(tested: StepUnderTest, cell: Address) -> set[Address]:
    """The cells on the way to the loss whose name is part of a cell's, as h1 is of ∂E/∂h1."""
    label = _label(tested, cell)
    names = {place: _label(tested, place) for place in tested.cells_of_values.values()}
    within = {place: name for place, name in names.items() if name and name in label}
    longest = max(map(len, within.values()), default=0)
    return {place for place, name in within.items() if len(name) == longest}


def _label(tested: StepUnderTest, cell: Address) -> str:
    training = tested.training
    return training.book.label(cell, training.axis).lower()
