"""A trained network for tables: what it says of rows, and the file that it is kept in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.amounts import counted
from gradbook.data.formats.cells import MARKS, ORDERS, POINT, UNITS, NumberStyle
from gradbook.data.signals import Windows
from gradbook.data.tables import Column, ColumnTable, Numbers, encode
from gradbook.engine.engines import PlainEngine
from gradbook.errors import DataError, ShapeError, UsageError
from gradbook.lab.models import stored
from gradbook.lab.models.answers import likeliest_classes, probabilities
from gradbook.lab.models.model import require_shapes
from gradbook.lab.models.recorded import HOW_READ, RECORDINGS_KEY, RecordedWindows, recorded_windows
from gradbook.net import Net
from gradbook.net.fit import require_classes
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

if TYPE_CHECKING:
    from gradbook.lab.models.exporting import Exported
    from gradbook.net.trained import TrainedNet

TABLE_KIND, VERSION = "table model", 1
AT_ONCE = 1024  # rows
NO_NUMBERS = "some of the numbers are missing or infinite"


COLUMN = InTurn((PlainText(), ListOf(PlainText())))  # its name and its words
WRITTEN = Schema(  # how a column is written, where that isn't as usual
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
RECORD = Schema(
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
        **{RECORDINGS_KEY: IfThere(HOW_READ)},
    ),
    filling=IfThere(ListOf(FiniteNumber())),
    windows=IfThere(WINDOWS),
    written=IfThere(ListOf(WRITTEN)),
)


@dataclass(frozen=True, eq=False)
class TableModel:
    """Columns by their names; what goes in has mean 0 and deviation 1 over the rows trained on.

    `outputs` are the names of several numbers that are predicted at once. With `by_place` nothing
    is known of its columns but their order.
    """

    net: Net
    values: Mapping[str, NDArray[Any]]
    inputs: tuple[Column, ...]
    target: Column  # its words are the classes; without any it predicts numbers
    mean: Numbers  # of each number in
    deviation: Numbers
    target_mean: float = 0.0  # of the numbers out
    target_deviation: float = 1.0
    about: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    by_place: bool = False
    filling: Numbers | None = None  # what stands for missing numbers, where the table had any
    windows: Windows | None = None  # of a signal, in which case each of them is a row

    @property
    def predicts(self) -> tuple[str, ...]:
        """What is predicted, by name: the class, or each number."""
        return self.outputs or (self.target.name,)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.target.words

    @property
    def labels(self) -> tuple[str, ...]:
        """What holds or doesn't, each by itself; `predict` says how sure it is of each."""
        return self.predicts if self.about.get("labels") else ()

    def predict(self, table: ColumnTable | ArrayLike) -> Numbers:
        """How sure it is of each class or label, or the numbers: a row for each row.

        Rows of numbers, in the columns' order, do as well where no column has words; sequences as
        (rows, steps, features), and tokens as whole numbers, (rows, steps).
        """
        if isinstance(table, ColumnTable):
            return self.answers(self.rows_of(table))
        return self.answers(self._rows(table))

    def rows_of(self, table: ColumnTable, *, complete: bool = False) -> Numbers:
        """Its rows as numbers, as `answers` takes them; if they are to be `complete`, a missing
        value is refused."""
        table = self.in_place(table)
        if complete or not self.fills_in:
            table.require_complete(self.inputs)
        return encode(table, self.inputs)

    def in_place(self, table: ColumnTable) -> ColumnTable:
        """Its columns by our names, where only their order counts and they have others."""
        names = tuple(column.name for column in self.inputs)
        if not self.by_place or set(names) <= set(table.names):
            return table
        if len(table.names) != len(names):
            raise DataError(
                f"{counted(len(table.names), 'column')}, but the network takes {len(names)}: "
                "name its input columns, in their order, with 'gradbook import … --columns'",
                file=table.file,
            )
        return replace(table, names=names)

    def _rows(self, given: ArrayLike) -> Numbers:
        worded = [column.name for column in self.inputs if column.words]
        if worded:
            raise UsageError(f"the column '{worded[0]}' has words: give predict a table with names")
        try:
            rows = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            raise UsageError("predict needs a table, or rows of numbers") from None
        size, count = self.net.input, len(self.inputs)
        shape = rows.shape[1:]
        if self.net.tokens and shape == size[:1]:
            return _spelled_out(rows, size[1])
        is_ambiguous = bool(self.about.get("features_first")) and shape == (count,)
        if shape not in ((count,), size) or is_ambiguous:
            rest = "" if len(size) == 1 else f"(rows, {', '.join(map(str, size))}), "
            rest += f"(rows, {size[0]}) with the numbers of tokens, " * self.net.tokens
            if self.about.get("features_first"):
                rest += f"steps first: in the file it was (rows, {size[1]}, {size[0]})"
            else:
                rest += f"(rows, {count})"
            raise ShapeError(f"the numbers are {rows.shape}, but this model takes {rest}")
        rows = rows.reshape(len(rows), count)
        if np.isinf(rows).any():
            raise DataError(NO_NUMBERS)
        return rows

    def answers(self, rows: Numbers) -> Numbers:
        """The same of rows as numbers, as `encoded` makes them; NaN where one is missing."""
        if np.isnan(rows).any():
            rows = np.where(np.isnan(rows), self.instead_of_missing, rows)
        engine = PlainEngine(self.net, AT_ONCE)
        engine.restore(self.values)
        outputs = engine.predict((rows - self.mean) / self.deviation)
        if self.classes:
            return probabilities(self.net, outputs)
        return np.asarray(outputs * self.target_deviation + self.target_mean)

    @property
    def fills_in(self) -> bool:
        """Whether something stands for what is missing: in another program's model nothing does."""
        return self.filling is not None or "rows" in self.about

    @property
    def instead_of_missing(self) -> Numbers:
        """What stands for a missing number: what was put in while it was trained, or else the mean
        of the rows trained on, and of words the commonest."""
        if self.filling is not None:
            return self.filling
        if not self.fills_in:
            raise DataError(f"{NO_NUMBERS}: the model has no values to fill in")
        found, first = self.mean.copy(), 0
        for column in self.inputs:
            if column.words:
                here = slice(first, first + column.width)
                found[here] = np.eye(column.width)[self.mean[here].argmax()]
            first += column.width
        return found

    def trained(self) -> TrainedNet:
        """Its layers and their tensors, for targets that say it in another language."""
        from gradbook.net.trained import Scaling, trained_net

        found = trained_net(
            self.net,
            self.values,
            Scaling(1, self.mean, self.deviation),
            classes=self.classes,
            spread=(self.target_deviation, self.target_mean),
            columns={} if self.by_place else {one.heading: one.words for one in self.inputs},
            targets=self.predicts,
        )
        return replace(found, filling=self.filling, labels=bool(self.labels))

    def export(self, path: str | os.PathLike[str], **options: Any) -> Exported:
        """Write it for other programs: the file's ending says which, see docs/export.md."""
        from gradbook.lab.models.exporting import ExportOptions, export

        recipe = str(self.about.get("recipe", ""))
        asked = ExportOptions.of(options)
        recordings = self._recordings if self.windows else None
        return export(
            self.trained(), recipe, path, asked, windows=self.windows, recordings=recordings
        )

    def recorded_windows(self, data: str = "") -> RecordedWindows:
        """Windows of what a model of signals was trained on, or of other recordings."""
        assert self.windows
        return recorded_windows(self.windows, self.classes, self.about, data)

    def _recordings(self, data: str) -> tuple[RecordedWindows, float]:
        """Windows to fit whole numbers to and to score them by, and the score in floats."""
        found = self.recorded_windows(data)
        read = likeliest_classes(self.net, self.answers(found.scored))
        return found, float((read == found.labels).mean())

    def __repr__(self) -> str:
        name, columns = self.net.name or "a network", counted(len(self.inputs), "column")
        kind = "label" if self.labels else "number"
        numbers = f"a {kind}" if len(self.predicts) == 1 else f"{len(self.predicts)} {kind}s"
        what = counted(len(self.classes), "class", "classes") if self.classes else numbers
        weights = counted(self.net.count(), "parameter")
        return (
            f"<TableModel of {name}: {weights}, {columns} to {', '.join(self.predicts)} ({what})>"
        )

    # The file.

    def save(self, path: str | os.PathLike[str]) -> None:
        record = {
            "kind": TABLE_KIND,
            "version": VERSION,
            "network": str(self.net),
            "inputs": [[column.name, column.words] for column in self.inputs],
            "target": [self.target.name, self.target.words],
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "target_mean": self.target_mean,
            "target_deviation": self.target_deviation,
            **({"outputs": self.outputs} if self.outputs else {}),
            **({"by_place": True} if self.by_place else {}),
            "about": dict(self.about),
        }
        if self.filling is not None:
            record["filling"] = self.filling.tolist()
        if self.windows is not None:
            record["windows"] = asdict(self.windows)
        if written := [how for one in (*self.inputs, self.target) if (how := _how(one))]:
            record["written"] = written
        stored.write(path, self.values, record)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> TableModel:
        return stored.read_as(path, TABLE_KIND, VERSION, _fitted)


def _how(column: Column) -> dict[str, str]:
    """How a column is written, where that isn't as usual."""
    style = column.style
    said = {
        "decimal": style.decimal if style.decimal != POINT else "",
        "unit": style.unit,
        "dates": column.dates,
    }
    unusual = {what: how for what, how in said.items() if how}
    return {"column": column.name, **unusual} if unusual else {}


def _column(name: str, words: list[str], written: list[dict[str, str | None]]) -> Column:
    how = next((one for one in written if one["column"] == name), {})
    style = NumberStyle(how.get("decimal") or POINT, how.get("unit") or "")
    return Column(name, tuple(words), style, how.get("dates") or "")


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], TableModel]:
    """All that stands in a file must fit together before anything is made of it."""
    told = RECORD.read(record)
    net = Net.parse(told["network"])
    require_shapes(net, shapes)
    written = told.get("written") or []
    *inputs, target = (
        _column(name, words, written) for name, words in (*told["inputs"], told["target"])
    )
    mean, deviation = (np.array(told[what], np.float64) for what in ("mean", "deviation"))
    width = sum(column.width for column in inputs)
    if prod(net.input) != width or not mean.shape == deviation.shape == (width,):
        raise ValueError("its columns aren't those of its network")
    filling = told.get("filling")
    if filling is not None:
        filling = np.array(filling, np.float64)
    if filling is not None and filling.shape != (width,):
        raise ValueError("its values for missing cells don't match its columns")
    centre, spread = told["target_mean"], told["target_deviation"]
    if not (deviation > 0).all():
        raise ValueError("some of its columns have no deviation")
    if target.words:
        require_classes(net, len(target.words), "it")
    named = tuple(told.get("outputs") or ())
    if not target.words and net.outputs != (len(named) or 1):
        raise ValueError(f"{net.outputs} outputs for {counted(len(named) or 1, 'number')}")
    further = (tuple(inputs), target, mean, deviation, centre, spread, told["about"])
    windows = _windows(told.get("windows"), width)
    return lambda values: TableModel(
        net, values, *further, named, told["by_place"], filling, windows
    )


def _spelled_out(tokens: Numbers, kinds: int) -> Numbers:
    """A 1 for the token of each step, and 0s beside it."""
    known = (tokens >= 0) & (tokens < kinds) & (tokens % 1 == 0)
    if not known.all():
        raise ShapeError(
            f"tokens are whole numbers from 0 to {kinds - 1}, not {tokens[~known][0]:g}"
        )
    spelled = np.eye(kinds)[tokens.astype(int)]
    return np.asarray(spelled.reshape(len(tokens), tokens.shape[1] * kinds))


def _windows(record: Mapping[str, Any] | None, width: int) -> Windows | None:
    if record is None:
        return None
    found = Windows(record["length"], record["step"], tuple(record["channels"]), record["rate"])
    if found.width != width:
        raise ValueError("its windows aren't those of its network")
    return found
