"""The law by which a weight goes on, held against the other weights': velocities, means, squares.

Every weight takes its turn. What is its own (its value, its gradient, what is remembered of that)
is given the same numbers each time, and what belongs to the others is given other numbers. Then
weights that go by one law change alike, wherever its parts stand. What makes one differ lies in the
deepest cell whose value none of the usual law's cells has. A rate of its own is a choice, and so is
a weight that doesn't decay: biases seldom do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from gradbook.audit.findings import DEPARTING_ROW, OTHER_GRADIENT, departing_from_column
from gradbook.audit.formula.address import Address, name_of, sheet_of
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import CellReference, rename_cells_in
from gradbook.audit.judge.moments import Cells, Moments, OddUpdate
from gradbook.audit.step.points import POINTS, Numbers, agree
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.node import Array, Node
from gradbook.language.message import Message

Role = tuple[str, object]  # what a cell is to its weight, whichever weight that is
Owned = Mapping[Address, tuple[int, Role]]
WEIGHT, GRADIENT = "weight", "gradient"
OWN, OTHERS = 1, 2  # the seeds of what is drawn


@dataclass(frozen=True)
class Laws:
    """The updates of one step and all that they are made of, worked out weight by weight."""

    training: SheetTraining
    step: SheetStep
    moments: Moments  # the way from each update to its gradient

    @cached_property
    def tested(self) -> StepUnderTest:
        return StepUnderTest.of(self.training, [self.step])

    @property
    def updates(self) -> Cells:
        return self.moments.updates

    @cached_property
    def ways(self) -> dict[int, list[Address]]:
        """The cells of each weight's law, those that others are made of first, its update last."""
        found = {}
        for j, update in self.updates.items():
            cells = self.moments.way(j)
            nodes = {cell: self.tested.graph.node(cell) for cell in cells}
            found[j] = [*sorted(cells, key=lambda cell: (nodes[cell].index, cell)), update]
        return found

    def node(self, cell: Address) -> Node:
        """What a cell says; of an update its formula, not the next step's weight."""
        pattern = self.training.book.patterns[cell]
        if cell not in self.training.weight_cells or pattern.expression is None:
            return self.tested.graph.node(cell)
        return self.tested.graph.expression(pattern.expression, cell, pattern)

    # What belongs to whom ---------------------------------------------------------------

    @cached_property
    def owned(self) -> Owned:
        """Weights, gradients and what is remembered of these, with their owners and roles."""
        found: dict[Address, tuple[int, Role]] = {}
        for j, gradient in self.moments.gradients.items():
            cells, number = self.training.weights[j].cells, self.step.number
            stride = self.training.weights[j].stride
            for away in (-1, 0):
                if 0 <= number + away < len(cells):
                    found[cells[number + away]] = j, (WEIGHT, away)
            found[gradient - stride] = j, (GRADIENT, -1)
            found[gradient] = j, (GRADIENT, 0)
        patterns = self.training.book.patterns
        memories = {j: sorted(self._memories(j)) for j in self.updates}
        made = {j: tuple(patterns[cell].makeup for cell in cells) for j, cells in memories.items()}
        usual = Counter(made.values()).most_common(1)[0][0] if made else ()
        for j, own in memories.items():
            stride = self.training.weights[j].stride
            for cell, place in zip(own, _places(made[j], usual), strict=True):
                found[cell - stride] = j, ("memory", place)
        return found

    def _memories(self, weight: int) -> Iterator[Address]:
        """The cells of a weight's law that go on from what they were, by its own gradient."""
        for cell in self.ways[weight][:-1]:
            if cell in self.training.looking_back and self.moments.of(cell) == {weight}:
                yield cell

    @cached_property
    def given(self) -> dict[Node, Address]:
        """The nodes that are given numbers: leaves, and gradients that were worked out."""
        graph = self.tested.graph
        for cell in (*self.moments.gradients.values(), *chain.from_iterable(self.ways.values())):
            self.node(cell)
        nodes = {cell: graph.known.get(cell) for cell in self.owned}
        leaves = {cell: graph.leaves.get(cell) for cell in self.owned}
        computed = {
            cell
            for j, gradient in self.moments.gradients.items()
            for cell in (gradient, gradient - self.training.weights[j].stride)
        }
        found = {leaf: cell for cell, leaf in leaves.items() if leaf is not None}
        found |= {node: c for c, node in nodes.items() if isinstance(node, Node) and c in computed}
        return found

    # A weight's turn ------------------------------------------------------------------

    def turn(
        self,
        weight: int,
        others: int = OTHERS,
        without: Role | None = None,
        *,
        is_weight_there: bool = True,
    ) -> Numbers:
        """Numbers for the turn of one weight; perhaps with other ones for one of its roles, or with
        0 for the weight itself."""
        random, owned = self.tested.random, self.owned

        def drawn(cell: Address) -> Array:
            owner, role = owned[cell]
            sign = self.moments.signs[owner] if role[0] == GRADIENT else 1
            if role[0] == WEIGHT and owner == weight and not is_weight_there:
                return np.zeros(POINTS)
            seed = OWN if owner == weight and role != without else others
            draw = np.random.default_rng([seed, *str(role).encode()])
            return sign * draw.uniform(0.3, 0.9, POINTS)

        def leaf(cell: Address) -> Array:
            return drawn(cell) if cell in owned else random.leaf(cell)

        numbers = Numbers(leaf, self.tested.graph.leaf_cells)
        numbers.values.update({node: drawn(cell) for node, cell in self.given.items()})
        return numbers

    @cached_property
    def turns(self) -> dict[int, dict[Address, Array]]:
        """What each cell of a weight's law comes to in its turn."""
        found = {}
        for j, way in self.ways.items():
            numbers = self.turn(j)
            found[j] = {cell: numbers.of(self.node(cell)) for cell in way}
        return found

    @cached_property
    def changes(self) -> dict[int, Array]:
        """What each update adds to its weight, in its turn."""
        return {j: self.change(j, self.turn(j)) for j in self.updates}

    def change(self, weight: int, numbers: Numbers) -> Array:
        """What an update adds to its weight with some numbers."""
        before = self.step.weights[weight]
        after = numbers.of(self.node(self.updates[weight]))
        return after if before is None else after - numbers.of(self.tested.graph.node(before))

    # Which is odd ---------------------------------------------------------------------

    def odd(self) -> Iterator[OddUpdate]:
        """What is odd in the laws of single weights."""
        alike: list[list[int]] = []
        for j in self.updates:
            same = (some for some in alike if self._is_choice(j, some[0]))
            group = next(same, None)
            if group is None:
                alike.append([j])
            else:
                group.append(j)
        if len(alike) < 2:
            return
        strangeness = {some[0]: self._strangeness(some[0]) for some in alike}
        usual, *rest = sorted(alike, key=lambda some: (-len(some), strangeness[some[0]]))
        for some in rest:
            if len(some) < len(usual) or strangeness[some[0]] > strangeness[usual[0]]:
                for j in some:
                    yield from self._culprits(j, usual[0])

    def _is_choice(self, weight: int, other: int) -> bool:
        """Whether two weights go by one law, but for rates of their own or decay in one of them."""
        a, b = self.changes[weight], self.changes[other]
        if agree(a, b):
            return True
        if any(role[0] == WEIGHT for role in self._unused(weight) ^ self._unused(other)):
            a, b = (self.change(j, self.turn(j, is_weight_there=False)) for j in (weight, other))
            if agree(a, b):
                return True
        rates = [self._settings(j) for j in (weight, other)]
        leaf = self.tested.random.leaf
        return any(
            agree(a * leaf(theirs), b * leaf(own))
            for own in rates[0] - rates[1]
            for theirs in rates[1] - rates[0]
        )

    def _settings(self, weight: int) -> set[Address]:
        """The cells that an update mentions and that no weight changes."""
        varying = self.tested.graph.varying
        sources = self.training.flow.sources(self.updates[weight])
        return {self.training.plain(cell) for cell in sources if cell not in varying}

    def _unused(self, weight: int) -> set[Role]:
        """The roles that a weight's law doesn't take, though some weight's does."""
        own = self.changes[weight]
        roles = {role for j, role in self.owned.values() if j in self.updates}
        return {r for r in roles if agree(own, self.change(weight, self.turn(weight, without=r)))}

    def _strangeness(self, weight: int) -> tuple[int, int]:
        """How much speaks against a law: rows unlike those around them; then what it takes of other
        weights, fails to take of its own, or remembers as nobody does."""
        departing = sum(self.moments.around(weight, cell) is not None for cell in self.ways[weight])
        own, again = self.changes[weight], self.turn(weight, others=OTHERS + 1)
        strangers = not agree(own, self.change(weight, again))
        unusual = sum(not self._is_usual(weight, memory) for memory in self._memories(weight))
        return departing, strangers + len(self._unused(weight)) + unusual

    def _is_usual(self, weight: int, memory: Address) -> bool:
        """Whether a memory is a mean, which takes as much of the new as it forgets of the old, or
        takes all of a gradient, or that times a rate."""
        graph, leaf = self.tested.graph, self.tested.random.leaf
        past = graph.leaves.get(memory - self.training.weights[weight].stride)
        if past is None:
            return True
        node, at_rest, moved = self.node(memory), self.turn(weight), self.turn(weight)
        at_rest.values[past], moved.values[past] = np.zeros(POINTS), np.ones(POINTS)
        new = at_rest.of(node)
        kept = moved.of(node) - new
        gradients = (
            cell for cell, (j, role) in self.owned.items() if (j, role[0]) == (weight, GRADIENT)
        )
        nodes = [n for cell in gradients if isinstance(n := graph.known.get(cell), Node)]
        takes = [new / at_rest.of(n) ** power for n in nodes for power in (1, 2)]
        whole = [np.ones(POINTS), *(leaf(cell) for cell in self._settings(weight))]
        return any(
            agree(share, 1 - kept) or any(agree(np.abs(share), one) for one in whole)
            for share in takes
        )

    # What in it is --------------------------------------------------------------------

    def _culprits(self, weight: int, model: int) -> Iterator[OddUpdate]:
        """The cells of a weight's law that say something else than the usual law's, looked for from
        both updates on: where two formulas differ only by cells, these are looked at."""
        waiting = [(self.updates[weight], self.updates[model])]
        known: set[Address] = set()
        while waiting:
            cell, like = waiting.pop()
            known.add(cell)
            apart = self._differing(weight, cell, model, like)
            further = [both for both in apart or () if self._may_be_wrong_itself(weight, *both)]
            waiting += [both for both in further if both[0] not in known]
            if further and len(further) == len(apart or ()):
                continue
            right = self._rewritten(like, model, cell, weight)
            if right is not None:
                yield self._odd_update(weight, cell, right, like, model)

    def _differing(
        self, weight: int, cell: Address, model: int, like: Address
    ) -> list[tuple[Address, Address]] | None:
        """The cells by which two formulas differ, in pairs; None where it isn't by cells alone."""
        patterns = self.training.book.patterns
        if patterns[cell].shape != patterns[like].shape:
            return None
        own, usual = (_cells(patterns[home].places, home) for home in (cell, like))
        if len(own) != len(usual):
            return None
        strides = [self.training.weights[j].stride for j in (weight, model)]
        numbers = self.turn(weight), self.turn(model)
        return [
            (a, b)
            for a, b in zip(own, usual, strict=True)
            if (cell - a, like - b) != tuple(strides)
            and not self._is_same(numbers[0], cell, a, numbers[1], like, b)
        ]

    def _is_same(
        self, own: Numbers, cell: Address, a: Address, usual: Numbers, like: Address, b: Address
    ) -> bool:
        """Whether two cells come to the same, each as a formula sees it in its weight's turn."""
        one, other = self._seen(cell, a), self._seen(like, b)
        if one is None or other is None:
            return self.training.plain(a) == self.training.plain(b)
        return agree(own.of(one), usual.of(other))

    def _seen(self, home: Address, cell: Address) -> Node | None:
        """A cell's node as a formula sees it: what was remembered is given."""
        graph = self.tested.graph
        is_past = self.training.before(home, cell)
        found = (graph.leaves if is_past else graph.known).get(
            cell if is_past else self.training.plain(cell)
        )
        return found if isinstance(found, Node) else None

    def _may_be_wrong_itself(self, weight: int, cell: Address, like: Address) -> bool:
        """Whether a cell is one of a weight's law, so that its formula is to be held against one of
        the usual law's."""
        patterns = self.training.book.patterns
        elsewhere = any(cell in way for j, way in self.ways.items() if j != weight)
        is_formula = cell in patterns and like in patterns
        given = cell in self.owned or like in self.owned or cell in self.training.weight_cells
        return is_formula and not elsewhere and not given

    def _rewritten(self, like: Address, model: int, cell: Address, weight: int) -> str | None:
        """The usual law's formula of what belongs to another weight, if it says the same of it."""
        book, graph = self.training.book, self.tested.graph
        wanted = self.turns[model].get(like)
        if wanted is None:
            return None
        instead = self._corresponding(like, model, cell, weight)

        def follow(reference: str) -> str:
            at = book.reader.cell(reference, like)
            there = instead.get(at) if at is not None else None
            same = there == at and sheet_of(like) == sheet_of(cell)
            return reference if there is None or same else book.name_of(there, cell)

        text = rename_cells_in(book.patterns[like].text_at(like), follow)
        typed = book.reader.read_typed(text, cell)
        if typed.expression is None:
            return None
        try:
            node = graph.expression(typed.expression, cell, typed)
        except NotUnderstood:
            return None
        numbers, usual = self.turn(weight), self.turn(model)
        for at, there in instead.items():
            for nodes in (graph.leaves, graph.known):
                a, b = nodes.get(at), nodes.get(there)
                if isinstance(a, Node) and isinstance(b, Node):
                    numbers.values[b] = usual.of(a)
        return text if agree(numbers.of(node), wanted) else None

    def _corresponding(
        self, like: Address, model: int, cell: Address, weight: int
    ) -> dict[Address, Address]:
        """What one weight has in the places of another's cells, for a formula of that one's law."""
        training, step = self.training, self.step.number
        own, usual = self.turns[weight], self.turns[model]
        by_role = {role: at for at, (j, role) in self.owned.items() if j == weight}
        found = {
            at: by_role[role]
            for at, (j, role) in self.owned.items()
            if j == model and role in by_role
        }
        for at in self.ways[model]:
            same = next((c for c in self.ways[weight] if agree(own[c], usual[at])), None)
            there = self._counterpart(at, weight) if same is None and at != like else same
            if there is not None:
                found.setdefault(at, there)
        found[like - training.weights[model].stride] = cell - training.weights[weight].stride
        if like in self.updates.values():
            found[training.weights[model].cells[step]] = training.weights[weight].cells[step]
        return found

    def _counterpart(self, cell: Address, weight: int) -> Address | None:
        """What a weight has of its own where another has some cell, though it doesn't use it."""
        training, patterns = self.training, self.training.book.patterns
        along, makeup = training.axis.along, patterns[cell].makeup
        gradient = self.moments.gradients[weight]
        starts = [gradient, gradient - training.weights[weight].stride]
        found = [
            other
            for other in training.flow.below(starts, training.weight_cells)
            if other in patterns
            and along(other) == along(cell)
            and patterns[other].makeup == makeup
            and self.moments.of(other) == {weight}
        ]
        return found[0] if len(found) == 1 and found[0] != cell else None

    def _odd_update(
        self, weight: int, cell: Address, right: str, like: Address, model: int
    ) -> OddUpdate:
        """What is said of a cell: that it takes another cell, or is another formula."""
        book, names = self.training.book, self.training.names
        before = Counter(_cells(book.patterns[cell].places, cell))
        after = Counter(_cells(book.reader.read_typed(right, cell).places, cell))
        taken, meant = list((before - after).elements()), list((after - before).elements())
        if self.moments.around(weight, cell) is not None:
            return OddUpdate(weight, cell, DEPARTING_ROW, right, departing_from_column(cell))
        if len(taken) != 1 or len(meant) != 1:
            why = Message(
                "{cell} is unlike {other}, which is {weight}'s",
                cell=name_of(cell),
                other=name_of(like),
                weight=names[model],
            )
            return OddUpdate(weight, cell, EditKind.FORMULA.value, right, why)
        gradients = set(self.moments.gradients.values())
        kind = OTHER_GRADIENT if {taken[0], meant[0]} <= gradients else EditKind.REFERENCE.value
        owner = self.owned.get(taken[0], (weight,))[0]
        if owner == weight:
            owner = next((j for j, way in self.ways.items() if taken[0] in way), weight)
        if owner == weight:
            why = Message(
                "{cell} isn't what the other weights take: {weight} needs {right}",
                cell=name_of(taken[0]),
                weight=names[weight],
                right=book.name_of(meant[0], cell),
            )
        else:
            why = Message(
                "{cell} is of {other}; {weight} needs {right}",
                cell=name_of(taken[0]),
                other=names[owner],
                weight=names[weight],
                right=book.name_of(meant[0], cell),
            )
        return OddUpdate(weight, cell, kind, right, why)


def _places(made: Sequence[str], usual: Sequence[str]) -> list[int]:
    """Where each of some memories stands among the usual ones: with those that are made alike, else
    in order, for decay makes one differ."""
    free = list(range(max(len(made), len(usual))))
    places: dict[int, int] = {}
    for k, makeup in enumerate(made):
        like = [place for place in free if place < len(usual) and usual[place] == makeup]
        if like:
            places[k] = like[0]
            free.remove(like[0])
    return [places[k] if k in places else free.pop(0) for k in range(len(made))]


def _cells(places: Iterable[object], home: Address) -> list[Address]:
    """The cells that a formula mentions, in their order."""
    cells = (place.at(home) for place in places if isinstance(place, CellReference))
    return [cell for cell in cells if cell is not None]
