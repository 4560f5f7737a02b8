"""What is remembered of gradients: means of them and of their squares, each of its own weight.

A mean under a root is one of squares, whatever the sign of the gradient. What a weight's update is
made of belongs to that weight, where another has the same of its own. What corrects a mean for its
start takes the share that the mean itself keeps. A row goes on as those before and after it do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.audit.findings import DEPARTING_ROW, departing_from_column
from gradbook.audit.formula.address import Address, name_of
from gradbook.audit.formula.expression import (
    EditKind,
    factors,
    parts,
    paths,
    replace_parts,
    terms,
)
from gradbook.audit.formula.pattern import Pattern, anchor
from gradbook.audit.judge.updates import says_the_same, with_another_cell
from gradbook.audit.step.formulas import EvaluatedFormula, remember
from gradbook.audit.step.points import POINTS, agree
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import Book
from gradbook.graph.node import Array
from gradbook.language.message import Message
from gradbook.targets.excel.language import Call, Expression, Infix, Number, write

Cells = dict[int, Address]  # of each weight, by its number


@dataclass(frozen=True)
class OddUpdate:
    """A cell that differs from the corresponding ones of other weights."""

    weight: int
    cell: Address
    kind: str
    right: str  # its formula, as the others' would be
    why: str

    def later(self, book: Book, further: int) -> OddUpdate:
        """Return the same so many cells further."""
        if not further:
            return self
        cell = self.cell + further
        right = book.reader.read_typed(self.right, self.cell).text_at(cell)
        return OddUpdate(self.weight, cell, self.kind, right, self.why)


@dataclass(frozen=True)
class Moments:
    """The cells between the gradients of one step and the updates that are made of them."""

    training: SheetTraining
    step: SheetStep
    gradients: Cells  # those that are right
    signs: Mapping[int, int]  # -1 where a cell has the negative of one

    def is_repeated(self, later: Moments) -> bool:
        """Whether a later step says the same everywhere, of what has begun in the same way."""
        patterns, away = self.training.book.patterns, later.step.number - self.step.number
        return later.gradients.keys() == self.gradients.keys() and all(
            patterns.get(cell + away * self._stride(j)) is patterns.get(cell)
            for j, update in self.updates.items()
            for cell in (update, self.gradients[j], *self.way(j), *self._remembered_by(update))
        )

    def _remembered_by(self, update: Address) -> Iterator[Address]:
        """What an update takes from memories."""
        back = self.training.looking_back
        stride = self._stride(self.training.weight_cells.get(update, (0, 0))[0])
        return (s for s in self.training.flow.sources(update) if s in back or s + stride in back)

    def odd(self) -> Iterator[OddUpdate]:
        """What is odd whatever the other weights' updates say."""
        yield from self._without_square()
        yield from self._corrected_by_another()
        yield from self._departing()

    @cached_property
    def updates(self) -> Cells:
        weights, k = self.training.weights, self.step.number
        return {j: weights[j].updates[k] for j in self.gradients if k < len(weights[j].updates)}

    @cached_property
    def _owner(self) -> Mapping[Address, int]:
        """Whose gradient a cell is, in this step or in the one before."""
        found = {}
        for j, cell in self.gradients.items():
            found[cell - self._stride(j)] = found[cell] = j
        return found

    @cached_property
    def _backward(self) -> set[Address]:
        """What the gradients are made of."""
        return self.training.flow.behind(self._owner, self.training.weight_cells)

    def _stride(self, weight: int) -> int:
        return self.training.weights[weight].stride

    def way(self, weight: int) -> set[Address]:
        """What an update is made of, up to gradients and weights; of what is remembered, the step
        itself and the last time."""
        training, stride = self.training, self._stride(weight)
        found: set[Address] = set()
        waiting = [self.updates[weight]]
        while waiting:
            cell = waiting.pop(0)
            for source in training.flow.sources(cell):
                if source in found or source in self._owner or source in self._backward:
                    continue
                if source not in training.computed_cells:
                    continue
                if source in training.book.patterns and source + stride not in found:
                    found.add(source)
                    waiting.append(source)
        return found

    def of(self, cell: Address) -> set[int]:
        """The weights of whose gradients a cell is made."""
        stop = {*self.training.weight_cells, *self._owner}
        behind = self.training.flow.behind([cell], stop)
        direct = {self._owner[s] for s in self.training.flow.sources(cell) if s in self._owner}
        return direct or {self._owner[source] for source in behind if source in self._owner}

    # Squares under roots -----------------------------------------------------------------

    def _without_square(self) -> Iterator[OddUpdate]:
        """Means under a root that take a gradient as it is."""
        patterns, flow = self.training.book.patterns, self.training.flow
        for j, update in self.updates.items():
            gradient, way = self.gradients[j], self.way(j)
            rooted = set(self._under_roots([update, *way]))
            rooted |= {s for cell in rooted & way for s in flow.sources(cell) if s in way}
            for cell in sorted(rooted):
                pattern = patterns.get(cell)
                is_mean = {cell, cell + self._stride(j)} & self.training.looking_back
                if pattern is None or not is_mean or gradient not in flow.sources(cell):
                    continue
                right = self._squared(pattern, cell, gradient)
                if right:
                    why = Message(
                        "a mean under a root is one of squares: {cell} is to be squared",
                        cell=name_of(gradient),
                    )
                    yield OddUpdate(j, cell, EditKind.FACTOR.value, right, why)

    def _under_roots(self, cells: Iterable[Address]) -> Iterator[Address]:
        """The cells that stand under a root in some formulas."""
        for cell in cells:
            pattern = self.training.book.patterns[cell]
            for part in parts(pattern.expression) if pattern.expression else ():
                match part:
                    case Call("SQRT", (inside,)) | Call("POWER", (inside, Number(0.5))):
                        under: Expression | None = inside
                    case Infix("^", left, Number(0.5)):
                        under = left
                    case _:
                        continue
                if under is not None:
                    yield from self.training.cells_in(under, cell)

    def _squared(self, pattern: Pattern, cell: Address, gradient: Address) -> str:
        """A formula with a gradient squared that isn't; '' where its sign makes no difference
        already, or still would."""
        expression = pattern.expression
        if expression is None:
            return ""

        def turns(part: Expression) -> bool:
            at = self.training.cell_of(part, cell)
            return at == gradient or at in self.training.weight_cells  # as where weights decay

        def squared(part: Expression) -> Expression | None:
            is_gradient = self.training.cell_of(part, cell) == gradient
            return Infix("^", part, Number(2.0)) if is_gradient else None

        if _is_even(expression, turns):
            return ""
        right = replace_parts(expression, squared)
        words = self.training.book.reader.read_typed(write(right), pattern.home).text_at(cell)
        return words if _is_even(right, turns) else ""

    # Corrections and rows ------------------------------------------------------------------

    def _corrected_by_another(self) -> Iterator[OddUpdate]:
        """Means divided by 1 − β^t, whose own share of the past is another β."""
        training, book = self.training, self.training.book
        for j, update in self.updates.items():
            for cell in (update, *sorted(self.way(j))):
                expression = book.patterns[cell].expression
                for part in parts(expression) if expression else ():
                    match part:
                        case Infix("/", mean, Infix("-", Number(1.0), Infix("^", share, _))):
                            pass
                        case _:
                            continue
                    at, taken = training.cell_of(mean, cell), training.cell_of(share, cell)
                    kept = None if at is None else self._share_kept(at, self._stride(j))
                    if kept is None or taken is None or training.plain(taken) == kept:
                        continue
                    name = book.name_of(kept, cell)
                    name = anchor(name) if "$" in write(share) else name
                    why = Message(
                        "{mean} keeps the share {right} of its past: its correction takes that "
                        "too, not {cell}",
                        mean=name_of(at or cell),
                        right=name_of(kept),
                        cell=name_of(taken),
                    )
                    right = with_another_cell(book, cell, taken, name)
                    yield OddUpdate(j, cell, EditKind.REFERENCE.value, right, why)

    def _share_kept(self, mean: Address, stride: int) -> Address | None:
        """The cell that says how much of its past a mean keeps."""
        training = self.training
        expression = training.book.patterns[mean].expression if self._is_memory(mean) else None
        for _, term in terms(expression) if expression else ():
            cells = [training.cell_of(factor.part, mean) for factor in factors(term).parts]
            if mean - stride in cells and len(cells) == 2:
                other = cells[cells[0] == mean - stride]
                return None if other is None else training.plain(other)
        return None

    def _is_memory(self, cell: Address) -> bool:
        return cell in self.training.looking_back and cell in self.training.book.patterns

    def _departing(self) -> Iterator[OddUpdate]:
        """What is remembered in one row by another formula than in the rows around it."""
        training, tested = self.training, StepUnderTest.of(self.training, [self.step])
        for j in self.updates:
            for cell in sorted(self.way(j)):
                usual = self.around(j, cell)
                if usual is None or not self._is_memory(cell + self._stride(j)):
                    continue
                right = usual.text_at(cell)
                if not says_the_same(tested, cell, training.book.reader.read_typed(right, cell)):
                    yield OddUpdate(j, cell, DEPARTING_ROW, right, departing_from_column(cell))

    def around(self, weight: int, cell: Address) -> Pattern | None:
        """The formula of the rows before and after, if it is one, and another than the cell's."""
        patterns, stride = self.training.book.patterns, self._stride(weight)
        before, after = patterns.get(cell - stride), patterns.get(cell + stride)
        return after if before is after and after is not patterns.get(cell) else None


def _is_even(expression: Expression, turns: Callable[[Expression], bool]) -> bool:
    """Whether a formula is the same whatever sign some of its parts have."""
    draw = np.random.default_rng(len(write(expression)))
    value_of = remember(lambda part: np.asarray(draw.uniform(0.2, 0.9, POINTS)))
    formula = EvaluatedFormula(expression, value_of)
    turned: dict[tuple[int, ...], Array] = {
        path: -formula.values[path] for path, part in paths(expression) if turns(part)
    }
    return not turned or agree(formula.whole, formula.with_(turned))
