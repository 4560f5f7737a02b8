"""The steps of a training, gathered into those that are made alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.formula.address import Address
from gradbook.audit.training.claims import Claim, every_claim
from gradbook.audit.training.repeated_steps import RepeatedSteps
from gradbook.audit.training.step_loss import StepLoss
from gradbook.audit.training.training import SheetTraining

Signature = tuple[object, tuple[Address, ...]]


@dataclass(frozen=True)
class SheetStep:
    """One step: its weights' cells, the loss, and what is claimed of each weight."""

    number: int
    weights: tuple[Address | None, ...]
    loss: StepLoss
    claims: tuple[tuple[Claim, ...], ...]
    cells: tuple[Address, ...] = ()  # all it is made of, in an order that equal steps share

    @property
    def own(self) -> list[Address]:
        return [cell for cell in self.weights if cell is not None]

    @property
    def roots(self) -> list[Address]:
        """The cells that all others of the step serve."""
        return [*self.loss.cells, *(claim.owner for options in self.claims for claim in options)]

    @property
    def shape(self) -> object:
        """How it claims, and which of the weights are in it."""
        ways = tuple(tuple((c.sign, c.whole) for c in options) for options in self.claims)
        return ways, tuple(weight is None for weight in self.weights)


def steps_of(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[SheetStep]:
    """Every step, the last one included, which no update follows."""
    found: list[SheetStep] = []
    said = every_claim(training)

    def claimed(j: int, k: int) -> tuple[Claim, ...]:
        """What is claimed of a weight in a step: nothing where its column has ended before."""
        if k < len(said[j]):
            return said[j][k]
        return _copied(training, found, j) if k < len(training.weights[j].cells) else ()

    for k in range(training.steps + 1):
        cells = tuple(w.cells[k] if k < len(w.cells) else None for w in training.weights)
        every = tuple(claimed(j, k) for j in range(len(cells)))
        own = loss[k] if k < len(loss) else None
        if own is not None:
            found.append(SheetStep(k, cells, own, every))
    return found


def _copied(training: SheetTraining, earlier: Sequence[SheetStep], j: int) -> tuple[Claim, ...]:
    """The claims of the last row: those of the row before, one further, where they go on."""
    patterns, values = training.book.patterns, training.book.values
    found = []
    for claim in earlier[-1].claims[j] if earlier else ():
        owner = claim.owner + training.weights[j].stride
        before, here = patterns.get(claim.owner), patterns.get(owner)
        if claim.whole and here is not None and before is not None and here.expression is not None:
            found.append(Claim(owner, here.expression, True, claim.sign))
        elif claim.whole and here is None and isinstance(values.get(owner), float):
            found.append(Claim(owner, claim.expression, True, claim.sign))
    return tuple(found)


def alike(training: SheetTraining, steps: Sequence[SheetStep]) -> list[list[SheetStep]]:
    """The steps, those together that say the same of other cells."""
    groups: defaultdict[object, list[SheetStep]] = defaultdict(list)
    for step, (made_of, cells) in zip(steps, _signatures(training, steps), strict=True):
        groups[made_of, step.shape].append(replace(step, cells=cells))
    return list(groups.values())


def _signatures(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Signature]:
    """What each step is made of. Two are taken apart, and then as many as repeat them."""
    following: Signature | None = None
    k = 0
    while k < len(steps):
        first = following or _signature(training, steps[k])
        following = None
        yield first
        k += 1
        if k < len(steps):
            following = _signature(training, steps[k])
            if following[0] == first[0]:
                again = _repeated(training, steps[k - 1 :], first[1], following[1])
                yield from ((first[0], cells) for cells in again)
                k += len(again)
                following = None if again else following


def _repeated(
    training: SheetTraining,
    steps: Sequence[SheetStep],
    here: Sequence[Address],
    then: Sequence[Address],
) -> list[tuple[Address, ...]]:
    """The cells of the second step and those that follow, as far as all repeat the first."""
    first, patterns = steps[0], training.book.patterns
    if not training.weight_cells.keys().isdisjoint(first.roots):
        return []
    away = {cell: after - cell for cell, after in zip(here, then, strict=True)}
    repeated = RepeatedSteps(training, away, _so_many_like(training, steps, away))
    repeated.follow(c for c in here if c in training.computed and c in patterns)

    def number(cell: Address) -> object:
        """What kind of number a step takes a cell for, if it does."""
        is_leaf = cell not in training.varying or cell not in patterns
        return type(training.book.values.get(cell)) if is_leaf else False

    for cell in here:
        if repeated.steps > 1 and cell not in training.weight_cells and number(cell):
            repeated.while_same(number, cell)
    return [tuple(cell + k * away[cell] for cell in here) for k in range(1, repeated.steps)]


def _so_many_like(
    training: SheetTraining, steps: Sequence[SheetStep], away: Mapping[Address, int]
) -> int:
    """How many steps follow each other whose loss and claims go on as the cells do."""
    first = steps[0]
    roots = [training.plain(root) for root in first.roots]
    for k, step in enumerate(steps):
        if (
            step.number != first.number + k
            or step.shape != first.shape
            or list(map(training.plain, step.roots)) != [root + k * away[root] for root in roots]
        ):
            return k
    return len(steps)


def _signature(training: SheetTraining, step: SheetStep) -> Signature:
    """What a step is made of, whatever cells it stands in, and those cells in their order."""
    book, weight_cells = training.book, training.weight_cells
    numbers: dict[Address, int] = {}
    content: list[object] = []
    own = {cell: j for j, cell in enumerate(step.own)}
    waiting = [training.plain(cell) for cell in reversed(step.roots)]
    roots = set(step.roots)
    while waiting:
        cell = waiting.pop()
        if cell in numbers:
            continue
        numbers[cell] = len(numbers)
        if cell in weight_cells and cell not in roots:
            content.append(("own", own[cell]) if cell in own else ("other", weight_cells[cell][0]))
            continue
        pattern = book.patterns.get(cell)
        if cell not in training.varying or pattern is None:
            content.append(type(book.values.get(cell)))
            continue
        sources = training.flow.sources(cell)
        inside = [training.plain(s) for s in sources if not training.before(cell, s)]
        content += [pattern.shape, inside]
        waiting.extend(reversed(inside))
    named = (
        tuple(numbers[s] for s in part) if isinstance(part, list) else part for part in content
    )
    return tuple(named), tuple(numbers)
