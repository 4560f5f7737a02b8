"""An update that takes another weight's gradient, though its own is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.formula.expression import Edit, EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copied, relaid
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.hypotheses import Cause, Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.training import SheetTraining
from gradbook.targets.excel.language.grammar import Reference


def other_gradients(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The updates that should mention another cell than they do."""
    tested, patterns = symptoms.under_test, symptoms.under_test.training.book.patterns
    for weight, claim in symptoms.wrong.items():
        other = whose(tested, weight, claim) if claim.via and claim.whole else None
        if other is None:
            continue
        astray = _where_ways_meet(tested, claim, other)
        home = claim.via[claim.via.index(astray) - 1] if astray in claim.via else claim.via[-1]
        right = _right_one(tested, weight, claim, astray)
        own = astray == claim.owner and right is not None
        if right is None or (own and _is_its_own(tested, weight, astray, right)):
            continue
        if home != astray:
            taken, said = (
                tested.mentions.on_its_sheet(written(cell), cell, home) for cell in (astray, right)
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
    right = training.book.reader.typed(update.formulas[0], update.home)
    if sheet_of(there) != sheet_of(update.home):
        return training.on_sheet_of(there, right).text_at(there)
    return copied(right.text, update.home, there)


def whose(tested: StepUnderTest, weight: int, claim: Claim) -> int | None:
    """The weight whose gradient a claim is."""
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


def _is_its_own(tested: StepUnderTest, weight: int, taken: Address, right: Address) -> bool:
    """Whether what an update takes is no other weight's gradient, nor is any made of it, nor is
    what it should take: then that cell is rightly taken, and what it says is wrong."""
    every = enumerate(tested.step.claims)
    others = {option.owner for j, some in every if j != weight for option in some}
    return right not in others and taken not in others | tested.made_of(others)


def _right_one(tested: StepUnderTest, weight: int, claim: Claim, astray: Address) -> Address | None:
    """What belongs in the place of a gradient, or of what remembers it."""
    for own in _worth(tested, weight, claim):
        right = own if astray == claim.owner else _remembering(tested, own, astray)
        if right is not None:
            return right
    return None


def _worth(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[Address]:
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
    """Those of some cells that stand beside one, and then those elsewhere in its step."""
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
    return relaid(text, lambda word: said if cell(word, home) == astray else word)
