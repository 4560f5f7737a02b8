"""Training on rows at hand, normalised, epoch by epoch: no recipe, no files, nothing held back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.chance import Purpose, key
from gradbook.engine.base import Engine
from gradbook.errors import ShapeError
from gradbook.lab.recipes.schedule import Schedule
from gradbook.net import Net

AT_ONCE = 4096  # rows; what is counted in between stays small


@dataclass(frozen=True, eq=False)
class Normal:
    """Mean and deviation of each channel; where inputs are flat, each of them is a channel."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @staticmethod
    def of(rows: NDArray[Any], net: Net) -> Normal:
        """What these rows have; a deviation of 0 becomes 1."""
        channels = _by_channel(rows, net)
        pieces = [channels[k : k + AT_ONCE] for k in range(0, len(channels), AT_ONCE)]
        count = len(channels) * channels.shape[2]
        totals = [piece.sum(axis=(0, 2), dtype=np.float64) for piece in pieces]
        mean = np.sum(totals, axis=0) / count
        squares = [((piece - mean[:, None]) ** 2).sum(axis=(0, 2)) for piece in pieces]
        deviation = np.sqrt(np.sum(squares, axis=0) / count)
        return Normal(mean, np.where(deviation > 0, deviation, 1.0))

    def inputs(self, rows: NDArray[Any], engine: Engine) -> NDArray[Any]:
        """What the engine is to be given: bytes as they are, for it to normalise one by one;
        numbers normalised here, in full precision."""
        shape = engine.net.input
        if rows.dtype == np.uint8:
            engine.normalise(self.mean, self.deviation)
            return rows.reshape(-1, *shape)
        engine.normalise(0, 1)
        channels = _by_channel(rows, engine.net)
        normal = (channels - self.mean[:, None]) / self.deviation[:, None]
        return np.asarray(normal.reshape(-1, *shape))


def _by_channel(rows: NDArray[Any], net: Net) -> NDArray[Any]:
    return rows.reshape(len(rows), net.input[0], prod(net.input[1:]))


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
