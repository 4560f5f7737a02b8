"""Which cells a formula of a step may mention, and how it mentions them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.judge.positions import Positions
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.workbook.book import quoted
from gradbook.targets.excel.language.grammar import Reference


class Mentions:
    """The cells of a step as its formulas see them."""

    def __init__(self, positions: Positions, alike: Sequence[SheetStep]) -> None:
        self.positions = positions
        self.training = positions.training
        self.step = positions.step
        self.alike = alike

    def candidates(self, homes: Sequence[Address]) -> list[Address]:
        """The cells that a formula in some others may mention without leading back to them, the
        nearest to the first of those first."""
        flow, stop = self.training.flow, self.training.weight_cells
        below = flow.below(homes, stop).union(homes)
        own, home = self.step.own, homes[0]
        found = [
            cell
            for cell in dict.fromkeys([*own, *self.step.cells, *self.positions.unused])
            if cell not in below
            and (cell not in stop or cell in own)
            and cell not in self.positions.of_other_steps
        ]
        return sorted(found, key=lambda cell: (sheet_of(cell) != sheet_of(home), abs(cell - home)))

    @cached_property
    def aliases(self) -> dict[Address, list[Address]]:
        """The cells by which the step's formulas mention others, where they only repeat those."""
        found: dict[Address, list[Address]] = {}
        flow, stop = self.training.flow, self.training.weight_cells
        owners = [claim.owner for options in self.step.claims for claim in options]
        for cell in dict.fromkeys([*self.step.cells, *owners]):
            for source in flow.sources(cell) if cell not in stop or cell in owners else ():
                plain = self.training.plain(source)
                if plain != source:
                    found.setdefault(plain, []).append(source)
        return found

    def seen_from(self, cell: Address, home: Address) -> Address:
        """The cell, or another that repeats it on the sheet where it is wanted."""
        beside = [c for c in self.aliases.get(cell, ()) if sheet_of(c) == sheet_of(home)]
        return min(beside, key=lambda c: abs(c - home), default=cell)

    def reference(self, cell: Address, home: Address) -> Reference:
        """A cell as a formula in another mentions it; fixed where it serves every step, unless a
        copy of it goes along with them."""
        plain, cell = cell, self.seen_from(cell, home)
        text = written(cell)
        other = self.alike[-1]
        still = other is not self.step and self.positions.there(cell, other) == cell
        filled = cell + self.positions.there(home, other) - home
        if still and plain == cell and self.training.plain(filled) != plain:
            word = text.rstrip("0123456789")
            text = f"${word}${text[len(word) :]}"
        return Reference(self.on_its_sheet(text, cell, home))

    def on_its_sheet(self, text: str, cell: Address, home: Address) -> str:
        """A cell's name with its sheet's before it, where that is another than the formula's."""
        if sheet_of(cell) == sheet_of(home):
            return text
        return f"{quoted(self.training.book.sheets[sheet_of(cell)].title)}!{text}"
