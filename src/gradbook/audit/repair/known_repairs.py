"""Repairs that were found for a formula, for when it comes again in other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradbook.audit.formula.address import Address, column_of, row_of
from gradbook.audit.formula.edits import Edit
from gradbook.audit.formula.pattern import Pattern, moved
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.blame import put_right, what_changes
from gradbook.audit.repair.departures import Move
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import Patient, Repair, restores
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import Step
from gradbook.targets.excel.language.grammar import Expression, write
from gradbook.targets.excel.language.reader import read


class Known:
    """What was found out about formulas that come again in other rows."""

    def __init__(self) -> None:
        self.hopeless: set[object] = set()  # wrong claims that no edit elsewhere puts right
        self.repairs: dict[tuple[int, str], tuple[Repair, Pattern, Address]] = {}
        self.remedies: list[tuple[Step, Remedy]] = []
        self.exchanged: set[int] = set()  # weights that are updated by another's gradient

    def repair(self, patient: Patient, lane: int, claim: Claim) -> Repair | None:
        """The repair of the same formula in another row, where it helps here too."""
        if (lane, patient.pattern.key) not in self.repairs:
            return None
        found, right, home = self.repairs[lane, patient.pattern.key]
        down = row_of(patient.owner) - row_of(home)
        across = column_of(patient.owner) - column_of(home)
        expression = read(moved(right.text, down, across))
        changes = tuple(_moved_choice(choice, down, across) for choice in found.changes)
        again = Repair(expression, changes)
        fits = restores(
            patient.tested, again, patient.owner, patient.tested.gradients[lane], claim.sign
        )
        return again if fits else None

    def keep(self, patient: Patient, lane: int, found: Repair | None) -> None:
        if found is not None:
            text = write(found.expression)
            right = patient.tested.training.book.reader.typed(text, patient.owner)
            self.repairs.setdefault((lane, patient.pattern.key), (found, right, patient.owner))

    def remedy(self, tested: StepUnderTest, wrong: Mapping[int, Claim]) -> Remedy | None:
        """What put the same column right in other rows, where it helps in these, too."""
        for step, remedy in self.remedies:
            again = _moved_remedy(tested, step, remedy)
            lanes = put_right(tested, again, wrong) if again is not None else frozenset()
            if again is not None and lanes:
                return what_changes(tested, again, lanes)
        return None


def _moved_remedy(tested: StepUnderTest, step: Step, remedy: Remedy) -> Remedy | None:
    """A remedy of another step for the cells that stand in their places in this one; None where
    these say another thing."""
    training, patterns = tested.training, tested.training.book.patterns
    move = Move(training, step, tested.step)
    there = tuple(move.to(cell) for cell in remedy.cells)
    for cell, other in zip(remedy.cells, there, strict=True):
        both = cell in patterns and other in patterns
        if not (move.same(cell, other) if both else (cell in patterns) == (other in patterns)):
            return None

    def moved_to(cell: Address, part: Expression) -> Expression:
        return read(move.text(cell, write(part)))

    pairs = zip(remedy.cells, remedy.expressions, strict=True)
    expressions = tuple(moved_to(cell, right) for cell, right in pairs)
    first = remedy.cells[0]
    changes = tuple(
        replace(choice, old=moved_to(first, choice.old), new=moved_to(first, choice.new))
        for choice in remedy.repair.changes
    )
    return replace(
        remedy, cells=there, expressions=expressions, repair=Repair(expressions[0], changes)
    )


def _moved_choice(choice: Edit, down: int, across: int) -> Edit:
    old, new = (read(moved(write(part), down, across)) for part in (choice.old, choice.new))
    return replace(choice, old=old, new=new)
