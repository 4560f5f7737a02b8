"""Losses that differences of outputs and targets suggest, where none is stated or fits.

Knows neither cells nor source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import Objective
from gradbook.language import mark
from gradbook.recording.call_slopes import fit_shape

SQUARES = mark("half the sum of squares")
TWO_CLASSES = mark("binary cross-entropy")
CLASSES = mark("cross-entropy")

LOSSES: dict[str, Callable[[Any, Any], Any]] = {  # the slope by an output, of it and its target
    SQUARES: lambda output, target: output - target,
    TWO_CLASSES: lambda output, target: (output - target) / (output * (1 - output)),
    CLASSES: lambda output, target: -target / output,
}


def loss_of(words: str, outputs: Sequence[int], targets: Sequence[Any]) -> Objective:
    """One of the losses, of outputs that are held against targets."""
    wanted = [np.asarray(target, float) for target in targets]

    def slopes(values: Sequence[Any]) -> list[Any]:
        pairs = [(np.asarray(o, float), t) for o, t in zip(values, wanted, strict=True)]
        return [fit_shape(LOSSES[words](output, t), output.shape) for output, t in pairs]

    return Objective(words, tuple(outputs), slopes, True)
