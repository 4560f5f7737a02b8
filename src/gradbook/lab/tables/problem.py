"""What is to be learned of a table: the column, classes or numbers, and which rows are for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data.columns import Column, ColumnTable, Numbers, by_value, encoded, numbered
from gradbook.data.dataset import dealt
from gradbook.errors import DataError, ShapeError, UsageError
from gradbook.lab.recipes.recipe import BEST, Recipe
from gradbook.lab.recipes.schedule import Schedule
from gradbook.net import Activation, Dense, Net, Update
from gradbook.net.builtin import usual
from gradbook.net.fit import require_classes
from gradbook.net.task import Task

PATIENCE = 30  # epochs without a lower validation loss
FEW_VALUES = 20  # whole numbers that differ: those of classes
ROWS_OF_A_VALUE = 5  # on average, of a class
HIDDEN = 32
LEAST_STEPS, LEAST_EPOCHS, MOST_EPOCHS = 2_000, 20, 200
BATCH, LARGE_BATCH, LARGE = 32, 256, 20_000  # rows from which batches are large


@dataclass(frozen=True, eq=False)
class Problem:
    """A table, the columns it is learned from and the one that is learned."""

    table: ColumnTable
    inputs: tuple[Column, ...]
    target: Column  # its words are the classes; without any it holds numbers
    task: Task

    @cached_property
    def rows(self) -> Numbers:
        return encoded(self.table, self.inputs)

    @cached_property
    def wanted(self) -> NDArray[np.int32] | Numbers:
        """The class of each row, or its number."""
        if self.task is Task.CLASSES:
            return numbered(self.table, self.target)
        return self.table.numbers(self.target.name)

    @cached_property
    def _strata(self) -> NDArray[np.integer]:
        """Of each of these there are as many in every part."""
        if self.task is Task.CLASSES:
            return self.wanted.astype(np.int32)
        return np.zeros(len(self.table), np.int32)

    @cached_property
    def test(self) -> NDArray[np.intp]:
        """A sixth of the rows."""
        return np.flatnonzero(dealt(self._strata) == 0)

    def parts(self, fold: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows to train on and those of the fold that is held back."""
        others = np.flatnonzero(dealt(self._strata) != 0)
        if fold is None:
            return others, others[:0]
        held_back = dealt(self._strata[others]) == fold
        return others[~held_back], others[held_back]


def problem(
    table: ColumnTable, target: str = "", ignored: Sequence[str] = (), task: str | None = None
) -> Problem:
    """The last column, or the one named, learned from all others that aren't ignored."""
    name = table.names[table.place(target)] if target else table.names[-1]
    left_out = {table.names[table.place(other)] for other in ignored}
    if name in left_out:
        raise UsageError(
            f"'{name}' is what is to be learned: name another target, or don't ignore it"
        )
    inputs = tuple(table.column(n) for n in table.names if n != name and n not in left_out)
    if not inputs:
        raise DataError(f"no column is left to learn '{name}' from", file=table.file)
    column = table.column(name)
    task = Task(task) if task else _task(table, column)
    if task is Task.NUMBERS and column.words:
        raise DataError(f"the target '{name}' has words: they can only be classes", file=table.file)
    if task is Task.CLASSES and not column.words:
        column = _classes(table, name)
    if task is Task.CLASSES and len(column.words) < 2:
        raise DataError(
            f"all rows have the same '{name}': there is nothing to learn", file=table.file
        )
    found = Problem(table, inputs, column, task)
    _require_enough(found)
    return found


def _task(table: ColumnTable, column: Column) -> Task:
    """Words are classes, and so are a few whole numbers, each of many rows."""
    if column.words:
        return Task.CLASSES
    values = table.numbers(column.name)
    different = len(np.unique(values))
    few = different <= FEW_VALUES and len(values) >= ROWS_OF_A_VALUE * different
    whole = bool(np.all(values == np.round(values)))
    return Task.CLASSES if few and whole else Task.NUMBERS


def _classes(table: ColumnTable, name: str) -> Column:
    """Numbers as the names of classes, in their order; equal ones are one, in few characters."""
    cells = sorted(set(table.cells(name)), key=lambda cell: (len(cell), cell), reverse=True)
    values = {by_value(cell): cell for cell in cells}
    return Column(name, tuple(values[value] for value in sorted(values)))


def _require_enough(found: Problem) -> None:
    training, held_back = found.parts(0)
    if len(training) < 2 or not len(held_back) or not len(found.test):
        raise DataError(
            f"only {counted(len(found.table), 'row')} to train on, hold back and test: give more",
            file=found.table.file,
        )


def usual_recipe(found: Problem, name: str, held_back: int | None = 0) -> Recipe:
    """A hidden layer, Adam, epochs enough for a few rows; of too many the best is kept."""
    width, rows = found.rows.shape[1], len(found.parts(0)[0])
    if found.task is Task.CLASSES:
        net = usual(width, (HIDDEN,), len(found.target.words))
    else:
        layers = (Dense(HIDDEN), Activation("relu"), Dense(1))
        net = Net((width,), layers, update=Update("adam"))
    batch = LARGE_BATCH if rows >= LARGE else BATCH
    epochs = min(max(ceil(LEAST_STEPS / ceil(rows / batch)), LEAST_EPOCHS), MOST_EPOCHS)
    plain = Recipe(net, Schedule("cosine", net.learning_rate), epochs, batch, name=name)
    if held_back is None:
        return replace(plain, held_back=None)
    return replace(plain, held_back=held_back, early_stop=PATIENCE, keep=BEST)


def require_fit(net: Net, found: Problem) -> None:
    """Refuse a network that doesn't take these columns, or doesn't answer with this one."""
    width = found.rows.shape[1]
    if net.input != (width,):
        raise ShapeError(
            f"{found.table.file} gives {counted(width, 'number')} a row, so begin the network with "
            f"'input {width}'"
        )
    whose = f"'{found.target.name}'"
    if found.task is Task.CLASSES:
        require_classes(net, len(found.target.words), whose)
    elif net.outputs != 1:
        raise ShapeError(
            f"{whose} has numbers, but the network has {net.outputs} outputs: end it with 'dense 1'"
        )
