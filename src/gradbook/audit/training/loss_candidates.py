"""Which cells may be the loss: what weights lead to, by how it is called and what it serves."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.training.claims import claims
from gradbook.audit.training.training import Training
from gradbook.audit.training.weight_columns import label

LOSS_WORDS = ("e_tot", "etot", "total", "loss", "cost", "err", "mse", "sse", "entropy")
OTHER_WORDS = ("∂", "d", "grad", "δ", "delta", "Δ")


def numbers_behind(training: Training, cell: Address) -> set[Address]:
    """The typed numbers that a cell is computed from."""
    book = training.book
    return {
        c for c in inside_of(training, cell) if c not in book.patterns
    } - training.weight_cells.keys()


def inside_of(training: Training, cell: Address) -> set[Address]:
    """The cell and all it is computed from within its step."""
    seen: set[Address] = set()
    waiting = [cell]
    while waiting:
        at = training.flow.plain(waiting.pop(), training.weight_cells)
        if at not in seen:
            seen.add(at)
            waiting += [] if at in training.weight_cells else training.flow.sources(at)
    return seen


def is_cut(training: Training, cell: Address) -> bool:
    """Whether a blank stands on the way to a cell, so that no weight may lead there."""
    book, flow = training.book, training.flow
    return any(
        source not in book.patterns and source not in book.values
        for inside in inside_of(training, cell)
        if inside in training.computed
        for source in flow.sources(inside)
    )


def candidates(training: Training, start: Sequence[Address]) -> list[Address]:
    """Cells that weights lead to, the likeliest to be the loss first."""
    flow, stop = training.flow, training.weight_cells
    below = flow.below(start, stop)
    elsewhere = flow.below([cell for cell in stop if cell not in set(start)], stop)
    cells = (below - elsewhere or below) - set(stop)
    owners = {claim.owner for lane in training.weights for claim in claims(training, lane, 0)}
    cells = cells - owners - flow.below(owners, stop)
    called = headings_of(training, cells)
    plain = [cell for cell in cells if flow.plain(cell, stop) == cell]
    reach = _reach(training, start, plain)
    used = {s for cell in plain for s in flow.sources(cell)}
    serving = set().union(*(inside_of(training, owner) for owner in owners))

    along = training.axis.along

    def likelihood(cell: Address) -> tuple[object, ...]:
        words = called[cell]
        is_loss = any(is_loss_word(word) for word in words)
        return (
            cell in serving and not is_loss,
            -reach[cell],
            cell in serving,
            all(word.startswith(OTHER_WORDS) for word in words),
            not is_loss,
            sheet_of(cell) != training.sheet,
            cell in used,
            abs(along(cell) - along(start[0])),
            -cell,
        )

    return sorted((cell for cell in plain if reach[cell]), key=likelihood)


def headings_of(training: Training, cells: set[Address]) -> dict[Address, list[str]]:
    """The headings of each cell and of those that only repeat it."""
    found: dict[Address, list[str]] = {}
    for cell in sorted(cells):
        plain = training.flow.plain(cell, training.weight_cells)
        found.setdefault(plain, []).append(label(training.book, cell, training.axis).lower())
    return found


def is_loss_word(word: str) -> bool:
    return any(part in word for part in LOSS_WORDS) or bool(re.fullmatch(r"[ejlc]_?\d*", word))


def loss_words(training: Training, cell: Address) -> bool:
    """Whether a cell's heading calls it a loss."""
    return any(
        is_loss_word(word) for words in headings_of(training, {cell}).values() for word in words
    )


def _reach(
    training: Training, start: Sequence[Address], cells: Sequence[Address]
) -> dict[Address, int]:
    """How many weights each cell is computed from, not by way of the gradients' updates."""
    users, stop = training.flow.users, training.weight_cells
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
