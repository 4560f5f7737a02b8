"""The steps of a training, gathered into those that are made alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.audit.address import Address
from gradbook.audit.claims import every_claim
from gradbook.audit.recover import Claim, Training
from gradbook.audit.step import signature


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
    said = [every_claim(training, lane) for lane in training.lanes]
    for k in range(training.steps + 1):
        weights = tuple(lane.cells[k] if k < len(lane.cells) else None for lane in training.lanes)
        claimed = tuple(
            said[j][k]
            if k + 1 < len(lane.cells)
            else _copied(training, found, j)
            for j, lane in enumerate(training.lanes)
        )
        if k < len(loss) and loss[k]:
            found.append(Step(k, weights, tuple(loss[k]), claimed))
    return found


def _copied(training: Training, earlier: Sequence[Step], lane: int) -> tuple[Claim, ...]:
    """The claims of the last row: those of the row before, one further, where they go on."""
    if not earlier:
        return ()
    patterns, stride = training.book.patterns, training.lanes[lane].stride
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
    for step in steps:
        owners = [claim.owner for options in step.claims for claim in options]
        sign, cells = signature(training, [*step.loss, *owners], step.own)
        shape = tuple(
            tuple((claim.sign, claim.whole) for claim in options) for options in step.claims
        )
        groups[sign, shape, tuple(w is None for w in step.weights)].append(
            Step(step.number, step.weights, step.loss, step.claims, cells)
        )
    return list(groups.values())
