"""What may put a step right in which updates aren't what a rule says: hypotheses and their proof.

The cell to blame may be any that such an update is computed from. Its right formula may be what the
rest of its line has, what put the same formula right elsewhere, or an edit away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice, product

from gradbook.audit.budget import A_SHARE, within_budget
from gradbook.audit.edits.formula_edits import edits_of
from gradbook.audit.formula.address import Address, column_of, letters, name_of, row_of
from gradbook.audit.formula.expression import Edit, EditKind, references
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import RuleStep
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate
from gradbook.audit.rules.usual import Usual
from gradbook.audit.search.hypotheses import (
    Cause,
    Doubts,
    Generator,
    Hypothesis,
    Proof,
    SearchStage,
)
from gradbook.targets.excel.language import Expression, Infix, Number, Prefix, Reference, write

LONGEST = 60  # references in a formula that is edited
MOST_TRIED = 2500  # hypotheses, in one step
FOR_LARGER = 300  # of those, which likelier ones leave

# Symptoms -----------------------------------------------------------------------------


class RuleSymptoms:
    """The updates of a step that aren't what the rule says, by their numbers in it.

    `known` are the repairs found before, by the formula that was wrong; what is put right is taken
    out of `wrong`.
    """

    is_own_fault = False  # what an update is made of may always be to blame

    def __init__(self, usual: Usual, step: RuleStep, known: dict[Pattern, Hypothesis]) -> None:
        self.usual, self.step, self.known = usual, step, known
        self.perceptron, self.book = usual.perceptron, usual.book
        self.before = usual.troubles(step)
        numbered = enumerate(step.updates)
        self.wrong = {k: self.before[update] for k, update in numbered if update in self.before}
        self.tried = 0

    def suspects(self, updates: Iterable[RuleUpdate]) -> list[Address]:
        """The cells that some updates are computed from, pasted values among them, and what those
        would be computed from."""
        found = [cell for update in updates for cell in self.perceptron.inside(update)]
        seen, near = set(found), self.usual.near(self.step)
        for cell in found:  # it grows
            for source in self.perceptron.flow.sources(cell) if cell in near else ():
                if source not in seen:
                    seen.add(source)
                    found.append(source)
        return found

    @property
    def waiting(self) -> list[RuleUpdate]:
        """The updates that nothing explains yet."""
        return [self.step.updates[k] for k in self.wrong]

    @cached_property
    def _reach(self) -> dict[RuleUpdate, set[Address]]:
        """The cells that each update is computed from, and those that they mention."""
        return {update: set(self.suspects([update])) for update in self.step.updates}

    # What may stand in a formula

    @cached_property
    def pool(self) -> list[str]:
        """The cells that belong to the step, as they are typed in its formulas."""
        found: dict[Address, str] = {}
        for cell in self.usual.cells(self.step):
            mentions = self.book.read_typed(cell).mentions if cell in self.book.patterns else {}
            for text, mention in mentions.items():
                at = self.book.reader.cell(text, cell)
                if at is not None and not isinstance(mention, float):
                    kept = found.get(at, "")
                    found[at] = max(kept, text, key=lambda word: (word.count("$"), len(word)))
        first, rate = self.step.first, self.usual.rate.fixed
        if rate is not None:
            fixed = f"${letters(column_of(rate))}${row_of(rate) + 1}"
            found[rate] = self.book.name_of(rate, first).replace(name_of(rate), fixed)
        in_ranges = map(self.perceptron.flow.sources, self.usual.inside(self.step))
        for cell in [*chain.from_iterable(s[:LONGEST] for s in in_ranges), *self._unused]:
            found.setdefault(cell, self.book.name_of(cell, first))
        return list(found.values())

    @cached_property
    def _unused(self) -> list[Address]:
        """The weights that the step before left, and what stands in the step's rows and is used by
        no update: its target may be among it, or a change."""
        usual, axis = self.usual, self.perceptron.axis
        before = usual.previous[usual.producer[self.step.first]]
        left = [u.cell for u in usual.steps[before].updates] if before is not None else []
        forms = (usual.forms[update] for update in self.step.updates)
        own = set(usual.cells(self.step)) - usual.weights
        own = own.union(*(form.inputs for form in forms if form))
        rows = set(map(axis.crossing, own)) if axis else set()
        block = own.union(*map(self.perceptron.flow.sources, own))
        unused = sorted({*self.book.values, *self.book.patterns} - usual.cells_in_use)
        near = (c for c in unused if (axis.crossing(c) in rows if axis else _is_among(c, block)))
        return [*left, *filter(usual.is_number, near)]

    def edits(self, expression: Expression, kinds: Collection[str]) -> Iterator[Edit]:
        """The likely edits of some kinds: a cell for another, a usual number for another, a product
        with a weight as one more term."""
        usual = self.usual
        typed = sorted(set(usual.factors.values())) if usual.rate.is_none else []
        rates = [Number(rate) for rate in typed if rate != 1]
        cells = list(map(Reference, self.pool))
        weights = {update.base for update in self.step.updates}
        own = [c for c in cells if self.book.reader.cell(c.text, self.step.first) in weights]
        others = (cell for cell in cells if cell not in own)
        products = (Infix("*", *pair) for pair in product(own, others))
        edits = edits_of(expression, kinds, cells, [*NUMBERS, *rates], products)
        return (edit for edit in edits if _is_likely(edit, rates))

    # Which hypothesis is believed

    def prove(self, hypotheses: Sequence[Hypothesis], proof: Proof) -> Iterator[Hypothesis]:
        """Those that heal updates and harm none, with the numbers of these, as far as there is
        something to spend."""
        held = ((one, self._healed(one)) for one in hypotheses)
        good: list[Hypothesis] = []
        right = (replace(one, explains=healed) for one, healed in held if healed)
        within_budget(lambda: good.extend(right), A_SHARE)
        yield from sorted(good, key=self.doubts)

    def is_doubtful(self, hypothesis: Hypothesis) -> bool:
        return False

    def _healed(self, hypothesis: Hypothesis) -> frozenset[int]:
        self.tried += 1
        cells, instead = set(hypothesis.cells), hypothesis.patterns(self.book)
        first = next((u for u in self.waiting if not cells.isdisjoint(self._reach[u])), None)
        if self.tried > MOST_TRIED or first is None:
            return frozenset()
        if not self.usual.heals(self.step, first, instead):
            return frozenset()
        after = self.usual.troubles(self.step, instead)
        if after.keys() - self.before.keys():
            return frozenset()
        return frozenset(k for k in self.wrong if self.step.updates[k] not in after)

    def doubts(self, hypothesis: Hypothesis) -> Doubts:
        """What speaks against a hypothesis that heals some updates."""
        forms = self.usual.forms_with(self.step, hypothesis.patterns(self.book))
        known = [form for form in forms.values() if form]
        right = [update for update in self.step.updates if update not in self.before]
        return Doubts(
            disorder=_disorder(known),
            unexplained=-len(hypothesis.explains),
            thresholds=sum(len(form.thresholds) for form in known),
            falls=not all(form.follows for form in known if form.inputs),
            unlike=self._unlikeness(hypothesis),
            spoilt=sum(hypothesis.home in self._reach[update] for update in right),
            kind=hypothesis.edits[0].kind.rank,
            distance=hypothesis.home not in {update.cell for update in self.step.updates},
            length=len(hypothesis.formulas[0]),
        )

    def _unlikeness(self, hypothesis: Hypothesis) -> int:
        """Rank a change: 0 makes a formula like those of other weights, 2 makes it unlike them."""
        home, patterns = hypothesis.home, self.book.patterns
        old = patterns[home].shape if home in patterns else ""
        new = hypothesis.patterns(self.book)[home].shape
        if old == new:
            return 1
        healed = [self.step.updates[k].cell for k in hypothesis.explains]
        others = [u.cell for k, u in enumerate(self.step.updates) if k not in hypothesis.explains]
        beside = (home - cell + other for cell in healed for other in others)
        shapes = {patterns[cell].shape for cell in beside if cell in patterns}
        return 0 if new in shapes else 2 if old in shapes else 1


def _disorder(forms: Sequence[RuleForm]) -> int:
    """How many inputs are used twice or are in another order than their weights."""
    inputs = [min(form.inputs) for form in forms if form.inputs]
    return sum(a >= b for k, a in enumerate(inputs) for b in inputs[k + 1 :])


def _is_among(cell: Address, others: Collection[Address]) -> bool:
    """Whether a cell stands in the rectangle that others take up."""
    rows, columns = list(map(row_of, others)), list(map(column_of, others))
    inside = bool(others) and min(rows) <= row_of(cell) <= max(rows)
    return inside and min(columns) <= column_of(cell) <= max(columns)


# Generators ---------------------------------------------------------------------------

NUMBERS = Number(0.0), Number(1.0), Prefix("-", Number(1.0))


def known_repairs(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    """What put the same formula right in other rows."""
    book = symptoms.book
    for cell in symptoms.suspects(symptoms.waiting):
        pattern = book.patterns.get(cell)
        if pattern in symptoms.known:
            found = symptoms.known[pattern]
            text = found.patterns(book)[found.home].text_at(cell)
            yield replace(found, cells=(cell,), formulas=(text,))


def usual_formulas(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    """What the rest of a cell's line has."""
    for cell in symptoms.suspects(symptoms.waiting):
        for pattern in symptoms.usual.usual_at(symptoms.step, cell):
            if pattern is not symptoms.book.patterns.get(cell):
                new = pattern.expression or Number(0.0)
                edit = Edit(EditKind.FORMULA, ((),), Number(0.0), new)
                yield Hypothesis(Cause.ROW, (cell,), (pattern.text_at(cell),), (edit,))


def edit_generator(
    kinds: Collection[str], most: int
) -> Callable[[RuleSymptoms], Iterator[Hypothesis]]:
    """Make a generator of some kinds of edits, for every formula that may be to blame, until so
    many hypotheses have been tried."""

    def every(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
        usual, book, step = symptoms.usual, symptoms.book, symptoms.step
        others = usual.weights.difference(update.cell for update in step.updates)
        own = set(usual.cells(step)).intersection(book.patterns) - others
        for cell in filter(own.__contains__, symptoms.suspects(symptoms.waiting)):
            expression = book.read_typed(cell).expression
            if expression and len(list(references(expression))) <= LONGEST:
                seen: set[str] = set()
                for edit in symptoms.edits(expression, kinds):
                    text = write(edit.apply_to(expression))
                    if text not in seen:
                        seen.add(text)
                        yield Hypothesis(Cause.CLAIM, (cell,), (text,), (edit,))

    return lambda symptoms: islice(every(symptoms), max(most - symptoms.tried, 0))


def _is_likely(edit: Edit, rates: Collection[Number]) -> bool:
    """Whether ranges are left alone, a number becomes a usual one, a new factor is a cell or a rate
    and no divisor, and a new term stands at the end."""
    match edit.kind, edit.new:
        case EditKind.REFERENCE, _:
            return ":" not in write(edit.old)
        case EditKind.NUMBER, new:
            return new in NUMBERS
        case EditKind.FACTOR, Infix(operator, old, factor):
            is_meant = isinstance(factor, Reference) or factor in rates
            return operator == "*" and is_meant and not isinstance(old, Number)
        case EditKind.TERM, new:
            return edit.paths == ((),) and isinstance(new, Infix) and new.operator == "+"
    return True


SMALL = ("references", "operators", "omissions", "numbers", "missing factors")
LARGER = ("exchanges", "parentheses", "missing terms")
GENERATORS = tuple(
    Generator(name, SearchStage.CLAIMS, Proof.MENDS, propose)
    for name, propose in (
        ("known repairs", known_repairs),
        ("usual formulas", usual_formulas),
        ("small edits", edit_generator(SMALL, MOST_TRIED - FOR_LARGER)),
        ("larger edits", edit_generator(LARGER, MOST_TRIED)),
    )
)
