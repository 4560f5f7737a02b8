"""A training by the perceptron rule: its steps, what most updates share, and which differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from random import Random
from typing import TypeVar

from gradbook.audit.rules.perceptron_updates import RuleBook, bases, rule_updates
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of
from gradbook.audit.rules.typed_samples import with_samples_as_cells
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow, walk
from gradbook.cells.formula.address import ACROSS, DOWN, Address, Axis, sheet_of
from gradbook.cells.formula.pattern import Pattern

# Weights that learn together ----------------------------------------------------------

SHARE_OF_UPDATES = 0.25  # of a training's updates must have the rule's form; the rest are mistakes
A_FEW = 24


RuleStep = tuple[RuleUpdate, ...]  # the updates by one sample, in the order of their cells


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    updates = rule_updates(book, flow)
    meant = with_samples_as_cells(book, flow, updates)
    rules = RuleBook(meant, flow if meant is book else Flow(meant), updates)
    if not any(map(rules.form, _some(rules))):
        return []
    found = (Perceptron(rules, _steps_of(rules, group)) for group in _groups(rules))
    return [
        one.with_typed() for one in found if len(one.known) >= SHARE_OF_UPDATES * len(one.updates)
    ]


def _some(rules: RuleBook) -> Iterator[RuleUpdate]:
    """A few updates of each formula, to see whether a workbook uses the rule at all."""
    found: defaultdict[Pattern, list[RuleUpdate]] = defaultdict(list)
    for update in rules.updates:
        found[rules.book.patterns[update.cell]].append(update)
    draw = Random(0)  # since weights may alternate in any pattern
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
    """The updates grouped by sample: an update belongs to the step after those that computed the
    weights that it depends on."""
    number: dict[Address, int] = {}
    steps: defaultdict[int, list[RuleUpdate]] = defaultdict(list)
    levels = rules.flow.levels
    for update in sorted(updates, key=lambda u: (levels.get(u.cell, 0), u.cell)):
        before = (number.get(weight, -1) for weight in rules.weights_behind(update))
        number[update.cell] = 1 + max(before, default=-1)
        steps[number[update.cell]].append(update)
    return tuple(tuple(sorted(steps[k])) for k in sorted(steps))


# What most updates share --------------------------------------------------------------

SHARE_OF_STEPS = 0.7  # of the steps must agree on something
HALF = 0.5
SAME = 1e-6
FEW_FORMULAS = 3  # in one line

Thing = TypeVar("Thing", bound=Hashable)
Forms = Mapping[RuleUpdate, RuleForm | None]
Formulas = Mapping[Address, Pattern]  # to try in place of others
NO_OTHERS: Formulas = {}


def most_common(things: Iterable[Thing], share: float = SHARE_OF_STEPS) -> Thing | None:
    """The value that more than this share of the things have; None if they differ too much."""
    counts = Counter(things)
    most = (thing for thing, count in counts.most_common(1) if count > share * counts.total())
    return next(most, None)


class Perceptron:
    """Weights that are trained together by the perceptron rule, and what most updates share."""

    def __init__(self, rules: RuleBook, steps: tuple[RuleStep, ...]) -> None:
        self.rules, self.steps = rules, steps
        self.book, self.flow, self.plain = rules.book, rules.flow, rules.flow.plain
        self.updates = [update for step in steps for update in step]
        self.forms = {update: rules.form(update) for update in self.updates}
        self.known = {update: form for update, form in self.forms.items() if form}
        self.step_of = {u.cell: k for k, step in enumerate(steps) for u in step}
        self.size = Counter(len(step) for step in steps).most_common(1)[0][0]
        self.number = self._numbers()

    def _numbers(self) -> dict[RuleUpdate, int]:
        """The number of each update's weight: by its line or, without lines, by its place in the
        step; in an incomplete step, by the weight from which it continues."""
        if self.axis:
            lines = [self.axis.line(update.cell) for update in self.updates]
            numbers = {line: k for k, line in enumerate(sorted(set(lines)))}
            return {u: numbers[line] for u, line in zip(self.updates, lines, strict=True)}
        found: dict[RuleUpdate, int] = {}
        left: dict[Address, int] = {}
        for step in self.steps:
            is_whole = len(step) == self.size
            for k, update in enumerate(step):
                found[update] = k if is_whole else left.get(self.plain(update.base), k)
                left[update.cell] = found[update]
        return found

    def with_typed(self) -> Perceptron:
        """The perceptron with typed numbers as updates, too, where a step should compute a weight:
        the next step continues from the number, or it is at the place of such an update."""
        left = [{self.number[u]: u.cell for u in step} for step in self.steps]
        used = [{self.number[u]: self.plain(u.base) for u in step} for step in self.steps]
        steps: list[RuleStep] = []
        for step, own, before, after in zip(
            self.steps, left, [{}, *left[:-1]], [*used[1:], {}], strict=True
        ):
            way = most_common(u.cell - self.plain(u.base) for u in step) or 0
            cells = {**{k: cell + way for k, cell in before.items()}, **after}
            more = [
                RuleUpdate(cell, before.get(number, cell - way))
                for number, cell in cells.items()
                if number not in own and self.is_number(cell) and cell not in self.book.patterns
            ]
            steps.append(tuple(sorted([*step, *more])))
        every = [update for step in steps for update in step]
        if len(every) == len(self.updates):
            return self
        rules = RuleBook(self.book, self.flow, [*self.rules.updates, *every])
        return Perceptron(rules, tuple(steps))

    @cached_property
    def axis(self) -> Axis | None:
        """Whether steps go down or across: the axis along which each weight has its own line, in
        which its updates continue; None if weights have no lines."""
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
        both = ((u.cell, u.base, self.plain(u.base)) for u in self.updates)
        return set(chain.from_iterable(both))

    @cached_property
    def cells(self) -> set[Address]:
        """The weights, and all cells that they depend on."""
        return self.weights.union(*map(self.inside, self.steps))

    def is_number(self, cell: Address) -> bool:
        return cell in self.book.patterns or isinstance(self.book.values.get(cell), float)

    # Rates and thresholds

    @cached_property
    def factors(self) -> dict[int, float]:
        """The rate of each weight: that of most weights or, if they differ too much, that of most
        of its own updates."""
        found: defaultdict[int, list[float]] = defaultdict(list)
        for update, form in self.known.items():
            found[self.number[update]].append(round(abs(form.factor), 9))
        own = {k: Counter(values).most_common(1)[0][0] for k, values in found.items()}
        usual = most_common(own.values(), HALF) if len(own) > 2 else None
        some = next(iter(own.values()))
        return {k: usual or own.get(k, some) for k in set(self.number.values())}

    @cached_property
    def levels(self) -> tuple[float, ...] | None:
        return most_common((form.levels for form in self.known.values()), HALF)

    @cached_property
    def rates(self) -> frozenset[Address] | None:
        return self._shared(lambda form: form.rates)

    @property
    def rate(self) -> Address | None:
        """The cell that contains the rate, if there is exactly one."""
        return next(iter(self.rates)) if self.rates and len(self.rates) == 1 else None

    @cached_property
    def _rates_away(self) -> dict[int, int | None]:
        """The distance of each weight's usual rate from its step's formulas, if steps have their
        own rates."""
        found: defaultdict[int, list[int | None]] = defaultdict(list)
        for update, form in self.known.items():
            found[self.number[update]].append(self._rate_away(update, form))
        return {k: most_common(found[k]) for k in set(self.number.values())}

    def _rate_away(self, update: RuleUpdate, form: RuleForm) -> int | None:
        sample = self._samples(update, form)[1]
        if self.rates is not None or len(form.rates) != 1 or sample is None:
            return None
        return min(form.rates) - sample

    def _is_of_its_step(self, update: RuleUpdate, form: RuleForm) -> bool:
        """Whether an update uses its own step's rate, if most updates do."""
        away, usual = self._rate_away(update, form), self._rates_away[self.number[update]]
        return away is None or usual is None or away == usual

    @cached_property
    def thresholds(self) -> frozenset[Address] | None:
        return self._shared(lambda form: form.thresholds)

    def _shared(
        self, cells_of: Callable[[RuleForm], frozenset[Address]]
    ) -> frozenset[Address] | None:
        """The cells that most updates use for a purpose; None if steps have their own."""
        every = [cells_of(form) for form in self.known.values() if form.target is not None]
        each = [cells for cells in every if all(map(self.is_number, cells))] or every
        if most_common(map(bool, each)) is False:
            return frozenset()
        named, least = Counter(chain.from_iterable(each)), HALF * sum(map(bool, each))
        return frozenset(cell for cell, count in named.items() if count > least) or None

    # Targets

    def _samples(self, update: RuleUpdate, form: RuleForm) -> list[Address | None]:
        """The possible places of an update's sample: its first input, and its first formula."""
        inside = (cell for cell in self.rules.inside(update) if cell not in self.weights)
        return [min(form.inputs, default=None), min(inside, default=None)]

    @cached_property
    def _targets_away(self) -> dict[tuple[int, int], int | None]:
        """The distance of the target from each of these places, for each weight."""
        found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for update, form in self.known.items():
            for way, sample in enumerate(self._samples(update, form)):
                if form.target is not None and sample is not None:
                    found[way, self.number[update]].append(form.target - sample)
        return {key: most_common(aways) for key, aways in found.items()}

    def _target(self, forms: Forms) -> Address | None:
        """The place where a step's target should be: at the usual distance from the inputs, else
        from the formulas, else the target that most of its updates use."""
        likely: tuple[list[Address], list[Address]] = [], []
        for update, form in forms.items():
            for way, sample in enumerate(self._samples(update, form) if form else ()):
                away = self._targets_away.get((way, self.number[update]))
                if sample is not None and away is not None:
                    likely[way].append(sample + away)
        every = [form.target for form in forms.values() if form]
        return most_common(likely[0] or likely[1] or every, 0)

    # Formulas that most steps share

    @cached_property
    def patterns(self) -> dict[object, Counter[Pattern]]:
        """The formulas at each place of a step, relative to its first update, and those of each
        line."""
        found: defaultdict[object, Counter[Pattern]] = defaultdict(Counter)
        axis, patterns = self.axis, self.book.patterns
        for step in self.steps:
            for cell in filter(patterns.__contains__, self.cells_of(step)):
                found[cell - step[0].cell][patterns[cell]] += 1
                if axis is not None:
                    found[axis.line(cell)][patterns[cell]] += 1
        return found

    def inside(self, step: RuleStep) -> list[Address]:
        """The formulas of a step."""
        every = (cell for update in step for cell in self.rules.inside(update))
        return list(dict.fromkeys(every))

    def cells_of(self, step: RuleStep) -> list[Address]:
        """The formulas of a step, those that only repeat others, and the weights before it."""
        inside = self.inside(step)
        sources = (s for cell in inside for s in self.flow.sources(cell))
        repeating = (s for s in sources if s in self.book.patterns and self.plain(s) != s)
        return list(dict.fromkeys([*inside, *repeating, *(u.base for u in step)]))

    def usual_at(self, step: RuleStep, cell: Address) -> list[Pattern]:
        """The formulas that most steps have at a cell's place, then those that only some have, such
        as the first step of an epoch."""
        keys: list[object] = [*([self.axis.line(cell)] if self.axis else []), cell - step[0].cell]
        counters = [self.patterns[key] for key in keys if key in self.patterns]
        most = [c.most_common(1)[0][0] for c in counters if c.total() > 1]
        some = [p for c in counters for p, count in c.most_common(FEW_FORMULAS) if count > 1]
        return list(dict.fromkeys([*most, *some]))

    def near(self, step: RuleStep) -> set[Address]:
        """The cells in which a step has formulas, or in which several steps have one."""
        return {step[0].cell + k for k in self._away}.union(self.cells_of(step))

    @cached_property
    def _away(self) -> list[int]:
        """The distances from a step's first update at which several steps have a formula."""
        counts = self.patterns.items()
        return [key for key, count in counts if isinstance(key, int) and count.total() > 1]

    # Which updates are wrong

    def wrong(
        self, updates: Iterable[RuleUpdate], instead: Formulas = NO_OTHERS
    ) -> set[RuleUpdate]:
        """The updates of a step that don't follow the rule, perhaps with other formulas."""
        forms = self.forms_with(updates, instead)
        target = self._target(forms)
        starts = {update: self._with(update, instead).base for update in forms}
        count = Counter(starts.values())
        return {
            update
            for update, start in starts.items()
            if count[start] > 1
            or not self.is_carried(update, start)
            or not self._follows(update, forms[update], target)
        }

    @cached_property
    def is_followed(self) -> bool:
        """Whether any update follows the rule."""
        return any(len(self.wrong(step)) < len(step) for step in self.steps)

    def is_carried(self, update: RuleUpdate, weight: Address) -> bool:
        """Whether a weight was computed by the step before an update's."""
        is_before = self.step_of.get(weight, -1) == self.step_of[update.cell] - 1
        return is_before and weight in self.weights

    def forms_with(self, updates: Iterable[RuleUpdate], instead: Formulas) -> Forms:
        """The forms of a step's updates, perhaps with other formulas."""
        if not instead:
            return {update: self.forms[update] for update in updates}
        return {u: form_of(self.rules, self._with(u, instead), instead) for u in updates}

    def _with(self, update: RuleUpdate, instead: Formulas) -> RuleUpdate:
        """An update with other formulas, which may continue from another cell."""
        base = update.base
        if update.cell in instead:
            places = (place.at(update.cell) for place in bases(instead[update.cell]))
            cells = [cell for cell in places if cell is not None]
            left = (cell for cell in cells if self.is_carried(update, self.plain(cell)))
            base = next(left, cells[0] if cells else base)
        if base in instead:
            place = instead[base].place_of(instead[base].expression)
            base = (place.at(base) if place else None) or base
        return RuleUpdate(update.cell, self.plain(base))

    def _follows(self, update: RuleUpdate, form: RuleForm | None, target: Address | None) -> bool:
        """Whether an update follows the rule with the usual rate, threshold, levels and target."""
        usual = self.factors[self.number[update]]
        return (
            form is not None
            and abs(form.factor - usual) <= SAME * max(form.factor, usual)
            and self._are_usual(form.rates, self.rates)
            and self._are_usual(form.thresholds, self.thresholds)
            and self._is_of_its_step(update, form)
            and form.target is not None
            and form.target == target
            and self.levels in (None, form.levels)
        )

    def _are_usual(self, cells: frozenset[Address], shared: frozenset[Address] | None) -> bool:
        return all(map(self.is_number, cells)) if shared is None else cells <= shared
