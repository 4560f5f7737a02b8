"""The parts of the rule by which each weight of a step goes on, and numbers for testing it.

Each weight is tested in turn. Its own numbers (its value, its gradient, its memories) are the same
each time, and those of other weights are different: so weights with the same rule change by the
same amounts, wherever its parts are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np

from gradbook.audit.formulas.points import POINTS, Numbers, agree
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.pattern import CellReference, Pattern
from gradbook.graph.node import Array, Node

Role = tuple[str, object]  # what a cell is to its weight, the same for all weights
Times = Mapping[Role | Address, float]
AS_DRAWN: Times = {}
WEIGHT, GRADIENT, MEMORY = "weight", "gradient", "memory"
WEIGHTS = ((WEIGHT, -1), (WEIGHT, 0))  # the weight in the previous step, and in this one
GRADIENTS = ((GRADIENT, -1), (GRADIENT, 0))
OWN, OTHERS = 1, 2  # seeds for random numbers


@lru_cache(maxsize=4096)
def drawn_for(role: Role, seed: int) -> Array:
    """Random numbers for a role, always the same: a test of one weight draws those of all."""
    return np.random.default_rng([seed, *str(role).encode()]).uniform(0.3, 0.9, POINTS)


@dataclass(frozen=True)
class OddCell:
    """A cell in the rule of one weight that should have another formula."""

    weight: int
    cell: Address
    kind: str
    right: Pattern
    why: str


@dataclass(frozen=True)
class WeightRules:
    """The updates of one step and all that they are computed from, up to the gradients."""

    training: SheetTraining
    step: SheetStep
    gradients: Mapping[int, Address]  # only the right ones, by weight
    signs: Mapping[int, int]  # -1 where a cell contains the negative gradient
    opposite: Collection[int] = ()  # the weights with a gradient of the wrong sign
    counted: dict[tuple[int, object], Address] = field(default_factory=dict, compare=False)

    @cached_property
    def tested(self) -> StepUnderTest:
        return StepUnderTest.of(self.training, [self.step])

    def is_repeated(self, later: WeightRules) -> bool:
        """Whether a later step has the same formulas for the same weights; its gradients may be
        computed from other samples."""
        patterns, away = self.training.book.patterns, later.step.number - self.step.number
        judged = [  # the first step's ways may be shorter: they end at typed beginnings
            (laws.gradients.keys(), {j: len(way) for j, way in laws.ways.items()})
            for laws in (self, later)
        ]

        def shape(cell: Address) -> str | None:
            return patterns[cell].shape if cell in patterns else None

        return judged[0] == judged[1] and all(
            patterns.get(cell + away * self._stride(j)) is patterns.get(cell)
            if cell != self.gradients[j]
            else shape(later.gradients[j]) == shape(cell)
            for j, update in self.updates.items()
            for cell in (update, self.gradients[j], *self.ways[j], *self._remembered_by(j))
        )

    def _remembered_by(self, weight: int) -> Iterator[Address]:
        """The memories that an update uses."""
        back, stride = self.training.looking_back, self._stride(weight)
        sources = self.training.flow.sources(self.updates[weight])
        return (c for c in sources if c in back or self.training.continues(c, stride) in back)

    def _stride(self, weight: int) -> int:
        return self.training.weights[weight].stride

    # The parts of each rule -----------------------------------------------------------

    @cached_property
    def updates(self) -> dict[int, Address]:
        patterns, k = self.training.book.patterns, self.step.number
        each = ((j, self.training.weights[j].steps[k : k + 1]) for j in self.gradients)
        updates = ((j, update) for j, steps in each for _, update in steps)
        return {j: at for j, at in updates if at in patterns and patterns[at].expression}

    @cached_property
    def _gradient_owner(self) -> dict[Address, int]:
        """The weight of each gradient, in this step and in the previous one."""
        both = (
            (j, g - away * self._stride(j)) for j, g in self.gradients.items() for away in (1, 0)
        )
        patterns, now = self.training.book.patterns, set(self.gradients.values())
        return {cell: j for j, cell in both if cell in patterns or cell in now}

    @cached_property
    def backward(self) -> set[Address]:
        """The cells that the gradients are computed from."""
        return self.training.flow.behind(self._gradient_owner, self.training.weight_cells)

    @cached_property
    def ways(self) -> dict[int, list[Address]]:
        """The cells of each weight's rule, the update last, up to gradients and weights; a memory
        is represented by this step's cell, or by the previous step's."""
        training, patterns = self.training, self.training.book.patterns
        stop = self.backward.union(self._gradient_owner)
        found = {}
        for j, update in self.updates.items():
            way = [update]
            for cell in way:
                for source in training.flow.sources(cell):
                    following = training.continues(source, self._stride(j))
                    if source in way or following in way[1:] or source in stop:
                        continue
                    if source in training.computed_cells and source in patterns:
                        way.append(source)
            found[j] = way[::-1]
        return found

    def _made_of(self, cell: Address) -> set[int]:
        """The weights whose gradients a cell is computed from."""
        owner, flow = self._gradient_owner, self.training.flow
        direct = {owner[source] for source in flow.sources(cell) if source in owner}
        behind = flow.behind([cell], {*self.training.weight_cells, *owner})
        return direct or {owner[source] for source in behind if source in owner}

    @cached_property
    def memories(self) -> dict[int, list[Address]]:
        """The cells that refer to their predecessors and use the weight's own gradient, or that use
        none themselves and are in no other weight's rule: those of each rule, and those that the
        next step uses if this one uses the previous step's."""
        back, sources = self.training.looking_back, self.training.flow.sources
        gradients = self._gradient_owner.keys()
        past, continues = self.training.past, self.training.continues
        found = {}
        for j, way in self.ways.items():
            last = (cell for cell in sources(self.updates[j]) if cell not in way)
            cells = back.intersection(
                [*way[:-1], *(continues(cell, self._stride(j)) for cell in last)]
            )
            cells = {cell for cell in cells if self._continues(cell, past(cell, self._stride(j)))}
            others = set().union(*(other for i, other in self.ways.items() if i != j))
            indirect = {c for c in cells - others if gradients.isdisjoint(sources(c))}
            found[j] = sorted(c for c in cells if c in indirect or self._made_of(c) == {j})
        return found

    def _continues(self, cell: Address, last: Address) -> bool:
        """Whether a cell continues from a last one, which is no gradient, nor a setting at that
        distance."""
        patterns = self.training.book.patterns
        if last in self._gradient_owner:
            return False
        alone = (p for p in patterns[cell].places if isinstance(p, CellReference) and p.moves)
        return last in patterns or any(place.at(cell) == last for place in alone)

    @cached_property
    def owned(self) -> dict[Address, tuple[int, Role]]:
        """Weights, gradients and memories, with their owners and roles."""
        found: dict[Address, tuple[int, Role]] = {}
        patterns = self.training.book.patterns
        for j, gradient in self.gradients.items():
            cells, k, stride = self.training.weights[j].cells, self.step.number, self._stride(j)
            if k:
                found[cells[k - 1]] = j, WEIGHTS[0]
            if k < len(cells):
                found[cells[k]] = j, WEIGHTS[1]
            for cell, role in zip((gradient - stride, gradient), GRADIENTS, strict=True):
                if cell in patterns:
                    found[cell] = j, role
        made = {j: tuple(patterns[c].makeup for c in cells) for j, cells in self.memories.items()}
        usual = Counter(made.values()).most_common(1)[0][0] if made else ()
        for j, own in self.memories.items():
            for cell, place in zip(own, _places(made[j], usual), strict=True):
                stride, last = self._stride(j), self.training.past(cell, self._stride(j))
                also = {cell - stride} & self.training.varying  # beside the cell that repeats it
                for at in {last, self.training.plain(last), *also}:
                    found[at] = j, (MEMORY, place)
        return found

    def node(self, cell: Address) -> Node:
        """The node of a cell; for an update, that of its formula, not of the next weight."""
        pattern = self.training.book.patterns[cell]
        if cell not in self.training.weight_cells or pattern.expression is None:
            return self.tested.graph.node(cell)
        return self.tested.graph.expression(pattern.expression, cell, pattern)

    # Testing a weight -----------------------------------------------------------------

    def turn(
        self,
        weight: int,
        times: Times = AS_DRAWN,
        others: int = OTHERS,
        settings: Numbers | None = None,
    ) -> Numbers:
        """Numbers for testing one weight; perhaps with some roles or settings multiplied, or with
        other than random settings."""
        graph, owned = self.tested.graph, self.owned
        leaf = (settings or self.tested.random).leaf

        def drawn(cell: Address) -> Array:
            if cell not in owned:
                return leaf(self._counted_alike(cell)) * times.get(cell, 1)
            owner, role = owned[cell]
            sign = self.signs[owner] if role[0] == GRADIENT else 1
            draw = drawn_for(role, OWN if owner == weight else others)
            return draw * sign * (times.get(role, 1) if owner == weight else 1)

        numbers = Numbers(drawn, graph.leaf_cells)
        for cell in self._given:  # leaves, and computed cells
            node = graph.known.get(cell)
            if isinstance(node, Node):
                numbers.values[node] = drawn(cell)
        return numbers

    def setting(self, cell: Address) -> Array:
        """A setting's random numbers."""
        if cell not in self._settings_drawn:
            self._settings_drawn[cell] = self.tested.random.leaf(self._counted_alike(cell))
        return self._settings_drawn[cell]

    @cached_property
    def _settings_drawn(self) -> dict[Address, Array]:
        return {}

    def _counted_alike(self, cell: Address) -> Address:
        """The first setting of this row, or column, with the same number: weights may count their
        steps separately."""
        key = self.training.axis.along(cell), self.training.book.values.get(cell)
        return self.counted.setdefault(key, cell)

    @cached_property
    def _given(self) -> list[Address]:
        for cell in chain(self.gradients.values(), *self.ways.values()):
            self.node(cell)
        given = (GRADIENT, MEMORY)  # a memory may use what the previous step computed from another
        return [cell for cell, (_, role) in self.owned.items() if role[0] in given]

    @cached_property
    def turns(self) -> dict[int, dict[Address, Array]]:
        """The values of all cells in a weight's rule when it is tested."""
        found = {}
        for j, way in self.ways.items():
            numbers = self.turn(j)
            found[j] = {cell: numbers.of(self.node(cell)) for cell in way}
        return found

    def change(self, weight: int, numbers: Numbers | None = None) -> Array:
        """What an update adds to its weight when it is tested."""
        numbers = numbers or self.turn(weight)
        after, before = numbers.of(self.node(self.updates[weight])), self.step.weights[weight]
        return after if before is None else after - numbers.of(self.tested.graph.node(before))

    def _is_unmoved(self, weight: int, numbers: Numbers, factor: float = 1.0) -> bool:
        """Whether an update's change is multiplied by `factor` with other numbers."""
        return agree(factor * self.changes[weight], self.change(weight, numbers))

    @cached_property
    def changes(self) -> dict[int, Array]:
        return {j: self.change(j) for j in self.updates}


def _places(made: Sequence[str], usual: Sequence[str]) -> list[int]:
    """The positions of memories among the usual ones: its own if that has the same structure,
    another with that structure, otherwise in order, since weight decay changes the structure."""
    free = list(range(max(len(made), len(usual))))
    places: dict[int, int] = {}
    for k, makeup in enumerate(made):
        if list(usual[k : k + 1]) == [makeup]:
            places[k] = k
            free.remove(k)
    for k, makeup in enumerate(made):
        like = [place for place in free if place < len(usual) and usual[place] == makeup]
        if like and k not in places:
            places[k] = like[0]
            free.remove(like[0])
    return [places[k] if k in places else free.pop(0) for k in range(len(made))]
