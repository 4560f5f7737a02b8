"""Which cell each value has: a column for each, the rows epoch by epoch, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlsxwriter.utility import quote_sheetname, xl_col_to_name

from gradbook.graph.node import Node
from gradbook.net.step import Step
from gradbook.targets.excel.language.grammar import Reference, write
from gradbook.targets.excel.language.spelling import Guarded, Speller

# A column's formula is written once, with these in the place of row numbers:
EPOCH, NEXT_EPOCH = "{e}", "{n}"  # the row of this epoch's values, and of the next one's
SAMPLE, FIRST, LAST = "{s}", "{a}", "{z}"  # this sample's row, the first and the last sample's
DATA, FIRST_DATA, LAST_DATA = "{d}", "{f}", "{l}"  # the same among the data
PIN = "{p}"  # a $ before the column in every second sample's row, see Run.rows


Start = str | float  # what refers to a leaf's first value, or that value itself


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
        """One cell, seen from another sheet: Training!$E$5."""
        row = self.row(epoch) + sample + 1
        return f"{quote_sheetname(self.sheet)}!${self.column(node)}${row}"


@dataclass(frozen=True)
class RunLayout:
    """Where the values of one run stand: those of a step, those of its samples.

    `outside` are values that stand elsewhere, with what refers to them: eta, i1_given.
    """

    step: Step
    of_step: ColumnBlock
    of_sample: ColumnBlock
    outside: Mapping[Node, str]
    data_row: int = 0  # of the first sample among the data, from 0
    following: Mapping[Node, Node] = field(default_factory=dict)  # a next value → its leaf

    def table(self, node: Node) -> ColumnBlock:
        return self.of_sample if node.each else self.of_step

    def in_epoch(self, node: Node, epochs: int, epoch: str, sample: int | str = 0) -> str:
        """A formula for a value in the epoch that a cell asks for, of so many that there are.

        The sample is one that is known, or another cell asks for it.
        """
        table = self.table(node)
        last = table.cell(node, epochs - 1, table.stride - 1).rpartition("!")[2]
        own = sample if isinstance(sample, str) else sample + 1
        place = epoch if table.stride == 1 else f"({epoch}-1)*{table.stride}+{own}"
        return f"INDEX({table.cell(node)}:{last},{place})"

    def formula(self, node: Node, sheet: str, guarded: Guarded) -> str:
        """The formula of a node's own cell, with its = and with places for row numbers."""
        return "=" + write(self.speller(sheet, guarded).formula(node))

    def mention(self, node: Node, sheet: str, guarded: Guarded) -> str:
        """A formula for the same value somewhere else: the node's cell, where it has one."""
        return "=" + write(self.speller(sheet, guarded).mention(node))

    def speller(self, sheet: str, guarded: Guarded) -> Speller:
        """Says nodes for that sheet."""
        return Speller(
            lambda node: self.refer(node, sheet), lambda node: self.block(node, sheet), guarded
        )

    def block(self, node: Node, sheet: str) -> Reference:
        """The cells of a value of all samples."""
        if node in self.outside:
            cell = self.outside[node]
            last = cell.rpartition("!")[2].replace(DATA, LAST_DATA)
            return Reference(f"{cell.replace(DATA, FIRST_DATA)}:{last}")
        return Reference(
            self._cell(node, sheet, FIRST) + ":" + self.table(node).column(node) + LAST
        )

    def refer(self, node: Node, sheet: str) -> Reference | None:
        """What a formula on that sheet calls a value; nothing where it must write it out."""
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
        """The row numbers that a formula's places take, as people count them, from 1.

        Two neighbours never say quite the same: LibreOffice (7.4) computes a column of equal
        formulas at one go, and then sums of samples can be made of values from before.
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
            "f": self.data_row + 1,
            "l": self.data_row + self.of_sample.stride,
        }


def following_values(step: Step) -> dict[Node, Node]:
    """Next values without a name of their own, which are their leaf's cell one row below."""
    return {
        value: leaf
        for leaf, value in step.next.items()
        if value.name is None and not value.is_constant()
    }
