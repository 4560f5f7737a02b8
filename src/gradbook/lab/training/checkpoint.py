"""Where a training stands, in a file: with it training goes on as if nothing had happened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import DataError, GradbookError
from gradbook.files import made_folder
from gradbook.lab.models import stored
from gradbook.lab.recipes.recipe import MOST_EPOCHS
from gradbook.lab.training.history import EPOCH, Epoch, epoch_of
from gradbook.schema import (
    FiniteNumber,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
    WholeNumber,
)

KIND, VERSION = "checkpoint", 1
KEPT = 2
NAME = re.compile(r"([0-9]{6,18})\.safetensors")
# No value of a network has a stroke in its name.
LOSSES, RIGHT, OF_BEST = "epoch/losses", "epoch/right", "best/"


SHARE, MEASURED = FiniteNumber(0, 1), FiniteNumber()
DONE = Schema(  # an epoch without which there would be no later checkpoint
    **EPOCH.kinds
    | {
        "rate": MEASURED,
        "train_loss": MEASURED,
        "train_accuracy": SHARE,
        "validation_loss": Maybe(MEASURED),
        "validation_accuracy": Maybe(SHARE),
        "seconds": FiniteNumber(0),
        "images_per_second": FiniteNumber(0),
    }
)
RECORD = Schema(
    recipe=PlainText(),
    mark=WholeNumber(),
    step=WholeNumber(),
    history=ListOf(DONE, most=MOST_EPOCHS),
    seconds=FiniteNumber(0),
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training after so many steps."""

    recipe: str  # its text, the seed included
    mark: int  # of the data
    step: int  # over all epochs
    values: Mapping[str, NDArray[Any]]  # all that goes from step to step
    history: tuple[Epoch, ...]
    losses: NDArray[np.float64]  # of the epoch under way
    right: NDArray[np.int32]
    seconds: float  # so far
    best: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # where the best are to be kept


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Put it into the folder, and take away what came before the last two."""
    record = {
        "kind": KIND,
        "version": VERSION,
        "recipe": checkpoint.recipe,
        "mark": checkpoint.mark,
        "step": checkpoint.step,
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "seconds": checkpoint.seconds,
    }
    best = {f"{OF_BEST}{name}": values for name, values in checkpoint.best.items()}
    arrays = {**checkpoint.values, **best, LOSSES: checkpoint.losses, RIGHT: checkpoint.right}
    made_folder(folder)
    stored.write(folder / f"{checkpoint.step:06}.safetensors", arrays, record)
    so_far = [path for path in found(folder) if int(path.stem) <= checkpoint.step]
    for old in so_far[KEPT:]:
        old.unlink(missing_ok=True)


def found(folder: Path) -> list[Path]:
    """The checkpoints in the folder, the newest first."""
    numbered = {
        int(match[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := NAME.fullmatch(path.name))
    }
    return [numbered[step] for step in sorted(numbered, reverse=True)]


def read(path: str | os.PathLike[str]) -> Checkpoint:
    try:
        return stored.made_of(path, KIND, _fitted)
    except SchemaError as error:
        raise _unusable(path, error) from error


def _unusable(path: str | os.PathLike[str], why: SchemaError) -> DataError:
    return DataError(
        f"no checkpoint that this version of gradbook can use ({why}): begin the run anew",
        file=os.fspath(path),
    )


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], Checkpoint]:
    told = RECORD.read(record)
    epochs = tuple(map(epoch_of, told["history"]))
    if [epoch.epoch for epoch in epochs] != list(range(1, len(epochs) + 1)):
        raise SchemaError("its epochs aren't numbered from 1")
    if not {LOSSES, RIGHT} <= shapes.keys():
        raise SchemaError("its losses are missing")
    if len(shapes[LOSSES]) != 1 or shapes[RIGHT] != shapes[LOSSES]:
        raise SchemaError("its losses aren't one for each step")

    def make(arrays: stored.Arrays) -> Checkpoint:
        _require_numbers(arrays)
        values = {name: array for name, array in arrays.items() if name not in (LOSSES, RIGHT)}
        return Checkpoint(
            recipe=told["recipe"],
            mark=told["mark"],
            step=told["step"],
            losses=arrays[LOSSES].astype(np.float64),
            right=arrays[RIGHT].astype(np.int32),
            values={n: v for n, v in values.items() if not n.startswith(OF_BEST)},
            best={n[len(OF_BEST) :]: v for n, v in values.items() if n.startswith(OF_BEST)},
            history=epochs,
            seconds=told["seconds"],
        )

    return make


def _require_numbers(arrays: stored.Arrays) -> None:
    """Of the kinds and in the ranges that ours are."""
    for name, array in arrays.items():
        if array.dtype.kind != ("i" if name == RIGHT else "f"):
            raise SchemaError(f"its {name} is of {array.dtype.name}")
    if not np.isfinite(arrays[LOSSES]).all():
        raise SchemaError("some of its losses are infinite or no numbers at all")
    if (arrays[RIGHT] < 0).any():
        raise SchemaError("some of its counts of right answers are below 0")


def newest(
    folder: Path, recipe: str, require_fit: Callable[[Checkpoint], None] = lambda checkpoint: None
) -> tuple[Checkpoint | None, list[str]]:
    """The last checkpoint of this recipe that is whole, and a line about each newer one.

    Whoever is to go on from it may find, in a SchemaError, that it doesn't fit. Where there are
    some and none can be used, that is an error.
    """
    faults: list[GradbookError] = []
    for path in found(folder):
        try:
            held = read(path)
            if held.recipe != recipe:
                raise DataError(
                    "of another recipe or network than this run's: put back what belongs together",
                    file=os.fspath(path),
                )
            require_fit(held)
            return held, [f"{fault}; the checkpoint before it is used" for fault in faults]
        except SchemaError as error:
            faults.append(_unusable(path, error))
        except GradbookError as error:
            faults.append(error)
    if faults:
        raise DataError(
            f"none of the checkpoints in it can be used ({faults[0].message}): begin a new run",
            file=os.fspath(folder),
        )
    return None, []
