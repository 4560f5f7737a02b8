"""The columns of a model of a table: names, words, and how rows become numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.amounts import counted, short
from gradbook.data.formats.cells import MARKS, ORDERS, POINT, UNITS, NumberStyle
from gradbook.data.signals import Windows
from gradbook.data.tables import Column, ColumnTable, Numbers, require_names
from gradbook.errors import DataError, ShapeError, UsageError, one_line
from gradbook.graph.window import Shape
from gradbook.lab.models.input_range import RANGE, all_finite
from gradbook.lab.models.recorded import HOW_READ, RECORDINGS_KEY
from gradbook.net import Net
from gradbook.schema import (
    Choice,
    FiniteNumber,
    IfThere,
    InTurn,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    TrueOrFalse,
    Usually,
    WholeNumber,
)

MOST_NAMED = 6  # columns in one remark
NO_NUMBERS = "some of the numbers are missing or infinite"

COLUMN = InTurn((PlainText(), ListOf(PlainText())))  # a column's name and its words
WRITTEN = Schema(  # how a column is written, unless as usual
    column=PlainText(),
    decimal=IfThere(Choice(*MARKS)),
    unit=IfThere(Choice(*UNITS)),
    dates=IfThere(Choice(*ORDERS)),
)
WINDOWS = Schema(
    length=WholeNumber(1),
    step=WholeNumber(1),
    channels=ListOf(PlainText(), 1),
    rate=Maybe(FiniteNumber(0)),
)
TABLE_RECORD = Schema(
    network=PlainText(),
    inputs=ListOf(COLUMN),
    target=COLUMN,
    mean=ListOf(FiniteNumber()),
    deviation=ListOf(FiniteNumber(0)),
    target_mean=FiniteNumber(),
    target_deviation=FiniteNumber(0),
    outputs=IfThere(ListOf(PlainText(), 1)),
    by_place=Usually(TrueOrFalse(), False),
    about=Schema(
        recipe=IfThere(PlainText()),
        remarks=IfThere(ListOf(PlainText())),
        labels=IfThere(TrueOrFalse()),
        features_first=IfThere(TrueOrFalse()),
        missing=IfThere(PlainText()),
        spread=IfThere(ListOf(ListOf(FiniteNumber()), 2, 2)),
        range=IfThere(RANGE),
        **{RECORDINGS_KEY: IfThere(HOW_READ)},
    ),
    filling=IfThere(ListOf(FiniteNumber())),
    windows=IfThere(WINDOWS),
    written=IfThere(ListOf(WRITTEN)),
)


@dataclass(frozen=True, eq=False)
class TableColumns:
    """The columns that a network reads, and what it predicts.

    `outputs` are the names of several numbers that are predicted at once. With `by_place`, only
    the order of the columns is known.
    """

    inputs: tuple[Column, ...]
    target: Column  # its words are the classes; without words, numbers are predicted
    target_mean: float = 0.0  # of the predicted numbers
    target_deviation: float = 1.0
    outputs: tuple[str, ...] = ()
    by_place: bool = False
    filling: Numbers | None = None  # the replacement of missing numbers, if the table had any
    windows: Windows | None = None  # for signals: each window is a row

    @property
    def predicts(self) -> tuple[str, ...]:
        """The names of what is predicted: the class, or each number."""
        return self.outputs or (self.target.name,)

    @property
    def width(self) -> int:
        """The number of numbers in a row."""
        return sum(column.width for column in self.inputs)

    @cached_property
    def numbers(self) -> Shape:
        """The shape of a row if all columns are numbers; () if some aren't."""
        return () if any(column.words for column in self.inputs) else (len(self.inputs),)

    def names_in(self, names: tuple[str, ...], file: str | None = None) -> tuple[str, ...]:
        """The model's names for these columns: by name, or by place if only the order is known."""
        known = tuple(column.name for column in self.inputs)
        if not self.by_place or {*known} <= {*names}:
            require_names(known, names, file)
            return names
        if len(names) != len(known):
            raise DataError(
                f"{counted(len(names), 'column')}, but the network takes {len(known)}: "
                "name its input columns, in their order, with columns=[…] in Python or 'gradbook "
                "import … --columns'",
                file=file,
            )
        return known

    def in_place(self, table: ColumnTable) -> ColumnTable:
        """The table's columns under the model's names."""
        names = self.names_in(table.names, table.file)
        return table if names == table.names else table.named(names)

    def names_remark(self, names: tuple[str, ...]) -> str:
        """A remark on unused columns, or on columns that only have an order; '' otherwise."""
        if names != self.names_in(names):
            return one_line(f"the columns are read in their order: {', '.join(names)}")
        known = {*(column.name for column in self.inputs), *self.predicts}
        others = [name for name in names if name not in known]
        return one_line(f"the model doesn't use {', '.join(others)}") if others else ""

    def read_numbers(self, numbers: ArrayLike, net: Net, features_first: bool) -> Numbers:
        """Rows of numbers from a caller, as flat rows; each token becomes a 1 among 0s.

        With `features_first`, the network's file has sequences in that order, unlike flat rows.
        """
        worded = [column.name for column in self.inputs if column.words]
        if worded:
            raise UsageError(f"the column '{worded[0]}' has words: give a table or a data frame")
        try:
            rows = np.asarray(numbers)
            rows = rows if rows.dtype == np.float32 else rows.astype(np.float64, copy=False)
        except (TypeError, ValueError):
            raise UsageError("predict needs a table, or rows of numbers") from None
        size, count = net.input, len(self.inputs)
        rows = channels_first(rows, size)
        shape = rows.shape[1:]
        if net.tokens and shape == size[:1]:
            return spell_out(rows, size[1])
        if shape not in ((count,), size) or (features_first and shape == (count,)):
            takes = "" if len(size) == 1 else f"(rows, {', '.join(map(str, size))}), "
            takes += f"(rows, {size[0]}) with the numbers of tokens, " * net.tokens
            if features_first:
                takes += f"steps first: in the file it was (rows, {size[1]}, {size[0]})"
            else:
                takes += f"(rows, {count})"
            raise ShapeError(f"the numbers are {rows.shape}, but this model takes {takes}")
        return rows.reshape(len(rows), count)

    def usual_row(self, mean: Numbers) -> Numbers:
        """The replacement of missing numbers: the filling used in training, or else the mean of the
        training rows, and for words the commonest."""
        if self.filling is not None:
            return self.filling
        row, first = mean.copy(), 0
        for column in self.inputs:
            if column.words:
                here = slice(first, first + column.width)
                row[here] = np.eye(column.width)[mean[here].argmax()]
            first += column.width
        return row

    def record(self) -> dict[str, Any]:
        """The columns as a model's file records them."""
        record: dict[str, Any] = {
            "inputs": [[column.name, column.words] for column in self.inputs],
            "target": [self.target.name, self.target.words],
            "target_mean": self.target_mean,
            "target_deviation": self.target_deviation,
            **({"outputs": self.outputs} if self.outputs else {}),
            **({"by_place": True} if self.by_place else {}),
        }
        if self.filling is not None:
            record["filling"] = self.filling.tolist()
        if self.windows is not None:
            record["windows"] = asdict(self.windows)
        if written := [how for one in (*self.inputs, self.target) if (how := _how_written(one))]:
            record["written"] = written
        return record


def columns_of(record: Mapping[str, Any], net: Net) -> TableColumns:
    """The columns in a model's file, which must fit its network."""
    written = record.get("written") or []
    named = list[Column]()
    for name, words in (*record["inputs"], record["target"]):
        how: dict[str, str | None] = next((it for it in written if it["column"] == name), {})
        style = NumberStyle(how.get("decimal") or POINT, how.get("unit") or "")
        named.append(Column(name, tuple(words), style, how.get("dates") or ""))
    *inputs, target = named
    outputs, filling = tuple(record.get("outputs") or ()), record.get("filling")
    columns = TableColumns(
        tuple(inputs),
        target,
        record["target_mean"],
        record["target_deviation"],
        outputs,
        record["by_place"],
        None if filling is None else np.array(filling, np.float64),
        _windows(record.get("windows"), prod(net.input)),
    )
    if columns.width != prod(net.input):
        raise ValueError("its columns aren't those of its network")
    if columns.filling is not None and columns.filling.shape != (columns.width,):
        raise ValueError("its values for missing cells don't match its columns")
    if not target.words and net.outputs != len(columns.predicts):
        raise ValueError(f"{net.outputs} outputs for {counted(len(columns.predicts), 'number')}")
    return columns


def _windows(record: Mapping[str, Any] | None, width: int) -> Windows | None:
    if record is None:
        return None
    windows = Windows(record["length"], record["step"], tuple(record["channels"]), record["rate"])
    if windows.width != width:
        raise ValueError("its windows aren't those of its network")
    return windows


def _how_written(column: Column) -> dict[str, str]:
    """How a column is written, unless as usual."""
    style = column.style
    ways = {
        "decimal": style.decimal if style.decimal != POINT else "",
        "unit": style.unit,
        "dates": column.dates,
    }
    unusual = {what: how for what, how in ways.items() if how}
    return {"column": column.name, **unusual} if unusual else {}


def channels_first(images: NDArray[Any], size: Shape) -> NDArray[Any]:
    """Images with their channels before rows and columns, as the network has them, if they are
    behind them or left out."""
    shape = images.shape[1:]
    if len(size) != 3 or shape == size:
        return images
    if size[0] == 1 and shape == size[1:]:
        return images.reshape(-1, *size)
    return images.transpose(0, 3, 1, 2) if shape == (*size[1:], size[0]) else images


def spell_out(tokens: Numbers, kinds: int, what: str | None = None) -> Numbers:
    """A 1 for the token of each step, among 0s; a flat row for each row of tokens."""
    known = (tokens >= 0) & (tokens < kinds) & (tokens % 1 == 0)
    if not known.all():
        row, step = np.argwhere(~known)[0].tolist()
        raise DataError(
            f"tokens are whole numbers from 0 to {kinds - 1}, not {tokens[row, step]:g}",
            file=what,
            row=row + 1,
            column=str(step + 1),
        )
    spelled = np.eye(kinds)[tokens.astype(int)]
    return np.asarray(spelled.reshape(len(tokens), tokens.shape[1] * kinds))


# Missing values ---------------------------------------------------------------


def require_complete(rows: Numbers) -> None:
    """Refuse a missing number in rows of a caller, and name its place."""
    if not all_finite(rows):
        row, place = np.argwhere(np.isnan(rows))[0].tolist()
        raise DataError(
            "nan isn't a finite number, and such rows were refused in training: fill it in or "
            "leave the row out",
            row=row + 1,
            column=place + 1,
        )


def filling_remark(inputs: Sequence[Column], rows: Numbers, filling: Numbers) -> str:
    """A remark on the replacement of missing values: '5 missing values are filled in: 3 of area
    with 85.2, 2 of town with 'north''; '' if none is missing."""
    first, parts, total = 0, list[str](), 0
    for column in inputs:
        count = int(np.isnan(rows[:, first]).sum())
        if count:
            new = filling[first : first + column.width]
            value = f"'{column.words[new.argmax()]}'" if column.words else short(float(new[0]), 4)
            parts.append(f"{count:,} of {column.name} with {value}")
            total += count
        first += column.width
    if not total:
        return ""
    shown = parts[:MOST_NAMED] + ["…"] * (len(parts) > MOST_NAMED)
    verb = "is" if total == 1 else "are"
    return one_line(f"{counted(total, 'missing value')} {verb} filled in: {', '.join(shown)}")
