"""One training of a study: a pure function of the recipe, the seed and the fold, wherever it runs.

What comes of it goes into a file that is named after what it was made of, so that nothing is
ever trained twice, whoever was killed in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Dataset
from gradbook.errors import GradbookError
from gradbook.files import read_text, write_whole
from gradbook.graph.window import Shape
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.text import parse
from gradbook.lab.training.history import EPOCH, Epoch, epoch_of, kept_of
from gradbook.lab.training.material import images_of
from gradbook.lab.training.rows import Diverged
from gradbook.lab.training.train import prepared
from gradbook.lab.training.training import Listener, TrainingRun
from gradbook.schema import Choice, FiniteNumber, ListOf, Maybe, PlainText, Schema

VERSION = 1  # of what a result says
DONE, PRUNED, SLOW, DIVERGED, REFUSED = "done", "pruned", "too slow", "diverged", "refused"
STATES = (DONE, PRUNED, SLOW, DIVERGED, REFUSED)


@dataclass(frozen=True)
class TrialTask:
    """What one training is made of."""

    recipe: str
    seed: int
    fold: int
    bars: tuple[float, ...] = ()  # it ends after an epoch with a lower accuracy than this
    seconds: float | None = None  # it ends after so many

    @cached_property
    def key(self) -> str:
        """A name that no other task has."""
        content = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Result:
    """What one training came to."""

    state: str
    epochs: tuple[Epoch, ...] = ()
    accuracy: float | None = None  # of what was held back, at the end; only where it is done
    seconds: float = 0.0
    bits: str = ""  # a hash of the trained weights
    why: str = ""  # it isn't done

    @property
    def is_done(self) -> bool:
        return self.state == DONE


def keep(task: TrialTask, found: Result, folder: Path) -> None:
    """Put a result into the folder."""
    record = {"version": VERSION, "task": asdict(task), "result": asdict(found)}
    write_whole(file_of(task, folder), json.dumps(record, indent=1) + "\n")


def file_of(task: TrialTask, folder: Path) -> Path:
    return folder / f"{task.key}.json"


def kept(task: TrialTask, folder: Path) -> Result | None:
    """The result that is kept there, if there is one and it is whole."""
    path = file_of(task, folder)
    if not path.exists():
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError, GradbookError):
        record = json.loads(read_text(path))
        if record["version"] == VERSION and record["task"] == json.loads(json.dumps(asdict(task))):
            return _read(record["result"])
    return None


RESULT = Schema(
    state=Choice(*STATES),
    epochs=ListOf(EPOCH),
    accuracy=Maybe(FiniteNumber()),
    seconds=FiniteNumber(0),
    bits=PlainText(),
    why=PlainText(),
)


def _read(record: object) -> Result:
    told = RESULT.read(record)
    return Result(**told | {"epochs": tuple(map(epoch_of, told["epochs"]))})


_images: dict[tuple[str, Shape], Dataset] = {}


def loaded(recipe: Recipe) -> Dataset:
    """Its images, which the next training of this process, or of a copy of it, finds loaded."""
    key = recipe.data, recipe.net.input
    if key not in _images:
        _images.clear()
        _images[key] = images_of(recipe)
    return _images[key]


def result_of(task: TrialTask, threads: int | None = None) -> Result:
    """Train, without a look at the test images."""
    began = monotonic()
    try:
        recipe = parse(task.recipe)
        recipe = replace(recipe, net=replace(recipe.net, seed=task.seed), held_back=task.fold)
        ready = prepared(recipe, loaded(recipe), threads, new=True)
        training = TrainingRun(ready.recipe, ready.material, ready.engine, began)
    except GradbookError as error:
        return Result(REFUSED, why=str(error))
    watch = _Watch(training, task.bars)
    try:
        with _at_most(task.seconds, watch):
            training.run(listener=watch)
            if not watch.ended:
                training.settle()
    except Diverged as error:
        return Result(DIVERGED, training.history, seconds=training.seconds, why=str(error))
    return _result(training, watch)


def _result(training: TrainingRun, watch: _Watch) -> Result:
    history, seconds = training.history, training.seconds
    if watch.ended:
        return Result(watch.ended, history, seconds=seconds, why=watch.why)
    accuracy = kept_of(training.recipe, history).validation_accuracy
    bits = hash_of(training.engine.carried())
    return Result(DONE, history, accuracy, seconds, bits)


class _Watch(Listener):
    """Ends a training that isn't worth going on with."""

    def __init__(self, training: TrainingRun, bars: Sequence[float]) -> None:
        self.training, self.bars = training, bars
        self.ended = self.why = ""

    def epoch_done(self, epoch: Epoch) -> None:
        best = max(e.validation_accuracy or 0.0 for e in self.training.history)
        bars = self.bars[epoch.epoch - 1 : epoch.epoch]
        if bars and best < bars[0] and not self.training.is_over:
            self.end(PRUNED, f"after epoch {epoch.epoch} others had {100 * bars[0]:.2f} %")

    def end(self, state: str, why: str) -> None:
        self.ended, self.why = state, why
        self.training.stop()


class _at_most:  # noqa: N801 - it is read as words
    """Ends what takes longer than so many seconds."""

    def __init__(self, seconds: float | None, watch: _Watch) -> None:
        self.alarm = None
        if seconds is not None:
            left = max(seconds - watch.training.seconds, 0.0)
            self.alarm = Timer(left, watch.end, (SLOW, f"it takes longer than {seconds:g} s"))
            self.alarm.daemon = True

    def __enter__(self) -> None:
        if self.alarm:
            self.alarm.start()

    def __exit__(self, *_: object) -> None:
        if self.alarm:
            self.alarm.cancel()


def hash_of(values: Mapping[str, NDArray[Any]]) -> str:
    """The same for the same bits alone."""
    found = hashlib.sha256()
    for name, tensor in sorted(values.items()):
        found.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        found.update(np.ascontiguousarray(tensor).tobytes())
    return found.hexdigest()[:32]
