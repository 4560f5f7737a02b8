"""The folder of a run: the content of its files, and the checkpoints for resuming it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError, GradbookError, UsageError, assume
from gradbook.files import (
    InnerPath,
    as_bytes,
    clear_parts,
    inside,
    made_folder,
    read_bytes,
    read_text,
    write_whole,
)
from gradbook.folders import alone_in
from gradbook.formats.file_kinds import is_foreign
from gradbook.lab.models import stored
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe import MOST_EPOCHS, Recipe
from gradbook.lab.recipes.recipe_text import read_recipe
from gradbook.lab.training.epochs import COLUMNS, EPOCH, Epoch, csv_table, epoch_of, json_lines
from gradbook.schema import (
    AnyRecord,
    FiniteNumber,
    IfThere,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
    WholeNumber,
    read_json,
)

if TYPE_CHECKING:
    from gradbook.lab.problem import Problem
    from gradbook.lab.texts import LineWriter

PLAN, SEED = "seeds.json", "seed-"  # files of a folder with several seeds
LINES = "lines"  # the kind of problem that writes
GIVEN_IN_PYTHON = ("arrays", "own samples")  # kinds of problems that no file contains
ACCURACY = FiniteNumber(0, 1)
EVERY_RESULT: dict[str, Any] = {  # at least
    "recipe": PlainText(),
    "parameters": WholeNumber(),
    "epochs": WholeNumber(1),
    "seconds": FiniteNumber(0),
    "doubts": IfThere(ListOf(PlainText())),
    "seed": WholeNumber(),
}
RESULT = Schema(
    **EVERY_RESULT,
    images_per_second=FiniteNumber(0),
    validation_accuracy=Maybe(ACCURACY),
    test_accuracy=ACCURACY,
    macro_f1=IfThere(ACCURACY),
    tested_on=IfThere(PlainText()),
)
LINES_RESULT = Schema(held_out_loss=FiniteNumber(0), **EVERY_RESULT)
TABLE_RESULT = Schema(target=PlainText(), **EVERY_RESULT)  # of a table or of signals


class RunFolder:
    """The files of a run. Each is written completely or not at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = inside(path)
        self.recipe_file = self.path / "recipe.txt"
        self.problem_file = self.path / "problem.json"  # of anything but images: how they are read
        self.csv_file = self.path / "metrics.csv"
        self.json_file = self.path / "metrics.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.model_file = self.path / "model.safetensors"
        self.result_file = self.path / "result.json"
        self.report_file = self.path / "report.html"

    # Reading.

    @property
    def holds_a_run(self) -> bool:
        return self.recipe_file.is_file()

    @property
    def is_done(self) -> bool:
        return self.result_file.is_file()

    def owns(self, path: str | os.PathLike[str]) -> bool:
        """Whether a file is one of those that the run keeps here."""
        history = (self.csv_file, self.json_file)
        files = (self.recipe_file, self.problem_file, self.result_file)
        kept = (*files, *history, self.model_file, self.report_file)
        return os.path.realpath(path) in map(os.path.realpath, kept)

    def recipe(self) -> Recipe:
        """The recipe as it was used, including its seed."""
        if not self.holds_a_run:
            raise UsageError(f"no run in {self.path}: name the folder with its recipe.txt")
        return read_recipe(self.recipe_file)

    def problem(self, recipe: Recipe) -> Problem:
        """The problem of the run: images, unless a file describes another one."""
        from gradbook.lab.images import ImageProblem
        from gradbook.lab.signals import read_signal_problem
        from gradbook.lab.tables import read_problem
        from gradbook.lab.texts import read_lines_problem

        if not self.problem_file.is_file():
            return ImageProblem(recipe)
        try:
            kept = read_json(read_text(self.problem_file), AnyRecord())
            if kept.get("kind") in GIVEN_IN_PYTHON:
                raise UsageError(
                    f"{self.path} was trained on {kept['kind']} in Python: continue it there, and "
                    "give its arrays again"
                )
            if kept.get("kind") == LINES:
                return read_lines_problem(recipe.data, kept)
            read = read_problem if kept.get("kind") == "table" else read_signal_problem
            return read(recipe.data, kept, not recipe.tests)
        except SchemaError as error:
            why = f"not the problem of a run ({error})"
            raise DataError(why, file=self.problem_file) from error

    def history(self) -> tuple[Epoch, ...]:
        """The finished epochs."""
        if not self.json_file.is_file():
            return ()
        lines = read_text(self.json_file).splitlines()
        try:
            return tuple(epoch_of(read_json(line, EPOCH)) for line in lines)
        except SchemaError as error:
            raise DataError(f"not the metrics of a run ({error})", file=self.json_file) from error

    def model(self) -> Model:
        self.require_done()
        if self.learns_lines:
            raise of_lines(self.path)
        return Model.load(self.model_file)

    @property
    def kind(self) -> str:
        """What it learned, unless images: a table, lines, arrays; '' for images."""
        if not self.problem_file.is_file():
            return ""
        with suppress(SchemaError):
            return str(read_json(read_text(self.problem_file), AnyRecord()).get("kind", ""))
        return ""

    @property
    def learns_lines(self) -> bool:
        """Whether the network learned to write lines."""
        return self.kind == LINES

    def require_images(self) -> None:
        """Refuse a run that learned anything else, whose report isn't written later."""
        if kind := self.kind:
            remedy = (
                "print(trained.history) and print(trained.test) show how it went"
                if kind in GIVEN_IN_PYTHON
                else "gradbook train writes its report when it ends"
            )
            raise UsageError(f"{self.path} was trained on {kind}, not on images: {remedy}")

    def result(self) -> dict[str, Any]:
        """The result of the run: the event 'done'."""
        self.require_done(self.result_file)
        try:
            result = read_json(read_text(self.result_file), AnyRecord())
            kinds = {"target": TABLE_RESULT, "held_out_loss": LINES_RESULT}
            kind = next((kind for key, kind in kinds.items() if key in result), RESULT)
            return kind.read(result)
        except SchemaError as error:
            raise DataError(f"not the result of a run ({error})", file=self.result_file) from error

    def require_done(self, file: InnerPath | None = None) -> None:
        """Say why a file of finished runs, the model, is missing."""
        if (file or self.model_file).is_file():
            return
        if self.holds_a_run:
            raise UsageError(f"{self.path} isn't done: gradbook train --resume {self.path}")
        if (self.path / PLAN).is_file():
            raise UsageError(f"{self.path} contains several seeds: name one of its folders seed-N")

    # Writing.

    def require_free(self) -> None:
        """Refuse a folder in which a new run would overwrite something."""
        files = (self.recipe_file, self.model_file, self.result_file, self.report_file)
        kept = (self.checkpoints, self.json_file, self.csv_file)
        seeds = (path for path in self.path.iterdir() if path.name.startswith(SEED))
        if any(path.exists() for path in (*files, *kept, self.path / PLAN, *seeds)):
            raise UsageError(
                f"{self.path} already contains a run: resume it, or name another folder"
            )

    def begin(self, recipe: Recipe, problem: Problem | None = None) -> None:
        """Make the folder for a new run. Its recipe comes last: with it, a run can be resumed."""
        self.require_free()
        made_folder(self.path)
        self.write_problem(problem)
        write_whole(self.recipe_file, str(recipe))

    def write_problem(self, problem: Problem | None) -> None:
        """Write the problem of the run, unless the file with this name is something else."""
        record = problem.record if problem else None
        text = "" if record is None else json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        there = self.problem_file.is_file() and read_bytes(self.problem_file, limits.TEXT)
        if there and there != as_bytes(text):
            raise UsageError(
                f"{self.problem_file} already exists, and no run wrote it: move it away, or name "
                "another folder"
            )
        if text:
            write_whole(self.problem_file, text)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this folder at the same time."""
        with alone_in(self.path) as alone:
            if not alone:
                raise UsageError(
                    f"{self.path} is being trained by another process: wait for it, or stop it"
                )
            yield

    def clear_parts(self) -> None:
        """Remove what a killed process left incomplete."""
        for folder in (self.path, self.checkpoints):
            clear_parts(folder)

    def write_history(self, history: Sequence[Epoch], columns: Mapping[str, str] = COLUMNS) -> None:
        write_whole(self.csv_file, csv_table(history, columns))
        write_whole(self.json_file, json_lines(history, columns))

    def write_result(self, result: dict[str, Any]) -> None:
        write_whole(self.result_file, json.dumps(result, indent=2) + "\n")


def load(path: str | os.PathLike[str], **options: Any) -> Model:
    """The trained model in a file, or in the folder of a run.

    Args:
        path: The folder that `train` made, its `model.safetensors`, or a file of another program:
            .onnx, .keras, .pt2.
        options: For a file of another program, what it doesn't contain, as in `from_torch`.
            Anything else is assumed, with a warning: `Assumption`.

    Returns:
        A model of images, `load("run").predict(images)`, or one of a table, which reads rows
        or a table.

    Raises:
        GradbookError: It can't be read, or contains an operation without a matching layer.

    >>> import gradbook as gb
    >>> from sklearn.linear_model import LinearRegression
    >>> fitted = LinearRegression().fit([[0, 1], [1, 0], [1, 1]], [1, 2, 3])
    >>> gb.from_sklearn(fitted).save("sum.safetensors")
    >>> print(gb.load("sum.safetensors").predict([[2, 2]]).round(4))
    [[6.]]
    """
    return open_model(path, assume, **options)


def open_model(
    path: str | os.PathLike[str], tell: Callable[[str], object] | None = None, **options: Any
) -> Model:
    """Like `load`, but `tell` is called with each assumption."""
    if is_foreign(path) and not os.path.isdir(path):
        from gradbook.lab.models.importing import import_model

        return import_model(path, tell, **options)
    if options:
        raise UsageError(f"{os.fspath(path)} contains everything: leave out {', '.join(options)}")
    return RunFolder(path).model() if os.path.isdir(path) else Model.load(path)


def writer(path: str | os.PathLike[str]) -> LineWriter:
    """The writer of lines in the folder of a run or in a file."""
    from gradbook.lab.texts import LineWriter

    if not os.path.isdir(path):
        return LineWriter.load(path)
    run = RunFolder(path)
    run.recipe()  # refuses a folder without a run
    run.require_done()
    if not run.learns_lines:
        name = os.fspath(path)
        raise UsageError(f"{name} reads and doesn't write lines: use gradbook predict {name} FILE")
    return LineWriter.load(run.model_file)


def of_a_table(path: str | os.PathLike[str]) -> UsageError:
    """The error for a model of a table where a model of images is needed."""
    predict = f"gradbook predict {os.fspath(path)} new.csv"
    return UsageError(f"{os.fspath(path)} is a model of a table, not of images: use {predict}")


def of_lines(path: str | os.PathLike[str]) -> UsageError:
    """The error for a model that writes lines where one that reads is needed."""
    return UsageError(f"{os.fspath(path)} writes lines: gradbook generate {os.fspath(path)}")


# Checkpoints ------------------------------------------------------------------

CHECKPOINT_KIND, CHECKPOINT_VERSION = "checkpoint", 1
KEPT = 2
NAME = re.compile(r"([0-9]{6,18})\.safetensors")
# No name of a network's value contains a stroke.
LOSSES, RIGHT, OF_BEST = "epoch/losses", "epoch/right", "best/"


SHARE, MEASURED = FiniteNumber(0, 1), FiniteNumber()
DONE = Schema(  # an epoch without which there is no later checkpoint
    **EPOCH.kinds
    | {
        "rate": MEASURED,
        "train_loss": MEASURED,
        "train_accuracy": Maybe(SHARE),
        "validation_loss": Maybe(MEASURED),
        "validation_accuracy": Maybe(FiniteNumber(most=1)),  # R² may be below 0
        "seconds": FiniteNumber(0),
        "images_per_second": FiniteNumber(0),
    }
)
CHECKPOINT_RECORD = Schema(
    recipe=PlainText(),
    mark=WholeNumber(),
    step=WholeNumber(),
    history=ListOf(DONE, most=MOST_EPOCHS),
    seconds=FiniteNumber(0),
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training after a number of steps."""

    recipe: str  # its text, including the seed
    mark: int  # of the data
    step: int  # over all epochs
    values: Mapping[str, NDArray[Any]]  # everything that is passed from step to step
    history: tuple[Epoch, ...]
    losses: NDArray[np.float64]  # of the current epoch
    right: NDArray[np.int32]
    seconds: float  # so far
    best: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # if the best ones are kept


def write_checkpoint(folder: InnerPath, checkpoint: Checkpoint) -> None:
    """Write it into the folder, and delete all but the last two."""
    record = {
        "kind": CHECKPOINT_KIND,
        "version": CHECKPOINT_VERSION,
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
    so_far = [path for path in checkpoints_in(folder) if int(path.stem) <= checkpoint.step]
    for old in so_far[KEPT:]:
        old.unlink(missing_ok=True)


def checkpoints_in(folder: os.PathLike[str]) -> list[InnerPath]:
    """The checkpoints in the folder, the newest first."""
    numbered = {
        int(match[1]): path
        for path in inside(folder).iterdir()
        if (match := NAME.fullmatch(path.name)) and path.is_file()
    }
    return [numbered[step] for step in sorted(numbered, reverse=True)]


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    try:
        return stored.read_checked(path, CHECKPOINT_KIND, _fitted)
    except SchemaError as error:
        raise _unusable(path, error) from error


def _unusable(path: str | os.PathLike[str], why: SchemaError) -> DataError:
    return DataError(
        f"no checkpoint that this version of gradbook can use ({why}): begin a new run",
        file=os.fspath(path),
    )


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], Checkpoint]:
    known = CHECKPOINT_RECORD.read(record)
    epochs = tuple(map(epoch_of, known["history"]))
    if [epoch.epoch for epoch in epochs] != list(range(1, len(epochs) + 1)):
        raise SchemaError("its epochs aren't numbered from 1")
    if not {LOSSES, RIGHT} <= shapes.keys():
        raise SchemaError("its losses are missing")
    if len(shapes[LOSSES]) != 1 or shapes[RIGHT] != shapes[LOSSES]:
        raise SchemaError("it doesn't have one loss for each step")

    def make(arrays: stored.Arrays) -> Checkpoint:
        for name, array in arrays.items():
            if array.dtype.kind != ("i" if name == RIGHT else "f"):
                raise SchemaError(f"its {name} is of {array.dtype.name}")
        if not np.isfinite(arrays[LOSSES]).all():
            raise SchemaError("some of its losses are infinite or not numbers")
        if (arrays[RIGHT] < 0).any():
            raise SchemaError("some of its counts of right answers are below 0")
        values = {name: array for name, array in arrays.items() if name not in (LOSSES, RIGHT)}
        return Checkpoint(
            recipe=known["recipe"],
            mark=known["mark"],
            step=known["step"],
            losses=arrays[LOSSES].astype(np.float64),
            right=arrays[RIGHT].astype(np.int32),
            values={n: v for n, v in values.items() if not n.startswith(OF_BEST)},
            best={n[len(OF_BEST) :]: v for n, v in values.items() if n.startswith(OF_BEST)},
            history=epochs,
            seconds=known["seconds"],
        )

    return make


def newest_checkpoint(
    folder: os.PathLike[str],
    recipe: str,
    require_fit: Callable[[Checkpoint], None] = lambda checkpoint: None,
) -> tuple[Checkpoint | None, list[str]]:
    """The last intact checkpoint of this recipe, and a line about each newer one.

    If it doesn't fit, the function that continues from it may raise a SchemaError. If there are
    checkpoints but none can be used, that is an error.
    """
    faults: list[GradbookError] = []
    for path in checkpoints_in(folder):
        try:
            held = read_checkpoint(path)
            if held.recipe != recipe:
                raise DataError(
                    "it belongs to another recipe or network than this run's: restore the "
                    "matching files",
                    file=os.fspath(path),
                )
            require_fit(held)
            return held, [f"{fault}; the previous checkpoint is used" for fault in faults]
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
