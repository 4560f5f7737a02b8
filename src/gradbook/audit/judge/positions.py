"""Where the cells of one step stand, and which stand there in another step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.node import Array


class Positions:
    """The cells of a step among those of its training."""

    def __init__(self, training: SheetTraining, step: SheetStep) -> None:
        self.training = training
        self.step = step
        self.row = training.axis.crossing  # of a cell: its column where steps go across

    @cached_property
    def places(self) -> dict[Address, int]:
        """The step's cells, in the order that steps like it share."""
        return {cell: k for k, cell in enumerate(self.step.cells)}

    def owns(self, cell: Address) -> bool:
        """Whether a cell is one of the step's, so that its place in other steps is known."""
        return cell in self.places or cell in self.step.weights

    @cached_property
    def rows(self) -> dict[tuple[int, int], list[Address]]:
        """The step's cells that belong to it alone, by the rows in which they stand."""
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*self.step.own, *self.step.cells]):
            if cell in self.step.weights or cell in self.training.computed_cells:
                found[self.row(cell)].append(cell)
        return dict(found)

    @cached_property
    def of_other_steps(self) -> set[Address]:
        """The cells that are computed from another step's weights, and not from this one's."""
        flow, stop = self.training.flow, self.training.weight_cells
        others = [cell for cell in stop if cell not in self.step.weights]
        return flow.below(others, stop) - flow.below(self.step.own, stop)

    @cached_property
    def unused(self) -> list[Address]:
        """The formulas of the step that neither its loss nor its claims use: where a wrong cell
        stands, what belongs there may be used by nobody."""
        flow, stop = self.training.flow, self.training.weight_cells
        own = flow.below(self.step.own, stop) - self.places.keys()
        return sorted(cell for cell in own if self.row(cell) in self.rows)

    def there(self, cell: Address, step: SheetStep) -> Address:
        """The cell that stands in another step where this one stands here."""
        if step is self.step or not step.cells:
            return cell
        if cell in self.step.weights:
            return step.weights[self.step.weights.index(cell)] or cell
        if cell in self.training.weight_cells:
            j, k = self.training.weight_cells[cell]
            cells = self.training.weights[j].cells
            further = k + step.number - self.step.number
            return cells[further] if further < len(cells) else cell
        place = self.places.get(cell)
        if place is not None and place < len(step.cells):
            return step.cells[place]
        beside = self.rows.get(self.row(cell))
        if not beside:
            return self._as_far_as_weights(cell, step)
        users = set(self.training.flow.users.get(cell, ()))  # of its own table, if there are two
        near = min(beside, key=lambda other: (other not in users, abs(other - cell)))
        return cell + self.there(near, step) - near

    def _as_far_as_weights(self, cell: Address, step: SheetStep) -> Address:
        """As far from a cell that depends on weights as those are from theirs."""
        if cell not in self.training.varying:
            return cell
        both = zip(self.step.weights, step.weights, strict=True)
        apart = (b - a for a, b in both if a is not None and b is not None)
        return cell + next(apart, 0)

    def value(self, cell: Address) -> float:
        """The number that the file gives for a cell: 0 for a blank, NaN for words."""
        value = self.training.book.values.get(cell)
        if isinstance(value, int | float):
            return float(value)
        return 0.0 if value is None else float("nan")

    def values(self, cell: Address, steps: Sequence[SheetStep]) -> Array:
        """The numbers of a cell and of those that stand in its place in other steps."""
        return np.array([self.value(self.there(cell, step)) for step in steps])
