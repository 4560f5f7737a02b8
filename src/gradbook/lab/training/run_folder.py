"""The folder of a run: which file holds what."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradbook.errors import DataError, UsageError
from gradbook.files import clear_parts, made_folder, read_text, said_plainly, write_whole
from gradbook.folders import alone_in
from gradbook.lab.models import table_model
from gradbook.lab.models.model import Model
from gradbook.lab.models.stored import kind_of
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.recipes import builtin
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training import history as histories
from gradbook.lab.training.history import Epoch
from gradbook.models.reading import is_foreign
from gradbook.schema import (
    AnyRecord,
    FiniteNumber,
    IfThere,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
    WholeNumber,
    read_json,
)

PLAN, SEEDS = "seeds.json", "seed-*"  # what a folder of several seeds holds
SHARE = FiniteNumber(0, 1)
RESULT = Schema(  # at least
    recipe=PlainText(),
    parameters=WholeNumber(),
    epochs=WholeNumber(1),
    seconds=FiniteNumber(0),
    images_per_second=FiniteNumber(0),
    validation_accuracy=Maybe(SHARE),
    test_accuracy=SHARE,
    macro_f1=IfThere(SHARE),
    tested_on=IfThere(PlainText()),
    seed=WholeNumber(),
)


class RunFolder:
    """A run's files. Each is written whole or not at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.recipe_file = self.path / "recipe.txt"
        self.csv_file = self.path / "metrics.csv"
        self.json_file = self.path / "metrics.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.model_file = self.path / "model.safetensors"
        self.result_file = self.path / "result.json"
        self.report_file = self.path / "report.html"

    # Reading.

    @property
    def holds_a_run(self) -> bool:
        return os.path.exists(self.recipe_file)

    @property
    def is_done(self) -> bool:
        return os.path.exists(self.result_file)

    def owns(self, path: str | os.PathLike[str]) -> bool:
        """Whether a file is one that the run keeps here."""
        history = (self.csv_file, self.json_file)
        kept = (self.recipe_file, *history, self.model_file, self.result_file, self.report_file)
        return os.path.realpath(path) in map(os.path.realpath, kept)

    def recipe(self) -> Recipe:
        """The recipe as it was used, its seed included."""
        if not self.holds_a_run:
            raise UsageError(f"no run in {self.path}: name the folder that holds its recipe.txt")
        return builtin.read(self.recipe_file)

    def history(self) -> tuple[Epoch, ...]:
        """The epochs that are done."""
        if not os.path.exists(self.json_file):
            return ()
        lines = read_text(self.json_file).splitlines()
        try:
            return tuple(histories.epoch_of(read_json(line, histories.EPOCH)) for line in lines)
        except SchemaError as error:
            raise DataError(f"not the metrics of a run ({error})", file=self.json_file) from error

    def model(self) -> Model:
        self._require_done(self.model_file)
        return Model.load(self.model_file)

    def result(self) -> dict[str, Any]:
        """What the run came to: the event 'done'."""
        self._require_done(self.result_file)
        try:
            found = read_json(read_text(self.result_file), AnyRecord())
            if "target" in found:
                raise of_a_table(self.path)
            return RESULT.read(found)
        except SchemaError as error:
            raise DataError(f"not the result of a run ({error})", file=self.result_file) from error

    def _require_done(self, file: Path) -> None:
        """Say why a file that a finished run has isn't there."""
        if os.path.exists(file):
            return
        if self.holds_a_run:
            raise UsageError(f"{self.path} isn't done: gradbook train --resume {self.path}")
        if os.path.exists(self.path / PLAN):
            raise UsageError(f"{self.path} holds several seeds: name one of its folders seed-N")

    # Writing.

    def require_free(self) -> None:
        """Refuse a folder that a new run would overwrite anything in."""
        files = (self.recipe_file, self.model_file, self.result_file, self.report_file)
        kept = (self.checkpoints, self.json_file, self.csv_file)
        with said_plainly("look into", self.path):
            several = (self.path / PLAN, *self.path.glob(SEEDS))
        if any(map(os.path.lexists, (*files, *kept, *several))):
            raise UsageError(
                f"{self.path} holds a run already: resume that one, or name another folder"
            )

    def begin(self, recipe: Recipe) -> None:
        """Make the folder for a new run. Its recipe comes first: with it a run can be resumed."""
        self.require_free()
        made_folder(self.path)
        write_whole(self.recipe_file, str(recipe))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training here at the same time."""
        with alone_in(self.path) as alone:
            if not alone:
                raise UsageError(
                    f"{self.path} is being trained by another process: wait for it, or stop it"
                )
            yield

    def clear_parts(self) -> None:
        """Take away what a killed process left half-written."""
        for folder in (self.path, self.checkpoints):
            clear_parts(folder)

    def write_history(self, history: Sequence[Epoch]) -> None:
        write_whole(self.csv_file, histories.csv_table(history))
        write_whole(self.json_file, histories.json_lines(history))

    def write_result(self, result: dict[str, Any]) -> None:
        write_whole(self.result_file, json.dumps(result, indent=2) + "\n")


def load(path: str | os.PathLike[str]) -> Model | TableModel:
    """The model in a file, or in the folder of a run: `load("run").predict(images)`.

    One of a table is given rows, or a table. A file of another program's, such as net.onnx, is
    read as far as it says the same as our layers.
    """
    if is_of_a_table(path):
        return load_table(path)
    if os.path.isdir(path):
        return RunFolder(path).model()
    if is_foreign(path):
        from gradbook.lab.models.importing import import_model

        return import_model(path)
    return Model.load(path)


def of_a_table(path: str | os.PathLike[str]) -> UsageError:
    """What is said where a model of images is wanted."""
    predict = f"gradbook predict {os.fspath(path)} new.csv"
    return UsageError(f"{os.fspath(path)} is of a table, and not of images: {predict}")


def load_table(path: str | os.PathLike[str]) -> TableModel:
    """The model of a table in a file, or in the folder of a run."""
    return TableModel.load(_model_file(path))


def is_of_a_table(path: str | os.PathLike[str]) -> bool:
    """Whether the model there, if there is one, is a table's."""
    file = _model_file(path)
    return os.path.isfile(file) and kind_of(file) == table_model.KIND


def _model_file(path: str | os.PathLike[str]) -> Path:
    return RunFolder(path).model_file if os.path.isdir(path) else Path(path)
