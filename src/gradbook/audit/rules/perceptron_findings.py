"""The faults of a training by the perceptron rule: the wrong cell, its right formula, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial

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
from gradbook.audit.rules.never_updated import CarriedWeight, carried_fault, carried_weights
from gradbook.audit.rules.perceptron import Perceptron, RuleStep, find_perceptrons
from gradbook.audit.rules.rule_form import RuleForm
from gradbook.audit.rules.rule_repairs import GENERATORS, RuleSymptoms
from gradbook.audit.search.hypotheses import Cause, Hypothesis, choose
from gradbook.audit.search.wording import Fault, Surroundings, Wording, findings_of
from gradbook.cells.book import show_value
from gradbook.cells.budget import within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import DOWN, OVER, Address, name_of, row_of, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Infix, write
from gradbook.language import mark
from gradbook.language.message import Message, joined

RULE = mark("perceptron")


def perceptron_report(perceptron: Perceptron) -> SheetReport:
    """Return the report on a training by the perceptron rule."""
    carried = list(carried_weights(perceptron))
    judged = RuleFaults(_as_updated(perceptron, carried))
    faults = [carried_fault(perceptron, weight) for weight in carried]
    if all(weight.right for weight in carried):
        faults += judged.faults()
    findings = findings_of(perceptron.book, faults, perceptron.axis or OVER)
    rows = [row_of(cell) + 1 for cell in perceptron.weights if sheet_of(cell) == perceptron.sheet]
    rate = perceptron.rate
    return SheetReport(
        sheet=perceptron.book.sheets[perceptron.sheet].title,
        verdict=WRONG if findings else RIGHT,
        rate=perceptron.book.name_of(rate, perceptron.steps[0][0].cell) if rate is not None else "",
        weights=tuple(judged.names.values()),
        rows=(min(rows), max(rows)),
        findings=tuple(findings),
        rule=RULE,
        updates=len(perceptron.updates),
    )


def _as_updated(perceptron: Perceptron, carried: Sequence[CarriedWeight]) -> Perceptron:
    """The perceptron with right updates of the weights that it only carries on."""
    right = {cell: pattern for each in carried for cell, pattern in each.fixes.items()}
    if not right:
        return perceptron
    book = replace(perceptron.book, patterns={**perceptron.book.patterns, **right})
    again = find_perceptrons(book, Flow(book))
    return next((one for one in again if not one.weights.isdisjoint(right)), perceptron)


class RuleFaults:
    """The faults of one training, in words; steps with equal formulas share theirs.

    `known` are the repairs that were found, by the wrong formula.
    """

    def __init__(self, perceptron: Perceptron) -> None:
        self.perceptron, self.book = perceptron, perceptron.book
        self.known: dict[Pattern, Hypothesis] = {}

    def faults(self) -> Iterator[Fault]:
        perceptron = self.perceptron
        alike: defaultdict[object, list[RuleStep]] = defaultdict(list)
        for step in perceptron.steps:
            wrong = perceptron.wrong(step)
            if wrong:
                made_of = [perceptron.rules.signature(u)[0] for u in step]
                numbers = [perceptron.number[u] for u in step if u in wrong]
                alike[tuple(made_of), tuple(numbers)].append(step)
        for steps in sorted(alike.values(), key=len, reverse=True):
            symptoms = RuleSymptoms(perceptron, steps[0], self.known)
            while symptoms.wrong:
                repair = within_budget(partial(choose, symptoms, GENERATORS))
                explained = repair.explains if repair else frozenset({min(symptoms.wrong)})
                yield self._fault(steps, explained, repair)
                symptoms.wrong -= explained

    def _fault(
        self, steps: Sequence[RuleStep], explained: frozenset[int], repair: Hypothesis | None
    ) -> Fault:
        """The fault of steps with equal formulas, as far as a repair explains it; without a repair,
        an update that doesn't follow the rule."""
        first, patterns = steps[0], self.book.patterns
        numbers = [self.perceptron.number[first[k]] for k in sorted(explained)]
        weights = tuple(dict.fromkeys(self.names[number] for number in numbers))
        home = repair.home if repair else first[min(explained)].cell
        cells = {home - first[0].cell + step[0].cell for step in steps}
        right: Pattern | None = None
        kind, edits = EditKind.FORMULA.value, tuple[str, ...]()
        why = joined("; ", (self.rule(numbers[0]), Message("this formula computes something else")))
        if repair:
            right = repair.patterns(self.book)[home]
            kind, why, edits = self._of_repair(first, repair)
            if home in patterns and repair.cause is not Cause.ROW:
                self.known[patterns[home]] = repair
            if len(steps) > 1:  # and unused cells with that formula at the end of the table
                wrong, judged = patterns.get(home), self.perceptron.cells
                cells = {cell for cell in cells if cell in patterns or cell in self.book.values}
                cells |= {
                    c for c, p in patterns.items() if p is wrong is not None and c not in judged
                }
        owners, name, spoils = sorted(cells), weights[0], weights if len(weights) > 1 else ()
        quantity = f"{CHANGE}{name}" if len(numbers) == 1 else self._called(home)
        found = finding_in(self.book, owners, kind, quantity, why, name, right)
        return Fault(
            -1 if spoils else numbers[0],
            replace(found, spoils=spoils, edits=edits, judges=CHANGE),
            tuple(owners),
            right,
            fixes={cell: right.text_at(cell) for cell in owners} if right else {},
            wrong=patterns.get(owners[0]),
        )

    # Names

    @cached_property
    def names(self) -> dict[int, str]:
        """The sheet's label of each weight, by its number; the cell's name if there is none."""
        starts = {k: update for update, k in reversed(self.perceptron.number.items())}
        labels = {k: self._label(u.base) or self._label(u.cell) for k, u in sorted(starts.items())}
        once = {label for label, count in Counter(labels.values()).items() if label and count == 1}
        cells = {k: self.book.name_of(u.base, u.base) for k, u in starts.items()}
        return {k: label if label in once else cells[k] for k, label in labels.items()}

    def _label(self, cell: Address) -> str:
        return self.book.label(cell, self.perceptron.axis or OVER)

    def _called(self, cell: Address) -> str:
        """The heading of a cell, or its address."""
        return self._label(cell) or self.book.name_of(cell, self.perceptron.steps[0][0].cell)

    # Explanations

    def rule(self, number: int, form: RuleForm | None = None) -> str:
        """Return the rule for one weight in words: moves w2 by η·(t − y)·x2."""
        numbers = self.perceptron.number
        forms = (form for u, form in self.perceptron.known.items() if numbers[u] == number)
        form = form or next(forms, None)
        inputs = "".join(f"·{self._called(cell)}" for cell in sorted(form.inputs)) if form else "·x"
        rate = "η·" if form is None or form.rates else ""
        return Message(
            "the perceptron rule changes {weight} by {change}",
            weight=self.names[number],
            change=f"{rate}(t − y){inputs}",
        )

    def _of_repair(self, step: RuleStep, repair: Hypothesis) -> tuple[str, str, tuple[str, ...]]:
        """The kind of a mistake, the explanation, and the edits that correct it."""
        perceptron, home, (edit,) = self.perceptron, repair.home, repair.edits
        update = step[min(repair.explains)]
        base, number = perceptron.plain(update.base), perceptron.number[update]
        if repair.cause is Cause.ROW and home not in self.book.patterns:
            return PASTED, self.why_pasted(home), ()
        is_of_cell = edit.kind in (EditKind.FORMULA, EditKind.REFERENCE)
        if is_of_cell and not perceptron.is_carried(update, base):
            why = Message(
                "{weight} continues from {cell}, not from the update before",
                weight=self.names[number],
                cell=self.book.name_of(base, update.cell),
            )
            return ANOTHER_ROW, why, ()
        form = perceptron.forms_with([update], repair.patterns(self.book))[update]
        rule = self.rule(number, form)
        if repair.cause is Cause.ROW:
            differs = Message("{cell} differs from the rest of its line", cell=name_of(home))
            return DEPARTING_ROW, joined("; ", (rule, differs)), ()
        wording = self._wording(step, home)
        kind, reason = wording.kind_and_reason(repair)
        drifting = self._why_drifting(edit, home)
        if drifting:
            return DRIFTING_RATE, drifting, wording.in_names(repair.edits)
        if isinstance(edit.old, Infix) and edit.old.operator in COMPARISONS:
            reason = Message("the activation compares the wrong way: it falls as the sum rises")
        return kind, joined("; ", (rule, reason)), wording.in_names(repair.edits)

    def _wording(self, step: RuleStep, home: Address) -> Wording:
        perceptron = self.perceptron
        weights = perceptron.weights | perceptron.rules.weight_cells
        own = {cell for u in step for cell in (u.base, perceptron.plain(u.base))}
        computed = perceptron.rules.varying - weights
        around = self.book, perceptron.flow, perceptron.axis or OVER, weights, own, computed
        return Wording(Surroundings(*around), home)

    def _why_drifting(self, edit: Edit, home: Address) -> str:
        """The explanation of a rate in another cell: it isn't anchored; else empty."""
        at, meant = (self.book.reader.cell(write(part), home) for part in (edit.old, edit.new))
        axis = self.perceptron.axis or DOWN
        if edit.kind is not EditKind.REFERENCE or at is None or meant is None:
            return ""
        if meant != self.perceptron.rate or axis.line(at) != axis.line(meant):
            return ""
        found, where = show_value(self.book.values.get(at))[:20], self.book.name_of(at, home)
        if not found:
            return Message("the learning rate isn't anchored: {cell} is blank", cell=where)
        return Message(
            "the learning rate isn't anchored: {cell} is {value}", cell=where, value=found
        )

    def why_pasted(self, cell: Address) -> str:
        return Message(
            "{cell} contains {content} where the others of its line have a formula",
            cell=name_of(cell),
            content=content_of(self.book, cell),
        )
