"""A loss in two forms side by side, with a formula that tests whether both are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import permutations

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.repair.wrong_formula import WrongFormula, one_edit
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.audit.training.weight_columns import said_in
from gradbook.cells.formula.address import Address, by_sheet
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.syntax import Call, Infix, Number
from gradbook.language.message import Message

SMALL = 0.01  # the largest difference of two numbers that count as the same


def compared_findings(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """Findings for a second form of the loss, if a formula tests whether both are the same, and one
    edit makes them so: of that form or, if none does, of the loss."""
    first = next(iter(steps), None)
    if first is None or first.loss.assumption or len(first.loss.cells) > 1:
        return
    (loss,), book, flow = first.loss.cells, training.book, training.flow
    others = {
        source
        for user in flow.users.get(loss, ())
        if not flow.users.get(user) and _tests_equality(training, user)
        for source in flow.sources(user)
        if source in training.computed_cells and source in book.patterns
    }
    for other in sorted(others - {loss}):
        tested = StepUnderTest.of(training, [first])
        with suppress(NotUnderstood):
            nodes = {cell: tested.graph.node(cell) for cell in (other, loss)}
            if tested.same(*nodes.values()):
                continue
            ways = (WrongFormula.at(tested, a, nodes[b]) for a, b in permutations(nodes))
            repairs = (one_edit(wrong) for wrong in ways if wrong is not None)
            found = next(filter(None, repairs), None)
            if found is None:
                continue
            home, line = found.home, training.axis.line
            alike = [
                cell
                for cell, pattern in book.patterns.items()
                if pattern is book.patterns[home] and line(cell) == line(home)
            ]
            why = Message(
                "{name} is tested for being the same as {other}, but isn't",
                name=training.name_of(home),
                other=training.name_of(other if home == loss else loss),
            )
            right, kind = book.reader.read_typed(found.formulas[0], home), found.edits[0].kind
            for cells in by_sheet(sorted(alike)):
                yield finding_in(book, cells, kind.value, training.name_of(home), why, right=right)


def _tests_equality(training: SheetTraining, cell: Address) -> bool:
    """Whether a formula tests whether numbers are the same, or nearly so."""
    said = said_in(training.book, cell)
    for part in parts(said) if said is not None else ():
        match part:
            case Infix("=" | "<>", _, _):
                return True
            case Infix("<" | "<=" | ">" | ">=", Call("ABS", (Infix("-", _, _),)), Number(limit)):
                return limit <= SMALL
    return False
