"""What a student computes beside the cells that an exercise asks for.

What their own columns are meant to be, and where right formulas stand that belong elsewhere. A
column of one's own is known by what is made of it: where two wrong columns are right once it holds
the derivative of the loss by h1, that is what it should be, and it alone is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from gradbook.audit.budget import within_budget
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.exercise.verdicts import OwnFormulas, StepNumbers
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.points import Numbers, agree
from gradbook.errors import GradbookError
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name, gradient_name
from gradbook.graph.node import Array, Node

ENOUGH = 2  # columns that are right once a column of one's own is
MOST = 4_000  # cells that are looked at
DIGITS = 6  # by which values are looked up


class OwnColumns:
    """The cells of a book that an exercise doesn't ask for, as its columns use them."""

    def __init__(self, plain: OwnFormulas, places: Places, numbers: StepNumbers) -> None:
        self.plain, self.places, self.numbers = plain, places, numbers
        self.book, self.flow = plain.book, plain.flow

    def meant(self, wrong: Mapping[Address, Place]) -> dict[Address, Place]:
        """Of each own cell that columns share, the value that it should hold, as far as these wrong
        cells tell."""
        found: dict[Address, Place] = {}
        known: dict[object, Node | None] = {}
        waiting = dict(wrong)
        while waiting:
            users = self._users(waiting)
            new: dict[Address, Place] = {}
            for cells, using in users.items():
                if found.keys().isdisjoint(cells):
                    key = self._key(cells, using)
                    if key not in known:
                        known[key] = within_budget(partial(self._node, cells, using, found))
                    node = known[key]
                    if node is not None:
                        epoch = next(iter(using.values())).epoch
                        sample = next(iter(using.values())).sample
                        several = len(cells) > 1
                        for number, cell in enumerate(cells):
                            new[cell] = Place(node, epoch, number if several else sample)
            found |= new
            waiting = new
        return found

    def _users(
        self, waiting: Mapping[Address, Place]
    ) -> dict[tuple[Address, ...], dict[Address, Place]]:
        """Own cells, those of a step's samples together, with what is made of them."""
        users: defaultdict[tuple[Address, ...], dict[Address, Place]] = defaultdict(dict)
        for cell, place in waiting.items():
            alike: defaultdict[Pattern, list[Address]] = defaultdict(list)
            for source in dict.fromkeys(self.flow.sources(cell)):
                if self.plain.is_own(source):
                    alike[self.book.patterns[source]].append(source)
            for cells in alike.values():
                if len(cells) in (1, len(self.places.samples)):
                    users[tuple(sorted(cells))][cell] = place
        return users

    def _key(self, cells: Sequence[Address], using: Mapping[Address, Place]) -> object:
        patterns = self.book.patterns
        users = frozenset((p.node.index, id(patterns[cell])) for cell, p in using.items())
        return id(patterns[cells[0]]), len(cells), users

    def _node(
        self,
        cells: tuple[Address, ...],
        using: Mapping[Address, Place],
        found: Mapping[Address, Place],
    ) -> Node | None:
        """What some own cells should be: the value with which enough of what is made of them is
        right."""
        if len({place.node for place in using.values()}) < ENOUGH:
            return None
        taken = {**found, **dict.fromkeys(cells, next(iter(using.values())))}  # any place will do
        opened = OwnFormulas(self.book, self.flow, self.places, self.numbers, taken=taken)
        for node in self._candidates:
            right = set[Node]()
            for cell, place in using.items():
                if self._is_right(opened, cell, place, cells, node):
                    right.add(place.node)
                    if len(right) >= ENOUGH:
                        return node
        return None

    def _is_right(
        self,
        opened: OwnFormulas,
        cell: Address,
        place: Place,
        cells: Sequence[Address],
        node: Node,
    ) -> bool:
        numbers, several = self.numbers, len(cells) > 1

        def leaf(source: Address) -> Array:
            if source not in cells:
                return opened.leaf(source)
            sample = cells.index(source) if several else place.sample
            return numbers.of(node, place.epoch, sample)

        pattern = self.book.patterns[cell]
        try:
            if pattern.expression is None:
                return False
            made = opened.graph.expression(pattern.expression, cell, pattern)
            value = Numbers(leaf, opened.graph.leaf_cells).of(made)
        except NotUnderstood:
            return False
        return agree(value, numbers.target(place.node, place.epoch, place.sample))

    @property
    def _candidates(self) -> Iterator[Node]:
        """What people put into columns of their own: derivatives, with either sign, and values on
        the way to the loss."""
        step, forward = self.numbers.step, self.numbers.solution.forward
        graph, slopes = step.loss.graph, gradients(step.loss, forward)
        partials = [
            gradients(made, [source], {source})[source]
            for made in self.numbers.solution.activations
            for source in made.inputs
            if source.name is not None
        ]
        for value in forward:
            graph.names.setdefault(slopes[value], gradient_name(value.name))
        turned = {slope: -slope for slope in (slopes[value] for value in forward)}
        for value in forward:
            minus = turned[slopes[value]]
            graph.names.setdefault(minus, Name(f"−{slopes[value].name}"))
        yield from (slopes[value] for value in forward)
        yield from turned.values()
        yield from (one for one in partials if one.name is not None)
        yield from forward


def right_elsewhere(
    formulas: OwnFormulas, blank: Mapping[Node, Sequence[Address]]
) -> dict[Node, list[Address]]:
    """Where the right formulas of columns stand that are blank, cell by cell."""
    if not blank:
        return {}
    places, numbers = formulas.places, formulas.numbers
    wanted: defaultdict[str, list[Place]] = defaultdict(list)
    for place in (places.cells[cell] for cells in blank.values() for cell in cells):
        value = numbers.target(place.node, place.epoch, place.sample)
        wanted[_about(value)].append(place)
    found: dict[Place, Address] = {}
    own = [cell for cell in sorted(formulas.book.patterns) if formulas.is_own(cell)]
    for cell in own[:MOST]:
        try:
            value = formulas.value(cell)
        except (GradbookError, NotUnderstood):
            continue
        for place in wanted.get(_about(value), ()):
            target = numbers.target(place.node, place.epoch, place.sample)
            if place not in found and agree(value, target):
                found[place] = cell
    by_node: dict[Node, list[Address]] = {}
    for node, cells in blank.items():
        there = [found[places.cells[cell]] for cell in cells if places.cells[cell] in found]
        if there:
            by_node[node] = there
    return by_node


def _about(value: Array) -> str:
    return f"{value[0]:.{DIGITS}g}"
