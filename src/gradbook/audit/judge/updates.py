"""The updates of a training: rows that differ, what they add, the learning rate that they take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from gradbook.audit.findings.findings import BLANK_RATE, PASTED, Finding, finding_in
from gradbook.audit.formula.address import SHEET, Address, row_of, sheet_of, written
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.expression import factors, renamed, terms, total
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.audit.workbook.book import shown
from gradbook.targets.excel.language.grammar import Reference, write
from gradbook.targets.excel.language.reader import read

LR = "η"
USUAL_RATE = 0.5  # what the exercise is usually done with
KEPT = 64  # steps under test: the weights ask for the same ones


def update_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> list[Finding]:
    """What is wrong with how the weights are updated."""
    tested = lru_cache(KEPT)(lambda k: StepUnderTest.of(training, [steps[k]]))
    found = list(_blank_rate(training, steps))
    for j, weight in enumerate(training.weights):
        patterns = map(training.book.patterns.get, weight.updates)
        usual = Counter(pattern for pattern in patterns if pattern).most_common(1)
        if usual:
            updates = _Updates(training, j, weight, usual[0][0])
            found += _differing(updates, len(steps), tested)
            found += _additions(updates, steps, tested)
            found += _wrong_rates(updates)
    return found


@dataclass(frozen=True)
class _Updates:
    """The updates of one weight, and the formula that most of them have."""

    training: SheetTraining
    number: int
    weight: WeightColumn
    usual: Pattern

    @cached_property
    def cells(self) -> list[Address]:
        """Those that have the usual formula."""
        return [cell for cell in self.weight.updates if self.is_usual(cell)]

    def is_usual(self, cell: Address) -> bool:
        """Whether an update has the usual formula: on another sheet, that sheet's."""
        pattern = self.training.book.patterns.get(cell)
        if pattern is self.usual or pattern is None or pattern.shape != self.usual.shape:
            return pattern is self.usual
        sources, away = self.training.flow.sources, cell - self._first
        both = zip(sources(cell), sources(self._first), strict=False)
        return away % SHEET == 0 and all(here - there in (0, away) for here, there in both)

    @cached_property
    def _first(self) -> Address:
        patterns = self.training.book.patterns
        return next(cell for cell in self.weight.updates if patterns.get(cell) is self.usual)

    def before(self, cell: Address) -> Address:
        return next(base for base, update in self.weight.steps if update == cell)

    def finding(
        self,
        cells: Sequence[Address],
        right: Pattern,
        kind: str,
        why: str,
        edits: Sequence[Edit] = (),
    ) -> Finding:
        """Something that is wrong with some of them."""
        book, name = self.training.book, self.training.names[self.number]
        return finding_in(book, cells, kind, name, why, weight=name, right=right, edits=edits)


def _differing(
    updates: _Updates, steps: int, tested: Callable[[int], StepUnderTest]
) -> Iterator[Finding]:
    """Updates that differ from the others of their column."""
    book, usual = updates.training.book, updates.usual
    pasted: list[Address] = []
    others: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for k, cell in enumerate(updates.weight.updates):
        pattern = book.patterns.get(cell)
        if pattern is None:
            pasted.append(cell)
        elif not updates.is_usual(cell) and k < steps and not _same(tested(k), cell, usual):
            others[pattern].append(cell)
    if pasted:
        value = book.values.get(pasted[0])
        what = "nothing" if value is None else "a text"
        what = f"the number {shown(value)}" if isinstance(value, float) else what
        words = f"holds {what} where the others of its column have a formula"
        yield updates.finding(pasted, usual, PASTED, f"{written(pasted[0])} {words}")
    for cells in others.values():
        words = f"{written(cells[0])} differs from the rest of its column"
        yield updates.finding(cells, usual, "departing row", words)


def _same(tested: StepUnderTest, cell: Address, usual: Pattern) -> bool:
    """Whether an update says the same as those of its column, in other words."""
    book = tested.training.book
    own, like = book.patterns[cell], book.reader.typed(usual.text_at(cell), cell)
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
    if verdict is not ClaimVerdict.OPPOSITE or claim is None or claim.sign > 0:
        return
    yield updates.finding(
        updates.cells,
        _subtracting(updates, updates.cells[0]),
        "adds the gradient",
        f"the update adds the gradient of {training.names[j]}, which climbs: "
        "it is to be subtracted",
    )


def _subtracting(updates: _Updates, cell: Address) -> Pattern:
    """The update with its other terms turned round."""
    reader, base = updates.training.book.reader, updates.before(cell)
    expression = reader.typed(updates.usual.text_at(cell), cell).expression
    assert expression is not None
    turned = [
        (sign if reader.cell(write(part), cell) == base else -sign, part)
        for sign, part in terms(expression)
    ]
    return reader.typed(write(total(sorted(turned, key=lambda term: -term[0]))), cell)


# The learning rate -------------------------------------------------------------------


def _blank_rate(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """A learning rate that no number stands for."""
    cell, book = training.rate, training.book
    if cell is None or cell in book.patterns or isinstance(book.values.get(cell), float):
        return
    value = book.values.get(cell)
    state = "is blank" if value is None else f"holds the text {str(value)[:20]!r}"
    kept = _rate_kept(training, steps[0]) if steps else None
    rate = USUAL_RATE if kept is None else kept
    words = (
        f"any number above 0 will do, {shown(rate)} for a start"
        if kept is None
        else f"the values in the file were made with {shown(rate)}"
    )
    why = f"the learning rate {written(cell)} {state}, so no weight ever changes: {words}"
    right = book.reader.typed(shown(rate), cell)
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


def _wrong_rates(updates: _Updates) -> Iterator[Finding]:
    """The cells that each update takes for the learning rate."""
    training, weight = updates.training, updates.weight
    place = _rate_place(updates)
    if training.rate is None or place is None:
        return
    taken = {cell: at for cell in updates.cells if (at := place.at(cell)) is not None}
    wrong = [cell for cell, at in taken.items() if not _is_rate(updates, at, cell)]
    if not wrong:
        return
    first = wrong[0]
    where, what = written(taken[first]), _what(training, taken[first])
    sheet, mark, name = training.book.called(training.rate, first).rpartition("!")
    letters = name.rstrip("0123456789")
    right = f"{sheet}{mark}${letters}${name[len(letters) :]}"
    drifts = len(wrong) < len(weight.cells) - 1 or (place.moves and len(weight.cells) > 2)
    yield updates.finding(
        wrong,
        _with_rate(updates, first, taken[first], right),
        "drifting rate" if drifts else "wrong rate",
        f"the learning rate isn't anchored: it drifts to {where}, {what}; {right} stays"
        if drifts
        else f"{where}, {what}, isn't the learning rate: {right}",
        [Edit(EditKind.REFERENCE, (), Reference(what), Reference(LR))],
    )


def _rate_place(updates: _Updates) -> CellReference | None:
    """Where the usual formula looks for the learning rate: not where the gradient is."""
    training, usual, first = updates.training, updates.usual, updates.cells[0]
    inside = change(usual, updates.before(first), first)
    if len(inside) != 1:
        return None
    parts = factors(inside[0][1]).parts
    places = [place for factor in parts if (place := usual.place_of(factor.part)) is not None]
    cells = [(place, at) for place in places if (at := place.at(first)) is not None]
    for place, at in cells:
        if training.flow.plain(at) == training.rate:
            return place
    still = [place for place, at in cells if at not in training.varying]
    return still[0] if len(still) == 1 and len(parts) == 2 else None


def _is_rate(updates: _Updates, at: Address, cell: Address) -> bool:
    """Whether a cell is the learning rate, is computed from it, or is one of those that stand in a
    column of their own."""
    training, rate = updates.training, updates.training.rate
    if training.flow.plain(at) == rate:
        return True
    if at not in training.varying and rate in training.flow.behind([at]):
        return True
    patterns = training.book.patterns
    if at in patterns and rate is not None and patterns[at] is patterns.get(rate):
        return True  # a schedule's own formula, further on
    value = training.book.values.get(at)
    rows = row_of(updates.before(cell)), row_of(cell)
    beside = row_of(at) in rows or sheet_of(at) != sheet_of(cell)
    top = min(row_of(weight.start) for weight in training.weights)
    own_row = rate is not None and row_of(rate) >= top
    return isinstance(value, float) and at not in training.varying and beside and own_row


def _what(training: SheetTraining, cell: Address) -> str:
    value = training.book.values.get(cell)
    if value is None and cell not in training.book.patterns:
        return "which is blank"
    if isinstance(value, str):
        return f"the text {value[:20]!r}"
    name = training.book.label(cell, training.axis)
    return f"which is {name}" if name else "another cell"


def _with_rate(updates: _Updates, home: Address, wrong: Address, right: str) -> Pattern:
    """The usual formula in some cell, with another reference in the place of the wrong one."""
    reader = updates.training.book.reader
    expression = renamed(
        read(updates.usual.text_at(home)),
        lambda part: right if reader.cell(part.text, home) == wrong else part.text,
    )
    return reader.typed(write(expression), home)
