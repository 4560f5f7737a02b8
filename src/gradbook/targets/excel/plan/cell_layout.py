"""Each value's cell, epoch by epoch and sample by sample, and what the cell shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np
from xlsxwriter.utility import quote_sheetname, xl_col_to_name

from gradbook.cells.formula.syntax import Reference, write
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values
from gradbook.net.step import Step, run
from gradbook.targets.excel.spellings import SAYS, Guarded, Speller

# A column's formula is written once, with these placeholders for row numbers:
EPOCH, NEXT_EPOCH = "{e}", "{n}"  # the row of this epoch's values, and of the next one's
SAMPLE, FIRST, LAST = "{s}", "{a}", "{z}"  # this sample's row, the first and the last sample's
DATA, FIRST_DATA, LAST_DATA = "{d}", "{f}", "{l}"  # the same in the table of data
BASE_SAMPLE = "{b}"  # the same in a pass that others are compared with
PIN = "{p}"  # a $ before the column in every second sample's row, see RunLayout.rows


Start = str | float  # a reference to a leaf's first value, or that value itself


@dataclass(frozen=True)
class ColumnBlock:
    """A column for each of some values; `stride` rows from one epoch to the next."""

    sheet: str
    columns: Mapping[Node, int]
    first: int  # the first epoch's row, from 0
    stride: int = 1

    def column(self, node: Node) -> str:
        return str(xl_col_to_name(self.columns[node]))

    def row(self, epoch: int) -> int:
        """An epoch's first row, from 0."""
        return self.first + epoch * self.stride

    def over_epochs(self, node: Node, epochs: int) -> str:
        """All of a value's cells: Training!$E$5:$E$74."""
        name, last = self.column(node), self.row(epochs - 1) + 1
        return f"{quote_sheetname(self.sheet)}!${name}${self.first + 1}:${name}${last}"

    def cell(self, node: Node, epoch: int = 0, sample: int = 0) -> str:
        """One cell as referred to from another sheet: Training!$E$5."""
        row = self.row(epoch) + sample + 1
        return f"{quote_sheetname(self.sheet)}!${self.column(node)}${row}"


@dataclass(frozen=True)
class RunLayout:
    """The places of one run's values: those of a step, and those of its samples.

    `outside` are values that are elsewhere, with references to them: eta, i1_given.
    """

    step: Step
    of_step: ColumnBlock
    of_sample: ColumnBlock
    outside: Mapping[Node, str]
    data_row: int = 0  # of the first sample among the data, from 0
    following: Mapping[Node, Node] = field(default_factory=dict)  # next value → leaf
    base_row: int = 0  # of the first sample in the pass that others are compared with, from 0

    def table(self, node: Node) -> ColumnBlock:
        return self.of_sample if node.each else self.of_step

    def in_epoch(self, node: Node, epochs: int, epoch: str, sample: int | str = 0) -> str:
        """A formula for a value in the epoch whose number a cell contains, among this many epochs.

        `sample` is the sample's number, or the reference of a cell that contains it.
        """
        table = self.table(node)
        last = table.cell(node, epochs - 1, table.stride - 1).rpartition("!")[2]
        row = sample if isinstance(sample, str) else sample + 1
        place = epoch if table.stride == 1 else f"({epoch}-1)*{table.stride}+{row}"
        return f"INDEX({table.cell(node)}:{last},{place})"

    def formula(self, node: Node, sheet: str, guarded: Guarded) -> str:
        """The formula of a node's own cell, with its = and with placeholders for row numbers."""
        return "=" + write(self.speller(sheet, guarded).formula(node))

    def mention(self, node: Node, sheet: str, guarded: Guarded) -> str:
        """A formula for the same value in another cell: a reference, if the node has a cell."""
        return "=" + write(self.speller(sheet, guarded).mention(node))

    def speller(self, sheet: str, guarded: Guarded) -> Speller:
        """A Speller for formulas on that sheet."""
        return Speller(
            lambda node: self.refer(node, sheet), lambda node: self.block(node, sheet), guarded
        )

    def block(self, node: Node, sheet: str) -> Reference:
        """The cells of a value for all samples."""
        if node in self.outside:
            cell = self.outside[node]
            last = cell.rpartition("!")[2].replace(DATA, LAST_DATA)
            return Reference(f"{cell.replace(DATA, FIRST_DATA)}:{last}")
        return Reference(
            self._cell(node, sheet, FIRST) + ":" + self.table(node).column(node) + LAST
        )

    def refer(self, node: Node, sheet: str) -> Reference | None:
        """A reference from that sheet to a value; None if its formula must be written out."""
        if node in self.outside:
            return Reference(self.outside[node])
        if node in self.following:
            return Reference(self._cell(self.following[node], sheet, NEXT_EPOCH))
        if node in self.table(node).columns:
            return Reference(self._cell(node, sheet, SAMPLE if node.each else EPOCH))
        return None

    def _cell(self, node: Node, sheet: str, row: str) -> str:
        home = self.table(node).sheet
        prefix = "" if home == sheet else f"{quote_sheetname(home)}!"
        return f"{prefix}{PIN if row == SAMPLE else ''}{self.table(node).column(node)}{row}"

    def rows(self, epoch: int, sample: int = 0) -> dict[str, object]:
        """The row numbers for a formula's placeholders, counted from 1.

        The formulas of two neighbours always differ: LibreOffice (7.4) computes a column of equal
        formulas in one go, and sums over samples may then use values that are out of date.
        """
        first = self.of_sample.row(epoch) + 1
        return {
            "e": self.of_step.row(epoch) + 1,
            "n": self.of_step.row(epoch + 1) + 1,
            "s": first + sample,
            "p": "$" if (first + sample) % 2 == 0 else "",
            "a": first,
            "z": first + self.of_sample.stride - 1,
            "d": self.data_row + sample + 1,
            "b": self.base_row + sample + 1,
            "f": self.data_row + 1,
            "l": self.data_row + self.of_sample.stride,
        }


def following_values(step: Step) -> dict[Node, Node]:
    """Next values without a name of their own: they are in their leaf's cell one row below."""
    return {
        value: leaf
        for leaf, value in step.next.items()
        if value.name is None and not value.is_constant()
    }


# What each cell shows --------------------------------------------------------

Mask = Any  # an array of True and False

NUMBER_ERROR = "#NUM!"
LOWEST_EXP = -700.0  # below it, EXP(-x) in a sigmoid overflows, or nearly
SMALLEST_POWER = 1e-300  # below it, floats lose digits (denormal numbers)


@dataclass(frozen=True)
class RecordedRun:
    """Each named value over the epochs (and samples); NaN if a sheet shows an error."""

    values: Mapping[Node, Array]
    extreme: frozenset[str]  # ops some of whose values at any rate make their usual spelling fail


def record(
    step: Step,
    epochs: int,
    rates: Sequence[float],
    blank: Collection[Node] = (),
) -> list[RecordedRun]:
    """Run the step at each rate; values in `blank` count as 0, as empty cells do."""
    samples, across = step.samples, len(rates)
    zeros = {
        node: np.zeros(samples if node.each else ()) for node in blank if node not in step.next
    }
    order = ancestors([*step.inputs, *step.targets, step.loss, *step.outputs, *step.next.values()])
    kept = [node for node in order if node.name is not None]
    delicate = [node for node in SAYS.complete(order) if node.op.name in EXTREME]
    rows: dict[Node, list[Array]] = {node: [] for node in kept}
    extreme: set[str] = set()
    broken = _Errors(step)
    nothing = step.graph.constant(0.0)
    stopped = {leaf: nothing for leaf in blank if leaf in step.next}
    filled = replace(step, data={**step.data, **zeros}, next={**step.next, **stopped})
    start = {leaf: np.full(across, value) for leaf, value in step.start.items()}
    for values in run(filled, epochs, np.array(rates), [*delicate, *order], start):
        errors = broken.after(order, values)
        for node in delicate:
            if node.op.name not in extreme and EXTREME[node.op.name](node, values):
                extreme.add(node.op.name)
        for node in kept:
            value = values[node]
            rows[node].append(np.where(errors[node], np.nan, value) if errors else value)

    def at_each_rate(node: Node) -> Array:
        shape = (epochs, samples) if node.each else (epochs,)
        table = np.array(np.broadcast_arrays(*rows[node]))
        return np.broadcast_to(table.reshape(*shape, -1), (*shape, across))

    tables = {node: at_each_rate(node) for node in rows}
    return [
        RecordedRun({node: table[..., k] for node, table in tables.items()}, frozenset(extreme))
        for k in range(across)
    ]


EXTREME: dict[str, Callable[[Node, Values], bool]] = {  # whether an op's usual spelling fails
    "sigmoid": lambda node, values: bool(np.any(values[node.inputs[0]] < LOWEST_EXP)),
    "power": lambda node, values: bool(np.any(np.abs(values[node]) < SMALLEST_POWER)),
}


class _Errors:
    """Tracks which values are errors in a sheet, where errors spread to all that refer to them."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.state: dict[Node, Mask] = {}  # errors of leaves, from the previous step

    def after(self, order: list[Node], values: Values) -> dict[Node, Mask]:
        """The errors among this step's values; empty if there are none."""
        if not self.state:
            computed = np.concatenate([np.ravel(values[node]) for node in order])
            if np.isfinite(computed).all():
                return {}
        errors: dict[Node, Mask] = {}
        for node in order:
            errors[node] = self._error(node, values, errors)
        self.state = {leaf: errors[following] for leaf, following in self.step.next.items()}
        return errors

    def _error(self, node: Node, values: Values, errors: Mapping[Node, Mask]) -> Mask:
        mask: Mask = ~np.isfinite(values[node])
        if node.op.name == "leaf":
            return mask | self.state.get(node, np.False_)
        if node.op.name == "choose":
            condition, then, otherwise = node.inputs
            taken = np.where(values[condition] > 0, errors[then], errors[otherwise])
            return mask | errors[condition] | taken
        if node.op.name == "total":
            return mask | errors[node.inputs[0]].any(axis=0)
        for source in node.inputs:
            mask = mask | errors[source]
        return mask


def cell_value(value: Any) -> float | str:
    """A number as a formula's result."""
    return float(value) if isfinite(value) else NUMBER_ERROR
