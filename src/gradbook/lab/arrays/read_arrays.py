"""Reads arrays, data frames and targets of a caller: rows of numbers, and what is learned of each.

NaN, infinities and other lengths are refused with their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.frames import NUMBERS, NamedColumns
from gradbook.data.tables import MOST_NUMBERS, Column, Numbers, require_names
from gradbook.errors import DataError, LimitError, ShapeError, UsageError, one_line
from gradbook.graph.window import Shape
from gradbook.lab.models.answers import class_numbers, label_name, number_names
from gradbook.lab.models.input_range import InputRange, all_finite
from gradbook.lab.models.table_columns import channels_first, spell_out
from gradbook.lab.tables import task_of
from gradbook.layers import spell
from gradbook.layers.card import AnswerKind
from gradbook.net import Net
from gradbook.net.description import Task

Given = ArrayLike | Mapping[str, ArrayLike]
FRAME, INPUTS, TARGETS = "the data frame", "the inputs", "the targets"
GIVEN = "the data"  # where a message names a file otherwise
LEAST_CLASSES = 2
INSIDE = {"M": "dates", "m": "durations", "c": "complex numbers"}  # by kind of array


def plain_array(data: Any, what: str) -> NDArray[Any]:
    """An argument as an array of numbers, or of labels."""
    if hasattr(data, "toarray"):
        raise UsageError(f"{what} are sparse: give their .toarray()")
    if np.ma.is_masked(data):
        raise UsageError(f"some of {what} are masked: fill them in, or leave these rows out")
    try:
        array = np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        why = one_line(str(error)).strip().rstrip(".")
        remedy = "as many for each sample" if "inhomogeneous" in why else "as NumPy can read them"
        raise ShapeError(f"{what} are no array ({why}): give numbers, {remedy}") from None
    if array.dtype == object:
        with_numbers = _as_numbers(array)
        array = array if with_numbers is None else with_numbers
    return array


def _as_numbers(array: NDArray[Any]) -> NDArray[Any] | None:
    """Objects as numbers if they are, or as yes and no, None being a missing one."""
    present = [value for value in array.flat if not is_unknown(value)]
    if any(isinstance(value, str | bytes) for value in present):
        return None
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return None if len(present) < array.size else array.astype(bool)
    try:
        flat = [np.nan if is_unknown(value) else value for value in array.flat]
        return np.array(flat, np.float64).reshape(array.shape)
    except (TypeError, ValueError):
        return None


def sizes_of(array: NDArray[Any]) -> str:
    return "one number" if not array.ndim else f"an array of shape {array.shape}"


def is_unknown(value: Any) -> bool:
    """Whether a value is missing: None, or NaN of any library."""
    if isinstance(value, float):
        return isnan(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")  # of pandas


def frame_of(data: Any) -> NamedColumns | None:
    """The columns of a data frame, or nothing if an argument has none."""
    if data is None or hasattr(data, "toarray"):
        return None
    frame = NamedColumns.of(data)
    return frame if frame and frame.keys else None


@dataclass(frozen=True, eq=False)
class ReadRows:
    """Rows of numbers as a problem has them, and their columns."""

    rows: Numbers
    columns: tuple[Column, ...]
    shape: Shape  # of each row; () for tokens
    are_named: bool = False
    range: InputRange | None = None  # of numbers without names


class ArrayReader:
    """Reads arrays of one layout: rows, sequences, tokens or numbers of images."""

    def __init__(self, first: NDArray[Any], net: Net | None) -> None:
        self.net, self.sides = net, first.shape[1:]
        size = net.input if net else self.sides
        are_pictures = len(size) == 3 or (len(size) == 1 and len(self.sides) > 1)
        has_range = first.dtype.kind in NUMBERS and not (net and net.tokens)
        self.range = InputRange.of(first, are_pictures) if has_range else None

    def __call__(self, data: Any, what: str) -> ReadRows:
        array = plain_array(data, what)
        if array.dtype.kind not in NUMBERS:
            raise UsageError(
                f"{what} have {INSIDE.get(array.dtype.kind, 'words')} in them: give numbers, a "
                "data frame, or a mapping of names to columns"
            )
        if array.shape[1:] != self.sides:
            raise ShapeError(
                f"{what} have {spell(array.shape[1:])} numbers for each sample, but the others "
                f"have {spell(self.sides)}"
            )
        require_finite(array, what)
        if self.range:
            self.range.require(array)
        net, shape = self.net, self.sides
        if net is not None and net.tokens and shape not in (net.input[:1], net.input):
            many = f"'input tokens {shape[0]} of {net.input[1]}'"
            if len(shape) == 1 and shape[0] != prod(net.input):
                raise ShapeError(
                    f"{what} have {shape[0]} tokens for each sample, but the network takes "
                    f"{net.input[0]}: begin it with {many}"
                )
        if net is not None and net.tokens and shape == net.input[:1]:
            if array.size * net.input[1] > MOST_NUMBERS:
                raise LimitError(f"{array.size:,} tokens of {net.input[1]:,} kinds are too many")
            rows, shape = spell_out(array.astype(np.float64), net.input[1], what), ()
        else:
            if net is not None:
                array = channels_first(array, net.input)
                shape = self._row_shape(array.shape[1:], net.input, what)
            rows = array.reshape(len(array), prod(array.shape[1:]))
            if rows.dtype not in (np.float32, np.float64):  # which are read where they are
                rows = rows.astype(np.float64)
        columns = tuple(Column(f"x{k}") for k in range(1, rows.shape[1] + 1))
        return ReadRows(rows, columns, shape, range=self.range)

    @staticmethod
    def _row_shape(shape: Shape, size: Shape, what: str) -> Shape:
        """A row's shape as the network takes it; flat rows may be given for any."""
        if prod(shape) != prod(size):
            return shape
        if shape != size and min(len(shape), len(size)) > 1:
            raise ShapeError(
                f"{what} are {spell(shape)} for each sample, but the network takes {spell(size)}: "
                f"transpose them, or begin it with 'input {spell(shape)}'"
            )
        return size


def require_finite(array: NDArray[Any], what: str) -> None:
    """Refuse NaN and infinities, and name the first one's place."""
    if array.dtype.kind != "f" or all_finite(array):
        return
    row, *places = np.argwhere(~np.isfinite(array))[0].tolist()
    column = ", ".join(str(place + 1) for place in places) if places else None
    value = array[(row, *places)]
    remedy = "fill it in or leave the row out" if np.isnan(value) else "leave the row out"
    raise DataError(
        f"{value} isn't a finite number: {remedy}", file=what, row=row + 1, column=column
    )


class FrameReader:
    """Reads other frames with these columns as rows."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns

    def __call__(self, data: Any, what: str) -> ReadRows:
        frame = frame_of(data)
        if frame is None:
            raise UsageError(f"{what} need columns with names, as the data frame has")
        require_names([column.name for column in self.columns], frame.names, what)
        rows = frame.rows(self.columns, frame.names, complete=False)
        return ReadRows(rows, self.columns, (rows.shape[1],), True)


# Targets ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Goal:
    """What is learned of each sample: the number of its class, or a number, or several."""

    values: NDArray[Any]  # whole numbers for classes
    task: Task
    column: Column
    outputs: tuple[str, ...] = ()
    are_labels: bool = False
    kinds: tuple[Any, ...] = ()  # the classes as the caller has them
    is_one_hot: bool = False

    def as_here(self, targets: Any, count: int, what: str) -> NDArray[Any]:
        """Other targets in this form."""
        values, _ = target_array(targets, count, what)
        if self.is_one_hot and values.ndim == 2:
            return np.asarray(values.argmax(axis=1), np.int32)
        if self.task is Task.CLASSES and values.ndim == 1:
            return class_numbers(values, self.kinds, what)
        if values.shape[1:] != self.values.shape[1:] or values.dtype.kind not in NUMBERS:
            raise ShapeError(f"{what} are {sizes_of(values)}, unlike those that are trained on")
        require_finite(values, what)
        return np.asarray(values, np.float64)


def target_array(targets: Any, count: int, what: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Targets as an array with a row for each sample, and the names of their columns, if any."""
    names: tuple[str, ...] = ()
    if frame := frame_of(targets):
        columns = [plain_array(frame.array(key), what) for key in frame.keys]
        array, names = np.stack(columns, axis=1), frame.names
    else:
        array = plain_array(targets, what)
        if getattr(targets, "name", None) is not None and array.ndim == 1:
            names = (str(targets.name),)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if not array.ndim or len(array) != count:
        length = len(array) if array.ndim else 1
        raise ShapeError(
            f"{what}: {counted(length, 'target')} for {counted(count, 'row')} of inputs: give one "
            "for each"
        )
    if array.ndim > 2:
        raise ShapeError(
            f"{what} are {sizes_of(array)}: give a label, or a row of numbers, for each"
        )
    return array, names


def read_targets(targets: Any, count: int, net: Net | None, task: Task | None, name: str) -> Goal:
    """What these targets ask of the network."""
    array, names = target_array(targets, count, TARGETS)
    name = name or (names[0] if len(names) == 1 else "y")
    if array.dtype.kind in "fiu":
        require_finite(array, TARGETS)
    if array.dtype.kind in INSIDE:
        raise UsageError(f"the targets are {INSIDE[array.dtype.kind]}: give numbers or labels")
    if array.ndim == 2:
        return _several(array, names, net, task, name)
    if task is None:
        task = task_for(array, net)
    if task is Task.CLASSES:
        return _classes(array, net, name)
    if array.dtype.kind not in NUMBERS:
        raise UsageError(f"the targets are words, such as {label_name(array[0])!r}: not numbers")
    return Goal(array.astype(np.float64), task, Column(name))


def task_for(array: NDArray[Any], net: Net | None) -> Task:
    """Classes or numbers, by the targets themselves and by the network's loss and ending."""
    if array.dtype.kind not in "fiu":
        return Task.CLASSES
    if net is None:
        return task_of(array.astype(np.float64))
    if net.loss is not None:
        return Task.CLASSES if net.objective.is_entropy else Task.NUMBERS
    is_yes_or_no = net.answer_kind is AnswerKind.CHANCES and len(np.unique(array)) == 2
    return Task.CLASSES if net.outputs > 1 or is_yes_or_no else Task.NUMBERS


def _classes(array: NDArray[Any], net: Net | None, name: str) -> Goal:
    if array.dtype == object:
        labels = ["" if is_unknown(label) else label_name(label) for label in array.tolist()]
        names = sorted(set(labels))
        place = {label: k for k, label in enumerate(names)}
        places = np.array([place[label] for label in labels])
    else:
        different = np.unique(array)
        places = np.searchsorted(different, array)
        names = [label_name(label) for label in different.tolist()]
    if "" in names:
        row = int(np.argmin(np.array(names, bool)[places])) + 1
        raise DataError("a label is missing", file=TARGETS, row=row)
    if array.dtype.kind in "OUS":
        kinds = sorted(set(names))
    else:
        kinds = names
        outputs = net.outputs if net else 0
        are_places = array.dtype.kind in "iu" and array.min() >= 0 and array.max() < outputs
        if are_places and len(kinds) < outputs:  # of which some don't occur
            kinds = [str(k) for k in range(outputs)]
    if len(kinds) > limits.CLASSES.most:
        raise LimitError(f"{len(kinds):,} classes are too many: at most {limits.CLASSES}")
    if len(set(names)) < LEAST_CLASSES:
        raise DataError(f"all are {kinds[0]!r}: there is nothing to learn", file=TARGETS)
    number = {kind: place for place, kind in enumerate(kinds)}
    values = np.array([number[name] for name in names], np.int32)[places]
    return Goal(values, Task.CLASSES, Column(name, tuple(kinds)), kinds=tuple(kinds))


def _several(
    array: NDArray[Any], names: tuple[str, ...], net: Net | None, task: Task | None, name: str
) -> Goal:
    """Several numbers for each sample, or labels of which several may apply, or one class."""
    count = array.shape[1]
    if array.dtype.kind not in NUMBERS:
        raise UsageError("several targets are numbers, or 0 and 1 for labels, not words")
    if net is not None and net.outputs != count:
        if len(net.wanted) > 1:
            steps, numbers = net.wanted
            raise ShapeError(
                f"the network gives {counted(numbers, 'number')} at each of {steps} steps: train "
                "it on samples of its own, gb.train(net.with_samples(…))"
            )
        raise ShapeError(
            f"{count} targets for each row, but the network has "
            f"{counted(net.outputs, 'output')}: end it with 'dense {count}'"
        )
    are_flags = bool(np.isin(array, (0, 1)).all())
    is_one_hot = are_flags and bool((array.sum(axis=1) == 1).all())
    kind = net.answer_kind if net is not None else None
    shares = kind in (AnswerKind.SHARES, AnswerKind.LOGARITHMS)
    if is_one_hot and (task is Task.CLASSES or (task is None and (net is None or shares))):
        kinds = names if len(names) == count else tuple(map(str, range(count)))
        values = array.argmax(axis=1).astype(np.int32)
        return Goal(values, Task.CLASSES, Column(name, kinds), kinds=kinds, is_one_hot=True)
    if task is Task.CLASSES or shares:
        raise UsageError("the network predicts one class for each row: give its label, or one 1")
    are_labels = are_flags and kind is AnswerKind.CHANCES
    outputs = names if len(names) == count else number_names(count)
    values = array.astype(np.float64)
    return Goal(values, Task.NUMBERS, Column("outputs"), outputs, are_labels)


def one_or_several(wanted: NamedColumns) -> Any:
    """One column by itself, or several by their names."""
    if len(wanted.keys) == 1:
        return wanted.columns[wanted.keys[0]]
    return {str(key): wanted.columns[key] for key in wanted.keys}
