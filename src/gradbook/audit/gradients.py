"""The claimed gradients of a training that aren't: where, by how much, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.address import Address, ranges, sheet_of, written
from gradbook.audit.findings import Finding
from gradbook.audit.judge import HERE, OPPOSITE, RIGHT, Bench, best
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.pattern import Pattern
from gradbook.audit.reason import kind, why
from gradbook.audit.recover import Claim, Training
from gradbook.audit.repair import Patient, Repair, repair, restores
from gradbook.audit.steps import Step
from gradbook.targets.excel.grammar import write


@dataclass(frozen=True)
class Fault:
    """A finding before its cells are gathered."""

    lane: int
    owners: tuple[Address, ...]
    finding: Finding
    expected: Pattern | None


def gradient_findings(training: Training, groups: Sequence[Sequence[Step]]) -> list[Finding]:
    """Every gradient that isn't, equal faults of one column gathered."""
    faults: list[Fault] = []
    known: dict[tuple[int, Pattern], Repair] = {}
    for group in sorted(groups, key=lambda group: -len(group)):
        bench = Bench(training, group[0], like=group)
        for lane, options in enumerate(group[0].claims):
            fault = _fault(bench, lane, options, known) if options else None
            faults += [fault] if fault else []
    return [_finding(training, same) for same in _gathered(faults)]


def _fault(
    bench: Bench,
    lane: int,
    options: Sequence[Claim],
    known: dict[tuple[int, Pattern], Repair],
) -> Fault | None:
    verdict, claim = best(bench, lane, options)
    if verdict == RIGHT or claim is None:
        return None
    try:
        true = bench.true[lane]
        claimed = bench.claimed(claim)
    except NotUnderstood:
        return None
    patient = _patient(bench, claim, lane)
    if patient is None:
        return _pasted(bench, lane, claim, options)
    found = _known_repair(bench, claim, lane, known) or repair(patient, true)
    if verdict == HERE and not _is_slip(found):
        return None
    owner_pattern = bench.training.book.patterns[claim.owner]
    if found is not None and claim.whole:
        known.setdefault((lane, owner_pattern), found)
    return _described(bench, lane, claim, options, found, bench.relative_error(claimed, true))


def _is_slip(found: Repair | None) -> bool:
    """Whether what is right for these numbers alone is a reference gone wrong."""
    return found is not None and all(c.kind == "reference" for c in found.changes)


def _known_repair(
    bench: Bench, claim: Claim, lane: int, known: dict[tuple[int, Pattern], Repair]
) -> Repair | None:
    """The repair of the same formula in other rows, where it helps here too."""
    return None


def _patient(bench: Bench, claim: Claim, lane: int) -> Patient | None:
    """The formula to repair, and what it should be worth."""
    book = bench.training.book
    if claim.owner not in book.patterns:
        return None
    pattern = book.reader.typed(book.patterns[claim.owner].text_at(claim.owner), claim.owner)
    if pattern.expression is None:
        return None
    true = bench.random.of(bench.true[lane], bench.leaves) * claim.sign
    if claim.whole:
        return Patient(bench, claim.owner, pattern, pattern.expression, true)
    base = bench.step.weights[lane]
    assert base is not None
    with np.errstate(all="ignore"):
        start = bench.random.of(bench.made.node(base), bench.leaves)
        following = bench.random.of(
            bench.made.expression(pattern.expression, claim.owner, pattern), bench.leaves
        )
        claimed = bench.random.of(bench.claimed(claim), bench.leaves) * claim.sign
        wanted = start + (following - start) * true / claimed
    return Patient(bench, claim.owner, pattern, pattern.expression, wanted)


def _described(
    bench: Bench,
    lane: int,
    claim: Claim,
    options: Sequence[Claim],
    found: Repair | None,
    error: float | None,
) -> Fault:
    book, name = bench.training.book, bench.training.names[lane]
    place = options.index(claim)
    owners = tuple(step.claims[lane][place].owner for step in bench.like)
    finding = Finding(
        kind=kind(bench, claim.owner, found) if found else "wrong formula",
        quantity=f"∂E/∂{name}",
        weight=name,
        cells="",
        formula=book.formula(claim.owner),
        expected=f"={write(found.expression)}" if found else "",
        why=why(bench, claim.owner, name, found) if found else "no formula was found for it",
        relative_error=error,
        sheet=book.sheets[sheet_of(claim.owner)].title,
    )
    expected = book.reader.typed(finding.expected[1:], claim.owner) if found else None
    return Fault(lane, owners, finding, expected)


def _pasted(bench: Bench, lane: int, claim: Claim, options: Sequence[Claim]) -> Fault | None:
    """A number where a gradient's formula belongs."""
    return None


def _gathered(faults: Sequence[Fault]) -> Iterator[list[Fault]]:
    """Faults of one weight with one remedy, together."""
    found: dict[object, list[Fault]] = {}
    for fault in faults:
        key = fault.expected.key if fault.expected else id(fault)
        found.setdefault((fault.lane, fault.finding.kind, key), []).append(fault)
    yield from found.values()


def _finding(training: Training, same: Sequence[Fault]) -> Finding:
    owners = sorted(owner for fault in same for owner in fault.owners)
    first = min(same, key=lambda fault: min(fault.owners))
    fixes = {
        written(owner): f"={fault.expected.text_at(owner)}"
        for fault in same
        if fault.expected
        for owner in fault.owners
    }
    return replace(first.finding, cells=ranges(owners), fixes=fixes)


__all__ = ["OPPOSITE", "gradient_findings", "restores"]
