"""A network trained on a table: normalised, epoch by epoch, scored, and kept in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.engine.base import Engine
from gradbook.engine.choice import open_sooner
from gradbook.engine.surroundings import surroundings
from gradbook.errors import UsageError
from gradbook.files import write_whole
from gradbook.lab.models.answers import (
    ClassScore,
    class_scores,
    confusion_of,
    likeliest,
    losses_of,
    macro_f1,
    score,
)
from gradbook.lab.models.model import values_read
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.recipes.recipe import BEST, UNWARPED, Recipe
from gradbook.lab.tables.problem import Problem, require_fit
from gradbook.lab.training.history import best_of, csv_table, is_over, kept_of, measured_losses
from gradbook.lab.training.rows import FittedEpoch, Normal, finite, fit, wanted_of
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.seeds import Spread
from gradbook.net.task import Task, meant_loss

Rows = NDArray[np.intp]
HELD_BACK = " on the rows held back"


@dataclass(frozen=True)
class TableEpoch:
    """One finished epoch. Where targets are numbers, losses are of them brought to deviation 1."""

    epoch: int  # from 1
    rate: float  # at its last step
    train_loss: float
    validation_loss: float | None  # where rows are held back
    validation_score: float | None  # the share read right, or R²
    seconds: float


@dataclass(frozen=True, eq=False)
class TableScore:
    """How the rows that nothing was chosen by are answered; where all were trained on, those."""

    rows: Rows  # of the table
    answers: NDArray[np.float64]  # probabilities, or the numbers in one column
    score: float  # the share read right, or R²
    classes: Mapping[str, ClassScore]
    mean_absolute_error: float | None = None
    root_mean_squared_error: float | None = None
    read: Rows = field(default_factory=lambda: np.empty(0, np.intp))  # each row's class, as told


@dataclass(frozen=True, eq=False)
class TrainedTable:
    """What a training on a table came to."""

    recipe: Recipe
    problem: Problem
    model: TableModel
    history: tuple[TableEpoch, ...]
    kept: TableEpoch
    test: TableScore
    seconds: float

    @property
    def score_name(self) -> str:
        """What the score of the test is called; without a test that of the rows trained on."""
        if self.problem.task is Task.CLASSES:
            return "training_accuracy" if self.problem.everything else "test_accuracy"
        return "training_r2" if self.problem.everything else "r2"

    @property
    def event(self) -> dict[str, Any]:
        """What a program is told at the end; also what result.json holds."""
        test, classes = self.test, self.problem.task is Task.CLASSES
        figures: dict[str, Any] = (
            {
                self.score_name: test.score,
                "macro_f1": macro_f1(test.classes.values()),
                "classes": {name: asdict(one) for name, one in test.classes.items()},
            }
            if classes
            else {
                self.score_name: test.score,
                "mean_absolute_error": test.mean_absolute_error,
                "root_mean_squared_error": test.root_mean_squared_error,
            }
        )
        return {
            "event": "done",
            "recipe": self.recipe.title,
            "data": self.problem.table.file,
            "target": self.problem.target.name,
            "task": str(self.problem.task),
            "parameters": self.recipe.net.count(),
            "epochs": len(self.history),
            "kept_epoch": self.kept.epoch,
            "seconds": self.seconds,
            "validation_score": self.kept.validation_score,
            **figures,
            "seed": self.recipe.net.seed,
        }


def train_table(
    recipe: Recipe,
    problem: Problem,
    listener: Callable[[TableEpoch], object] = lambda epoch: None,
) -> TrainedTable:
    """Train the recipe's network on the rows of the table that are neither test nor held back."""
    recipe = settled(recipe, problem)
    run = _TableRun(recipe, problem)
    history = run.train(listener)
    kept = kept_of(recipe, history)
    model = run.model(kept)
    return TrainedTable(
        recipe, problem, model, history, kept, tested(model, problem), history[-1].seconds
    )


def settled(recipe: Recipe, problem: Problem) -> Recipe:
    """The recipe with the loss that is meant where it says none; it must fit the table."""
    require_fit(recipe.net, problem)
    if recipe.find_rate:
        raise UsageError("a range test is for images: say the rate of a table's training")
    if recipe.warp.changes_images:
        raise UsageError("only images can be warped, not the rows of a table: leave the warp out")
    if recipe.statistics == UNWARPED:
        raise UsageError("the rows of a table are never warped: leave the statistics out")
    if problem.task is Task.NUMBERS and recipe.class_weights:
        raise UsageError("numbers have no classes to weigh: leave the class weights out")
    loss = recipe.net.loss or meant_loss(recipe.net.ending, problem.task)
    if problem.task is Task.NUMBERS and loss.is_entropy:
        raise UsageError(f"{loss} is for classes: give numbers 'mean squared error'")
    return replace(recipe, net=replace(recipe.net, loss=loss))


class _TableRun:
    """The arrays of one training, and the engine that they go through."""

    def __init__(self, recipe: Recipe, problem: Problem) -> None:
        self.recipe, self.problem = recipe, problem
        self.began = monotonic()
        self.training, self.held_back = problem.parts(recipe.held_back)
        self.filling = problem.filling(recipe.held_back)
        rows = problem.rows
        if self.filling is not None:
            rows = np.where(np.isnan(rows), self.filling, rows)
        self.normal = Normal.of(rows[self.training], recipe.net)
        self.inputs = (rows - self.normal.mean) / self.normal.deviation
        self.target_mean, self.target_deviation = self._target_scale()
        self.best: dict[str, NDArray[Any]] = {}
        self.engine: Engine = open_sooner(
            recipe.net,
            recipe.batch,
            len(self.training),
            recipe.epochs,
            weighted=bool(recipe.class_weights),
        )

    def _target_scale(self) -> tuple[float, float]:
        if self.problem.task is Task.CLASSES:
            return 0.0, 1.0
        numbers = self.problem.wanted[self.training]
        return float(numbers.mean()), float(numbers.std()) or 1.0

    def _wanted(self, rows: Rows) -> NDArray[Any]:
        """What the engine is told of these rows."""
        wanted = self.problem.wanted[rows]
        if self.problem.task is Task.NUMBERS:
            return np.asarray((wanted - self.target_mean) / self.target_deviation)[:, None]
        labels = wanted.astype(np.int32)
        counts = np.bincount(labels, minlength=len(self.problem.target.words))
        return wanted_of(self.recipe, labels, counts)

    def train(self, listener: Callable[[TableEpoch], object]) -> tuple[TableEpoch, ...]:
        recipe, history = self.recipe, list[TableEpoch]()
        inputs, wanted = self.inputs[self.training], self._wanted(self.training)
        epochs = fit(
            self.engine,
            inputs,
            wanted,
            recipe.schedule,
            recipe.epochs,
            measured=lambda: measured_losses(history),
        )
        for done in epochs:
            history.append(self._epoch(len(history) + 1, done))
            listener(history[-1])
            if recipe.keep == BEST and best_of(history) is history[-1]:
                self.best = self.engine.carried()
            if is_over(recipe, history):
                break
        if self.best:
            self.engine.restore(self.best)
        return tuple(history)

    def _epoch(self, number: int, done: FittedEpoch) -> TableEpoch:
        loss, score = self._validated() if len(self.held_back) else (None, None)
        return TableEpoch(number, done.rate, done.loss, loss, score, monotonic() - self.began)

    def _validated(self) -> tuple[float, float]:
        """Loss and score of the rows held back."""
        outputs = self.engine.predict(self.inputs[self.held_back])
        if self.problem.task is Task.NUMBERS:
            wanted = self._wanted(self.held_back)
            loss = float(losses_of(self.recipe.net, outputs, wanted).mean())
            return finite(loss, HELD_BACK), r_squared(wanted, outputs)
        found = score(
            self.recipe.net, outputs, self.problem.wanted[self.held_back].astype(np.int32)
        )
        return finite(found.loss, HELD_BACK), found.accuracy

    def model(self, kept: TableEpoch) -> TableModel:
        carried = self.engine.carried()
        return TableModel(
            self.recipe.net,
            {name: carried[name] for name in values_read(self.recipe.net)},
            self.problem.inputs,
            self.problem.target,
            self.normal.mean,
            self.normal.deviation,
            self.target_mean,
            self.target_deviation,
            {"recipe": str(self.recipe), "epochs": kept.epoch, "rows": len(self.training)},
            filling=self.filling,
        )


@np.errstate(over="ignore", invalid="ignore")
def r_squared(wanted: NDArray[np.floating], said: NDArray[np.floating]) -> float:
    """The share of the variance that the answers explain; 0 for their mean, below for worse."""
    left = float(((wanted - said) ** 2).sum())
    whole = float(((wanted - wanted.mean()) ** 2).sum())
    return 1 - left / whole if whole else float(left == 0)


def tested(model: TableModel, problem: Problem) -> TableScore:
    """The rows of the test, or without any those trained on, answered by the model."""
    rows = problem.scored
    answers = model.answers(problem.rows[rows])
    wanted = problem.wanted[rows]
    if problem.task is Task.CLASSES:
        read, names = likeliest(model.net, answers), problem.target.words
        confusion = confusion_of(wanted.astype(np.int32), read, len(names))
        scores = dict(zip(names, class_scores(confusion), strict=True))
        return TableScore(rows, answers, float((read == wanted).mean()), scores, read=read)
    off = answers[:, 0] - wanted
    with np.errstate(over="ignore"):
        root = finite(float(np.sqrt((off**2).mean())), " on the test rows")
    found = r_squared(wanted.astype(np.float64), answers[:, 0])
    return TableScore(rows, answers, found, {}, float(np.abs(off).mean()), root)


# Several seeds.


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    return replace(recipe, net=replace(recipe.net, seed=seed))


def together(trained: Sequence[TrainedTable], folder: Path) -> dict[str, Any]:
    """The event 'done' of trainings that differ in their seed alone."""
    first, scores = trained[0], Spread(tuple(one.test.score for one in trained))
    kind = first.score_name.removesuffix("_accuracy")
    several = f"{kind}_values" if kind.endswith("r2") else f"{kind}_accuracies"
    return {
        "event": "done",
        "recipe": first.recipe.title,
        "data": first.problem.table.file,
        "target": first.problem.target.name,
        "task": str(first.problem.task),
        "parameters": first.recipe.net.count(),
        "seconds": sum(one.seconds for one in trained),
        first.score_name: scores.mean,
        f"{kind}_deviation": scores.deviation,
        f"{kind}_lowest": scores.lowest,
        several: list(scores.values),
        "seed": None,
        "seeds": [one.recipe.net.seed for one in trained],
        "model": None,
        "folder": str(folder),
    }


# The folder.


def keep(trained: TrainedTable, folder: Path) -> RunFolder:
    """Write down all but the report: recipe, model, epochs, result."""
    run = RunFolder(folder)
    run.begin(trained.recipe)
    columns = [field.name for field in fields(TableEpoch)]
    write_whole(run.csv_file, csv_table(trained.history, columns))
    trained.model.save(run.model_file)
    run.write_result(trained.event | {"model": str(run.model_file), "made_with": surroundings(1)})
    return run
