"""Epochs: the order of their samples, what each tells, which is the last."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import duration, loss, percent
from gradbook.chance import Purpose, key
from gradbook.engine.base import Engine
from gradbook.errors import GradbookError, ShapeError
from gradbook.lab.models.answers import targets
from gradbook.lab.recipes.recipe import BEST, Recipe, Schedule
from gradbook.net import Net
from gradbook.schema import AnyNumber, Maybe, Schema, WholeNumber

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


# What an epoch tells ----------------------------------------------------------


@dataclass(frozen=True)
class Epoch:
    """One finished epoch: one line of metrics.csv and of metrics.jsonl."""

    epoch: int  # from 1
    rate: float  # at its last step
    train_loss: float  # mean over its steps, warping and dropout on
    train_accuracy: float  # as it went, from 0 to 1
    validation_loss: float | None  # where images are held back
    validation_accuracy: float | None
    seconds: float  # of training so far, what was resumed included
    images_per_second: float

    def __str__(self) -> str:
        """In a line: epoch 3: loss 0.0306, 99.03 % right; held back 0.0326, 98.97 %; 5.2 s."""
        held_back = (
            f"; held back {loss(self.validation_loss)}, {percent(self.validation_accuracy)}"
            if self.validation_loss is not None
            else ""
        )
        own = f"loss {loss(self.train_loss)}, {percent(self.train_accuracy)} right"
        return f"epoch {self.epoch}: {own}{held_back}; {duration(self.seconds)}"


@dataclass(frozen=True)
class Progress:
    """How far training is, at this moment."""

    epoch: int  # the one that runs, from 1
    epochs: int
    step: int  # of this epoch, done
    steps: int  # in every epoch
    images_per_second: float
    seconds: float  # so far
    seconds_left: float
    rate: float
    recent_losses: tuple[float, ...]  # of the last steps, the newest last


COLUMNS = tuple(column.name for column in fields(Epoch))
UNMEASURED = ("validation_loss", "validation_accuracy")  # where no images are held back


class Validated(Protocol):
    """An epoch of any kind of training."""

    @property
    def epoch(self) -> int: ...

    @property
    def train_loss(self) -> float: ...

    @property
    def validation_loss(self) -> float | None: ...


AnEpoch = TypeVar("AnEpoch", bound=Validated)


def best_epoch(history: Sequence[AnEpoch]) -> AnEpoch:
    """The one with the lowest loss of what is held back, the first of equal ones."""
    return min(history, key=lambda epoch: (epoch.validation_loss or 0.0, epoch.epoch))


def is_over(recipe: Recipe, history: Sequence[Validated]) -> bool:
    """Whether these are all its epochs, or it stops early after them."""
    if len(history) >= recipe.epochs or not history:
        return bool(history)
    waited = history[-1].epoch - best_epoch(history).epoch
    return recipe.early_stop is not None and waited >= recipe.early_stop


def kept_epoch(recipe: Recipe, history: Sequence[AnEpoch]) -> AnEpoch:
    """The epoch whose weights are the model's."""
    return best_epoch(history) if recipe.keep == BEST else history[-1]


def schedule_losses(history: Iterable[Validated]) -> list[float]:
    """What a schedule goes by: of what is held back, or else of training."""
    return [e.train_loss if e.validation_loss is None else e.validation_loss for e in history]


def rates_of(
    schedule: Schedule, epochs: int, losses: Sequence[float], steps: int
) -> NDArray[np.float64]:
    """The rates of the epochs that are done, with these losses, as if each had so many steps."""
    done = [schedule.rates(k, steps, epochs, losses[:k]) for k in range(len(losses))]
    return np.concatenate(done) if done else np.empty(0)


def json_lines(history: Iterable[Epoch]) -> str:
    return "".join(json.dumps(asdict(epoch)) + "\n" for epoch in history)


def csv_table(history: Iterable[DataclassInstance], columns: Sequence[str] = COLUMNS) -> str:
    """With a line of headings; what wasn't measured is empty."""
    text = io.StringIO()
    rows = csv.DictWriter(text, columns, lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()


MEASURED = AnyNumber()
EPOCH = Schema(
    **{name: Maybe(MEASURED) if name in UNMEASURED else MEASURED for name in COLUMNS}
    | {"epoch": WholeNumber(1)}
)


def epoch_of(record: object) -> Epoch:
    """The epoch of a record as `json_lines` writes it; a SchemaError if it is none."""
    found = EPOCH.read(record)
    return Epoch(**{name: found[name] for name in COLUMNS})


# Rows at hand: no recipe, no files, nothing held back -------------------------

AT_ONCE = 4096  # rows; what is counted in between stays small


@dataclass(frozen=True, eq=False)
class Normal:
    """Mean and deviation of each channel; where inputs are flat, each of them is a channel."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @staticmethod
    def of(rows: NDArray[Any], many: int) -> Normal:
        """What these rows of so `many` channels have; a deviation of 0 becomes 1."""
        channels = _by_channel(rows, many)
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
        channels = _by_channel(rows, shape[0])
        normal = (channels - self.mean[:, None]) / self.deviation[:, None]
        return np.asarray(normal.reshape(-1, *shape))


def _by_channel(rows: NDArray[Any], many: int) -> NDArray[Any]:
    return rows.reshape(len(rows), many, -1)


def require_last_batch(net: Net, samples: int, batch: int) -> None:
    """Refuse an epoch whose last batch, which has what is left, can't be trained on."""
    from gradbook.net.build import require_variance

    if samples % batch != 1:
        return
    try:
        require_variance(net, 1)
    except ShapeError as error:
        raise ShapeError(
            f"{error.message}, but {samples:,} in batches of {batch:,} leave one over: "
            "choose another batch size"
        ) from error


class Diverged(GradbookError):
    """A training whose loss became infinite or NaN."""


def require_finite(loss: float, where: str = "") -> float:
    """The loss, which must be a number."""
    if not isfinite(loss):
        raise Diverged(f"the loss is no longer a number{where}: use a smaller rate")
    return loss


def targets_for(recipe: Recipe, labels: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """What the engine is told of these labels, each as much as the recipe weighs its class."""
    weights = recipe.weights_for(counts)[labels] if recipe.class_weights else None
    return targets(recipe.net, labels, weights)


def order_samples(seed: int, epoch: int, numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
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
            order=order_samples(seed, first + turn, np.arange(len(inputs))),
            seed=seed,
            epoch=first + turn,
        )
        losses.append(require_finite(float(seen.losses.mean())))
        yield FittedEpoch(losses[-1], float(rates[-1]))
