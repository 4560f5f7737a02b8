"""Updates that aren't the weight less its gradient: with a factor, a bare number, or started over.

What should stand there is what the other weights' updates say, of this weight and its own gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, takewhile

from gradbook.audit.findings.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, written
from gradbook.audit.formula.expression import factors, product, terms, total
from gradbook.audit.formula.pattern import Pattern, relaid
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.targets.excel.language.grammar import Expression, write

KIND = "wrong update"
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
    usual = formulas.most_common(1)[0][0]
    steps = [step for step in weight.steps if book.patterns.get(step[1]) is usual]
    over = [step for step in weight.steps if _starts_over(training, weight.start, *step)]
    base, first = (over or steps)[0]
    wrong = [cell for _, cell in over] or weight.updates
    right = _right(tested, j)
    why = _why_over(weight, base, first) if over else _why(training, base, first, name)
    for cells in by_sheet(wrong):
        yield finding_in(book, cells, KIND, quantity=name, why=why, weight=name, right=right)


def _restarts(training: SheetTraining, weight: WeightColumn, name: str) -> Iterator[Finding]:
    """What goes on where a training seems to end: the same update of the first weight again."""
    book = training.book
    (before, update) = weight.steps[0]
    later = zip(count(update, weight.stride), count(update + weight.stride, weight.stride))
    over = [*takewhile(lambda step: _starts_over(training, before, *step), later)]
    if not over:
        return
    base, first = over[0]

    def follow(reference: str) -> str:
        there = book.reader.cell(reference, first)
        return book.called(base, first) if there == before else reference

    text = relaid(book.patterns[first].text_at(first), follow)
    cells, why = [cell for _, cell in over], _why_over(weight, base, first)
    right = book.reader.typed(text, first)
    yield finding_in(book, cells, KIND, quantity=name, why=why, weight=name, right=right)


def _why_over(weight: WeightColumn, base: Address, first: Address) -> str:
    return (
        f"{written(first)} goes on from {written(weight.start)}, as every step does: "
        f"{written(base)} belongs there"
    )


def _starts_over(training: SheetTraining, start: Address, before: Address, cell: Address) -> bool:
    """Whether an update goes on from where the weight began instead of the step before."""
    sources = training.flow.sources(cell)
    return start != before and start in sources and before not in sources


def _why(training: SheetTraining, base: Address, cell: Address, name: str) -> str:
    """What an update does instead."""
    pattern, here = training.book.typed(cell), written(cell)
    assert pattern.expression is not None
    scale = _scale(training, pattern.expression, base, cell)
    if scale:
        return f"{here} multiplies the weight itself by {scale}, and not its gradient alone"
    added = change(pattern, base, cell)
    is_less = 0 < len(added) < len(terms(pattern.expression))
    if is_less and not any(training.varies(part, cell) for _, part in added):
        what = write(total([(-sign, part) for sign, part in added]))
        return f"{here} subtracts {what}, the same in every step: ∂E/∂{name} is missing"
    return f"{here} isn't {written(base)} less the learning rate times ∂E/∂{name}"


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
    """The update of one weight as that of another, with other cells instead of some; None where it
    doesn't mention those."""
    book, home = training.book, training.weights[j].updates[0]
    (before, update), base = training.weights[i].steps[0], training.weights[j].start
    instead = {**instead, before: base}
    mentioned: set[Address] = set()

    def follow(reference: str) -> str:
        at = book.reader.cell(reference, update)
        if at is None or ("$" in reference and at not in instead):
            return reference
        mentioned.add(at)
        return book.called(instead.get(at, at), home)

    text = relaid(book.patterns[update].text_at(update), follow)
    return book.reader.typed(text, home) if instead.keys() <= mentioned else None


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
