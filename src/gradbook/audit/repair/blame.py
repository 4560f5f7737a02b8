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
from gradbook.audit.judge.judge import Bench, best
from gradbook.audit.repair.columns import Columns
from gradbook.audit.repair.departures import wrong_lanes
from gradbook.audit.repair.evidence import (
    any_astray,
    hushes,
    idle,
    is_evident,
    leaves_out,
    with_remedy,
)
from gradbook.audit.repair.proper import properness
from gradbook.audit.repair.ranking import ranked
from gradbook.audit.repair.remedy import Remedy, likeness
from gradbook.audit.repair.repair import Patient, Repair, forward, repair
from gradbook.audit.repair.rewritten import rewritten
from gradbook.audit.repair.suspects import repeating, still_behind, with_suspects
from gradbook.audit.training.claims import Claim
from gradbook.targets.excel.language.grammar import Call, Reference, write

WEIGHED = 60  # edits whose formulas are looked at
TRIED = 6  # edits that are held against every gradient


def elsewhere(bench: Bench, wrong: Mapping[int, Claim]) -> Remedy | None:
    """The edit of another cell that is to blame for wrong gradients; None where they are
    themselves."""
    if len(wrong) == 1 and all(_is_own(bench, *only) for only in wrong.items()):
        return None
    bench = with_suspects(bench, wrong)
    claims = dict(wrong)
    for lane, options in enumerate(bench.step.claims):
        if lane not in wrong and options:
            found = best(bench, lane, options)[1]
            if found is not None:
                claims[lane] = found
    doubtful: Remedy | None = None
    partly: Remedy | None = None
    try:
        columns = Columns(bench, claims, wrong)
        for edits in _stages(bench, columns, wrong):
            remedy = _accepted(bench, wrong, edits)
            if remedy is None:
                continue
            if not remedy.lanes >= wrong.keys():
                partly = partly or remedy  # unless one edit explains all
            elif _is_doubtful(bench, remedy, wrong):
                doubtful = doubtful or remedy  # unless another makes more sense
            else:
                return remedy
    except NotUnderstood:
        pass
    return doubtful or partly


def _is_doubtful(bench: Bench, remedy: Remedy, wrong: Mapping[int, Claim]) -> bool:
    """Whether an edit makes a formula unlike its likes, is one that hardly anyone means, or serves
    one gradient alone, and nothing speaks for it."""
    inside = remedy.cells[0] in forward(bench)
    likely = likeness(bench, remedy) >= 0 and not (inside and _is_rare(bench, remedy))
    if len(wrong) > 1 and likely:
        return False
    return not inside or not is_evident(bench, remedy, min(remedy.lanes))


def _stages(bench: Bench, columns: Columns, wrong: Mapping[int, Claim]) -> Iterator[list[Remedy]]:
    """What lost its weights on the way back; what may be another than it should be, what may be
    missing, what may be all wrong."""
    others = ranked(columns, False)
    still = set(still_behind(bench, wrong))
    more = ranked(columns, True) if still else None
    still |= set(repeating(bench))
    yield _likely(bench, [r for r in [*others, *(more or [])] if r.cells[0] in still])
    yield _likely(bench, others)
    yield _likely(bench, ranked(columns, True) if more is None else more)
    yield list(islice(rewritten(columns), TRIED))


def _accepted(bench: Bench, wrong: Mapping[int, Claim], edits: Sequence[Remedy]) -> Remedy | None:
    for remedy in edits:
        lanes = put_right(bench, remedy, wrong)
        if lanes and hushes(bench, remedy):
            continue
        if len(lanes) > 1:
            return what_changes(bench, remedy, lanes)
        if len(lanes) == 1:
            (lane,) = lanes
            if is_evident(bench, remedy, lane) or not is_easy(bench, lane, wrong[lane], remedy):
                return what_changes(bench, remedy, lanes)
    return None


def what_changes(bench: Bench, remedy: Remedy, lanes: frozenset[int]) -> Remedy:
    """The remedy for those cells of its column only that don't say the same already."""
    reader = bench.training.book.reader
    kept = []
    for cell, right in zip(remedy.cells, remedy.expressions, strict=True):
        pattern = reader.typed(write(right), cell)
        said = bench.made.expression(right, cell, pattern)
        if not bench.same(said, bench.made.node(cell), bench.random):
            kept.append((cell, right))
    if not kept or len(kept) == len(remedy.cells):
        return replace(remedy, lanes=lanes)
    cells, expressions = zip(*kept, strict=True)
    changed = Repair(expressions[0], remedy.repair.changes)
    return replace(remedy, cells=cells, expressions=expressions, repair=changed, lanes=lanes)


def _likely(bench: Bench, edits: Sequence[Remedy]) -> list[Remedy]:
    """The edits without those that spoil a proper formula; first those that make one, and rather a
    sum than an activation of one; last those of what leads to the loss that hardly anyone means."""
    inside = forward(bench)

    def merit(entry: tuple[Remedy, int]) -> tuple[object, ...]:
        remedy, better = entry
        rare = remedy.cells[0] in inside and _is_rare(bench, remedy)
        return -len(remedy.lanes), not better, better, rare and likeness(bench, remedy) <= 0

    meant = (remedy for remedy in edits if not _is_vain(bench, remedy))
    some = [remedy for remedy in islice(meant, WEIGHED) if not leaves_out(bench, remedy)]
    proper = [(remedy, *properness(bench, remedy)) for remedy in some]
    kept = [(remedy, then - stands) for remedy, stands, then in proper if then >= stands]
    best = [remedy for remedy, _ in sorted(kept, key=merit)[:TRIED]]
    most = len(best[0].lanes) if best else 0
    return sorted(best, key=lambda r: (most - len(r.lanes), not any_astray(bench, r)))


def _is_rare(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit adds something, or makes another function of a function of one cell."""
    kind = remedy.repair.changes[0].kind
    one = len(set(bench.training.flow.sources(remedy.cells[0]))) == 1
    odd = (EditKind.NUMBER, EditKind.OPERATOR, EditKind.OMISSION)
    return kind in (EditKind.FACTOR, EditKind.TERM) or (one and kind in odd)


def _is_vain(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit makes a part of the formula come to nothing, which nobody means."""
    owner, book = remedy.cells[0], bench.training.book
    before = book.reader.typed(book.patterns[owner].text_at(owner), owner).expression
    return before is not None and pointless_parts(remedy.repair.expression) > pointless_parts(
        before
    )


def put_right(bench: Bench, remedy: Remedy, wrong: Mapping[int, Claim]) -> frozenset[int]:
    """The gradients that an edit puts right, all of them tried; none where it spoils another."""
    after = with_remedy(bench, remedy)
    if _breaks(bench, after, remedy):
        return frozenset()
    left, vanished = wrong_lanes(after), idle(after)
    if left - set(wrong) or vanished - idle(bench) or vanished & set(wrong) - left:
        return frozenset()  # nor where a gradient is right because it vanishes
    return frozenset(set(wrong) - left)


def _breaks(bench: Bench, after: Bench, remedy: Remedy) -> bool:
    """Whether an edit leaves no number at points where there was one: it divides by what may be
    nothing, and only what is left would be compared."""
    for cell in remedy.cells:
        try:
            now = bench.random.of(bench.made.node(cell), bench.leaves)
            then = after.random.of(after.made.node(cell), after.leaves)
        except NotUnderstood:
            continue
        if np.any(np.isfinite(now) & ~np.isfinite(then)):
            return True
    return False


def _is_own(bench: Bench, lane: int, claim: Claim) -> bool:
    """Whether a claim's own formula is odd: it mentions a blank, or a small change makes it look
    like the others."""
    if isinstance(claim.expression, Call) or lane in idle(bench):
        return False
    book = bench.training.book
    said = bench.training.flow.sources(claim.owner)
    if any(cell not in book.values and cell not in book.patterns for cell in said):
        return True
    patient = patient_of(bench, claim, lane)
    found = repair(patient, bench.true[lane]) if patient else None
    return patient is not None and found is not None and makes_usual(patient, found)


def makes_usual(patient: Patient, found: Repair) -> bool:
    """Whether a small change makes a claim's formula look like more of the others than it does."""
    if found.changes[0].kind == EditKind.FORMULA:
        return False
    bench = patient.bench
    book = bench.training.book
    owners = {option.owner for options in bench.step.claims for option in options}
    patterns = (book.patterns.get(cell) for cell in owners - {patient.owner})
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    after = book.reader.typed(write(found.expression), patient.owner)
    return shapes[after.shape] > shapes[patient.pattern.shape]


def is_easy(bench: Bench, lane: int, claim: Claim, remedy: Remedy) -> bool:
    """Whether a claim can be put right by a small change of its own, not by the remedy."""
    gathers = isinstance(claim.expression, Call | Reference)  # what stands elsewhere
    if gathers and (isinstance(claim.expression, Call) or remedy.cells[0] not in forward(bench)):
        return False
    patient = patient_of(bench, claim, lane)
    found = repair(patient, bench.true[lane]) if patient else None
    return found is not None and found.changes[0].kind != EditKind.FORMULA


def patient_of(bench: Bench, claim: Claim, lane: int) -> Patient | None:
    """The formula of a claim to repair, and what it should be worth."""
    book = bench.training.book
    if claim.owner not in book.patterns:
        return None
    pattern = bench.made.instead.get(claim.owner) or book.reader.typed(
        book.patterns[claim.owner].text_at(claim.owner), claim.owner
    )
    if pattern.expression is None:
        return None
    true = bench.random.of(bench.true[lane], bench.leaves) * claim.sign
    if claim.whole:
        return Patient(bench, claim.owner, pattern, pattern.expression, true)
    base = bench.step.weights[lane]
    assert base is not None
    with np.errstate(all="ignore"):
        start = bench.random.of(bench.made.node(base), bench.leaves)
        after = bench.made.expression(pattern.expression, claim.owner, pattern)
        following = bench.random.of(after, bench.leaves)
        claimed = bench.random.of(bench.claimed(claim), bench.leaves) * claim.sign
        wanted = start + (following - start) * true / claimed
    return Patient(bench, claim.owner, pattern, pattern.expression, wanted)
