"""Trainings by the perceptron rule: which updates belong to one, in which steps they come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from gradbook.audit.formula.address import ACROSS, DOWN, Address, Axis, sheet_of
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.rule_form import RuleForm, form_of
from gradbook.audit.rules.rule_updates import RuleUpdate, bases, compares, rule_updates, updates_at
from gradbook.audit.rules.worked_step import MOST_CELLS, WorkedUpdate
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

A_FEW = 12  # updates that are looked at, to see whether a book knows the rule at all
ENOUGH = 0.25  # of a training's updates have the rule's form; the others are mistakes
NEXT_TO = 2  # columns
LEAST = 3  # steps that show how a table would go on

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
    weights: set[Address]  # plain cells, of all steps
    varying: set[Address]
    formulas: Mapping[Address, Pattern] = field(default_factory=dict)  # of a step yet to come
    _forms: dict[Signature, RuleForm | None] = field(default_factory=dict)

    @property
    def updates(self) -> list[RuleUpdate]:
        return [update for step in self.steps for update in step.updates]

    @cached_property
    def cells(self) -> set[Address]:
        """The weights that are updated, and all that their updates are made of."""
        inside = (cell for update in self.updates for cell in self.inside(update))
        return {update.cell for update in self.updates}.union(inside)

    @cached_property
    def real(self) -> int:
        """How many updates stand in the book."""
        return sum(update.cell not in self.formulas for update in self.updates)

    @property
    def sheet(self) -> int:
        return Counter(sheet_of(update.cell) for update in self.updates).most_common(1)[0][0]

    @cached_property
    def axis(self) -> Axis | None:
        """Whether steps go down or across; None where weights have no line of their own."""
        return axis_of_steps(self.steps)

    def plain(self, cell: Address) -> Address:
        return self.flow.plain(cell)

    def form(self, update: RuleUpdate) -> RuleForm | None:
        """What an update adds; looked at once for all updates that are made alike."""
        made_of, leaves = self.signature(update)
        if made_of not in self._forms:
            form = self.form_with(update, {})
            places = {cell: k for k, cell in enumerate(leaves)}
            self._forms[made_of] = form.moved(places) if form else None
        found = self._forms[made_of]
        return found.moved(dict(enumerate(leaves))) if found else None

    def form_with(
        self, update: RuleUpdate, instead: Mapping[Address, Pattern], inside: Iterable[Address] = ()
    ) -> RuleForm | None:
        """What an update adds, with other formulas in the place of some."""
        given = {**self.formulas, **instead}
        worked = WorkedUpdate(self.book, self.flow, self.weights, self.varying, given, set(inside))
        return form_of(worked, update)

    def signature(self, update: RuleUpdate) -> tuple[Signature, list[Address]]:
        """What an update is made of, and its leaves, in an order that equal ones share."""
        inside = self.inside(update)
        places: dict[Address, int] = {cell: -1 - k for k, cell in enumerate(inside)}
        leaves: dict[Address, int] = {}
        made_of: list[object] = []
        for cell in inside:
            made_of += [self.formulas.get(cell) or self.book.patterns[cell], cell - update.cell]
            for source in self.sources(cell):
                plain = self.plain(source)
                if plain not in places:
                    place = leaves.setdefault(plain, len(leaves))
                    value = self.book.values.get(plain)
                    made_of += [place, value if isinstance(value, str | bool) else None]
                else:
                    made_of.append(places[plain])
        base = self.plain(update.base)
        made_of.append(leaves.setdefault(base, len(leaves)))
        return tuple(made_of), list(leaves)

    def sources(self, cell: Address) -> tuple[Address, ...]:
        """The cells that a formula mentions."""
        pattern = self.formulas.get(cell)
        if pattern is None:
            return self.flow.sources(cell)
        return tuple(self.flow.mentioned(pattern.places, cell))

    def inside(self, update: RuleUpdate) -> list[Address]:
        """The formulas of the step that an update is computed from, its own first."""
        found: list[Address] = []
        waiting, seen = [update.cell], {update.cell}
        while waiting and len(found) < MOST_CELLS:
            cell = waiting.pop()
            found.append(cell)
            for source in map(self.plain, self.sources(cell)):
                if source not in seen and self._is_inside(source):
                    seen.add(source)
                    waiting.append(source)
        return found

    def _is_inside(self, cell: Address) -> bool:
        return cell in self.book.patterns and cell in self.varying and cell not in self.weights


def axis_of_steps(steps: Sequence[RuleStep]) -> Axis | None:
    usual = Counter(len(step.updates) for step in steps).most_common(1)[0][0]
    for axis in (DOWN, ACROSS):
        lines = Counter(axis.line(update.cell) for step in steps for update in step.updates)
        if len(lines) == usual and (len(steps) > 1 or axis is DOWN):
            return axis
    return None


# Found in a workbook -----------------------------------------------------------------


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    if not compares(book):
        return []
    updates = rule_updates(book, flow)
    if not updates:
        return []
    weights = {flow.plain(u.base) for u in updates} | {u.cell for u in updates}
    varying = flow.below(weights) | weights
    every = Perceptron(book, flow, (), weights, varying)
    if not any(map(every.form, updates[:: max(1, len(updates) // A_FEW)])):
        return []
    found: list[Perceptron] = []
    for group in _groups(every, updates):
        forms = {update: every.form(update) for update in group}
        learning = [update for update, form in forms.items() if form]
        if learning and len(learning) >= ENOUGH * len(group):
            companions = _companions(every, learning, updates)
            some = _with_weights(every, companions)
            steps = _steps(some, [*group, *companions], forms)
            if steps:
                found.append(_with_next(replace(some, steps=steps)))
    return found


def _with_weights(every: Perceptron, updates: Sequence[RuleUpdate]) -> Perceptron:
    """With more weights."""
    if not updates:
        return every
    cells = {every.plain(u.base) for u in updates} | {u.cell for u in updates}
    varying = every.varying | every.flow.below(cells) | cells
    return replace(every, weights=every.weights | cells, varying=varying, _forms={})


def _groups(every: Perceptron, updates: Sequence[RuleUpdate]) -> list[list[RuleUpdate]]:
    """Updates of weights that depend on each other."""
    parent: dict[Address, Address] = {}

    def root(cell: Address) -> Address:
        while parent.setdefault(cell, cell) != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for update in updates:
        for cell in every.inside(update):
            for source in map(every.plain, every.flow.sources(cell)):
                if source in every.weights:
                    parent[root(source)] = root(update.cell)
    found: defaultdict[Address, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        found[root(update.cell)].append(update)
    return list(found.values())


def _companions(
    every: Perceptron, learning: Sequence[RuleUpdate], updates: Sequence[RuleUpdate]
) -> list[RuleUpdate]:
    """Cells beside the updates that are made as they are, though their weight is in no sum."""
    patterns = every.book.patterns
    taken = {cell for update in learning for cell in every.inside(update)}
    taken.update(update.cell for update in updates)
    kinds = {(patterns[u.cell].shape, u.cell - u.base) for u in learning}
    beside = {update.cell for update in learning}
    found: list[RuleUpdate] = []
    for cell in sorted(patterns.keys() - taken):
        if any(cell + k in beside for k in range(-NEXT_TO, NEXT_TO + 1)):
            places = bases(patterns[cell])
            options = (update for place in places for update in updates_at([cell], place))
            alike = (u for u in options if (patterns[cell].shape, cell - u.base) in kinds)
            found += list(islice(alike, 1))
    return found


# Steps -------------------------------------------------------------------------------


def _steps(
    every: Perceptron,
    updates: Sequence[RuleUpdate],
    forms: Mapping[RuleUpdate, RuleForm | None],
) -> tuple[RuleStep, ...]:
    """The updates by the samples that make them, in the order in which they follow each other."""
    groups: defaultdict[frozenset[Address], list[RuleUpdate]] = defaultdict(list)
    alone = []
    for update in updates:
        form = forms.get(update)
        if form is not None:
            groups[form.weights].append(update)
        else:
            alone.append(update)
    sizes = Counter(map(len, groups.values()))
    whole = max(sizes, key=lambda size: (sizes[size], size))
    for key in [key for key, group in groups.items() if len(group) < whole]:
        alone += groups.pop(key)
    _placed(every, groups, alone)
    steps = [RuleStep(tuple(sorted(g, key=lambda u: u.cell))) for g in groups.values()]
    depths = _depths(every, steps)
    return tuple(sorted(steps, key=lambda step: (depths[step.first], step.first)))


def _placed(
    every: Perceptron,
    groups: dict[frozenset[Address], list[RuleUpdate]],
    alone: Sequence[RuleUpdate],
) -> None:
    """Updates without a step put to those whose weights they go on from, or in whose row they
    are."""
    axis = axis_of_steps([RuleStep(tuple(group)) for group in groups.values()])
    rows = {axis.crossing(group[0].cell): key for key, group in groups.items()} if axis else {}
    steps = {cell: key for key in groups for cell in key}
    after = {update.cell: key for key, group in groups.items() for update in group}
    fresh: dict[object, list[RuleUpdate]] = defaultdict(list)
    for update in sorted(alone, key=lambda update: update.cell):
        base = every.plain(update.base)
        key = rows.get(axis.crossing(update.cell)) if axis else steps.get(base)
        if key is not None:
            groups[key].append(update)
        else:
            fresh[axis.crossing(update.cell) if axis else after.get(base)].append(update)
    groups.update({frozenset(u.cell for u in group): group for group in fresh.values()})


def _depths(every: Perceptron, steps: Sequence[RuleStep]) -> dict[Address, int]:
    """How many steps come before each, by its first cell."""
    producer = {update.cell: step for step in steps for update in step.updates}
    found: dict[Address, int] = {}

    def before(step: RuleStep) -> list[RuleStep]:
        plain = (every.plain(update.base) for update in step.updates)
        return [producer[cell] for cell in plain if cell in producer]

    for start in steps:
        waiting, opened = [start], set()
        while waiting:
            step = waiting[-1]
            missing = [s for s in before(step) if s.first not in found and s.first not in opened]
            opened.add(step.first)
            if missing:
                waiting.extend(missing)
                continue
            found[step.first] = 1 + max((found.get(s.first, 0) for s in before(step)), default=0)
            waiting.pop()
    return found


def _with_next(perceptron: Perceptron) -> Perceptron:
    """With the update that the last row would make, were the table to go on: its sum, activation
    and changes are there already."""
    book, steps = perceptron.book, perceptron.steps
    if len(steps) < LEAST or perceptron.axis is None:
        return perceptron
    last, stride = steps[-1], steps[-1].first - steps[-2].first
    after = {update.cell + stride: update for update in last.updates}
    if any(cell in book.patterns or cell in book.values for cell in after):
        return perceptron
    own = {update.cell for step in steps for update in step.updates}
    made_of = {cell for update in last.updates for cell in perceptron.inside(update)} - own
    if not made_of or not all(_is_filled(book, cell + stride) for cell in made_of):
        return perceptron
    formulas = {
        cell: book.reader.typed(book.patterns[update.cell].text_at(cell), cell)
        for cell, update in after.items()
    }
    step = RuleStep(tuple(RuleUpdate(cell, update.base + stride) for cell, update in after.items()))
    more = {update.base for update in step.updates} | after.keys()
    return replace(
        perceptron, steps=(*steps, step), formulas=formulas, weights=perceptron.weights | more
    )


def _usual_updates(perceptron: Perceptron) -> dict[tuple[int, int], RuleUpdate]:
    """For each line of weights an update that is made as most of them are."""
    lines: defaultdict[tuple[int, int], list[RuleUpdate]] = defaultdict(list)
    assert perceptron.axis is not None
    for update in perceptron.updates:
        lines[perceptron.axis.line(update.cell)].append(update)
    found = {}
    for line, updates in lines.items():
        patterns = Counter(perceptron.book.patterns[update.cell] for update in updates)
        usual = patterns.most_common(1)[0][0]
        found[line] = next(u for u in updates if perceptron.book.patterns[u.cell] is usual)
    return found


def _is_filled(book: Book, cell: Address) -> bool:
    return cell in book.patterns or book.values.get(cell) is not None
