"""Finds the smallest change of a formula that makes it the gradient; else writes it anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of
from gradbook.audit.formula.edits import Edit, EditKind, pointless_parts, tidy
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest, Verdict
from gradbook.audit.repair.changes import (
    constants,
    exchanges,
    factors_more,
    groupings,
    omissions,
    other_operators,
    pairs,
    replacements,
    terms_more,
)
from gradbook.audit.repair.search import Batch, Offer, Trial, matching, remembered
from gradbook.audit.repair.templates import derived, differences, templates
from gradbook.errors import GradbookError
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Reference, write
from gradbook.targets.excel.language.spelling import Speller

MOST_OFFERED = 160  # cells that may stand in the place of others
MOST_PAIRED = 48
LONGEST = 4000  # characters of a formula that anyone would read
FEW = 12  # repairs of one kind to choose from


@dataclass(frozen=True)
class Repair:
    """A formula that is right, and the edits that lead to it."""

    expression: Expression
    changes: tuple[Edit, ...]


@dataclass(frozen=True)
class Patient:
    """A formula that should be worth something else: a claim, or any other cell."""

    tested: StepUnderTest
    owner: Address
    pattern: Pattern  # read in the owner itself
    expression: Expression
    wanted: Array  # at the random points


def repair(patient: Patient, target: Node) -> Repair | None:
    """The smallest repair; where none is found, the target written in the sheet's cells."""
    trial = Trial(patient.expression, remembered(lambda part: _values(patient, part)))
    cells = offers(patient)
    return (
        _one(patient, trial, cells)
        or _two(patient, trial, cells)
        or anew(patient.tested, patient.owner, patient.expression, target)
    )


def _one(patient: Patient, trial: Trial, cells: Sequence[Offer]) -> Repair | None:
    """One edit, of whatever kind; the best of the first kind that helps."""
    offered = [*cells, *constants(patient.wanted.shape)]
    kinds = (
        replacements(trial, offered, Reference),
        other_operators(trial),
        exchanges(trial),
        groupings(trial),
        omissions(trial),
        replacements(trial, offered, Number),
        _factors_more(patient, trial, offered),
        terms_more(trial, offered),
    )
    for batches in kinds:
        right = matching(batches, patient.wanted)
        found = list(islice((c for c in right if not _is_vain(patient, [c])), FEW))
        if found:
            best = min(found, key=lambda c: _effort(patient, trial, c))
            return Repair(best.applied(patient.expression), (best,))
    return None


def _factors_more(patient: Patient, trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
    """A factor that is missing: a cell, or a function of one."""
    near = offered[:MOST_PAIRED]
    more = derived(templates(patient.tested), near, lambda said: _values(patient, said))
    apart = differences(patient.tested, patient.owner)
    found = [Offer(said, _values(patient, said)) for said in apart]
    yield from factors_more(trial, [*offered, *found, *more])


def _two(patient: Patient, trial: Trial, cells: Sequence[Offer]) -> Repair | None:
    """Two edits: a reference and parentheses, or two references."""
    offered = [*cells[:MOST_PAIRED], *constants(patient.wanted.shape)[:3]]
    for (grouping,), _ in groupings(trial):
        other = Trial(grouping.new, trial.opaque)
        for choice in matching(replacements(other, offered, Reference), patient.wanted):
            if _is_vain(patient, [choice], grouping.new):
                continue
            done = choice.applied(grouping.new)
            last = Edit(EditKind.PARENTHESES, ((),), patient.expression, done)
            return Repair(done, (choice, last))
    right = pairs(trial, offered, patient.wanted)
    both = list(islice((two for two in right if not _is_vain(patient, two)), FEW))
    if both:
        pair = min(both, key=lambda two: sum(_effort(patient, trial, c)[2] for c in two))
        return Repair(pair[1].applied(pair[0].applied(patient.expression)), pair)
    return None


def _is_vain(patient: Patient, edits: Sequence[Edit], start: Expression | None = None) -> bool:
    """Whether edits make a part of the formula come to nothing, which nobody means."""
    changed = patient.expression if start is None else start
    for edit in edits:
        changed = edit.applied(changed)
    return pointless_parts(changed) > pointless_parts(patient.expression)


# What may stand in a formula ---------------------------------------------------


def _values(patient: Patient, part: Expression) -> Array:
    tested = patient.tested
    try:
        node = tested.graph.expression(
            part, patient.owner, mentioning(tested, patient.pattern, part)
        )
        return tested.random.of(node)
    except NotUnderstood:
        return np.full(1, np.nan)


def mentioning(tested: StepUnderTest, pattern: Pattern, part: Expression) -> Pattern:
    """The pattern, aware of what another expression mentions in the same cell."""
    missing = {r.text for r in references(part) if r.text not in pattern.mentions}
    if not missing:
        return pattern
    reader = tested.training.book.reader
    more = {text: reader.mention(text, pattern.home) for text in missing}
    return replace(pattern, mentions={**pattern.mentions, **more})


def offers(patient: Patient) -> list[Offer]:
    """The cells of the step, nearest first: their references and their values."""
    tested, owner = patient.tested, patient.owner
    training = tested.training
    below = training.flow.below([owner], training.weight_cells) | {owner}
    own = {cell for cell in tested.step.weights if cell is not None}
    cells = [
        cell
        for cell in dict.fromkeys([*own, *tested.step.cells, *tested.positions.unused])
        if cell not in below
        and (cell not in training.weight_cells or cell in own)
        and cell not in tested.positions.of_other_steps
    ]
    cells.sort(key=lambda cell: (sheet_of(cell) != sheet_of(owner), abs(cell - owner)))
    found: list[Offer] = []
    for cell in cells[:MOST_OFFERED]:
        try:
            node = tested.graph.node(cell)
        except NotUnderstood:
            continue
        if node.is_constant():
            continue  # a blank
        values = tested.random.of(node)
        found.append(Offer(tested.mentions.reference(cell, owner), values))
    return found


def _effort(patient: Patient, trial: Trial, choice: Edit) -> tuple[int, int, float]:
    """Prefers cells to numbers, those of the same row and near ones, and factors beside others."""
    old, new = choice.old, choice.new
    if choice.kind in (EditKind.FACTOR, EditKind.TERM):
        assert isinstance(new, Infix)
        sum_ = isinstance(old, Infix) and old.operator in "+-"
        plain = new.operator in "*+" and isinstance(new.right, Reference)
        return int(not plain), int(sum_), float(len(choice.paths[0]))
    if not isinstance(new, Reference) or not isinstance(old, Reference):
        return int(isinstance(new, Reference) != isinstance(old, Reference)), 0, 0.0
    reader = patient.tested.training.book.reader
    a, b = reader.cell(old.text, patient.owner), reader.cell(new.text, patient.owner)
    if a is None or b is None:
        return 0, 0, 1e9
    apart = abs(row_of(a) - row_of(b)) * 100 + abs(column_of(a) - column_of(b))
    return 0, 0, float(apart + 1e6 * (sheet_of(a) != sheet_of(b)))


# A formula written anew --------------------------------------------------------


def anew(tested: StepUnderTest, owner: Address, old: Expression, target: Node) -> Repair | None:
    """The target in the sheet's own cells, as the chain rule gives it."""
    before = tested.forward
    cells: dict[Node, Address] = {}
    for cell in sorted(before, key=lambda c: (sheet_of(c) != sheet_of(owner), c)):
        value = tested.graph.known.get(cell)
        if isinstance(value, Node) and not value.is_constant():
            cells.setdefault(value, cell)
    cells.update({node: cell for cell, node in tested.graph.leaves.items()})
    speller = Speller(
        refer=lambda node: tested.mentions.reference(cells[node], owner) if node in cells else None,
        block=lambda node: Reference("#N/A"),
    )
    try:
        expression = speller.formula(target) if target not in cells else speller.mention(target)
    except (GradbookError, AssertionError, KeyError):
        return None
    expression = tidy(expression)
    if len(write(expression)) > LONGEST:
        return None
    return Repair(expression, (Edit(EditKind.FORMULA, ((),), old, expression),))


def restores(
    tested: StepUnderTest, repaired: Repair, owner: Address, wanted: Node, sign: int
) -> bool:
    """Whether the repaired formula, written and read again, is what is wanted."""
    pattern = tested.training.book.reader.typed(write(repaired.expression), owner)
    if pattern.expression is None:
        return False
    try:
        node = tested.graph.expression(pattern.expression, owner, pattern)
    except NotUnderstood:
        return False
    return tested.compare(node if sign > 0 else -node, wanted) == Verdict.RIGHT
