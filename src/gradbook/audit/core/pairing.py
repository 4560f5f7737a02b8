"""Which value of a repeated expression each call of another one may belong to.

Knows nothing of either but in which order they were computed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

MOST_BEFORE = 6  # values of one expression that a single call may use


def orders(group: list[int], sources: list[int]) -> Iterator[list[int]]:
    """As a loop takes the values of another: the last one first, or the first one first.

    The first, or the last, may be left out, since another line uses it.
    """
    if len(group) == 1:
        return
    for place in (-1, 0):
        for skip in (0, 1):
            chosen = _taken(group, sources, place, skip)
            if chosen:
                yield chosen


def _taken(group: list[int], sources: list[int], place: int, skip: int) -> list[int]:
    """Each call takes what none has taken yet in its round."""
    waiting: list[int] = []
    chosen: list[int] = []
    is_taking = False
    for index, is_source in sorted([*((i, True) for i in sources), *((i, False) for i in group)]):
        if is_source:
            if is_taking:
                waiting = []
            waiting.append(index)
        else:
            if not is_taking and skip:
                waiting = waiting[:-1] if place else waiting[1:]
            if not waiting:
                return []
            chosen.append(waiting.pop(place))
        is_taking = not is_source
    return chosen


def newest(group: list[int], sources: list[int]) -> Iterator[list[int]]:
    """The value that was computed last before each call; for a single call, earlier ones, too."""
    latest = [bisect_left(sources, index) - 1 for index in group]
    if min(latest) >= 0:
        yield [sources[place] for place in latest]
    if len(group) == 1:
        for place in range(latest[0] - 1, max(-1, latest[0] - MOST_BEFORE), -1):
            yield [sources[place]]


def neighbours(olds: list[int], sources: list[int]) -> Iterator[list[int]]:
    """What was computed just after, or just before, the operands that stand there now."""
    if min(olds) < 0:
        return
    for shift in (0, -1):
        places = [bisect_left(sources, old + 1 if not shift else old) + shift for old in olds]
        if min(places) >= 0 and max(places) < len(sources):
            yield [sources[place] for place in places]
