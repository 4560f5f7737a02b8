"""Which cells may be the loss: what weights lead to, by how it is called and what it serves."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence

from gradbook.audit.formula.address import ACROSS, DOWN, Address, sheet_of
from gradbook.audit.training.claims import first_claims
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.flow import walk
from gradbook.targets.excel.language.grammar import Call

LOSS_WORDS = ("e_tot", "etot", "total", "loss", "cost", "err", "mse", "sse", "entropy", "hinge")
CLIMBED_WORDS = ("likelihood", "reward", "utility", "fitness", "profit")
LEARNING_WORDS = ("grad", "slope", "delta", "learn", "deriv", "∂", "δ", "η", "eta", "w", "bias")
OTHER_WORDS = ("∂", "d", "grad", "δ", "delta", "Δ")


def candidates(training: SheetTraining) -> list[Address]:
    """Cells that the first weights lead to, the likeliest to be the loss first."""
    flow, weight_cells, axis = training.flow, training.weight_cells, training.axis
    start = [weight.start for weight in training.weights]
    below = flow.below(start, weight_cells)
    elsewhere = flow.below(weight_cells.keys() - set(start), weight_cells)
    owners = {claim.owner for said in first_claims(training) for claim in said}
    made_of_gradients = flow.below(owners, weight_cells)  # as a loss is where errors are gradients
    figures = {c for c in made_of_gradients if not flow.users.get(c)}
    other = made_of_gradients - {c for c in figures if called_a_loss(training, flow.plain(c))}
    cells = (below - elsewhere or below) - owners - other
    called: dict[Address, list[str]] = {}  # the headings of each cell and of those that repeat it
    for cell in sorted(cells):
        plain = flow.plain(cell, weight_cells)
        called.setdefault(plain, []).append(training.book.label(cell, axis).lower())
    plain_cells = [cell for cell in cells if flow.plain(cell, weight_cells) == cell]
    reach = _reach(training, start)
    used = {source for cell in plain_cells for source in flow.sources(cell)}
    serving = set().union(*(inside_of(training, owner) for owner in owners))

    def likelihood(cell: Address) -> tuple[object, ...]:
        is_loss = any(map(is_loss_word, called[cell]))
        return (
            cell in serving and not is_loss,
            -reach[cell],
            cell in serving,
            all(word.startswith(OTHER_WORDS) for word in called[cell]),
            not is_loss,
            sheet_of(cell) != training.sheet,
            cell in used,
            abs(axis.along(cell) - axis.along(start[0])),
            -cell,
        )

    return sorted((cell for cell in plain_cells if reach.get(cell)), key=likelihood)


def made_of_it(training: SheetTraining, cells: Sequence[Address]) -> Address | None:
    """The cell called a loss that one error, taken for it, is only a part of."""
    if len(cells) != 1:
        return None
    others = (cell for cell in candidates(training) if cell not in cells)
    named = (cell for cell in others if called_a_loss(training, cell))
    return next((cell for cell in named if not inside_of(training, cell).isdisjoint(cells)), None)


def _reach(training: SheetTraining, start: Sequence[Address]) -> dict[Address, int]:
    """How many weights each cell is computed from, not by way of the gradients' updates."""
    users = training.flow.users
    weights = {cell: 1 << j for j, cell in enumerate(start)}  # as bits, so that all go at once
    waiting = deque(weights)
    while waiting:
        cell = waiting.popleft()
        for user in users.get(cell, ()):
            both = weights.get(user, 0) | weights[cell]
            if user not in training.weight_cells and both != weights.get(user):
                weights[user] = both
                waiting.append(user)
    return {cell: bits.bit_count() for cell, bits in weights.items()}


def called_a_loss(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell's heading calls it a loss."""
    return is_loss_word(training.book.label(cell, training.axis).lower())


def is_maximised(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell's heading calls it what people climb."""
    heading = training.book.label(cell, training.axis).lower()
    return any(word in heading for word in CLIMBED_WORDS)


def is_loss_word(word: str) -> bool:
    return any(part in word for part in LOSS_WORDS + CLIMBED_WORDS) or bool(
        re.fullmatch(r"[ejlc]_?\d*", word)
    )


def is_root(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell is the root of something, as the RMSE is: a figure to look at, which nobody
    descends."""
    pattern = training.book.patterns.get(training.flow.plain(cell))
    top = pattern.expression if pattern else None
    return isinstance(top, Call) and top.function.upper() == "SQRT"


def speaks_of_learning(training: SheetTraining) -> bool:
    """Whether headings call something a gradient, an error or what it is learnt with; otherwise
    what changes by a share of a difference may be a loan, or something that cools."""
    book = training.book
    owners = [claim.owner for said in first_claims(training) for claim in said]
    behind = training.flow.behind(owners, training.weight_cells).union(owners)
    cells = behind & training.computed
    if training.rate is not None:
        cells.add(training.rate)
    words = [book.label(cell, axis).lower() for cell in cells for axis in (DOWN, ACROSS)]
    return any(is_loss_word(word) or any(w in word for w in LEARNING_WORDS) for word in words)


# What a cell is made of ------------------------------------------------------------------


def inside_of(training: SheetTraining, cell: Address) -> set[Address]:
    """The cell and all it is computed from within its step."""
    flow, weight_cells = training.flow, training.weight_cells

    def inside(at: Address) -> Iterable[Address]:
        sources = () if at in weight_cells else flow.sources(at)
        return (flow.plain(source, weight_cells) for source in sources)

    return set(walk([flow.plain(cell, weight_cells)], inside))


def is_cut(training: SheetTraining, cell: Address) -> bool:
    """Whether a blank stands on the way to a cell, so that no weight may lead there."""
    book, flow = training.book, training.flow
    return any(
        book.is_blank(source)
        for inside in inside_of(training, cell) & training.computed
        for source in flow.sources(inside)
    )
