"""Which cell of a step is to blame, and what belongs there: tried until the rule holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from gradbook.audit.formula.address import Address, written
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import RuleStep
from gradbook.audit.rules.rule_edits import larger_edits, rule_edits
from gradbook.audit.rules.rule_form import RuleForm
from gradbook.audit.rules.rule_updates import RuleUpdate
from gradbook.audit.rules.usual import Usual
from gradbook.targets.excel.language.grammar import Expression, write

LONGEST = 60  # references in a formula that is edited
MOST_TRIED = 2500  # edits, in one step


@dataclass(frozen=True)
class RuleRepair:
    """One cell's right formula, and the updates that it heals."""

    cell: Address
    right: Pattern
    healed: tuple[RuleUpdate, ...]
    edit: Edit | None = None  # None: what the rest of its line has


class RepairSearch:
    """The repairs of one step in which some updates aren't what the rule says."""

    def __init__(self, usual: Usual, step: RuleStep) -> None:
        self.usual, self.step = usual, step
        self.perceptron = usual.perceptron
        self.book = self.perceptron.book
        self.before = usual.troubles(step)
        self.tried = 0

    def best(self, wanted: Sequence[RuleUpdate]) -> RuleRepair | None:
        """What heals some of the wanted updates and harms none."""
        for repair in self._as_usual(wanted):
            return repair
        for edits in (rule_edits, self._larger_edits):
            tried = (self._tried(*edit, wanted) for edit in self._edits(wanted, edits))
            found = [(self._rank(repair), repair) for repair in tried if repair]
            if found:
                return min(found, key=lambda pair: pair[0])[1]
        return None

    def _larger_edits(self, expression: Expression, pool: Sequence[str]) -> Iterator[Edit]:
        weights = [update.base for update in self.step.updates]
        own = [text for text in pool if self.book.reader.cell(text, self.step.first) in weights]
        others = [text for text in pool if text not in own]
        return larger_edits(expression, pool, product(own, others))

    # As the rest of its line

    def _as_usual(self, wanted: Sequence[RuleUpdate]) -> Iterator[RuleRepair]:
        found = []
        for cell in self._suspects(wanted):
            for pattern in self.usual.usual_at(self.step, cell):
                if pattern is not self.book.patterns.get(cell):
                    right = self.book.reader.typed(pattern.text_at(cell), cell)
                    healed = self._healed(cell, right, wanted)
                    if healed:
                        found.append(RuleRepair(cell, right, healed))
        yield from sorted(found, key=lambda repair: -len(repair.healed))

    def _suspects(self, wanted: Iterable[RuleUpdate]) -> list[Address]:
        """The cells that some updates are computed from, pasted values among them, and what those
        would be computed from."""
        found = [cell for update in wanted for cell in self.perceptron.inside(update)]
        seen, near = set(found), self.usual.near(self.step)
        for cell in found:  # it grows
            for source in self.perceptron.sources(cell) if cell in near else ():
                if source not in seen:
                    seen.add(source)
                    found.append(source)
        return [cell for cell in found if cell not in self.perceptron.formulas]

    # By a small edit

    def _edits(
        self,
        wanted: Sequence[RuleUpdate],
        edits: Callable[[Expression, Sequence[str]], Iterable[Edit]],
    ) -> Iterator[tuple[Address, Pattern, Edit]]:
        inside = [cell for update in wanted for cell in self.perceptron.inside(update)]
        for cell in dict.fromkeys(inside):
            pattern = self._typed(cell)
            if cell in self.perceptron.formulas or pattern is None or not pattern.expression:
                continue
            if len(list(references(pattern.expression))) <= LONGEST:
                for edit in edits(pattern.expression, self._pool):
                    yield cell, pattern, edit

    def _typed(self, cell: Address) -> Pattern | None:
        pattern = self.book.patterns.get(cell)
        return self.book.reader.typed(pattern.text_at(cell), cell) if pattern else None

    @cached_property
    def _pool(self) -> list[str]:
        """The cells that the step's formulas mention, as they are typed there."""
        found: dict[Address, str] = {}
        for cell in self.usual.cells(self.step):
            pattern = self._typed(cell)
            for text, mention in (pattern.mentions if pattern else {}).items():
                at = self.book.reader.cell(text, cell)
                if at is not None and not isinstance(mention, float):
                    kept = found.get(at, "")
                    found[at] = max(kept, text, key=lambda word: (word.count("$"), len(word)))
        found.update(self._usual_rate())
        found.update({cell: written(cell) for cell in self._unused() if cell not in found})
        return list(found.values())

    def _unused(self) -> list[Address]:
        """The numbers beside the step's inputs that no formula uses: its target may be one."""
        axis, book, flow = self.perceptron.axis, self.book, self.perceptron.flow
        forms = (self.usual.forms[update] for update in self.step.updates)
        inputs = {cell for form in forms if form for cell in form.inputs}
        if axis is None or not inputs:
            return []
        rows = {axis.crossing(cell) for cell in inputs}
        return [
            cell
            for cell, value in book.values.items()
            if isinstance(value, float)
            and cell not in book.patterns
            and axis.crossing(cell) in rows
            and not flow.users.get(cell)
        ]

    def _usual_rate(self) -> dict[Address, str]:
        """The cell of the rate as most updates name it."""
        cell = self.usual.rate.fixed
        if cell is None:
            return {}
        for pattern in self.book.patterns.values():
            for text in pattern.mentions:
                if "$" in text and self.book.reader.cell(text, pattern.home) == cell:
                    return {cell: text}
        return {cell: _anchored(self.book.called(cell, self.step.first))}

    def _tried(
        self, cell: Address, pattern: Pattern, edit: Edit, wanted: Sequence[RuleUpdate]
    ) -> RuleRepair | None:
        assert pattern.expression is not None
        text = write(edit.applied(pattern.expression))
        if self.tried >= MOST_TRIED:
            return None
        self.tried += 1
        right = self.book.reader.typed(text, cell)
        healed = self._healed(cell, right, wanted)
        return RuleRepair(cell, right, healed, edit) if healed else None

    def _healed(
        self, cell: Address, right: Pattern, wanted: Sequence[RuleUpdate]
    ) -> tuple[RuleUpdate, ...]:
        instead = {cell: right}
        first = next((u for u in wanted if cell in self._reach[u]), None)
        if first is None or not self.usual.heals(self.step, first, instead):
            return ()
        after = self.usual.troubles(self.step, instead)
        if after.keys() - self.before.keys():
            return ()
        return tuple(update for update in wanted if update not in after)

    @cached_property
    def _reach(self) -> dict[RuleUpdate, set[Address]]:
        """The cells that each update is computed from, and those that they mention."""
        return {update: set(self._suspects([update])) for update in self.step.updates}

    # Which repair is the likeliest

    def _rank(self, repair: RuleRepair) -> tuple[object, ...]:
        edit = repair.edit
        assert edit is not None
        forms = self.usual.forms_with(self.step, {repair.cell: repair.right})
        known = [form for form in forms.values() if form]
        shared = sum(
            repair.cell in self._reach[update]
            for update in self.step.updates
            if update not in self.before
        )
        return (
            _disorder([form for form in forms.values() if form]),
            -len(repair.healed),
            sum(len(form.thresholds) for form in known),
            not all(form.follows for form in known if form.inputs),
            self._oddness(repair),
            shared,
            edit.kind.rank,
            len(repair.right.text),
        )

    def _oddness(self, repair: RuleRepair) -> int:
        """Whether a cell's formula becomes like those of the other weights, or unlike them."""
        old, new = self.book.patterns[repair.cell].shape, repair.right.shape
        if old == new:
            return 1
        own = {update.cell for update in repair.healed}
        shapes = set()
        for update in self.step.updates:
            for healed in repair.healed:
                other = self.book.patterns.get(repair.cell - healed.cell + update.cell)
                if other is not None and update.cell not in own:
                    shapes.add(other.shape)
        return 0 if new in shapes else 2 if old in shapes else 1


def _disorder(forms: Sequence[RuleForm]) -> int:
    """How many inputs are used twice, or come in another order than their weights."""
    inputs = [min(form.inputs) for form in forms if form.inputs]
    pairs = [(a, b) for k, a in enumerate(inputs) for b in inputs[k + 1 :]]
    return sum(a >= b for a, b in pairs)


def _anchored(text: str) -> str:
    """B3 as $B$3."""
    sheet, mark, cell = text.rpartition("!")
    letters = cell.rstrip("0123456789")
    return f"{sheet}{mark}${letters}${cell[len(letters) :]}"
