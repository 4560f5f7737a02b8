"""The check's plan: every weight nudged up and down, and what the forward part makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from xlsxwriter.utility import xl_col_to_name

from gradbook.graph.node import Node, needed
from gradbook.graph.reference import Values, evaluate
from gradbook.graph.step import Step
from gradbook.targets.excel.language.spelling import spelled_out
from gradbook.targets.excel.plan.columns import forward_values
from gradbook.targets.excel.plan.layout import ColumnBlock, RunLayout

NUDGE = 1e-5
NEAR, FLOOR = 1e-5, 1e-8  # of the slope, and of the error: how far apart a check lets them be
BEND = 1e-3  # of the slope: a difference between its two sides that is a corner's, not a curve's
BESIDE = 1e-4  # of that difference: how far from one side's slope a gradient may be
MOST_CELLS, MOST_VALUES = 150_000, 600_000  # on the working sheet; computed for it, parts included
CORNERS = ("relu", "largest", "choose")
BASE_ROW, FIRST_ROW = 4, 8  # of the weights as they are, and of the first nudge
AGREES, DIFFERS, OPEN = "agrees", "differs", "to fill in"


@dataclass(frozen=True)
class Slope:
    """What nudging one weight measures."""

    below: float
    above: float

    @property
    def value(self) -> float:
        return (self.above - self.below) / (2 * NUDGE)


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
        trained = [weight for weight in self.step.weights if weight in self.step.gradients]
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
        return {
            weight: Slope(below=float(down[loss]), above=float(up[loss]))
            for weight, (up, down) in self.passes.items()
        }

    def agrees(self, weight: Node, gradient: float, error: float) -> bool:
        """What the sheet's own formula says."""
        slope = self.slopes[weight]
        apart = abs(gradient - slope.value)
        if apart <= NEAR * max(abs(gradient), abs(slope.value)) + FLOOR * error:
            return True
        left, right = (error - slope.below) / NUDGE, (slope.above - error) / NUDGE
        beside = min(abs(gradient - left), abs(gradient - right))
        bend = abs(right - left)
        return bool(
            self.has_corners
            and bend > BEND * max(abs(left), abs(right))
            and beside <= BESIDE * bend
        )
