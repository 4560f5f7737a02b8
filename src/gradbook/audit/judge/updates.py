"""The updates of a training: their sign, and the rows that go another way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, written
from gradbook.audit.formula.edits import total
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.value import NotUnderstood
from gradbook.audit.judge.judge import OPPOSITE, Bench, best, known_right
from gradbook.audit.judge.rates import blank_rate, wrong_rates
from gradbook.audit.judge.update_finding import update_finding
from gradbook.audit.training.lanes import Lane, terms
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training
from gradbook.targets.excel.grammar import write


def update_findings(training: Training, steps: Sequence[Step]) -> list[Finding]:
    """What is wrong with how the weights are updated."""
    found = list(blank_rate(training, steps))
    benches = _Benches(training)
    for j, lane in enumerate(training.lanes):
        usual = usual_pattern(training, lane)
        if usual is None:
            continue
        found += _departures(training, j, lane, usual, steps)
        found += _additions(benches, j, lane, usual, steps)
        found += wrong_rates(training, j, lane, usual)
    return found


def usual_pattern(training: Training, lane: Lane) -> Pattern | None:
    """The formula that most updates of a lane have."""
    votes = Counter(
        training.book.patterns[cell] for cell in lane.cells[1:] if cell in training.book.patterns
    )
    return votes.most_common(1)[0][0] if votes else None


def _departures(
    training: Training, j: int, lane: Lane, usual: Pattern, steps: Sequence[Step]
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
    bench = Bench(training, steps[k])
    own = training.book.patterns[cell]
    like = training.book.reader.typed(usual.text_at(cell), cell)
    if own.expression is None or like.expression is None:
        return False
    try:
        a = bench.made.expression(own.expression, cell, own)
        b = bench.made.expression(like.expression, cell, like)
    except NotUnderstood:
        return False
    return bench.same(a, b, bench.random)


class _Benches:
    """A bench for each step that is looked at, shared by its weights."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self._known: dict[int, Bench] = {}

    def of(self, step: Step) -> Bench:
        return self._known.setdefault(step.number, Bench(self.training, step))


def _additions(
    benches: _Benches, j: int, lane: Lane, usual: Pattern, steps: Sequence[Step]
) -> Iterator[Finding]:
    """An update that goes up the slope: it adds what it should subtract."""
    training = benches.training
    step = next((s for s in steps if training.book.patterns.get(_next(lane, s)) is usual), None)
    if step is None or not step.claims[j]:
        return
    if known_right(benches.of(step), j):
        return
    verdict, claim = best(benches.of(step), j, step.claims[j])
    if verdict != OPPOSITE or claim is None or claim.sign > 0:
        return
    cells = [cell for cell in lane.cells[1:] if training.book.patterns.get(cell) is usual]
    expected = _subtracting(training, lane, usual, cells[0])
    words = (
        f"the update adds the gradient of {training.names[j]}, which climbs: it is to be subtracted"
    )
    yield update_finding(training, j, cells, expected, "adds the gradient", words)


def _next(lane: Lane, step: Step) -> Address:
    return lane.cells[step.number + 1] if step.number + 1 < len(lane.cells) else -1


def _subtracting(training: Training, lane: Lane, usual: Pattern, cell: Address) -> Pattern:
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
