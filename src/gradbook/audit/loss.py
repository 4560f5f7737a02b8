"""Finds the loss: what the weights lead to, and what most gradients are gradients of."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

import numpy as np

from gradbook.audit.address import Address, column_of, ranges, row_of, sheet_of, written
from gradbook.audit.claims import claims
from gradbook.audit.findings import Finding
from gradbook.audit.judge import HERE, OPPOSITE, RIGHT, Bench, best
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.recover import Claim, Training, label
from gradbook.audit.steps import Step

MOST_TRIED = 8
MOST_TERMS = 4  # that a loss leaves out
ENOUGH = 0.8  # of the gradients: the others are wrong
LOSS_WORDS = ("e_tot", "etot", "total", "loss", "cost", "err", "mse", "sse", "entropy")
OTHER_WORDS = ("∂", "d", "grad", "δ", "delta", "Δ")


def find_loss(training: Training) -> tuple[list[tuple[Address, ...]], float]:
    """The loss of each step, and the share of the gradients that are its gradients."""
    claimed = [tuple(claims(training, lane, 0)) for lane in training.lanes]
    start = [lane.cells[0] for lane in training.lanes]
    tried = _candidates(training, start)[:MOST_TRIED]
    found: tuple[float, tuple[Address, ...]] = (-1.0, ())
    bench = Bench(training, Step(0, tuple(start), (), ()))
    inside: set[Address] = set()  # parts of a loss are hardly one themselves
    for cell in tried:
        if cell in inside and _numbers(training, cell) < _numbers(training, found[1][0]):
            continue  # what the loss is made of, before the targets come in
        share = _share(bench, (cell,), claimed)
        if share > (2 * found[0] if found[0] > 0 and cell in inside else found[0]):
            found = share, (cell,)
            inside = _inside(training, cell)
        if share > ENOUGH:
            break
    if not found[1]:
        return [], 0.0
    if found[0] <= ENOUGH:
        for _ in range(MOST_TERMS):
            other = _with_another(training, bench, claimed, found, tried)
            if other[0] <= found[0]:
                break
            found = other
    if found[0] <= 0 and not _plausible(training, start, found[1]):
        return [], 0.0
    return every_step(training, found[1]), found[0]


def _plausible(training: Training, start: Sequence[Address], loss: tuple[Address, ...]) -> bool:
    """Whether something that no gradient fits may be a loss: it isn't straight, and called one."""
    words = _called(training, set(loss)).values()
    if training.rate is None and not any(_is_loss(word) for some in words for word in some):
        return False
    bench = Bench(training, Step(0, tuple(start), loss, ()))
    try:
        slopes = [bench.random.of(node, bench.leaves) for node in bench.true.values()]
    except NotUnderstood:
        return False
    finite = [slope[np.isfinite(slope)] for slope in slopes]
    return any(np.ptp(slope) > 0 for slope in finite if slope.size > 1)


def _share(
    bench: Bench,
    loss: tuple[Address, ...],
    claimed: Sequence[Sequence[Claim]],
) -> float:
    bench = bench.with_loss(loss)
    good = 0
    try:
        for j, options in enumerate(claimed):
            if not bench.true[j].is_constant(0):
                good += best(bench, j, options)[0] in (RIGHT, HERE, OPPOSITE)
    except NotUnderstood:
        return -0.5
    return good / len(claimed)


def _with_another(
    training: Training,
    bench: Bench,
    claimed: Sequence[Sequence[Claim]],
    found: tuple[float, tuple[Address, ...]],
    tried: Sequence[Address],
) -> tuple[float, tuple[Address, ...]]:
    """The loss with a term that it leaves out, where more gradients are true of both."""
    inside = _inside(training, found[1][0])
    beside = [
        c
        for c in tried
        if c not in inside and c not in found[1] and found[1][0] not in _inside(training, c)
    ]
    options = [(_share(bench, (*found[1], c), claimed), (*found[1], c)) for c in beside[:6]]
    return max(options, default=found, key=lambda option: option[0])


def _numbers(training: Training, cell: Address) -> set[Address]:
    """The typed numbers that a cell is computed from."""
    book = training.book
    return {c for c in _inside(training, cell) if c not in book.patterns} - training.stop.keys()


def _inside(training: Training, cell: Address) -> set[Address]:
    """The cell and all it is computed from within its step."""
    seen: set[Address] = set()
    waiting = [cell]
    while waiting:
        at = training.flow.plain(waiting.pop(), training.stop)
        if at not in seen:
            seen.add(at)
            waiting += [] if at in training.stop else training.flow.sources(at)
    return seen


def _candidates(training: Training, start: Sequence[Address]) -> list[Address]:
    """Cells that weights lead to, the likeliest to be the loss first."""
    flow, stop = training.flow, training.stop
    below = flow.below(start, stop)
    elsewhere = flow.below([cell for cell in stop if cell not in set(start)], stop)
    cells = (below - elsewhere or below) - set(stop)
    owners = {claim.owner for lane in training.lanes for claim in claims(training, lane, 0)}
    cells = cells - owners - flow.below(owners, stop)
    called = _called(training, cells)
    plain = [cell for cell in cells if flow.plain(cell, stop) == cell]
    reach = _reach(training, start, plain)
    used = {s for cell in plain for s in flow.sources(cell)}
    serving = set().union(*(_inside(training, owner) for owner in owners))

    def likelihood(cell: Address) -> tuple[object, ...]:
        words = called[cell]
        is_loss = any(_is_loss(word) for word in words)
        return (
            cell in serving and not is_loss,
            -reach[cell],
            cell in serving,
            all(word.startswith(OTHER_WORDS) for word in words),
            not is_loss,
            sheet_of(cell) != training.sheet,
            cell in used,
            -cell,
        )

    return sorted((cell for cell in plain if reach[cell]), key=likelihood)


def _called(training: Training, cells: set[Address]) -> dict[Address, list[str]]:
    """The headings of each cell and of those that only repeat it."""
    down = training.lanes[0].down
    found: dict[Address, list[str]] = {}
    for cell in sorted(cells):
        plain = training.flow.plain(cell, training.stop)
        found.setdefault(plain, []).append(label(training.book, cell, down).lower())
    return found


def _is_loss(word: str) -> bool:
    return any(part in word for part in LOSS_WORDS) or bool(re.fullmatch(r"[ejlc]_?\d*", word))


def loss_words(training: Training, cell: Address) -> bool:
    """Whether a cell's heading calls it a loss."""
    return any(_is_loss(word) for words in _called(training, {cell}).values() for word in words)


def _reach(
    training: Training, start: Sequence[Address], cells: Sequence[Address]
) -> dict[Address, int]:
    """How many weights each cell is computed from, not by way of the gradients' updates."""
    users, stop = training.flow.users, training.stop
    weights = {cell: 1 << j for j, cell in enumerate(start)}  # as bits, so that all go at once
    waiting = deque(weights)
    while waiting:
        cell = waiting.popleft()
        for user in users.get(cell, ()):
            both = weights.get(user, 0) | weights[cell]
            if user not in stop and both != weights.get(user):
                weights[user] = both
                waiting.append(user)
    return {cell: weights.get(cell, 0).bit_count() for cell in cells}


def every_step(training: Training, loss: tuple[Address, ...]) -> list[tuple[Address, ...]]:
    """The loss's cells in each step: as far apart as the weights', or as their formulas say."""
    found = [loss]
    strides = [_stride(training, cell) for cell in loss]
    for k in range(1, training.steps + 1):
        cells = tuple(cell + k * stride for cell, stride in zip(loss, strides, strict=True))
        known = all(cell in training.book.patterns for cell in cells)
        found.append(cells if known else ())
    return found


def _stride(training: Training, cell: Address) -> int:
    usual = training.lanes[0].stride
    if sheet_of(cell) == training.sheet:
        return usual
    follow = training.flow.below(training.weights(1), training.stop)
    pattern = training.book.patterns[cell]
    same = [
        c
        for c in follow
        if c > cell
        and sheet_of(c) == sheet_of(cell)
        and c in training.book.patterns
        and training.book.patterns[c].shape == pattern.shape
    ]
    along = [c for c in same if row_of(c) == row_of(cell) or column_of(c) == column_of(cell)]
    return min((c - cell for c in along or same), default=usual)


def loss_findings(training: Training, loss: Sequence[Sequence[Address]]) -> list[Finding]:
    """A loss that leaves out a term, though the gradients count it."""
    if len(loss[0]) < 2:
        return []
    book, cells = training.book, loss[0]
    place = next((k for k, c in enumerate(cells) if _named_total(training, c) is not None), 0)
    cell, left_out = cells[place], [c for c in cells if c != cells[place]]
    total = _named_total(training, cell)
    if total is None and len({book.patterns[c].shape for c in cells}) == 1:
        return []  # the errors stand side by side, and nobody added them
    cell, shift = (cell, 0) if total is None else (total, total - cell)
    where = [cells[place] + shift for cells in loss if cells]
    down = training.lanes[0].down
    terms = [book.called(term, cell) for term in left_out]
    right = "+".join([book.patterns[cell].text_at(cell), *terms])
    pattern = book.reader.typed(right, cell)
    words = [label(book, term, down) or written(term) for term in left_out]
    return [
        Finding(
            kind="loss without a term",
            quantity=label(book, cell, down) or written(cell),
            weight="",
            cells=ranges(where),
            formula=book.formula(cell),
            expected=f"={right}",
            why=f"the loss leaves out {' and '.join(words)}, "
            "which the gradients are right to count",
            sheet=book.sheets[sheet_of(cell)].title,
            fixes={written(at): f"={pattern.text_at(at)}" for at in where},
        )
    ]


def _named_total(training: Training, cell: Address) -> Address | None:
    """A cell of the first step that only repeats this one, to be the loss: by its name, or because
    nothing else uses it."""
    down, users = training.lanes[0].down, training.flow.users
    repeating = [
        user
        for user in users.get(cell, ())
        if user in training.moving and training.flow.plain(user, training.stop) == cell
    ]
    named = [
        user
        for user in repeating
        if any(word in label(training.book, user, down).lower() for word in LOSS_WORDS)
    ]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)
