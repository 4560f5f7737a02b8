"""What a step's gradients are gradients of: cells of the sheet, or a loss that no cell holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.pattern import Pattern
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, write


class AssumedLoss(Enum):
    """A loss that no cell holds, known by the errors that the gradients start from."""

    SQUARED = "half the squared error"
    BINARY = "binary cross-entropy"
    CATEGORICAL = "cross-entropy"


@dataclass(frozen=True)
class OutputError:
    """An output less its target, or the target less the output, as a formula says it."""

    pattern: Pattern  # the formula
    output: Expression
    target: Expression

    def __str__(self) -> str:
        return f"{write(self.output)} and {write(self.target)}"

    @property
    def squared(self) -> str:
        """The difference of the two, squared, as a formula."""
        return write(Infix("^", Infix("-", self.output, self.target), Number(2.0)))


@dataclass(frozen=True)
class StepLoss:
    """The loss of one step: the sum of some cells or, if it is assumed, of what their formulas'
    errors come to; the gradients are those of so many times that."""

    cells: tuple[Address, ...]
    assumed: AssumedLoss | None = None
    errors: tuple[OutputError, ...] = ()  # one for each cell, if it is assumed
    scale: float = 1.0

    def at(self, cells: tuple[Address, ...]) -> StepLoss:
        """The same loss of another step."""
        return replace(self, cells=cells)
