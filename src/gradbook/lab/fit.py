"""Training on rows at hand, epoch by epoch: no recipe, no files, nothing held back."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.chance import Purpose, key
from gradbook.engine.base import Engine
from gradbook.errors import ShapeError
from gradbook.lab.schedule import Schedule
from gradbook.net import Net


def require_last_batch(net: Net, samples: int, batch: int) -> None:
    """Refuse an epoch whose last batch, which has what is left, can't be trained on."""
    from gradbook.graph.build import require_variance

    if samples % batch != 1:
        return
    try:
        require_variance(net, 1)
    except ShapeError as error:
        raise ShapeError(
            f"{error.message}, but of {samples:,} in batches of {batch:,} one is left over: "
            "take batches of another size"
        ) from error


def fit(
    engine: Engine,
    inputs: NDArray[Any],
    wanted: NDArray[Any],
    schedule: Schedule,
    epochs: int,
    first: int = 0,
) -> Iterator[float]:
    """The mean loss of each epoch as it ends; `first` is the number of the first."""
    require_last_batch(engine.net, len(inputs), engine.batch)
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
