"""Losses that differences of outputs and targets suggest, where none is stated or fits.

Knows neither cells nor source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import Objective
from gradbook.language import mark
from gradbook.recording.call_slopes import fit_shape

SQUARES = mark("half the sum of squares")
TWO_CLASSES = mark("binary cross-entropy")
CLASSES = mark("cross-entropy")
RULE = "perceptron rule"

LOSSES: dict[str, Callable[[Any, Any], Any]] = {  # the slope by an output, of it and its target
    SQUARES: lambda output, target: output - target,
    TWO_CLASSES: lambda output, target: (output - target) / (output * (1 - output)),
    CLASSES: lambda output, target: -target / output,
}


@dataclass(frozen=True, slots=True)
class OutputComparison:
    """An output, and what it is compared with."""

    output: int
    target: Any
    is_share: bool  # whether the output lies between 0 and 1
    decided_by: int | None = None  # what a step function makes the output of
    direction: int = 1  # -1 if the output falls where that rises


def implied_losses(comparisons: Sequence[OutputComparison]) -> Iterator[Objective]:
    if not comparisons:
        return
    shares = [each for each in comparisons if each.is_share]
    for loss in LOSSES:
        each = comparisons if loss == SQUARES else shares
        if each:
            yield loss_of(loss, [it.output for it in each], [it.target for it in each])
    decided = [each for each in comparisons if each.decided_by is not None]
    if decided:
        yield _rule(decided)


def loss_of(words: str, outputs: Sequence[int], targets: Sequence[Any]) -> Objective:
    """One of the losses, of outputs that are held against targets."""
    wanted = [np.asarray(target, float) for target in targets]

    def slopes(values: Sequence[Any]) -> list[Any]:
        pairs = [(np.asarray(o, float), t) for o, t in zip(values, wanted, strict=True)]
        return [fit_shape(LOSSES[words](output, t), output.shape) for output, t in pairs]

    return Objective(words, tuple(outputs), slopes, True)


def _rule(comparisons: Sequence[OutputComparison]) -> Objective:
    """The error itself moves what the step function decides by."""
    targets = [np.asarray(each.target, float) for each in comparisons]
    ends = [each.decided_by for each in comparisons if each.decided_by is not None]
    outputs = [each.output for each in comparisons]
    directions = [each.direction for each in comparisons]

    def slopes(values: Sequence[Any]) -> list[Any]:
        pairs = zip(values[len(ends) :], targets, directions, strict=True)
        errors = [(np.asarray(output) - target) * direction for output, target, direction in pairs]
        return [*errors, *(error * 0 for error in errors)]

    return Objective(RULE, (*ends, *outputs), slopes, True)
