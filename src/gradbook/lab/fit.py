"""Training on rows at hand, epoch by epoch: no recipe, no files, nothing held back."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.chance import Purpose, key
from gradbook.engine.base import Engine
from gradbook.lab.schedule import Schedule


def fit(
    engine: Engine,
    inputs: NDArray[Any],
    wanted: NDArray[Any],
    schedule: Schedule,
    epochs: int,
    first: int = 0,
) -> Iterator[float]:
    """The mean loss of each epoch as it ends; `first` is the number of the first."""
    steps, seed = ceil(len(inputs) / engine.batch), engine.net.seed
    losses: list[float] = []
    for turn in range(epochs):
        keys = key(seed, Purpose.ORDER, first + turn, np.arange(len(inputs)))
        seen = engine.epoch(
            inputs,
            wanted,
            schedule.rates(turn, steps, epochs, losses),
            order=np.argsort(keys, kind="stable"),
            seed=seed,
            epoch=first + turn,
        )
        losses.append(float(seen.losses.mean()))
        yield losses[-1]
