"""Trainings by the perceptron rule: their updates and steps, and what most steps have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from random import Random
from typing import TypeVar

from gradbook.audit.formula.address import ACROSS, DOWN, ROW, SHEET, Address, Axis, sheet_of
from gradbook.audit.formula.expression import references
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.rule_form import (
    RuleForm,
    RuleUpdate,
    bases,
    form_of,
    mentions_outside_conditions,
    rule_updates,
    updates_at,
)
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language import Expression

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


class Perceptron:
    """Weights that learn together by the perceptron rule.

    Knows the weights' plain cells, of all steps, and the cells that vary with them. The form of an
    update and the formulas behind it are worked out once for all updates that are made alike.
    """

    def __init__(
        self, book: Book, flow: Flow, weight_cells: set[Address], varying: set[Address]
    ) -> None:
        self.book, self.flow = book, flow
        self.weight_cells, self.varying = weight_cells, varying
        self.steps: tuple[RuleStep, ...] = ()
        self._forms: dict[Signature, RuleForm | None] = {}
        self._form_of: dict[RuleUpdate, RuleForm | None] = {}
        self._inside: dict[Address, list[Address]] = {}
        self._plain: dict[Address, Address] = {}

    def with_steps(self, steps: tuple[RuleStep, ...]) -> Perceptron:
        """Return the same weights with the steps in which they learn."""
        other = copy(self)
        other.steps = steps
        return other

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
        known = self._plain.get(cell)
        if known is None:
            known = self._plain[cell] = self.flow.plain(cell)
        return known

    def before(self, cell: Address, other: Address) -> bool:
        """Always false: only weights carry anything from one step to the next."""
        return False

    def cells_in(
        self, expression: Expression, home: Address, pattern: Pattern | None = None
    ) -> Iterator[Address]:
        mentions = (pattern or self.book.patterns[home]).mentions
        return self.flow.mentioned_cells(
            [mentions.get(r.text) for r in references(expression)], home
        )

    def form(self, update: RuleUpdate) -> RuleForm | None:
        """What an update adds; looked at once for all updates that are made alike."""
        if update not in self._form_of:
            self._form_of[update] = None if self._is_smooth(update) else self._form(update)
        return self._form_of[update]

    def _form(self, update: RuleUpdate) -> RuleForm | None:
        made_of, leaves = self.signature(update)
        if made_of not in self._forms:
            form = form_of(self, update, {})
            places = {cell: k for k, cell in enumerate(leaves)}
            self._forms[made_of] = form.for_cells(places) if form else None
        found = self._forms[made_of]
        return found.for_cells(dict(enumerate(leaves))) if found else None

    def _is_smooth(self, update: RuleUpdate) -> bool:
        """Whether what is added changes smoothly with some weight, as a gradient does: seen from
        the formulas alone, without trying numbers."""
        patterns, base = self.book.patterns, self.plain(update.base)
        waiting, seen = [update.cell], {update.cell}
        while waiting:
            cell = waiting.pop()
            for source in map(
                self.plain,
                self.flow.mentioned_cells(mentions_outside_conditions(patterns[cell]), cell),
            ):
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


# Finding them in a workbook -----------------------------------------------------------------


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    updates = rule_updates(book, flow)
    every = _learning(Perceptron(book, flow, set(), set()), updates)
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
            found.append(some.with_steps(steps))
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
    return Perceptron(every.book, every.flow, every.weight_cells | cells, varying)


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
    shapes, ways = {patterns[u.cell].shape for u in group}, {u.cell - u.base for u in group}
    near = {u.cell + step * k for u in group for step in (1, ROW) for k in NEXT_TO}
    found: list[RuleUpdate] = []
    for cell in sorted(near & patterns.keys() - taken):
        options = (u for place in bases(patterns[cell]) for u in updates_at([cell], place))
        alike = (u for u in options if patterns[cell].shape in shapes and cell - u.base in ways)
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
    cells; the others make steps of their own, those together that go on from one step."""
    known: dict[object, object] = {}
    made_by: dict[Address, object] = {}
    for key, group in groups.items():
        made_by |= {update.cell: key for update in group}
        for update in group:
            form = every.form(update)
            weights = form.weights if form else {every.plain(update.base)}
            inside = [*weights, *every.inside(update)[1:]]
            known |= dict.fromkeys([axis.crossing(update.cell)] if axis else inside, key)
    for update in sorted(alone, key=lambda update: update.cell):
        base = every.plain(update.base)
        if axis:
            place: object = axis.crossing(update.cell)
        else:
            shared = (cell for cell in every.inside(update)[1:] if cell in known)
            place = next(shared, base if base in known else made_by.get(base, base))
        key = known.get(place, ("alone", place))
        made_by[update.cell] = key
        groups.setdefault(key, []).append(update)


# What most updates have in common -----------------------------------------------------

MOST = 0.7  # of the steps agree on something, or they agree on nothing
HALF = 0.5
SAME = 1e-6
FEW_FORMULAS = 3  # in one line

Thing = TypeVar("Thing", bound=Hashable)


class Trouble(Enum):
    """Why an update isn't what the rule says."""

    NO_FORM = "form"
    OPPOSITE = "opposite"
    FACTOR = "factor"
    RATE = "rate"
    TARGET = "target"
    LEVELS = "levels"
    THRESHOLD = "threshold"
    NOT_CARRIED = "not carried"
    PASTED = "pasted"
    TWICE = "twice"


@dataclass(frozen=True)
class UsualCell:
    """A cell that all steps share, or one that moves along with them, or none at all."""

    fixed: Address | None = None
    away: int | None = None  # from a cell that each step has
    is_none: bool = False


def most_common(things: Iterable[Thing], share: float = MOST) -> Thing | None:
    """What most of some things are; None where they are too different."""
    counts = Counter(things)
    if not counts:
        return None
    thing, count = counts.most_common(1)[0]
    return thing if count >= share * counts.total() else None


class Usual:
    """The rule as most of a perceptron's updates follow it."""

    def __init__(self, perceptron: Perceptron) -> None:
        self.perceptron = perceptron
        self.book = perceptron.book
        self.steps = perceptron.steps
        self.forms = {update: perceptron.form(update) for update in perceptron.updates}
        self.known = {update: form for update, form in self.forms.items() if form}
        self.producer = {u.cell: k for k, step in enumerate(self.steps) for u in step.updates}
        self.weight = self._numbers()

    def _numbers(self) -> dict[RuleUpdate, int]:
        """The number of each update's weight: by its line or, where weights have none, by its place
        in the step; in a step that lacks some, by the weight that it goes on from."""
        axis = self.perceptron.axis
        if axis:
            lines = sorted({axis.line(update.cell) for update in self.perceptron.updates})
            return {u: lines.index(axis.line(u.cell)) for u in self.perceptron.updates}
        whole = max((len(step.updates) for step in self.steps), default=0)
        found: dict[RuleUpdate, int] = {}
        left: dict[Address, int] = {}
        for step in self.steps:
            for k, update in enumerate(step.updates):
                base = self.perceptron.plain(update.base)
                found[update] = left.get(base, k) if len(step.updates) < whole else k
                left[update.cell] = found[update]
        return found

    def of_weight(self, number: int) -> list[RuleUpdate]:
        """The updates of one weight."""
        return [update for update, k in self.weight.items() if k == number]

    @cached_property
    def weights(self) -> set[Address]:
        """The cells of the weights, before and after updates."""
        return {cell for update in self.weight for cell in (update.cell, update.base)}

    @cached_property
    def _starts(self) -> set[Address]:
        """What weights start from, where something only repeats it."""
        return {self.perceptron.plain(update.base) for update in self.weight}

    @cached_property
    def cells_in_use(self) -> set[Address]:
        """The cells that the training's formulas mention."""
        return set().union(*map(self.perceptron.flow.sources, self.perceptron.cells))

    # What most of them share

    @cached_property
    def factors(self) -> dict[int, float]:
        """The rate of each weight, as most of its updates have it."""
        found: defaultdict[int, list[float]] = defaultdict(list)
        for update, form in self.known.items():
            found[self.weight[update]].append(round(form.factor, 9))
        each = {k: Counter(values).most_common(1)[0][0] for k, values in found.items()}
        usual, count = Counter(map(abs, each.values())).most_common(1)[0]
        every = dict.fromkeys(self.weight.values(), usual)
        return every if 2 * count > len(each) > 2 else {**every, **each}

    @cached_property
    def levels(self) -> tuple[float, ...] | None:
        return most_common((form.levels for form in self.known.values()), HALF)

    @cached_property
    def rate(self) -> UsualCell:
        return self._usual_cell({update: form.rates for update, form in self.known.items()})

    @cached_property
    def threshold(self) -> UsualCell:
        return self._usual_cell({update: form.thresholds for update, form in self.known.items()})

    def _usual_cell(self, named: Mapping[RuleUpdate, frozenset[Address]]) -> UsualCell:
        """The one cell that updates name, the same for all or so far away from each step."""
        if most_common(not cells for cells in named.values()):
            return UsualCell(is_none=True)
        single = [(u, next(iter(cells))) for u, cells in named.items() if len(cells) == 1]
        holding = [(u, cell) for u, cell in single if self.is_number(cell)] or single
        fixed = most_common((cell for _, cell in holding), HALF)
        if len(self.steps) > 1 and fixed is not None:
            return UsualCell(fixed=fixed)
        away = most_common(cell - self._anchor(u) for u, cell in single)
        return UsualCell(fixed if away is None else None, away)

    def _anchor(self, update: RuleUpdate) -> Address:
        """A cell of the step that moves along with its sample."""
        return self._anchors[self.producer[update.cell]]

    @cached_property
    def _anchors(self) -> list[Address]:
        own = [[c for c in self.inside(step) if c not in self.weights] for step in self.steps]
        both = list(zip(own, self.steps, strict=True))
        away = most_common((min(cells) - step.first for cells, step in both if cells), 0) or 0
        firsts = [min(cells, default=step.first + away) for cells, step in both]
        axis = self.perceptron.axis
        return [sheet_of(c) * SHEET + axis.along(c) * axis.step if axis else c for c in firsts]

    def is_number(self, cell: Address) -> bool:
        return cell in self.book.patterns or isinstance(self.book.values.get(cell), float)

    @cached_property
    def _targets_away(self) -> dict[int, int | None]:
        """How far each sample's target is from the input of each weight."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for update, form in self.known.items():
            if form.inputs and self._may_be_target(form):
                found[self.weight[update]].append(form.target - min(form.inputs))
        return {number: most_common(aways) for number, aways in found.items()}

    @cached_property
    def _target_beside(self) -> int | None:
        """How far it is from the step's own cells."""
        likely = ((u, form) for u, form in self.known.items() if self._may_be_target(form))
        return most_common(form.target - self._anchor(update) for update, form in likely)

    @cached_property
    def _used_as_inputs(self) -> set[Address]:
        return {cell for form in self.known.values() for cell in form.inputs}

    def _may_be_target(self, form: RuleForm) -> bool:
        return form.apart and form.scales and form.target not in self._used_as_inputs

    def _has_its_target(
        self, update: RuleUpdate, forms: Mapping[RuleUpdate, RuleForm | None]
    ) -> bool:
        form = forms[update]
        if form is None or not self._may_be_target(form):
            return False
        near = self._is_near_its_input(update, form)
        if near is not None:
            return near
        known = [(other, f) for other, f in forms.items() if f and f.target == form.target]
        if self._target_beside is None:
            targets = Counter(f.target for f in forms.values() if f)
            return len(known) == max(targets.values())
        beside = form.target - self._anchor(update) == self._target_beside
        return beside or any(self._is_near_its_input(*one) for one in known)

    def _is_near_its_input(self, update: RuleUpdate, form: RuleForm) -> bool | None:
        """Whether a target is as far from the weight's input as most are; None without any."""
        away = self._targets_away.get(self.weight[update]) if form.inputs else None
        return None if away is None else form.target - min(form.inputs) == away

    @cached_property
    def previous(self) -> list[int | None]:
        """The step whose weights each step goes on from."""
        found: list[int | None] = []
        for step in self.steps:
            plain = (self.perceptron.plain(update.base) for update in step.updates)
            before = Counter(map(self.producer.get, plain))
            found.append(max(before, key=lambda k: (before[k], -1 if k is None else k)))
        return found

    @cached_property
    def typed_at_the_end(self) -> list[tuple[RuleUpdate, Address]]:
        """The updates from which nothing goes on though it does from the others of their step, each
        with the cell where a number is typed in place of the next."""
        following = {self.perceptron.plain(update.base): update for update in self.weight}
        found = []
        for step in self.steps:
            after = [following[u.cell].cell - u.cell for u in step.updates if u.cell in following]
            away = most_common(after)
            for update in step.updates if away is not None else ():
                place = update.cell + (away or 0)
                is_typed = self.is_number(place) and place not in self.book.patterns
                if update.cell not in following and is_typed and place not in following:
                    found.append((update, place))
        return found

    # Formulas that most steps have

    @cached_property
    def patterns(self) -> dict[object, Counter[Pattern]]:
        """The formulas at each place of a step, by how far it is from the first update, and those
        of each line."""
        found: defaultdict[object, Counter[Pattern]] = defaultdict(Counter)
        axis, patterns = self.perceptron.axis, self.book.patterns
        for step in self.steps:
            for cell in self.cells(step):
                if cell in patterns:
                    found[cell - step.first][patterns[cell]] += 1
                    if axis is not None:
                        found[axis.line(cell)][patterns[cell]] += 1
        return found

    def inside(self, step: RuleStep) -> list[Address]:
        """The formulas of a step."""
        every = (cell for update in step.updates for cell in self.perceptron.inside(update))
        return list(dict.fromkeys(every))

    def cells(self, step: RuleStep) -> list[Address]:
        """The formulas of a step, those that only repeat others, and the weights before it."""
        inside, plain = self.inside(step), self.perceptron.plain
        sources = (s for cell in inside for s in self.perceptron.flow.sources(cell))
        repeating = (s for s in sources if s in self.book.patterns and plain(s) != s)
        return list(dict.fromkeys([*inside, *repeating, *(u.base for u in step.updates)]))

    def usual_at(self, step: RuleStep, cell: Address) -> list[Pattern]:
        """The formulas that most steps have where a cell stands, then those that some have, as the
        first of an epoch."""
        axis = self.perceptron.axis
        keys: list[object] = [*([axis.line(cell)] if axis else []), cell - step.first]
        counters = [self.patterns[key] for key in keys if key in self.patterns]
        most = [c.most_common(1)[0][0] for c in counters if c.total() > 1]
        some = [p for c in counters for p, count in c.most_common(FEW_FORMULAS) if count > 1]
        return list(dict.fromkeys([*most, *some]))

    def near(self, step: RuleStep) -> set[Address]:
        """The cells in which a step has formulas, or most steps have one there."""
        return self._near[step.first]

    @cached_property
    def _near(self) -> dict[Address, set[Address]]:
        away = [key for key in self.patterns if isinstance(key, int)]
        return {
            step.first: {step.first + k for k in away}.union(self.cells(step))
            for step in self.steps
        }

    # Which of them depart

    def troubles(
        self, step: RuleStep, instead: Mapping[Address, Pattern] | None = None
    ) -> dict[RuleUpdate, Trouble]:
        """The updates of a step that aren't what the rule says, maybe with other formulas."""
        forms = self.forms_with(step, instead or {})
        starts = {update: self._with(update, instead or {}).base for update in step.updates}
        found = {}
        for update in step.updates:
            trouble = self._carried(update, starts) or self._departs(update, forms)
            if trouble is not None:
                found[update] = trouble
        return found

    def forms_with(
        self, step: RuleStep, instead: Mapping[Address, Pattern]
    ) -> dict[RuleUpdate, RuleForm | None]:
        """What the updates of a step add, maybe with other formulas."""
        if not instead:
            return {update: self.forms[update] for update in step.updates}
        return {update: self._form_with(step, update, instead) for update in step.updates}

    def _form_with(
        self, step: RuleStep, update: RuleUpdate, instead: Mapping[Address, Pattern]
    ) -> RuleForm | None:
        return form_of(self.perceptron, self._with(update, instead), instead, self.near(step))

    def heals(self, step: RuleStep, update: RuleUpdate, instead: Mapping[Address, Pattern]) -> bool:
        """Whether an update may be what the rule says with other formulas."""
        form = self._form_with(step, update, instead)
        return form is not None and self._departs(update, {update: form}) is None

    def _with(self, update: RuleUpdate, instead: Mapping[Address, Pattern]) -> RuleUpdate:
        """An update as it is with other formulas: it may go on from another cell."""
        base, plain = update.base, self.perceptron.plain
        if update.cell in instead:
            places = (place.at(update.cell) for place in bases(instead[update.cell]))
            cells = [cell for cell in places if cell is not None]
            wanted = self.previous[self.producer[update.cell]]
            produced = (cell for cell in cells if self.producer.get(plain(cell)) == wanted)
            base = next(produced, cells[0] if cells else base)
        if base in instead:
            place = instead[base].place_of(instead[base].expression)
            base = (place.at(base) if place else None) or base
        return RuleUpdate(update.cell, plain(base))

    def _departs(
        self, update: RuleUpdate, forms: Mapping[RuleUpdate, RuleForm | None]
    ) -> Trouble | None:
        form = forms[update]
        if form is None or not form.scales:
            return Trouble.NO_FORM
        if form.factor < 0:
            return Trouble.OPPOSITE
        usual = abs(self.factors[self.weight[update]])
        if abs(form.factor - usual) > SAME * max(form.factor, usual):
            return Trouble.FACTOR
        if not self._has_usual(self.rate, form.rates, update):
            return Trouble.RATE
        if not self._has_usual(self.threshold, form.thresholds, update):
            return Trouble.THRESHOLD
        if not self._has_its_target(update, forms):
            return Trouble.TARGET
        return Trouble.LEVELS if self.levels and form.levels != self.levels else None

    def _has_usual(self, usual: UsualCell, cells: Iterable[Address], update: RuleUpdate) -> bool:
        return all(self._is_usual(usual, cell, update) for cell in cells)

    def _is_usual(self, usual: UsualCell, cell: Address, update: RuleUpdate) -> bool:
        if usual.fixed is not None:
            return cell == usual.fixed
        if usual.away is not None and cell - self._anchor(update) != usual.away:
            return False
        return self.is_number(cell) and not usual.is_none

    def _carried(self, update: RuleUpdate, starts: Mapping[RuleUpdate, Address]) -> Trouble | None:
        before, usual = self.producer.get(starts[update]), self.previous[self.producer[update.cell]]
        if before is None and starts[update] not in self._starts:
            return Trouble.NOT_CARRIED
        if before == usual:
            twice = list(starts.values()).count(starts[update]) > 1
            return Trouble.TWICE if twice else None
        return Trouble.PASTED if before is None else Trouble.NOT_CARRIED
