"""What is wrong with how single weights go on, if they go by more than their gradients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, name_of
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.laws import Laws
from gradbook.audit.judge.moments import Cells, Moments, OddUpdate
from gradbook.audit.step.under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining


def optimiser_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]], steps: Sequence[SheetStep]
) -> list[Finding]:
    """What is wrong with how single weights go on, if they go by more than their gradients."""
    if not _goes_by_more(training, steps):
        return []
    odd: list[OddUpdate] = []
    moments: Moments | None = None
    here: list[OddUpdate] = []
    for later in sorted(_moments(training, groups), key=lambda moments: moments.step.number):
        if moments is None or not moments.is_repeated(later):
            moments = later
            here = _odd_updates(moments)
        away = later.step.number - moments.step.number
        odd += (
            one.later(training.book, away * training.weights[one.weight].stride) for one in here
        )
    return list(_findings(training, odd))


def _odd_updates(moments: Moments) -> list[OddUpdate]:
    """What is odd in one step, of each cell once."""
    found: dict[Address, OddUpdate] = {}
    with suppress(NotUnderstood):
        for odd in (*moments.odd(), *Laws(moments.training, moments.step, moments).odd()):
            found.setdefault(odd.cell, odd)
    return list(found.values())


def _goes_by_more(training: SheetTraining, steps: Sequence[SheetStep]) -> bool:
    """Whether anything stands between an update and its gradient."""
    claims = (claim for step in steps[:2] for options in step.claims for claim in options)
    return bool(training.remembering) or any(len(claim.via) > 1 for claim in claims)


def _moments(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> Iterator[Moments]:
    """Each step with the cells of those gradients that are right, also with the other sign."""
    for group in groups:
        tested = StepUnderTest.of(training, group)
        places: Cells = {}
        signs: dict[int, int] = {}
        for j, options in enumerate(tested.step.claims):
            try:
                verdict, claim = tested.best(j, options)
            except NotUnderstood:
                continue
            sure = claim is not None and claim.whole and claim.owner in training.varying
            if claim is not None and sure and verdict <= ClaimVerdict.OPPOSITE:
                places[j] = options.index(claim)
                signs[j] = -claim.sign if verdict is ClaimVerdict.OPPOSITE else claim.sign
        for step in group:
            claims = ((j, step.claims[j][k : k + 1]) for j, k in places.items())
            gradients = {j: claim.owner for j, few in claims for claim in few}
            yield Moments(training, step, gradients, signs)


# Findings --------------------------------------------------------------------------------


def _findings(training: SheetTraining, odd: Sequence[OddUpdate]) -> Iterator[Finding]:
    """OddUpdate cells of one line together, sheet by sheet."""
    lines: defaultdict[object, dict[Address, OddUpdate]] = defaultdict(dict)
    for one in odd:
        place = one.cell % training.weights[one.weight].stride
        lines[one.weight, one.kind, place].setdefault(one.cell, one)
    for line in lines.values():
        first = next(iter(line.values()))
        right = {
            cell: training.book.reader.read_typed(one.right, cell) for cell, one in line.items()
        }
        right |= _going_on(training, first.weight, right)
        name = training.names[first.weight]
        for cells in by_sheet(right):
            yield _finding(training, first, name, cells, right)


def _going_on(
    training: SheetTraining, weight: int, right: Mapping[Address, Pattern]
) -> dict[Address, Pattern]:
    """Return the same formula in the step before the first, where memory begins, and after the last
    update, where nothing uses it any more."""
    stride, found = training.weights[weight].stride, {}
    for cell, step in ((min(right), -stride), (max(right), stride)):
        beside = cell + step
        if beside not in training.weight_cells and training.repeats(beside, cell):
            found[beside] = training.on_sheet_of(beside, right[cell])
    return found


def _finding(
    training: SheetTraining,
    odd: OddUpdate,
    name: str,
    cells: Sequence[Address],
    right: Mapping[Address, Pattern],
) -> Finding:
    book = training.book
    quantity = training.name_of(cells[0])
    found = finding_in(book, cells, odd.kind, quantity, odd.why, name, right[cells[0]])
    return replace(found, fixes={name_of(c): f"={right[c].text_at(c)}" for c in cells})
