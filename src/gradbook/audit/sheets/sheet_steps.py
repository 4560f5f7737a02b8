"""One step of a workbook as calls that the core judges: each formula is its operations.

Knows neither what is learned nor whether it is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import isnan
from typing import Any

import numpy as np

from gradbook.audit.core.clocks import find_clocks
from gradbook.audit.core.implied_losses import OutputComparison, implied_losses
from gradbook.audit.core.training_step import (
    ADDING,
    Objective,
    State,
    TrainingStep,
    adds_itself,
)
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.evaluate import value_in
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.formula_values import (
    NeedsNumbers,
    NotUnderstood,
    NumberedGraph,
    SettledGraph,
    Single,
    typed,
)
from gradbook.cells.formula.pattern import Pattern
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, ancestors, op_called
from gradbook.recording.call_slopes import fit_shape
from gradbook.recording.calls import RecordedCall, Ref

UNVARIED = (0, 1, -1)
AS_TYPED = ("shown", "straight")  # a number and how it is displayed, or rounded
POINTS = 8  # numbers of each state, side by side: all operations are on single numbers

Function = Callable[..., Any]

FUNCTIONS: dict[str, Function] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
    "power": np.power,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "copy": np.positive,
}


@dataclass
class StepCalls:
    """The calls of one step, and the cell of each."""

    calls: list[RecordedCall] = field(default_factory=list)
    cells: list[Address] = field(default_factory=list)  # of each call
    result: dict[Address, int] = field(default_factory=dict)  # the call that is a cell's value
    problems: dict[Address, str] = field(default_factory=dict)  # formulas that can't be followed
    beside: set[Address] = field(default_factory=set)  # cells that no update needs
    states: list[State] = field(default_factory=list)

    def place(self, index: int) -> Address:
        return self.cells[index]

    def is_typed(self, index: int) -> bool:
        """Whether it is the number of a cell, not one within a formula."""
        return self.result.get(self.cells[index]) == index


class StepReader:
    """Makes the step that leads to some states."""

    def __init__(
        self,
        chains: SheetChains,
        number: int,
        states: Iterable[Address],
        held: Collection[Address] = (),
    ) -> None:
        self.chains, self.flow, self.book = chains, chains.flow, chains.book
        self.number = number
        self.held = held  # states of before that keep their numbers
        self.next = set(states)
        self.now = {chains.past[state]: state for state in chains.past if state in self.next}
        self.step = StepCalls()

    def read(self) -> StepCalls:
        """The step; what counts, falls or alternates by itself keeps the number that it shows."""
        step = self._read()
        clocks = find_clocks(step.calls, step.states)
        if not clocks or len(clocks) == len(step.states):
            return step
        ticking = {step.cells[step.states[number].next] for number in clocks}
        held = {before for before, state in self.now.items() if state in ticking}
        return StepReader(self.chains, self.number, self.next - ticking, held)._read()

    def _read(self) -> StepCalls:
        for cell in self.now:
            self._leaf(cell, np.full(POINTS, self._shown(cell)))
        for cell in self._cells():
            self.step.result[cell] = self._computed(cell)
        for before, state in self.now.items():
            if state in self.step.result:
                old, new = self.step.result[before], self.step.result[state]
                name = self.book.name_of(self.chains.chain[state])
                place = self.chains.patterns[state].shape if state in self.chains.patterns else ""
                each = State(name, old, new, (new,), place)
                if not adds_itself(self.step.calls, each):
                    each = replace(each, sign=self._sign(self.chains.chain[state]))
                self.step.states.append(each)
        return self.step

    def _sign(self, start: Address) -> int:
        """Of all numbers of a chain, if it is one."""
        chains = self.chains
        cells = [start, *(cell for cell, each in chains.chain.items() if each == start)]
        numbers = [number for cell in cells if (number := chains.number(cell)) is not None]
        return int(min(numbers) >= 0) - int(max(numbers) <= 0) if numbers else 0

    # Which cells -----------------------------------------------------------------

    def _is_leaf(self, cell: Address) -> bool:
        if cell in self.next:
            return False
        chains = self.chains
        is_state = cell in self.now or cell in chains.past or cell in chains.starts
        return is_state or cell not in chains.patterns or not chains.moves(cell)

    def _cells(self) -> list[Address]:
        """Those behind the updates, and those that follow from the states alone, in order."""
        chains = self.chains
        behind: set[Address] = set()
        todo = list(self.next)
        while todo:
            cell = todo.pop()
            if cell not in behind:
                behind.add(cell)
                todo += [s for s in chains.sources(cell) if not self._is_leaf(s)]
        ahead = self._ahead(behind)
        beside = self.step.beside
        for cell in chains.order:
            if cell not in ahead or self.flow.plain(cell) != cell:
                continue
            if chains.level(cell) == self.number - 1 and self._follows(cell, behind):
                beside.add(cell)
        return [cell for cell in chains.order if cell in behind or cell in beside]

    def _follows(self, cell: Address, behind: set[Address]) -> bool:
        chains = self.chains
        for source in chains.sources(cell):
            is_state = source in chains.past or source in chains.starts
            is_known = source in self.now or source in self.held
            if source in self.next or (is_state and not is_known):
                return False
            if not (self._is_leaf(source) or source in behind or source in self.step.beside):
                return False
        return True

    def _ahead(self, behind: set[Address]) -> set[Address]:
        """What depends on the step's cells, though no update of it does."""
        chains = self.chains
        reached: set[Address] = set()
        todo = [*self.now, *behind]
        while todo:
            for user in self.flow.users.get(todo.pop(), ()):
                is_copy = self.flow.plain(user) != user
                if user in reached or (not is_copy and (user in chains.past or user in behind)):
                    continue
                if is_copy or (chains.level(user) <= self.number and user not in chains.starts):
                    reached.add(user)
                    todo.append(user)
        return reached

    # Their operations ------------------------------------------------------------

    def _add(
        self, cell: Address, function: Function | None, operands: Sequence[int], value: Any
    ) -> int:
        arguments = tuple(map(Ref, operands))
        call = RecordedCall(function, arguments, {}, value, (), operands=tuple(operands))
        self.step.calls.append(call)
        self.step.cells.append(cell)
        return len(self.step.calls) - 1

    def _leaf(self, cell: Address, value: Any = None) -> int:
        result = self.step.result
        if cell not in result:
            value = np.float64(self._shown(cell)) if value is None else value
            result[cell] = self._add(cell, None, (), value)
        return result[cell]

    def _shown(self, cell: Address) -> float:
        number = self.chains.number(cell)
        return 0.0 if number is None else number

    def _computed(self, cell: Address) -> int:
        """A formula's operations; one that isn't understood keeps the number that it shows."""
        problem = ""
        for graph in (SettledGraph(), NumberedGraph()):
            try:
                return self._operations(cell, graph)
            except NeedsNumbers as error:
                problem = str(error)
            except (NotUnderstood, OverflowError, RecursionError) as error:
                problem = str(error)
                break
        self.step.problems[cell] = problem
        number = self.chains.number(cell)
        return self._add(cell, None, (), np.float64(np.nan if number is None else number))

    def _operations(self, cell: Address, graph: SettledGraph | NumberedGraph) -> int:
        pattern = self.chains.patterns[cell]
        made, sources = formula_nodes(self.chains, graph, pattern, cell, self.step.result)
        index: dict[Node, int] = {}
        for node in ancestors([made]):
            if node in sources:
                index[node] = self._source(sources[node])
            else:
                index[node] = self._operation(cell, node, [index[part] for part in node.inputs])
        if made in sources:
            return self._add(cell, np.positive, [index[made]], self._value(index[made]))
        return index[made]

    def _source(self, source: Address) -> int:
        """A cell's value; one that only repeats another is an operation with a place of its own."""
        result, plain = self.step.result, self.flow.plain(source)
        if source not in result:
            first = self._leaf(plain)
            if source != plain:
                result[source] = self._add(source, np.positive, [first], self._value(first))
        return result[source]

    def _operation(self, cell: Address, node: Node, operands: list[int]) -> int:
        if node.is_constant():
            return self._add(cell, None, (), np.float64(node.number))
        if node.op.name in AS_TYPED:  # how a number is displayed, or rounded
            operands = operands[:1]
        function = function_of(node.op.name, node.attributes)
        with np.errstate(all="ignore"):
            value = function(*map(self._value, operands))
        return self._add(cell, function, operands, value)

    def _value(self, index: int) -> Any:
        return self.step.calls[index].value


def formula_nodes(
    chains: SheetChains,
    graph: SettledGraph | NumberedGraph,
    pattern: Pattern,
    home: Address,
    known: Container[Address],
) -> tuple[Node, dict[Node, Address]]:
    """A formula as a node, and the cells of its leaves: of known ones and of those with numbers."""
    leaves: dict[Address, Node] = {}

    def single(source: Address) -> Single:
        plain = chains.flow.plain(source)
        value = chains.book.values.get(source)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_shown = value is not None or plain not in chains.patterns
        if plain not in known and not is_number and is_shown:
            return typed(graph, value)
        if source not in leaves:
            leaf = leaves[source] = graph.leaf(Name(str(source)))
            number = chains.number(plain)
            if isinstance(graph, NumberedGraph):
                graph.numbers[leaf] = 0.0 if number is None else number
            elif number is not None and not isnan(number):
                graph.settled[leaf] = number
        return leaves[source]

    made = value_in(chains.flow, graph, pattern, home, single)
    if isinstance(made, str):
        raise NotUnderstood(made)
    return made, {leaf: source for source, leaf in leaves.items()}


@cache
def function_of(name: str, attributes: tuple[Any, ...]) -> Function:
    """An op of a formula as a function of numbers, with the name by which its slope is known."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in AS_TYPED:
        return np.positive
    return FormulaOp(name, attributes)


class FormulaOp:
    """An op of the graph as a function of numbers, with its slopes by the rule of the graph."""

    def __init__(self, name: str, attributes: tuple[Any, ...]) -> None:
        self.op, self.attributes = op_called(name), attributes
        self.__name__ = f"op {name}"

    def __call__(self, *numbers: Any) -> Any:
        return np.asarray(self.op.value(*numbers, *self.attributes), float)[()]

    def pull(self, slope: Any, _: Any, *numbers: Any) -> list[Any]:
        """The slope of the result as a slope of each number."""
        leaves, slopes, order = self._chain(len(numbers))
        values: dict[Node, Any] = dict(zip(leaves, numbers, strict=True))
        with np.errstate(all="ignore"):
            for node in order:
                if node.is_constant():
                    values[node] = np.float64(node.number)
                elif node not in values:
                    inputs = (values[part] for part in node.inputs)
                    values[node] = node.op.value(*inputs, *node.attributes)
            return [
                fit_shape(slope * values[each], np.shape(number))
                for each, number in zip(slopes, numbers, strict=True)
            ]

    @cache  # noqa: B019  (there are few ops)
    def _chain(self, count: int) -> tuple[list[Node], list[Node], list[Node]]:
        graph = Graph()
        leaves = [graph.leaf(Name(f"x{place}")) for place in range(count)]
        made = graph.make(self.op.name, *leaves, attributes=self.attributes)
        by = gradients(made, leaves)
        slopes = [by[leaf] for leaf in leaves]
        return leaves, slopes, ancestors(slopes)


def varied(step: StepCalls, ends: Sequence[int], seed: int = 5) -> StepCalls:
    """The same step with other numbers in the typed cells that a loss depends on, no rates; 0 and 1
    stay, for they may be classes."""
    random = np.random.default_rng(seed)
    data, todo = set[int](), [*ends]
    while todo:
        index = todo.pop()
        if index not in data:
            data.add(index)
            todo += step.calls[index].operands
    states = {state.now for state in step.states}
    drawn: dict[float, float] = {}
    calls: list[RecordedCall] = []
    for index, call in enumerate(step.calls):
        value = call.value
        if call.function is not None:
            value = call.function(*(calls[operand].value for operand in call.operands))
        elif (
            index in data
            and index not in states
            and step.is_typed(index)
            and float(value) not in UNVARIED
        ):
            number = float(value)
            times = drawn.setdefault(number, random.uniform(0.75, 1.25))
            value = np.float64(number * times)
        calls.append(replace(call, value=value))
    return replace(step, calls=calls)


# Losses -----------------------------------------------------------------------


def _ones(values: Sequence[Any]) -> list[Any]:
    return [1.0 for _ in values]


def dependence(step: StepCalls) -> list[int]:
    """Which states each call depends on, as bits."""
    bits = [0] * len(step.calls)
    for number, state in enumerate(step.states):
        bits[state.now] = 1 << number
    for index, call in enumerate(step.calls):
        for operand in call.operands:
            bits[index] |= bits[operand]
    return bits


def models(step: StepCalls) -> list[bool]:
    """Which calls are more than a weight: of several weights, or of one and of data.

    Sums alone, such as a balance and what is paid, are none.
    """
    bits = dependence(step)
    is_model = [False] * len(step.calls)
    is_data = [False] * len(step.calls)
    for index, call in enumerate(step.calls):
        is_data[index] = not bits[index] and (
            step.is_typed(index)
            if call.function is None
            else any(is_data[i] for i in call.operands)
        )
        moving = {bits[operand] for operand in call.operands if bits[operand]}
        mixes = len(moving) > 1 or (moving and any(is_data[i] for i in call.operands))
        is_model[index] = any(is_model[i] for i in call.operands) or (
            bool(mixes) and call.name not in ADDING
        )
    return is_model


def losses(chains: SheetChains, step: StepCalls) -> Iterator[Objective]:
    """What may be the loss: numbers that nothing else uses come first, then others and sums."""
    bits = dependence(step)
    nexts = {step.cells[state.next] for state in step.states}
    computed = [
        cell
        for cell, index in step.result.items()
        if cell in chains.patterns and cell not in nexts and bits[index]
    ]
    used = {source for cell in computed for source in chains.sources(cell)}
    used |= {source for cell in nexts for source in chains.sources(cell)}

    def weight_count(cell: Address) -> int:
        return bits[step.result[cell]].bit_count()

    ends = [cell for cell in computed if cell in step.beside and cell not in used]
    ends.sort(key=weight_count, reverse=True)
    others = [cell for cell in computed if cell in step.beside and cell in used]
    others.sort(key=weight_count, reverse=True)
    for cell in (*ends, *others):
        yield _objective(step, [cell], cell in ends)
    alike: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in computed:
        pattern = chains.patterns[cell]
        alike[pattern.form].append(cell)
    for cells in sorted(alike.values(), key=len, reverse=True):
        if len(cells) > 1:
            yield _objective(step, cells)
    if not ends:
        for cell in sorted(computed, key=weight_count, reverse=True):
            yield _objective(step, [cell])


def _objective(step: StepCalls, cells: Iterable[Address], is_end: bool = False) -> Objective:
    ends = tuple(step.result[cell] for cell in cells)
    return Objective("", ends, _ones, False, ends[0], is_end=is_end)


def comparisons(step: StepCalls) -> Iterator[OutputComparison]:
    """Differences of a value that the weights move and one that they don't."""
    bits, is_model = dependence(step), models(step)
    seen = set()
    for call in step.calls:
        if call.function is not np.subtract:
            continue
        output, target = call.operands
        if bool(bits[output]) == bool(bits[target]):
            continue
        if not bits[output]:
            output, target = target, output
        is_literal = step.calls[target].function is None and not step.is_typed(target)
        number = step.calls[target].value
        if is_model[output] and not is_literal and (output, float(number)) not in seen:
            seen.add((output, float(number)))
            yield OutputComparison(output, number, *_kind_of_output(step, output))


SHARES = ("op sigmoid", "divide", "exp", "op choose", "subtract", "op normal_share")


def _kind_of_output(step: StepCalls, output: int) -> tuple[bool, int | None, int]:
    """Whether it lies between 0 and 1, and what a step function decides it by, if one does."""
    calls = step.calls
    while calls[output].name == "positive":
        output = calls[output].operands[0]
    is_share = calls[output].name in SHARES and _is_between(calls[output].value)
    decided_by, direction = output, 1
    while calls[decided_by].name == "op choose":
        condition, *branches = calls[decided_by].operands
        if any(calls[branch].function is not None for branch in branches):
            break
        first, second = (float(calls[branch].value) for branch in branches)
        decided_by, direction = condition, direction if first > second else -direction
    return is_share, decided_by if decided_by != output else None, direction


def _is_between(value: Any) -> bool:
    return bool(np.all((np.asarray(value) > 0) & (np.asarray(value) < 1)))


def training_step(chains: SheetChains, step: StepCalls) -> TrainingStep:
    return TrainingStep(
        step.calls,
        step.states,
        [*losses(chains, step), *implied_losses(list(comparisons(step)))],
        [],
        0,
        len(step.calls) - 1,
        step.place,
        is_typed=step.is_typed,
        is_free=True,
    )
