"""What is wrong in a training by the perceptron rule: which cell, what belongs there, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product

from gradbook.audit.budget import within_budget
from gradbook.audit.edits.formula_edits import COMPARISONS, edits_of
from gradbook.audit.findings import (
    ANOTHER_ROW,
    CHANGE,
    DEPARTING_ROW,
    DRIFTING_RATE,
    PASTED,
    RIGHT,
    WRONG,
    Finding,
    SheetReport,
    content_of,
    finding_in,
)
from gradbook.audit.formula.address import (
    ACROSS,
    DOWN,
    Address,
    cells_of,
    column_of,
    letters,
    name_of,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.audit.formula.expression import (
    Edit,
    EditKind,
    references,
    rename_cells,
)
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import Perceptron, RuleStep, Trouble, Usual
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, bases
from gradbook.audit.workbook.book import show_value
from gradbook.targets.excel.language import (
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)

# Edits that are tried -----------------------------------------------------------------

SMALL = ("references", "operators", "omissions", "numbers", "missing factors")
LARGER = ("exchanges", "parentheses", "missing terms")
NUMBERS = Number(0.0), Number(1.0), Prefix("-", Number(1.0))


def small_edits(
    expression: Expression, pool: Sequence[str], rates: Sequence[Number] = ()
) -> Iterator[Edit]:
    """The likely edits, with these cells to put in the place of others, and typed rates."""
    numbers: list[Expression] = [*NUMBERS, *rates]
    edits = edits_of(expression, SMALL, list(map(Reference, pool)), numbers)
    return (edit for edit in edits if _is_likely(edit, rates))


def _is_likely(edit: Edit, rates: Collection[Number]) -> bool:
    """Whether a cell becomes a cell, and a factor is no number but a rate, nor a divisor."""
    match edit.kind, edit.new:
        case EditKind.REFERENCE, _:
            return ":" not in write(edit.old)
        case EditKind.NUMBER, new:
            return new in NUMBERS
        case EditKind.FACTOR, Infix(operator, old, factor):
            is_meant = isinstance(factor, Reference) or factor in rates
            return operator == "*" and is_meant and not isinstance(old, Number)
    return True


def larger_edits(
    expression: Expression, pool: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> Iterator[Edit]:
    """Edits that are less likely, two cells of each pair being multiplied where a term is added."""
    products = (Infix("*", Reference(a), Reference(b)) for a, b in pairs)
    for edit in edits_of(expression, LARGER, list(map(Reference, pool)), (), products):
        at_the_end = (
            edit.paths == ((),) and isinstance(edit.new, Infix) and edit.new.operator == "+"
        )
        if edit.kind is not EditKind.TERM or at_the_end:
            yield edit


# The search for the cell to blame -----------------------------------------------------

LONGEST = 60  # references in a formula that is edited
MOST_TRIED = 2500  # edits, in one step


@dataclass(frozen=True)
class RuleRepair:
    """The right formula of one cell."""

    cell: Address
    right: Pattern
    updates: tuple[RuleUpdate, ...]  # that it puts right
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
                return max(found, key=lambda repair: len(repair.updates))
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

    def formula_of_typed_weight(self, update: RuleUpdate) -> Pattern | None:
        """Return the formula that belongs where a weight is typed: the usual one of its line, going
        on from the weight that the step before left."""
        cell = self.perceptron.plain(update.base)
        usual = next(iter(self.usual.usual_at(self.step, cell)), None)
        if usual is None or cell in self.book.patterns:
            return None
        right = self.book.reader.read_typed(usual.text_at(cell), cell)
        base = next((place.at(cell) for place in bases(right)), None)
        left = self._left_before(update)
        if right.expression is None or left is None or base is None or base == left:
            return right

        def name(reference: Reference) -> str:
            at = self.book.reader.cell(reference.text, cell)
            return self.book.name_of(left, cell) if at == base else reference.text

        return self.book.reader.read_typed(write(rename_cells(right.expression, name)), cell)

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
            expression = self.book.read_typed(cell).expression
            if expression and len(list(references(expression))) <= LONGEST:
                for edit in edits(expression, self._pool):
                    yield from self._tried(cell, write(edit.apply_to(expression)), wanted, edit)

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
            mentions = self.book.read_typed(cell).mentions if cell in self.book.patterns else {}
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
            found.setdefault(cell, self.book.name_of(cell, self.step.first))
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
        unused = sorted({*self.book.values, *self.book.patterns} - usual.cells_in_use)
        block = own.union(*map(self.perceptron.flow.sources, own))
        near = (c for c in unused if (axis.crossing(c) in rows if axis else _is_among(c, block)))
        return [*left, *filter(usual.is_number, near)]

    def _anchored(self, rate: Address) -> str:
        """The rate as formulas should name it: Network!$B$3."""
        fixed = f"${letters(column_of(rate))}${row_of(rate) + 1}"
        return self.book.name_of(rate, self.step.first).replace(name_of(rate), fixed)

    def _tried(
        self, cell: Address, text: str, wanted: Sequence[RuleUpdate], edit: Edit | None
    ) -> Iterator[RuleRepair]:
        self.tried += 1
        if self.tried > MOST_TRIED:
            return
        right = self.book.reader.read_typed(text, cell)
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
            -len(repair.updates),
            sum(len(form.thresholds) for form in known),
            not all(form.follows for form in known if form.inputs),
            self._oddness(repair),
            sum(repair.cell in self._reach[update] for update in right),
            repair.edit.kind.rank,
            len(repair.right.text),
        )

    def _oddness(self, repair: RuleRepair) -> int:
        """Rank a change: 0 makes a formula like those of other weights, 2 makes it unlike them."""
        old, new = self.book.patterns[repair.cell].shape, repair.right.shape
        if old == new:
            return 1
        others = [update.cell for update in self.step.updates if update not in repair.updates]
        beside = (repair.cell - h.cell + other for h in repair.updates for other in others)
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
        axis = self.perceptron.axis
        if axis is not None:
            return self.book.label(cell, axis)
        return self.book.label(cell, ACROSS) or self.book.label(cell, DOWN)

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
        return f"the perceptron rule moves {self.name(update)} by {rate}(t − y){inputs}"

    # What is wrong

    def of_repair(self, step: RuleStep, repair: RuleRepair, trouble: Trouble) -> tuple[str, str]:
        """The kind of a mistake, and why it is one."""
        update, here = repair.updates[0], name_of(repair.cell)
        form = self.usual.forms_with(step, {repair.cell: repair.right})[update]
        rule = self.rule(update, form)
        if repair.edit is not None:
            return self._of_edit(repair, repair.edit, trouble, rule)
        if repair.cell not in self.book.patterns:
            return PASTED, self.why_pasted(repair.cell)
        if trouble is Trouble.NOT_CARRIED:
            return ANOTHER_ROW, self.why_not_carried(update)
        return DEPARTING_ROW, f"{rule}; {here} differs from the rest of its line"

    def _of_edit(
        self, repair: RuleRepair, edit: Edit, trouble: Trouble, rule: str
    ) -> tuple[str, str]:
        kind, old, new = edit.kind, edit.old, edit.new
        why = f"{write(old)} should be {write(new)}"
        if isinstance(old, Infix) and kind is EditKind.OPERATOR and old.operator in COMPARISONS:
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
            return ANOTHER_ROW, self.why_not_carried(repair.updates[0])
        axis = self.perceptron.axis or DOWN
        is_rate = meant is not None and meant == self.usual.rate.fixed
        if meant is not None and is_rate and axis.line(at) == axis.line(meant):
            found = show_value(self.book.values.get(at))[:20] or "blank"
            return DRIFTING_RATE, f"the learning rate isn't anchored: {name_of(at)} is {found}"
        name, cell = self.name_of_cell(at), name_of(at)
        here = name if name == cell else f"{name} ({cell})"
        if trouble is Trouble.TARGET:
            return edit.kind.value, f"{rule}; {here} is not its sample's target"
        return edit.kind.value, f"{rule}; here {here} stands"

    def why_pasted(self, cell: Address) -> str:
        words = "where the others of its line have a formula"
        return f"{name_of(cell)} holds {content_of(self.book, cell)} {words}"

    def why_not_carried(self, update: RuleUpdate) -> str:
        start = self.book.name_of(self.perceptron.plain(update.base), update.cell)
        return f"{self.name(update)} goes on from {start}, which isn't what the update before left"


# Findings -----------------------------------------------------------------------------

RULE = "perceptron"


def perceptron_report(perceptron: Perceptron) -> SheetReport:
    """Return the report on a training by the perceptron rule."""
    usual = Usual(perceptron)
    words = RuleWords(usual)
    findings = _merged(RuleFindings(usual, words).findings())
    cells = {cell for u in perceptron.updates for cell in (u.cell, u.base)}
    rows = [row_of(cell) + 1 for cell in cells if sheet_of(cell) == perceptron.sheet]
    rate = usual.rate.fixed
    return SheetReport(
        sheet=perceptron.book.sheets[perceptron.sheet].title,
        verdict=WRONG if findings else RIGHT,
        rate=perceptron.book.name_of(rate, perceptron.steps[0].first) if rate else "",
        weights=words.names,
        rows=(min(rows), max(rows)),
        findings=findings,
        rule=RULE,
        updates=len(perceptron.updates),
    )


class RuleFindings:
    """The findings of one training; steps that are made alike share theirs."""

    def __init__(self, usual: Usual, words: RuleWords) -> None:
        self.usual, self.words = usual, words
        self.perceptron, self.book = usual.perceptron, usual.book
        self.known: dict[Pattern, RuleRepair] = {}

    def findings(self) -> Iterator[Finding]:
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
            repair = within_budget(lambda: search.best(list(waiting)))
            if repair is None:
                update = next(iter(waiting))
                del waiting[update]
                yield self._without_repair(steps, update)
                continue
            yield self._repaired(steps, repair, waiting[repair.updates[0]])
            for healed in repair.updates:
                waiting.pop(healed)

    def _repaired(self, steps: Sequence[RuleStep], repair: RuleRepair, trouble: Trouble) -> Finding:
        kind, why = self.words.of_repair(steps[0], repair, trouble)
        cells = {repair.cell - steps[0].first + step.first for step in steps}
        if repair.cell in self.book.patterns and repair.edit is not None:
            self.known[self.book.patterns[repair.cell]] = repair
        weights = tuple(dict.fromkeys(map(self.words.name, repair.updates)))
        alone = len(repair.updates) == 1
        quantity = f"Δ{weights[0]}" if alone else self.words.name_of_cell(repair.cell)
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
        name, right = self.words.name(update), search.formula_of_typed_weight(update)
        if right is None:
            why = self.words.why_not_carried(update)
            return self._finding([update.cell], ANOTHER_ROW, f"Δ{name}", why, (name,), None)
        cell = self.perceptron.plain(update.base)
        return self._finding(
            [cell], PASTED, f"Δ{name}", self.words.why_pasted(cell), (name,), right
        )

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
