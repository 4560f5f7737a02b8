"""Which loss a backward pass starts from: one that a cell holds, or that only an error shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradbook.audit.backward.cell_functions import POINTS
from gradbook.audit.backward.outputs import Cells, OutputPair
from gradbook.audit.formula.address import Address
from gradbook.audit.judge.numbers import agree
from gradbook.graph.node import Array

MOST_TRIED = 48  # cells that may be the loss


@dataclass(frozen=True, eq=False)
class StartingLoss:
    """Where the chain rule starts: ∂L/∂ some cells, and in which cells L stands."""

    seeds: Mapping[Address, Array]
    cells: tuple[Address, ...] = ()  # none where the loss is assumed
    assumption: str = ""  # what it is then
    pairs: frozenset[OutputPair] = field(default_factory=frozenset)


def losses(cells: Cells) -> Iterator[StartingLoss]:
    """What may be the loss: cells that hold it first, those that count most outputs before others,
    then what is usual."""
    calls = cells.naming.calls_loss
    held = sorted(_held(cells), key=lambda s: (-len(s.pairs), not any(map(calls, s.cells))))
    together = _together(cells, held)
    yield from [*together, *held] if together else held
    yield from _assumed(cells)


# Cells that hold it ------------------------------------------------------------------


def _held(cells: Cells) -> Iterator[StartingLoss]:
    below = cells.below_targets
    outputs = cells.flow.below(pair.output for pair in cells.pairs)
    both = [cell for cell in cells.order if cell in below and cell in outputs]
    named = [cell for cell in both if cells.naming.calls_loss(cell)]
    others = [cell for cell in both if cell not in set(named)]
    for cell in [*reversed(named), *others][:MOST_TRIED]:
        loss = _as_loss(cells, cell)
        if loss is not None:
            yield loss


def _as_loss(cells: Cells, cell: Address) -> StartingLoss | None:
    """A cell as a loss, if it falls as outputs come nearer to their targets."""
    seeds = {cell: np.ones(POINTS)}
    slopes = cells.values.slopes(seeds)
    counted = frozenset(p for p in cells.pairs if p.output in slopes and p.target in slopes)
    if not counted or not all(_is_distance(cells, slopes, pair) for pair in counted):
        return None
    return StartingLoss(seeds, (cell,), pairs=counted)


def _is_distance(cells: Cells, slopes: Mapping[Address, Array], pair: OutputPair) -> bool:
    """Whether a loss depends on the difference of an output and its target, or is an entropy."""
    by_output, by_target = slopes[pair.output], slopes[pair.target]
    if np.unique(by_target[np.isfinite(by_target)]).size < 2:
        return False  # a difference only
    with np.errstate(all="ignore"):
        output = cells.values.number(pair.output)
        log = np.log(output)
        for entropy in (log, log - np.log(1 - output)):
            if _is_multiple(by_target, entropy):
                return True
        off = output - cells.values.number(pair.target)
        downhill = np.sign(by_output) * np.sign(off)
    return agree(by_target, -by_output) and bool(np.all(downhill[np.isfinite(downhill)] >= 0))


def _is_multiple(a: Array, b: Array) -> bool:
    with np.errstate(all="ignore"):
        ratio = a / b
    ratio = ratio[np.isfinite(ratio)]
    return ratio.size > 2 and agree(ratio, np.full(ratio.size, np.median(ratio)))


def _together(cells: Cells, held: Sequence[StartingLoss]) -> list[StartingLoss]:
    """The losses of single outputs without a sum, where no cell counts all outputs."""
    every = {pair.output for pair in cells.pairs}
    if any({pair.output for pair in loss.pairs} >= every for loss in held):
        return []
    by_outputs: defaultdict[frozenset[Address], list[StartingLoss]] = defaultdict(list)
    for loss in held:
        by_outputs[frozenset(pair.output for pair in loss.pairs)].append(loss)
    chosen: list[StartingLoss] = []
    covered: set[Address] = set()
    for outputs, some in sorted(by_outputs.items(), key=lambda entry: len(entry[0])):
        if covered.isdisjoint(outputs):
            covered |= outputs
            chosen.append(some[0])
    return [_sum_of(chosen)] if len(chosen) > 1 and covered >= every else []


def _sum_of(some: Iterable[StartingLoss]) -> StartingLoss:
    some = list(some)
    return StartingLoss(
        {cell: seed for loss in some for cell, seed in loss.seeds.items()},
        tuple(sorted(cell for loss in some for cell in loss.cells)),
        pairs=frozenset(pair for loss in some for pair in loss.pairs),
    )


# Losses that no cell holds ------------------------------------------------------------


def _assumed(cells: Cells) -> Iterator[StartingLoss]:
    """Squared error and, of outputs that are shares or probabilities, cross-entropy."""
    value = cells.values.number
    pairs = list({pair.output: pair for pair in cells.pairs}.values())
    with np.errstate(all="ignore"):
        errors = {pair.output: value(pair.output) - value(pair.target) for pair in pairs}
        yield StartingLoss(errors, assumption="½·Σ(o−t)²", pairs=frozenset(pairs))
        shares = {pair for group in cells.groups for pair in group}
        if shares:
            entropy = {p.output: -value(p.target) / value(p.output) for p in shares}
            yield StartingLoss(entropy, assumption="cross-entropy", pairs=frozenset(shares))
        elif all(_is_probability(value(pair.output)) for pair in pairs):
            entropy = {
                output: error / (value(output) * (1 - value(output)))
                for output, error in errors.items()
            }
            yield StartingLoss(entropy, assumption="cross-entropy", pairs=frozenset(pairs))


def _is_probability(values: Array) -> bool:
    return bool(np.all((values > 0) & (values < 1)))


def again(cells: Cells, loss: StartingLoss) -> StartingLoss:
    """The same loss for other numbers."""
    if loss.assumption:
        return next((o for o in _assumed(cells) if o.assumption == loss.assumption), loss)
    return StartingLoss({c: np.ones(POINTS) for c in loss.cells}, loss.cells, pairs=loss.pairs)
