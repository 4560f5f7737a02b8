"""The formulas that belong into the tables of a workbook of ours, cell by cell."""

from __future__ import annotations

from functools import cached_property

from gradbook.graph.lower import scalar_step
from gradbook.graph.step import Step
from gradbook.net import Net
from gradbook.targets.excel.plan.book import HEAD_ROWS, SAMPLES, TRAINING, WorkbookPlan
from gradbook.targets.excel.sheets.table import ValueCells, columns

ANY = 2  # epochs: every cell follows from its row


class Solution:
    """What a network's workbook has in each cell of Training and Samples."""

    def __init__(self, net: Net) -> None:
        self.step: Step = scalar_step(net)
        self.plan = WorkbookPlan(self.step, ANY, net.learning_rate, ())

    @cached_property
    def gradients(self) -> set[str]:
        """What the weights' gradients are called."""
        return {str(node.name) for node in self.step.gradients.values()}

    @cached_property
    def _columns(self) -> dict[tuple[str, int], ValueCells]:
        run, starts = self.plan.training, self.plan.starts
        return {
            (sheet, cells.place): cells
            for sheet in (TRAINING, SAMPLES)
            for cells in columns(run, sheet, starts, frozenset())
        }

    def at(self, sheet: str, row: int, column: int) -> tuple[str, str] | None:
        """The name of a cell's value and its formula; None where none belongs there."""
        cells = self._columns.get((sheet, column))
        if cells is None or row < HEAD_ROWS:
            return None
        stride = self.plan.training.table(cells.node).stride
        epoch, sample = divmod(row - HEAD_ROWS, stride)
        formula = cells.content(self.plan.training, epoch, sample)
        return (str(cells.node.name), formula) if isinstance(formula, str) else None
