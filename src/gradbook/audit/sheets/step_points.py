"""A step's cells at points: weights and samples side by side, alternatives one above the other.

Knows neither edits nor laws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gradbook.audit.core.training_step import Objective
from gradbook.audit.core.worlds import RandomWorlds
from gradbook.audit.sheets.sheet_steps import (
    AS_TYPED,
    UNVARIED,
    StepCalls,
    formula_nodes,
    function_of,
)
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.formula_values import (
    NeedsNumbers,
    NotUnderstood,
    NumberedGraph,
    SettledGraph,
)
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression, Reference, write
from gradbook.graph.node import Node, ancestors
from gradbook.recording.call_slopes import exact_slopes
from gradbook.recording.calls import Replay, Values, behind

NUDGE = 1e-4
NO_NUMBER = np.full(1, np.nan)


class StepPoints:
    """The numbers of a step in all random worlds at once, with other samples at each point."""

    def __init__(self, chains: SheetChains, step: StepCalls, inputs: Mapping[int, Any]) -> None:
        self.chains, self.step, self.inputs = chains, step, inputs
        self.size = max((len(numbers) for numbers in inputs.values()), default=1)
        self.replay = Replay(step.calls, inputs, 0, len(step.calls) - 1)
        self.values = self.replay.run(sorted(self.replay.moving - self.replay.inputs), inputs)

    @classmethod
    def drawn(
        cls,
        chains: SheetChains,
        step: StepCalls,
        worlds: RandomWorlds,
        clocks: Collection[int],
        ends: Collection[int] = (),
    ) -> StepPoints:
        """At the numbers of random worlds; other samples, too, where a loss depends on them."""
        inputs: dict[int, Any] = {
            state.now: np.concatenate([np.ravel(world[state.now]) for world in worlds.inputs])
            for state in step.states
        }
        size = max((len(numbers) for numbers in inputs.values()), default=1)
        for number in clocks:  # a law takes the numbers that they show
            shown = np.ravel(step.calls[step.states[number].now].value)[0]
            inputs[step.states[number].now] = np.full(size, shown)
        return cls(chains, step, inputs | _other_samples(step, ends, inputs, size))

    def nudged(self, states: Sequence[int], count: int) -> tuple[StepPoints, Any]:
        """A few points, then these with each of some states a little more, then a little less; and
        by how much."""
        few = {index: numbers[:count] for index, numbers in self.inputs.items()}
        nudge = NUDGE * (1 + np.abs(np.stack([few[state] for state in states])))
        inputs = {index: np.tile(numbers, 1 + 2 * len(states)) for index, numbers in few.items()}
        for place, state in enumerate(states):
            for sign, half in ((1, 0), (-1, 1)):
                start = count * (1 + 2 * place + half)
                inputs[state][start : start + count] += sign * nudge[place]
        return StepPoints(self.chains, self.step, inputs), nudge

    def cell(self, cell: Address) -> Any:
        """A cell's numbers; of one outside the step, the number that it shows."""
        index = self.step.result.get(cell)
        if index is None:
            index = self.step.result.get(self.chains.flow.plain(cell))
        if index is not None:
            return np.asarray(self.values[index])
        number = self.chains.number(cell)
        return NO_NUMBER if number is None else np.asarray(number)

    def formula(self, expression: Expression, home: Address) -> Any:
        """What a formula, or a part of one, in a cell is at the points."""
        reader = self.chains.book.reader
        if isinstance(expression, Reference) and ":" not in expression.text:
            cell = reader.cell(expression.text, home)
            return NO_NUMBER if cell is None else self.cell(cell)
        pattern = reader.read_typed(write(expression), home)
        for graph in (SettledGraph(), NumberedGraph()):
            try:
                return self._worked(pattern, home, graph)
            except NeedsNumbers:
                continue
            except (NotUnderstood, OverflowError, RecursionError):
                break
        return NO_NUMBER

    def _worked(self, pattern: Pattern, home: Address, graph: Any) -> Any:
        made, cells = formula_nodes(self.chains, graph, pattern, home, self.step.result)
        numbers: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for node in ancestors([made]):
                if node in cells:
                    numbers[node] = self.cell(cells[node])
                elif node.is_constant():
                    numbers[node] = np.float64(node.number)
                else:
                    inputs = node.inputs[:1] if node.op.name in AS_TYPED else node.inputs
                    function = function_of(node.op.name, node.attributes)
                    numbers[node] = function(*(numbers[part] for part in inputs))
        return np.asarray(numbers[made])

    # With other formulas -----------------------------------------------------------

    def after(self, changed: Mapping[int, Any], wanted: Iterable[int]) -> Values:
        """The values where some calls have others: rows of alternatives by points."""
        stale = self.replay.reach(changed)
        order = [i for i in self.replay.needed(wanted, None, stale) if i not in changed]
        return self.replay.run(order, {**self.values, **changed})

    def slopes(self, objective: Objective) -> dict[int, Any]:
        """Of the loss by each state's number."""
        every = self.all_slopes(objective)
        return {state.now: every[state.now] for state in self.step.states if state.now in every}

    def all_slopes(self, objective: Objective) -> dict[int, Any]:
        """Of the loss by each value that it is computed from."""
        ends = [self.values[end] for end in objective.ends]
        with np.errstate(all="ignore"):
            factors = objective.slopes(ends)
        seeds: dict[int, Any] = {}
        for end, factor in zip(objective.ends, factors, strict=True):
            seeds[end] = seeds[end] + factor if end in seeds else factor
        order = self.replay.needed(objective.ends)
        return exact_slopes(self.replay, seeds, self.values, order)


def _other_samples(
    step: StepCalls, ends: Collection[int], states: Collection[int], size: int
) -> dict[int, Any]:
    """Other numbers where numbers are typed that a loss depends on; equal ones stay equal."""
    random = np.random.default_rng(3)
    samples: dict[int, Any] = {}
    times: dict[float, Any] = {}
    for index in sorted(behind(step.calls, ends)):
        call = step.calls[index]
        if call.function is None and index not in states and step.is_typed(index):
            number = float(np.ravel(call.value)[0])
            if number not in UNVARIED:
                factors = times.setdefault(number, random.uniform(0.75, 1.25, size))
                samples[index] = number * factors
    return samples
