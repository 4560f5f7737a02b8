"""When each row is made, how many rows of each map are kept, and where they lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradbook.targets.portable.row_makers import RowMaker


@dataclass(frozen=True)
class KeptRows:
    """A map's rows in memory: its row y lies at slot y modulo `depth`, an edge on both sides."""

    depth: int
    edge: int  # columns of it on each side
    length: int  # of a row in values, with its edges
    start: int  # of the first row in the arena

    @property
    def size(self) -> int:
        return self.depth * self.length


@dataclass(frozen=True)
class RowOrder:
    """The number of the maker whose turn it is, row after row, and the memory for it all."""

    turns: tuple[int, ...]
    kept: tuple[KeptRows, ...]
    arena: int  # values that all the kept rows take together
    longest_edge: int  # values of the longest row that lies beyond a map
    tallest: int  # rows that one row is made of, at the most


def row_order(makers: Sequence[RowMaker]) -> RowOrder:
    turns = _turns(makers)
    depths, spans = _kept(makers, turns)
    pads = [max(m.window.pad) for m in makers]
    edges = [
        max((pad for pad, m in zip(pads, makers, strict=True) if k in m.reads), default=0)
        for k in range(len(makers))
    ]
    lengths = [(m.shape[1] + 2 * e) * m.shape[2] for m, e in zip(makers, edges, strict=True)]
    sizes = [depth * length for depth, length in zip(depths, lengths, strict=True)]
    starts = _placed(sizes, spans)
    kept = map(KeptRows, depths, edges, lengths, starts)
    beyond = [lengths[m.reads[0]] for m in makers if any(m.window.pad)]
    return RowOrder(
        tuple(turns),
        tuple(kept),
        max(start + size for start, size in zip(starts, sizes, strict=True)),
        max(beyond, default=0),
        max(m.tall for m in makers),
    )


def _turns(makers: Sequence[RowMaker]) -> list[int]:
    """Each row as late as can be: only once another needs it."""
    made = [0] * len(makers)
    turns: list[int] = []

    def require(number: int, row: int) -> None:
        maker = makers[number]
        while made[number] <= row:
            last = maker.first_row(made[number]) + maker.tall - 1
            for read in maker.reads:
                require(read, min(last, makers[read].shape[0] - 1))
            turns.append(number)
            made[number] += 1

    require(len(makers) - 1, makers[-1].shape[0] - 1)
    return turns


def _kept(
    makers: Sequence[RowMaker], turns: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]]]:
    """How many rows of each map must be there at once, and from which turn to which."""
    made, depths = [0] * len(makers), [1] * len(makers)
    begun: dict[int, int] = {}
    ended = [0] * len(makers)
    for turn, number in enumerate(turns):
        maker = makers[number]
        begun.setdefault(number, turn)
        for read in maker.reads:
            first = max(maker.first_row(made[number]), 0)
            depths[read] = max(depths[read], made[read] - first)
            ended[read] = turn
        made[number] += 1
        ended[number] = turn
    ended[-1] = len(turns)
    return depths, [(begun[k], ended[k]) for k in range(len(makers))]


def _placed(sizes: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """Where each begins, the largest first, so that none overlaps another of the same time."""
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
