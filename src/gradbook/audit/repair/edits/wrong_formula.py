"""A formula that should be worth something else: the smallest edit that makes it so, or it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from itertools import islice

import numpy as np

from gradbook.audit.budget import budget
from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind, pointless_parts, references, tidy
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits import formula_edits
from gradbook.audit.repair.edits.alternatives import (
    EvaluatedFormula,
    Substitute,
    matching,
    remembered,
)
from gradbook.audit.repair.edits.formula_edits import Substitutes, constants, pairs
from gradbook.audit.repair.edits.templates import derived, differences, templates
from gradbook.audit.repair.hypotheses import Cause, Hypothesis, ranked
from gradbook.errors import GradbookError
from gradbook.graph.node import Array, Node, needed
from gradbook.targets.excel.language.grammar import Expression, Reference, write
from gradbook.targets.excel.language.spelling import Speller

MOST_OFFERED = 160  # cells that may stand in the place of others
MOST_PAIRED = 48
LONGEST = 4000  # characters of a formula that anyone would read
FEW = 12  # edits of one kind to choose from


@dataclass(frozen=True, eq=False)
class WrongFormula:
    """A formula, a claim's or any other cell's, and what it should be worth."""

    tested: StepUnderTest
    home: Address
    pattern: Pattern  # as it stands in that cell
    expression: Expression
    wanted: Array  # at the random points
    target: Node  # what to write where no edit helps

    @cached_property
    def repair(self) -> Hypothesis | None:
        """The smallest repair."""
        found = (way(self) for way in (one_edit, two_edits, written_anew))
        return next(filter(None, found), None)

    @cached_property
    def is_slight(self) -> bool:
        """Whether a small edit puts it right."""
        return self.repair is not None and self.repair.edits[0].kind is not EditKind.FORMULA

    @cached_property
    def evaluated(self) -> EvaluatedFormula:
        return EvaluatedFormula(self.expression, remembered(self.value_of))

    def value_of(self, part: Expression) -> Array:
        tested = self.tested
        try:
            pattern = mentioning(tested, self.pattern, part)
            return tested.random.of(tested.graph.expression(part, self.home, pattern))
        except NotUnderstood:
            return np.full(1, np.nan)

    @cached_property
    def cells(self) -> list[Substitute]:
        """The cells of the step, nearest first."""
        tested, home = self.tested, self.home
        found: list[Substitute] = []
        for cell in tested.mentions.candidates([home])[:MOST_OFFERED]:
            try:
                node = tested.graph.node(cell)
            except NotUnderstood:
                continue
            if not node.is_constant():  # nor a blank
                reference = tested.mentions.reference(cell, home)
                found.append(Substitute(reference, tested.random.of(node)))
        return found

    @cached_property
    def substitutes(self) -> Substitutes:
        every = [*self.cells, *constants(self.wanted.shape)]

        def factors() -> list[Substitute]:
            apart = differences(self.tested, self.home)
            near = derived(templates(self.tested), every[:MOST_PAIRED], self.value_of)
            return [*every, *(Substitute(said, self.value_of(said)) for said in apart), *near]

        return Substitutes(every, every, factors, lambda: every)

    def with_edits(self, *edits: Edit) -> Hypothesis:
        return _hypothesis(self.home, _applied(self.expression, edits), edits)

    def is_pointless(self, edits: Sequence[Edit]) -> bool:
        """Whether edits make a part of the formula come to nothing, which nobody means."""
        changed = _applied(self.expression, edits)
        return pointless_parts(changed) > pointless_parts(self.expression)


def unless_in_vain(
    way: Callable[[WrongFormula], Hypothesis | None],
) -> Callable[[WrongFormula], Hypothesis | None]:
    """A way to repair a formula, not tried again where it failed for its copies beside or above."""

    @wraps(way)
    def tried(wrong: WrongFormula) -> Hypothesis | None:
        current, home = budget(), wrong.home
        places = ("row", row_of(home)), ("column", column_of(home))
        cases = [(way.__name__, wrong.pattern.key, place) for place in places]
        found = None if any(map(current.is_hopeless, cases)) else way(wrong)
        if found is None:
            current.in_vain.update(cases)
        return found

    return tried


@unless_in_vain
def one_edit(wrong: WrongFormula) -> Hypothesis | None:
    """One edit, of whatever kind: the likeliest of the first kind that helps."""
    for kind in formula_edits.EDITS:
        right = matching(kind.propose(wrong.evaluated, wrong.substitutes), wrong.wanted)
        found = islice((edit for edit in right if not wrong.is_pointless([edit])), FEW)
        best = ranked(wrong.tested, (wrong.with_edits(edit) for edit in found))
        if best:
            return best[0]
    return None


@unless_in_vain
def two_edits(wrong: WrongFormula) -> Hypothesis | None:
    """Two edits: a reference and parentheses, or two references."""
    some = [*wrong.cells[:MOST_PAIRED], *constants(wrong.wanted.shape)[:3]]
    known = replace(wrong.substitutes, references=some)
    for hypothesis in _regrouped(wrong, known):
        return hypothesis
    right = pairs(wrong.evaluated, some, wrong.wanted)
    found = islice((two for two in right if not wrong.is_pointless(two)), FEW)
    best = ranked(wrong.tested, (wrong.with_edits(*two) for two in found))
    return best[0] if best else None


def _regrouped(wrong: WrongFormula, known: Substitutes) -> Iterator[Hypothesis]:
    """Other parentheses, and then another reference."""
    for (grouping,), _ in formula_edits.groupings(wrong.evaluated, known):
        other = EvaluatedFormula(grouping.new, wrong.evaluated.value_of)
        for edit in matching(formula_edits.other_references(other, known), wrong.wanted):
            if not wrong.is_pointless([grouping, edit]):
                done = edit.applied(grouping.new)
                whole = Edit(EditKind.PARENTHESES, ((),), wrong.expression, done)
                yield _hypothesis(wrong.home, done, [edit, whole])


def written_anew(wrong: WrongFormula) -> Hypothesis | None:
    return anew(wrong.tested, wrong.home, wrong.expression, wrong.target)


def anew(tested: StepUnderTest, home: Address, old: Expression, target: Node) -> Hypothesis | None:
    """The target in the sheet's own cells, as the chain rule gives it."""
    said = spelled(tested, home, target)
    if said is None:
        return None
    return _hypothesis(home, said, [Edit(EditKind.FORMULA, ((),), old, said)])


def spelled(
    tested: StepUnderTest, home: Address, target: Node, more: Mapping[Node, Address] | None = None
) -> Expression | None:
    """A node as a formula in some cell, by the cells on the way to the loss and some more."""
    cells: dict[Node, Address] = {}
    for cell in sorted(tested.forward, key=lambda c: (sheet_of(c) != sheet_of(home), c)):
        value = tested.graph.known.get(cell)
        if isinstance(value, Node) and not value.is_constant():
            cells.setdefault(value, cell)
    cells.update(tested.graph.leaf_cells)
    cells.update(more or {})
    if _spelled(target, cells) > LONGEST:
        return None
    speller = Speller(
        refer=lambda node: tested.mentions.reference(cells[node], home) if node in cells else None,
        block=lambda node: Reference("#N/A"),
    )
    try:
        expression = speller.formula(target) if target not in cells else speller.mention(target)
    except (GradbookError, AssertionError, KeyError):
        return None
    expression = tidy(expression)
    return expression if len(write(expression)) <= LONGEST else None


def _spelled(target: Node, known: Mapping[Node, Address]) -> int:
    """How many parts a node has when it is written out, down to cells: sums that are used twice
    over and over double each time."""
    size: dict[Node, int] = {}
    for node in needed([target], known):
        inside = node.inputs if node not in known else ()
        size[node] = 1 + sum(size.get(source, 1) for source in inside)
    return size.get(target, 1)


def mentioning(tested: StepUnderTest, pattern: Pattern, part: Expression) -> Pattern:
    """The pattern, aware of what another expression mentions in the same cell."""
    missing = {r.text for r in references(part) if r.text not in pattern.mentions}
    if not missing:
        return pattern
    reader = tested.training.book.reader
    more = {text: reader.mention(text, pattern.home) for text in missing}
    return replace(pattern, mentions={**pattern.mentions, **more})


def _applied(expression: Expression, edits: Sequence[Edit]) -> Expression:
    for edit in edits:
        expression = edit.applied(expression)
    return expression


def _hypothesis(home: Address, formula: Expression, edits: Sequence[Edit]) -> Hypothesis:
    return Hypothesis(Cause.CLAIM, (home,), (write(formula),), tuple(edits))
