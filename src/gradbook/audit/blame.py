"""Which cells to blame where a claim and what it is held against disagree.

A gradient that isn't one is its own formula's fault, unless something speaks against another cell:
one edit there puts several gradients right, or the formula there looks like none of its kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from gradbook.audit.address import Address
from gradbook.audit.columns import Columns, Remedy, ranked, rewritten
from gradbook.audit.departures import wrong_lanes
from gradbook.audit.factors import factors
from gradbook.audit.judge import Bench, best
from gradbook.audit.lanes import terms
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.numbers import Numbers, agree
from gradbook.audit.pattern import Pattern
from gradbook.audit.recover import Claim
from gradbook.audit.repair import Patient, Repair, forward, repair
from gradbook.audit.search import Choice
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.graph.op import Array
from gradbook.targets.excel.grammar import Call, Expression, Reference, write

ACTIVATIONS = ("sigmoid", "tanh")
WEIGHED = 60  # edits whose formulas are looked at
TRIED = 6  # edits that are held against every gradient


def elsewhere(bench: Bench, wrong: Mapping[int, Claim]) -> Remedy | None:
    """The edit of another cell that is to blame for wrong gradients; None where they are
    themselves."""
    if len(wrong) == 1 and all(_is_own(bench, *only) for only in wrong.items()):
        return None
    bench = _with_suspects(bench)
    claims = dict(wrong)
    for lane, options in enumerate(bench.step.claims):
        if lane not in wrong and options:
            found = best(bench, lane, options)[1]
            if found is not None:
                claims[lane] = found
    partly: Remedy | None = None
    try:
        columns = Columns(bench, claims, wrong)
        for edits in _stages(bench, columns):
            remedy = _accepted(bench, wrong, edits)
            if remedy is not None and remedy.lanes >= wrong.keys():
                return remedy
            partly = partly or remedy  # unless one edit explains all
    except NotUnderstood:
        pass
    return partly


def _stages(bench: Bench, columns: Columns) -> Iterator[list[Remedy]]:
    """What may be another than it should be, what may be missing, what may be all wrong."""
    yield _likely(bench, ranked(columns, False))
    yield _likely(bench, ranked(columns, True))
    yield list(islice(rewritten(columns), TRIED))


def _accepted(bench: Bench, wrong: Mapping[int, Claim], edits: Sequence[Remedy]) -> Remedy | None:
    for remedy in edits:
        lanes = put_right(bench, remedy, wrong)
        if lanes and _hushes(bench, remedy):
            continue
        if len(lanes) > 1:
            return _what_changes(bench, remedy, lanes)
        if len(lanes) == 1:
            (lane,) = lanes
            if _is_evident(bench, remedy, lane) or not is_easy(bench, lane, wrong[lane]):
                return _what_changes(bench, remedy, lanes)
    return None


def _hushes(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss makes all slopes deaf to a number that it mentions:
    gradients that forget a target aren't the loss's fault."""
    if remedy.cells[0] not in forward(bench):
        return False
    training, after = bench.training, _with(bench, remedy)
    mentioned = {training.plain(s) for cell in remedy.cells for s in training.flow.sources(cell)}
    typed = [c for c in mentioned if c not in training.book.patterns and c not in training.stop]
    return any(_hears(bench, cell) and not _hears(after, cell) for cell in typed)


def _hears(bench: Bench, cell: Address) -> bool:
    """Whether some slope depends on a number."""

    def leaf(other: Address) -> Array:
        return bench.random.leaf(other) + (0.37 if other == cell else 0)

    moved = Numbers(leaf)
    return any(
        not agree(moved.of(slope, bench.leaves), bench.random.of(slope, bench.leaves))
        for slope in bench.true.values()
    )


def _what_changes(bench: Bench, remedy: Remedy, lanes: frozenset[int]) -> Remedy:
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
    """The edits without those that spoil a proper formula; first those that make one."""
    some = [remedy for remedy in edits[:WEIGHED] if not _leaves_out(bench, remedy)]
    proper = [(remedy, _properness(bench, remedy)) for remedy in some]
    kept = [(remedy, how == (False, True)) for remedy, how in proper if how != (True, False)]
    kept.sort(key=lambda entry: (-len(entry[0].lanes), not entry[1]))
    best = [remedy for remedy, _ in kept[:TRIED]]
    most = len(best[0].lanes) if best else 0
    return sorted(best, key=lambda r: (most - len(r.lanes), not _any_astray(bench, r)))


def _leaves_out(bench: Bench, remedy: Remedy) -> bool:
    """Whether an edit on the way to the loss takes out the only use of a number: a target that
    the loss no longer counts."""
    training, before = bench.training, forward(bench)
    if remedy.cells[0] not in before:
        return False
    kept = {
        training.plain(cell)
        for home, right in zip(remedy.cells, remedy.expressions, strict=True)
        for cell in training.flow.mentioned(
            training.book.reader.typed(write(right), home).places, home
        )
    }
    used = {
        training.plain(source)
        for cell in before
        if cell not in remedy.cells and cell not in training.stop
        for source in training.flow.sources(cell)
    }
    dropped = {training.plain(s) for home in remedy.cells for s in training.flow.sources(home)}
    return any(
        isinstance(training.book.values.get(cell), float) and cell not in training.book.patterns
        for cell in dropped - kept - used
    )


def _any_astray(bench: Bench, remedy: Remedy) -> bool:
    inside = remedy.cells[0] in forward(bench)
    return inside and any(_is_astray(bench, remedy, change) for change in remedy.repair.changes)


def _with_suspects(bench: Bench) -> Bench:
    """The step with cells apart that say the same and, where a weight leads nowhere, with those
    formulas on the way that depend on no weight."""
    training, book = bench.training, bench.training.book
    suspects = [c for cells in _by_node(bench).values() if len(cells) > 1 for c in cells]
    if idle(bench):
        suspects += [
            source
            for cell in forward(bench)
            if cell in training.moving and cell not in training.stop
            for source in training.flow.sources(cell)
            if source in book.patterns and source not in training.moving
        ]
    if not suspects:
        return bench
    by_itself = {
        cell: book.reader.typed(book.patterns[cell].text_at(cell), cell) for cell in suspects
    }
    return Bench(training, bench.step, {**by_itself, **bench.made.instead}, bench.like)


def _by_node(bench: Bench) -> dict[Node, list[Address]]:
    """The cells of formulas by what they say: a mistake may make two say the same."""
    found: defaultdict[Node, list[Address]] = defaultdict(list)
    for cell, value in bench.made.known.items():
        training = bench.training
        formula = cell in training.book.patterns and cell not in training.stop
        if isinstance(value, Node) and formula and cell in training.moving:
            found[value].append(cell)
    return found


def cured(bench: Bench, remedy: Remedy) -> dict[Address, Pattern]:
    """The formulas that a remedy puts in the place of others."""
    reader = bench.training.book.reader
    return {
        cell: reader.typed(write(right), cell)
        for cell, right in zip(remedy.cells, remedy.expressions, strict=True)
    }


def put_right(bench: Bench, remedy: Remedy, wrong: Mapping[int, Claim]) -> frozenset[int]:
    """The gradients that an edit puts right, all of them tried; none where it spoils another."""
    after = _with(bench, remedy)
    left = wrong_lanes(after)
    if left - set(wrong) or idle(after) - idle(bench):
        return frozenset()  # nor where it makes a gradient vanish
    return frozenset(set(wrong) - left)


def idle(bench: Bench) -> set[int]:
    """The weights that have no influence on the loss."""
    return {
        lane
        for lane, slope in bench.true.items()
        if np.all(bench.random.of(slope, bench.leaves) == 0)
    }


def _with(bench: Bench, remedy: Remedy) -> Bench:
    instead = {**bench.made.instead, **cured(bench, remedy)}
    return Bench(bench.training, bench.step, instead, bench.like)


def _is_own(bench: Bench, lane: int, claim: Claim) -> bool:
    """Whether a claim's own formula is odd: a small change makes it look like the others."""
    if isinstance(claim.expression, Call | Reference) or lane in idle(bench):
        return False
    patient = patient_of(bench, claim, lane)
    found = repair(patient, bench.true[lane]) if patient else None
    if patient is None or found is None or found.changes[0].kind == "formula":
        return False
    book = bench.training.book
    owners = {option.owner for options in bench.step.claims for option in options}
    patterns = (book.patterns.get(cell) for cell in owners - {claim.owner})
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    after = book.reader.typed(write(found.expression), claim.owner)
    return shapes[after.shape] > shapes[patient.pattern.shape]


def is_easy(bench: Bench, lane: int, claim: Claim) -> bool:
    """Whether a claim can be put right by a small change of its own."""
    if isinstance(claim.expression, Call | Reference):
        return False  # it only gathers what stands elsewhere
    patient = patient_of(bench, claim, lane)
    found = repair(patient, bench.true[lane]) if patient else None
    return found is not None and found.changes[0].kind != "formula"


# What speaks against a cell ------------------------------------------------------


def _is_evident(bench: Bench, remedy: Remedy, lane: int) -> bool:
    """Whether the cell that a remedy changes is odd, so that the gradient isn't to blame."""
    if remedy.cells[0] not in forward(bench):
        return _becomes_derivative(bench, remedy)
    return (
        any(_is_astray(bench, remedy, change) for change in remedy.repair.changes)
        or lane in idle(bench)
        or _becomes_proper(bench, remedy)
        or _looks_odd(bench, remedy)
    )


def _becomes_derivative(bench: Bench, remedy: Remedy) -> bool:
    """Whether a cell on the way back, once changed, is ∂loss/∂(some cell of the way there)."""
    after = _with(bench, remedy)
    try:
        claimed = after.made.node(remedy.cells[0])
        known = [after.made.known.get(cell) for cell in forward(after)]
        nodes = [node for node in known if isinstance(node, Node) and not node.is_constant()]
        slopes = gradients(after.loss, list(dict.fromkeys(nodes)))
    except NotUnderstood:
        return False
    return any(after.same(claimed, slope, after.random) for slope in slopes.values())


def _is_astray(bench: Bench, remedy: Remedy, change: Choice) -> bool:
    """Whether a reference leads to a blank, a text, another step, or to what nobody else uses
    while what belongs there is used by nobody."""
    if not isinstance(change.old, Reference):
        return False
    training, owner = bench.training, remedy.cells[0]
    old = training.book.reader.cell(change.old.text, owner)
    if old is None:
        return True
    value = training.book.values.get(old)
    if old not in training.book.patterns and not isinstance(value, float):
        return True
    if old in training.stop and old not in bench.step.weights:
        return True
    if not isinstance(change.new, Reference):
        return False
    new = training.book.reader.cell(change.new.text, owner)
    if new is None or training.plain(new) in forward(bench):
        return False
    return any(training.plain(new) in behind(bench, lane) for lane in remedy.lanes)


def behind(bench: Bench, lane: int) -> set[Address]:
    """The cells that a claim is computed from."""
    seen: set[Address] = set()
    waiting = [claim.owner for claim in bench.step.claims[lane] if claim.whole]
    while waiting:
        for source in bench.training.flow.sources(waiting.pop()):
            at = bench.training.plain(source)
            if at not in seen:
                seen.add(at)
                waiting += [] if at in bench.training.stop else [at]
    return seen


def _becomes_proper(bench: Bench, remedy: Remedy) -> bool:
    return _properness(bench, remedy) == (False, True)


def _properness(bench: Bench, remedy: Remedy) -> tuple[bool, bool]:
    """Whether a formula is a weighted sum or an activation, as it stands and once changed."""
    book, owner = bench.training.book, remedy.cells[0]
    stands = book.reader.typed(book.patterns[owner].text_at(owner), owner)
    now = book.reader.typed(write(remedy.repair.expression), owner)
    a, b = (
        pattern.expression is not None
        and (
            _is_weighted_sum(bench, pattern.expression, owner)
            or _is_activation(bench, pattern, owner)
        )
        for pattern in (stands, now)
    )
    return a, b


def _is_activation(bench: Bench, pattern: Pattern, owner: Address) -> bool:
    assert pattern.expression is not None
    try:
        node = bench.made.expression(pattern.expression, owner, pattern)
    except NotUnderstood:
        return False
    return node.op.name in ACTIVATIONS


def _is_weighted_sum(bench: Bench, expression: Expression, owner: Address) -> bool:
    """Whether all terms are a weight, once, or a weight times something that is none."""
    weights = set(bench.step.own)
    reader = bench.training.book.reader
    seen: list[Address] = []
    for sign, term in terms(expression):
        parts = factors(term).parts
        cells = [
            reader.cell(f.part.text, owner) if isinstance(f.part, Reference) else None
            for f in parts
        ]
        own = [cell for cell in cells if cell in weights]
        if sign < 0 or len(own) != 1 or len(parts) > 2 or not all(f.above for f in parts):
            return False
        seen += [cell for cell in own if cell is not None]
    return len(seen) == len(set(seen))


def _looks_odd(bench: Bench, remedy: Remedy) -> bool:
    """Whether the formula is like fewer others as it stands than it is once changed."""
    training = bench.training
    cells = {c for c in bench.step.cells if c in forward(bench) and c not in remedy.cells}
    patterns = (training.book.patterns.get(cell) for cell in cells)
    shapes = Counter(pattern.shape for pattern in patterns if pattern is not None)
    owner = remedy.cells[0]
    after = training.book.reader.typed(write(remedy.repair.expression), owner)
    return shapes[after.shape] > shapes[training.book.patterns[owner].shape]


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
