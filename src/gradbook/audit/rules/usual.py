"""The rule as most of a perceptron's updates follow it, and which of them depart from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeVar

from gradbook.audit.formula.address import SHEET, Address, sheet_of
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import Perceptron, RuleStep, bases
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of

MOST = 0.7  # of the steps agree on something, or they agree on nothing
HALF = 0.5
SAME = 1e-6
FEW_FORMULAS = 3  # in one line

Thing = TypeVar("Thing", bound=Hashable)
Forms = Mapping[RuleUpdate, RuleForm | None]


class Trouble(Enum):
    """Why an update isn't what the rule says."""

    DEPARTS = "it adds something else"
    NOT_CARRIED = "it goes on from another weight, or from another step's"
    PASTED = "it goes on from a typed number"


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


class Usual:
    """What most updates of a perceptron have in common."""

    def __init__(self, perceptron: Perceptron) -> None:
        self.perceptron = perceptron
        self.book, self.plain = perceptron.book, perceptron.plain
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
                is_whole = len(step.updates) == whole
                found[update] = k if is_whole else left.get(self.plain(update.base), k)
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
        return {self.plain(update.base) for update in self.weight}

    @cached_property
    def cells_in_use(self) -> set[Address]:
        """The cells that the training's formulas mention."""
        return set().union(*map(self.perceptron.flow.sources, self.perceptron.cells))

    def is_number(self, cell: Address) -> bool:
        return cell in self.book.patterns or isinstance(self.book.values.get(cell), float)

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
        if usual.fixed is not None:
            return all(cell == usual.fixed for cell in cells)
        away = (None if usual.away is None else cell - self._anchor(update) for cell in cells)
        beside = all(k == usual.away for k in away)
        return beside and all(map(self.is_number, cells)) and not (usual.is_none and cells)

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

    def _has_its_target(self, update: RuleUpdate, form: RuleForm, forms: Forms) -> bool:
        if not self._may_be_target(form):
            return False
        near = self._is_near_its_input(update, form)
        if near is not None:
            return near
        targets = Counter(f.target for f in forms.values() if f)
        if self._target_beside is None:
            return targets[form.target] == max(targets.values())
        same = [(other, f) for other, f in forms.items() if f and f.target == form.target]
        beside = form.target - self._anchor(update) == self._target_beside
        return beside or any(self._is_near_its_input(*one) for one in same)

    def _is_near_its_input(self, update: RuleUpdate, form: RuleForm) -> bool | None:
        """Whether a target is as far from the weight's input as most are; None without any."""
        away = self._targets_away.get(self.weight[update]) if form.inputs else None
        return None if away is None else form.target - min(form.inputs) == away

    # Steps that follow each other

    @cached_property
    def previous(self) -> list[int | None]:
        """The step whose weights each step goes on from."""
        found: list[int | None] = []
        for step in self.steps:
            before = Counter(self.producer.get(self.plain(u.base)) for u in step.updates)
            found.append(max(before, key=lambda k: (before[k], -1 if k is None else k)))
        return found

    @cached_property
    def typed_at_the_end(self) -> list[tuple[RuleUpdate, Address]]:
        """The updates from which nothing goes on though it does from the others of their step, each
        with the cell where a number is typed in place of the next."""
        following = {self.plain(update.base): update for update in self.weight}
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
            for cell in filter(patterns.__contains__, self.cells(step)):
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
        inside = self.inside(step)
        sources = (s for cell in inside for s in self.perceptron.flow.sources(cell))
        repeating = (s for s in sources if s in self.book.patterns and self.plain(s) != s)
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
        found = {u: self._carried(u, starts) or self._departs(u, forms) for u in step.updates}
        return {update: trouble for update, trouble in found.items() if trouble is not None}

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
        return not self._departs(update, {update: self._form_with(step, update, instead)})

    def _with(self, update: RuleUpdate, instead: Mapping[Address, Pattern]) -> RuleUpdate:
        """An update as it is with other formulas: it may go on from another cell."""
        base = update.base
        if update.cell in instead:
            places = (place.at(update.cell) for place in bases(instead[update.cell]))
            cells = [cell for cell in places if cell is not None]
            wanted = self.previous[self.producer[update.cell]]
            produced = (cell for cell in cells if self.producer.get(self.plain(cell)) == wanted)
            base = next(produced, cells[0] if cells else base)
        if base in instead:
            place = instead[base].place_of(instead[base].expression)
            base = (place.at(base) if place else None) or base
        return RuleUpdate(update.cell, self.plain(base))

    def _departs(self, update: RuleUpdate, forms: Forms) -> Trouble | None:
        form = forms[update]
        usual = abs(self.factors[self.weight[update]])
        follows = (
            form is not None
            and form.scales
            and abs(form.factor - usual) <= SAME * max(form.factor, usual)
            and self._is_usual(self.rate, form.rates, update)
            and self._is_usual(self.threshold, form.thresholds, update)
            and self._has_its_target(update, form, forms)
            and self.levels in (None, form.levels)
        )
        return None if follows else Trouble.DEPARTS

    def _carried(self, update: RuleUpdate, starts: Mapping[RuleUpdate, Address]) -> Trouble | None:
        """Whether an update doesn't go on from what the step before left."""
        start = starts[update]
        before = self.producer.get(start)
        if before is None and start not in self._starts:
            return Trouble.NOT_CARRIED
        if before != self.previous[self.producer[update.cell]]:
            return Trouble.PASTED if before is None else Trouble.NOT_CARRIED
        return Trouble.DEPARTS if list(starts.values()).count(start) > 1 else None
