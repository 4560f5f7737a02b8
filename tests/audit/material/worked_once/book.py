"""A network worked once, forward and back: what stands in each cell, and where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlsxwriter import Workbook

from gradbook.cells.formula.address import letters

DERIVATIVES = {
    "sigmoid": "{a}*(1-{a})",
    "tanh": "1-{a}^2",
    "relu": "IF({z}>0,1,0)",
    "linear": "1",
}
ACTIVATIONS = {
    "sigmoid": "1/(1+EXP(-{z}))",
    "tanh": "TANH({z})",
    "relu": "IF({z}>0,{z},0)",
    "linear": "{z}",
}


@dataclass(frozen=True)
class Area:
    """A rectangle of cells, by its first row and column, counted from 0, and its size."""

    row: int
    column: int
    height: int
    width: int

    def cell(self, r: int, c: int, fixed: bool = False) -> str:
        mark = "$" if fixed else ""
        return f"{mark}{letters(self.column + c)}{mark}{self.row + r + 1}"

    @property
    def text(self) -> str:
        return f"{self.cell(0, 0)}:{self.cell(self.height - 1, self.width - 1)}"

    def each(self) -> list[str]:
        return [self.cell(r, c) for r in range(self.height) for c in range(self.width)]

    def cells(self) -> set[str]:
        return set(self.each())


@dataclass
class WorkedBook:
    """What stands in each cell, and where it is wrong by design."""

    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, str] = field(default_factory=dict)  # by the cells that share a formula
    names: dict[str, str] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    losses: list[str] = field(default_factory=list)  # of which the sum is the loss, if any
    slopes: dict[str, str] = field(default_factory=dict)  # by weight, the cell of its gradient
    blank: bool = False  # whether its numbers are still to be typed
    rate: float = 0  # where gradients are only within updates
    gradients: int = 0  # blocks, or single ones

    def save(self, path: Path, *nudged: Mapping[str, float]) -> Path:
        """The book; with a sheet more for each of some other numbers."""
        with Workbook(str(path)) as book:
            for k, other in enumerate(({}, *nudged)):
                sheet = book.add_worksheet(f"Network {k}" if k else "Network")
                for cell, text in self.texts.items():
                    sheet.write_string(cell, text)
                for cell, number in (self.numbers | dict(other)).items():
                    sheet.write_number(cell, number)
                for cell, text in self.formulas.items():
                    sheet.write_formula(cell, f"={text}")
                for cells, text in self.arrays.items():
                    sheet.write_array_formula(cells, f"{{={text}}}")
            for name, cell in self.names.items():
                book.define_name(name, f"=Network!{cell}")
        return path

    def has(self, part: str) -> bool:
        """Whether some formula has that in it."""
        return any(part in text for text in (*self.formulas.values(), *self.arrays.values()))
