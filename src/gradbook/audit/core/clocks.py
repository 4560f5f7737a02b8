"""States that go on by themselves: counters, rates that fall, targets that alternate.

Knows no source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import State
from gradbook.audit.core.worlds import is_zero, ratio
from gradbook.recording.calls import RecordedCall, Replay, behind

DRAWS = 8


def find_clocks(calls: list[RecordedCall], states: Sequence[State]) -> set[int]:
    """The states, by number, that depend on no weight: on themselves and other clocks alone."""
    numbers = {state.now: number for number, state in enumerate(states)}
    sources = [
        {numbers[index] for index in behind(calls, [state.next]) & numbers.keys()}
        for state in states
    ]
    clocks: set[int] = set()
    while True:
        more = {
            n
            for n, state in enumerate(states)
            if n not in clocks
            and sources[n] <= {n, *clocks}
            and (n not in sources[n] or _goes_on(calls, state))
        }
        if not more:
            return clocks
        clocks |= more


def _goes_on(calls: list[RecordedCall], state: State) -> bool:
    """Whether a step adds a number, multiplies by one, or turns the state round."""
    replay = Replay(calls, [state.now], 0, max(state.now, state.next))
    order = replay.needed([state.next])
    shape = np.shape(calls[state.now].value) or (DRAWS,)
    olds = [np.random.default_rng(seed).uniform(0.2, 1.0, shape) for seed in (1, 2, 3)]
    news = [_next(replay, order, state, old) for old in olds]
    ones = [np.ones(shape)] * len(olds)
    moves = [new - old for old, new in zip(olds, news, strict=True)]
    sums = [new + old for old, new in zip(olds, news, strict=True)]
    return any(ratio(each, ones) for each in (moves, sums)) or bool(
        ratio(news, olds) or is_zero(moves) or is_zero(sums)
    )


def _next(replay: Replay, order: list[int], state: State, old: Any) -> Any:
    new = replay.run(order, {state.now: old})[state.next]
    return np.broadcast_to(np.asarray(new, float), old.shape)
