"""What there is to say of a cell that doesn't follow the perceptron rule."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from gradbook.audit.findings.findings import ANOTHER_ROW, DEPARTING_ROW, DRIFTING_RATE, PASTED, held
from gradbook.audit.formula.address import ACROSS, DOWN, Address, written
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.rules.perceptron import RuleStep
from gradbook.audit.rules.rule_form import RuleForm
from gradbook.audit.rules.rule_repairs import RuleRepair
from gradbook.audit.rules.rule_updates import COMPARING, RuleUpdate
from gradbook.audit.rules.usual import Trouble, Usual
from gradbook.audit.workbook.book import shown
from gradbook.targets.excel.language.grammar import Infix, Reference, write


class RuleWords:
    """The words for one perceptron."""

    def __init__(self, usual: Usual) -> None:
        self.usual, self.perceptron, self.book = usual, usual.perceptron, usual.book

    @cached_property
    def _names(self) -> dict[int, str]:
        """What the sheet calls each weight, by its number."""
        starts = {k: self.usual.of_weight(k)[0] for k in sorted(set(self.usual.weight.values()))}
        names = {k: self._label(u.base) or self._label(u.cell) for k, u in starts.items()}
        counts = Counter(names.values())
        return {
            k: name
            if name and counts[name] == 1
            else self.book.called(starts[k].base, starts[k].base)
            for k, name in names.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names.values())

    def _label(self, cell: Address) -> str:
        axis = self.perceptron.axis
        if axis is not None:
            return self.book.label(cell, axis)
        return self.book.label(cell, ACROSS) or self.book.label(cell, DOWN)

    def name(self, update: RuleUpdate) -> str:
        return self._names[self.usual.weight[update]]

    def called(self, cell: Address) -> str:
        """What a cell is called: by its heading, or as a cell."""
        return self._label(cell) or self.book.called(cell, self.perceptron.steps[0].first)

    def rule(self, update: RuleUpdate, form: RuleForm | None = None) -> str:
        """What the rule says of one weight: moves w2 by η·(t − y)·x2."""
        of_weight = self.usual.of_weight(self.usual.weight[update])
        form = form or next(filter(None, map(self.usual.forms.get, of_weight)), None)
        inputs = "".join(f"·{self.called(cell)}" for cell in sorted(form.inputs)) if form else "·x"
        rate = "η·" if form is None or form.rates else ""
        return f"the perceptron rule moves {self.name(update)} by {rate}(t − y){inputs}"

    # What is wrong

    def of_repair(self, step: RuleStep, repair: RuleRepair, trouble: Trouble) -> tuple[str, str]:
        """The kind of a mistake, and why it is one."""
        update, here = repair.healed[0], written(repair.cell)
        form = self.usual.forms_with(step, {repair.cell: repair.right})[update]
        rule = self.rule(update, form)
        if repair.edit is not None:
            return self._of_edit(repair, repair.edit, trouble, rule)
        if repair.cell not in self.book.patterns:
            return PASTED, self.pasted(repair.cell)
        if trouble is Trouble.NOT_CARRIED:
            return ANOTHER_ROW, self.not_carried(update)
        return DEPARTING_ROW, f"{rule}; {here} differs from the rest of its line"

    def _of_edit(
        self, repair: RuleRepair, edit: Edit, trouble: Trouble, rule: str
    ) -> tuple[str, str]:
        kind, old, new = edit.kind, edit.old, edit.new
        why = f"{write(old)} should be {write(new)}"
        if isinstance(old, Infix) and kind is EditKind.OPERATOR and old.operator in COMPARING:
            why = "the activation compares the wrong way: it falls where the sum rises"
        elif kind is EditKind.REFERENCE:
            return self._reference(repair, edit, trouble, rule)
        elif kind is EditKind.EXCHANGE:
            why = f"{write(old)} and {write(new)} stand in each other's places"
        elif kind in (EditKind.SIGN, EditKind.ORDER) or trouble is Trouble.OPPOSITE:
            why = "here it is turned round"
        return kind.value, f"{rule}; {why}"

    def _reference(
        self, repair: RuleRepair, edit: Edit, trouble: Trouble, rule: str
    ) -> tuple[str, str]:
        at, meant = (
            self.book.reader.cell(write(part), repair.cell) for part in (edit.old, edit.new)
        )
        if at is None or not isinstance(edit.old, Reference):
            return edit.kind.value, rule
        if trouble is Trouble.NOT_CARRIED:
            return ANOTHER_ROW, self.not_carried(repair.healed[0])
        axis = self.perceptron.axis or DOWN
        is_rate = meant is not None and meant == self.usual.rate.fixed
        if meant is not None and is_rate and axis.line(at) == axis.line(meant):
            found = shown(self.book.values.get(at))[:20] or "blank"
            return DRIFTING_RATE, f"the learning rate isn't anchored: {written(at)} is {found}"
        name, cell = self.called(at), written(at)
        here = name if name == cell else f"{name} ({cell})"
        if trouble is Trouble.TARGET:
            return edit.kind.value, f"{rule}; {here} is not its sample's target"
        return edit.kind.value, f"{rule}; here {here} stands"

    def pasted(self, cell: Address) -> str:
        words = "where the others of its line have a formula"
        return f"{written(cell)} holds {held(self.book, cell)} {words}"

    def not_carried(self, update: RuleUpdate) -> str:
        start = self.book.called(self.perceptron.plain(update.base), update.cell)
        return f"{self.name(update)} goes on from {start}, which isn't what the update before left"
