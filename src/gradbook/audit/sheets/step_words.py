"""The cells, ranges, numbers and formulas of a step that may stand in a formula of it.

Knows nothing of what is learned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property

import numpy as np

from gradbook.audit.edits.formula_edits import (
    USUAL_TEMPLATES,
    Substitute,
    Substitutes,
    constants,
    fill_templates,
)
from gradbook.audit.sheets.more_edits import functions_in
from gradbook.audit.sheets.sheet_steps import StepCalls
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.audit.sheets.step_points import StepPoints
from gradbook.cells.formula.address import Address, column_of, name_of, row_of, sheet_of
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.pattern import CellReference, RangeReference
from gradbook.cells.formula.syntax import Expression, Infix, Number, Reference, read
from gradbook.recording.calls import Replay

MOST_REFERENCES = 160  # cells that may stand in the place of others
MOST_FILLED = 48  # of them, in templates
MOST_NEAR = 16
MOST_NUMBERS = 8
SLOPES = [read(text) for text in ("1-x", "1-x^2", "x*(1-x)")]
MOST_NEIGHBOURS = 4


class StepWords:
    """The vocabulary of a step's formulas."""

    def __init__(self, chains: SheetChains, step: StepCalls, replay: Replay) -> None:
        self.chains, self.book = chains, chains.book
        self.step, self.replay = step, replay

    @cached_property
    def functions(self) -> list[str]:
        return functions_in(self.expressions)

    @cached_property
    def names(self) -> list[Reference]:
        """The names of ranges in the step's formulas."""
        every = dict.fromkeys(
            part
            for expression in self.expressions
            for part in parts(expression)
            if isinstance(part, Reference) and part.text.isidentifier()
        )
        return [part for part in every if self.book.reader.cell(part.text, 0) is None]

    def ranges(self, home: Address) -> list[Reference]:
        """The ranges that the step's formulas mention, as seen from a cell, nearest first."""
        corners: dict[tuple[Address, Address], int] = {}
        for cell in self.step.result:
            pattern = self.chains.patterns.get(cell)
            for place in pattern.places if pattern else ():
                if isinstance(place, RangeReference):
                    first, last = place.first.at(cell), place.last.at(cell)
                    if first is not None and last is not None:
                        away = abs(cell - home)
                        corners[first, last] = min(away, corners.get((first, last), away))
        near = sorted(corners, key=lambda pair: corners[pair])
        return [
            Reference(f"{self.book.name_of(first, home)}:{name_of(last)}") for first, last in near
        ]

    def neighbours(self, home: Address) -> list[Expression]:
        """The formulas of cells beside it in its row and column: as copied to it, and of its own
        sheet's as they are."""
        copies: dict[str, Expression] = {}
        own = self.chains.patterns[home]
        near = sorted(self._lines(home), key=lambda cell: abs(cell - home))
        for cell in near:
            pattern = self.chains.patterns[cell]
            for text in (pattern.text_at(home), pattern.text_at(cell)):
                if pattern.key == own.key or text in copies or "#REF!" in text:
                    continue
                expression = self.book.reader.read_typed(text, home).expression
                if expression is not None:
                    copies[text] = expression
            if len(copies) >= 2 * MOST_NEIGHBOURS:
                break
        return list(copies.values())

    def _lines(self, home: Address) -> list[Address]:
        row, column, sheet = row_of(home), column_of(home), sheet_of(home)
        return [
            cell
            for cell in self.step.result
            if cell in self.chains.patterns and cell != home and sheet_of(cell) == sheet
            if row_of(cell) == row or column_of(cell) == column
        ]

    @cached_property
    def makeups(self) -> Counter[str]:
        patterns = self.chains.patterns
        return Counter(patterns[cell].makeup for cell in self.step.result if cell in patterns)

    def factors(self, known: Substitutes) -> list[Substitute]:
        """The values nearest to a formula, and the usual slopes at them."""
        near = list(known.references[:MOST_NEAR])
        return [*near, *fill_templates(SLOPES, near), *known.references[MOST_NEAR:]]

    def substitutes(self, points: StepPoints, first: Address, home: Address) -> Substitutes:
        away = home - first
        shape = (points.size,)
        every = [
            Substitute(reference, np.broadcast_to(points.cell(cell + away * moves), shape))
            for cell, reference, moves in self._offered(first)
        ]
        more = [Substitute(n, np.full(shape, n.value)) for n in self.numbers]
        numbers = [*constants(shape), *more]
        both = [*every, *numbers]

        def factors() -> list[Substitute]:
            near = fill_templates(self.templates, both[:MOST_FILLED])
            apart = [
                Substitute(one, np.broadcast_to(points.formula(one, home), shape))
                for one in self._differences(home)
            ]
            return [*both, *apart, *near]

        return Substitutes(both, both, factors, lambda: both)

    def _offered(self, home: Address) -> list[tuple[Address, Reference, bool]]:
        """The cells of the step that a formula may mention, nearest first."""
        if home not in self._offers:
            reached = self.replay.reach([self.step.result[home]])
            below = {self.step.cells[i] for i in reached if i in self.step.result.values()}
            cells = [
                cell
                for cell, index in self.step.result.items()
                if cell != home and cell not in below and self.replay.depends[index]
            ]
            cells += [
                cell
                for cell, index in self.step.result.items()
                if self.step.calls[index].function is None and not self.replay.depends[index]
            ]
            cells.sort(key=lambda cell: (sheet_of(cell) != sheet_of(home), abs(cell - home)))
            self._offers[home] = [
                (cell, *self._reference(cell, home)) for cell in cells[:MOST_REFERENCES]
            ]
        return self._offers[home]

    @cached_property
    def _offers(self) -> dict[Address, list[tuple[Address, Reference, bool]]]:
        return {}

    def _reference(self, cell: Address, home: Address) -> tuple[Reference, bool]:
        """As the step's formulas refer to it, and whether copies refer to others."""
        row_fixed, column_fixed = self.styles.get(cell, (False, False))
        text = name_of(cell)
        word = text.rstrip("0123456789")
        text = f"{'$' * column_fixed}{word}{'$' * row_fixed}{text[len(word) :]}"
        return (
            Reference(self.book.sheet_before(cell, home) + text),
            not (row_fixed and column_fixed),
        )

    @cached_property
    def styles(self) -> dict[Address, tuple[bool, bool]]:
        counts: defaultdict[Address, Counter[tuple[bool, bool]]] = defaultdict(Counter)
        for cell in self.step.result:
            pattern = self.chains.patterns.get(cell)
            for place in pattern.places if pattern else ():
                if isinstance(place, CellReference):
                    at = place.at(cell)
                    if at is not None:
                        counts[at][place.row_fixed, place.column_fixed] += 1
        return {cell: each.most_common(1)[0][0] for cell, each in counts.items()}

    @cached_property
    def numbers(self) -> list[Number]:
        usual = {one.expression for one in constants(())}
        numbers = dict.fromkeys(
            part
            for expression in self.expressions
            for part in parts(expression)
            if isinstance(part, Number) and part not in usual
        )
        return list(numbers)[:MOST_NUMBERS]

    @cached_property
    def expressions(self) -> list[Expression]:
        patterns = dict.fromkeys(
            self.chains.patterns[cell] for cell in self.step.result if cell in self.chains.patterns
        )
        return [p.expression for p in patterns if p.expression is not None]

    @cached_property
    def templates(self) -> list[Expression]:
        return [read(text) for text in USUAL_TEMPLATES]

    def _differences(self, home: Address) -> list[Expression]:
        """Differences of two cells in the step's formulas, such as an output and its target."""
        pairs: dict[tuple[Address, Address], None] = {}
        for cell in self.step.result:
            pattern = self.chains.patterns.get(cell)
            if pattern is None or pattern.expression is None or len(pairs) > MOST_NUMBERS:
                continue
            for part in parts(pattern.expression):
                if isinstance(part, Infix) and part.operator == "-":
                    left, right = pattern.place_of(part.left), pattern.place_of(part.right)
                    if left and right:
                        a, b = left.at(cell), right.at(cell)
                        if a is not None and b is not None:
                            pairs |= {(a, b): None}
        return [
            Infix("-", self._reference(a, home)[0], self._reference(b, home)[0]) for a, b in pairs
        ]
