"""Trainings by the perceptron rule: their updates, wherever these stand, and their steps.

The weight before an update may stand above, on the left, in another table, or behind a cell that
only repeats it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from random import Random

from gradbook.audit.budget import spend
from gradbook.audit.edits.formula_edits import COMPARISONS
from gradbook.audit.formula.address import ACROSS, DOWN, ROW, Address, Axis, sheet_of
from gradbook.audit.formula.expression import once, parts, references, terms
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language import Call, Expression, Infix, Reference

# Updates ------------------------------------------------------------------------------

LOOKED_THROUGH = 20_000  # numbers: what it costs to look for one in the other
NEAR = 3000  # cells to look through on the way from an update back to its weight
STEPPING = ("SIGN", "ROUND", "INT", "TRUNC")


def could_step(pattern: Pattern) -> bool:
    """Whether a formula, or a part of it, could be a step."""
    return pattern.form is not None and _steps(pattern.form.expression)


@once
def _steps(form: Expression) -> bool:
    return any(
        (isinstance(part, Infix) and part.operator in COMPARISONS)
        or (isinstance(part, Call) and part.function in STEPPING)
        for part in parts(form)
    )


def rule_updates(book: Book, flow: Flow) -> list[RuleUpdate]:
    """Every cell whose change depends on the weight that it goes on from, and on some step."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        homes[pattern].append(cell)
    steps = {cell for pattern in filter(could_step, homes) for cell in homes[pattern]}
    stepped = flow.below(steps) | steps
    found: list[RuleUpdate] = []
    for pattern, cells in homes.items():
        places = bases(pattern) if not stepped.isdisjoint(cells) else ()
        some = sorted({cells[0], cells[min(1, len(cells) - 1)], cells[len(cells) // 2]})
        learning = (p for p in places if any(_depends(flow, pattern, p, cell) for cell in some))
        for place in learning:
            found += updates_at(cells, place)
            break
    return sorted(_in_chains(book, flow, found), key=lambda update: update.cell)


def _in_chains(book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> list[RuleUpdate]:
    """The updates without formulas that nothing goes on from: a target minus its output depends on
    that target too, if only by way of the steps before."""
    cells = {update.cell for update in updates}
    before = {flow.plain(update.base) for update in updates}
    chained = {
        book.patterns[update.cell]
        for update in updates
        if update.cell in before or flow.plain(update.base) in cells
    }
    return [u for u in updates if book.patterns[u.cell] in chained] or list(updates)


def updates_at(cells: Iterable[Address], place: CellReference) -> Iterator[RuleUpdate]:
    """The updates of cells that go on from the one at some place."""
    for cell in cells:
        base = place.at(cell)
        if base is not None and base != cell:
            yield RuleUpdate(cell, base)


def bases(pattern: Pattern) -> list[CellReference]:
    """The cells that a formula goes on from, whichever way its conditions go."""
    ways = _ways_of(pattern.form.expression) if pattern.form else ()
    if not ways:
        return []
    first, *others = [[pattern.word_for(part) for part in way] for way in ways]
    words = [word for word in first if all(word in way for way in others)]
    places = (pattern.place_of(Reference(word)) for word in dict.fromkeys(words))
    return [place for place in places if place is not None]


@once
def _ways_of(form: Expression) -> list[list[Reference]]:
    """The cells that a formula adds as they are, for each way that its conditions may go; none of
    one that only repeats a cell, or has nothing to go on from."""
    ways = [] if isinstance(form, Reference) else _ways(form)
    alone = len(ways) == 1 and len(ways[0]) < 2
    return [] if alone else [[Reference(text) for text in way if text] for way in ways]


def _ways(expression: Expression) -> list[list[str]]:
    """The cells that are added as they are, for each way that conditions may go."""
    match expression:
        case Call("IF", (_, then, otherwise)) if then is not None and otherwise is not None:
            return [*_ways(then), *_ways(otherwise)]
        case Call("SUM", arguments) if len(arguments) > 1:
            return [[*(a.text for a in arguments if isinstance(a, Reference)), ""]]
    signed = terms(expression)
    if len(signed) == 1 and not isinstance(expression, Reference):
        return [[]]
    added = [part.text for sign, part in signed if sign > 0 and isinstance(part, Reference)]
    return [[*added, ""]] if len(signed) > 1 else [added]


def _depends(flow: Flow, pattern: Pattern, place: CellReference, cell: Address) -> bool:
    """Whether what a cell adds depends on the cell that it goes on from."""
    base = place.at(cell)
    if base is None or pattern.expression is None:
        return False
    spend(LOOKED_THROUGH)
    origin = flow.plain(base)
    mentions = [pattern.mentions.get(word.text) for word in references(pattern.expression)]
    others = list(flow.mentioned_cells(mentions, cell))
    if could_step(pattern) and others.count(base) > len(_ways(pattern.expression)):
        return True  # the formula holds the whole step
    start = [at for at in others if at != base and flow.plain(at) != origin]
    return flow.depends(start, lambda at: at == base or flow.plain(at) == origin, origin, NEAR)


# Weights that learn together ----------------------------------------------------------

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

    def learning(self, updates: Sequence[RuleUpdate]) -> Perceptron:
        """Return the same cells with more weights."""
        cells = {self.plain(u.base) for u in updates} | {u.cell for u in updates}
        varying = self.varying | self.flow.below(cells) | cells
        return Perceptron(self.book, self.flow, self.weight_cells | cells, varying)

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
        return self.flow.plain(cell)

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
            made_of, leaves = self.signature(update)
            if made_of not in self._forms:
                form = form_of(self, update, {})
                places = {cell: k for k, cell in enumerate(leaves)}
                self._forms[made_of] = form.for_cells(places) if form else None
            known = self._forms[made_of]
            self._form_of[update] = known.for_cells(dict(enumerate(leaves))) if known else None
        return self._form_of[update]

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
                if source not in seen and self._is_computed(source):
                    seen.add(source)
                    waiting.append(source)
        return found

    def _is_computed(self, cell: Address) -> bool:
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


def find_perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The trainings by the perceptron rule, in the order of the sheets."""
    updates = rule_updates(book, flow)
    every = Perceptron(book, flow, set(), set()).learning(updates)
    if not any(map(every.form, _some(book, updates))):
        return []
    found: list[Perceptron] = []
    for group in _groups(every, updates):
        if sum(every.form(update) is not None for update in group) >= ENOUGH * len(group):
            beside = _companions(every, group, updates)
            some = every.learning(beside) if beside else every
            found.append(some.with_steps(_steps_of(some, group, beside)))
    return found


def _some(book: Book, updates: Iterable[RuleUpdate]) -> list[RuleUpdate]:
    """A few updates of each formula, to see whether a book knows the rule at all."""
    found: defaultdict[Pattern, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        found[book.patterns[update.cell]].append(update)
    draw = Random(0)  # weights take turns in many ways
    some = (draw.sample(alike, min(len(alike), A_FEW)) for alike in found.values())
    return [update for alike in some for update in alike]


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
        if patterns[cell].shape in shapes:
            options = (u for place in bases(patterns[cell]) for u in updates_at([cell], place))
            found += [u for u in options if u.cell - u.base in ways][:1]
    return found


# Steps --------------------------------------------------------------------------------


def _steps_of(
    every: Perceptron, updates: Sequence[RuleUpdate], beside: Sequence[RuleUpdate]
) -> tuple[RuleStep, ...]:
    """The updates by the samples that make them, in the order in which they follow each other: by
    the weights in their sum, those beside them by their places."""
    groups: defaultdict[object, list[RuleUpdate]] = defaultdict(list)
    for update in updates:
        form = every.form(update)
        groups[form.weights if form else None].append(update)
    alone = [*groups.pop(None, []), *beside]
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
