"""A step as changed by a hypothesis, and the doubts about it.

Typical formulas of networks, a weighted sum or a function of one cell, are likelier than others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cached_property
from heapq import nsmallest

from gradbook.audit.edits.formula_edits import edits_of
from gradbook.audit.search.hypotheses import Doubts, Hypothesis, unless_not_understood
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address, column_of, row_of, sheet_of
from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    factors,
    parts,
    pointless_parts,
    references,
    terms,
)
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)
from gradbook.graph.node import Node

# Conventional formulas ----------------------------------------------------------------

ACTIVATIONS = ("sigmoid", "tanh")


class Convention(IntEnum):
    """How closely a formula resembles those that networks consist of."""

    NONE = 0
    USUAL = 1  # a weighted sum, or some function of one cell
    NAMED = 2  # a named activation


def convention(tested: StepUnderTest, pattern: Pattern | None, home: Address) -> Convention:
    """How typical a formula in a cell on the path to the loss is."""
    said = pattern.expression if pattern is not None else None
    if said is None or isinstance(said, Reference):
        return Convention.NONE
    if _is_weighted_sum(tested, said, home):
        return Convention.USUAL
    node = unless_not_understood(lambda: tested.graph.expression(said, home, pattern))
    named = node is not None and node.op.name in ACTIVATIONS
    mentioned = {reference.text for reference in references(said)}
    one = tested.training.book.reader.cell(mentioned.pop(), home) if len(mentioned) == 1 else None
    if one in tested.training.computed_cells:
        return Convention.NAMED if named else Convention.USUAL
    called = (part.arguments[0] for part in parts(said) if isinstance(part, Call))
    inside = next(called, None)
    inside = inside.operand if isinstance(inside, Prefix) else inside
    takes_a_sum = named and _is_weighted_sum(tested, inside, home)
    return Convention.NAMED if takes_a_sum else Convention.NONE


def could_be_named(tested: StepUnderTest, cell: Address) -> bool:
    """Whether parentheses or another operator would make some function of one cell a named
    activation, as 1/1+EXP(-x) was meant for a sigmoid."""
    pattern = tested.formula(cell)
    if pattern is None or pattern.expression is None:
        return False
    if not any(isinstance(part, Call) for part in parts(pattern.expression)):
        return False
    if convention(tested, pattern, cell) is not Convention.USUAL:
        return False
    read, said = tested.training.book.reader.read_typed, pattern.expression
    others = (edit.apply_to(said) for edit in edits_of(said, ("parentheses", "operators"), (), ()))
    named = (convention(tested, read(write(other), cell), cell) for other in others)
    return Convention.NAMED in named


def _is_weighted_sum(tested: StepUnderTest, expression: Expression | None, home: Address) -> bool:
    """Whether each term is a different weight times something else, apart from one bias."""
    if expression is None:
        return False
    reader, weights = tested.training.book.reader, set(tested.step.own)
    seen: list[Address | None] = []
    biases = 0
    for sign, term in terms(expression):
        split = factors(term).parts
        cells = [
            reader.cell(f.part.text, home) if isinstance(f.part, Reference) else None for f in split
        ]
        own = sum(cell in weights for cell in cells)
        if sign < 0 or own != 1 or len(split) > 2 or None in cells:
            return False
        if not all(f.above for f in split):
            return False
        seen += cells
        biases += len(split) == 1
    products = len(terms(expression)) - biases
    return products > 0 and biases < 2 and len(seen) == len(set(seen))


# Repaired steps -----------------------------------------------------------------------

WEIGHED = 60  # hypotheses that are examined in full
HYPOTHESIS = 50_000  # budget for the first examination of one
FAR = 1e6  # the distance to another sheet, in cells
COMMON = (0.5, 1.0, 2.0)  # halves before squares


class RepairedStep:
    """A step and a hypothesis: the formula of its first cell, before and after the edit."""

    def __init__(self, tested: StepUnderTest, hypothesis: Hypothesis) -> None:
        self.under_test = tested
        self.hypothesis = hypothesis
        self.home = hypothesis.home
        self.edit = hypothesis.edits[0]
        self.is_forward = self.home in tested.forward

    @cached_property
    def before(self) -> Pattern | None:
        return self.under_test.formula(self.home)

    @cached_property
    def after(self) -> Pattern:
        return self.under_test.training.book.reader.read_typed(
            self.hypothesis.formulas[0], self.home
        )

    @cached_property
    def all_after(self) -> StepUnderTest:
        """The step with all changes of the hypothesis."""
        return repair_step(self.under_test, self.hypothesis)

    @cached_property
    def likeness(self) -> int:
        """How many more formulas, on the same path, the formula resembles after the change; on the
        backward path factors may be in another order."""
        if self.is_forward:
            return self.order
        return self._more_like(lambda pattern: pattern.makeup, self.under_test.makeups)

    @cached_property
    def order(self) -> int:
        """How many more formulas it resembles after the change, with factors in the same order."""
        shapes = self.under_test.shapes[self.is_forward]
        return self._more_like(lambda pattern: pattern.shape, shapes)

    def _more_like(self, look: Callable[[Pattern], str], known: Counter[str]) -> int:
        tested, cells = self.under_test, self.hypothesis.cells
        patterns, places = tested.training.book.patterns, tested.positions.places
        own = (c for c in cells if c in places and (c in tested.forward) == self.is_forward)
        others = known - Counter(look(patterns[cell]) for cell in own if cell in patterns)
        before, after = (
            others[look(pattern)]
            if pattern and not isinstance(pattern.expression, Reference)
            else 0
            for pattern in (self.before, self.after)  # a bare reference resembles nothing
        )
        return after - before

    @cached_property
    def kinds(self) -> tuple[Convention, Convention]:
        """How typical the formula is before and after the change."""
        before = convention(self.under_test, self.before, self.home)
        return before, convention(self.under_test, self.after, self.home)

    @property
    def conventions(self) -> tuple[Convention, Convention]:
        """The same for a formula on the path to the loss; NONE for others."""
        is_any = self.is_forward and self.before is not None
        return self.kinds if is_any else (Convention.NONE, Convention.NONE)

    @property
    def unmakes_an_activation(self) -> bool:
        """Whether an activation that the loss doesn't use would become something else, for example
        where the loss uses the sum before a sigmoid."""
        if self.is_forward:
            return False
        before, after = self.kinds
        return before is Convention.NAMED is not after

    @property
    def is_pointless(self) -> bool:
        """Whether a part of the formula would have no effect, which nobody intends."""
        if self.before is None or self.before.expression is None or self.after.expression is None:
            return False
        return pointless_parts(self.after.expression) > pointless_parts(self.before.expression)

    @property
    def turns_what_is_meant(self) -> bool:
        """Whether a cost or a forward pass would be changed because all gradients are right but for
        their sign, though no usual activation comes of it: such as a cost below 0."""
        before, after = self.kinds
        return self.is_forward and after <= before and self.under_test.are_all_opposite

    @property
    def is_rare(self) -> bool:
        """Whether the edit adds something on the path to the loss, or changes the function of a
        single cell."""
        kind = self.edit.kind
        one = len(set(self.under_test.training.flow.sources(self.home))) == 1
        other = (EditKind.NUMBER, EditKind.OPERATOR, EditKind.OMISSION)
        adds = kind in (EditKind.FACTOR, EditKind.TERM)
        return self.is_forward and (adds or (one and kind in other))

    @property
    def is_unlikely(self) -> bool:
        """Whether the edit is rare, and doesn't make the formula resemble others."""
        return self.is_rare and self.likeness <= 0

    @property
    def leads_astray(self) -> bool:
        """Whether a formula on the path to the loss refers to a cell that can't be intended."""
        return self.is_forward and any(map(self._is_astray, self.hypothesis.edits))

    def _is_astray(self, edit: Edit) -> bool:
        """Whether a reference is to a blank, a text or another step, or replaces a cell that only
        gradients use."""
        if not isinstance(edit.old, Reference):
            return False
        tested, training = self.under_test, self.under_test.training
        old = training.book.reader.cell(edit.old.text, self.home)
        if old is None:
            return True
        typed = isinstance(training.book.values.get(old), float)
        if old not in training.book.patterns and not typed:
            return True
        if old in training.weight_cells and old not in tested.step.weights:
            return True
        if not isinstance(edit.new, Reference):
            return False
        new = training.book.reader.cell(edit.new.text, self.home)
        if new is None or training.plain(new) in tested.forward:
            return False
        return any(training.plain(new) in tested.behind(j) for j in self.hypothesis.explains)


def meaning_of(tested: StepUnderTest, text: str, cell: Address) -> Node | None:
    """The node of a formula in a cell of a step; None if the formula isn't understood."""
    pattern = tested.training.book.reader.read_typed(text, cell)
    said = pattern.expression
    if said is None:
        return None
    return unless_not_understood(lambda: tested.graph.expression(said, cell, pattern))


def repair_step(tested: StepUnderTest, hypothesis: Hypothesis) -> StepUnderTest:
    """Return the step with the changes of a hypothesis."""
    return tested.with_formulas(hypothesis.patterns(tested.training.book))


# Likelihood --------------------------------------------------------------------


def at_first_sight(repaired: RepairedStep) -> Doubts:
    """The doubts that are quick to compute."""
    hypothesis = repaired.hypothesis
    return Doubts(
        unexplained=-len(hypothesis.explains),
        made_up=not hypothesis.reproduces,
        unlike=-repaired.likeness,
        kind=repaired.edit.kind.rank,
        odd=max(map(_oddity, hypothesis.edits)),
        other_order=-repaired.order,
        distance=sum(_distance(repaired, edit) for edit in hypothesis.edits),
    )


def doubts(repaired: RepairedStep) -> Doubts:
    """All doubts about a hypothesis."""
    before, after = repaired.conventions
    return at_first_sight(repaired)._replace(
        makes_sense=not repaired.leads_astray,
        unconventional=after <= before,
        convention=after - before,
        rare=repaired.is_unlikely,
        unmade=repaired.unmakes_an_activation,
    )


def rank(tested: StepUnderTest, hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Rank the hypotheses, the likeliest first, without those that nobody would intend."""
    every = (_weighed(tested, hypothesis) for hypothesis in hypotheses)
    intended = (
        one
        for one in every
        if not (one.is_pointless or one.turns_what_is_meant or one.unmakes_an_activation)
    )
    some = nsmallest(WEIGHED, intended, key=at_first_sight)
    kept = (o for o in some if o.conventions[1] >= o.conventions[0] or o.likeness > 0)
    return [one.hypothesis for one in sorted(kept, key=doubts)]


def _weighed(tested: StepUnderTest, hypothesis: Hypothesis) -> RepairedStep:
    spend(HYPOTHESIS)
    return RepairedStep(tested, hypothesis)


def _oddity(edit: Edit) -> int:
    old, new = edit.old, edit.new
    match edit.kind:
        case EditKind.NUMBER if isinstance(new, Number):
            return COMMON.index(new.value) if new.value in COMMON else len(COMMON)
        case EditKind.FACTOR | EditKind.TERM:
            assert isinstance(new, Infix)
            is_factor = edit.kind is EditKind.FACTOR
            within = is_factor and isinstance(old, Infix) and old.operator in "+-"
            plain = new.operator in "*+" and isinstance(new.right, Reference)
            return 2 * (not plain) + within
    mixed = isinstance(new, Reference) != isinstance(old, Reference)
    return mixed * (len(COMMON) + 1)


def _distance(repaired: RepairedStep, edit: Edit) -> float:
    """The distance between two cells; for an added part, its depth in the formula."""
    if edit.kind in (EditKind.FACTOR, EditKind.TERM):
        return len(edit.paths[0])
    if not isinstance(edit.old, Reference) or not isinstance(edit.new, Reference):
        return 0
    reader = repaired.under_test.training.book.reader
    a, b = (reader.cell(said.text, repaired.home) for said in (edit.old, edit.new))
    if a is None or b is None:
        return 1000 * FAR
    apart = abs(row_of(a) - row_of(b)) * 100 + abs(column_of(a) - column_of(b))
    return apart + FAR * (sheet_of(a) != sheet_of(b))
