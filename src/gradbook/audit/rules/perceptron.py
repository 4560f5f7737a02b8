"""Trainings by the perceptron rule: which updates belong to one, in which steps they come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random

from gradbook.audit.formula.address import ACROSS, DOWN, ROW, Address, Axis, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.rule_form import RuleForm, form_of
from gradbook.audit.rules.rule_updates import (
    RuleUpdate,
    bases,
    followed,
    rule_updates,
    updates_at,
)
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language.grammar import Expression

ENOUGH = 0.25  # of a training's updates have the rule's form; the others are mistakes
A_FEW = 24
NEXT_TO = (-2, -1, 1, 2)  # rows or columns
MOST_CELLS = 400  # of one update

Signature = tuple[object, ...]


@dataclass(frozen=True)
class RuleStep:
    """The updates that one sample makes, in the order of their cells."""

    updates: tuple[RuleUpdate, ...]

    @property
    def first(self) -> Address:
        return self.updates[0].cell


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Weights that learn together by the perceptron rule."""

    book: Book
    flow: Flow
    steps: tuple[RuleStep, ...]
    weight_cells: set[Address]  # plain cells, of all steps
    varying: set[Address]
    _forms: dict[Signature, RuleForm | None] = field(default_factory=dict)
    _inside: dict[Address, list[Address]] = field(default_factory=dict)

    @cached_property
    def updates(self) -> list[RuleUpdate]:
        return [update for step in self.steps for update in step.updates]

    @cached_property
    def cells(self) -> set[Address]:
        """The weights, before and after their updates, and all that these are made of."""
        weights = {cell for u in self.updates for cell in (u.cell, u.base, self.plain(u.base))}
        return weights.union(*map(self.inside, self.updates))

    @cached_property
    def sheet(self) -> int:
        return Counter(sheet_of(update.cell) for update in self.updates).most_common(1)[0][0]

    @cached_property
    def axis(self) -> Axis | None:
        """Whether steps go down or across; None where weights have no line of their own."""
        return axis_of_steps(self.steps, self.plain)

    def plain(self, cell: Address) -> Address:
        return self.flow.plain(cell)

    def before(self, cell: Address, other: Address) -> bool:
        """Never: no cell but the weights carries anything from step to step."""
        return False

    def mentioned(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterator[Address]:
        mentions = (pattern or self.book.patterns[home]).mentions
        return self.flow.mentioned([mentions.get(r.text) for r in references(expression)], home)

    def form(self, update: RuleUpdate) -> RuleForm | None:
        """What an update adds; looked at once for all updates that are made alike."""
        if self._is_smooth(update):
            return None
        made_of, leaves = self.signature(update)
        if made_of not in self._forms:
            form = form_of(self, update, {})
            places = {cell: k for k, cell in enumerate(leaves)}
            self._forms[made_of] = form.moved(places) if form else None
        found = self._forms[made_of]
        return found.moved(dict(enumerate(leaves))) if found else None

    def _is_smooth(self, update: RuleUpdate) -> bool:
        """Whether what is added follows some weight little by little, as a gradient does: sooner
        seen than tried."""
        patterns, base = self.book.patterns, self.plain(update.base)
        waiting, seen = [update.cell], {update.cell}
        while waiting:
            cell = waiting.pop()
            for source in map(self.plain, self.flow.mentioned(followed(patterns[cell]), cell)):
                if source in self.weight_cells and (source != base or cell != update.cell):
                    return True
                if source not in seen and self._is_inside(source):
                    seen.add(source)
                    waiting.append(source)
        return False

    def signature(self, update: RuleUpdate) -> tuple[Signature, list[Address]]:
        """What an update is made of, and its leaves, in an order that equal ones share."""
        inside = self.inside(update)
        places: dict[Address, int] = {cell: -1 - k for k, cell in enumerate(inside)}
        leaves: dict[Address, int] = {}
        made_of: list[object] = []
        for cell in inside:
            made_of += [self.book.patterns[cell], cell - update.cell]
            for plain in map(self.plain, self.flow.sources(cell)):
                made_of.append(places.get(plain, 0) or leaves.setdefault(plain, len(leaves)))
                value = self.book.values.get(plain)
                made_of.append(value if isinstance(value, str | bool) else None)
        made_of.append(leaves.setdefault(self.plain(update.base), len(leaves)))
        return tuple(made_of), list(leaves)

    def inside(self, update: RuleUpdate) -> list[Address]:
        """The formulas of the step that an update is computed from, its own first."""
        if update.cell not in self._inside:
            self._inside[update.cell] = self._behind(update)
        return self._inside[update.cell]

    def _behind(self, update: RuleUpdate) -> list[Address]:
        found: list[Address] = []
        waiting, seen = [update.cell], {update.cell}
        while waiting and len(found) < MOST_CELLS:
            cell = waiting.pop()
            found.append(cell)
            for source in map(self.plain, self.flow.sources(cell)):
                if source not in seen and self._is_inside(source):
                    seen.add(source)
                    waiting.append(source)
        return found

    def _is_inside(self, cell: Address) -> bool:
        is_formula = cell in self.book.patterns and cell in self.varying
        return is_formula and cell not in self.weight_cells


def axis_of_steps(steps: Sequence[RuleStep], plain: Callable[[Address], Address]) -> Axis | None:
    """The axis along which each weight has a line of its own, on which its updates go on."""
    usual = Counter(len(step.updates) for step in steps).most_common(1)[0][0]
    updates = [update for step in steps for update in step.updates]

    def going_on(axis: Axis) -> int:
        return sum(axis.line(u.cell) == axis.line(plain(u.base)) for u in updates)

    def has_lines(axis: Axis) -> bool:
        return len({axis.line(update.cell) for update in updates}) == usual

    return max(filter(has_lines, (DOWN, ACROSS)), key=going_on, default=None)


# Found in a workbook -----------------------------------------------------------------


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    updates = rule_updates(book, flow)
    every = _learning(Perceptron(book, flow, (), set(), set()), updates)
    if not any(map(every.form, _some(book, updates))):
        return []
    found: list[Perceptron] = []
    for group in _groups(every, updates):
        forms = {update: every.form(update) for update in group}
        if sum(form is not None for form in forms.values()) >= ENOUGH * len(group):
            beside = _companions(every, group, updates)
            some = _learning(every, beside) if beside else every
            if beside:
                forms = {update: some.form(update) for update in group}
            steps = _steps(some, [*group, *beside], forms)
            found.append(replace(some, steps=steps))
    return found


def _some(book: Book, updates: Iterable[RuleUpdate]) -> list[RuleUpdate]:
    """A few updates of each formula, to see whether a book knows the rule at all."""
    found: defaultdict[Pattern, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        found[book.patterns[update.cell]].append(update)
    draw = Random(0)  # weights take turns in many ways
    some = (draw.sample(alike, min(len(alike), A_FEW)) for alike in found.values())
    return [update for alike in some for update in alike]


def _learning(every: Perceptron, updates: Sequence[RuleUpdate]) -> Perceptron:
    """With more weights."""
    cells = {every.plain(u.base) for u in updates} | {u.cell for u in updates}
    varying = every.varying | every.flow.below(cells) | cells
    return Perceptron(every.book, every.flow, (), every.weight_cells | cells, varying)


def _groups(every: Perceptron, updates: Sequence[RuleUpdate]) -> list[list[RuleUpdate]]:
    """The updates, grouped by weights that depend on each other."""
    parent: dict[Address, Address] = {}

    def root(cell: Address) -> Address:
        while parent.setdefault(cell, cell) != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for update in updates:
        for cell in every.inside(update):
            for source in map(every.plain, every.flow.sources(cell)):
                if source in every.weight_cells:
                    parent[root(source)] = root(update.cell)
    found: defaultdict[Address, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        found[root(update.cell)].append(update)
    return list(found.values())


def _companions(
    every: Perceptron, group: Sequence[RuleUpdate], updates: Sequence[RuleUpdate]
) -> list[RuleUpdate]:
    """Cells beside the updates with the same kind of formula, though no sum has their weight."""
    patterns = every.book.patterns
    taken = {cell for update in group for cell in every.inside(update)}
    taken.update(update.cell for update in updates)
    kinds = {(patterns[u.cell].shape, u.cell - u.base) for u in group}
    near = {u.cell + step * k for u in group for step in (1, ROW) for k in NEXT_TO}
    found: list[RuleUpdate] = []
    for cell in sorted(near & patterns.keys() - taken):
        options = (u for place in bases(patterns[cell]) for u in updates_at([cell], place))
        alike = (u for u in options if (patterns[cell].shape, cell - u.base) in kinds)
        found += [update for update in [next(alike, None)] if update]
    return found


# Steps -------------------------------------------------------------------------------


def _steps(
    every: Perceptron,
    updates: Sequence[RuleUpdate],
    forms: Mapping[RuleUpdate, RuleForm | None],
) -> tuple[RuleStep, ...]:
    """The updates by the samples that make them, in the order in which they follow each other."""
    groups: defaultdict[object, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        form = forms.get(update)
        groups[form.weights if form else None].append(update)
    alone = groups.pop(None, [])
    sizes = Counter(map(len, groups.values()))
    whole = max(sizes, key=lambda size: (sizes[size], size))
    steps = [RuleStep(tuple(group)) for group in groups.values() if len(group) >= whole]
    axis = axis_of_steps(steps, every.plain) if whole > 1 else None
    least = whole if axis else whole / 2
    for key in [key for key, group in groups.items() if len(group) < least]:
        alone += groups.pop(key)
    _place(every, groups, alone, axis)
    steps = [RuleStep(tuple(sorted(g, key=lambda u: u.cell))) for g in groups.values()]
    levels = every.flow.levels
    return tuple(sorted(steps, key=lambda step: (levels.get(step.first, 0), step.first)))


def _place(
    every: Perceptron,
    groups: dict[object, list[RuleUpdate]],
    alone: Iterable[RuleUpdate],
    axis: Axis | None,
) -> None:
    """Adds updates without a step to the step in whose row they are, or which is made of the same
    cells; the others make steps of their own."""
    known: dict[object, object] = {}
    for key, group in groups.items():
        for update in group:
            inside = [every.plain(update.base), *every.inside(update)[1:]]
            known |= dict.fromkeys([axis.crossing(update.cell)] if axis else inside, key)
    for update in sorted(alone, key=lambda update: update.cell):
        if axis:
            place: object = axis.crossing(update.cell)
        else:
            shared = (cell for cell in every.inside(update)[1:] if cell in known)
            place = next(shared, every.plain(update.base))
        groups.setdefault(known.get(place, ("alone", place)), []).append(update)
