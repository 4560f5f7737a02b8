"""Which cell of a step is to blame, and what belongs there: tried until the rule holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product

from gradbook.audit.formula.address import Address, column_of, letters, row_of, written
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.expression import references, renamed
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import RuleStep
from gradbook.audit.rules.rule_edits import larger_edits, small_edits
from gradbook.audit.rules.rule_form import RuleForm
from gradbook.audit.rules.rule_updates import RuleUpdate, bases
from gradbook.audit.rules.usual import Usual
from gradbook.targets.excel.language.grammar import Expression, Number, Reference, write

LONGEST = 60  # references in a formula that is edited
MOST_TRIED = 2500  # edits, in one step


@dataclass(frozen=True)
class RuleRepair:
    """One cell's right formula, and the updates that it heals."""

    cell: Address
    right: Pattern
    healed: tuple[RuleUpdate, ...]
    edit: Edit | None = None  # None: what the rest of its line has


Repairs = dict[Pattern, RuleRepair]  # found before, by the formula that was wrong


class RepairSearch:
    """The repairs of one step in which some updates aren't what the rule says."""

    def __init__(self, usual: Usual, step: RuleStep, known: Repairs) -> None:
        self.usual, self.step, self.known = usual, step, known
        self.perceptron, self.book = usual.perceptron, usual.book
        self.before = usual.troubles(step)
        self.tried = 0

    def best(self, wanted: Sequence[RuleUpdate]) -> RuleRepair | None:
        """What heals some of the wanted updates and harms none."""
        for likely in (self._known, self._as_usual):
            found = [r for cell in self._suspects(wanted) for r in likely(cell, wanted)]
            if found:
                return max(found, key=lambda repair: len(repair.healed))
        for edits in (self._small_edits, self._larger_edits):
            tried = list(self._edited(wanted, edits))
            if tried:
                return min(tried, key=self._rank)
        return None

    # As elsewhere

    def _known(self, cell: Address, wanted: Sequence[RuleUpdate]) -> Iterator[RuleRepair]:
        """The repair of the same formula in other rows."""
        pattern = self.book.patterns.get(cell)
        if pattern in self.known:
            found = self.known[pattern]
            yield from self._tried(cell, found.right.text_at(cell), wanted, found.edit)

    def _as_usual(self, cell: Address, wanted: Sequence[RuleUpdate]) -> Iterator[RuleRepair]:
        """What the rest of its line has."""
        for pattern in self.usual.usual_at(self.step, cell):
            if pattern is not self.book.patterns.get(cell):
                yield from self._tried(cell, pattern.text_at(cell), wanted, None)

    def _suspects(self, wanted: Iterable[RuleUpdate]) -> list[Address]:
        """The cells that some updates are computed from, pasted values among them, and what those
        would be computed from."""
        found = [cell for update in wanted for cell in self.perceptron.inside(update)]
        seen, near = set(found), self.usual.near(self.step)
        for cell in found:  # it grows
            for source in self.perceptron.flow.sources(cell) if cell in near else ():
                if source not in seen:
                    seen.add(source)
                    found.append(source)
        return found

    def unpasted(self, update: RuleUpdate) -> Pattern | None:
        """The formula that belongs where a weight is typed: as those of its line, going on from
        what the step before left."""
        cell = self.perceptron.plain(update.base)
        usual = next(iter(self.usual.usual_at(self.step, cell)), None)
        if usual is None or cell in self.book.patterns:
            return None
        right = self.book.reader.typed(usual.text_at(cell), cell)
        base = next((place.at(cell) for place in bases(right)), None)
        left = self._left_before(update)
        if right.expression is None or left is None or base is None or base == left:
            return right

        def name(reference: Reference) -> str:
            at = self.book.reader.cell(reference.text, cell)
            return self.book.called(left, cell) if at == base else reference.text

        return self.book.reader.typed(write(renamed(right.expression, name)), cell)

    def _left_before(self, update: RuleUpdate) -> Address | None:
        """The weight that the step before the last one left."""
        usual, number = self.usual, self.usual.weight[update]
        last = usual.previous[usual.producer[update.cell]]
        before = usual.previous[last] if last is not None else None
        updates = usual.steps[before].updates if before is not None else ()
        return next((u.cell for u in updates if usual.weight[u] == number), None)

    # By an edit

    def _edited(
        self,
        wanted: Sequence[RuleUpdate],
        edits: Callable[[Expression, Sequence[str]], Iterable[Edit]],
    ) -> Iterator[RuleRepair]:
        others = self.usual.weights.difference(update.cell for update in self.step.updates)
        own = set(self.usual.cells(self.step)).intersection(self.book.patterns) - others
        for cell in filter(own.__contains__, self._suspects(wanted)):
            expression = self.book.typed(cell).expression
            if expression and len(list(references(expression))) <= LONGEST:
                for edit in edits(expression, self._pool):
                    yield from self._tried(cell, write(edit.applied(expression)), wanted, edit)

    def _small_edits(self, expression: Expression, pool: Sequence[str]) -> Iterator[Edit]:
        typed = sorted(set(self.usual.factors.values())) if self.usual.rate.is_none else []
        return small_edits(expression, pool, [Number(rate) for rate in typed if rate != 1])

    def _larger_edits(self, expression: Expression, pool: Sequence[str]) -> Iterator[Edit]:
        weights = [update.base for update in self.step.updates]
        own = [text for text in pool if self.book.reader.cell(text, self.step.first) in weights]
        others = [text for text in pool if text not in own]
        return larger_edits(expression, pool, product(own, others))

    @cached_property
    def _pool(self) -> list[str]:
        """The cells that belong to the step, as they are typed in its formulas."""
        found: dict[Address, str] = {}
        for cell in self.usual.cells(self.step):
            mentions = self.book.typed(cell).mentions if cell in self.book.patterns else {}
            for text, mention in mentions.items():
                at = self.book.reader.cell(text, cell)
                if at is not None and not isinstance(mention, float):
                    kept = found.get(at, "")
                    found[at] = max(kept, text, key=lambda word: (word.count("$"), len(word)))
        rate = self.usual.rate.fixed
        if rate is not None:
            found[rate] = self._anchored(rate)
        in_ranges = map(self.perceptron.flow.sources, self.usual.inside(self.step))
        for cell in [*chain.from_iterable(s[:LONGEST] for s in in_ranges), *self._unused]:
            found.setdefault(cell, self.book.called(cell, self.step.first))
        return list(found.values())

    @cached_property
    def _unused(self) -> list[Address]:
        """The weights that the step before left, and what stands in the step's rows and is used by
        no update: its target may be among it, or a change."""
        usual, axis = self.usual, self.perceptron.axis
        cells = self.usual.cells(self.step)
        before = usual.previous[usual.producer[self.step.first]]
        left = [u.cell for u in usual.steps[before].updates] if before is not None else []
        forms = (usual.forms[update] for update in self.step.updates)
        own = {cell for cell in cells if cell not in usual.weights}
        own = own.union(*(form.inputs for form in forms if form))
        rows = set(map(axis.crossing, own)) if axis else set()
        unused = sorted({*self.book.values, *self.book.patterns} - usual.mentioned)
        block = own.union(*map(self.perceptron.flow.sources, own))
        near = (c for c in unused if (axis.crossing(c) in rows if axis else _is_among(c, block)))
        return [*left, *filter(usual.is_number, near)]

    def _anchored(self, rate: Address) -> str:
        """The rate as formulas should name it: Network!$B$3."""
        fixed = f"${letters(column_of(rate))}${row_of(rate) + 1}"
        return self.book.called(rate, self.step.first).replace(written(rate), fixed)

    def _tried(
        self, cell: Address, text: str, wanted: Sequence[RuleUpdate], edit: Edit | None
    ) -> Iterator[RuleRepair]:
        self.tried += 1
        if self.tried > MOST_TRIED:
            return
        right = self.book.reader.typed(text, cell)
        first = next((u for u in wanted if cell in self._reach[u]), None)
        if first is None or not self.usual.heals(self.step, first, {cell: right}):
            return
        after = self.usual.troubles(self.step, {cell: right})
        if not after.keys() - self.before.keys():
            healed = tuple(update for update in wanted if update not in after)
            yield from [RuleRepair(cell, right, healed, edit)] if healed else ()

    @cached_property
    def _reach(self) -> dict[RuleUpdate, set[Address]]:
        """The cells that each update is computed from, and those that they mention."""
        return {update: set(self._suspects([update])) for update in self.step.updates}

    # Which repair is the likeliest

    def _rank(self, repair: RuleRepair) -> tuple[object, ...]:
        assert repair.edit is not None
        forms = self.usual.forms_with(self.step, {repair.cell: repair.right})
        known = [form for form in forms.values() if form]
        right = [update for update in self.step.updates if update not in self.before]
        return (
            _disorder(known),
            -len(repair.healed),
            sum(len(form.thresholds) for form in known),
            not all(form.follows for form in known if form.inputs),
            self._oddness(repair),
            sum(repair.cell in self._reach[update] for update in right),
            repair.edit.kind.rank,
            len(repair.right.text),
        )

    def _oddness(self, repair: RuleRepair) -> int:
        """Whether a cell's formula becomes like those of the other weights, or unlike them."""
        old, new = self.book.patterns[repair.cell].shape, repair.right.shape
        if old == new:
            return 1
        others = [update.cell for update in self.step.updates if update not in repair.healed]
        beside = (repair.cell - h.cell + other for h in repair.healed for other in others)
        shapes = {self.book.patterns[c].shape for c in beside if c in self.book.patterns}
        return 0 if new in shapes else 2 if old in shapes else 1


def _is_among(cell: Address, others: Collection[Address]) -> bool:
    """Whether a cell stands in the rectangle that others take up."""
    rows, columns = list(map(row_of, others)), list(map(column_of, others))
    inside = bool(others) and min(rows) <= row_of(cell) <= max(rows)
    return inside and min(columns) <= column_of(cell) <= max(columns)


def _disorder(forms: Sequence[RuleForm]) -> int:
    """How many inputs are used twice or are in another order than their weights."""
    inputs = [min(form.inputs) for form in forms if form.inputs]
    pairs = [(a, b) for k, a in enumerate(inputs) for b in inputs[k + 1 :]]
    return sum(a >= b for a, b in pairs)
