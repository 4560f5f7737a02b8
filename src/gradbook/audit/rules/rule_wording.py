"""What there is to say of a cell that doesn't follow the perceptron rule."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from gradbook.audit.formula.address import ACROSS, DOWN, Address, written
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.rules.perceptron import RuleStep
from gradbook.audit.rules.rule_repairs import RuleRepair
from gradbook.audit.rules.rule_updates import RuleUpdate
from gradbook.audit.rules.usual import Trouble, Usual
from gradbook.audit.workbook.book import shown
from gradbook.targets.excel.language.grammar import Infix, Reference, write

COMPARING = ("<", ">", "<=", ">=", "=", "<>")


class RuleWords:
    """The words for one perceptron."""

    def __init__(self, usual: Usual) -> None:
        self.usual = usual
        self.perceptron = usual.perceptron
        self.book = usual.perceptron.book

    @cached_property
    def names(self) -> list[str]:
        """What the sheet calls each weight."""
        numbers = sorted(set(self.usual.weight.values()))
        starts = [self.usual.of_weight(number)[0] for number in numbers]
        names = [self._heading(update.base) or self._heading(update.cell) for update in starts]
        counts = Counter(names)
        return [
            name if name and counts[name] == 1 else self.book.called(update.base, update.base)
            for name, update in zip(names, starts, strict=True)
        ]

    def _heading(self, cell: Address) -> str:
        axis = self.perceptron.axis
        if axis is not None:
            return self.book.label(cell, axis)
        return self.book.label(cell, ACROSS) or self.book.label(cell, DOWN)

    def name(self, update: RuleUpdate) -> str:
        return self.names[sorted(set(self.usual.weight.values())).index(self.usual.weight[update])]

    def called(self, cell: Address) -> str:
        """What a cell is called: by its heading, or as a cell."""
        return self._heading(cell) or self.book.called(cell, self.perceptron.steps[0].first)

    def quantity(self, cell: Address, healed: tuple[RuleUpdate, ...]) -> str:
        """What a cell holds: one weight's change, or what several are made of."""
        return f"Δ{self.name(healed[0])}" if len(healed) == 1 else self.called(cell)

    # The rule

    def rule(self, update: RuleUpdate) -> str:
        """What the rule says of one weight: moves w2 by η·(t − y)·x2."""
        form = next((f for u in self._of_same_weight(update) if (f := self.usual.forms[u])), None)
        rate = "η·" if form is None or form.rates else ""
        inputs = self._inputs(update)
        return f"the perceptron rule moves {self.name(update)} by {rate}(t − y){inputs}"

    def _of_same_weight(self, update: RuleUpdate) -> list[RuleUpdate]:
        return self.usual.of_weight(self.usual.weight[update])

    def _inputs(self, update: RuleUpdate) -> str:
        for other in (update, *self._of_same_weight(update)):
            form = self.usual.forms[other]
            if form is not None:
                return "".join(f"·{self.called(cell)}" for cell in sorted(form.inputs))
        return "·x"

    # What is wrong

    def of_repair(self, step: RuleStep, repair: RuleRepair, trouble: Trouble) -> tuple[str, str]:
        """The kind of a mistake, and why it is one."""
        update = repair.healed[0]
        rule, here = self._rule_after(step, repair), written(repair.cell)
        if repair.edit is None:
            if repair.cell not in self.book.patterns:
                return "pasted value", self.pasted(repair.cell)
            if trouble is Trouble.NOT_CARRIED:
                return "another row", self.not_carried(update)
            return "departing row", f"{rule}; {here} differs from the rest of its line"
        kind, old, new = repair.edit.kind, repair.edit.old, repair.edit.new
        if isinstance(old, Infix) and isinstance(new, Infix) and old.operator in COMPARING:
            falls = "the activation compares the wrong way: it falls where the sum rises"
            return kind.value, f"{rule}; {falls}"
        if kind is EditKind.REFERENCE and isinstance(old, Reference):
            return self._reference(repair, old, trouble, rule)
        if kind is EditKind.EXCHANGE:
            return kind.value, f"{rule}; {write(old)} and {write(new)} stand in each other's places"
        if kind in (EditKind.SIGN, EditKind.ORDER) or trouble is Trouble.OPPOSITE:
            return kind.value, f"{rule}; here it is turned round"
        return kind.value, f"{rule}; {write(old)} should be {write(new)}"

    def _rule_after(self, step: RuleStep, repair: RuleRepair) -> str:
        """The rule, in words for the first of the updates that a repair heals."""
        update = repair.healed[0]
        form = self.usual.forms_with(step, {repair.cell: repair.right})[update]
        if form is None:
            return self.rule(update)
        inputs = "".join(f"·{self.called(cell)}" for cell in sorted(form.inputs))
        moved = f"{'η·' if form.rates else ''}(t − y){inputs}"
        return f"the perceptron rule moves {self.name(update)} by {moved}"

    def _reference(
        self, repair: RuleRepair, old: Reference, trouble: Trouble, rule: str
    ) -> tuple[str, str]:
        at = self.book.reader.cell(old.text, repair.cell)
        if at is None:
            return EditKind.REFERENCE.value, rule
        if trouble in (Trouble.RATE, Trouble.NO_FORM) and self._is_drifting(at, repair):
            words = f"the learning rate isn't anchored: {written(at)} is {self._state(at)}"
            return "drifting rate", words
        if trouble is Trouble.NOT_CARRIED:
            return "another row", self.not_carried(repair.healed[0])
        if trouble is Trouble.TARGET:
            return EditKind.REFERENCE.value, f"{rule}; {written(at)} is not its sample's target"
        name, cell = self.called(at), written(at)
        here = name if name == cell else f"{name} ({cell})"
        return EditKind.REFERENCE.value, f"{rule}; here {here} stands"

    def _is_drifting(self, at: Address, repair: RuleRepair) -> bool:
        usual, edit = self.usual.rate.fixed, repair.edit
        if usual is None or edit is None or not isinstance(edit.new, Reference):
            return False
        meant = self.book.reader.cell(edit.new.text, repair.cell)
        axis = self.perceptron.axis or DOWN
        return meant == usual and axis.line(at) == axis.line(usual)

    def _state(self, cell: Address) -> str:
        value = self.book.values.get(cell)
        return "blank" if value is None else f"{shown(value)[:20]}"

    def pasted(self, cell: Address) -> str:
        value = self.book.values.get(cell)
        what = "nothing" if value is None else "a text"
        what = f"the number {shown(value)}" if isinstance(value, float) else what
        words = "where the others of its line have a formula"
        return f"{written(cell)} holds {what} {words}"

    def not_carried(self, update: RuleUpdate) -> str:
        plain = self.perceptron.plain(update.base)
        name = self.name(update)
        return (
            f"{name} goes on from {self.book.called(plain, update.cell)}, "
            "which isn't what the update before left"
        )
