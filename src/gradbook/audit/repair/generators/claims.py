"""What may be wrong with a gradient itself: shares of samples, omissions, another's gradient.

A gradient may be gathered from a column of samples, or from shares that stand here and there; where
samples don't stand below each other, which share is of which sample is told by what most of them
say: each is the slope by way of one of the formulas that mention the weight. Of parts of the chain
rule that are left out nothing has to be tried: a claim that is the sum over some of the ways from
the loss, or the product without one slope, is so at any numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gradbook.audit.formula.address import Address, name_of, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copy_formula, rename_cells_in
from gradbook.audit.repair.repaired_step import repair_step
from gradbook.audit.repair.shares import share_target, shares_of
from gradbook.audit.repair.symptoms import Symptoms, wrong_formula
from gradbook.audit.repair.wrong_formula import WrongFormula, restore
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.omissions import Omissions
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language import Reference, write

# Omissions ----------------------------------------------------------------------------

LAYERS = 4  # of columns that are made of each other
MOST_CELLS = 60  # that are looked at
MOST_NAMED = 240  # of those that are held against what they are called after alone


def omissions_of_all(symptoms: Symptoms) -> list[tuple[StepUnderTest, Hypothesis]]:
    """What is left out of every wrong gradient, where nothing else is wrong, and the step in which
    each is put right: the cells that gradients are made of first."""
    try:
        return _omissions_of_all(symptoms)
    except NotUnderstood:
        return []


def _omissions_of_all(symptoms: Symptoms) -> list[tuple[StepUnderTest, Hypothesis]]:
    tested, wrong = symptoms.under_test, symptoms.wrong
    if not wrong or any(_may_be_odd(tested, j, claim) for j, claim in wrong.items()):
        return []
    is_own = all(tested.left_out(claim, j) for j, claim in wrong.items())
    others = tested.wrong_weights() - wrong.keys()
    found: list[tuple[StepUnderTest, Hypothesis]] = []
    for _ in range(LAYERS):
        columns = list(_lacking_columns(tested, wrong, only_named=not is_own))
        if not columns:
            break
        found += [(tested, column) for column in columns]
        for column in columns:
            tested = repair_step(tested, column)
    for weight in sorted(tested.wrong_weights() & wrong.keys()):
        own = omission_of_claim(tested, weight, wrong[weight])
        if own is None:
            return []
        found.append((tested, own))
        tested = repair_step(tested, own)
    return found if found and tested.wrong_weights() <= others else []


def _may_be_odd(tested: StepUnderTest, weight: int, claim: Claim) -> bool:
    """Whether a claim leaves out a way of a weight that unlike formulas take: of those one may be
    odd, which is suspected first."""
    cell = tested.step.weights[weight]
    if cell is None or tested.chain is None:
        return True
    of, partials = tested.graph.node(cell), tested.chain.partials
    patterns, held = tested.training.book.patterns, tested.cells_of_values
    users = [held[place] for place, some in partials.items() if of in some and place in held]
    shapes = {patterns[cell].shape for cell in users if cell in patterns}
    return len(shapes) > 1 and any(one.is_way for one in tested.left_out(claim, weight))


def omitted_parts(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """What one gradient's own formula leaves out."""
    try:
        return omission_of_claim(tested, weight, claim)
    except NotUnderstood:
        return None


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


# What only repeats another cell -------------------------------------------------------------


def repeated_cell(wrong: WrongFormula) -> Hypothesis | None:
    """The cell that a formula takes, where that only repeats a wrong cell and serves nothing else:
    nobody would have made it for nothing, had the formula been meant to take another."""
    found = wrong.repair if wrong.is_slight else None
    edit = found.edits[0] if found is not None and len(found.edits) == 1 else None
    if edit is None or edit.kind is not EditKind.REFERENCE:
        return None
    tested, training = wrong.under_test, wrong.under_test.training
    taken, right = (training.book.reader.cell(write(p), wrong.home) for p in (edit.old, edit.new))
    if taken is None or right in (None, taken) or taken not in training.book.patterns:
        return None
    if training.plain(taken) == taken or set(training.flow.users[taken]) != {wrong.home}:
        return None
    said, old = tested.mentions.reference(right, taken), training.book.patterns[taken].expression
    if old is None or tested.positions.row(taken) != tested.positions.row(wrong.home):
        return None
    of_cell = Edit(EditKind.REFERENCE, ((),), old, said)
    return Hypothesis(Cause.COLUMN, (taken,), (write(said),), (of_cell,))


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
        wrong = WrongFormula.at(tested, self.cell, self.target)
        if wrong is None:
            return None
        return restore(wrong, self.of, self.omissions, Cause.COLUMN, self.per)


def _lacking_columns(
    tested: StepUnderTest, wrong: Mapping[int, Claim], *, only_named: bool
) -> Iterator[Hypothesis]:
    """The cells of wrong gradients that leave something out, and are made of none that does; maybe
    only those that are called after a value on the way to the loss."""
    still = {j: claim for j, claim in wrong.items() if j in tested.wrong_weights()}
    owners = {claim.owner for claim in still.values()}
    made_of = {j: tested.made_of([claim.owner]) for j, claim in still.items()}
    shares = {cell: j for j, claim in still.items() for cell in shares_of(tested, claim)}
    inside = set().union(*made_of.values()) - tested.forward - owners
    lacking: dict[Address, LackingCell] = {}
    every = sorted(inside & tested.graph.known.keys())
    named = (cell for cell in every if _values_called_by(tested, cell))
    for cell in islice(named, MOST_NAMED) if only_named else every[:MOST_CELLS]:
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
    """Group the cells that stand in one line and look alike, as those of several samples do."""
    training = tested.training
    found: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in cells:
        found[training.axis.line(cell), training.book.patterns[cell].shape].append(cell)
    yield from found.values()


def omission_of_cell(tested: StepUnderTest, cell: Address, users: int) -> LackingCell | None:
    """Return what a cell leaves out of the slope by a value on the way to the loss; None where it
    is right. `users` is how many gradients are made of it."""
    chain, value = tested.chain, tested.graph.known.get(cell)
    if chain is None or not isinstance(value, Node) or cell in tested.training.weight_cells:
        return None
    claimed = np.atleast_1d(tested.random.of(value))
    if not np.ptp(claimed):
        return None
    own = _values_called_by(tested, cell)
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


def _values_called_by(tested: StepUnderTest, cell: Address) -> list[Node]:
    called = _called_by(tested, cell)
    return [node for node, place in tested.cells_of_values.items() if place in called]


def _called_by(tested: StepUnderTest, cell: Address) -> set[Address]:
    """The cells on the way to the loss whose name is part of a cell's, as h1 is of ∂E/∂h1."""
    label = _label(tested, cell)
    names = {place: _label(tested, place) for place in tested.cells_of_values.values()}
    within = {place: name for place, name in names.items() if name and name in label}
    longest = max(map(len, within.values()), default=0)
    return {place for place, name in within.items() if len(name) == longest}


def _label(tested: StepUnderTest, cell: Address) -> str:
    training = tested.training
    return training.label(cell).lower()


# Gradients of other weights -----------------------------------------------------------

ITSELF = -1  # of no weight: the loss, which some take for its slope


def other_gradients(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The updates that should mention another cell than they do."""
    tested, patterns = symptoms.under_test, symptoms.under_test.training.book.patterns
    for weight, claim in symptoms.wrong.items():
        other = whose(tested, weight, claim) if claim.via and claim.whole else None
        if other is None:
            continue
        astray = _where_ways_meet(tested, claim, other) if other != ITSELF else claim.owner
        home = claim.via[claim.via.index(astray) - 1] if astray in claim.via else claim.via[-1]
        right = _right_one(tested, weight, claim, astray)
        own = astray == claim.owner and other != ITSELF
        if right is None or (own and _takes_its_own(tested, weight, astray, right)):
            continue
        if home != astray:
            taken, said = (
                tested.mentions.on_its_sheet(name_of(cell), cell, home) for cell in (astray, right)
            )
            text = _with(tested, patterns[home].text_at(home), home, astray, said)
            edit = Edit(EditKind.REFERENCE, ((),), Reference(taken), Reference(said))
            yield Hypothesis(Cause.UPDATE, (home,), (text,), (edit,), frozenset({weight}), other)


def serving_others(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> set[int]:
    """The weights of a last row, which no update follows, that seem to claim another's gradient, or
    claim nothing there."""
    seeming = {
        weight
        for weight, claim in wrong.items()
        if not claim.via and claim.whole and whose(tested, weight, claim) is not None
    }
    is_last = tested.step.number == tested.training.steps
    claims = tested.step.claims if is_last else ()
    return seeming.union(weight for weight, options in enumerate(claims) if not options)


def going_on(
    last: StepUnderTest, known: Sequence[tuple[StepUnderTest, Hypothesis]], weights: set[int]
) -> Iterator[tuple[StepUnderTest, Hypothesis]]:
    """What earlier steps take for these weights' gradients, in a last row, which no update follows:
    a velocity or a mean that goes on there as it did before."""
    training, found = last.training, set[Address]()
    patterns = training.book.patterns
    for tested, update in known:
        (weight,) = update.explains
        steps = last.step.number - tested.step.number
        there = update.home + steps * training.weights[weight].stride
        before, here = patterns.get(update.home), patterns.get(there)
        if before is None or here is None or weight not in weights or there in found:
            continue
        if there not in training.weight_cells and here.shape == before.shape:
            found.add(there)
            text = _further(training, update, there)
            alone = replace(tested, alike=(tested.step,))
            yield alone, replace(update, cells=(there,), formulas=(text,))


def _further(training: SheetTraining, update: Hypothesis, there: Address) -> str:
    """The right formula of an update some steps later."""
    right = training.book.reader.read_typed(update.formulas[0], update.home)
    if sheet_of(there) != sheet_of(update.home):
        return training.on_sheet_of(there, right).text_at(there)
    return copy_formula(right.text, update.home, there)


def whose(tested: StepUnderTest, weight: int, claim: Claim) -> int | None:
    """The weight whose gradient a claim is, if it isn't the loss itself."""
    if claim.owner in tested.loss_cells:
        return ITSELF
    if claim.owner not in tested.training.book.patterns:
        return None
    try:
        claimed = tested.claim_node(claim)
    except NotUnderstood:
        return None
    for other, true in tested.gradients.items():
        if other != weight and not true.is_constant() and tested.same(claimed, true):
            return other
    return None


def _where_ways_meet(tested: StepUnderTest, claim: Claim, other: int) -> Address:
    """The first cell on the way to a claim that belongs to the other weight's update."""
    theirs = {cell for option in tested.step.claims[other] for cell in (*option.via, option.owner)}
    return next((cell for cell in claim.via[1:] if cell in theirs), claim.owner)


def _takes_its_own(tested: StepUnderTest, weight: int, taken: Address, right: Address) -> bool:
    """Whether what an update takes is no other weight's gradient, nor is any made of it, nor is
    what it should take: then that cell is rightly taken, and what it says is wrong."""
    every = enumerate(tested.step.claims)
    others = {option.owner for j, some in every if j != weight for option in some}
    return right not in others and taken not in others | tested.made_of(others)


def _right_one(tested: StepUnderTest, weight: int, claim: Claim, astray: Address) -> Address | None:
    """What belongs in the place of a gradient, or of what remembers it."""
    for own in _gradient_cells(tested, weight, claim):
        right = own if astray == claim.owner else _remembering(tested, own, astray)
        if right is not None:
            return right
    return None


def _gradient_cells(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[Address]:
    """The cells of the step that are the gradient wanted: first those beside the claim."""
    training, owner, true = tested.training, claim.owner, tested.gradients[weight]
    for cell in _near(tested, owner, training.book.patterns):
        if cell not in training.computed_cells:
            continue
        try:
            node = tested.graph.node(cell)
        except NotUnderstood:
            continue
        if tested.same(node if claim.sign > 0 else -node, true):
            yield cell


def _remembering(tested: StepUnderTest, own: Address, like: Address) -> Address | None:
    """The velocity, or the mean, that gathers a gradient as another cell does the other's."""
    patterns, weight_cells = tested.training.book.patterns, tested.training.weight_cells
    users = tested.training.flow.users.get(own, ())
    near = (user for user in _near(tested, like, users) if user not in weight_cells)
    alike = (user for user in near if user in patterns)
    along = tested.training.axis.along
    return next(
        (
            user
            for user in alike
            if along(user) == along(like) or patterns[user].shape == patterns[like].shape
        ),
        None,
    )


def _near(tested: StepUnderTest, home: Address, cells: Iterable[Address]) -> list[Address]:
    """Return the cells that stand beside one first, and then the others of its step."""
    along = tested.training.axis.along
    beside = [cell for cell in cells if along(cell) == along(home)]
    own = {*tested.step.cells, *tested.positions.unused_formulas}.intersection(cells).difference(
        beside
    )
    near = sorted(beside, key=lambda c: (sheet_of(c) != sheet_of(home), c))
    return [*near, *sorted(own, key=lambda c: (sheet_of(c) != sheet_of(home), c))]


def _with(tested: StepUnderTest, text: str, home: Address, astray: Address, said: str) -> str:
    """A formula that mentions another cell in the place of one."""
    cell = tested.training.book.reader.cell
    return rename_cells_in(text, lambda word: said if cell(word, home) == astray else word)
