"""Every derivative that the chain rule gives of a loss, to be recognised by its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.audit.backward.cells.cell_functions import POINTS, PointValues
from gradbook.audit.backward.cells.outputs import Cells
from gradbook.audit.backward.chain.losses import StartingLoss
from gradbook.audit.formula.address import Address
from gradbook.audit.judge.numbers import CLOSE
from gradbook.graph.node import Array

ENOUGH = 3  # points at which both sides are numbers


@dataclass(frozen=True)
class DerivativeClaim:
    """A cell that is so many times the derivative by another; `by` is the cell of a factor."""

    of: Address
    scale: float
    by: Address | None = None


class Derivatives:
    """∂L/∂ every cell that leads to a loss, to be recognised by their numbers."""

    def __init__(self, cells: Cells, loss: StartingLoss, values: PointValues) -> None:
        self.slopes = {
            cell: slope
            for cell, slope in values.slopes(loss.seeds).items()
            if cell not in cells.targets and varies(slope)
        }
        self.cells = list(self.slopes)
        found = np.array([self.slopes[cell] for cell in self.cells]).reshape(-1, POINTS)
        self._finite = np.isfinite(found)
        self._numbers = np.where(self._finite, found, 0.0)

    def recognised(self, value: Array) -> list[tuple[Address, float]]:
        """The cells of which some numbers are the derivative, up to a factor."""
        if not varies(value):
            return []
        here = np.isfinite(value)
        own = np.where(here, value, 0.0)
        both = self._finite & here
        slopes = self._numbers * both
        with np.errstate(all="ignore"):
            scale = (slopes * own).sum(axis=1) / (slopes**2).sum(axis=1)
            off = np.abs(own * both - scale[:, None] * slopes).max(axis=1)
            good = off <= 10 * CLOSE * np.abs(own * both).max(axis=1)
        good &= (both.sum(axis=1) >= ENOUGH) & (np.count_nonzero(slopes, axis=1) >= ENOUGH)
        return [(self.cells[k], float(f"{scale[k]:.9g}")) for k in np.flatnonzero(good)]


def varies(values: Array) -> bool:
    some = values[np.isfinite(values)]
    return some.size >= ENOUGH and float(np.ptp(some)) > 1e-12 * float(np.abs(some).max())
