"""Updates by the perceptron rule, wherever they stand, and what each of them is made of.

The weight before an update may stand above, on the left, in another table, or behind a cell that
only repeats it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from gradbook.audit.budget import spend
from gradbook.audit.edits.formula_edits import COMPARISONS
from gradbook.audit.formula.address import ROW, Address
from gradbook.audit.formula.expression import once, parts, terms
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow, walk
from gradbook.targets.excel.language import Call, Expression, Infix, Reference

# Updates ------------------------------------------------------------------------------

LOOKED_THROUGH = 20_000  # numbers: what it costs to look for one in the other
NEAR = 3000  # cells to look through on the way from an update back to its weight
STEPPING = ("SIGN", "ROUND", "INT", "TRUNC")
NEXT_TO = (-2, -1, 1, 2)  # rows or columns


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
    """Every cell whose change depends on the weight that it goes on from, and on some step; and
    those beside them."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        homes[pattern].append(cell)
    steps = {cell for pattern in filter(could_step, homes) for cell in homes[pattern]}
    stepped = flow.below(steps) | steps
    found: list[RuleUpdate] = []
    for pattern, cells in homes.items():
        for place in bases(pattern) if not stepped.isdisjoint(cells) else ():
            updates = _updates_at(cells, place)
            some = {*updates[:2], *updates[len(updates) // 2 :][:1]}
            if any(_depends(flow, pattern, update) for update in some):
                found += updates
                break
    chained = _in_chains(book, flow, found)
    return sorted([*chained, *_companions(book, chained)])


def _updates_at(cells: Iterable[Address], place: CellReference) -> list[RuleUpdate]:
    """The updates of cells that go on from the one at some place."""
    both = ((cell, place.at(cell)) for cell in cells)
    return [RuleUpdate(cell, base) for cell, base in both if base is not None and base != cell]


def bases(pattern: Pattern) -> list[CellReference]:
    """The cells that a formula goes on from, whichever way its conditions go."""
    said = pattern.expression
    if said is None or isinstance(said, Reference):
        return []
    first, *others = _ways(said)
    kept = (word for word in dict.fromkeys(first) if all(word in way for way in others))
    places = (pattern.place_of(Reference(word)) for word in kept)
    return [place for place in places if place is not None]


def _ways(expression: Expression) -> list[list[str]]:
    """The cells that are added as they are, for each way that conditions may go."""
    match expression:
        case Call("IF", (_, then, otherwise)) if then is not None and otherwise is not None:
            return [*_ways(then), *_ways(otherwise)]
        case Call("SUM", arguments):
            return [[part.text for part in arguments if isinstance(part, Reference)]]
    added = terms(expression)
    return [[part.text for sign, part in added if sign > 0 and isinstance(part, Reference)]]


def _depends(flow: Flow, pattern: Pattern, update: RuleUpdate) -> bool:
    """Whether what a cell adds depends on the cell that it goes on from."""
    base, origin = update.base, flow.plain(update.base)
    spend(LOOKED_THROUGH)
    others = list(flow.mentioned_cells(pattern.places, update.cell))
    said = pattern.expression
    if said and could_step(pattern) and others.count(base) > len(_ways(said)):
        return True  # the formula holds the whole step
    start = [at for at in others if at != base and flow.plain(at) != origin]
    return flow.depends(start, lambda at: at == base or flow.plain(at) == origin, origin, NEAR)


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


def _companions(book: Book, updates: Sequence[RuleUpdate]) -> list[RuleUpdate]:
    """Cells beside the updates with the same kind of formula, though no sum has their weight."""
    patterns = book.patterns
    shapes, ways = {patterns[u.cell].shape for u in updates}, {u.cell - u.base for u in updates}
    near = {u.cell + step * k for u in updates for step in (1, ROW) for k in NEXT_TO}
    found: list[RuleUpdate] = []
    for cell in sorted(near & patterns.keys() - {update.cell for update in updates}):
        if patterns[cell].shape in shapes:
            places = (place for place in bases(patterns[cell]) if place.moves)
            options = (update for place in places for update in _updates_at([cell], place))
            found += [u for u in options if cell - u.base in ways][:1]
    return found


# What they are made of -----------------------------------------------------------------

MOST_CELLS = 400  # of one update

Signature = tuple[object, ...]


class RuleBook:
    """A book with all its updates by the perceptron rule, as a training that steps are worked of.

    Knows the weights' plain cells, of all steps, and the cells that vary with them. The form of an
    update and the formulas behind it are worked out once for all updates that are made alike.
    """

    def __init__(self, book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> None:
        self.book, self.flow, self.plain, self.updates = book, flow, flow.plain, updates
        self.weight_cells = {c for u in updates for c in (u.cell, self.plain(u.base))}
        self.varying = flow.below(self.weight_cells) | self.weight_cells
        self._computed = self.varying & book.patterns.keys() - self.weight_cells
        self._forms: dict[Signature, tuple[RuleForm | None, list[Address]]] = {}
        self._inside: dict[Address, list[Address]] = {}

    def before(self, cell: Address, other: Address) -> bool:
        """Always false: only weights carry anything from one step to the next."""
        return False

    def form(self, update: RuleUpdate) -> RuleForm | None:
        """What an update adds; looked at once for all updates that are made alike."""
        made_of, leaves = self.signature(update)
        if made_of not in self._forms:
            self._forms[made_of] = form_of(self, update, {}), leaves
        form, places = self._forms[made_of]
        return form.for_cells(dict(zip(places, leaves, strict=True))) if form else None

    def signature(self, update: RuleUpdate) -> tuple[Signature, list[Address]]:
        """What an update is made of, and its leaves, in an order that equal ones share."""
        inside = self.inside(update)
        places: dict[Address, int] = {cell: -1 - k for k, cell in enumerate(inside)}
        leaves: dict[Address, int] = {}
        made_of: list[object] = []
        for cell in inside:
            made_of += [self.book.patterns.get(cell), cell - update.cell]
            for plain in map(self.plain, self.flow.sources(cell)):
                made_of.append(places.get(plain, 0) or leaves.setdefault(plain, len(leaves)))
                value = self.book.values.get(plain)
                is_weight = plain in self.weight_cells
                made_of.append(value if isinstance(value, str | bool) else is_weight)
        made_of.append(update.cell - update.base)
        made_of.append(leaves.setdefault(self.plain(update.base), len(leaves)))
        return tuple(made_of), list(leaves)

    def inside(self, update: RuleUpdate) -> list[Address]:
        """The formulas of the step that an update is computed from, its own first."""

        def further(cell: Address) -> Iterable[Address]:
            return filter(self._computed.__contains__, map(self.plain, self.flow.sources(cell)))

        if update.cell not in self._inside:
            self._inside[update.cell] = list(walk([update.cell], further, MOST_CELLS))
        return self._inside[update.cell]

    def weights_behind(self, update: RuleUpdate) -> set[Address]:
        """The weights that an update is computed from, the one before it among them."""
        sources = (s for cell in self.inside(update) for s in self.flow.sources(cell))
        return self.weight_cells.intersection(map(self.plain, sources))
