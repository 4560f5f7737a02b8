"""Epochs: the order of their samples, their figures, and which is the last."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import duration, loss, percent
from gradbook.errors import GradbookError, UsageError
from gradbook.lab.problem import Problem
from gradbook.lab.recipes.recipe import BEST, Recipe, Schedule
from gradbook.looks import look
from gradbook.schema import AnyNumber, Maybe, Schema, WholeNumber

# The figures of an epoch ------------------------------------------------------


@dataclass(frozen=True)
class Epoch:
    """One finished epoch: one line of metrics.csv and of metrics.jsonl."""

    epoch: int  # from 1
    rate: float  # at its last step
    train_loss: float  # mean over its steps, warping and dropout on
    train_accuracy: float | None  # during the epoch, from 0 to 1; None for numbers
    validation_loss: float | None  # if samples are held back
    validation_accuracy: float | None  # for numbers, R²
    seconds: float  # of training so far, including resumed parts
    images_per_second: float  # or whatever the samples are

    def __str__(self) -> str:
        """In a line: epoch 3: loss 0.0306, 99.03 % right; held back 0.0326, 98.97 %; 5.2 s."""
        held_back = (
            f"; held back {loss(self.validation_loss)}, {percent(self.validation_accuracy)}"
            if self.validation_loss is not None
            else ""
        )
        right = "" if self.train_accuracy is None else f", {percent(self.train_accuracy)} right"
        training = f"loss {loss(self.train_loss)}{right}"
        return f"epoch {self.epoch}: {training}{held_back}; {duration(self.seconds)}"

    def figures(self, columns: Mapping[str, str]) -> dict[str, Any]:
        """The figures of the epoch, under the problem's names for them."""
        return {name: getattr(self, field) for field, name in columns.items()}


@dataclass(frozen=True)
class Progress:
    """How far the training is at this moment."""

    epoch: int  # the current one, from 1
    epochs: int
    step: int  # finished steps of this epoch
    steps: int  # in every epoch
    images_per_second: float
    seconds: float  # so far
    seconds_left: float
    rate: float
    recent_losses: tuple[float, ...]  # of the last steps, the newest last


class History(tuple[Epoch, ...]):
    """The epochs of a training: a tuple that prints as a table."""

    problem: Problem

    def __new__(cls, epochs: Iterable[Epoch], problem: Problem) -> History:
        history = super().__new__(cls, epochs)
        history.problem = problem
        return history

    def __getnewargs__(self) -> tuple[tuple[Epoch, ...], Problem]:
        """What a copy or a pickle makes it of again."""
        return tuple(self), self.problem

    def to_frame(self) -> Any:
        """The figures as a data frame of pandas or Polars, whichever is installed."""
        figures = [epoch.figures(self.problem.columns) for epoch in self]
        for library in ("pandas", "polars"):
            if find_spec(library):
                return import_module(library).DataFrame(figures)
        raise UsageError("a data frame needs pandas or Polars: pip install pandas")

    def __repr__(self) -> str:
        return look("History as text", self)

    def _repr_html_(self) -> str:
        return look("History as html", self)


COLUMNS = {column.name: column.name for column in fields(Epoch)}
UNMEASURED = ("train_accuracy", "validation_loss", "validation_accuracy")  # they may be


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch with the lowest validation loss, the first of equal ones."""
    return min(history, key=lambda epoch: (epoch.validation_loss or 0.0, epoch.epoch))


def is_over(recipe: Recipe, history: Sequence[Epoch]) -> bool:
    """Whether these are all its epochs, or it stops early after them."""
    if len(history) >= recipe.epochs or not history:
        return bool(history)
    waited = history[-1].epoch - best_epoch(history).epoch
    return recipe.early_stop is not None and waited >= recipe.early_stop


def kept_epoch(recipe: Recipe, history: Sequence[Epoch]) -> Epoch:
    """The epoch whose weights are the model's."""
    return best_epoch(history) if recipe.keep == BEST else history[-1]


def schedule_losses(history: Iterable[Epoch]) -> list[float]:
    """The losses that a schedule depends on: those of the validation, or else of the training."""
    return [e.train_loss if e.validation_loss is None else e.validation_loss for e in history]


def rates_of(
    schedule: Schedule, epochs: int, losses: Sequence[float], steps: int
) -> NDArray[np.float64]:
    """The rates of the finished epochs with these losses, if each had so many steps."""
    done = [schedule.rates(k, steps, epochs, losses[:k]) for k in range(len(losses))]
    return np.concatenate(done) if done else np.empty(0)


def json_lines(history: Iterable[Epoch], columns: Mapping[str, str] = COLUMNS) -> str:
    return "".join(json.dumps(epoch.figures(columns)) + "\n" for epoch in history)


def csv_table(history: Iterable[Epoch], columns: Mapping[str, str] = COLUMNS) -> str:
    """With a line of headings; what wasn't measured is empty."""
    text = io.StringIO()
    rows = csv.DictWriter(text, columns.values(), lineterminator="\n")
    rows.writeheader()
    rows.writerows(epoch.figures(columns) for epoch in history)
    return text.getvalue()


MEASURED = AnyNumber()
EPOCH = Schema(
    **{name: Maybe(MEASURED) if name in UNMEASURED else MEASURED for name in COLUMNS}
    | {"epoch": WholeNumber(1)}
)


def epoch_of(record: object) -> Epoch:
    """The epoch of a record as `json_lines` writes it; a SchemaError if it isn't valid."""
    fields = EPOCH.read(record)
    return Epoch(**{name: fields[name] for name in COLUMNS})


class Diverged(GradbookError):
    """A training whose loss became infinite or NaN."""
