"""Repairs that were found for a formula, for when it comes again in other rows."""

from __future__ import annotations

from dataclasses import replace

from gradbook.audit.address import Address, column_of, row_of
from gradbook.audit.pattern import Pattern, moved
from gradbook.audit.repair import Patient, Repair, restores
from gradbook.audit.search import Choice
from gradbook.audit.training import Claim
from gradbook.targets.excel.grammar import write
from gradbook.targets.excel.reader import read


class Known:
    """What was found out about formulas that come again in other rows."""

    def __init__(self) -> None:
        self.hopeless: set[object] = set()  # wrong claims that no edit elsewhere puts right
        self.repairs: dict[tuple[int, str], tuple[Repair, Pattern, Address]] = {}

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
        fits = restores(patient.bench, again, patient.owner, patient.bench.true[lane], claim.sign)
        return again if fits else None

    def keep(self, patient: Patient, lane: int, found: Repair | None) -> None:
        if found is not None:
            text = write(found.expression)
            right = patient.bench.training.book.reader.typed(text, patient.owner)
            self.repairs.setdefault((lane, patient.pattern.key), (found, right, patient.owner))


def _moved_choice(choice: Choice, down: int, across: int) -> Choice:
    old, new = (read(moved(write(part), down, across)) for part in (choice.old, choice.new))
    return replace(choice, old=old, new=new)
