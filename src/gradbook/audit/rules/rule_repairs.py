"""Repairs of steps whose updates don't follow a rule: hypotheses and their proof.

Any cell that such an update depends on may be wrong. Its right formula may be the usual one of its
line, the one that corrected the same formula elsewhere, or an edit of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, combinations, islice, product

from gradbook.audit.edits.formula_edits import edits_of
from gradbook.audit.rules.perceptron import Perceptron, RuleStep
from gradbook.audit.rules.perceptron_updates import bases
from gradbook.audit.search.hypotheses import (
    Cause,
    Doubts,
    Generator,
    Hypothesis,
    Proof,
    SearchStage,
)
from gradbook.cells.budget import A_SHARE, within_budget
from gradbook.cells.flow import walk
from gradbook.cells.formula.address import DOWN, Address
from gradbook.cells.formula.expression import Edit, EditKind, references
from gradbook.cells.formula.pattern import Pattern, anchor
from gradbook.cells.formula.syntax import Expression, Infix, Number, Prefix, Reference, write

LONGEST = 60  # references in a formula that is edited
MOST_SMALL, MOST_LARGER = 2200, 300  # hypotheses per step: small edits and larger ones

# Symptoms -----------------------------------------------------------------------------


class RuleSymptoms:
    """The updates of a step that don't follow the rule, by their numbers in it.

    `known` are the repairs found before, by the wrong formula; corrected updates are removed from
    `wrong`.
    """

    is_own_fault = False  # the cells that an update depends on may always be wrong

    def __init__(
        self, perceptron: Perceptron, step: RuleStep, known: Mapping[Pattern, Hypothesis]
    ) -> None:
        self.perceptron, self.book, self.step = perceptron, perceptron.book, step
        self.known = known
        self.before = perceptron.wrong(step)
        self.wrong = {k for k, update in enumerate(step) if update in self.before}

    @property
    def suspects(self) -> list[Address]:
        """The cells that may cause the updates that aren't explained yet."""
        return list(dict.fromkeys(chain.from_iterable(self._behind[k] for k in sorted(self.wrong))))

    @cached_property
    def _behind(self) -> list[list[Address]]:
        """The cells that each update depends on, pasted values included, with the cells that would
        compute those."""
        near, sources = self.perceptron.near(self.step), self.perceptron.flow.sources
        inside = map(self.perceptron.rules.inside, self.step)
        return [list(walk(cells, lambda at: sources(at) if at in near else ())) for cells in inside]

    # What a formula may contain

    @cached_property
    def pool(self) -> list[str]:
        """The cells that belong to the step, as they are typed in its formulas: cells that these
        mention, the weights from the step before, and the numbers in the rows of its sample, since
        a change may have left its target unused."""
        perceptron, first = self.perceptron, self.step[0].cell
        own = perceptron.cells_of(self.step)
        found: dict[Address, str] = {}
        for cell in filter(self.book.patterns.__contains__, own):
            for text in self.book.read_typed(cell).mentions:
                at = self.book.reader.cell(text, cell)
                if at is not None:
                    words = found.get(at, ""), text
                    found[at] = max(words, key=lambda word: (word.count("$"), len(word)))
        if perceptron.rate is not None:
            found[perceptron.rate] = anchor(self.book.name_of(perceptron.rate, first))
        k, crossing = perceptron.step_of[first], (perceptron.axis or DOWN).crossing
        left = [update.cell for update in perceptron.steps[k - 1]] if k else []
        inputs = (form.inputs for u in self.step if (form := perceptron.forms[u]))
        rows = set(map(crossing, set(own).difference(perceptron.weights).union(*inputs)))
        unused = sorted({*self.book.values, *self.book.patterns} - perceptron.cells)
        beside = (cell for cell in unused if crossing(cell) in rows and perceptron.is_number(cell))
        for cell in [*left, *beside]:
            found.setdefault(cell, self.book.name_of(cell, first))
        return list(found.values())

    def edits(self, expression: Expression, kinds: Collection[str]) -> Iterator[Edit]:
        """The likely edits of some kinds: another cell, another usual number, or a product with a
        weight as an additional term."""
        perceptron = self.perceptron
        typed = set() if perceptron.rates else set(perceptron.factors.values()) - {1.0}
        rates = [Number(rate) for rate in sorted(typed)]
        cells = list(map(Reference, self.pool))
        weights = {update.base for update in self.step}
        own = [c for c in cells if self.book.reader.cell(c.text, self.step[0].cell) in weights]
        others = (cell for cell in cells if cell not in own)
        products = (Infix("*", *pair) for pair in product(own, others))
        edits = edits_of(expression, kinds, cells, [*NUMBERS, *rates], products)
        return (edit for edit in edits if _is_likely(edit, rates))

    # Which hypothesis is chosen

    def prove(self, hypotheses: Sequence[Hypothesis], proof: Proof) -> Iterator[Hypothesis]:
        """The hypotheses that correct updates and break none, with the numbers of these, as far as
        the budget allows."""
        held = ((one, self._healed(one)) for one in hypotheses)
        good: list[Hypothesis] = []
        right = (replace(one, explains=healed) for one, healed in held if healed)
        within_budget(lambda: good.extend(right), A_SHARE)
        yield from sorted(good, key=self.doubts)

    def is_doubtful(self, hypothesis: Hypothesis) -> bool:
        return False

    def likeness(self, hypothesis: Hypothesis) -> int:
        return 0

    def _healed(self, hypothesis: Hypothesis) -> frozenset[int]:
        perceptron, updates = self.perceptron, self.step
        instead = hypothesis.patterns(self.book)
        first = next((k for k in sorted(self.wrong) if hypothesis.home in self._behind[k]), None)
        if first is None or perceptron.wrong([updates[first]], instead):  # true of most
            return frozenset()
        after = perceptron.wrong(updates, instead)
        if not self.before.issuperset(after):
            return frozenset()
        return frozenset(k for k in self.wrong if updates[k] not in after)

    def doubts(self, hypothesis: Hypothesis) -> Doubts:
        """The reasons to doubt a hypothesis that corrects some updates."""
        updates, home, patterns = self.step, hypothesis.home, self.book.patterns
        instead = hypothesis.patterns(self.book)
        forms = self.perceptron.forms_with(updates, instead)
        known = [form for form in forms.values() if form]
        inputs = [min(form.inputs) for form in known if form.inputs]
        behind = zip(updates, self._behind, strict=True)
        healed = {updates[k].cell for k in hypothesis.explains}
        others = [update.cell for update in updates if update.cell not in healed]
        beside = {home - cell + other for cell in healed for other in others}
        shapes = {patterns[cell].shape for cell in beside & patterns.keys()}  # of other weights
        was_alike = home in patterns and patterns[home].shape in shapes
        return Doubts(
            disorder=sum(a >= b for a, b in combinations(inputs, 2)),
            unexplained=-len(hypothesis.explains),
            thresholds=sum(len(form.thresholds) for form in known),
            falls=not all(form.follows for form in known if form.inputs),
            unlike=was_alike - (instead[home].shape in shapes),
            spoilt=sum(home in cells for update, cells in behind if update not in self.before),
            kind=hypothesis.edits[0].kind.rank,
            distance=home not in {update.cell for update in updates},
            length=len(hypothesis.formulas[0]),
        )


# Generators ---------------------------------------------------------------------------

NUMBERS = Number(0.0), Number(1.0), Prefix("-", Number(1.0))


def known_repairs(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    """The repairs that corrected the same formula in other rows."""
    book = symptoms.book
    for cell in symptoms.suspects:
        pattern = book.patterns.get(cell)
        found = symptoms.known.get(pattern) if pattern else None
        if found:
            text = found.patterns(book)[found.home].text_at(cell)
            yield replace(found, cells=(cell,), formulas=(text,))


def usual_formulas(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    """The usual formulas of a cell's line; for a typed weight, also adapted to continue from the
    weight of the step before, wherever that is."""
    book = symptoms.book
    left = {u.cell: u.base for u in symptoms.step if u.cell not in book.patterns}
    for cell in symptoms.suspects:
        for pattern in symptoms.perceptron.usual_at(symptoms.step, cell):
            usual = next((place.at(cell) for place in bases(pattern)), None)
            meant = [pattern] if pattern is not book.patterns.get(cell) else []
            if cell in left and usual is not None and usual != left[cell]:
                name = book.name_of(left[cell], cell)
                meant.append(book.with_another_cell(cell, usual, name, pattern))
            for right in meant:
                edit = Edit(EditKind.FORMULA, ((),), Number(0.0), right.expression or Number(0.0))
                yield Hypothesis(Cause.ROW, (cell,), (right.text_at(cell),), (edit,))


def edited_formulas(symptoms: RuleSymptoms, kinds: Collection[str]) -> Iterator[Hypothesis]:
    """All formulas that edits of these kinds make of formulas that may be wrong."""
    perceptron, book, step = symptoms.perceptron, symptoms.book, symptoms.step
    others = perceptron.weights.difference(update.cell for update in step)
    own = set(perceptron.cells_of(step)).intersection(book.patterns) - others
    for cell in filter(own.__contains__, symptoms.suspects):
        expression = book.read_typed(cell).expression
        if expression and len(list(references(expression))) <= LONGEST:
            said: dict[str, Edit] = {}
            for edit in symptoms.edits(expression, kinds):
                said.setdefault(write(edit.apply_to(expression)), edit)
            for text, edit in said.items():
                yield Hypothesis(Cause.CLAIM, (cell,), (text,), (edit,))


def small_edits(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    return islice(edited_formulas(symptoms, SMALL), MOST_SMALL)


def larger_edits(symptoms: RuleSymptoms) -> Iterator[Hypothesis]:
    return islice(edited_formulas(symptoms, LARGER), MOST_LARGER)


def _is_likely(edit: Edit, rates: Collection[Number]) -> bool:
    """Whether ranges remain, a number becomes a usual one, a new factor is a cell or a rate and not
    a divisor, and a new term is the last one."""
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
    Generator(propose.__name__.replace("_", " "), SearchStage.CLAIMS, Proof.MENDS, propose)
    for propose in (known_repairs, usual_formulas, small_edits, larger_edits)
)
