"""The updates of a training: rows that differ, what is added, and the learning rate in them.

Some updates aren't the weight minus its gradient: they have a factor around them, subtract a bare
number, or start over. The right formula is that of the other weights' updates, for this weight and
its own gradient. A slope measured with a small step is near the derivative but never equal to it,
which isn't a mistake.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, takewhile

from gradbook.audit.findings import (
    NO_WEIGHT,
    Finding,
    finding_in,
    off_by,
    only_the_change,
    typed_in,
)
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep, group_steps
from gradbook.audit.training.weight_columns import (
    WeightColumn,
    another_base,
    change,
    plain_update,
    said_in,
)
from gradbook.cells.formula.address import SHEET, Address, by_sheet, cells_of, name_of
from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    SignedTerm,
    factors,
    parts,
    product,
    replace_parts,
    terms,
    total,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import CellReference, Pattern, anchor, rename_cells_in
from gradbook.cells.formula.syntax import Call, Expression, Number, write
from gradbook.language import mark
from gradbook.language.message import Message

CLIMBING = "adds the gradient"
KEPT = 64  # steps under test, since all weights need the same ones


def update_findings(
    training: SheetTraining, steps: Sequence[SheetStep], told: Sequence[Finding] = ()
) -> list[Finding]:
    """Findings for updates of weights, except for those that have already been reported."""
    with_alike = {
        step.number: [step, *group] for group in group_steps(training, steps) for step in group
    }
    tested = lru_cache(KEPT)(lambda k: StepUnderTest.of(training, with_alike[steps[k].number]))
    found: list[Finding] = []
    for updates in usual_updates(training):
        found += _additions(updates, steps, tested)
    known = {(finding.sheet, finding.cells) for finding in told}
    return [finding for finding in found if (finding.sheet, finding.cells) not in known]


@dataclass(frozen=True)
class UsualUpdate:
    """The formula that most updates of a weight have."""

    training: SheetTraining
    number: int
    formula: Pattern
    cells: Sequence[Address]  # the updates with this formula

    @property
    def weight(self) -> WeightColumn:
        return self.training.weights[self.number]

    @property
    def name(self) -> str:
        return self.training.names[self.number]

    def before(self, cell: Address) -> Address:
        return next(base for base, update in self.weight.steps if update == cell)

    def with_terms(self, mend: Callable[[int, Expression], SignedTerm]) -> Pattern | None:
        """The formula with other terms beside the weight; None if the weight isn't a term of it."""
        reader, home = self.training.book.reader, self.cells[0]
        said = reader.read_typed(self.formula.text_at(home), home).expression
        if said is None:
            return None
        inside, base = plain_update(said), self.before(home)
        added = terms(inside)
        kept = [reader.cell(write(part), home) == base for _, part in added]
        if sum(kept) != 1:
            return None
        mended = [p if own else mend(*p) for p, own in zip(added, kept, strict=True)]
        right = total(sorted(mended, key=lambda term: -term[0]))
        if any(part is inside for part in parts(said)):
            right = replace_parts(said, lambda part: right if part is inside else None)
        return reader.read_typed(write(right), home)

    def findings(
        self,
        cells: Sequence[Address],
        right: Pattern | None,
        kind: str,
        why: str,
        edits: Sequence[Edit] = (),
    ) -> Iterator[Finding]:
        """Findings for a mistake in some updates, sheet by sheet."""
        for own in by_sheet(cells):
            there = right and self.training.on_sheet_of(own[0], right)
            yield finding_in(self.training.book, own, kind, self.name, why, self.name, there, edits)


def usual_updates(training: SheetTraining) -> Iterator[UsualUpdate]:
    """The most frequent formula of each weight's updates: as copies of each other or, if those are
    a minority, with constant cells made absolute, such as a rate that is typed in every row."""
    patterns = training.book.patterns
    for j, weight in enumerate(training.weights):
        formulas = {cell: patterns[cell] for cell in weight.updates if cell in patterns}
        if weight.stray or not formulas:
            continue
        copies = alike(formulas)
        if 2 * max(map(len, copies.values())) <= len(formulas):
            fixed = alike({cell: _anchored(training, cell) for cell in formulas})
            copies = max(copies, fixed, key=lambda some: max(map(len, some.values())))
        own, places = alike(formulas), defaultdict[int, list[Address]](list)
        for cell in weight.updates:
            places[cell % SHEET].append(cell)  # the same place on other sheets
        having: dict[Pattern, set[Address]] = {}
        for usual, (first, *others) in copies.items():
            beside = (c for c in places[first % SHEET] if training.repeats(c, first))
            having[usual] = {first, *others, *own[patterns[first]], *beside}
        usual = max(having, key=lambda usual: len(having[usual]))
        cells = [cell for cell in weight.updates if cell in having[usual]]
        yield UsualUpdate(training, j, usual, cells)


def alike(formulas: Mapping[Address, Pattern]) -> dict[Pattern, list[Address]]:
    found: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in formulas.items():
        found[pattern].append(cell)
    return found


def _anchored(training: SheetTraining, cell: Address) -> Pattern:
    """An update's formula with `$` in references to cells that no step changes."""
    book, pattern = training.book, training.book.patterns[cell]

    def stays(at: Address | None) -> bool:
        return at is not None and at not in training.varying and at not in training.weight_cells

    def fixed(reference: str) -> str:
        return anchor(reference) if stays(book.reader.cell(reference, cell)) else reference

    if not any(corner.moves and stays(corner.at(cell)) for corner in pattern.corners):
        return book.reader.shared(pattern)
    return book.reader.pattern(rename_cells_in(pattern.text_at(cell), fixed), cell)


def _additions(
    updates: UsualUpdate, steps: Sequence[SheetStep], tested: Callable[[int], StepUnderTest]
) -> Iterator[Finding]:
    """A finding for an update that goes up the slope: it adds what it should subtract."""
    j, usual, following = updates.number, set(updates.cells), updates.weight.updates
    k = next(
        (k for k, s in enumerate(steps) if {*following[s.number : s.number + 1]} & usual), None
    )
    if k is None or not steps[k].claims[j] or tested(k).is_known_right(j):
        return
    verdict, claim = tested(k).best(j, steps[k].claims[j])
    if claim is None or not tested(k).climbs(j, claim, verdict):
        return
    cell, training = following[steps[k].number], updates.training
    velocity = _velocity_ahead(updates, cell, claim)
    if velocity is not None:
        yield from _of_velocity(training, velocity, claim, updates.name)
        return
    why = Message(
        "the update adds the gradient of {weight}, so the loss grows: subtract it",
        weight=updates.name,
    )
    if steps[k].loss.is_climbed:
        why = Message(
            "the update subtracts the gradient of {weight}, so {loss} falls: add it",
            weight=updates.name,
            loss=training.name_of(steps[k].loss.cells[0]),
        )
    elif claim.sign > 0:
        why = Message(
            "the update of {weight} subtracts what the others add, so the loss grows: add it",
            weight=updates.name,
        )
    right = updates.with_terms(lambda sign, part: (-sign, part))
    yield from updates.findings(updates.cells, right, CLIMBING, why)


def _velocity_ahead(updates: UsualUpdate, cell: Address, claim: Claim) -> Address | None:
    """The velocity by which an update moves, if its weight looks ahead in the same direction: then
    not the update has the wrong sign, but the gradient in the velocity."""
    training, stride = updates.training, updates.weight.stride
    for memory in claim.via[1:]:
        for ahead, pasts in training.ahead.items():
            past = next((at for at in pasts if training.continues(at, stride) == memory), None)
            if past and _sign_of(training, ahead, past) == _sign_of(training, cell, memory):
                return memory
    return None


def _sign_of(training: SheetTraining, cell: Address, mentioned: Address) -> int:
    """The sign with which a formula adds a cell, or a multiple of it; 0 if it doesn't."""
    said = said_in(training.book, cell)
    inside = terms(plain_update(said)) if said is not None else ()
    signs = (
        sign * factors(part).sign
        for sign, part in inside
        if mentioned in training.cells_in(part, cell)
    )
    return next(signs, 0)


def _of_velocity(
    training: SheetTraining, velocity: Address, claim: Claim, name: str
) -> Iterator[Finding]:
    """Findings for a velocity that takes in the gradient with the wrong sign."""
    book, line = training.book, training.axis.line
    pattern = book.patterns[velocity]
    if pattern.expression is None:
        return
    turned = [
        (-sign if claim.owner in training.cells_in(part, velocity) else sign, part)
        for sign, part in terms(pattern.expression)
    ]
    right = book.reader.read_typed(write(total(sorted(turned, key=lambda t: -t[0]))), pattern.home)
    alike = [c for c, p in book.patterns.items() if p is pattern and line(c) == line(velocity)]
    why = Message("the velocity of {weight} adds its gradient: subtract it", weight=name)
    for cells in by_sheet(sorted(alike)):
        quantity, there = training.name_of(cells[0]), training.on_sheet_of(cells[0], right)
        yield finding_in(book, cells, CLIMBING, quantity, why, name, there)


def rate_place(
    training: SheetTraining, formula: Pattern, cell: Address, base: Address | None
) -> CellReference | None:
    """The reference to a learning rate in an update or, without one, the only constant cell of a
    product of two; in a separate formula of the change, only a learning rate counts."""
    inside: Sequence[SignedTerm] = ()
    if base is not None:
        inside = change(formula, base, cell)
    elif formula.expression is not None:
        inside = terms(formula.expression)
    if len(inside) != 1:
        return None
    parts = [factor.part for factor in factors(inside[0][1]).parts]
    places = [place for part in parts if (place := formula.place_of(part)) is not None]
    cells = [(place, at) for place in places if (at := place.at(cell)) is not None]
    rates = (place for place, at in cells if training.is_rate(at))
    still = [place for place, at in cells if at not in training.varying and base is not None]
    return next(rates, still[0] if len(still) == 1 and len(parts) == 2 else None)


# Updates that aren't the weight minus its gradient -------------------------------------

KIND: str = "wrong update"
FROM_ANOTHER = mark(
    "{cell} continues from {other}, which belongs to another weight: {own} belongs there"
)
ONE_STEP = 2  # cells of a weight


def stray_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """Findings for weights without a proper update."""
    book, tested = training.book, StepUnderTest.of(training, steps[:1])
    said = [said_in(book, weight.updates[0]) for weight in training.weights]
    rounded = [isinstance(update, Call) and update.function == "ROUND" for update in said]
    is_rule = 2 * sum(rounded) >= len(rounded)  # most weights: the few digits are intended
    for j, (weight, name) in enumerate(zip(training.weights, training.names, strict=True)):
        over = list(_starting_over(training, weight))
        if over:
            base, first = over[0]
            wrong, start = [cell for _, cell in over], weight.start
            right = book.with_another_cell(first, start, book.name_of(base, first))
            why = Message(
                "{cell} starts from {start} again, as every step does: it must continue from "
                "{before}",
                cell=name_of(first),
                start=book.name_of(start, first),
                before=book.name_of(base, first),
            )
            for cells in by_sheet(wrong):
                yield finding_in(book, cells, KIND, name, why, name, right)
        elif weight.stray and another_base(book, training.weights, weight) is not None:
            yield from _from_another_weight(training, j)
        elif weight.stray or (rounded[j] and not is_rule):
            models = {i for i, is_rounded in enumerate(rounded) if is_rule or not is_rounded}
            yield from _stray(tested, j, models)


def _starting_over(
    training: SheetTraining, weight: WeightColumn
) -> Iterator[tuple[Address, Address]]:
    """The steps that continue from the initial weight instead of the previous one. If every step
    does, the training seems to end after the first."""

    def starts_over(step: tuple[Address, Address]) -> bool:
        sources = training.flow.sources(step[1])
        return step[0] != weight.start and weight.start in sources and step[0] not in sources

    steps: Iterable[tuple[Address, Address]] = weight.steps if weight.stray else ()
    if len(weight.cells) == ONE_STEP and not weight.updates_elsewhere:
        update, stride = weight.updates[0], weight.stride
        further = zip(count(update, stride), count(update + stride, stride))
        steps = chain(steps, takewhile(starts_over, further))
    return filter(starts_over, steps)


def _from_another_weight(training: SheetTraining, j: int) -> Iterator[Finding]:
    """Findings for a weight that goes on from another one in each step."""
    book, weight, name = training.book, training.weights[j], training.names[j]
    other = another_base(book, training.weights, weight)
    assert other is not None
    away = other - weight.start
    steps = [
        (base, cell) for base, cell in weight.steps if base + away in training.flow.sources(cell)
    ]
    base, first = steps[0]
    right = book.with_another_cell(first, base + away, book.name_of(base, first))
    for cells in by_sheet(cell for _, cell in steps):
        base = next(before for before, cell in steps if cell == cells[0])
        taken, meant = book.name_of(base + away, cells[0]), book.name_of(base, cells[0])
        said = {"cell": name_of(cells[0]), "other": taken, "own": meant}
        why = Message(FROM_ANOTHER, **said)
        if training.name_of(other) != name_of(other):
            why = Message(
                "{cell} continues from {other}, which is {weight}: {own} belongs there",
                weight=training.name_of(other),
                **said,
            )
        there = training.on_sheet_of(cells[0], right)
        yield finding_in(book, cells, KIND, name, why, name, there)


def _stray(tested: StepUnderTest, j: int, models: Container[int]) -> Iterator[Finding]:
    """Findings for an update that differs from some others', in all steps or most of them."""
    training, right = tested.training, usual_form(tested, j, models)
    book, weight, name = training.book, training.weights[j], training.names[j]
    formulas = Counter(p for _, cell in weight.steps if (p := book.patterns.get(cell)))
    if formulas:
        usual = formulas.most_common(1)[0][0]
        base, first = next(step for step in weight.steps if book.patterns.get(step[1]) is usual)
        kind, why = KIND, what_it_does(training, base, first, name)
        if _is_only_the_change(training, base, first):
            kind, why = NO_WEIGHT, only_the_change(name)
    else:
        kind, why = typed_in(book, weight.updates[0], name)
    for cells in by_sheet(weight.updates):
        yield finding_in(book, cells, kind, name, why, name, right)


def what_it_does(training: SheetTraining, base: Address, cell: Address, name: str) -> str:
    """A message about what an update computes instead."""
    pattern, here = training.book.read_typed(cell), name_of(cell)
    scale = _scale(training, pattern.expression, base, cell) if pattern.expression else ""
    if scale:
        return Message(
            "{cell} multiplies the weight itself by {factor}, not only its gradient",
            cell=here,
            factor=scale,
        )
    added = change(pattern, base, cell)
    is_less = pattern.expression and 0 < len(added) < len(terms(pattern.expression))
    if is_less and not any(training.varies(part, cell) for _, part in added):
        what = write(total([(-sign, part) for sign, part in added]))
        return Message(
            "{cell} subtracts {part}, which is the same in every step: ∂E/∂{weight} is missing",
            cell=here,
            part=what,
            weight=name,
        )
    return Message(
        "{cell} isn't {before} minus the learning rate times ∂E/∂{weight}",
        cell=here,
        before=training.book.name_of(base, cell),
        weight=name,
    )


def _is_only_the_change(training: SheetTraining, base: Address, cell: Address) -> bool:
    """Whether an update is only the learning rate times something that depends on weights."""
    said = said_in(training.book, cell)
    if said is None or len(terms(said)) != 1 or base in training.flow.sources(cell):
        return False
    cells = [training.cell_of(f.part, cell) for f in factors(said).parts if f.above]
    return len(cells) > 1 and any(c is not None and training.is_rate(c) for c in cells)


def _scale(training: SheetTraining, said: Expression, base: Address, cell: Address) -> str:
    """The factor of a whole update; '' if that isn't its mistake."""
    split = factors(said)
    whole = [f for f in split.parts if f.above and len(terms(f.part)) > 1]
    rest = [factor for factor in split.parts if factor not in whole]
    varies = any(training.varies(factor.part, cell) for factor in rest)
    if varies or len(whole) != 1 or base not in training.cells_in(whole[0].part, cell):
        return ""
    minus = "-" * (split.sign < 0)
    return minus + (write(product(rest)) if rest else "1" * len(minus))


def usual_form(tested: StepUnderTest, j: int, models: Container[int]) -> Pattern | None:
    """The update in the form of some others; None if no cell contains this weight's gradient, or if
    the others contain more than their gradients."""
    training = tested.training
    for i, weight in enumerate(training.weights):
        if i not in models:
            continue
        with suppress(NotUnderstood):
            verdict, claim = tested.best(i, tested.step.claims[i])
            if claim is None or not claim.whole or verdict > ClaimVerdict.RIGHT_HERE:
                continue
            gradient = _gradient(tested, j, claim)
            if gradient is None:
                continue
            before, update = weight.steps[0]
            base, home = training.weights[j].steps[0]
            instead = {before: base, claim.owner: gradient}
            found = training.book.renamed(update, home, instead)
            if found is not None:
                return found
    return None


def update_like(
    tested: StepUnderTest,
    gradients: Sequence[Address],
    leaf: Address,
    cell: Address,
    models: Container[int] | None = None,
) -> Pattern | None:
    """The update that a weight should have, like those of the others: with its own cells instead,
    or as a copy of the one beside it."""
    training, book = tested.training, tested.training.book
    for j, options in enumerate(tested.step.claims):
        base, update = training.weights[j].steps[0]
        if update not in book.patterns or (models is not None and j not in models):
            continue
        copied = book.reader.read_typed(book.patterns[update].text_at(cell), cell)
        mentioned = set(training.flow.mentioned_cells(copied.places, cell))
        settings = mentioned.difference([leaf, *gradients])  # the same for each weight
        if {leaf, *gradients} <= mentioned and settings.issubset(training.flow.sources(update)):
            return copied
        used = [*(claim.owner for claim in options), *training.flow.sources(update)]
        shape = book.patterns[gradients[0]].shape
        for other in used if len(gradients) == 1 else ():
            if other in book.patterns and book.patterns[other].shape == shape:
                right = book.renamed(update, cell, {base: leaf, other: gradients[0]})
                if right is not None:
                    return right
    return None


def _gradient(tested: StepUnderTest, j: int, other: Claim) -> Address | None:
    """The cell beside another gradient that contains this weight's."""
    training, true = tested.training, tested.gradients[j] * float(other.sign)
    crossing = training.axis.crossing
    for cell in sorted(training.computed_cells - tested.forward):
        if crossing(cell) == crossing(other.owner):
            with suppress(NotUnderstood):
                if tested.same(tested.graph.node(cell), true):
                    return cell
    return None


# Measured slopes -----------------------------------------------------------------------

NEAR = 0.01  # the largest relative error of such a slope
SMALL = 0.1  # the largest step for such a slope


def measured_slopes(training: SheetTraining, findings: Sequence[Finding]) -> list[Finding]:
    """The findings for gradients that are measured slopes, close enough to the true ones."""
    return [
        finding
        for finding in findings
        if finding.kind == EditKind.FORMULA.value
        and finding.relative_error is not None
        and finding.relative_error <= NEAR
        and _is_quotient(training, next(cells_of(finding.cells, training.sheet)))
    ]


def measured_notes(training: SheetTraining, found: Sequence[Finding]) -> Iterator[str]:
    for finding in found:
        yield Message(
            "{cells} is a slope measured with a small step: off by {share}",
            cells=training.place_of(*finding.cells_in(training.book)),
            share=off_by(finding.relative_error or 0.0),
        )


def _is_quotient(training: SheetTraining, cell: Address) -> bool:
    """Whether a formula divides the difference of two cells by something small that doesn't depend
    on weights."""
    said, values = said_in(training.book, cell), training.book.values
    parts = factors(said).parts if said is not None else ()
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    if len(above) != 1 or sorted(sign for sign, _ in terms(above[0])) != [-1, 1]:
        return False
    steps = (
        part.value if isinstance(part, Number) else values.get(training.cell_of(part, cell) or -1)
        for part in below
        if not training.varies(part, cell)
    )
    return any(isinstance(h, float) and 0 < h <= SMALL for h in steps)
