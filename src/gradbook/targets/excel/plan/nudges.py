"""The check's plan: every weight nudged up and down, and what the forward part makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from gradbook.graph.node import Array, Node, needed
from gradbook.graph.reference import Values, evaluate
from gradbook.net.step import Step
from gradbook.targets.excel.language.spelling import spelled_out
from gradbook.targets.excel.plan.columns import forward_values
from gradbook.targets.excel.plan.layout import ColumnBlock, RunLayout

NUDGE = 1e-5
BEND = 1e-3  # of the slope: a difference between its two sides that is a corner's, not a curve's
BESIDE = 1e-4  # of that difference: how far from one side's slope a gradient may be
MOST_CELLS, MOST_VALUES = 150_000, 600_000  # on the working sheet; computed for it, parts included
CORNERS = ("relu", "largest", "choose")
BASE_ROW, FIRST_ROW = 4, 8  # of the weights as they are, and of the first nudge


@dataclass(frozen=True)
class Slope:
    """What a nudge down and a nudge up measure, of an error that is `error` without one."""

    error: float
    below: float
    above: float
    size: float  # of the largest value on the way

    @property
    def value(self) -> float:
        return (self.above - self.below) / (2 * NUDGE)

    @property
    def left(self) -> float:
        return (self.error - self.below) / NUDGE

    @property
    def right(self) -> float:
        return (self.above - self.error) / NUDGE


@dataclass(frozen=True)
class Nudges:
    """Two forward passes for each weight that is checked; all weights where they are few."""

    step: Step
    sheet: str
    data_row: int
    given: dict[Node, str]

    @cached_property
    def values(self) -> list[Node]:
        return forward_values(self.step)

    @cached_property
    def weights(self) -> list[Node]:
        """Those that are checked, spread evenly where all would be too many."""
        trained = self.step.trained
        cells = 2 * self.step.samples * len(self.values)
        computed = 2 * len(needed(self.values))
        most = max(1, min(MOST_CELLS // cells, MOST_VALUES // computed))
        if len(trained) <= most:
            return trained
        return [trained[round(k * (len(trained) - 1) / max(most - 1, 1))] for k in range(most)]

    @property
    def noun(self) -> str:
        """What the check is about: the gradients, or those of them that it checks."""
        every = len(self.weights) == len(self.step.gradients)
        return "gradients" if every else "checked gradients"

    @cached_property
    def has_corners(self) -> bool:
        return any(node.op.name in CORNERS for node in spelled_out(needed([self.step.loss])))

    # Where -------------------------------------------------------------------

    def base(self, weight: Node) -> str:
        """The cell of a weight as it is."""
        place = self.step.weights.index(weight) + 2
        return f"{xl_col_to_name(place)}${BASE_ROW + 1}"

    def groups(self, *, each: bool) -> list[Node]:
        return [value for value in self.values if value.each is each]

    def run(self, nudged: Node) -> RunLayout:
        """The forward passes; the nudged weight stands in column B."""
        stride = self.step.samples
        once, every = self.groups(each=False), self.groups(each=True)
        first = 3 if stride > 1 else 2
        columns = {value: first + k for k, value in enumerate([*every, *once])}
        of_step = ColumnBlock(self.sheet, {v: columns[v] for v in once}, FIRST_ROW, stride)
        of_sample = ColumnBlock(self.sheet, {v: columns[v] for v in every}, FIRST_ROW, stride)
        weights = {w: self.base(w) for w in self.step.weights}
        outside = {**weights, nudged: "$B{e}", **self.given}
        return RunLayout(self.step, of_step, of_sample, outside, self.data_row)

    def area(self, weight: Node) -> str:
        """All cells of a weight's two passes."""
        run, first = self.run(weight), 2 + (self.step.samples > 1)
        columns = [xl_col_to_name(place) for place in (first, first + len(self.values) - 1)]
        top = run.of_step.row(2 * self.weights.index(weight)) + 1
        return f"${columns[0]}${top}:${columns[1]}${top + 2 * self.step.samples - 1}"

    @property
    def end(self) -> int:
        """The first row below all passes."""
        return FIRST_ROW + 2 * len(self.weights) * self.step.samples

    # What --------------------------------------------------------------------

    @cached_property
    def passes(self) -> dict[Node, tuple[Values, Values]]:
        """All values with a weight nudged up, and with it nudged down."""
        return {
            weight: (self._nudged(weight, NUDGE), self._nudged(weight, -NUDGE))
            for weight in self.weights
        }

    def _nudged(self, weight: Node, by: float) -> Values:
        changed = {weight: self.step.start[weight] + by}
        return evaluate(self.values, {**self.step.data, **self.step.start, **changed})

    @cached_property
    def slopes(self) -> dict[Node, Slope]:
        loss = self.step.loss
        known = evaluate([loss], {**self.step.data, **self.step.start})
        return {
            weight: Slope(
                float(known[loss]), float(down[loss]), float(up[loss]), self.size([up, down])
            )
            for weight, (up, down) in self.passes.items()
        }

    def size(self, passes: Sequence[Values]) -> float:
        """Of the largest value in some passes, inputs and targets among them; at least 1."""
        met = [values[node] for values in passes for node in self.values]
        met += [self.step.data[leaf] for leaf in (*self.step.inputs, *self.step.targets)]
        return largest_size(met)


def largest_size(values: Sequence[Array]) -> float:
    return max(1.0, *(float(np.abs(value).max()) for value in values))
