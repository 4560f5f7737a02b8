"""Cells that depart from their column: where a few steps say another thing than most."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.audit.address import COLUMN_BITS, MOST_COLUMNS, Address, sheet_of
from gradbook.audit.judge import HERE, RIGHT, Bench, best
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.pattern import Pattern, moved, relaid
from gradbook.audit.recover import Training
from gradbook.audit.steps import Step


def departing(training: Training, usual: Step, step: Step) -> dict[Address, Pattern]:
    """The cells of a step whose formula isn't the one that usual steps have there, with that."""
    move = _Move(training, usual, step)
    found: dict[Address, Pattern] = {}
    for cell in usual.cells:
        pattern = training.book.patterns.get(cell)
        if pattern is None or cell in training.stop or cell not in training.moving:
            continue
        there = move.to(cell)
        if there is not None and not move.same(cell, there):
            found[there] = training.book.reader.typed(move.text(cell), there)
    return found


class _Move:
    """From the cells of one step to those of another."""

    def __init__(self, training: Training, usual: Step, step: Step) -> None:
        self.training = training
        self.weights = dict(zip(usual.weights, step.weights, strict=True))
        self.by: dict[int, int] = {}
        for sheet in {sheet_of(cell) for cell in usual.cells}:
            self.by[sheet] = self._distance(usual, step, sheet)

    def _distance(self, usual: Step, step: Step, sheet: int) -> int:
        for a, b in self.weights.items():
            if a is not None and b is not None and sheet_of(a) == sheet:
                return b - a
        here, there = (
            [c for c in s.cells if sheet_of(c) == sheet and c in self.training.moving]
            for s in (usual, step)
        )
        return min(there) - min(here) if here and there else 0

    def to(self, cell: Address) -> Address | None:
        return cell + self.by[sheet_of(cell)]

    def text(self, cell: Address) -> str:
        """The cell's formula as it belongs in the other step."""
        book = self.training.book
        own = self.by[sheet_of(cell)]

        def follow(reference: str) -> str:
            at = book.reader.cell(reference, cell)
            by = own if at is None else self.by.get(sheet_of(at), 0)
            if at is not None and sheet_of(at) == sheet_of(cell):
                by = own
            return moved(reference, by >> COLUMN_BITS, (by & (MOST_COLUMNS - 1)))

        return relaid(book.patterns[cell].text_at(cell), follow)

    def same(self, cell: Address, there: Address) -> bool:
        """Whether the two formulas say the same of their own steps."""
        book, flow = self.training.book, self.training.flow
        a, b = book.patterns[cell], book.patterns.get(there)
        if a is b:
            return True
        if b is None or a.shape != b.shape:
            return False
        here, other = flow.sources(cell), flow.sources(there)
        fits = all(self._fits(x, y) for x, y in zip(here, other, strict=False))
        return fits and len(here) == len(other)

    def _fits(self, x: Address, y: Address) -> bool:
        if x in self.weights:
            return self.weights[x] == y
        return y in (x, x + self.by.get(sheet_of(x), 0))


def blamed(
    training: Training, usual: Step, step: Step, wrong_anyway: set[int]
) -> dict[Address, Pattern]:
    """The departing cells that make a step wrong; none where their formulas wouldn't help."""
    cells = departing(training, usual, step)
    if not cells or not _fine(training, step, cells, wrong_anyway):
        return {}
    for cell in list(cells):
        without = {c: pattern for c, pattern in cells.items() if c != cell}
        if without and _fine(training, step, without, wrong_anyway):
            cells = without
    return cells


def _fine(
    training: Training, step: Step, instead: dict[Address, Pattern], wrong_anyway: set[int]
) -> bool:
    """Whether all claims but those are right with these formulas."""
    bench = Bench(training, step, instead)
    return wrong_lanes(bench) <= wrong_anyway


def wrong_lanes(bench: Bench) -> set[int]:
    """The weights whose gradients aren't."""
    return set(_wrong(bench))


def _wrong(bench: Bench) -> Iterator[int]:
    for lane, options in enumerate(bench.step.claims):
        if options:
            try:
                verdict, _ = best(bench, lane, options)
            except NotUnderstood:
                yield lane
                continue
            if verdict not in (RIGHT, HERE):
                yield lane
