"""Whether what an update does with a slope is a law: any, if it has what all laws have.

It goes as the slope does or doesn't depend on its size, turns with its sign, and is the same for
all weights. Knows no law by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradbook.audit.core.training_step import State, TrainingStep
from gradbook.recording.calls import CallChanges, Replay

STEPS = 12
TIMES = 4.0
NEAR = 0.06  # of a degree


class Law:
    """A weight's update as a function of its slope, step after step."""

    def __init__(
        self, step: TrainingStep, state: State, slot: int, changes: CallChanges | None = None
    ) -> None:
        self.step, self.state, self.slot = step, state, slot
        self.changes = changes or {}
        self.memories = self._find_memories()
        inputs = [slot, state.now, *(memory.now for memory in self.memories)]
        ends = [state.next, *(memory.next for memory in self.memories)]
        self.replay = Replay(step.calls, inputs, step.first, max([*ends, slot]))
        self.order = self.replay.needed(ends, self.changes)

    def _find_memories(self) -> list[State]:
        known = {memory.now: memory for memory in self.step.memories}
        found: dict[int, State] = {}
        todo, seen = [self.state.next], set()
        while todo:
            index = todo.pop()
            if index in seen or index in (self.slot, self.state.now):
                continue
            seen.add(index)
            if index in known:
                if index not in found:
                    found[index] = known[index]
                    todo.append(known[index].next)
                continue
            if index >= self.step.first:
                change = self.changes.get(index)
                todo += change.operands if change else self.step.calls[index].operands
        return list(found.values())

    def course(self, slope: Any) -> Any:
        """How far the weight moves after many steps with the same slope."""
        calls = self.step.calls
        weight = calls[self.state.now].value
        memories = {m.now: np.zeros(np.shape(calls[m.now].value)) for m in self.memories}
        new = weight
        for _ in range(STEPS):
            moved = {self.slot: slope, self.state.now: weight, **memories}
            numbers = self.replay.run(self.order, moved, self.changes)
            new = numbers[self.state.next]
            memories = {m.now: numbers[m.next] for m in self.memories}
        return np.asarray(new, float)

    def degree(self) -> float | None:
        """0: the size of a slope doesn't matter; 1: twice the slope moves twice as far.

        None: no law, since it doesn't turn with the slope's sign, or isn't finite.
        """
        shape = np.shape(self.step.calls[self.slot].value)
        slope = np.random.default_rng(3).uniform(0.5, 1.5, size=shape)
        still = self.course(slope * 0)
        moves = [self.course(slope * times) - still for times in (1.0, TIMES, -1.0)]
        if not all(np.all(np.isfinite(move)) for move in moves):
            return None
        size = np.max(np.abs(moves[0]), initial=0.0)
        if not size or np.max(np.abs(moves[0] + moves[2]), initial=0.0) > 1e-3 * size:
            return None
        with np.errstate(all="ignore"):
            degrees = np.log(np.abs(moves[1] / moves[0])) / np.log(TIMES)
        degree = float(np.median(degrees))
        return degree if np.isfinite(degree) else None


def is_lawful(degree: float | None) -> bool:
    return degree is not None and (abs(degree) < NEAR or abs(degree - 1) < NEAR)
