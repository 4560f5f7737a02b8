"""Networks for tables: which column is learned from which, how it is trained, what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, short
from gradbook.data.dataset import balance_remark, deal_folds, training_parts
from gradbook.data.formats.cells import is_missing
from gradbook.data.tables import Column, ColumnTable, Numbers, encode, table_remarks
from gradbook.engine.base import Engine
from gradbook.engine.compilers import surroundings
from gradbook.engine.engines import open_faster
from gradbook.errors import DataError, ShapeError, UsageError, one_line
from gradbook.files import InnerPath, write_whole
from gradbook.lab.models.answers import (
    ClassScore,
    class_scores,
    confusion_of,
    likeliest_classes,
    losses_of,
    macro_f1,
    score,
)
from gradbook.lab.models.model import trained_shapes
from gradbook.lab.models.table_model import TableModel
from gradbook.lab.recipes.recipe import BEST, UNWARPED, Recipe, Schedule
from gradbook.lab.training.doubts import Ending, doubts, find_dead_units
from gradbook.lab.training.epochs import (
    FittedEpoch,
    Normal,
    best_epoch,
    csv_table,
    fit,
    is_over,
    kept_epoch,
    require_finite,
    schedule_losses,
    targets_for,
)
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import Spread, doubts_by_seed
from gradbook.layers import Role
from gradbook.net import Activation, Dense, Net, Update
from gradbook.net.description import Task, meant_loss
from gradbook.net.fit import require_classes
from gradbook.net.network import fixed_beginning, usual

if TYPE_CHECKING:
    from gradbook.data.signals import Windows

# What is to be learned --------------------------------------------------------

MEAN, MEDIAN, REFUSE = WAYS = ("mean", "median", "refuse")  # with missing values
PATIENCE = 30  # epochs without a lower validation loss
MOST_NAMED = 6  # columns in one remark
FEW_VALUES = 20  # whole numbers that differ: those of classes
ROWS_OF_A_VALUE = 5  # on average, of a class
HIDDEN = 32
RATE, DECAY = 0.003, 1.0
LEAST_STEPS, LEAST_EPOCHS, MOST_EPOCHS = 2_000, 20, 400
BATCH, LARGE_BATCH, LARGE = 32, 256, 20_000  # rows from which batches are large


@dataclass(frozen=True, eq=False)
class Problem:
    """A table, the columns it is learned from and the one that is learned.

    With `everything` no rows are held back, and none are held out for the test.
    """

    table: ColumnTable
    inputs: tuple[Column, ...]
    target: Column  # its words are the classes; without any it holds numbers
    task: Task
    missing: str = MEAN  # what stands for a missing number
    everything: bool = False
    remarks: tuple[str, ...] = ()  # on how the table was read

    @cached_property
    def rows(self) -> Numbers:
        """The inputs of each row; NaN where one is missing."""
        return encode(self.table, self.inputs)

    @cached_property
    def targets(self) -> NDArray[np.int32] | Numbers:
        """The class of each row, or its number."""
        if self.task is Task.CLASSES:
            return self.table.words(self.target)
        return self.table.values(self.target)

    @cached_property
    def _strata(self) -> NDArray[np.integer]:
        """Of each of these there are as many in every part."""
        if self.task is Task.CLASSES:
            return self.targets.astype(np.int32)
        return np.zeros(len(self.table), np.int32)

    def folds_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The folds to which these rows are dealt."""
        return deal_folds(self._strata[rows])

    @cached_property
    def _first_folds(self) -> NDArray[np.uint8]:
        return self.folds_of(np.arange(len(self.table)))

    @cached_property
    def test(self) -> NDArray[np.intp]:
        """A sixth of the rows."""
        if self.everything:
            return np.empty(0, np.intp)
        return np.flatnonzero(self._first_folds == 0)

    @property
    def scored_rows(self) -> NDArray[np.intp]:
        """The rows that the model is scored by: of the test, or else those trained on."""
        return np.arange(len(self.table)) if self.everything else self.test

    def parts(self, fold: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows to train on and those of the fold that is held back."""
        if self.everything:
            return self.scored_rows, self.test
        return training_parts(self._first_folds, self.folds_of, fold)

    def filling(self, fold: int | None) -> Numbers | None:
        """What stands for the missing values of each input, by the rows trained on: of numbers
        their mean or median, of words the commonest; nothing where none is missing.
        """
        if self.missing == MEAN and not np.isnan(self.rows).any():
            return None
        rows, found, first = self.rows[self.parts(fold)[0]], list[Numbers](), 0
        for column in self.inputs:
            here = rows[:, first : first + column.width]
            here = here[~np.isnan(here[:, 0])]
            if not len(here):
                raise DataError(
                    f"no training row has a value in it: leave it out with --ignore "
                    f"'{column.name}'",
                    file=self.table.file,
                    column=column.name,
                )
            if column.words:
                found.append(np.eye(column.width)[here.sum(axis=0).argmax()])
            else:
                found.append((np.median if self.missing == MEDIAN else np.mean)(here, axis=0))
            first += column.width
        return np.concatenate(found)

    def remarks_for(self, recipe: Recipe) -> list[str]:
        """What is to be known: how the table was read, what stands for missing values, balance."""
        found = list(self.remarks)
        filling = self.filling(recipe.held_back)
        if filling is not None and (said := filling_remark(self.inputs, self.rows, filling)):
            found.append(
                f"{said} (by the {self.missing} of the rows trained on, words by the commonest)"
            )
        if self.task is Task.CLASSES and not recipe.class_weights:
            found += balance_remark(self.target.words, self.counts(), self.unit)
        if self.everything:
            found.append(
                f"all {self.unit}s are trained on and none are held back: how it does on others "
                "isn't known"
            )
        return found

    def counts(self) -> list[int]:
        """How many rows there are of each class."""
        counts = np.bincount(self.targets.astype(np.int32), minlength=self.target.width)
        return [int(count) for count in counts]

    # What is otherwise where a row isn't one of a table, but a window of a signal.

    unit: ClassVar[str] = "row"

    @property
    def windows(self) -> Windows | None:
        """Of a signal."""
        return None

    @property
    def given(self) -> str:
        """What it is learned from."""
        return ", ".join(column.name for column in self.inputs)

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that tell a reader which row it is."""
        return tuple(column.name for column in self.inputs)

    @property
    def beginning(self) -> str:
        """How a network for it begins, in words."""
        return f"'input {self.rows.shape[1]}', or with as many steps x features"

    def normal(self, rows: Numbers) -> Normal:
        """Mean and deviation by these rows: of each number."""
        return Normal.of(rows, rows.shape[1])

    @property
    def how_read(self) -> dict[str, Any]:
        """What a model keeps of that, so that the same can be read again."""
        return {}

    def words_to_repeat(self) -> list[str]:
        """The options by which a command reads the same, beside the target."""
        table, names = self.table, self.table.names
        known = {self.target.name, *(column.name for column in self.inputs)}
        ignored = [name for name in names if name not in known]
        said = ["--task", str(self.task)]
        said += ["--target", self.target.name] if self.target.name != names[-1] else []
        said += ["--missing", self.missing] if self.missing != MEAN else []
        said += ["--decimal", table.decimal] if table.decimal else []
        said += ["--dates", table.dates] if table.dates else []
        return said + (["--ignore", ",".join(ignored)] if ignored else [])

    def figures(self, test: TableScore) -> dict[str, Any]:
        """What else there is to tell of the rows scored, by name."""
        return {}


def filling_remark(inputs: Sequence[Column], rows: Numbers, filling: Numbers) -> str:
    """What stands for the missing values of these rows: '5 missing values are filled in: 3 of area
    with 85.2, 2 of town with 'north''; '' where none is missing."""
    first, parts, total = 0, list[str](), 0
    for column in inputs:
        count = int(np.isnan(rows[:, first]).sum())
        if count:
            own = filling[first : first + column.width]
            value = f"'{column.words[own.argmax()]}'" if column.words else short(float(own[0]), 4)
            parts.append(f"{count:,} of {column.name} with {value}")
            total += count
        first += column.width
    if not total:
        return ""
    shown = parts[:MOST_NAMED] + ["…"] * (len(parts) > MOST_NAMED)
    verb = "is" if total == 1 else "are"
    return one_line(f"{counted(total, 'missing value')} {verb} filled in: {', '.join(shown)}")


def problem(
    table: ColumnTable,
    target: str = "",
    ignored: Sequence[str] = (),
    task: str | None = None,
    missing: str = MEAN,
    everything: bool = False,
) -> Problem:
    """The last column, or the one named, learned from all others that aren't ignored."""
    name = table.names[table.place(target)] if target else table.names[-1]
    left_out = {table.names[table.place(other)] for other in ignored}
    if name in left_out:
        raise UsageError(f"'{name}' is the target: name another target, or don't ignore this one")
    table, remarks = _with_target(table, name, missing)
    given = [n for n in table.names if n != name and n not in left_out]
    empty = [n for n in given if not table.holds(n)]
    if empty:
        remarks.append(one_line(f"{', '.join(empty)} has no values: left out"))
    inputs = tuple(table.column(n) for n in given if n not in empty)
    if not inputs:
        raise DataError(f"no column is left to learn '{name}' from", file=table.file)
    if missing == REFUSE:
        table.require_complete(inputs)
    column = table.column(name)
    if column.dates:
        raise DataError(
            f"the target '{name}' has dates: write numbers, such as days, to learn them",
            file=table.file,
        )
    remarks = [*table_remarks(table, (*inputs, column), trained=True), *remarks]
    task = Task(task) if task else _task(table, column)
    if task is Task.NUMBERS and column.words:
        raise DataError(
            f"the target '{name}' has words: words can only be classes", file=table.file
        )
    if task is Task.CLASSES and not column.words:
        column = _classes(table, column)
    if task is Task.CLASSES and len(column.words) < 2:
        raise DataError(
            f"all rows have the same '{name}': there is nothing to learn", file=table.file
        )
    found = Problem(table, inputs, column, task, missing, everything, tuple(remarks))
    _require_enough(found)
    return found


def _with_target(table: ColumnTable, name: str, missing: str) -> tuple[ColumnTable, list[str]]:
    """The rows in which the target stands, and what is said of the others."""
    place, found = table.place(name), table.evidence(table.place(name))
    of_words = not (found.holds_numbers or found.holds_dates)
    kept = [k for k, r in enumerate(table.rows) if not is_missing(r.cells[place], of_words)]
    gone = len(table) - len(kept)
    if not gone:
        return table, []
    if not kept:
        raise DataError("it has no values: name another target", file=table.file, column=name)
    if missing == REFUSE:
        table.require_complete([Column(name, ("",) * of_words)])
    which = "1 row has" if gone == 1 else f"{gone:,} rows have"
    return table.only(kept), [one_line(f"{which} no {name}: left out")]


def _task(table: ColumnTable, column: Column) -> Task:
    """Words are classes, and so are a few whole numbers, each of many rows."""
    if column.words:
        return Task.CLASSES
    values = table.values(column)
    different = len(np.unique(values))
    few = different <= FEW_VALUES and len(values) >= ROWS_OF_A_VALUE * different
    whole = bool(np.all(values == np.round(values)))
    return Task.CLASSES if few and whole else Task.NUMBERS


def _classes(table: ColumnTable, column: Column) -> Column:
    """Numbers as the names of classes, in their order; equal ones are one, in few characters."""
    place = table.place(column.name)
    cells = {row.cells[place] for row in table.rows}
    shortest = sorted(cells, key=lambda cell: (len(cell), cell), reverse=True)
    values = {column.style.value(cell) or 0.0: cell for cell in shortest}
    return replace(column, words=tuple(values[value] for value in sorted(values)))


def _require_enough(found: Problem) -> None:
    training, held_back = found.parts(0)
    held_back = held_back if not found.everything else training
    if len(training) < 2 or not len(held_back) or not len(found.scored_rows):
        raise DataError(
            f"only {counted(len(found.table), 'row')} to train on, hold back and test: give more",
            file=found.table.file,
        )


def usual_recipe(found: Problem, name: str, held_back: int | None = 0) -> Recipe:
    """A hidden layer, AdamW, epochs enough for a few rows; of too many the best is kept.

    The rate and the decay were chosen on rows held back of small tables: without
    decay a network learns a thousand rows by heart.
    """
    width, rows = found.rows.shape[1], len(found.parts(0)[0])
    if found.task is Task.CLASSES:
        net = usual(width, (HIDDEN,), len(found.target.words))
    else:
        net = Net((width,), (Dense(HIDDEN), Activation("relu"), Dense(1)))
    net = replace(net, update=Update("adamw"), rate=RATE, decay={Role.WEIGHT: DECAY})
    batch = LARGE_BATCH if rows >= LARGE else BATCH
    epochs = min(max(ceil(LEAST_STEPS / ceil(rows / batch)), LEAST_EPOCHS), MOST_EPOCHS)
    plain = Recipe(net, Schedule("cosine", net.learning_rate), epochs, batch, name=name)
    if held_back is None or found.everything:
        return replace(plain, held_back=None, tests=not found.everything)
    return replace(plain, held_back=held_back, early_stop=PATIENCE, keep=BEST)


def require_fit(net: Net, found: Problem) -> None:
    """Refuse a network that doesn't take these columns, or doesn't answer with this one."""
    width = found.rows.shape[1]
    if prod(net.input) != width:
        raise ShapeError(
            f"{found.table.file} gives {counted(width, 'number')} a {found.unit}, so begin the "
            f"network with {found.beginning}"
        )
    whose = f"'{found.target.name}'"
    if found.task is Task.CLASSES:
        require_classes(net, len(found.target.words), whose)
    elif net.outputs != 1:
        raise ShapeError(
            f"{whose} has numbers, but the network has {net.outputs} outputs: end it with 'dense 1'"
        )


# The training -----------------------------------------------------------------

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
    kept_epoch: TableEpoch
    test: TableScore
    seconds: float
    doubts: tuple[str, ...] = ()  # what is said against it: that it learned nothing, say

    @property
    def scored_rows(self) -> str:
        """The rows that the score is of, in words."""
        count, unit = len(self.test.rows), self.problem.unit
        if self.problem.everything:
            return f"{counted(count, unit)} trained on"
        return counted(count, f"test {unit}")

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
            "kept_epoch": self.kept_epoch.epoch,
            "seconds": self.seconds,
            "validation_score": self.kept_epoch.validation_score,
            **figures,
            **self.problem.figures(test),
            "doubts": list(self.doubts),
            "seed": self.recipe.net.seed,
        }


def train_table(
    recipe: Recipe,
    problem: Problem,
    listener: Callable[[TableEpoch], object] = lambda epoch: None,
) -> TrainedTable:
    """Train the recipe's network on the rows of the table that are neither test nor held back."""
    recipe = adapt_to_table(recipe, problem)
    run = _TableRun(recipe, problem)
    history = run.train(listener)
    kept = kept_epoch(recipe, history)
    model = run.model(kept)
    test = score_test(model, problem)
    trained = TrainedTable(recipe, problem, model, history, kept, test, history[-1].seconds)
    return replace(trained, doubts=doubts(run.ending(trained)))


def adapt_to_table(recipe: Recipe, problem: Problem) -> Recipe:
    """The recipe with the loss that is meant where it says none; it must fit the table."""
    require_fit(recipe.net, problem)
    if recipe.find_rate:
        raise UsageError("a range test works only with images: write a rate for a table")
    if recipe.warp.changes_images:
        raise UsageError("only images can be warped, not the rows of a table: remove the warp")
    if recipe.statistics == UNWARPED:
        raise UsageError("the rows of a table are never warped: remove the statistics")
    if problem.task is Task.NUMBERS and recipe.class_weights:
        raise UsageError("numbers have no classes to weight: remove the class weights")
    loss = recipe.net.loss or meant_loss(recipe.net.ending, problem.task)
    if problem.task is Task.NUMBERS and loss.is_entropy:
        raise UsageError(f"{loss} is for classes: use 'mean squared error' for numbers")
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
        self.normal = problem.normal(rows[self.training])
        self.inputs = (rows - self.normal.mean) / self.normal.deviation
        self.target_mean, self.target_deviation = self._target_scale()
        self.best: dict[str, NDArray[Any]] = {}
        self.learning = recipe.net  # what of it learns
        self.fixed: dict[str, NDArray[Any]] = {}  # what the layers own that are done already
        parts = fixed_beginning(recipe.net)
        if parts:
            self._go_through(parts[0])
            self.learning = parts[1]
        self.engine: Engine = open_faster(
            self.learning,
            recipe.batch,
            len(self.training),
            recipe.epochs,
            weighted=bool(recipe.class_weights),
        )

    def _go_through(self, first: Net) -> None:
        """Bring the inputs to where layers begin to learn."""
        engine = open_faster(first, self.recipe.batch, len(self.inputs), epochs=1)
        outputs = engine.predict(self.inputs).reshape(-1, *first.wanted)
        self.inputs = np.moveaxis(outputs, -1, 1).reshape(-1, *first.shapes[-1])
        self.fixed = engine.state()

    def _target_scale(self) -> tuple[float, float]:
        if self.problem.task is Task.CLASSES:
            return 0.0, 1.0
        numbers = self.problem.targets[self.training]
        return float(numbers.mean()), float(numbers.std()) or 1.0

    def _wanted(self, rows: Rows) -> NDArray[Any]:
        """What the engine is told of these rows."""
        wanted = self.problem.targets[rows]
        if self.problem.task is Task.NUMBERS:
            return np.asarray((wanted - self.target_mean) / self.target_deviation)[:, None]
        labels = wanted.astype(np.int32)
        counts = np.bincount(labels, minlength=len(self.problem.target.words))
        return targets_for(self.recipe, labels, counts)

    def train(self, listener: Callable[[TableEpoch], object]) -> tuple[TableEpoch, ...]:
        recipe, history = self.recipe, list[TableEpoch]()
        inputs, wanted = self.inputs[self.training], self._wanted(self.training)
        epochs = fit(
            self.engine,
            inputs,
            wanted,
            recipe.schedule,
            recipe.epochs,
            measured=lambda: schedule_losses(history),
        )
        for done in epochs:
            history.append(self._epoch(len(history) + 1, done))
            listener(history[-1])
            if recipe.keep == BEST and best_epoch(history) is history[-1]:
                self.best = self.engine.state()
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
            return require_finite(loss, HELD_BACK), r_squared(wanted, outputs)
        found = score(
            self.recipe.net, outputs, self.problem.targets[self.held_back].astype(np.int32)
        )
        return require_finite(found.loss, HELD_BACK), found.accuracy

    def ending(self, trained: TrainedTable) -> Ending:
        """What is judged of it."""
        test, problem, history = trained.test, self.problem, trained.history
        classes = problem.target.words
        known = trained_shapes(self.learning)
        kept = {name: array for name, array in self.engine.state().items() if name in known}
        confusion = None
        if problem.task is Task.CLASSES:
            wanted = problem.targets[test.rows].astype(np.int32)
            confusion = confusion_of(wanted, test.read, len(classes))
        return Ending(
            net=trained.recipe.net,
            first_loss=history[0].train_loss,
            last_loss=history[-1].train_loss,
            scored=trained.scored_rows,
            unit=problem.unit,
            dead=find_dead_units(self.learning, kept, self.inputs[self.training]),
            confusion=confusion,
            classes=classes,
            r2=None if problem.task is Task.CLASSES else test.score,
        )

    def model(self, kept: TableEpoch) -> TableModel:
        carried = self.fixed | self.engine.state()
        return TableModel(
            self.recipe.net,
            {name: carried[name] for name in trained_shapes(self.recipe.net)},
            self.problem.inputs,
            self.problem.target,
            self.normal.mean,
            self.normal.deviation,
            self.target_mean,
            self.target_deviation,
            {
                "recipe": str(self.recipe),
                "epochs": kept.epoch,
                "rows": len(self.training),
                **self.problem.how_read,
            },
            filling=self.filling,
            windows=self.problem.windows,
        )


@np.errstate(over="ignore", invalid="ignore")
def r_squared(wanted: NDArray[np.floating], said: NDArray[np.floating]) -> float:
    """The share of the variance that the answers explain; 0 for their mean, below for worse."""
    left = float(((wanted - said) ** 2).sum())
    whole = float(((wanted - wanted.mean()) ** 2).sum())
    return 1 - left / whole if whole else float(left == 0)


def score_test(model: TableModel, problem: Problem) -> TableScore:
    """The rows of the test, or without any those trained on, answered by the model."""
    rows = problem.scored_rows
    answers = model.answers(problem.rows[rows])
    wanted = problem.targets[rows]
    if problem.task is Task.CLASSES:
        read, names = likeliest_classes(model.net, answers), problem.target.words
        confusion = confusion_of(wanted.astype(np.int32), read, len(names))
        scores = dict(zip(names, class_scores(confusion), strict=True))
        return TableScore(rows, answers, float((read == wanted).mean()), scores, read=read)
    off = answers[:, 0] - wanted
    with np.errstate(over="ignore"):
        root = require_finite(float(np.sqrt((off**2).mean())), " on the test rows")
    found = r_squared(wanted.astype(np.float64), answers[:, 0])
    return TableScore(rows, answers, found, {}, float(np.abs(off).mean()), root)


# Several seeds.


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    return replace(recipe, net=replace(recipe.net, seed=seed))


def summarise_seeds(trained: Sequence[TrainedTable], folder: Path) -> dict[str, Any]:
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
        "doubts": doubts_by_seed((one.recipe.net.seed, one.doubts) for one in trained),
        "model": None,
        "folder": str(folder),
    }


# The folder.


def write_run(trained: TrainedTable, folder: Path | InnerPath) -> RunFolder:
    """Write down all but the report: recipe, model, epochs, result."""
    run = RunFolder(folder)
    run.begin(trained.recipe)
    columns = [field.name for field in fields(TableEpoch)]
    write_whole(run.csv_file, csv_table(trained.history, columns))
    trained.model.save(run.model_file)
    run.write_result(trained.event | {"model": str(run.model_file), "made_with": surroundings(1)})
    return run
