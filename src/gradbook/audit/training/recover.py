"""Finds the trainings of a workbook: which cells are weights, which of them learn together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from gradbook.audit.formula.address import Address, column_of, row_of, sheet_of
from gradbook.audit.formula.factors import factors
from gradbook.audit.formula.pattern import Place
from gradbook.audit.training.gaps import aligned, companions, joined
from gradbook.audit.training.headings import heading, label
from gradbook.audit.training.lanes import Lane, chains, change, find_lanes
from gradbook.audit.training.training import Training
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

NEAR = 6000


def find_trainings(book: Book, flow: Flow) -> list[Training]:
    """The trainings, in the order of the sheets."""
    lines = list(chains(book))
    lanes = aligned(book, joined(book, find_lanes(book, flow, lines)))
    groups = [group + companions(book, group, lines) for group in _together(flow, lanes)]
    return _trainings(book, flow, groups)


def trainings_of(book: Book, flow: Flow, lanes: Sequence[Lane]) -> list[Training]:
    """The trainings that some lines of cells would be, if they were weights."""
    return _trainings(book, flow, _together(flow, lanes))


def _trainings(book: Book, flow: Flow, groups: Sequence[list[Lane]]) -> list[Training]:
    found = [Training(book, flow, sorted(group, key=lambda g: g.start)) for group in groups]
    for training in found:
        training.names = [heading(book, lane) for lane in training.lanes]
        training.rate = _common_rate(training)
    return found


def _together(flow: Flow, lanes: Sequence[Lane]) -> list[list[Lane]]:
    """Lanes whose changes depend on each other's cells."""
    owner = {cell: k for k, lane in enumerate(lanes) for cell in lane.cells}
    group = list(range(len(lanes)))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for k, lane in enumerate(lanes):
        for other in _met(flow, lane, owner):
            group[root(other)] = root(k)
    first: dict[tuple[int, int, int], int] = {}
    for k, lane in enumerate(lanes):  # those that start side by side, too
        along = row_of(lane.start) if lane.down else column_of(lane.start)
        other = first.setdefault((sheet_of(lane.start), lane.stride, along), k)
        group[root(other)] = root(k)
    gathered: defaultdict[int, list[Lane]] = defaultdict(list)
    for k, lane in enumerate(lanes):
        gathered[root(k)].append(lane)
    return list(gathered.values())


def _met(flow: Flow, lane: Lane, owner: dict[Address, int]) -> set[int]:
    """The lanes that a lane's first change depends on, not looking behind their cells."""
    met: set[int] = set()
    waiting = [source for cell in lane.cells[1:3] for source in flow.sources(cell)]
    seen = set(waiting)
    while waiting and len(seen) < NEAR:
        cell = waiting.pop()
        if cell in owner:
            met.add(owner[cell])
            continue
        fresh = [source for source in flow.sources(cell) if source not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return met


# The learning rate -----------------------------------------------------------


def _common_rate(training: Training) -> Address | None:
    """The cell that most updates multiply with, though it depends on no weight."""
    mentioned = [set(_constant_cells(training, lane)) for lane in training.lanes]
    heard = [some for some in mentioned if not _are_blank(training.book, some)] or mentioned
    votes = Counter(cell for some in heard for cell, _ in some)
    fixed = {
        cell for some in heard for cell, place in some if not place.moves or place.sheet is not None
    }
    if not votes:
        return None
    cell = max(votes, key=lambda cell: (votes[cell], cell in fixed, _called_rate(training, cell)))
    if not _holds_something(training.book, cell) and not _called_rate(training, cell):
        unused = _unused_rate(training)
        if unused is not None:
            return unused
    return cell if votes[cell] * 2 > len(heard) or len(heard) == 1 else None


def _are_blank(book: Book, mentioned: Collection[tuple[Address, Place]]) -> bool:
    """Whether an update mentions some cell in the learning rate's place, and nothing is there."""
    cells = [cell for cell, _ in mentioned]
    return bool(cells) and not any(_holds_something(book, cell) for cell in cells)


def _holds_something(book: Book, cell: Address) -> bool:
    return cell in book.patterns or book.values.get(cell) is not None


def _unused_rate(training: Training) -> Address | None:
    """The one number that is called a learning rate while no formula uses it."""
    book, flow = training.book, training.flow
    called = [
        cell
        for cell, value in book.values.items()
        if isinstance(value, float)
        and cell not in book.patterns
        and not flow.users.get(cell)
        and _called_rate(training, cell)
    ]
    return called[0] if len(called) == 1 else None


def _constant_cells(training: Training, lane: Lane) -> Iterator[tuple[Address, Place]]:
    """The cells that the first update multiplies with."""
    book = training.book
    base, cell = next(
        (pair for pair in pairwise(lane.cells) if pair[1] in book.patterns), lane.cells[:2]
    )
    pattern = book.patterns[cell]
    waiting = [(part, cell) for _, part in change(pattern, base, cell)]
    for part, home in waiting[:50]:
        for factor in factors(part).parts:
            at = training.cell_of(factor.part, home)
            if at is None:
                continue
            mention = book.patterns[home].mentions[factor.part.text]  # type: ignore[union-attr]
            if at not in training.moving and isinstance(mention, Place):
                yield training.flow.plain(at), mention


def _called_rate(training: Training, cell: Address) -> bool:
    """Whether a heading or a name calls a cell a learning rate."""
    book = training.book
    named = (
        name for name in book.names if "!" not in name and book.reader.cell(name, cell) == cell
    )
    words = " ".join([label(book, cell, True), label(book, cell, False), *named]).lower()
    return any(word in words for word in ("η", "eta", "rate", "lr", "alpha", "α", "learn"))
