"""The problem of predicting a caller's targets from arrays, or from a data frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.frames import NamedColumns
from gradbook.data.tables import Column, ColumnTable, encode, require_names
from gradbook.errors import ShapeError, UsageError
from gradbook.lab.arrays.pictures import picture_problem, reads_pictures
from gradbook.lab.arrays.read_arrays import (
    FRAME,
    GIVEN,
    INPUTS,
    TARGETS,
    ArrayReader,
    FrameReader,
    Goal,
    ReadRows,
    frame_of,
    is_unknown,
    one_or_several,
    plain_array,
    read_targets,
    sizes_of,
    task_for,
)
from gradbook.lab.arrays.rows_problem import (
    ArrayProblem,
    ArraysAsked,
    is_share,
    pair_of,
    require_class_rows,
    sample_weights,
    split_asked,
)
from gradbook.lab.problem import Problem
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.tables import (
    TableProblem,
    divided,
    left_out_remark,
    problem,
    rows_with_target,
)
from gradbook.net.description import Task


def learn(inputs: Any, targets: Any, asked: ArraysAsked, recipe: Recipe | None) -> Problem:
    """The problem of predicting these targets from these inputs, for the recipe's network if there
    is one."""
    if frame := frame_of(inputs):
        return _of_frame(frame, targets, asked, recipe)
    if targets is None:
        raise UsageError("the targets are missing: gb.train(network, inputs, targets)")
    array = plain_array(inputs, INPUTS)
    if array.ndim < 2 or not array.size:
        raise ShapeError(
            f"the inputs are {sizes_of(array)}: give a row for each sample, as X.reshape(-1, 1) has"
        )
    if reads_pictures(array, recipe):
        return picture_problem(array, targets, asked, recipe)
    reader = ArrayReader(array, recipe.net if recipe else None)
    return _of_rows(reader(array, INPUTS), targets, asked, recipe, reader)


def _of_rows(
    read: ReadRows,
    targets: Any,
    asked: ArraysAsked,
    recipe: Recipe | None,
    reader: ArrayReader | FrameReader,
    name: str = "",
) -> ArrayProblem:
    """The problem of rows of numbers; `reader` reads those for validation and test likewise."""
    count = len(read.rows)
    goal = read_targets(targets, count, recipe.net if recipe else None, asked.task, name)
    rows, wanted, sizes = [read.rows], [goal.values], [0, 0]
    for place, (what, samples) in enumerate(asked.parts):
        if not is_share(samples, what):
            inputs, answers = pair_of(samples, what)
            part = reader(inputs, f"the {what}'s inputs")
            rows.append(part.rows)
            wanted.append(goal.as_here(answers, len(part.rows), f"the {what}'s targets"))
            sizes[place] = len(part.rows)
    split = split_asked(asked, sizes, count)
    if goal.task is Task.CLASSES:
        require_class_rows(goal.values, goal.kinds, split)
    if len(rows) > 1:
        read = replace(read, rows=np.concatenate(rows))
        goal = replace(goal, values=np.concatenate(wanted))
    return divided(rows_problem(read, goal), split)


def rows_problem(read: ReadRows, goal: Goal) -> ArrayProblem:
    """The problem of rows and their targets, before they are divided."""
    names = [column.name for column in read.columns]
    target = replace(goal.column, name=_free_name(goal.column.name, names))
    return ArrayProblem(
        ColumnTable(GIVEN, (*names, target.name), ()),
        read.columns,
        target,
        goal.task,
        given_rows=read.rows,
        given_targets=goal.values,
        shape=read.shape,
        outputs=goal.outputs,
        are_labels=goal.are_labels,
        are_named=read.are_named,
        range=read.range,
    )


def _free_name(name: str, names: Iterable[str]) -> str:
    """The name, with lines below it until no other column has it."""
    known = set(names)
    while name in known:
        name += "_"
    return name


# Data frames -------------------------------------------------------------------


def _of_frame(
    frame: NamedColumns, targets: Any, asked: ArraysAsked, recipe: Recipe | None
) -> TableProblem:
    """The problem of a data frame: the targets are columns of it, by their names, or given."""
    keys = _target_keys(frame, targets)
    inputs = NamedColumns(frame.columns, tuple(key for key in frame.keys if key not in keys))
    if not inputs.keys:
        raise UsageError("no column is left to predict from: name fewer targets")
    wanted = one_or_several(NamedColumns(frame.columns, keys)) if keys else targets
    if wanted is None:
        raise UsageError(
            "name the column to learn, or give the targets: "
            f"gb.train(network, frame, '{frame.names[-1]}')"
        )
    asked, name = _with_columns(asked, keys), str(keys[0]) if len(keys) == 1 else ""
    rows, columns = inputs.numbers(), tuple(map(Column, inputs.names))
    several = frame_of(wanted) is not None or np.ndim(wanted) > 1
    if rows is None and several:
        table = inputs.table(FRAME)
        columns = tuple(table.column(name) for name in table.names)
        rows = encode(table, columns)
    kept = rows_with_targets(wanted, inputs.row_count)
    if rows is None or not (several or kept.all()):
        return _of_table(inputs, wanted, name, asked, recipe)
    remarks = tuple(left_out_remark(int((~kept).sum()), ", ".join(map(str, keys)) or "targets"))
    if remarks:
        rows, wanted = rows[kept], _only(wanted, kept)
        if asked.sample_weight is not None:
            weights = sample_weights(asked.sample_weight, len(kept))[kept]
            asked = replace(asked, sample_weight=weights)
    read = ReadRows(rows, columns, rows.shape[1:], are_named=True)
    made = _of_rows(read, wanted, _complete_parts(asked), recipe, FrameReader(columns), name)
    return replace(made, remarks=(*remarks, *made.remarks))


def _target_keys(frame: NamedColumns, targets: Any) -> tuple[Any, ...]:
    """The columns that the targets name; none if they are given themselves."""
    words = [targets] if isinstance(targets, str) else targets
    if not isinstance(words, list | tuple) or not words or len(words) > len(frame.keys):
        return ()
    if not isinstance(targets, str) and not all(isinstance(word, str) for word in words):
        return ()
    if not isinstance(targets, str) and not any(word in frame.names for word in words):
        return ()  # they are labels
    require_names(words, frame.names, FRAME)
    return tuple(frame.keys[frame.names.index(word)] for word in words)


def rows_with_targets(wanted: Any, count: int) -> NDArray[np.bool_]:
    """Which rows of a frame have all their targets; the others are left out, as of a table."""
    frame = frame_of(wanted)
    columns = [wanted] if frame is None else [frame.columns[key] for key in frame.keys]
    kept = np.ones(count, bool)
    for array in (plain_array(column, TARGETS) for column in columns):
        if not array.ndim or len(array) != count:  # which is refused where targets are read
            continue
        if array.dtype.kind == "f":
            missing = np.isnan(array)
        else:
            is_object = array.dtype == object
            flags = map(is_unknown, array.flat) if is_object else np.zeros(array.size, bool)
            missing = np.fromiter(flags, bool, array.size).reshape(array.shape)
        kept &= ~missing.reshape(count, -1).any(axis=1)
    return kept


def _only(wanted: Any, kept: NDArray[np.bool_]) -> Any:
    """The targets of some of the rows."""
    if frame := frame_of(wanted):
        return {key: frame.array(key)[kept] for key in frame.keys}
    return plain_array(wanted, TARGETS)[kept]


def _complete_parts(asked: ArraysAsked) -> ArraysAsked:
    """Frames for validation and test, without their rows that lack a target."""
    pairs: dict[str, Any] = {}
    for what, samples in asked.parts:
        if is_share(samples, what) or not (frame := frame_of(pair_of(samples, what)[0])):
            continue
        kept = rows_with_targets(samples[1], frame.row_count)
        if not kept.all():
            columns = {key: frame.array(key)[kept] for key in frame.keys}
            pairs[what] = (columns, _only(samples[1], kept))
    return replace(asked, **pairs)


def _with_columns(asked: ArraysAsked, keys: tuple[Any, ...]) -> ArraysAsked:
    """Frames for validation and test with their targets beside them, if those are columns."""
    pairs: dict[str, Any] = {}
    for what, samples in asked.parts:
        if keys and (frame := frame_of(samples)):
            target_keys = _target_keys(frame, [str(key) for key in keys])
            if not target_keys:
                require_names([str(key) for key in keys], frame.names, f"the {what}")
            pairs[what] = (samples, one_or_several(NamedColumns(frame.columns, target_keys)))
    return replace(asked, **pairs)


def _of_table(
    inputs: NamedColumns, wanted: Any, name: str, asked: ArraysAsked, recipe: Recipe | None
) -> TableProblem:
    """A data frame with words, dates or missing values, read like the same table in a file."""
    named = name or str(getattr(wanted, "name", None) or "y")
    name = _free_name(named, inputs.names)
    table, remarks = _table_with(inputs, wanted, name, FRAME)
    rows, sizes = [*table.rows], [0, 0]
    for place, (what, samples) in enumerate(asked.parts):
        if is_share(samples, what):
            continue
        others, answers = pair_of(samples, what)
        frame = frame_of(others)
        if frame is None:
            raise UsageError(f"{what}: its inputs need columns with names, as the data frame has")
        require_names(inputs.names, frame.names, f"the {what}")
        keys = tuple(frame.keys[frame.names.index(one)] for one in inputs.names)
        part, _ = _table_with(NamedColumns(frame.columns, keys), answers, name, f"the {what}")
        rows += part.rows
        sizes[place] = len(part)
    task = asked.task
    target = table.column(name)
    if task is None and recipe is not None and not (target.words or target.style.truths):
        task = task_for(table.numbers(name), recipe.net)
    split = split_asked(asked, sizes, len(table), [row.number - 1 for row in table.rows])
    whole = replace(table, rows=rows) if len(rows) > len(table) else table
    table_problem = problem(whole, name, task=task, asked=split)
    if table_problem.classes:
        require_class_rows(table_problem.targets[: len(table)], table_problem.classes, split)
    return replace(table_problem, remarks=(*remarks, *table_problem.remarks))


def _table_with(
    inputs: NamedColumns, wanted: Any, name: str, what: str
) -> tuple[ColumnTable, list[str]]:
    """The rows that have a target, as a text table, and a remark on the others."""
    columns = {str(key): inputs.columns[key] for key in inputs.keys}
    if frame := frame_of(wanted):
        wanted = frame.columns[frame.keys[0]]
    frame = NamedColumns.of({**columns, name: wanted})
    assert frame
    return rows_with_target(frame.table(what), name, "")
