"""Mistakes told: a finding for the cells of one step, those alike gathered, the fix of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.findings.findings import TO_FILL_IN, Finding
from gradbook.audit.formula.address import Address, column_of, ranges, row_of, sheet_of, written
from gradbook.audit.formula.pattern import Pattern, moved, relaid
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.hypotheses import Cause, Hypothesis
from gradbook.audit.repair.wording import kind_of, label_of, named, why
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.workbook.book import shown
from gradbook.targets.excel.language.grammar import write

PASTED = "pasted value"


@dataclass(frozen=True)
class Fault:
    """A finding before its cells are gathered."""

    weight: int  # -1 where it isn't one's own
    owners: tuple[Address, ...]
    finding: Finding
    expected: Pattern | None
    fixes: Mapping[Address, str]  # the right formula of every owner


def faults_of(tested: StepUnderTest, hypothesis: Hypothesis) -> Iterator[Fault]:
    """What to say of a hypothesis about rows, an update or a column."""
    match hypothesis.cause:
        case Cause.ROW:
            for cell, text in zip(hypothesis.cells, hypothesis.formulas, strict=True):
                yield _row_fault(tested, replace(hypothesis, cells=(cell,), formulas=(text,)))
        case Cause.UPDATE:
            yield _update_fault(tested, hypothesis)
        case _:
            yield _column_fault(tested, hypothesis)


def _row_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    book, home = tested.training.book, hypothesis.home
    claims = ((j, c.owner) for j, options in enumerate(tested.step.claims) for c in options)
    weight = next((j for j, owner in claims if owner == home), -1)
    name = tested.training.names[weight] if weight >= 0 else ""
    what = shown(book.values.get(home)) or "nothing"
    pasted = home not in book.patterns
    finding = Finding(
        kind=PASTED if pasted else "departing row",
        quantity=f"∂E/∂{name}" if name else label_of(tested, home) or written(home),
        weight=name,
        cells="",
        formula=book.formula(home) or what,
        expected=f"={hypothesis.formulas[0]}",
        why=f"{written(home)} holds {what} where the others of its column have a formula"
        if pasted
        else f"{written(home)} departs from the rest of its column",
    )
    return _fault(tested, weight, hypothesis, finding)


def _update_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    book, names, home = tested.training.book, tested.training.names, hypothesis.home
    (weight,), (edit,) = hypothesis.explains, hypothesis.edits
    name, other = names[weight], names[hypothesis.whose]
    taken, said = write(edit.old), write(edit.new)
    right = book.reader.cell(said, home)
    label = label_of(tested, right) if right is not None else ""
    finding = Finding(
        kind="another weight's gradient",
        quantity=name,
        weight=name,
        cells="",
        formula=book.formula(home),
        expected=f"={hypothesis.formulas[0]}",
        why=f"{taken.rpartition('!')[2]} is of {other}; {name} needs {label or said}, so {said}",
        edits=named(tested, home, hypothesis.edits),
    )
    return _fault(tested, weight, hypothesis, finding)


def _column_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    """What is wrong with a column that several gradients come from."""
    book, home = tested.training.book, hypothesis.home
    names = [tested.training.names[weight] for weight in sorted(hypothesis.explains)]
    pasted = home not in book.patterns
    finding = Finding(
        kind=PASTED if pasted else kind_of(tested, home, hypothesis.edits),
        quantity=label_of(tested, home) or written(home),
        weight=names[0] if len(names) == 1 else "",
        cells="",
        formula=book.content(home),
        expected=f"={hypothesis.formulas[0]}",
        why=f"{written(home)} holds a number, and so does its whole column"
        if pasted
        else why(tested, home, "", hypothesis.edits),
        spoils=tuple(names),
        edits=() if pasted else named(tested, home, hypothesis.edits),
    )
    return _fault(tested, -1, hypothesis, finding)


def claim_fault(
    tested: StepUnderTest, weight: int, claim: Claim, hypothesis: Hypothesis | None
) -> Fault:
    """What is wrong with one claim, by itself."""
    book, name, home = tested.training.book, tested.training.names[weight], claim.owner
    edits = hypothesis.edits if hypothesis else ()
    if home not in book.patterns and home not in book.values:
        kind, words = TO_FILL_IN, f"the gradient of {name} is still to be filled in"
    elif home not in book.patterns:
        kind = PASTED
        words = f"{written(home)} holds a number where the gradient of {name} belongs"
    elif edits:
        kind, words = kind_of(tested, home, edits), why(tested, home, name, edits)
    else:
        kind, words = "wrong formula", "no formula was found for it"
    finding = Finding(
        kind=kind,
        quantity=f"∂E/∂{name}",
        weight=name,
        cells="",
        formula=book.content(home),
        expected=f"={hypothesis.formulas[0]}" if hypothesis else "",
        why=words,
        relative_error=_relative_error(tested, weight, claim),
        edits=named(tested, home, edits) if home in book.patterns else (),
    )
    if hypothesis is not None:
        return _fault(tested, weight, hypothesis, finding)
    place = tested.step.claims[weight].index(claim)
    owners = tuple(step.claims[weight][place].owner for step in tested.alike)
    return Fault(weight, owners, _on_its_sheet(tested, home, finding), None, {})


def _relative_error(tested: StepUnderTest, weight: int, claim: Claim) -> float | None:
    try:
        return tested.relative_error(tested.claimed(claim), tested.gradients[weight])
    except NotUnderstood:
        return None


def _fault(tested: StepUnderTest, weight: int, hypothesis: Hypothesis, finding: Finding) -> Fault:
    """A finding with the fixes of all steps that are alike."""
    book, home = tested.training.book, hypothesis.home
    fixes: dict[Address, str] = {}
    for step in tested.alike:
        for cell, text in zip(hypothesis.cells, hypothesis.formulas, strict=True):
            there = tested.positions.there(cell, step)
            if there not in fixes:  # as a cell that serves every step is
                fixes[there] = _in_step(tested, text, cell, step)
    expected = book.reader.typed(hypothesis.formulas[0], home)
    return Fault(weight, tuple(fixes), _on_its_sheet(tested, home, finding), expected, fixes)


def _on_its_sheet(tested: StepUnderTest, home: Address, finding: Finding) -> Finding:
    return replace(finding, sheet=tested.training.book.sheets[sheet_of(home)].title)


def _in_step(tested: StepUnderTest, text: str, owner: Address, step: SheetStep) -> str:
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
    """Faults of one weight with one repair, together."""
    found: dict[object, list[Fault]] = {}
    for fault in faults:
        key = fault.expected.key if fault.expected else (fault.finding.formula, fault.finding.why)
        column = fault.owners[0] & 0x3FFF, sheet_of(fault.owners[0])
        found.setdefault((fault.weight, fault.finding.kind, key, column), []).append(fault)
    yield from found.values()


def finding_of(same: Sequence[Fault]) -> Finding:
    """One finding of equal faults, with all their cells."""
    owners = sorted(owner for fault in same for owner in fault.owners)
    first = min(same, key=lambda fault: min(fault.owners))
    fixes = {written(owner): f"={text}" for fault in same for owner, text in fault.fixes.items()}
    return replace(first.finding, cells=ranges(owners), fixes=fixes)
