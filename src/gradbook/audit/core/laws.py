"""Whether what an update does with a slope is a law: any, if it has what all laws have.

It goes as the slope does or doesn't depend on its size, and turns with its sign; each memory takes
in the slope itself, and only memories of squares bend the way. Knows no law by name.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import State, TrainingStep
from gradbook.recording.calls import CallChanges, Replay

STEPS = 12
TIMES = 4.0
NEAR = 0.06  # of a degree
BENDING = {"clip", "sign", "where", "maximum", "minimum", "absolute", "norm", "sum", "max", "dot"}


class Flaw(Enum):
    """What no law does."""

    SIZE = auto()  # the way neither grows as the slope does nor stays the same
    MEMORY = auto()  # a memory takes in another in place of the slope
    ROOT = auto()  # the step is divided by the root of what is no memory of squares


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
        # in a first step, what a memory begins with may be computed from the slope
        known = {m.now: m for m in self.step.memories if not self._reaches(self.slot, m.now, ())}
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
        weight = np.zeros(np.shape(calls[self.state.now].value))  # where decay does nothing
        memories = {m.now: np.zeros(np.shape(calls[m.now].value)) for m in self.memories}
        new = weight
        for _ in range(STEPS):
            moved = {self.slot: slope, self.state.now: weight, **memories}
            numbers = self.replay.run(self.order, moved, self.changes)
            new = numbers[self.state.next]
            memories = {m.now: numbers[m.next] for m in self.memories}
        return np.asarray(new, float)

    @property
    def flaw(self) -> Flaw | None:
        degree = self.degree()
        is_usual = degree is not None and min(abs(degree), abs(degree - 1)) < NEAR
        if not is_usual and self._is_closed:
            return Flaw.SIZE
        behind = [m for m in self.memories if self._reaches(self.slot, m.next, ())]
        if not all(self._takes_in_slope(memory) for memory in behind):
            return Flaw.MEMORY
        return None if self._is_straight() else Flaw.ROOT

    @property
    def _is_closed(self) -> bool:
        """Whether nothing else of the weight's shape is computed in an earlier step."""
        calls, shape = self.step.calls, np.shape(self.step.calls[self.state.now].value)
        todo, seen = [self.state.next, *(memory.next for memory in self.memories)], set()
        while todo and shape:
            index = todo.pop()
            if index in seen or index in self.replay.inputs:
                continue
            seen.add(index)
            if index >= self.step.first:
                todo += calls[index].operands
            elif calls[index].function is not None and np.shape(calls[index].value) == shape:
                return False
        return True

    def _takes_in_slope(self, memory: State) -> bool:
        """Whether the slope reaches a memory by itself, or another memory by a maximum."""
        others = {other.next for other in self.memories if other is not memory}
        return self._reaches(self.slot, memory.next, others | self.replay.inputs)

    def _reaches(self, start: int, end: int, walls: Collection[int]) -> bool:
        todo, seen = [end], set()
        while todo:
            index = todo.pop()
            if index == start:
                return True
            if index in seen or index in walls or index < self.step.first:
                continue
            seen.add(index)
            call = self.changes.get(index) or self.step.calls[index]
            if walls and call.function in (np.maximum, np.fmax):
                return True
            todo += call.operands
        return False

    def _is_straight(self) -> bool:
        """Whether twice the slope goes twice as far while memories of squares are fixed."""
        names = {self.step.calls[index].name for index in self.order}
        if names & BENDING:
            return True
        calls = self.step.calls
        slope = np.random.default_rng(5).uniform(0.5, 1.5, np.shape(calls[self.slot].value))
        empty = {m.now: np.zeros(np.shape(calls[m.now].value)) for m in self.memories}
        weight = calls[self.state.now].value
        start = {self.slot: slope, self.state.now: weight, **empty}
        once = self.replay.run(self.order, dict(start), self.changes)
        twice = self.replay.run(self.order, {**start, self.slot: 2 * slope}, self.changes)
        squares = {
            m.next: once[m.next]
            for m in self.memories
            if m.next in once and not _are_near(twice[m.next], 2 * once[m.next])
        }
        start |= squares
        replay = Replay(calls, start, self.step.first, self.replay.last)
        order = replay.needed([self.state.next], self.changes)
        ends = [
            replay.run(order, {**start, self.slot: slope * times}, self.changes)[self.state.next]
            for times in (0.0, 1.0, 2.0)
        ]
        return _are_near(ends[2] - ends[0], 2 * (ends[1] - ends[0]))

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


def _are_near(first: Any, second: Any) -> bool:
    return bool(np.allclose(first, second, rtol=1e-3, atol=1e-12))
