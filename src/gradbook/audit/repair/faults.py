"""Faults before they are findings: the cells of one step, and of those that are made alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, column_of, ranges, row_of, sheet_of, written
from gradbook.audit.formula.pattern import Pattern, moved, relaid
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.training.steps import Step


@dataclass(frozen=True)
class Fault:
    """A finding before its cells are gathered."""

    lane: int
    owners: tuple[Address, ...]
    finding: Finding
    expected: Pattern | None
    fixes: Mapping[Address, str]  # the right formula of every owner


def in_step(tested: StepUnderTest, text: str, owner: Address, step: Step) -> str:
    """A formula of this step as the same cell of another has it: samples and epochs may be
    differently far apart."""
    there = tested.positions.there(owner, step)
    down, across = row_of(there) - row_of(owner), column_of(there) - column_of(owner)

    def follow(reference: str) -> str:
        cell = tested.training.book.reader.cell(reference, owner)
        if cell is None or _goes_along(tested, cell, owner):
            return moved(reference, down, across)
        other = tested.positions.there(cell, step)
        if other == cell and not tested.positions.owns(cell) and sheet_of(cell) == sheet_of(owner):
            return moved(reference, down, across)
        return moved(reference, row_of(other) - row_of(cell), column_of(other) - column_of(cell))

    return relaid(text, follow)


def _goes_along(tested: StepUnderTest, cell: Address, owner: Address) -> bool:
    """Whether a cell stands beside an update and is not the step's own, as a velocity does."""
    update = owner in tested.training.weight_cells and not tested.positions.owns(owner)
    return (
        update
        and not tested.positions.owns(cell)
        and tested.positions.row(cell) == tested.positions.row(owner)
    )


def gathered(faults: Sequence[Fault]) -> Iterator[list[Fault]]:
    """Faults of one weight with one remedy, together."""
    found: dict[object, list[Fault]] = {}
    for fault in faults:
        key = fault.expected.key if fault.expected else (fault.finding.formula, fault.finding.why)
        column = fault.owners[0] & 0x3FFF, sheet_of(fault.owners[0])
        found.setdefault((fault.lane, fault.finding.kind, key, column), []).append(fault)
    yield from found.values()


def finding_of(same: Sequence[Fault]) -> Finding:
    """One finding of equal faults, with all their cells."""
    owners = sorted(owner for fault in same for owner in fault.owners)
    first = min(same, key=lambda fault: min(fault.owners))
    fixes = {written(owner): f"={text}" for fault in same for owner, text in fault.fixes.items()}
    return replace(first.finding, cells=ranges(owners), fixes=fixes)
