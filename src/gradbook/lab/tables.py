"""Networks for tables: the column to learn, the training rows, and the result."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from math import ceil, prod
from pathlib import Path
from typing import Any, ClassVar, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.arguments import one_of
from gradbook.data.dataset import balance_remark, deal_folds, training_parts
from gradbook.data.formats.pixel_table import holds_pixels
from gradbook.data.tables import (
    NAMED,
    SUFFIXES,
    Column,
    ColumnTable,
    Numbers,
    encode,
    named_table,
    read_columns,
    table_remarks,
)
from gradbook.engine.base import Engine
from gradbook.engine.engines import open_faster
from gradbook.errors import DataError, ShapeError, UsageError, one_line
from gradbook.lab.models.answers import FinalScore
from gradbook.lab.models.model import Model
from gradbook.lab.models.recorded import RecordedWindows
from gradbook.lab.models.table_columns import TableColumns, filling_remark
from gradbook.lab.problem import (
    About,
    AdaptedRecipe,
    Material,
    Normal,
    Problem,
    Rows,
    Samples,
    Split,
    SplitAsked,
    Values,
    require_last_batch,
    with_default_loss,
)
from gradbook.lab.recipes.recipe import (
    BEST,
    UNWARPED,
    Recipe,
    Schedule,
    fitting_batch,
    smaller_batches,
    with_fitting_batch,
)
from gradbook.layers import Role
from gradbook.net import Activation, Dense, Net, Update
from gradbook.net.description import Task
from gradbook.net.fit import require_classes
from gradbook.net.network import fixed_beginning, usual
from gradbook.schema import Choice, ListOf, PlainText, Schema

# The task ---------------------------------------------------------------------

MEAN, MEDIAN, REFUSE = WAYS = ("mean", "median", "refuse")  # for missing values
PATIENCE = 30  # epochs without a lower validation loss
FEW_VALUES = 20  # different whole numbers: at most so many are classes
ROWS_OF_A_VALUE = 5  # on average, in a class
HIDDEN = 32
RATE, DECAY = 0.003, 1.0
LEAST_STEPS, LEAST_EPOCHS, MOST_EPOCHS = 2_000, 20, 400
KIND = "table"  # in the record of a run
KEPT = Schema(
    kind=Choice(KIND),
    target=PlainText(),
    ignored=ListOf(PlainText()),
    task=Choice(*Task),
    missing=Choice(*WAYS),
    decimal=PlainText(),
    dates=PlainText(),
)
BATCH, LARGE_BATCH, LARGE = 32, 256, 20_000  # batches are large for so many rows
Learned = TypeVar("Learned", bound="TableProblem")


@dataclass(frozen=True, eq=False)
class TableProblem(Problem):
    """A table with its input columns and the target column.

    With `everything` no rows are held out for the test, and without a `split` none are held back.
    """

    table: ColumnTable
    inputs: tuple[Column, ...]
    target: Column  # its words are the classes; without words, it contains numbers
    task: Task
    missing: str = MEAN  # the replacement of missing numbers
    everything: bool = False
    remarks: tuple[str, ...] = ()  # on how the table was read
    split: Split | None = None  # otherwise a sixth for the test, and a fold of the others
    weights: Numbers | None = None  # of each row
    start: Model | None = None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def rows(self) -> Numbers:
        """The inputs of each row; NaN for a missing one."""
        return encode(self.table, self.inputs)

    @cached_property
    def targets(self) -> NDArray[np.int32] | Numbers:
        """The class of each row, or its number."""
        if self.task is Task.CLASSES:
            return self.table.words(self.target)
        return self.table.values(self.target)

    def folds_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The folds of these rows, with each class in equal parts."""
        if self.task is Task.CLASSES:
            return deal_folds(self.targets[rows].astype(np.int32))
        return deal_folds(np.zeros(len(rows), np.int32))

    @cached_property
    def _first_folds(self) -> NDArray[np.uint8]:
        return self.folds_of(np.arange(len(self)))

    @cached_property
    def test_rows(self) -> Rows:
        """The rows held out for the test: a sixth, unless they are given."""
        if self.split:
            return self.split.test
        if self.everything:
            return np.empty(0, np.intp)
        return np.flatnonzero(self._first_folds == 0)

    @property
    def scored_rows(self) -> NDArray[np.intp]:
        """The rows that the model is scored on: those of the test, or else the training rows."""
        if self.split and self.everything:
            return self.split.training
        return np.arange(len(self)) if self.everything else self.test_rows

    def parts(self, fold: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The training rows and the rows of the fold that is held back."""
        if self.split:
            training, held_back = self.split.training, self.split.held_back
            if fold is None and len(held_back):
                return np.sort(np.concatenate([training, held_back])), held_back[:0]
            return training, held_back
        if self.everything:
            return self.scored_rows, self.test_rows
        return training_parts(self._first_folds, self.folds_of, fold)

    def filling(self, fold: int | None) -> Numbers | None:
        """The replacement of the missing values of each input: the mean or median of its training
        rows, or their commonest word; empty if no value is missing.
        """
        if self.missing == REFUSE or (self.missing == MEAN and not np.isnan(self.rows).any()):
            return None
        rows, values, first = self.rows[self.parts(fold)[0]], list[Numbers](), 0
        for column in self.inputs:
            here = rows[:, first : first + column.width]
            here = here[~np.isnan(here[:, 0])]
            if not len(here):
                raise DataError(
                    f"it has no value in any training row: leave it out with "
                    f"--set 'ignore {column.name}'",
                    file=self.table.file,
                    column=column.name,
                )
            if column.words:
                values.append(np.eye(column.width)[here.sum(axis=0).argmax()])
            else:
                values.append((np.median if self.missing == MEDIAN else np.mean)(here, axis=0))
            first += column.width
        return np.concatenate(values)

    def remarks_for(self, recipe: Recipe) -> list[str]:
        """Remarks: how the table was read, the replacement of missing values, balance."""
        lines = list(self.remarks)
        filling = self.filling(recipe.held_back)
        if filling is not None and (filled := filling_remark(self.inputs, self.rows, filling)):
            lines.append(
                f"{filled} (by the {self.missing} of the training rows, words by the commonest)"
            )
        if self.task is Task.CLASSES and not recipe.class_weights:
            lines += balance_remark(self.target.words, self.counts(), self.unit)
        if self.everything and not len(self.parts(recipe.held_back)[1]):
            lines.append(
                f"it trains on all {self.unit}s and holds none back: its score on others "
                "isn't known"
            )
        return lines

    def counts(self) -> list[int]:
        """The number of rows in each class."""
        labels = self.targets.astype(np.int32)
        counts: list[int] = np.bincount(labels, minlength=self.target.width).tolist()
        return counts

    # Overridden where a row is a window of a signal.

    unit: ClassVar[str] = "row"
    remedy: ClassVar[str] = "give more"  # if there are too few rows

    @property
    def output_count(self) -> int:
        """The number of numbers that are learned of each row."""
        return 1

    @property
    def inputs_in_words(self) -> str:
        """The inputs, in words."""
        return ", ".join(column.name for column in self.inputs)

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that identify a row for a reader."""
        return tuple(column.name for column in self.inputs)

    @property
    def beginning(self) -> str:
        """The beginning of a network for it, in words."""
        return f"'input {self.rows.shape[1]}', or with as many steps x features"

    def normal(self, rows: Numbers, weights: Numbers | None, chosen: Rows | None) -> Normal:
        """The mean and deviation of each number in these rows, or in those chosen."""
        return Normal.of(rows, rows.shape[1], weights, chosen)

    @property
    def how_read(self) -> dict[str, Any]:
        """The settings with which a model's data were read, so that they can be read again."""
        return {}

    @property
    def record(self) -> dict[str, Any]:
        known = {self.target.name, *(column.name for column in self.inputs)}
        return {
            "kind": KIND,
            "target": self.target.name,
            "ignored": [name for name in self.table.names if name not in known],
            "task": str(self.task),
            "missing": self.missing,
            "decimal": self.table.decimal,
            "dates": self.table.dates,
        }

    def words_to_repeat(self) -> list[str]:
        """The options with which a command reads the same data, beside the target."""
        record = self.record
        usual = {"target": self.table.names[-1], "missing": MEAN}
        known = {"task": record["task"], "ignore": ",".join(record["ignored"])}
        known |= {name: record[name] for name in ("missing", "decimal", "dates")}
        lines = [f"{name} {value}" for name, value in known.items() if value != usual.get(name, "")]
        target = ["--target", record["target"]] if record["target"] != usual["target"] else []
        return [*target, *(word for line in lines for word in ("--set", line))]

    # For a training.

    columns: ClassVar[Mapping[str, str]] = {
        **{name: name for name in ("epoch", "rate", "train_loss", "validation_loss")},
        "validation_accuracy": "validation_score",
        "seconds": "seconds",
    }

    @property
    def title(self) -> str:
        return self.table.file

    @property
    def classes(self) -> tuple[str, ...]:
        return self.target.words if self.task is Task.CLASSES else ()

    @property
    def about(self) -> Mapping[str, Any]:
        return {"data": self.table.file, "target": self.target.name, "task": str(self.task)}

    @property
    def score_name(self) -> str:
        if self.task is Task.CLASSES:
            return "training_accuracy" if self.everything else "test_accuracy"
        return "training_r2" if self.everything else "r2"

    def test_count(self) -> int:
        return len(self.test_rows)

    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        """The recipe with the usual loss if it has none; the network must fit the table."""
        require_fit(recipe.net, self)
        if recipe.find_rate:
            raise UsageError("a range test works only with images: write a rate for a table")
        if recipe.warp.changes_images:
            raise UsageError("only images can be warped, not the rows of a table: remove the warp")
        if recipe.statistics == UNWARPED:
            raise UsageError("the rows of a table are never warped: remove the statistics")
        if not self.classes and recipe.class_weights:
            raise UsageError("numbers have no classes to weight: remove the class weights")
        net, loss_remarks = with_default_loss(recipe.net, self.task)
        self.require_loss(net)
        recipe = replace(recipe, net=net)
        fitted = with_fitting_batch(recipe, len(self.parts(recipe.held_back)[0]))
        remarks = [*self.remarks_for(recipe), *loss_remarks, *smaller_batches(recipe, fitted)]
        return AdaptedRecipe(replace(fitted, adapts=frozenset()), tuple(remarks), self)

    def require_loss(self, net: Net) -> None:
        """Refuse a loss that isn't meant for the target."""
        if self.task is Task.NUMBERS and net.objective.is_entropy:
            raise UsageError(
                f"{net.objective} is for classes: use 'mean squared error' for numbers"
            )

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[Material, Engine]:
        parts = fixed_beginning(recipe.net)
        count = len(self._trained_rows(recipe))
        kind = self.kind_of_engine(parts[1] if parts else recipe.net, recipe, count)
        material = self.material(recipe, np.float64 if kind == "plain" else np.float32)
        return material, self.opened(material, recipe, kind, threads)

    def _trained_rows(self, recipe: Recipe) -> Rows:
        training = self.parts(recipe.held_back)[0]
        return training if self.weights is None else training[self.weights[training] > 0]

    def material(self, recipe: Recipe, real: type[np.floating[Any]] = np.float64) -> TableMaterial:
        """The arrays to train on, in the precision of an engine."""
        training, held_back = self._trained_rows(recipe), self.parts(recipe.held_back)[1]
        filling = self.filling(recipe.held_back)
        rows, weights = self.rows, None
        if self.weights is not None:
            weights = self.weights[training] / self.weights[training].mean()
        if filling is not None:
            rows = np.where(np.isnan(rows), filling, rows)
        scales = self._scales_of_start
        are_all = len(training) == len(rows) and bool((np.diff(training) == 1).all())
        normal = scales or self.normal(rows, weights, None if are_all else training)
        learning, fixed = recipe.net, dict[str, NDArray[Any]]()
        inputs, others = (normal.scaled(rows, part, real) for part in (training, held_back))
        if parts := fixed_beginning(recipe.net):
            first, learning = parts  # each row needs to go through these layers only once
            engine = open_faster(first, recipe.batch, len(rows))
            outputs = (engine.predict(part).reshape(-1, *first.wanted) for part in (inputs, others))
            by_step = (np.moveaxis(part, -1, 1) for part in outputs)  # as the next layers take it
            inputs, others = (part.reshape(-1, *first.shapes[-1]) for part in by_step)
            fixed = engine.state()
        require_last_batch(recipe.net, len(training), recipe.batch)
        spread = self.spread(recipe.net, training)
        if scales and self.start and self.start.columns and self.task is Task.NUMBERS:
            spread = self.start.columns.target_mean, self.start.columns.target_deviation
        wanted = self.learned(self.targets, *spread)
        mark = zlib.crc32(np.ascontiguousarray(self.rows).data)
        if scales:
            mark = zlib.crc32(scales.mean.tobytes() + scales.deviation.tobytes(), mark)
        return TableMaterial(
            net=learning,
            samples=Samples(inputs, wanted[training], weights),
            numbers=np.arange(len(training)),
            held_back=Samples(others, wanted[held_back]) if len(held_back) else None,
            mark=zlib.crc32(np.ascontiguousarray(self.targets).tobytes(), mark),
            fixed=fixed,
            filling=filling,
            normal=normal,
            spread=spread,
        )

    @property
    def _scales_of_start(self) -> Normal | None:
        """The scales of the inputs of a model that it starts from, if that reads such rows."""
        if self.start is None or len(self.start.mean) != self.rows.shape[1]:
            return None
        return Normal(np.array(self.start.mean), np.array(self.start.deviation))

    def spread(self, net: Net, training: Rows) -> tuple[Any, Any]:
        """The mean and deviation with which the numbers of these rows are learned."""
        if self.task is Task.CLASSES:
            return 0.0, 1.0
        spread = self.spread_of_each(training)
        return spread.mean.item(), spread.deviation.item()

    def spread_of_each(self, rows: Rows) -> Normal:
        """The mean and deviation of each target number in these rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Normal.of(self.targets[rows], self.output_count, weights)

    def learned(self, wanted: NDArray[Any], mean: Any, deviation: Any) -> NDArray[Any]:
        """Targets as the network learns them: classes by number, numbers on its scale."""
        if self.task is Task.CLASSES:
            return wanted.astype(np.int32)
        return np.asarray((wanted - mean) / deviation).reshape(len(wanted), -1)

    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Model:
        assert isinstance(material, TableMaterial)
        kept = {name: about[name] for name in ("recipe", "epochs")}
        refused = {"missing": REFUSE} if self.missing == REFUSE else {}
        model = Model(
            recipe.net,
            values,
            material.normal.mean,
            material.normal.deviation,
            self.target.words,
            {**kept, "rows": len(material.numbers), **refused, **self.how_read},
            columns=TableColumns(
                self.inputs,
                self.target,
                *material.spread,
                filling=material.filling,
                windows=self.windows,
            ),
        )
        if self.classes and not self.windows:
            model.trained_on = partial(self.calibration, recipe)
        return model

    def calibration(self, recipe: Recipe) -> RecordedWindows:
        """Rows to calibrate whole numbers on, and rows to score them."""
        training, scored = self.rows[self.parts(recipe.held_back)[0]], self.scored_rows
        what = f"{self.unit}s trained on" if self.everything else f"test {self.unit}s"
        labels = self.targets[scored].astype(np.int64)
        return RecordedWindows(training, self.rows[scored], labels, what)

    def test(self, recipe: Recipe, engine: Engine, model: Model) -> FinalScore:
        rows = np.sort(self.scored_rows)
        chosen = self.rows if len(rows) == len(self) else self.rows[rows]
        return replace(model.score_of(chosen, self.targets[rows]), rows=rows)

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        figures = super().figures(test)
        if test and self.task is Task.NUMBERS:
            for name in ("mean_absolute_error", "root_mean_squared_error"):
                figures[name] = getattr(test, name)
            if len(test.numbers) > 1:
                figures["numbers"] = {name: asdict(each) for name, each in test.numbers.items()}
        return figures


@dataclass(frozen=True, eq=False, kw_only=True)
class TableMaterial(Material):
    """The training rows, scaled to mean 0 and deviation 1, with the scaling."""

    filling: Numbers | None
    normal: Normal
    spread: tuple[Any, Any]  # mean and deviation of the target numbers


def problem(
    table: ColumnTable,
    target: str = "",
    ignored: Sequence[str] = (),
    task: str | None = None,
    missing: str = MEAN,
    everything: bool = False,
    asked: SplitAsked | None = None,
) -> TableProblem:
    """The problem of the last column, or of the one named, with all columns that aren't ignored."""
    name = table.names[table.place(target)] if target else table.names[-1]
    left_out = {table.names[table.place(other)] for other in ignored}
    if name in left_out:
        raise UsageError(f"'{name}' is the target: name another target, or don't ignore this one")
    table, remarks = rows_with_target(table, name, missing)
    names = [n for n in table.names if n != name and n not in left_out]
    empty = [n for n in names if not table.holds(n)]
    if empty:
        remarks.append(one_line(f"{', '.join(empty)} has no values: left out"))
    inputs = tuple(table.column(n) for n in names if n not in empty)
    if not inputs:
        raise DataError(f"no column is left to predict '{name}' from", file=table.file)
    if missing == REFUSE:
        table.require_complete(inputs)
    column = table.column(name)
    if column.dates:
        raise DataError(
            f"the target '{name}' contains dates: convert them to numbers, such as days",
            file=table.file,
        )
    remarks = [*table_remarks(table, (*inputs, column), trained=True), *remarks]
    if task:
        task = Task(task)
    else:
        are_classes = column.words or column.style.truths
        task = Task.CLASSES if are_classes else task_of(table.values(column))
    if task is Task.NUMBERS and column.words:
        raise DataError(
            f"the target '{name}' contains words, which can only be classes", file=table.file
        )
    if task is Task.CLASSES and not column.words:
        column = _classes(table, column)
    if task is Task.CLASSES and len(column.words) < 2:
        raise DataError(
            f"all rows have the same '{name}': there is nothing to learn", file=table.file
        )
    table_problem = TableProblem(table, inputs, column, task, missing, everything, tuple(remarks))
    return divided(table_problem, asked or SplitAsked())


def divided(problem: Learned, asked: SplitAsked) -> Learned:
    """The problem with its rows divided as asked."""
    labels = problem.targets if problem.task is Task.CLASSES else np.zeros(len(problem), np.int32)
    if split := asked.split(labels.astype(np.int32)):
        problem = replace(problem, split=split, everything=not len(split.test))
    problem = replace(problem, weights=asked.weights)
    _require_enough(problem)
    return problem


@dataclass(frozen=True)
class TableAsked:
    """What is said about a table that is named, in the words of `gradbook train --set`."""

    target: str = ""
    ignore: tuple[str, ...] = ()
    task: str | None = None
    missing: str = MEAN
    decimal: str = ""
    dates: str = ""

    def problem(
        self, name: str, everything: bool = False, asked: SplitAsked | None = None
    ) -> TableProblem:
        """The problem of this table, a file or one that is included."""
        how = self.decimal, self.dates
        table = named_table(name) if name in NAMED else read_columns(name, *how)
        missing = one_of("missing", self.missing, WAYS)
        return problem(table, self.target, self.ignore, self.task, missing, everything, asked)


def names_between_commas(words: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (words or "").split(",") if name.strip())


def read_problem(data: str, kept: Mapping[str, Any], everything: bool) -> TableProblem:
    """The problem of a run again, from its record."""
    known = KEPT.read(kept)
    how = {name: known[name] for name in ("target", "task", "missing", "decimal", "dates")}
    return TableAsked(ignore=tuple(known["ignored"]), **how).problem(data, everything)


def rows_with_target(table: ColumnTable, name: str, missing: str) -> tuple[ColumnTable, list[str]]:
    """The rows in which the target has a value, and a remark on the others."""
    place, evidence = table.place(name), table.evidence(table.place(name))
    of_words = not (evidence.holds_numbers or evidence.holds_dates)
    kept = ~table.missing(place, of_words)
    gone = len(table) - int(kept.sum())
    if not gone:
        return table, []
    if not kept.any():
        raise DataError("it has no values: name another target", file=table.file, column=name)
    if missing == REFUSE:
        table.require_complete([Column(name, ("",) * of_words)])
    return table.only(kept), left_out_remark(gone, name)


def left_out_remark(gone: int, name: str) -> list[str]:
    """A remark on rows that have no target."""
    verb = "has" if gone == 1 else "have"
    return [one_line(f"{counted(gone, 'row')} {verb} no {name}: left out")] if gone else []


def task_of(values: Numbers) -> Task:
    """The task that numbers suggest: classes for few whole numbers with many rows each."""
    different = len(np.unique(values))
    few = different <= FEW_VALUES and len(values) >= ROWS_OF_A_VALUE * different
    whole = bool(np.all(values == np.round(values)))
    return Task.CLASSES if few and whole else Task.NUMBERS


def _classes(table: ColumnTable, column: Column) -> Column:
    """Numbers as the names of classes, in order; equal ones become one, in few characters."""
    place = table.place(column.name)
    cells = set(table.texts(place))
    shortest = sorted(cells, key=lambda cell: (len(cell), cell), reverse=True)
    values = {column.style.value(cell) or 0.0: cell for cell in shortest}
    return replace(column, words=tuple(values[value] for value in sorted(values)))


def _require_enough(problem: TableProblem) -> None:
    training, held_back = problem.parts(0)
    needs_more = problem.everything or problem.split
    if len(training) < 2 or not (len(held_back) or needs_more) or not len(problem.scored_rows):
        raise DataError(
            f"only {counted(len(problem), 'row')} to train on, hold back and test: "
            f"{problem.remedy}",
            file=problem.table.file,
        )


def is_table(
    name: str | None, is_asked: bool = False, recipe: Recipe | None = None
) -> TypeGuard[str]:
    """Whether it is a table of measurements rather than of pixels: if that `is_asked`, if its rows
    aren't pixels, or if its headings aren't those of pixels and the recipe reads none."""
    if not name or name in NAMED:
        return bool(name)
    if not (name.lower().endswith(SUFFIXES) and os.path.isfile(name)):
        return False
    reads_images = recipe is not None and len(recipe.net.input) == 3
    return is_asked or not holds_pixels(Path(name), named_so=not reads_images)


def usual_recipe(problem: TableProblem, name: str, held_back: int | None = 0) -> Recipe:
    """A hidden layer, AdamW, and enough epochs for few rows; the best epoch is kept.

    The rate and the decay were chosen on validation rows of small tables: without
    decay a network learns a thousand rows by heart.
    """
    width, rows = problem.rows.shape[1], len(problem.parts(0)[0])
    if problem.task is Task.CLASSES:
        net = usual(width, (HIDDEN,), len(problem.target.words))
    else:
        net = Net((width,), (Dense(HIDDEN), Activation("relu"), Dense(problem.output_count)))
    net = replace(net, update=Update("adamw"), rate=RATE, decay={Role.WEIGHT: DECAY})
    batch = fitting_batch(LARGE_BATCH if rows >= LARGE else BATCH, rows)
    epochs = min(max(ceil(LEAST_STEPS / ceil(rows / batch)), LEAST_EPOCHS), MOST_EPOCHS)
    return along_a_cosine(problem, net, epochs, batch, name, held_back)


def along_a_cosine(
    problem: TableProblem, net: Net, epochs: int, batch: int, name: str, held_back: int | None
) -> Recipe:
    """A rate that falls like a cosine; the best epoch if a fold is held back."""
    plain = Recipe(net, Schedule("cosine", net.learning_rate), epochs, batch, name=name)
    if held_back is None or problem.everything:
        return replace(plain, held_back=None, tests=not problem.everything)
    return replace(plain, held_back=held_back, early_stop=PATIENCE, keep=BEST)


def require_fit(net: Net, problem: TableProblem) -> None:
    """Refuse a network with other inputs than these columns or other outputs than this target."""
    width = problem.rows.shape[1]
    if prod(net.input) != width:
        raise ShapeError(
            f"{problem.table.file} gives {counted(width, 'number')} per {problem.unit}, so begin "
            f"the network with {problem.beginning}"
        )
    whose = f"'{problem.target.name}'"
    if problem.task is Task.CLASSES:
        require_classes(net, len(problem.target.words), whose)
    elif net.outputs != problem.output_count:
        raise ShapeError(
            f"{whose} has numbers, but the network has {net.outputs} outputs: end it with "
            f"'dense {problem.output_count}'"
        )
