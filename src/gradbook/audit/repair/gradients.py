"""The claimed gradients of a training that aren't: which cells are to blame, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.step_under_test import StepUnderTest, Verdict
from gradbook.audit.repair.blame import elsewhere, makes_usual, patient_of, put_right
from gradbook.audit.repair.departures import blamed
from gradbook.audit.repair.evidence import cured
from gradbook.audit.repair.faults import Fault, finding_of, gathered
from gradbook.audit.repair.gradient_faults import column_fault, departure, own_fault
from gradbook.audit.repair.known_repairs import Known
from gradbook.audit.repair.mistaken import mistaken, serve_others
from gradbook.audit.repair.pasted import pasted_column
from gradbook.audit.repair.remedy import Remedy
from gradbook.audit.repair.repair import repair
from gradbook.audit.repair.samples import repaired_shares
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import Step
from gradbook.audit.training.training import Training

ROUNDS = 3  # faults that several gradients share, in one step


def gradient_findings(training: Training, groups: Sequence[Sequence[Step]]) -> list[Finding]:
    """Every gradient that isn't, equal faults of one column gathered."""
    ordered = sorted(groups, key=lambda group: -len(group))
    if not ordered:
        return []
    usual = ordered[0]
    usually_wrong = StepUnderTest.of(training, usual).wrong_weights()
    faults: list[Fault] = []
    known = Known()
    for group in ordered:
        instead: dict[Address, Pattern] = {}
        if len(group) < len(usual):
            wrong = StepUnderTest.of(training, group).wrong_weights()
            if wrong - usually_wrong:
                instead = blamed(training, usual[0], group[0], usually_wrong)
                faults += [departure(training, group, c, p) for c, p in instead.items()]
        faults += _of_group(training, group, instead, known)
    return [finding_of(same) for same in gathered(faults)]


def _of_group(
    training: Training, group: Sequence[Step], instead: dict[Address, Pattern], known: Known
) -> Iterator[Fault]:
    """The faults of steps that are alike: first those that several gradients share."""
    tested = StepUnderTest.of(training, group).with_formulas(instead)
    wrong = _wrong_claims(tested)
    exchanged = list(mistaken(tested, wrong))
    if len(exchanged) > 1 and elsewhere(tested, wrong) is not None:
        exchanged = []  # one edit of a sum says more than several of updates
    for fault in exchanged:
        del wrong[fault.lane]
        known.exchanged.add(fault.lane)
        yield fault
    for lane in known.exchanged.intersection(serve_others(tested, wrong)):
        del wrong[lane]
    for _ in range(ROUNDS):
        if not wrong:
            break
        case = tuple((lane, claim.expression) for lane, claim in wrong.items())
        remedy = known.remedy(tested, wrong)
        if remedy is None and case not in known.hopeless:
            remedy = pasted_column(tested, wrong) or elsewhere(tested, wrong)
        if remedy is None:
            known.hopeless.add(case)
            break
        yield column_fault(tested, remedy)
        known.remedies.append((tested.step, remedy))
        instead = {**instead, **cured(tested, remedy)}
        tested = StepUnderTest.of(training, group).with_formulas(instead)
        wrong = _wrong_claims(tested)
    for lane, claim in wrong.items():
        shares = repaired_shares(tested, lane, claim)
        if shares is not None:
            remedy = Remedy(shares.cells, shares.repair, shares.expressions, frozenset({lane}))
            if put_right(tested, remedy, {lane: claim} | wrong):
                yield column_fault(tested, remedy)
                continue
        yield own_fault(tested, lane, claim, known)


def _wrong_claims(tested: StepUnderTest) -> dict[int, Claim]:
    """The claims that aren't right, by weight."""
    found: dict[int, Claim] = {}
    if tested.all_known_right:
        return found
    for lane, options in enumerate(tested.step.claims):
        if not options:
            continue
        verdict, claim = tested.best(lane, options)
        if (
            verdict == Verdict.RIGHT
            or claim is None
            or (verdict == Verdict.OPPOSITE and claim.sign < 0)
        ):
            continue
        if verdict != Verdict.RIGHT_HERE or _is_slip(tested, lane, claim):
            found[lane] = claim
    return found


def _is_slip(tested: StepUnderTest, lane: int, claim: Claim) -> bool:
    """Whether what is right for these numbers alone is a reference gone wrong, or lacks what the
    other gradients have."""
    shares = repaired_shares(tested, lane, claim)
    patient = patient_of(tested, claim, lane)
    found = (
        shares.repair if shares else repair(patient, tested.gradients[lane]) if patient else None
    )
    if found is None:
        return False
    slipped = all(c.kind == EditKind.REFERENCE for c in found.changes)
    return slipped or (shares is None and patient is not None and makes_usual(patient, found))
