"""Losses that differences of outputs and targets suggest, where none is stated or fits.

Knows neither cells nor source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import Objective

SQUARES, TWO_CLASSES, CLASSES = "half the sum of squares", "binary cross-entropy", "cross-entropy"
RULE = "perceptron rule"


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
    yield _loss(SQUARES, comparisons, lambda o, t: o - t)
    shares = [each for each in comparisons if each.is_share]
    if shares:
        yield _loss(TWO_CLASSES, shares, lambda o, t: (o - t) / (o * (1 - o)))
        yield _loss(CLASSES, shares, lambda o, t: -t / o)
    decided = [each for each in comparisons if each.decided_by is not None]
    if decided:
        yield _rule(decided)


def _loss(
    words: str, comparisons: Sequence[OutputComparison], slope: Callable[[Any, Any], Any]
) -> Objective:
    targets = [np.asarray(each.target, float) for each in comparisons]

    def slopes(values: Sequence[Any]) -> list[Any]:
        pairs = zip(values, targets, strict=True)
        return [slope(np.asarray(output, float), target) for output, target in pairs]

    return Objective(words, tuple(each.output for each in comparisons), slopes, True)


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
