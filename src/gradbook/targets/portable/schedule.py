"""The order in which rows are made and where they are kept; networks that run step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from gradbook.targets.portable.makers import NORMING, RowMaker, Work
from gradbook.targets.portable.rules import Sight

# The order of rows, and their memory.


@dataclass(frozen=True)
class RowBuffer:
    """A map's rows in memory: row y is at slot y modulo `depth`, with an edge on both sides."""

    depth: int
    edge: int  # columns of it on each side
    length: int  # a row's number of values, including edges
    start: int  # place of the first row in the arena

    @property
    def size(self) -> int:
        return self.depth * self.length


@dataclass(frozen=True)
class RowOrder:
    """The number of the maker whose turn it is, for each row, and the memory for all rows."""

    turns: tuple[int, ...]
    buffers: tuple[RowBuffer, ...]
    arena: int  # values of all the kept rows together
    longest_edge: int  # values of the longest row beyond a map
    tallest: int  # the largest number of rows from which one row is made


def row_order(makers: Sequence[RowMaker]) -> RowOrder:
    turns = _turns(makers)
    depths, spans = _needs(makers, turns)
    if stream_of(makers):
        depths[-1] = 1
        spans = _spans_of_a_step(makers, depths)
    pads = [0 if m.enlarges else max(m.window.pad[1::2]) for m in makers]
    edges = [
        max((pad for pad, m in zip(pads, makers, strict=True) if k in m.reads), default=0)
        for k in range(len(makers))
    ]
    lengths = [(m.shape[1] + 2 * e) * m.shape[2] for m, e in zip(makers, edges, strict=True)]
    sizes = [depth * length for depth, length in zip(depths, lengths, strict=True)]
    starts = _place(sizes, spans)
    buffers = map(RowBuffer, depths, edges, lengths, starts)
    beyond = [lengths[m.reads[0]] for m in makers if any(m.window.pad) or m.enlarges]
    beyond += [lengths[k] for k, m in enumerate(makers) if m.looks_back]
    return RowOrder(
        tuple(turns),
        tuple(buffers),
        max(start + size for start, size in zip(starts, sizes, strict=True)),
        max(beyond, default=0),
        max(m.tall for m in makers),
    )


def _turns(makers: Sequence[RowMaker]) -> list[int]:
    """List the makers in turn: each row is made as late as possible, when another needs it."""
    counts = [0] * len(makers)
    turns: list[int] = []

    def require(number: int, row: int) -> None:
        maker = makers[number]
        while counts[number] <= row:
            last = maker.first_row(counts[number]) + maker.tall - 1
            for read in maker.reads:
                require(read, min(last, makers[read].shape[0] - 1))
            turns.append(number)
            counts[number] += 1

    require(len(makers) - 1, makers[-1].shape[0] - 1)
    return turns


def _needs(
    makers: Sequence[RowMaker], turns: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Count the rows of each map that must exist at once, and find its first and last turn."""
    counts, depths = [0] * len(makers), [2 if maker.looks_back else 1 for maker in makers]
    depths[-1] = makers[-1].shape[0]  # all of the last map is output
    begun: dict[int, int] = {}
    ended = [0] * len(makers)
    for turn, number in enumerate(turns):
        maker = makers[number]
        begun.setdefault(number, turn)
        for read in maker.reads:
            first = max(maker.first_row(counts[number]), 0)
            depths[read] = max(depths[read], counts[read] - first)
            ended[read] = turn
        counts[number] += 1
        ended[number] = turn
    ended[-1] = len(turns)
    return depths, [(begun[k], ended[k]) for k in range(len(makers))]


def _spans_of_a_step(makers: Sequence[RowMaker], depths: Sequence[int]) -> list[tuple[int, int]]:
    """Find the makers between which a row must exist, if each maker makes one row at every step;
    rows that are read at the next step always exist."""
    ends = [
        max((k for k, m in enumerate(makers) if n in m.reads), default=n)
        for n in range(len(makers))
    ]
    return [
        (0, len(makers)) if depth > 1 or maker.looks_back else (number, end)
        for number, (maker, depth, end) in enumerate(zip(makers, depths, ends, strict=True))
    ]


def _place(sizes: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """Place buffers so that none overlaps another that is needed at the same time."""
    starts: dict[int, int] = {}
    for number in sorted(range(len(sizes)), key=lambda k: -sizes[k]):
        begin, end = spans[number]
        beside = sorted(
            (starts[k], starts[k] + sizes[k])
            for k in starts
            if spans[k][0] <= end and begin <= spans[k][1]
        )
        start = 0
        for low, high in beside:
            if low - start >= sizes[number]:
                break
            start = max(start, high)
        starts[number] = start
    return [starts[k] for k in range(len(sizes))]


def is_chain(makers: Sequence[RowMaker]) -> bool:
    """Whether each maker reads only the one before, through a window that moves evenly from its
    first row, and the last makes a single row: then the turns follow from the counts of rows and
    need no table."""
    return makers[-1].shape[0] == 1 and all(
        maker.reads == ((number - 1,) if number else ())
        and not (maker.enlarges or maker.rule or maker.skipped)
        for number, maker in enumerate(makers)
    )


# Step by step -------------------------------------------------------------------

MOST_COUNTED = 32_767  # rows that machines with 16-bit ints can count


@dataclass(frozen=True)
class Stream:
    """A step makes a row of each maker before `after`; the others then compute the outputs from the
    latest row. Row counts are reduced by `period` when they reach twice that."""

    steps: int
    features: int
    after: int
    period: int


def stream_of(makers: Sequence[RowMaker]) -> Stream | None:
    """Describe how a network runs step by step, if no row depends on later ones."""
    first = makers[0]
    steps, _, features = first.shape
    if first.work is not Work.STEPWISE or steps < 2:
        return None
    after = next((k for k, maker in enumerate(makers) if maker.shape[0] != steps), len(makers))
    goes_on = all(map(_reads_earlier_rows, makers[1:after]))
    if not goes_on or not all(_is_single(maker, after) for maker in makers[after:]):
        return None
    if after < len(makers) and makers[after].work is not Work.LATEST:
        return None
    kept = lcm(*(lcm(m.tall, 2 if m.looks_back else 1) for m in makers[1:after]))  # rows, at most
    period = kept * -(-steps // kept)
    return Stream(steps, features, after, period) if 2 * period <= MOST_COUNTED else None


def _reads_earlier_rows(maker: RowMaker) -> bool:
    """Whether each of its rows depends only on that row and earlier ones."""
    if maker.work is Work.LATEST:
        return maker.skipped == 0
    if (maker.work in NORMING and maker.groups) or maker.work is Work.SCATTERED:
        return False
    if maker.rule is not None and maker.rule.sight is Sight.ALL:
        return False
    window = maker.window
    return window.stride[0] == 1 and maker.pool == 1 and maker.tall == window.pad[0] + 1


def _is_single(maker: RowMaker, after: int) -> bool:
    """Whether it makes one row, which depends only on the latest one."""
    return maker.shape[0] == 1 and (
        maker.work is Work.LATEST or all(k >= after for k in maker.reads)
    )
