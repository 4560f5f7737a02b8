"""A training by the perceptron rule: its steps, what most updates share, and which depart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from random import Random
from typing import TypeVar

from gradbook.audit.formula.address import ACROSS, DOWN, SHEET, Address, Axis, sheet_of
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of
from gradbook.audit.rules.updates import RuleBook, bases, rule_updates
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow, walk

# Weights that learn together ----------------------------------------------------------

ENOUGH = 0.25  # of a training's updates have the rule's form; the others are mistakes
A_FEW = 24


@dataclass(frozen=True)
class RuleStep:
    """The updates that one sample makes, in the order of their cells."""

    updates: tuple[RuleUpdate, ...]

    @property
    def first(self) -> Address:
        return self.updates[0].cell


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    rules = RuleBook(book, flow, rule_updates(book, flow))
    if not any(map(rules.form, _some(rules))):
        return []
    found = (Perceptron(rules, _steps_of(rules, group)) for group in _groups(rules))
    return [one for one in found if len(one.known) >= ENOUGH * len(one.updates)]


def _some(rules: RuleBook) -> Iterator[RuleUpdate]:
    """A few updates of each formula, to see whether a book knows the rule at all."""
    found: defaultdict[Pattern, list[RuleUpdate]] = defaultdict(list)
    for update in rules.updates:
        found[rules.book.patterns[update.cell]].append(update)
    draw = Random(0)  # weights take turns in many ways
    for alike in found.values():
        yield from draw.sample(alike, min(len(alike), A_FEW))


def _groups(rules: RuleBook) -> Iterator[list[RuleUpdate]]:
    """The updates, grouped by weights that depend on each other."""
    linked: defaultdict[Address, set[Address]] = defaultdict(set)
    for update in rules.updates:
        for weight in rules.weights_behind(update):
            linked[weight].add(update.cell)
            linked[update.cell].add(weight)
    left = {update.cell: update for update in rules.updates}
    while left:
        cells = set(walk([next(iter(left))], linked.__getitem__))
        yield [left.pop(cell) for cell in sorted(cells & left.keys())]


def _steps_of(rules: RuleBook, updates: Iterable[RuleUpdate]) -> tuple[RuleStep, ...]:
    """The updates by the samples that make them: an update is of the step that follows those which
    left the weights that it is computed from."""
    number: dict[Address, int] = {}
    steps: defaultdict[int, list[RuleUpdate]] = defaultdict(list)
    levels = rules.flow.levels
    for update in sorted(updates, key=lambda u: (levels.get(u.cell, 0), u.cell)):
        before = (number.get(weight, -1) for weight in rules.weights_behind(update))
        number[update.cell] = 1 + max(before, default=-1)
        steps[number[update.cell]].append(update)
    return tuple(RuleStep(tuple(sorted(steps[k], key=lambda u: u.cell))) for k in sorted(steps))


# What most updates share --------------------------------------------------------------

MOST = 0.7  # of the steps agree on something, or they agree on nothing
HALF = 0.5
SAME = 1e-6
FEW_FORMULAS = 3  # in one line

Thing = TypeVar("Thing", bound=Hashable)
Forms = Mapping[RuleUpdate, RuleForm | None]
NO_OTHERS: Mapping[Address, Pattern] = {}


class Trouble(Enum):
    """Why an update isn't what the rule says."""

    DEPARTS = "it adds something else"
    NOT_CARRIED = "it goes on from another weight, or from another step's"


def most_common(things: Iterable[Thing], share: float = MOST) -> Thing | None:
    """What most of some things are; None where they are too different."""
    counts = Counter(things)
    if not counts:
        return None
    thing, count = counts.most_common(1)[0]
    return thing if count >= share * counts.total() else None


@dataclass(frozen=True)
class UsualCell:
    """A cell that all steps share, or one that moves along with them, or none at all."""

    fixed: Address | None = None
    away: int | None = None  # from a cell that each step has
    is_none: bool = False


@dataclass(frozen=True)
class TypedWeight:
    """A number that is typed where a step should leave a weight."""

    number: int  # of the weight
    cell: Address
    step: RuleStep
    before: Address | None  # what the step before left


class Perceptron:
    """Weights that learn together by the perceptron rule, and what most of their updates share."""

    def __init__(self, rules: RuleBook, steps: tuple[RuleStep, ...]) -> None:
        self.rules, self.steps = rules, steps
        self.book, self.flow, self.plain = rules.book, rules.flow, rules.flow.plain
        self.updates = [update for step in steps for update in step.updates]
        self.forms = {update: rules.form(update) for update in self.updates}
        self.known = {update: form for update, form in self.forms.items() if form}
        self.step_of = {u.cell: k for k, step in enumerate(steps) for u in step.updates}
        self.size = Counter(len(step.updates) for step in steps).most_common(1)[0][0]
        self.weight = self._numbers()

    def _numbers(self) -> dict[RuleUpdate, int]:
        """The number of each update's weight: by its line or, where weights have none, by its place
        in the step; in a step that lacks some, by the weight that it goes on from."""
        if self.axis:
            lines = [self.axis.line(update.cell) for update in self.updates]
            numbers = {line: k for k, line in enumerate(sorted(set(lines)))}
            return {u: numbers[line] for u, line in zip(self.updates, lines, strict=True)}
        found: dict[RuleUpdate, int] = {}
        left: dict[Address, int] = {}
        for step in self.steps:
            is_whole = len(step.updates) == self.size
            for k, update in enumerate(step.updates):
                found[update] = k if is_whole else left.get(self.plain(update.base), k)
                left[update.cell] = found[update]
        return found

    def of_weight(self, number: int) -> list[RuleUpdate]:
        """The updates of one weight."""
        return [update for update, k in self.weight.items() if k == number]

    @cached_property
    def axis(self) -> Axis | None:
        """Whether steps go down or across: the axis along which each weight has a line of its own,
        on which its updates go on; None where weights have none."""
        ways = [(update.cell, self.plain(update.base)) for update in self.updates]

        def going_on(axis: Axis) -> int:
            return sum(axis.line(cell) == axis.line(base) for cell, base in ways)

        able = [a for a in (DOWN, ACROSS) if len({a.line(cell) for cell, _ in ways}) == self.size]
        return max(able, key=going_on, default=None)

    @cached_property
    def sheet(self) -> int:
        return Counter(sheet_of(update.cell) for update in self.updates).most_common(1)[0][0]

    @cached_property
    def weights(self) -> set[Address]:
        """The cells of the weights, before and after updates."""
        return {cell for update in self.updates for cell in (update.cell, update.base)}

    @cached_property
    def cells(self) -> set[Address]:
        """The weights, and all that they are made of."""
        return self.weights.union(map(self.plain, self.weights), *map(self.inside, self.steps))

    @cached_property
    def cells_in_use(self) -> set[Address]:
        """The cells that the training's formulas mention."""
        return set().union(*map(self.flow.sources, self.cells))

    def is_number(self, cell: Address) -> bool:
        return cell in self.book.patterns or isinstance(self.book.values.get(cell), float)

    # Rates and thresholds

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
        return self._usual_cell(lambda form: form.rates)

    @cached_property
    def threshold(self) -> UsualCell:
        return self._usual_cell(lambda form: form.thresholds)

    def _usual_cell(self, cells_of: Callable[[RuleForm], frozenset[Address]]) -> UsualCell:
        """The one cell that updates name, the same for all or so far away from each step."""
        named = {update: cells_of(form) for update, form in self.known.items()}
        if most_common(not cells for cells in named.values()):
            return UsualCell(is_none=True)
        single = [(u, next(iter(cells))) for u, cells in named.items() if len(cells) == 1]
        holding = [cell for _, cell in single if self.is_number(cell)]
        fixed = most_common(holding or (cell for _, cell in single), HALF)
        if len(self.steps) > 1 and fixed is not None:
            return UsualCell(fixed=fixed)
        away = most_common(cell - self._anchor(u) for u, cell in single)
        return UsualCell(fixed if away is None else None, away)

    def _is_usual(self, usual: UsualCell, cells: Collection[Address], update: RuleUpdate) -> bool:
        if usual.is_none:
            return not cells
        if usual.fixed is not None:
            return all(cell == usual.fixed for cell in cells)
        beside = all(usual.away in (None, cell - self._anchor(update)) for cell in cells)
        return beside and all(map(self.is_number, cells))

    def _anchor(self, update: RuleUpdate) -> Address:
        """A cell of the step that moves along with its sample."""
        return self._anchors[self.step_of[update.cell]]

    @cached_property
    def _anchors(self) -> list[Address]:
        own = [[c for c in self.inside(step) if c not in self.weights] for step in self.steps]
        both = list(zip(own, self.steps, strict=True))
        away = most_common((min(cells) - step.first for cells, step in both if cells), 0) or 0
        firsts = [min(cells, default=step.first + away) for cells, step in both]
        axis = self.axis
        return [sheet_of(c) * SHEET + axis.along(c) * axis.step if axis else c for c in firsts]

    # Targets

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

    def _target(self, update: RuleUpdate, forms: Forms) -> Address | None:
        """Where the target of an update's step should be: as far from the inputs as most are, else
        as far from the step's own cells, else where most of its updates have it."""
        known = {u: form for u, form in forms.items() if form}
        away = {u: self._targets_away.get(self.weight[u]) for u, f in known.items() if f.inputs}
        near = [min(known[u].inputs) + k for u, k in away.items() if k is not None]
        if not near and self._target_beside is not None:
            return self._anchor(update) + self._target_beside
        return most_common(near or (form.target for form in known.values()), 0)

    # Formulas that most steps have

    @cached_property
    def patterns(self) -> dict[object, Counter[Pattern]]:
        """The formulas at each place of a step, by how far it is from the first update, and those
        of each line."""
        found: defaultdict[object, Counter[Pattern]] = defaultdict(Counter)
        axis, patterns = self.axis, self.book.patterns
        for step in self.steps:
            for cell in filter(patterns.__contains__, self.cells_of(step)):
                found[cell - step.first][patterns[cell]] += 1
                if axis is not None:
                    found[axis.line(cell)][patterns[cell]] += 1
        return found

    def inside(self, step: RuleStep) -> list[Address]:
        """The formulas of a step."""
        every = (cell for update in step.updates for cell in self.rules.inside(update))
        return list(dict.fromkeys(every))

    def cells_of(self, step: RuleStep) -> list[Address]:
        """The formulas of a step, those that only repeat others, and the weights before it."""
        inside = self.inside(step)
        sources = (s for cell in inside for s in self.flow.sources(cell))
        repeating = (s for s in sources if s in self.book.patterns and self.plain(s) != s)
        return list(dict.fromkeys([*inside, *repeating, *(u.base for u in step.updates)]))

    def usual_at(self, step: RuleStep, cell: Address) -> list[Pattern]:
        """The formulas that most steps have where a cell stands, then those that some have, as the
        first of an epoch."""
        keys: list[object] = [*([self.axis.line(cell)] if self.axis else []), cell - step.first]
        counters = [self.patterns[key] for key in keys if key in self.patterns]
        most = [c.most_common(1)[0][0] for c in counters if c.total() > 1]
        some = [p for c in counters for p, count in c.most_common(FEW_FORMULAS) if count > 1]
        return list(dict.fromkeys([*most, *some]))

    @cached_property
    def near(self) -> dict[RuleStep, set[Address]]:
        """The cells in which a step has formulas, or most steps have one there."""
        away = [key for key in self.patterns if isinstance(key, int)]
        both = ((step, {step.first + k for k in away}) for step in self.steps)
        return {step: beside.union(self.cells_of(step)) for step, beside in both}

    # Which of them depart

    def troubles(
        self, step: RuleStep, instead: Mapping[Address, Pattern] = NO_OTHERS
    ) -> dict[RuleUpdate, Trouble]:
        """The updates of a step that aren't what the rule says, maybe with other formulas."""
        forms = self.forms_with(step, instead)
        starts = {update: self._with(update, instead).base for update in step.updates}
        twice = {start for start, count in Counter(starts.values()).items() if count > 1}
        found: dict[RuleUpdate, Trouble] = {}
        for update, start in starts.items():
            if start not in self._typed and not self._is_before(update, start):
                found[update] = Trouble.NOT_CARRIED
            elif start in twice or not self._follows(update, forms):
                found[update] = Trouble.DEPARTS
        return found

    def forms_with(self, step: RuleStep, instead: Mapping[Address, Pattern]) -> Forms:
        """What the updates of a step add, maybe with other formulas."""
        return {update: self._form_with(step, update, instead) for update in step.updates}

    def _form_with(
        self, step: RuleStep, update: RuleUpdate, instead: Mapping[Address, Pattern]
    ) -> RuleForm | None:
        if not instead:
            return self.forms[update]
        return form_of(self.rules, self._with(update, instead), instead, self.near[step])

    def heals(self, step: RuleStep, update: RuleUpdate, instead: Mapping[Address, Pattern]) -> bool:
        """Whether an update may be what the rule says with other formulas."""
        return self._follows(update, {update: self._form_with(step, update, instead)})

    def _with(self, update: RuleUpdate, instead: Mapping[Address, Pattern]) -> RuleUpdate:
        """An update as it is with other formulas: it may go on from another cell."""
        base = update.base
        if update.cell in instead:
            places = (place.at(update.cell) for place in bases(instead[update.cell]))
            cells = [cell for cell in places if cell is not None]
            left = (cell for cell in cells if self._is_before(update, self.plain(cell)))
            base = next(left, cells[0] if cells else base)
        if base in instead:
            place = instead[base].place_of(instead[base].expression)
            base = (place.at(base) if place else None) or base
        return RuleUpdate(update.cell, self.plain(base))

    def _is_before(self, update: RuleUpdate, weight: Address) -> bool:
        """Whether a weight is what the step before an update's left."""
        is_one = weight in self.rules.weight_cells
        return is_one and self.step_of.get(weight, -1) == self.step_of[update.cell] - 1

    def _follows(self, update: RuleUpdate, forms: Forms) -> bool:
        form = forms[update]
        usual = abs(self.factors[self.weight[update]])
        return (
            form is not None
            and abs(form.factor - usual) <= SAME * max(form.factor, usual)
            and self._is_usual(self.rate, form.rates, update)
            and self._is_usual(self.threshold, form.thresholds, update)
            and self._may_be_target(form)
            and form.target == self._target(update, forms)
            and self.levels in (None, form.levels)
        )

    # Weights that are typed in between

    @cached_property
    def _typed(self) -> set[Address]:
        return {typed.cell for typed in self.typed_weights}

    @cached_property
    def typed_weights(self) -> list[TypedWeight]:
        """The numbers that are typed where the others of a step's weights are computed: the step
        after goes on from them, or they stand beside the others."""
        left = [{self.weight[u]: u.cell for u in step.updates} for step in self.steps]
        used = [{self.weight[u]: self.plain(u.base) for u in step.updates} for step in self.steps]
        before_after = zip(self.steps, left, [{}, *left], [*used[1:], {}], strict=False)
        found = []
        for step, own, before, after in before_after:
            shift = most_common(own[k] - cell for k, cell in before.items() if k in own) or 0
            beside = {k: cell + shift for k, cell in before.items()}
            for number, cell in {**beside, **after}.items():
                is_typed = self.is_number(cell) and cell not in self.book.patterns
                if number not in own and is_typed:
                    found.append(TypedWeight(number, cell, step, before.get(number)))
        return found
