"""What is wrong in a training by the perceptron rule, and in which cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gradbook.audit.budget import sought
from gradbook.audit.findings.findings import (
    ANOTHER_ROW,
    CHANGE,
    PASTED,
    RIGHT,
    WRONG,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.audit.formula.address import Address, cells_of, ranges, row_of, sheet_of
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import Perceptron, RuleStep
from gradbook.audit.rules.rule_repairs import RepairSearch, RuleRepair
from gradbook.audit.rules.rule_updates import RuleUpdate
from gradbook.audit.rules.rule_wording import RuleWords
from gradbook.audit.rules.usual import Trouble, Usual

RULE = "perceptron"


def perceptron_report(perceptron: Perceptron) -> SheetReport:
    """What there is to say of a training by the perceptron rule."""
    usual = Usual(perceptron)
    words = RuleWords(usual)
    findings = _merged(RuleFindings(usual, words).all())
    cells = {cell for u in perceptron.updates for cell in (u.cell, u.base)}
    rows = [row_of(cell) + 1 for cell in cells if sheet_of(cell) == perceptron.sheet]
    rate = usual.rate.fixed
    return SheetReport(
        sheet=perceptron.book.sheets[perceptron.sheet].title,
        verdict=WRONG if findings else RIGHT,
        rate=perceptron.book.called(rate, perceptron.steps[0].first) if rate else "",
        weights=words.names,
        rows=(min(rows), max(rows)),
        findings=findings,
        rule=RULE,
        updates=len(perceptron.updates),
    )


class RuleFindings:
    """The findings of one training: those of steps that are alike together."""

    def __init__(self, usual: Usual, words: RuleWords) -> None:
        self.usual, self.words = usual, words
        self.perceptron, self.book = usual.perceptron, usual.book
        self.known: dict[Pattern, RuleRepair] = {}

    def all(self) -> Iterator[Finding]:
        alike: defaultdict[object, list[RuleStep]] = defaultdict(list)
        for step in self.usual.steps:
            troubles = self.usual.troubles(step)
            if troubles:
                made_of = [self.perceptron.signature(u)[0] for u in step.updates]
                said = [(self.usual.weight[u], trouble) for u, trouble in troubles.items()]
                alike[tuple(made_of), tuple(said)].append(step)
        for steps in sorted(alike.values(), key=len, reverse=True):
            yield from self._of_alike(steps)

    def _of_alike(self, steps: Sequence[RuleStep]) -> Iterator[Finding]:
        search = RepairSearch(self.usual, steps[0], self.known)
        waiting = dict(search.before)
        for update in [u for u, trouble in waiting.items() if trouble is Trouble.PASTED]:
            del waiting[update]
            yield self._pasted(search, update)
        while waiting:
            repair = sought(lambda: search.best(list(waiting)))
            if repair is None:
                update = next(iter(waiting))
                del waiting[update]
                yield self._without_repair(steps, update)
                continue
            yield self._repaired(steps, repair, waiting[repair.healed[0]])
            for healed in repair.healed:
                waiting.pop(healed)

    def _repaired(self, steps: Sequence[RuleStep], repair: RuleRepair, trouble: Trouble) -> Finding:
        kind, why = self.words.of_repair(steps[0], repair, trouble)
        cells = {repair.cell - steps[0].first + step.first for step in steps}
        if repair.cell in self.book.patterns and repair.edit is not None:
            self.known[self.book.patterns[repair.cell]] = repair
        weights = tuple(dict.fromkeys(map(self.words.name, repair.healed)))
        alone = len(repair.healed) == 1
        quantity = f"Δ{weights[0]}" if alone else self.words.called(repair.cell)
        cells = self._with_others(repair.cell, cells) if len(steps) > 1 else cells
        return self._finding(cells, kind, quantity, why, weights, repair.right)

    def _with_others(self, home: Address, cells: set[Address]) -> set[Address]:
        """With the cells of the same formula that no update is made of, for the table ends."""
        patterns = self.book.patterns
        judged = self.perceptron.cells
        wrong = patterns.get(home)
        others = {c for c, p in patterns.items() if p is wrong is not None and c not in judged}
        return {cell for cell in cells if cell in patterns or cell in self.book.values} | others

    def _pasted(self, search: RepairSearch, update: RuleUpdate) -> Finding:
        """A weight that is typed, or pasted, where the update before should have left it."""
        name, right = self.words.name(update), search.unpasted(update)
        if right is None:
            why = self.words.not_carried(update)
            return self._finding([update.cell], ANOTHER_ROW, f"Δ{name}", why, (name,), None)
        cell = self.perceptron.plain(update.base)
        return self._finding([cell], PASTED, f"Δ{name}", self.words.pasted(cell), (name,), right)

    def _without_repair(self, steps: Sequence[RuleStep], update: RuleUpdate) -> Finding:
        """An update that isn't what the rule says, whatever is to blame."""
        place, name = steps[0].updates.index(update), self.words.name(update)
        cells = [step.updates[place].cell for step in steps]
        why = f"{self.words.rule(update)}; this says something else"
        return self._finding(cells, EditKind.FORMULA.value, f"Δ{name}", why, (name,), None)

    def _finding(
        self,
        cells: Iterable[Address],
        kind: str,
        quantity: str,
        why: str,
        weights: tuple[str, ...],
        right: Pattern | None,
    ) -> Finding:
        found = finding_in(self.book, sorted(cells), kind, quantity, why, weights[0], right)
        return replace(found, spoils=weights if len(weights) > 1 else (), judges=CHANGE)


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, one for each mistake: rows that are made otherwise may make it too."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = finding.kind, finding.quantity
        first = found.setdefault(key, finding)
        if first is not finding:
            both = [*cells_of(first.cells, 0), *cells_of(finding.cells, 0)]
            fixes = {**finding.fixes, **first.fixes}
            found[key] = replace(first, cells=ranges(both), fixes=fixes)
    return tuple(found.values())
