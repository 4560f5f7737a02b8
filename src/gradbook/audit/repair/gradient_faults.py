"""A wrong gradient told: its own formula's fault, that of a column, or of one row."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.blame import patient_of
from gradbook.audit.repair.faults import Fault, in_step
from gradbook.audit.repair.known_repairs import Known
from gradbook.audit.repair.reason import kind, label_of, named, why
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import Repair, anew, repair
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training
from gradbook.audit.workbook.book import shown
from gradbook.targets.excel.language.grammar import write


def column_fault(tested: StepUnderTest, remedy: Remedy) -> Fault:
    """What is wrong with a column that several gradients come from."""
    book, owner = tested.training.book, remedy.cells[0]
    names = [tested.training.names[lane] for lane in sorted(remedy.lanes)]
    pasted = owner not in book.patterns
    finding = Finding(
        kind="pasted value" if pasted else kind(tested, owner, remedy.repair),
        quantity=label_of(tested, owner) or written(owner),
        weight=names[0] if len(names) == 1 else "",
        cells="",
        formula=book.content(owner),
        expected=f"={write(remedy.repair.expression)}",
        why=f"{written(owner)} holds a number, and so does its whole column"
        if pasted
        else why(tested, owner, "", remedy.repair),
        sheet=book.sheets[sheet_of(owner)].title,
        spoils=tuple(names),
        edits=() if pasted else named(tested, owner, remedy.repair.changes),
    )
    fixes = {
        tested.positions.there(cell, step): in_step(tested, write(right), cell, step)
        for step in tested.alike
        for cell, right in zip(remedy.cells, remedy.expressions, strict=True)
    }
    expected = book.reader.typed(finding.expected[1:], owner)
    return Fault(-1, tuple(fixes), finding, expected, fixes)


def departure(training: Training, group: Sequence[Step], cell: Address, expected: Pattern) -> Fault:
    book = training.book
    tested = StepUnderTest.of(training, group)
    pasted = cell not in book.patterns
    lane = next(
        (j for j, options in enumerate(group[0].claims) for c in options if c.owner == cell), -1
    )
    name = training.names[lane] if lane >= 0 else ""
    what = shown(book.values.get(cell)) or "nothing"
    words = (
        f"{written(cell)} holds {what} where the others of its column have a formula"
        if pasted
        else f"{written(cell)} departs from the rest of its column"
    )
    finding = Finding(
        kind="pasted value" if pasted else "departing row",
        quantity=f"∂E/∂{name}" if name else label_of(tested, cell) or written(cell),
        weight=name,
        cells="",
        formula=book.formula(cell) or what,
        expected=f"={expected.text}",
        why=words,
        sheet=book.sheets[sheet_of(cell)].title,
    )
    fixes = {
        tested.positions.there(cell, step): in_step(tested, expected.text, cell, step)
        for step in group
    }
    return Fault(lane, tuple(fixes), finding, expected, fixes)


def own_fault(tested: StepUnderTest, lane: int, claim: Claim, known: Known) -> Fault:
    """What is wrong with one claim, by itself."""
    true = tested.gradients[lane]
    try:
        error = tested.relative_error(tested.claimed(claim), true)
    except NotUnderstood:
        error = None
    patient = patient_of(tested, claim, lane)
    if patient is None:
        found = anew(tested, claim.owner, claim.expression, true if claim.sign > 0 else -true)
    else:
        found = known.repair(patient, lane, claim) or repair(
            patient, true if claim.sign > 0 else -true
        )
        known.keep(patient, lane, found)
    return _described(tested, lane, claim, found, error)


def _described(
    tested: StepUnderTest, lane: int, claim: Claim, found: Repair | None, error: float | None
) -> Fault:
    book, name = tested.training.book, tested.training.names[lane]
    place = tested.step.claims[lane].index(claim)
    owners = tuple(step.claims[lane][place].owner for step in tested.alike)
    pasted = claim.owner not in book.patterns
    blank = pasted and claim.owner not in book.values
    finding = Finding(
        kind=_kind(tested, claim, found, pasted, blank),
        quantity=f"∂E/∂{name}",
        weight=name,
        cells="",
        formula=book.content(claim.owner),
        expected=f"={write(found.expression)}" if found else "",
        why=_why(tested, claim, found, name, pasted, blank),
        relative_error=error,
        sheet=book.sheets[sheet_of(claim.owner)].title,
        edits=named(tested, claim.owner, found.changes) if found and not pasted else (),
    )
    if not found:
        return Fault(lane, owners, finding, None, {})
    text = finding.expected[1:]
    fixes = {
        owner: in_step(tested, text, claim.owner, step)
        for owner, step in zip(owners, tested.alike, strict=True)
    }
    return Fault(lane, owners, finding, book.reader.typed(text, claim.owner), fixes)


def _kind(
    tested: StepUnderTest, claim: Claim, found: Repair | None, pasted: bool, blank: bool
) -> str:
    if blank:
        return "to fill in"
    if pasted:
        return "pasted value"
    return kind(tested, claim.owner, found) if found else "wrong formula"


def _why(
    tested: StepUnderTest, claim: Claim, found: Repair | None, name: str, pasted: bool, blank: bool
) -> str:
    if blank:
        return f"the gradient of {name} is still to be filled in"
    if pasted:
        return f"{written(claim.owner)} holds a number where the gradient of {name} belongs"
    return why(tested, claim.owner, name, found) if found else "no formula was found for it"
