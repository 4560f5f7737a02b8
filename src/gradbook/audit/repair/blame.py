"""Which cells to blame where a claim and what it is held against disagree.

A gradient that isn't one is its own formula's fault, unless something speaks against another cell:
one edit there puts several gradients right, or the formula there looks like none of its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from gradbook.audit.formula.edits import EditKind, pointless_parts
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.columns import Columns
from gradbook.audit.repair.evidence import (
    any_astray,
    hushes,
    is_evident,
    leaves_out,
    with_remedy,
)
from gradbook.audit.repair.proper import properness
from gradbook.audit.repair.ranking import ranked
from gradbook.audit.repair.remedy import Remedy, likeness
from gradbook.audit.repair.repair import Patient, Repair, repair
from gradbook.audit.repair.rewritten import rewritten
from gradbook.audit.repair.suspects import repeating, still_behind, with_suspects
from gradbook.audit.training.claims import Claim
from gradbook.targets.excel.language.grammar import Call, Reference, write

WEIGHED = 60  # edits whose formulas are looked at
TRIED = 6  # edits that are held against every gradient


def elsewhere(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> Remedy | None:
    """The edit of another cell that is to blame for wrong gradients; None where they are
    themselves."""
    if len(wrong) == 1 and all(_is_own(tested, *only) for only in wrong.items()):
        return None
    tested = with_suspects(tested, wrong)
    claims = dict(wrong)
    for lane, options in enumerate(tested.step.claims):
        if lane not in wrong and options:
            found = tested.best(lane, options)[1]
            if found is not None:
                claims[lane] = found
    doubtful: Remedy | None = None
    partly: Remedy | None = None
    try:
        columns = Columns(tested, claims, wrong)
        for edits in _stages(tested, columns, wrong):
            remedy = _accepted(tested, wrong, edits)
            if remedy is None:
                continue
            if not remedy.lanes >= wrong.keys():
                partly = partly or remedy  # unless one edit explains all
            elif _is_doubtful(tested, remedy, wrong):
                doubtful = doubtful or remedy  # unless another makes more sense
            else:
                return remedy
    except NotUnderstood:
        pass
    return doubtful or partly


def _is_doubtful(tested: StepUnderTest, remedy: Remedy, wrong: Mapping[int, Claim]) -> bool:
    """Whether an edit makes a formula unlike its likes, is one that hardly anyone means, or serves
    one gradient alone, and nothing speaks for it."""
    inside = remedy.cells[0] in tested.forward
    likely = likeness(tested, remedy) >= 0 and not (inside and _is_rare(tested, remedy))
    if len(wrong) > 1 and likely:
        return False
    return not inside or not is_evident(tested, remedy, min(remedy.lanes))


def _stages(
    tested: StepUnderTest, columns: Columns, wrong: Mapping[int, Claim]
) -> Iterator[list[Remedy]]:
    """What lost its weights on the way back; what may be another than it should be, what may be
    missing, what may be all wrong."""
    others = ranked(columns, False)
    still = set(still_behind(tested, wrong))
    more = ranked(columns, True) if still else None
    still |= set(repeating(tested))
    yield _likely(tested, [r for r in [*others, *(more or [])] if r.cells[0] in still])
    yield _likely(tested, others)
    yield _likely(tested, ranked(columns, True) if more is None else more)
    yield list(islice(rewritten(columns), TRIED))


def _accepted(
    tested: StepUnderTest, wrong: Mapping[int, Claim], edits: Sequence[Remedy]
) -> Remedy | None:
    for remedy in edits:
        lanes = put_right(tested, remedy, wrong)
        if lanes and hushes(tested, remedy):
            continue
        if len(lanes) > 1:
            return what_changes(tested, remedy, lanes)
        if len(lanes) == 1:
            (lane,) = lanes
            if is_evident(tested, remedy, lane) or not is_easy(tested, lane, wrong[lane], remedy):
                return what_changes(tested, remedy, lanes)
    return None


def what_changes(tested: StepUnderTest, remedy: Remedy, lanes: frozenset[int]) -> Remedy:
    """The remedy for those cells of its column only that don't say the same already."""
    reader = tested.training.book.reader
    kept = []
    for cell, right in zip(remedy.cells, remedy.expressions, strict=True):
        pattern = reader.typed(write(right), cell)
        said = tested.graph.expression(right, cell, pattern)
        if not tested.same(said, tested.graph.node(cell)):
            kept.append((cell, right))
    if not kept or len(kept) == len(remedy.cells):
        return replace(remedy, lanes=lanes)
    cells, expressions = zip(*kept, strict=True)
    changed = Repair(expressions[0], remedy.repair.changes)
    return replace(remedy, cells=cells, expressions=expressions, repair=changed, lanes=lanes)


def _likely(tested: StepUnderTest, edits: Sequence[Remedy]) -> list[Remedy]:
    """The edits without those that spoil a proper formula; first those that make one, and rather a
    sum than an activation of one; last those of what leads to the loss that hardly anyone means."""
    inside = tested.forward

    def merit(entry: tuple[Remedy, int]) -> tuple[object, ...]:
        remedy, better = entry
        rare = remedy.cells[0] in inside and _is_rare(tested, remedy)
        return -len(remedy.lanes), not better, better, rare and likeness(tested, remedy) <= 0

    meant = (remedy for remedy in edits if not _is_vain(tested, remedy))
    some = [remedy for remedy in islice(meant, WEIGHED) if not leaves_out(tested, remedy)]
    proper = [(remedy, *properness(tested, remedy)) for remedy in some]
    kept = [(remedy, then - stands) for remedy, stands, then in proper if then >= stands]
    best = [remedy for remedy, _ in sorted(kept, key=merit)[:TRIED]]
    most = len(best[0].lanes) if best else 0
    return sorted(best, key=lambda r: (most - len(r.lanes), not any_astray(tested, r)))


def _is_rare(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether an edit adds something, or makes another function of a function of one cell."""
    kind = remedy.repair.changes[0].kind
    one = len(set(tested.training.flow.sources(remedy.cells[0]))) == 1
    odd = (EditKind.NUMBER, EditKind.OPERATOR, EditKind.OMISSION)
    return kind in (EditKind.FACTOR, EditKind.TERM) or (one and kind in odd)


def _is_vain(tested: StepUnderTest, remedy: Remedy) -> bool:
    """Whether an edit makes a part of the formula come to nothing, which nobody means."""
    owner, book = remedy.cells[0], tested.training.book
    before = book.reader.typed(book.patterns[owner].text_at(owner), owner).expression
    return before is not None and pointless_parts(remedy.repair.expression) > pointless_parts(
        before
    )


def put_right(tested: StepUnderTest, remedy: Remedy, wrong: Mapping[int, Claim]) -> frozenset[int]:
    """The gradients that an edit puts right, all of them tried; none where it spoils another."""
    after = with_remedy(tested, remedy)
    if _breaks(tested, after, remedy):
        return frozenset()
    left, vanished = after.wrong_weights(), after.without_influence
    if left - set(wrong) or vanished - tested.without_influence or vanished & set(wrong) - left:
        return frozenset()  # nor where a gradient is right because it vanishes
    return frozenset(set(wrong) - left)


def _breaks(tested: StepUnderTest, after: StepUnderTest, remedy: Remedy) -> bool:
    """Whether an edit leaves no number at points where there was one: it divides by what may be
    nothing, and only what is left would be compared."""
    for cell in remedy.cells:
        try:
            now = tested.random.of(tested.graph.node(cell))
            then = after.random.of(after.graph.node(cell))
        except NotUnderstood:
            continue
        if np.any(np.isfinite(now) & ~np.isfinite(then)):
            return True
    return False


def _is_own(tested: StepUnderTest, lane: int, claim: Claim) -> bool:
    """Whether a claim's own formula is odd: it mentions a blank, or a small change makes it look
    like the others."""
    if isinstance(claim.expression, Call) or lane in tested.without_influence:
        return False
    book = tested.training.book
    said = tested.training.flow.sources(claim.owner)
    if any(cell not in book.values and cell not in book.patterns for cell in said):
        return True
    patient = patient_of(tested, claim, lane)
    found = repair(patient, tested.gradients[lane]) if patient else None
    return patient is not None and found is not None and makes_usual(patient, found)


def makes_usual(patient: Patient, found: Repair) -> bool:
    """Whether a small change makes a claim's formula look like more of the others than it does."""
    if found.changes[0].kind == EditKind.FORMULA:
        return False
    tested = patient.tested
    book = tested.training.book
    owners = {option.owner for options in tested.step.claims for option in options}
    patterns = (book.patterns.get(cell) for cell in owners - {patient.owner})
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    after = book.reader.typed(write(found.expression), patient.owner)
    return shapes[after.shape] > shapes[patient.pattern.shape]


def is_easy(tested: StepUnderTest, lane: int, claim: Claim, remedy: Remedy) -> bool:
    """Whether a claim can be put right by a small change of its own, not by the remedy."""
    gathers = isinstance(claim.expression, Call | Reference)  # what stands elsewhere
    if gathers and (isinstance(claim.expression, Call) or remedy.cells[0] not in tested.forward):
        return False
    patient = patient_of(tested, claim, lane)
    found = repair(patient, tested.gradients[lane]) if patient else None
    return found is not None and found.changes[0].kind != EditKind.FORMULA


def patient_of(tested: StepUnderTest, claim: Claim, lane: int) -> Patient | None:
    """The formula of a claim to repair, and what it should be worth."""
    book = tested.training.book
    if claim.owner not in book.patterns:
        return None
    pattern = tested.graph.instead.get(claim.owner) or book.reader.typed(
        book.patterns[claim.owner].text_at(claim.owner), claim.owner
    )
    if pattern.expression is None:
        return None
    true = tested.random.of(tested.gradients[lane]) * claim.sign
    if claim.whole:
        return Patient(tested, claim.owner, pattern, pattern.expression, true)
    base = tested.step.weights[lane]
    assert base is not None
    with np.errstate(all="ignore"):
        start = tested.random.of(tested.graph.node(base))
        after = tested.graph.expression(pattern.expression, claim.owner, pattern)
        following = tested.random.of(after)
        claimed = tested.random.of(tested.claimed(claim)) * claim.sign
        wanted = start + (following - start) * true / claimed
    return Patient(tested, claim.owner, pattern, pattern.expression, wanted)
