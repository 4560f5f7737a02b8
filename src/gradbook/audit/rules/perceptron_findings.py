"""What is wrong in a training by the perceptron rule: which cell, what belongs there, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from gradbook.audit.budget import within_budget
from gradbook.audit.edits.formula_edits import COMPARISONS
from gradbook.audit.findings import (
    ANOTHER_ROW,
    CHANGE,
    DEPARTING_ROW,
    DRIFTING_RATE,
    PASTED,
    RIGHT,
    WRONG,
    SheetReport,
    content_of,
    finding_in,
)
from gradbook.audit.formula.address import DOWN, OVER, Address, name_of, row_of, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind, rename_cells
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import Perceptron, RuleStep, bases
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate
from gradbook.audit.rules.rule_repairs import GENERATORS, RuleSymptoms
from gradbook.audit.rules.usual import Trouble, Usual
from gradbook.audit.search.hypotheses import Cause, Hypothesis, choose
from gradbook.audit.search.wording import Fault, Surroundings, Wording, findings_of
from gradbook.audit.workbook.book import show_value
from gradbook.language import mark
from gradbook.language.message import Message, joined
from gradbook.targets.excel.language import Infix, Reference, write

# Wording ------------------------------------------------------------------------------


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
            else self.book.name_of(starts[k].base, starts[k].base)
            for k, name in names.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names.values())

    def _label(self, cell: Address) -> str:
        return self.book.label(cell, self.perceptron.axis or OVER)

    def name(self, update: RuleUpdate) -> str:
        return self._names[self.usual.weight[update]]

    def name_of_cell(self, cell: Address) -> str:
        """What a cell is called: by its heading, or as a cell."""
        return self._label(cell) or self.book.name_of(cell, self.perceptron.steps[0].first)

    def rule(self, update: RuleUpdate, form: RuleForm | None = None) -> str:
        """Return the rule for one weight in words: moves w2 by η·(t − y)·x2."""
        of_weight = self.usual.of_weight(self.usual.weight[update])
        form = form or next(filter(None, map(self.usual.forms.get, of_weight)), None)
        inputs = (
            "".join(f"·{self.name_of_cell(cell)}" for cell in sorted(form.inputs)) if form else "·x"
        )
        rate = "η·" if form is None or form.rates else ""
        return Message(
            "the perceptron rule moves {weight} by {change}",
            weight=self.name(update),
            change=f"{rate}(t − y){inputs}",
        )

    # What is wrong

    def of_repair(
        self, step: RuleStep, repair: Hypothesis, trouble: Trouble
    ) -> tuple[str, str, tuple[str, ...]]:
        """The kind of a mistake, why it is one, and the edits that undo it."""
        update = step.updates[min(repair.explains)]
        form = self.usual.forms_with(step, repair.patterns(self.book))[update]
        rule, here = self.rule(update, form), name_of(repair.home)
        (edit,) = repair.edits
        if repair.cause is Cause.ROW and repair.home not in self.book.patterns:
            return PASTED, self.why_pasted(repair.home), ()
        if trouble is Trouble.NOT_CARRIED and edit.kind in (EditKind.FORMULA, EditKind.REFERENCE):
            return ANOTHER_ROW, self.why_not_carried(update), ()
        if repair.cause is Cause.ROW:
            differs = Message("{cell} differs from the rest of its line", cell=here)
            return DEPARTING_ROW, joined("; ", (rule, differs)), ()
        wording = self._wording(step, repair.home)
        kind, why = wording.kind_and_reason(repair)
        drifting = self._why_drifting(edit, repair.home)
        if drifting:
            kind, rule, why = DRIFTING_RATE, "", drifting
        elif isinstance(edit.old, Infix) and edit.old.operator in COMPARISONS:
            why = Message("the activation compares the wrong way: it falls where the sum rises")
        return kind, joined("; ", filter(None, (rule, why))), wording.in_names(repair.edits)

    def _wording(self, step: RuleStep, home: Address) -> Wording:
        perceptron, plain = self.perceptron, self.perceptron.plain
        weights = perceptron.weight_cells.union(u.base for u in perceptron.updates)
        own = {cell for u in step.updates for cell in (u.base, plain(u.base))}
        computed = perceptron.varying - weights
        around = self.book, perceptron.flow, perceptron.axis or OVER, weights, own, computed
        return Wording(Surroundings(*around), home)

    def _why_drifting(self, edit: Edit, home: Address) -> str:
        """Why a rate is another cell's: it isn't anchored; nothing of any other edit."""
        at, meant = (self.book.reader.cell(write(part), home) for part in (edit.old, edit.new))
        axis = self.perceptron.axis or DOWN
        if edit.kind is not EditKind.REFERENCE or at is None or meant is None:
            return ""
        if meant != self.usual.rate.fixed or axis.line(at) != axis.line(meant):
            return ""
        found = show_value(self.book.values.get(at))[:20]
        if not found:
            return Message("the learning rate isn't anchored: {cell} is blank", cell=name_of(at))
        return Message(
            "the learning rate isn't anchored: {cell} is {value}", cell=name_of(at), value=found
        )

    def why_pasted(self, cell: Address) -> str:
        return Message(
            "{cell} holds {content} where the others of its line have a formula",
            cell=name_of(cell),
            content=content_of(self.book, cell),
        )

    def why_not_carried(self, update: RuleUpdate) -> str:
        start = self.book.name_of(self.perceptron.plain(update.base), update.cell)
        return Message(
            "{weight} continues from {cell}, not from the update before",
            weight=self.name(update),
            cell=start,
        )


# Findings -----------------------------------------------------------------------------

RULE = mark("perceptron")


def perceptron_report(perceptron: Perceptron) -> SheetReport:
    """Return the report on a training by the perceptron rule."""
    usual = Usual(perceptron)
    words = RuleWords(usual)
    faults = list(RuleFaults(usual, words).faults())
    findings = findings_of(perceptron.book, faults, perceptron.axis or OVER)
    cells = {cell for u in perceptron.updates for cell in (u.cell, u.base)}
    rows = [row_of(cell) + 1 for cell in cells if sheet_of(cell) == perceptron.sheet]
    rate = usual.rate.fixed
    return SheetReport(
        sheet=perceptron.book.sheets[perceptron.sheet].title,
        verdict=WRONG if findings else RIGHT,
        rate=perceptron.book.name_of(rate, perceptron.steps[0].first) if rate else "",
        weights=words.names,
        rows=(min(rows), max(rows)),
        findings=tuple(findings),
        rule=RULE,
        updates=len(perceptron.updates),
    )


class RuleFaults:
    """What is wrong in one training; steps that are made alike share theirs."""

    def __init__(self, usual: Usual, words: RuleWords) -> None:
        self.usual, self.words = usual, words
        self.perceptron, self.book = usual.perceptron, usual.book
        self.known: dict[Pattern, Hypothesis] = {}

    def faults(self) -> Iterator[Fault]:
        alike: defaultdict[object, list[RuleStep]] = defaultdict(list)
        for step in self.usual.steps:
            troubles = self.usual.troubles(step)
            if troubles:
                made_of = [self.perceptron.signature(u)[0] for u in step.updates]
                said = [(self.usual.weight[u], trouble) for u, trouble in troubles.items()]
                alike[tuple(made_of), tuple(said)].append(step)
        for steps in sorted(alike.values(), key=len, reverse=True):
            yield from self._of_alike(steps)
        for update, cell in self.usual.typed_at_the_end:
            right = self._going_on(update, cell, update.cell)
            if right is not None:
                yield self._typed(update, cell, right)

    def _of_alike(self, steps: Sequence[RuleStep]) -> Iterator[Fault]:
        symptoms = RuleSymptoms(self.usual, steps[0], self.known)
        wrong = symptoms.wrong
        for k in [k for k, trouble in wrong.items() if trouble is Trouble.PASTED]:
            del wrong[k]
            yield self._pasted(steps[0].updates[k])
        while wrong:
            repair = within_budget(lambda: choose(symptoms, GENERATORS))
            if repair is None:
                k = min(wrong)
                del wrong[k]
                yield self._without_repair(steps, k)
                continue
            yield self._repaired(steps, repair, wrong[min(repair.explains)])
            for k in repair.explains:
                del wrong[k]

    def _repaired(self, steps: Sequence[RuleStep], repair: Hypothesis, trouble: Trouble) -> Fault:
        first, home, patterns = steps[0], repair.home, self.book.patterns
        kind, why, edits = self.words.of_repair(first, repair, trouble)
        cells = {home - first.first + step.first for step in steps}
        if home in patterns and repair.cause is not Cause.ROW:
            self.known[patterns[home]] = repair
        healed = (first.updates[k] for k in sorted(repair.explains))
        weights = tuple(dict.fromkeys(map(self.words.name, healed)))
        alone = len(repair.explains) == 1
        quantity = f"{CHANGE}{weights[0]}" if alone else self.words.name_of_cell(home)
        if len(steps) > 1:  # with equal formulas that no update is made of, for the table ends
            wrong, judged = patterns.get(home), self.perceptron.cells
            cells = {cell for cell in cells if cell in patterns or cell in self.book.values}
            cells |= {c for c, p in patterns.items() if p is wrong is not None and c not in judged}
        right = repair.patterns(self.book)[home]
        return self._fault(cells, kind, quantity, why, weights, right, edits)

    def _pasted(self, update: RuleUpdate) -> Fault:
        """A weight that is typed, or pasted, where the update before should have left it."""
        usual, cell = self.usual, self.perceptron.plain(update.base)
        last = usual.previous[usual.producer[update.cell]]
        before = usual.previous[last] if last is not None else None
        updates = usual.steps[before].updates if before is not None else ()
        same = (u.cell for u in updates if usual.weight[u] == usual.weight[update])
        right = self._going_on(update, cell, next(same, None))
        if right is not None:
            return self._typed(update, cell, right)
        name, why = self.words.name(update), self.words.why_not_carried(update)
        return self._fault([update.cell], ANOTHER_ROW, f"{CHANGE}{name}", why, (name,), None)

    def _going_on(self, update: RuleUpdate, cell: Address, left: Address | None) -> Pattern | None:
        """The usual formula of a typed cell's line, going on from the weight that was left."""
        usual, book = self.usual, self.book
        step = usual.steps[usual.producer[update.cell]]
        pattern = next(iter(usual.usual_at(step, cell)), None)
        if pattern is None or cell in book.patterns:
            return None
        right = book.reader.read_typed(pattern.text_at(cell), cell)
        base = next((place.at(cell) for place in bases(right)), None)
        if right.expression is None or left is None or base is None or base == left:
            return right

        def name(reference: Reference) -> str:
            at = book.reader.cell(reference.text, cell)
            return book.name_of(left, cell) if at == base else reference.text

        return book.reader.read_typed(write(rename_cells(right.expression, name)), cell)

    def _typed(self, update: RuleUpdate, cell: Address, right: Pattern) -> Fault:
        name, why = self.words.name(update), self.words.why_pasted(cell)
        return self._fault([cell], PASTED, f"{CHANGE}{name}", why, (name,), right)

    def _without_repair(self, steps: Sequence[RuleStep], place: int) -> Fault:
        """An update that isn't what the rule says, whatever is to blame."""
        update = steps[0].updates[place]
        cells, name = [step.updates[place].cell for step in steps], self.words.name(update)
        why = joined("; ", (self.words.rule(update), Message("this says something else")))
        return self._fault(cells, EditKind.FORMULA.value, f"{CHANGE}{name}", why, (name,), None)

    def _fault(
        self,
        cells: Iterable[Address],
        kind: str,
        quantity: str,
        why: str,
        weights: tuple[str, ...],
        right: Pattern | None,
        edits: tuple[str, ...] = (),
    ) -> Fault:
        owners = sorted(cells)
        found = finding_in(self.book, owners, kind, quantity, why, weights[0], right)
        spoils = weights if len(weights) > 1 else ()
        found = replace(found, spoils=spoils, edits=edits, judges=CHANGE)
        fixes = {cell: right.text_at(cell) for cell in owners} if right else {}
        wrong = self.book.patterns.get(owners[0])
        number = self.words.names.index(weights[0]) if not spoils else -1
        return Fault(number, found, tuple(owners), right, fixes=fixes, wrong=wrong)
