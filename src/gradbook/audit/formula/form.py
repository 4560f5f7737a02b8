"""What formulas say that differ in their references only: it is read once for all of them.

Where each step of a training has a block of rows, no formula is a copy of another: what they say of
the weights' row goes on by one while they go on by many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from gradbook.audit.formula.address import MARKS
from gradbook.audit.formula.expression import references
from gradbook.targets.excel.language.grammar import Expression, read

_CELLS = re.compile(r"A([0-9]+)(?::A([0-9]+))?")


@dataclass(frozen=True, eq=False)
class FormulaForm:
    """A formula in which the first cell that it mentions is called A1, the second one A2."""

    expression: Expression

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Its references, in order, each as often as typed."""
        return tuple(part.text for part in references(self.expression))

    @cached_property
    def _cells(self) -> list[tuple[int, ...]]:
        """Which cells each reference mentions: two where it is a range, none where it is a name."""
        found = [_CELLS.fullmatch(text) for text in self.references]
        return [tuple(int(n) - 1 for n in cells.groups() if n) if cells else () for cells in found]

    @cached_property
    def count(self) -> int:
        """How many cells it mentions; -1 where they aren't in their order."""
        every = [k for some in self._cells for k in some]
        return len(every) if every == list(range(len(every))) else -1

    def typed(self, cells: list[str]) -> tuple[str, ...]:
        """Its references as a formula has them that mentions these cells."""
        both = zip(self.references, self._cells, strict=True)
        return tuple([":".join([cells[k] for k in some]) if some else text for text, some in both])


class FormReader:
    """Reads each different form once."""

    def __init__(self) -> None:
        self._known: dict[str, FormulaForm] = {}

    def read(self, text: str) -> tuple[FormulaForm, tuple[str, ...]]:
        """A formula's form, and its references; a FormulaError where it can't be read."""
        cells: list[str] = []

        def numbered(found: re.Match[str]) -> str:
            if not found["column"]:
                return found[0]
            cells.append(found[0])
            return f"A{len(cells)}"

        plain = MARKS.sub(numbered, text)
        if plain not in self._known:
            self._known[plain] = FormulaForm(read(plain))
        form = self._known[plain]
        if form.count == len(cells):
            return form, form.typed(cells)
        own = FormulaForm(read(text))
        return own, own.references
