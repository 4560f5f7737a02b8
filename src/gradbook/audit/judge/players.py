"""Two players who train against each other, each with a loss of its own, as in a GAN.

Nothing that the other player does depends on what a player learns in the same step: so each is
judged by itself, with the other's weights as numbers. Both may have the same value, if one climbs
it and the other one descends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain

import numpy as np

from gradbook.audit.judge.loss import as_descended, every_step, find_loss
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import first_claims
from gradbook.audit.training.sheet_training import SheetTraining, cells_that_depend
from gradbook.audit.training.training_steps import (
    SheetStep,
    StepLoss,
    called_a_loss,
    candidates,
    inside_of,
)
from gradbook.cells.flow import Flow
from gradbook.cells.formula.formula_values import NotUnderstood

MOST_LOSSES = 8  # cells that may be the other player's loss
Losses = list[StepLoss | None]  # of each step
Player = tuple[SheetTraining, Losses]
Weights = set[int]


def players_of(training: SheetTraining, loss: Losses) -> list[Player]:
    """The trainings of two players, each with its loss, if the loss is that of one of them; none if
    all weights train together."""
    first = next(iter(loss), None)
    layers = [] if first is None or first.assumption else _layers(training)
    if first is None or len(layers) < 2:
        return []
    step = SheetStep(0, tuple(weight.start for weight in training.weights), first, ())
    with suppress(NotUnderstood):
        tested = StepUnderTest.of(training, [step])
        for theirs, own, others in _sides(tested, layers, loss):
            mine = set(range(len(training.weights))) - theirs
            players = _alone(training, mine, others), _alone(training, theirs, own)
            if players[0] is not None and players[1] is not None:
                if others:
                    return [(players[0], loss), (players[1], others)]
                common = as_descended(players[0], first)
                against = [step and replace(step, scale=-step.scale) for step in common]
                return [(players[0], common), (players[1], against)]
    return []


def _sides(
    tested: StepUnderTest, layers: Sequence[Weights], loss: Losses
) -> Iterator[tuple[Weights, Losses, Losses]]:
    """The weights of the other player, with what is no part of its training, and its own loss; none
    if it is the same."""
    explained = _explained(tested, tested.step.loss)
    theirs = {j for layer in layers if layer.isdisjoint(explained) for j in layer}
    if theirs and explained:
        other = _own_loss(tested, explained, theirs, loss)
        if other:
            yield theirs, loss, other
    elif not theirs:
        for layer in _opposed(tested, layers):
            yield layer, [], []
        for weights, other in _misled(tested, layers):
            yield weights, loss, other


def _explained(tested: StepUnderTest, *losses: StepLoss) -> Weights:
    """The weights with a claim that is the gradient of a loss, or of the sum of some."""
    cells = tuple(cell for loss in losses for cell in loss.cells)
    at = tested.with_loss(StepLoss(cells))
    claimed = enumerate(first_claims(tested.training))
    return {j for j, some in claimed if some and at.best(j, some)[0] < ClaimVerdict.WRONG}


def _layers(training: SheetTraining) -> list[Weights]:
    """The weights that some cell uses together, directly or through others."""
    layers: list[Weights] = []
    users, computed = training.flow.users, training.computed_cells
    cells = [{*users.get(weight.start, ())} & computed for weight in training.weights]
    for j, own in enumerate(cells):
        met = [layer for layer in layers if any(not own.isdisjoint(cells[i]) for i in layer)]
        layers = [layer for layer in layers if layer not in met] + [{j}.union(*met)]
    return layers


# A loss of its own ------------------------------------------------------------------------


def _own_loss(tested: StepUnderTest, explained: Weights, theirs: Weights, loss: Losses) -> Losses:
    """The loss that some weights have for themselves: no part of the other weights' loss, and not
    added to it, for each side influences both."""
    other = _alone(tested.training, theirs, loss)
    found, share = find_loss(other) if other is not None else ([], 0.0)
    second = found[0] if found and share > 0 else None
    if second is None or second.assumption or not _are_apart(tested, second):
        return []
    ways = tested, tested.with_loss(second)
    own = _explained(ways[1], second) & theirs
    both = explained | own
    influencing = {j for j in both if not any(at.has_no_influence(j) for at in ways)}
    is_mutual = not influencing.isdisjoint(explained) and not influencing.isdisjoint(own)
    together = _explained(tested, tested.step.loss, second)
    return found if is_mutual and together.isdisjoint(influencing) else []


def _are_apart(tested: StepUnderTest, other: StepLoss) -> bool:
    """Whether neither loss is computed from the other."""
    both = tested.step.loss.cells, other.cells
    inside = [set().union(*(inside_of(tested.training, c) for c in cells)) for cells in both]
    return inside[0].isdisjoint(both[1]) and inside[1].isdisjoint(both[0])


# The same for both ------------------------------------------------------------------------


_WAYS = {ClaimVerdict.RIGHT: 1, ClaimVerdict.RIGHT_HERE: 1, ClaimVerdict.OPPOSITE: -1}


def _opposed(tested: StepUnderTest, layers: Sequence[Weights]) -> Iterator[Weights]:
    """The weights that go down what the others go up, or the reverse, if all that comes from them
    is judged by the others' weights, which also judge something else, as a discriminator does."""
    training, claims = tested.training, first_claims(tested.training)
    ways = [_WAYS.get(tested.best(j, some)[0], 0) for j, some in enumerate(claims)]
    flow, computed = training.flow, training.computed_cells
    for layer in layers:
        rest = set(range(len(ways))) - layer
        if sum(ways[j] for j in layer) * sum(ways[j] for j in rest) > 0:
            continue
        own = [training.weights[j].start for j in layer]
        touched = flow.below(own, training.weight_cells)
        users = (flow.users.get(training.weights[j].start, ()) for j in rest)
        judging = [{*some} & computed & tested.forward for some in users]
        met = [some for some in judging if not some.isdisjoint(touched)]
        reached = flow.below(own, {*chain(*met), *training.weight_cells}) & tested.forward
        judges_more = bool(met) and all(some - touched for some in met)
        if judges_more and reached.isdisjoint(tested.loss_cells):
            yield layer


# The other's loss instead -----------------------------------------------------------------


def _misled(tested: StepUnderTest, layers: Sequence[Weights]) -> Iterator[tuple[Weights, Losses]]:
    """The weights that go up a loss of their own wherever they are, since they go down that of the
    others; and that loss, which no formula uses."""
    training, loss = tested.training, tested.step.loss
    word = training.label(loss.cells[0])[:1].lower()
    for cell in candidates(training)[:MOST_LOSSES]:
        other, label = StepLoss((cell,)), training.label(cell)
        is_alike = called_a_loss(training, cell) or label[:1].lower() == word
        if not is_alike or training.flow.users.get(cell) or not _are_apart(tested, other):
            continue
        slopes, theirs = tested.with_loss(other), set[int]()
        for j, true in tested.gradients.items():
            a, b = (tested.constants.of(node) for node in (true, slopes.gradients[j]))
            if np.all(a * b < 0):
                theirs.add(j)
        whole = {j for layer in layers if layer <= theirs for j in layer}
        if whole and whole == theirs and len(whole) < len(training.weights):
            yield whole, every_step(training, other)


# By itself --------------------------------------------------------------------------------


def _alone(
    training: SheetTraining, weights: Collection[int], others_loss: Losses
) -> SheetTraining | None:
    """The training of some weights, where the others and their loss are numbers; None if these
    aren't known."""
    book = training.book
    others = [weight for j, weight in enumerate(training.weights) if j not in weights]
    given = {cell for weight in others for cell in (*weight.cells, *weight.updates)}
    given.update(cell for step in others_loss if step for cell in step.cells)
    if not all(isinstance(book.values.get(cell), float) for cell in given):
        return None
    patterns = {cell: pattern for cell, pattern in book.patterns.items() if cell not in given}
    book = replace(book, patterns=patterns)
    flow, kept = Flow(book), tuple(training.weights[j] for j in sorted(weights))
    varying = cells_that_depend(flow, kept)
    return SheetTraining(book, flow, kept, varying, training.rate)
