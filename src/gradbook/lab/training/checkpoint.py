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
from gradbook.schema import FiniteNumber, ListOf, PlainText, Schema, SchemaError, WholeNumber

KIND, VERSION = "checkpoint", 1
KEPT = 2
NAME = re.compile(r"([0-9]{6,18})\.safetensors")
# No value of a network has a stroke in its name.
LOSSES, RIGHT, OF_BEST = "epoch/losses", "epoch/right", "best/"


RECORD = Schema(
    recipe=PlainText(),
    mark=WholeNumber(),
    step=WholeNumber(),
    history=ListOf(EPOCH, most=MOST_EPOCHS),
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
        raise DataError(
            "no checkpoint that this version of gradbook can use: begin the run anew",
            file=os.fspath(path),
        ) from error


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], Checkpoint]:
    told = RECORD.read(record)
    if not {LOSSES, RIGHT} <= shapes.keys():
        raise SchemaError("its losses are missing")

    def make(arrays: stored.Arrays) -> Checkpoint:
        values = {name: array for name, array in arrays.items() if name not in (LOSSES, RIGHT)}
        return Checkpoint(
            recipe=told["recipe"],
            mark=told["mark"],
            step=told["step"],
            losses=arrays[LOSSES],
            right=arrays[RIGHT],
            values={n: v for n, v in values.items() if not n.startswith(OF_BEST)},
            best={n[len(OF_BEST) :]: v for n, v in values.items() if n.startswith(OF_BEST)},
            history=tuple(map(epoch_of, told["history"])),
            seconds=told["seconds"],
        )

    return make


def newest(folder: Path, recipe: str) -> tuple[Checkpoint | None, list[str]]:
    """The last checkpoint of this recipe that is whole, and a line about each newer one.

    Where there are some and none can be used, that is an error.
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
            return held, [f"{fault}; the checkpoint before it is used" for fault in faults]
        except GradbookError as error:
            faults.append(error)
    if faults:
        raise DataError(
            f"none of the checkpoints in it can be used ({faults[0].message}): begin a new run",
            file=os.fspath(folder),
        )
    return None, []
