"""What training tells about itself: an epoch that is done, and how far the present one is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


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


def json_lines(history: Iterable[Epoch]) -> str:
    return "".join(json.dumps(asdict(epoch)) + "\n" for epoch in history)


def csv_table(history: Iterable[Epoch]) -> str:
    """With a line of headings; what wasn't measured is empty."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()


def epoch_of(record: Mapping[str, Any]) -> Epoch:
    """The epoch of a record as `json_lines` writes it; KeyError or TypeError if it is none."""
    return Epoch(**{name: record[name] for name in COLUMNS})
