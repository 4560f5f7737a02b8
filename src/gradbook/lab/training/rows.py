"""Training on rows at hand, normalised, epoch by epoch: no recipe, no files, nothing held back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradbook.chance import Purpose, key
from gradbook.engine.base import Engine
from gradbook.errors import GradbookError, ShapeError
from gradbook.lab.models.answers import targets
from gradbook.lab.recipes.recipe import Recipe
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
    from gradbook.net.build import require_variance

    if samples % batch != 1:
        return
    try:
        require_variance(net, 1)
    except ShapeError as error:
        raise ShapeError(
            f"{error.message}, but of {samples:,} in batches of {batch:,} one is left over: "
            "take batches of another size"
        ) from error


class Diverged(GradbookError):
    """A training whose loss became infinite or NaN."""


def finite(loss: float, where: str = "") -> float:
    """The loss, which must be a number."""
    if not isfinite(loss):
        raise Diverged(f"the loss is no longer a number{where}: take a smaller rate")
    return loss


def wanted_of(recipe: Recipe, labels: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """What the engine is told of these labels, each as much as the recipe weighs its class."""
    weights = recipe.weights_for(counts)[labels] if recipe.class_weights else None
    return targets(recipe.net, labels, weights)


def in_order(seed: int, epoch: int, numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """These samples in the order in which an epoch goes through them."""
    keys = key(seed, Purpose.ORDER, epoch, numbers)
    return np.asarray(numbers[np.argsort(keys, kind="stable")])


class FittedEpoch(NamedTuple):
    """One epoch of a fit."""

    loss: float  # the mean over its steps
    rate: float  # at its last step


def fit(
    engine: Engine,
    inputs: NDArray[Any],
    wanted: NDArray[Any],
    schedule: Schedule,
    epochs: int,
    first: int = 0,
    measured: Callable[[], Sequence[float]] | None = None,
) -> Iterator[FittedEpoch]:
    """Each epoch as it ends; `first` is the number of the first.

    The schedule goes by the losses so far that are `measured`, or else by those of training.
    """
    require_last_batch(engine.net, len(inputs), engine.batch)
    steps, seed = ceil(len(inputs) / engine.batch), engine.net.seed
    losses: list[float] = []
    for turn in range(epochs):
        rates = schedule.rates(turn, steps, epochs, measured() if measured else losses)
        seen = engine.epoch(
            inputs,
            wanted,
            rates,
            order=in_order(seed, first + turn, np.arange(len(inputs))),
            seed=seed,
            epoch=first + turn,
        )
        losses.append(finite(float(seen.losses.mean())))
        yield FittedEpoch(losses[-1], float(rates[-1]))
