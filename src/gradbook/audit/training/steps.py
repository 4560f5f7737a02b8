"""The steps of a training, gathered into those that are made alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradbook.audit.formula.address import Address
from gradbook.audit.training.claims import Claim, every_claim
from gradbook.audit.training.repeated_steps import RepeatedSteps
from gradbook.audit.training.training import Training

Signature = tuple[object, tuple[Address, ...]]


@dataclass(frozen=True)
class Step:
    """One step: its weights' cells, the loss, and what is claimed of each weight."""

    number: int
    weights: tuple[Address | None, ...]
    loss: tuple[Address, ...]
    claims: tuple[tuple[Claim, ...], ...]
    cells: tuple[Address, ...] = ()  # all it is made of, in an order that equal steps share

    @property
    def own(self) -> list[Address]:
        return [cell for cell in self.weights if cell is not None]


def steps_of(training: Training, loss: Sequence[Sequence[Address]]) -> list[Step]:
    """Every step, the last one included, which no update follows."""
    found: list[Step] = []
    said = [every_claim(training, lane) for lane in training.weights]
    for k in range(training.steps + 1):
        weights = tuple(lane.cells[k] if k < len(lane.cells) else None for lane in training.weights)
        claimed = tuple(
            said[j][k] if k + 1 < len(lane.cells) else _copied(training, found, j)
            for j, lane in enumerate(training.weights)
        )
        if k < len(loss) and loss[k]:
            found.append(Step(k, weights, tuple(loss[k]), claimed))
    return found


def _copied(training: Training, earlier: Sequence[Step], lane: int) -> tuple[Claim, ...]:
    """The claims of the last row: those of the row before, one further, where they go on."""
    if not earlier:
        return ()
    patterns, stride = training.book.patterns, training.weights[lane].stride
    values = training.book.values
    found = []
    for claim in earlier[-1].claims[lane]:
        owner = claim.owner + stride
        before, here = patterns.get(claim.owner), patterns.get(owner)
        if claim.whole and here is not None and before is not None and here.expression is not None:
            found.append(Claim(owner, here.expression, True, claim.sign))
        elif claim.whole and here is None and isinstance(values.get(owner), float):
            found.append(Claim(owner, claim.expression, True, claim.sign))
    return tuple(found)


def alike(training: Training, steps: Sequence[Step]) -> list[list[Step]]:
    """The steps, those together that say the same of other cells."""
    groups: defaultdict[object, list[Step]] = defaultdict(list)
    for step, (sign, cells) in zip(steps, _signatures(training, steps), strict=True):
        groups[sign, _shape(step)].append(
            Step(step.number, step.weights, step.loss, step.claims, cells)
        )
    return list(groups.values())


def _shape(step: Step) -> object:
    """How a step claims, and which of the weights are in it."""
    shape = tuple(tuple((claim.sign, claim.whole) for claim in options) for options in step.claims)
    return shape, tuple(weight is None for weight in step.weights)


def _roots(step: Step) -> list[Address]:
    return [*step.loss, *(claim.owner for options in step.claims for claim in options)]


def _signatures(training: Training, steps: Sequence[Step]) -> Iterator[Signature]:
    """What each step is made of. Two are taken apart, and then as many as go on like these."""
    following: Signature | None = None
    done = 0
    while done < len(steps):
        first = following or signature(training, _roots(steps[done]), steps[done].own)
        following = None
        yield first
        done += 1
        if done == len(steps):
            return
        following = signature(training, _roots(steps[done]), steps[done].own)
        if following[0] == first[0]:
            for again in _onward(training, steps[done - 1 :], first[1], following[1]):
                yield first[0], again
                done += 1
                following = None


def _onward(
    training: Training, steps: Sequence[Step], here: Sequence[Address], then: Sequence[Address]
) -> Iterator[tuple[Address, ...]]:
    """The cells of the second step and those that follow, as far as all go on alike."""
    first, book = steps[0], training.book
    away = {cell: after - cell for cell, after in zip(here, then, strict=True)}
    roots = [training.plain(root) for root in _roots(first)]
    if not training.weight_cells.keys().isdisjoint(_roots(first)):
        return
    onward = RepeatedSteps(training, away, _so_many_like(training, steps, roots, away))
    onward.follow(c for c in here if c in training.computed and c in book.patterns)
    for cell in here:
        if onward.steps > 1 and cell not in training.weight_cells and _is_leaf(training, cell):
            onward.as_long(lambda at: _is_leaf(training, at) and type(book.values.get(at)), cell)
    for k in range(1, onward.steps):
        yield tuple(cell + k * away[cell] for cell in here)


def _is_leaf(training: Training, cell: Address) -> bool:
    """Whether a step takes a cell for a number."""
    return cell not in training.varying or cell not in training.book.patterns


def _so_many_like(
    training: Training, steps: Sequence[Step], roots: Sequence[Address], away: Mapping[Address, int]
) -> int:
    """How many steps follow each other whose loss and claims go on as the cells do."""
    shape = _shape(steps[0])
    for k, step in enumerate(steps):
        ahead = [root + k * away[root] for root in roots]
        if (
            step.number != steps[0].number + k
            or _shape(step) != shape
            or list(map(training.plain, _roots(step))) != ahead
        ):
            return k
    return len(steps)


def signature(training: Training, roots: Sequence[Address], own: Sequence[Address]) -> Signature:
    """What a step is made of, whatever cells it stands in, and those cells in their order."""
    book, flow, stop, moving = training.book, training.flow, training.weight_cells, training.varying
    numbers: dict[Address, int] = {}
    content: list[object] = []
    mine = {cell: j for j, cell in enumerate(own)}
    waiting = [training.plain(cell) for cell in reversed(roots)]
    opened = set(roots)
    while waiting:
        cell = waiting.pop()
        if cell in numbers:
            continue
        numbers[cell] = len(numbers)
        if cell in stop and cell not in opened:
            content.append(("own", mine[cell]) if cell in mine else ("other", stop[cell][0]))
            continue
        pattern = book.patterns.get(cell)
        if cell not in moving or pattern is None:
            content.append(type(book.values.get(cell)))
            continue
        sources = [training.plain(s) for s in flow.sources(cell) if not training.before(cell, s)]
        content.append(pattern.shape)
        content.append(sources)
        waiting.extend(reversed(sources))
    named = [
        tuple(numbers[s] for s in entry) if isinstance(entry, list) else entry for entry in content
    ]
    return tuple(named), tuple(numbers)
