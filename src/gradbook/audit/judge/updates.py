"""The updates of a training: rows that differ, what they add, the learning rate that they take.

Some updates aren't the weight less its gradient: they have a factor around them, subtract a bare
number, or start over. What should stand there is what the other weights' updates say, of this
weight and its own gradient. A slope that is measured by a small step is near the derivative and
never equal to it, which is no mistake.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, takewhile

import numpy as np

from gradbook.audit.findings import (
    BLANK_RATE,
    DEPARTING_ROW,
    DRIFTING_RATE,
    NO_RATE,
    NO_WEIGHT,
    RATE_LEFT_OUT,
    Finding,
    departing_from_column,
    finding_in,
    off_by,
    only_the_change,
    typed_in,
)
from gradbook.audit.formula.address import Address, by_sheet, cells_of, name_of, row_of, sheet_of
from gradbook.audit.formula.expression import (
    Edit,
    EditKind,
    SignedTerm,
    factors,
    product,
    terms,
    total,
)
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import CellReference, Pattern, anchor, rename_cells_in
from gradbook.audit.step.under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep, is_maximised
from gradbook.audit.training.training import SheetTraining, named_rate
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.audit.workbook.book import Book, show_value
from gradbook.language.message import Message, WrittenNumber, joined
from gradbook.targets.excel.language import Expression, Infix, Number, Reference, write

LR = "η"
USUAL_RATE = 0.5  # what the exercise is usually done with
KEPT = 64  # steps under test: the weights ask for the same ones


def update_findings(
    training: SheetTraining, steps: Sequence[SheetStep], told: Sequence[Finding] = ()
) -> list[Finding]:
    """What is wrong with how the weights are updated, except for what is reported already."""
    tested = lru_cache(KEPT)(lambda k: StepUnderTest.of(training, [steps[k]]))
    found = list(_blank_rate(training, steps))
    for j in range(len(training.weights)):
        updates = None if training.weights[j].stray else _usual(training, j)
        if updates is not None:
            lacking = list(_without_rate(updates, steps, tested))
            told_here = (f for f in told if f.weight == training.names[j])
            spoilt = set(chain.from_iterable(_cells_in(f, training) for f in told_here))
            departing = _differing(
                updates, steps, tested, is_usual_wrong=not spoilt.isdisjoint(updates.cells)
            )
            found += lacking
            found += (f for f in departing if not (lacking and f.kind == DEPARTING_ROW))
            found += _additions(updates, steps, tested)
            own = {cell: cell for cell in updates.cells}
            found += _RateTaken(updates, updates.usual, own).findings()
    known = {(finding.sheet, finding.cells) for finding in told}
    return [finding for finding in found if (finding.sheet, finding.cells) not in known]


@dataclass(frozen=True)
class _Updates:
    """The updates of one weight, and the formula that most of them have."""

    training: SheetTraining
    number: int
    weight: WeightColumn
    usual: Pattern
    cells: Sequence[Address]  # those that have it

    def before(self, cell: Address) -> Address:
        return next(base for base, update in self.weight.steps if update == cell)

    def findings(
        self,
        cells: Sequence[Address],
        right: Pattern,
        kind: str,
        why: str,
        edits: Sequence[Edit] = (),
    ) -> Iterator[Finding]:
        """Something that is wrong with some of them, sheet by sheet."""
        book, name = self.training.book, self.training.names[self.number]
        for own in by_sheet(cells):
            there = self.training.on_sheet_of(own[0], right)
            yield finding_in(book, own, kind, name, why, weight=name, right=there, edits=edits)


def _usual(training: SheetTraining, number: int) -> _Updates | None:
    """The formula that most updates of a weight have: as copies of one another or, where that is a
    minority, with the cells fixed that no step changes, as a rate typed anew in every row."""
    weight = training.weights[number]
    copies = _by_formula((cell, training.book.patterns.get(cell)) for cell in weight.updates)
    if 2 * max(map(len, copies.values()), default=0) <= sum(map(len, copies.values())):
        typed = ((cell, _anchored(training, cell)) for cells in copies.values() for cell in cells)
        copies = max(
            copies, _by_formula(typed), key=lambda by: max(map(len, by.values()), default=0)
        )
    if not copies:
        return None
    having = {
        usual: [c for c in weight.updates if c in alike or training.repeats(c, alike[0])]
        for usual, alike in copies.items()
    }
    usual, cells = max(having.items(), key=lambda item: len(item[1]))
    return _Updates(training, number, weight, usual, cells)


def _by_formula(
    cells: Iterable[tuple[Address, Pattern | None]],
) -> dict[Pattern, list[Address]]:
    found: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in cells:
        if pattern is not None:
            found[pattern].append(cell)
    return found


def _anchored(training: SheetTraining, cell: Address) -> Pattern:
    """An update's formula with a `$` before what no step changes."""
    book = training.book

    def fixed(reference: str) -> str:
        at = book.reader.cell(reference, cell)
        moves = at is None or at in training.varying or at in training.weight_cells
        return reference if moves else anchor(reference)

    return book.reader.pattern(rename_cells_in(book.patterns[cell].text_at(cell), fixed), cell)


def _cells_in(finding: Finding, training: SheetTraining) -> Iterator[Address]:
    return cells_of(finding.cells, training.book.sheet_number(finding.sheet) or 0)


def of_other_steps(
    training: SheetTraining,
    steps: Sequence[SheetStep],
    told: Sequence[Finding],
    updates: Sequence[Finding],
) -> Iterator[Finding]:
    """Findings of gradients that are right where they stand: an update that differs from the rest
    of its column takes them in the wrong step."""
    book, names = training.book, training.names
    for departing in updates:
        if departing.kind != DEPARTING_ROW or departing.weight not in names:
            continue
        home = next(_cells_in(departing, training))
        right = book.reader.pattern(departing.expected.removeprefix("="), home)
        taken = _cells_of(book.patterns[home], home) - _cells_of(right, home)
        for finding in told:
            wrong = set(_cells_in(finding, training))
            if finding.weight == departing.weight and wrong <= taken:
                j = names.index(finding.weight)
                own = (s for s in steps if any(c.owner in wrong for c in s.claims[j]))
                verdicts = [StepUnderTest.of(training, [s]).best(j, s.claims[j])[0] for s in own]
                if ClaimVerdict.RIGHT in verdicts:
                    yield finding


def _differing(
    updates: _Updates,
    steps: Sequence[SheetStep],
    tested: Callable[[int], StepUnderTest],
    *,
    is_usual_wrong: bool,
) -> Iterator[Finding]:
    """Updates that differ from the others of their column; not one that is right where most of the
    column are wrong."""
    book, usual = updates.training.book, updates.usual
    pasted: defaultdict[str, list[Address]] = defaultdict(list)
    others: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for k, cell in enumerate(updates.weight.updates):
        pattern = book.patterns.get(cell)
        if pattern is None:
            pasted[typed_in(book, cell, "")[0]].append(cell)
        elif cell not in updates.cells and k < len(steps):
            like = book.reader.read_typed(usual.text_at(cell), cell)
            other = _is_of_another(updates, steps[k], cell, like)
            if _keeps_last_rate(updates, cell, pattern):
                continue
            if is_usual_wrong and _has_right_gradient(tested(k), updates.number, steps[k], cell):
                continue
            if other or not says_the_same(tested(k), cell, like):
                others[pattern].append(cell)
    for kind, cells in pasted.items():
        why = typed_in(book, cells[0], updates.training.names[updates.number])[1]
        yield from updates.findings(cells, usual, kind, why)
    for cells in others.values():
        why = departing_from_column(cells[0])
        yield from updates.findings(cells, usual, DEPARTING_ROW, why)


def _has_right_gradient(
    tested: StepUnderTest, weight: int, step: SheetStep, update: Address
) -> bool:
    """Whether the gradient within an update's own formula is right."""
    verdict, claim = tested.best(weight, step.claims[weight])
    return verdict is ClaimVerdict.RIGHT and claim is not None and claim.owner == update


def _is_of_another(updates: _Updates, step: SheetStep, cell: Address, like: Pattern) -> bool:
    """Whether an update takes another weight's gradient, which may for once be the same number."""
    book, own = updates.training.book, step.claims[updates.number]
    owners = {c.owner for options in step.claims for c in options if options is not own and c.whole}
    taken, meant = (_cells_of(pattern, cell) for pattern in (book.patterns[cell], like))
    return not owners.isdisjoint(taken - meant)


def _keeps_last_rate(updates: _Updates, cell: Address, pattern: Pattern) -> bool:
    """Whether an update only takes a rate that was typed, where the rates of the steps have come to
    their end."""
    training, own = updates.training, {c: c for c in updates.cells}
    place = _RateTaken(updates, updates.usual, own).place
    ended, values = place.at(cell) if place else None, training.book.values
    if ended is None or ended in training.book.patterns or isinstance(values.get(ended), float):
        return False
    taken, meant = (_cells_of(one, cell) for one in (pattern, updates.usual))
    rates = taken - meant
    return meant - taken == {ended} and all(
        isinstance(values.get(at), float) and at not in training.varying for at in rates
    )


def _cells_of(pattern: Pattern, home: Address) -> set[Address]:
    places = (place.at(home) for place in pattern.places if isinstance(place, CellReference))
    return {cell for cell in places if cell is not None}


def says_the_same(tested: StepUnderTest, cell: Address, like: Pattern) -> bool:
    """Whether a cell's formula says the same as another would there, in other words."""
    own = tested.training.book.patterns[cell]
    if own.expression is None or like.expression is None:
        return False
    try:
        a = tested.graph.expression(own.expression, cell, own)
        b = tested.graph.expression(like.expression, cell, like)
    except NotUnderstood:
        return False
    return tested.same(a, b)


def _additions(
    updates: _Updates, steps: Sequence[SheetStep], tested: Callable[[int], StepUnderTest]
) -> Iterator[Finding]:
    """An update that goes up the slope: it adds what it should subtract."""
    training, j = updates.training, updates.number
    usual = set(updates.cells)
    following = dict(enumerate(updates.weight.updates))
    k = next((k for k, step in enumerate(steps) if following.get(step.number) in usual), None)
    if k is None or not steps[k].claims[j] or tested(k).is_known_right(j):
        return
    verdict, claim = tested(k).best(j, steps[k].claims[j])
    if claim is None or not tested(k).climbs(j, claim, verdict):
        return
    if any(is_maximised(training, cell) for cell in steps[k].loss.cells):
        return
    name = training.names[j]
    why = Message(
        "the update adds the gradient of {weight}, which climbs: subtract it instead", weight=name
    )
    if claim.sign > 0:
        why = Message(
            "the update subtracts what others add: so it climbs the slope of {weight}", weight=name
        )
    right = _subtracting(updates, updates.cells[0])
    yield from updates.findings(updates.cells, right, "adds the gradient", why)


def _subtracting(updates: _Updates, cell: Address) -> Pattern:
    """The update with its other terms turned round."""
    reader, base = updates.training.book.reader, updates.before(cell)
    expression = reader.read_typed(updates.usual.text_at(cell), cell).expression
    assert expression is not None
    turned = [
        (sign if reader.cell(write(part), cell) == base else -sign, part)
        for sign, part in terms(expression)
    ]
    return reader.read_typed(write(total(sorted(turned, key=lambda term: -term[0]))), cell)


# The learning rate -------------------------------------------------------------------


def _without_rate(
    updates: _Updates, steps: Sequence[SheetStep], tested: Callable[[int], StepUnderTest]
) -> Iterator[Finding]:
    """Updates that subtract a right gradient as it is, though the book has a learning rate that
    other updates use, or none at all."""
    training, j, home = updates.training, updates.number, updates.cells[0]
    book, flow = training.book, training.flow
    base, usual = updates.before(home), book.reader.read_typed(updates.usual.text_at(home), home)
    parts = change(updates.usual, base, home)
    split = factors(parts[0][1]) if len(parts) == 1 else None
    if usual.expression is None or split is None or parts[0][0] * split.sign > 0:
        return
    if any(isinstance(f.part, Number) or not f.above for f in split.parts):
        return
    rate = training.rate or named_rate(book, flow, training.update_cells)
    if rate is None or book.values.get(rate) in (None, 1.0):
        return
    taken = _RateTaken(updates, updates.usual, {cell: cell for cell in updates.cells})
    if taken.place is not None or rate in flow.behind([home], training.weight_cells):
        return
    usual_cells = set(updates.cells)
    k = next((k for k, s in enumerate(steps) if updates.weight.updates[k] in usual_cells), None)
    if k is None or not steps[k].claims[j]:
        return
    verdict, claim = tested(k).best(j, steps[k].claims[j])
    if verdict is not ClaimVerdict.RIGHT or claim is None or not {*claim.via} <= {home}:
        return
    said = Reference(anchor(book.name_of(rate, home)))
    right = total(
        [
            (sign, part if book.reader.cell(write(part), home) == base else Infix("*", said, part))
            for sign, part in terms(usual.expression)
        ]
    )
    there = book.reader.read_typed(write(right), home)
    yield from updates.findings(updates.cells, there, NO_RATE, RATE_LEFT_OUT)


def _blank_rate(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """A learning rate that no number stands for."""
    cell, book = training.rate, training.book
    if cell is None or cell in book.patterns or isinstance(book.values.get(cell), float):
        return
    value = book.values.get(cell)
    kept = _rate_kept(training, steps[0]) if steps else None
    rate = USUAL_RATE if kept is None else kept
    shown = WrittenNumber(show_value(rate))
    remedy = (
        Message("any number above 0 works, such as {rate}", rate=shown)
        if kept is None
        else Message("the values in the file were made with {rate}", rate=shown)
    )
    why = (
        Message(
            "the learning rate {cell} is blank, so no weight ever changes: {remedy}",
            cell=name_of(cell),
            remedy=remedy,
        )
        if value is None
        else Message(
            "the learning rate {cell} holds the text {text}, so no weight ever changes: {remedy}",
            cell=name_of(cell),
            text=repr(str(value)[:20]),
            remedy=remedy,
        )
    )
    right = book.reader.read_typed(show_value(rate), cell)
    yield finding_in(book, [cell], BLANK_RATE, quantity=LR, why=why, right=right)


def _rate_kept(training: SheetTraining, step: SheetStep) -> float | None:
    """The rate that the weights' values in the file were made with; None where they don't say."""
    values, found = training.book.values, []
    for weight, options in zip(training.weights, step.claims, strict=True):
        before, after = (values.get(cell) for cell in weight.steps[0])
        gradient = values.get(options[0].owner) if options and options[0].whole else None
        numbers = [x for x in (before, after, gradient) if isinstance(x, float)]
        if len(numbers) == 3 and gradient and before != after:
            found.append((numbers[0] - numbers[1]) / numbers[2] / options[0].sign)
    rate = float(np.median(found)) if found else 0.0
    alike = all(abs(other - rate) <= 1e-6 * abs(rate) for other in found)
    return float(f"{rate:.6g}") if alike and rate > 0 else None


@dataclass(frozen=True)
class _RateTaken:
    """Formulas of one weight, step by step, that multiply with a learning rate: its updates, or the
    cells apart that these add."""

    updates: _Updates
    usual: Pattern
    cells: Mapping[Address, Address]  # each formula's, with the update that it serves

    @property
    def place(self) -> CellReference | None:
        """Where the usual formula looks for the learning rate: not where the gradient is."""
        training, usual, first = self.updates.training, self.usual, next(iter(self.cells))
        inside: Sequence[SignedTerm] = terms(usual.expression) if usual.expression else ()
        if first == self.cells[first]:
            inside = change(usual, self.updates.before(first), first)
        if len(inside) != 1:
            return None
        parts = factors(inside[0][1]).parts
        places = [place for factor in parts if (place := usual.place_of(factor.part)) is not None]
        cells = [(place, at) for place in places if (at := place.at(first)) is not None]
        for place, at in cells:
            if training.is_rate(at):
                return place
        still = [place for place, at in cells if at not in training.varying]
        return still[0] if len(still) == 1 and len(parts) == 2 else None

    def findings(self) -> Iterator[Finding]:
        """What is said of the formulas that take another cell for the learning rate."""
        training, place = self.updates.training, self.place
        if training.rate is None or place is None:
            return
        taken = {cell: at for cell in self.cells if (at := place.at(cell)) is not None}
        wrong = [c for c, at in taken.items() if not _is_rate(self.updates, at, self.cells[c])]
        if not wrong:
            return
        first, last = wrong[0], training.rate
        where, what = name_of(taken[first]), _what(training, taken[first])
        kept = [at for cell, at in taken.items() if cell not in wrong]
        drifts = len(wrong) < len(self.updates.weight.cells) - 1 or (
            place.moves and len(self.updates.weight.cells) > 2
        )
        if len(set(kept)) > 1 and training.rate not in training.book.patterns:
            last = kept[-1]  # a rate is typed for every step, as far as that goes
            why = Message(
                "the learning rates end with {last}: {cell} is taken, {content}",
                last=name_of(last),
                cell=where,
                content=what,
            )
        elif drifts:
            why = Message(
                "the learning rate isn't anchored: it drifts to {cell}, {content}",
                cell=where,
                content=what,
            )
        else:
            why = Message("{cell}, {content}, isn't the learning rate", cell=where, content=what)
        right = anchor(training.book.name_of(last, first))
        remedy = Message("{cell} stays", cell=right) if drifts else right
        told = [joined("; " if drifts else ": ", (why, remedy))]
        text = with_another_cell(training.book, first, taken[first], right)
        yield from self.updates.findings(
            wrong,
            training.book.reader.read_typed(text, first),
            DRIFTING_RATE if drifts else "wrong rate",
            joined("; ", [*told, *self._where_it_bites(taken, wrong)]),
            [Edit(EditKind.REFERENCE, (), Reference(what), Reference(LR))],
        )

    def _where_it_bites(
        self, taken: Mapping[Address, Address], wrong: Sequence[Address]
    ) -> Iterator[str]:
        """The first formula that a drifting rate spoils, where that isn't the first that takes
        another cell; and from where on no step learns, or none has a number."""
        training, book = self.updates.training, self.updates.training.book
        rate = book.values.get(training.rate) if training.rate is not None else None
        differing = [cell for cell in wrong if book.values.get(taken[cell]) != rate]
        empty = [cell for cell in wrong if not isinstance(book.values.get(taken[cell]), float)]
        first = next(iter(empty or differing), None)
        if first is not None and first != wrong[0]:
            yield Message(
                "from {first} on it is {cell}, {content}",
                first=name_of(first),
                cell=name_of(taken[first]),
                content=_what(training, taken[first]),
            )


def _rates_apart(updates: _Updates) -> Iterator[_RateTaken]:
    """The cells in which what the updates add is worked out, with the learning rate."""
    training, first = updates.training, updates.cells[0]
    inside = change(updates.usual, updates.before(first), first)
    place = updates.usual.place_of(inside[0][1]) if len(inside) == 1 else None
    apart = {at: cell for cell in updates.cells if place and (at := place.at(cell)) is not None}
    patterns = training.book.patterns
    if apart:
        last, update = list(apart.items())[-1]
        after = last + updates.weight.stride  # of the last weights, which no update follows
        if patterns.get(after) is patterns.get(last):
            apart[after] = update
    if apart.keys() <= training.varying & patterns.keys():
        copies = _by_formula((cell, patterns[cell]) for cell in apart)
        for usual, cells in copies.items():
            if 2 * len(cells) > len(apart):
                yield _RateTaken(updates, usual, {cell: apart[cell] for cell in cells})


def drifting_rates(training: SheetTraining) -> list[Finding]:
    """Learning rates that drift in the cells apart in which each step is worked out."""
    found: list[Finding] = []
    for j, weight in enumerate(training.weights):
        updates = None if weight.stray else _usual(training, j)
        for taken in _rates_apart(updates) if updates is not None else ():
            found += taken.findings()
    return found


def _is_rate(updates: _Updates, at: Address, cell: Address) -> bool:
    """Whether a cell is the learning rate, is computed from it, or is one of those that stand in a
    column of their own."""
    training, rate = updates.training, updates.training.rate
    if training.is_rate(at) or (at not in training.varying and rate in training.flow.behind([at])):
        return True
    value = training.book.values.get(at)
    rows = row_of(updates.before(cell)), row_of(cell)
    beside = row_of(at) in rows or sheet_of(at) != sheet_of(cell)
    top = min(row_of(weight.start) for weight in training.weights)
    own_row = rate is not None and row_of(rate) >= top
    return isinstance(value, float) and at not in training.varying and beside and own_row


def _what(training: SheetTraining, cell: Address) -> str:
    value = training.book.values.get(cell)
    if value is None and cell not in training.book.patterns:
        return Message("which is blank")
    if isinstance(value, str):
        return Message("the text {text}", text=repr(value[:20]))
    name = training.label(cell)
    return Message("which is {name}", name=name) if name else Message("another cell")


def with_another_cell(book: Book, home: Address, wrong: Address, right: str) -> str:
    """A cell's formula with another name in the place of one cell's."""
    return rename_cells_in(
        book.patterns[home].text_at(home),
        lambda word: right if book.reader.cell(word, home) == wrong else word,
    )


# Updates that aren't the weight less its gradient -------------------------------------

KIND: str = "wrong update"
ONE_STEP = 2  # cells of a weight


def stray_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """What is wrong with the weights that aren't updated as weights are."""
    for weight, name in zip(training.weights, training.names, strict=True):
        if len(weight.cells) == ONE_STEP and not weight.updates_elsewhere:
            yield from _restarts(training, weight, name)
    numbers = [j for j, weight in enumerate(training.weights) if weight.stray]
    if numbers and steps:
        tested = StepUnderTest.of(training, steps[:1])
        for j in numbers:
            yield from _findings(tested, j)


def _findings(tested: StepUnderTest, j: int) -> Iterator[Finding]:
    training = tested.training
    book, weight, name = training.book, training.weights[j], training.names[j]
    formulas = Counter(p for cell in weight.updates if (p := book.patterns.get(cell)))
    if not formulas:
        typed, told = typed_in(book, weight.updates[0], name)
        right = _right(tested, j)
        yield finding_in(book, weight.updates, typed, name, told, weight=name, right=right)
        return
    usual = formulas.most_common(1)[0][0]
    steps = [step for step in weight.steps if book.patterns.get(step[1]) is usual]
    over = [step for step in weight.steps if _starts_over(training, weight.start, *step)]
    base, first = (over or steps)[0]
    wrong = [cell for _, cell in over] or weight.updates
    right = _right(tested, j)
    kind = KIND
    why = _why_over(weight, base, first) if over else _why(training, base, first, name)
    if not over and _is_only_the_change(training, base, first):
        kind, why = NO_WEIGHT, only_the_change(name)
    for cells in by_sheet(wrong):
        yield finding_in(book, cells, kind, quantity=name, why=why, weight=name, right=right)


def _restarts(training: SheetTraining, weight: WeightColumn, name: str) -> Iterator[Finding]:
    """What goes on where a training seems to end: the same update of the first weight again."""
    book = training.book
    (before, update) = weight.steps[0]
    later = zip(count(update, weight.stride), count(update + weight.stride, weight.stride))
    over = [*takewhile(lambda step: _starts_over(training, before, *step), later)]
    if not over:
        return
    base, first = over[0]

    text = with_another_cell(book, first, before, book.name_of(base, first))
    cells, why = [cell for _, cell in over], _why_over(weight, base, first)
    right = book.reader.read_typed(text, first)
    yield finding_in(book, cells, KIND, quantity=name, why=why, weight=name, right=right)


def _why_over(weight: WeightColumn, base: Address, first: Address) -> str:
    return Message(
        "{cell} continues from {start}, as every step does: {before} belongs there",
        cell=name_of(first),
        start=name_of(weight.start),
        before=name_of(base),
    )


def _starts_over(training: SheetTraining, start: Address, before: Address, cell: Address) -> bool:
    """Whether an update goes on from where the weight began instead of the step before."""
    sources = training.flow.sources(cell)
    return start != before and start in sources and before not in sources


def _why(training: SheetTraining, base: Address, cell: Address, name: str) -> str:
    """What an update does instead."""
    pattern, here = training.book.read_typed(cell), name_of(cell)
    assert pattern.expression is not None
    scale = _scale(training, pattern.expression, base, cell)
    if scale:
        return Message(
            "{cell} multiplies the weight itself by {factor}, and not its gradient alone",
            cell=here,
            factor=scale,
        )
    added = change(pattern, base, cell)
    is_less = 0 < len(added) < len(terms(pattern.expression))
    if is_less and not any(training.varies(part, cell) for _, part in added):
        what = write(total([(-sign, part) for sign, part in added]))
        return Message(
            "{cell} subtracts {part}, the same in every step: ∂E/∂{weight} is missing",
            cell=here,
            part=what,
            weight=name,
        )
    return Message(
        "{cell} isn't {before} minus the learning rate times ∂E/∂{weight}",
        cell=here,
        before=name_of(base),
        weight=name,
    )


def _is_only_the_change(training: SheetTraining, base: Address, cell: Address) -> bool:
    """Whether an update is the learning rate times something that weights change, and no more."""
    pattern = training.book.patterns[cell]
    parts = terms(pattern.expression) if pattern.expression is not None else ()
    if len(parts) != 1 or base in training.flow.sources(cell):
        return False
    split = [f.part for f in factors(parts[0][1]).parts if f.above]
    cells = [training.cell_of(part, cell) for part in split]
    return len(cells) > 1 and any(c is not None and training.is_rate(c) for c in cells)


def _scale(training: SheetTraining, said: Expression, base: Address, cell: Address) -> str:
    """By what a whole update is multiplied; '' where that isn't what is wrong with it."""
    split = factors(said)
    whole = [f for f in split.parts if f.above and len(terms(f.part)) > 1]
    if len(whole) != 1 or base not in training.cells_in(whole[0].part, cell):
        return ""
    rest = [factor for factor in split.parts if factor is not whole[0]]
    if any(training.varies(factor.part, cell) for factor in rest):
        return ""
    scale = write(product(rest)) if rest else "1" * (split.sign < 0)
    return f"-{scale}" if split.sign < 0 else scale


def _right(tested: StepUnderTest, j: int) -> Pattern | None:
    """The update as the others have it; None where no cell holds this weight's gradient, or where
    the others' go by more than theirs."""
    for i in range(len(tested.training.weights)):
        claim = _right_claim(tested, i)
        gradient = _gradient(tested, j, claim) if claim else None
        if claim and gradient is not None:
            found = _like(tested.training, i, j, {claim.owner: gradient})
            if found is not None:
                return found
    return None


def _like(
    training: SheetTraining, i: int, j: int, instead: dict[Address, Address]
) -> Pattern | None:
    """Return one weight's update written like another's, with some cells replaced; None where it
    doesn't mention them."""
    book, home = training.book, training.weights[j].updates[0]
    (before, update), base = training.weights[i].steps[0], training.weights[j].start
    instead = {**instead, before: base}
    mentioned: set[Address] = set()

    def follow(reference: str) -> str:
        at = book.reader.cell(reference, update)
        if at is None or ("$" in reference and at not in instead):
            return reference
        mentioned.add(at)
        return book.name_of(instead.get(at, at), home)

    text = rename_cells_in(book.patterns[update].text_at(update), follow)
    return book.reader.read_typed(text, home) if instead.keys() <= mentioned else None


def _right_claim(tested: StepUnderTest, i: int) -> Claim | None:
    """The cell that holds another weight's right gradient."""
    try:
        verdict, claim = tested.best(i, tested.step.claims[i])
    except NotUnderstood:
        return None
    good = claim is not None and claim.whole and verdict <= ClaimVerdict.RIGHT_HERE
    return claim if good else None


def _gradient(tested: StepUnderTest, j: int, other: Claim) -> Address | None:
    """The cell beside another gradient that holds this weight's."""
    training, true = tested.training, tested.gradients[j]
    if other.sign < 0:
        true = -true
    crossing = training.axis.crossing
    beside = (c for c in sorted(training.computed_cells) if crossing(c) == crossing(other.owner))
    for cell in beside:
        try:
            if cell not in tested.forward and tested.same(tested.graph.node(cell), true):
                return cell
        except NotUnderstood:
            continue
    return None


# Slopes that are measured -------------------------------------------------------------

NEAR = 0.01  # how far off such a slope may be
SMALL = 0.1  # at most, such a step


def measured_slopes(training: SheetTraining, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of gradients that are measured slopes, near enough to the true ones."""
    return [finding for finding in findings if _is_measured(training, finding)]


def measured_notes(found: Sequence[Finding]) -> Iterator[str]:
    for finding in found:
        yield Message(
            "{cells} is a slope that is measured by a small step: off by {share}",
            cells=finding.cells,
            share=off_by(finding.relative_error or 0.0),
        )


def _is_measured(training: SheetTraining, finding: Finding) -> bool:
    error = finding.relative_error
    if finding.kind != EditKind.FORMULA.value or error is None or error > NEAR:
        return False
    return _is_quotient(training, next(cells_of(finding.cells, training.sheet)))


def _is_quotient(training: SheetTraining, cell: Address) -> bool:
    """Whether a formula divides the difference of two cells by something that no weight changes."""
    pattern = training.book.patterns.get(cell)
    if pattern is None or pattern.expression is None:
        return False
    parts = factors(pattern.expression).parts
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    if len(above) != 1 or not below or any(training.varies(part, cell) for part in below):
        return False
    is_difference = sorted(sign for sign, _ in terms(above[0])) == [-1, 1]
    return is_difference and any(_is_small(training, part, cell) for part in below)


def _is_small(training: SheetTraining, part: Expression, home: Address) -> bool:
    at = training.cell_of(part, home)
    value = part.value if isinstance(part, Number) else training.book.values.get(at or -1)
    return isinstance(value, float) and 0 < value <= SMALL
