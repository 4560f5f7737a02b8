"""What training tells about itself: an epoch that is done, and how far the present one is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import duration, loss, percent
from gradbook.lab.recipes.recipe import BEST, Recipe
from gradbook.lab.recipes.schedule import Schedule
from gradbook.schema import AnyNumber, Maybe, Schema, WholeNumber

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


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


def best_of(history: Sequence[AnEpoch]) -> AnEpoch:
    """The one with the lowest loss of what is held back, the first of equal ones."""
    return min(history, key=lambda epoch: (epoch.validation_loss or 0.0, epoch.epoch))


def is_over(recipe: Recipe, history: Sequence[Validated]) -> bool:
    """Whether these are all its epochs, or it stops early after them."""
    if len(history) >= recipe.epochs or not history:
        return bool(history)
    waited = history[-1].epoch - best_of(history).epoch
    return recipe.early_stop is not None and waited >= recipe.early_stop


def kept_of(recipe: Recipe, history: Sequence[AnEpoch]) -> AnEpoch:
    """The epoch whose weights are the model's."""
    return best_of(history) if recipe.keep == BEST else history[-1]


def measured_losses(history: Iterable[Validated]) -> list[float]:
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
