"""The check of every epoch at once: all weights nudged together along one direction.

The slope along a direction is the sum of ∂E/∂w times each weight's part of it, so two forward
passes an epoch hold all its gradients against one measured number. No two parts are alike, lest
two gradients that are swapped go unseen; all are positive, so that units which stand at a corner
open to the same side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from gradbook.graph.node import Array, Node
from gradbook.graph.reference import Values, evaluate
from gradbook.net.step import Step
from gradbook.targets.excel.plan.columns import forward_values
from gradbook.targets.excel.plan.layout import ColumnBlock, RunLayout
from gradbook.targets.excel.plan.nudges import MOST_CELLS, NUDGE, Slope, largest_size

GOLDEN = (np.sqrt(5) - 1) / 2  # its multiples spread evenly over the unit interval


@dataclass(frozen=True)
class EpochNudges:
    """Two forward passes for each epoch; `record` has the weights that each begins with."""

    step: Step
    sheet: str
    epochs: int
    row: int  # of the direction; names and passes stand below it
    data_row: int
    given: Mapping[Node, str]
    record: Mapping[Node, Array]

    @cached_property
    def values(self) -> list[Node]:
        return forward_values(self.step)

    @cached_property
    def chosen(self) -> list[int]:
        """The epochs that are checked, from 0: all, or as many as fit, spread evenly."""
        once = [value for value in self.values if not value.each]
        each = len(self.values) - len(once)
        cells = 2 * (len(self.step.weights) + len(once) + each * self.step.samples)
        most = max(2, MOST_CELLS // cells)
        if self.epochs <= most:
            return list(range(self.epochs))
        return [round(k * (self.epochs - 1) / (most - 1)) for k in range(most)]

    @cached_property
    def direction(self) -> dict[Node, float]:
        """Each trained weight's part, of a direction as long as 1."""
        trained = self.step.trained
        parts = 0.5 + np.mod(GOLDEN * np.arange(1, len(trained) + 1), 1)
        return dict(zip(trained, (parts / np.linalg.norm(parts)).tolist(), strict=True))

    # Where --------------------------------------------------------------------

    @property
    def first_column(self) -> int:
        """Behind the epoch, the way that is nudged, and the sample where there are several."""
        return 2 + (self.step.samples > 1)

    @property
    def first_row(self) -> int:
        """Of the passes, below the direction and the names."""
        return self.row + 2

    @cached_property
    def run(self) -> RunLayout:
        """The passes: the one up of an epoch, then the one down, each with weights of its own."""
        stride = self.step.samples
        each = [value for value in self.values if value.each]
        once = [value for value in self.values if not value.each]
        fixed = [weight for weight in self.step.weights if weight not in self.direction]
        order = [*self.direction, *fixed, *each, *once]
        places = {node: self.first_column + k for k, node in enumerate(order)}
        of_step = {node: places[node] for node in (*self.step.weights, *once)}
        return RunLayout(
            self.step,
            ColumnBlock(self.sheet, of_step, self.first_row, stride),
            ColumnBlock(self.sheet, {node: places[node] for node in each}, self.first_row, stride),
            self.given,
            self.data_row,
        )

    @property
    def last_column(self) -> int:
        return self.first_column + len(self.step.weights) + len(self.values) - 1

    def part_cell(self, weight: Node) -> str:
        return f"{self.run.of_step.column(weight)}${self.row + 1}"

    def area(self, number: int) -> str:
        """All cells of an epoch's two passes."""
        first, last = (xl_col_to_name(place) for place in (self.first_column, self.last_column))
        top = self.run.of_step.row(2 * number) + 1
        return f"${first}${top}:${last}${top + 2 * self.step.samples - 1}"

    @property
    def parts(self) -> str:
        """The direction's cells, above the trained weights, which come first."""
        first = xl_col_to_name(self.first_column)
        last = xl_col_to_name(self.first_column + len(self.direction) - 1)
        return f"${first}${self.row + 1}:${last}${self.row + 1}"

    # What ---------------------------------------------------------------------

    @cached_property
    def passes(self) -> list[tuple[Values, Values]]:
        """Of each epoch that is checked: all values nudged up, and nudged down."""
        return [(self._pass(epoch, NUDGE), self._pass(epoch, -NUDGE)) for epoch in self.chosen]

    def _pass(self, epoch: int, by: float) -> Values:
        weights: Values = {
            weight: self.record[weight][epoch] + by * self.direction.get(weight, 0.0)
            for weight in self.step.weights
        }
        found = evaluate(self.values, {**self.step.data, **self.step.start, **weights})
        return {**found, **weights}

    def slope(self, number: int) -> Slope:
        up, down = self.passes[number]
        loss = self.step.loss
        met = [values[node] for values in (up, down) for node in self.run.of_step.columns]
        met += [values[node] for values in (up, down) for node in self.run.of_sample.columns]
        met += [self.step.data[leaf] for leaf in (*self.step.inputs, *self.step.targets)]
        error = float(self.record[loss][self.chosen[number]])
        return Slope(error, float(down[loss]), float(up[loss]), largest_size(met))

    def along(self, number: int) -> float:
        """The slope along the direction, by the gradients."""
        epoch = self.chosen[number]
        return float(
            sum(
                part * self.record[self.step.gradients[weight]][epoch]
                for weight, part in self.direction.items()
            )
        )
