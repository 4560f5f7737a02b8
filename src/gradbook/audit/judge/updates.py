"""The updates of a training: their sign, and the rows that go another way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, ranges, row_of, sheet_of, written
from gradbook.audit.formula.expression import factors, paths, put, terms, total
from gradbook.audit.formula.pattern import CellReference, Pattern, moved
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest, Verdict
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.audit.workbook.book import quoted
from gradbook.targets.excel.language.grammar import Reference, write
from gradbook.targets.excel.language.reader import read


def update_findings(training: Training, steps: Sequence[Step]) -> list[Finding]:
    """What is wrong with how the weights are updated."""
    found = list(blank_rate(training, steps))
    benches = _Benches(training)
    for j, lane in enumerate(training.weights):
        usual = usual_pattern(training, lane)
        if usual is None:
            continue
        found += _departures(training, j, lane, usual, steps)
        found += _additions(benches, j, lane, usual, steps)
        found += wrong_rates(training, j, lane, usual)
    return found


def usual_pattern(training: Training, lane: WeightColumn) -> Pattern | None:
    """The formula that most updates of a lane have."""
    votes = Counter(
        training.book.patterns[cell] for cell in lane.cells[1:] if cell in training.book.patterns
    )
    return votes.most_common(1)[0][0] if votes else None


def _departures(
    training: Training, j: int, lane: WeightColumn, usual: Pattern, steps: Sequence[Step]
) -> Iterator[Finding]:
    """Updates that differ from the others of their column."""
    book = training.book
    pasted: list[Address] = []
    others: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for k, cell in enumerate(lane.cells[1:]):
        pattern = book.patterns.get(cell)
        if pattern is None:
            pasted.append(cell)
        elif pattern is not usual and not _same(training, steps, k, cell, usual):
            others[pattern].append(cell)
    if pasted:
        yield update_finding(
            training, j, pasted, usual, "pasted value", _pasted_words(training, pasted)
        )
    for cells in others.values():
        words = f"{written(cells[0])} departs from the rest of its column"
        yield update_finding(training, j, cells, usual, "departing row", words)


def _pasted_words(training: Training, cells: Sequence[Address]) -> str:
    value = training.book.values.get(cells[0])
    what = (
        "nothing"
        if value is None
        else f"the number {value:.6g}"
        if isinstance(value, float)
        else "a text"
    )
    return f"{written(cells[0])} holds {what} where the others of its column have a formula"


def _same(training: Training, steps: Sequence[Step], k: int, cell: Address, usual: Pattern) -> bool:
    """Whether an update says the same as those of its column, in other words."""
    if k >= len(steps):
        return True
    tested = StepUnderTest.of(training, [steps[k]])
    own = training.book.patterns[cell]
    like = training.book.reader.typed(usual.text_at(cell), cell)
    if own.expression is None or like.expression is None:
        return False
    try:
        a = tested.graph.expression(own.expression, cell, own)
        b = tested.graph.expression(like.expression, cell, like)
    except NotUnderstood:
        return False
    return tested.same(a, b)


class _Benches:
    """Each step that is looked at, tested once for all of its weights."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self._known: dict[int, StepUnderTest] = {}

    def of(self, step: Step) -> StepUnderTest:
        return self._known.setdefault(step.number, StepUnderTest.of(self.training, [step]))


def _additions(
    benches: _Benches, j: int, lane: WeightColumn, usual: Pattern, steps: Sequence[Step]
) -> Iterator[Finding]:
    """An update that goes up the slope: it adds what it should subtract."""
    training = benches.training
    step = next((s for s in steps if training.book.patterns.get(_next(lane, s)) is usual), None)
    if step is None or not step.claims[j]:
        return
    if benches.of(step).is_known_right(j):
        return
    verdict, claim = benches.of(step).best(j, step.claims[j])
    if verdict != Verdict.OPPOSITE or claim is None or claim.sign > 0:
        return
    cells = [cell for cell in lane.cells[1:] if training.book.patterns.get(cell) is usual]
    expected = _subtracting(training, lane, usual, cells[0])
    words = (
        f"the update adds the gradient of {training.names[j]}, which climbs: it is to be subtracted"
    )
    yield update_finding(training, j, cells, expected, "adds the gradient", words)


def _next(lane: WeightColumn, step: Step) -> Address:
    return lane.cells[step.number + 1] if step.number + 1 < len(lane.cells) else -1


def _subtracting(training: Training, lane: WeightColumn, usual: Pattern, cell: Address) -> Pattern:
    """The update with its other terms turned round."""
    here = training.book.reader.typed(usual.text_at(cell), cell)
    assert here.expression is not None
    base = lane.cells[lane.cells.index(cell) - 1]
    parts = [
        (sign if training.book.reader.cell(write(part), cell) == base else -sign, part)
        for sign, part in terms(here.expression)
    ]
    first = sorted(parts, key=lambda term: -term[0])
    return training.book.reader.typed(write(total(first)), cell)


LR = "η"
USUAL_RATE = 0.5  # what the exercise is usually done with


def blank_rate(training: Training, steps: Sequence[Step]) -> Iterator[Finding]:
    """A learning rate that no number stands for."""
    cell, book = training.rate, training.book
    if cell is None or cell in book.patterns or isinstance(book.values.get(cell), float):
        return
    value = book.values.get(cell)
    state = "is blank" if value is None else f"holds the text {str(value)[:20]!r}"
    at = written(cell)
    kept = _rate_kept(training, steps)
    rate = USUAL_RATE if kept is None else kept
    words = (
        f"any number above 0 will do, {rate:g} for a start"
        if kept is None
        else f"the values in the file were made with {rate:g}"
    )
    yield Finding(
        kind="blank rate",
        quantity=LR,
        weight="",
        cells=at,
        formula="",
        expected=f"={rate:.6g}",
        why=f"the learning rate {at} {state}, so no weight ever changes: {words}",
        sheet=book.sheets[sheet_of(cell)].title,
        fixes={at: f"={rate:.6g}"},
    )


def _rate_kept(training: Training, steps: Sequence[Step]) -> float | None:
    """The rate that the weights' values in the file were made with; None where they don't say."""
    values, found = training.book.values, []
    for step in steps[:1]:
        for lane, options in zip(training.weights, step.claims, strict=True):
            before, after = (values.get(cell) for cell in lane.cells[:2])
            gradient = values.get(options[0].owner) if options and options[0].whole else None
            numbers = [x for x in (before, after, gradient) if isinstance(x, float)]
            if len(numbers) == 3 and gradient and before != after:
                found.append((numbers[0] - numbers[1]) / numbers[2] / options[0].sign)
    rate = float(np.median(found)) if found else 0.0
    alike = all(abs(other - rate) <= 1e-6 * abs(rate) for other in found)
    return float(f"{rate:.6g}") if alike and rate > 0 else None


def wrong_rates(
    training: Training, j: int, lane: WeightColumn, usual: Pattern
) -> Iterator[Finding]:
    """The cells that each update takes for the learning rate."""
    if training.rate is None:
        return
    place, reference = _rate_place(training, lane, usual)
    if place is None or reference is None:
        return
    wrong: list[Address] = []
    for k, cell in enumerate(lane.cells[1:]):
        at = place.at(cell)
        if (
            training.book.patterns.get(cell) is usual
            and at is not None
            and not _is_rate(training, at, lane.cells[k], cell)
        ):
            wrong.append(cell)
    if not wrong:
        return
    first = place.at(wrong[0])
    assert first is not None
    drifts = len(wrong) < len(lane.cells) - 1 or (place.moves and len(lane.cells) > 2)
    right = _anchored(training, training.rate, wrong[0])
    what = _what(training, first)
    words = (
        f"the learning rate isn't anchored: it drifts to {written(first)}, {what}; {right} stays"
        if drifts
        else f"{written(first)} is {what}, not the learning rate: {right}"
    )
    expected = _with_rate(training, usual, wrong[0], reference, right)
    yield update_finding(
        training, j, wrong, expected, "drifting rate" if drifts else "wrong rate", words
    )


def _rate_place(
    training: Training, lane: WeightColumn, usual: Pattern
) -> tuple[CellReference | None, Reference | None]:
    """Which reference of an update is the learning rate: the one that is not the gradient."""
    first = next(cell for cell in lane.cells[1:] if training.book.patterns.get(cell) is usual)
    base = lane.cells[lane.cells.index(first) - 1]
    inside = change(usual, base, first)
    if len(inside) != 1:
        return None, None
    cells = []
    for factor in factors(inside[0][1]).parts:
        at = training.cell_of(factor.part, first)
        if at is not None and isinstance(factor.part, Reference):
            mention = usual.mentions[factor.part.text]
            if isinstance(mention, CellReference):
                cells.append((at, mention, factor.part))
    plain = training.flow.plain
    for at, mention, reference in cells:
        if plain(at) == training.rate:
            return mention, reference
    still = [entry for entry in cells if entry[0] not in training.varying]
    if len(still) == 1 and len(factors(inside[0][1]).parts) == 2:
        return still[0][1], still[0][2]
    return None, None


def _is_rate(training: Training, at: Address, base: Address, cell: Address) -> bool:
    if training.flow.plain(at) == training.rate:
        return True
    value = training.book.values.get(at)
    beside = row_of(at) in (row_of(base), row_of(cell)) or sheet_of(at) != sheet_of(cell)
    rate = training.rate
    own_row = rate is not None and row_of(rate) >= min(
        row_of(lane.start) for lane in training.weights
    )
    return isinstance(value, float) and at not in training.varying and beside and own_row


def _what(training: Training, cell: Address) -> str:
    value = training.book.values.get(cell)
    if value is None and cell not in training.book.patterns:
        return "which is blank"
    if isinstance(value, str):
        return f"the text {value[:20]!r}"
    name = training.book.label(cell, training.axis)
    return f"which is {name}" if name else "another cell"


def _anchored(training: Training, cell: Address, home: Address) -> str:
    """A cell with its anchors, as a formula elsewhere mentions it."""
    text = written(cell)
    word = text.rstrip("0123456789")
    text = f"${word}${text[len(word) :]}"
    if sheet_of(cell) == sheet_of(home):
        return text
    return f"{quoted(training.book.sheets[sheet_of(cell)].title)}!{text}"


def _with_rate(
    training: Training, usual: Pattern, cell: Address, reference: Reference, right: str
) -> Pattern:
    """The formula with another reference in the place of one."""
    old = moved(reference.text, row_of(cell) - row_of(usual.home), 0)
    expression = read(usual.text_at(cell))
    for path, part in list(paths(expression)):
        if isinstance(part, Reference) and part.text == old:
            expression = put(expression, path, Reference(right))
            break
    return training.book.reader.typed(write(expression), cell)


def update_finding(
    training: Training, j: int, cells: Sequence[Address], expected: Pattern, kind: str, why: str
) -> Finding:
    """A finding of some cells of one weight, the right formula of each among it."""
    book, name = training.book, training.names[j]
    return Finding(
        kind=kind,
        quantity=name,
        weight=name,
        cells=ranges(cells),
        formula=book.formula(cells[0]) or _shown(book.values.get(cells[0])),
        expected=f"={expected.text_at(cells[0])}",
        why=why,
        sheet=book.sheets[sheet_of(cells[0])].title,
        fixes={written(cell): f"={expected.text_at(cell)}" for cell in cells},
    )


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
