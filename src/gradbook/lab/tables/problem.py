"""What is to be learned of a table: the column, classes or numbers, and which rows are for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, short
from gradbook.data.dataset import balance_remark, dealt
from gradbook.data.formats.cells import is_missing
from gradbook.data.tables import Column, ColumnTable, Numbers, encoded, table_remarks
from gradbook.errors import DataError, ShapeError, UsageError, one_line
from gradbook.lab.recipes.recipe import BEST, Recipe
from gradbook.lab.recipes.schedule import Schedule
from gradbook.net import Activation, Dense, Net, Update
from gradbook.net.builtin import usual
from gradbook.net.fit import require_classes
from gradbook.net.task import Task

MEAN, MEDIAN, REFUSE = WAYS = ("mean", "median", "refuse")  # with missing values
PATIENCE = 30  # epochs without a lower validation loss
MOST_NAMED = 6  # columns in one remark
FEW_VALUES = 20  # whole numbers that differ: those of classes
ROWS_OF_A_VALUE = 5  # on average, of a class
HIDDEN = 32
LEAST_STEPS, LEAST_EPOCHS, MOST_EPOCHS = 2_000, 20, 200
BATCH, LARGE_BATCH, LARGE = 32, 256, 20_000  # rows from which batches are large


@dataclass(frozen=True, eq=False)
class Problem:
    """A table, the columns it is learned from and the one that is learned.

    With `everything` no rows are held back, and none are kept for the test.
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
        return encoded(self.table, self.inputs)

    @cached_property
    def wanted(self) -> NDArray[np.int32] | Numbers:
        """The class of each row, or its number."""
        if self.task is Task.CLASSES:
            return self.table.words(self.target)
        return self.table.values(self.target)

    @cached_property
    def _strata(self) -> NDArray[np.integer]:
        """Of each of these there are as many in every part."""
        if self.task is Task.CLASSES:
            return self.wanted.astype(np.int32)
        return np.zeros(len(self.table), np.int32)

    @cached_property
    def test(self) -> NDArray[np.intp]:
        """A sixth of the rows."""
        kept = np.flatnonzero(dealt(self._strata) == 0)
        return kept[:0] if self.everything else kept

    @property
    def scored(self) -> NDArray[np.intp]:
        """The rows that the model is scored by: of the test, or else those trained on."""
        return np.arange(len(self.table)) if self.everything else self.test

    def parts(self, fold: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows to train on and those of the fold that is held back."""
        if self.everything:
            return self.scored, self.test
        others = np.flatnonzero(dealt(self._strata) != 0)
        if fold is None:
            return others, others[:0]
        held_back = dealt(self._strata[others]) == fold
        return others[~held_back], others[held_back]

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
                    f"no row that is trained on has a value of it: leave it out with --ignore "
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
        if filling is not None and (said := filled_in(self.inputs, self.rows, filling)):
            found.append(
                f"{said} (by the {self.missing} of the rows trained on, words by the commonest)"
            )
        if self.task is Task.CLASSES and not recipe.class_weights:
            counts = np.bincount(self.wanted.astype(np.int32), minlength=self.target.width).tolist()
            found += balance_remark(self.target.words, counts, "row")
        if self.everything:
            found.append(
                "all rows are trained on and none are held back: how it does on others isn't known"
            )
        return found


def filled_in(inputs: Sequence[Column], rows: Numbers, filling: Numbers) -> str:
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
        raise UsageError(
            f"'{name}' is what is to be learned: name another target, or don't ignore it"
        )
    table, remarks = _with_target(table, name, missing)
    given = [n for n in table.names if n != name and n not in left_out]
    empty = [n for n in given if not table.holds(n)]
    if empty:
        remarks.append(one_line(f"nothing stands in {', '.join(empty)}: left out"))
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
        raise DataError(f"the target '{name}' has words: they can only be classes", file=table.file)
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
        raise DataError("nothing stands in it: name another target", file=table.file, column=name)
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
    if len(training) < 2 or not len(held_back) or not len(found.scored):
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
    if held_back is None or found.everything:
        return replace(plain, held_back=None, tests=not found.everything)
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
