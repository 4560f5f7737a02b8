"""Updates by the perceptron rule, anywhere in a workbook, and the cells that each depends on.

The weight before an update may be above it, to its left, in another table, or in a cell that only
refers to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from gradbook.audit.edits.formula_edits import COMPARISONS
from gradbook.audit.rules.rule_form import RuleForm, RuleUpdate, form_of
from gradbook.cells.book import Book
from gradbook.cells.budget import spend
from gradbook.cells.flow import Flow, walk
from gradbook.cells.formula.address import ROW, Address
from gradbook.cells.formula.expression import once, parts, terms
from gradbook.cells.formula.pattern import CellReference, Pattern
from gradbook.cells.formula.syntax import Call, Expression, Infix, Reference

# Updates ------------------------------------------------------------------------------

LOOKED_THROUGH = 20_000  # numbers: the cost of searching for one update's weight
NEAR = 3000  # cells to search on the path from an update back to its weight
STEPPING = ("SIGN", "ROUND", "INT", "TRUNC")
NEXT_TO = (-2, -1, 1, 2)  # rows or columns


def could_step(pattern: Pattern) -> bool:
    """Whether a formula, or a part of it, could be a step function."""
    return pattern.form is not None and _steps(pattern.form.expression)


@once
def _steps(form: Expression) -> bool:
    return any(map(is_step, parts(form)))


def is_step(part: Expression) -> bool:
    """Whether an operation makes steps of what it is given."""
    is_comparison = isinstance(part, Infix) and part.operator in COMPARISONS
    return is_comparison or (isinstance(part, Call) and part.function in STEPPING)


def rule_updates(book: Book, flow: Flow) -> list[RuleUpdate]:
    """All cells whose change depends on their previous weight and on a step function, and similar
    cells beside them."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        homes[pattern].append(cell)
    steps = {cell for pattern in filter(could_step, homes) for cell in homes[pattern]}
    stepped = flow.below(steps) | steps
    found: list[RuleUpdate] = []
    for pattern, cells in homes.items():
        for place in bases(pattern) if not stepped.isdisjoint(cells) else ():
            updates = _updates_at(cells, place)
            some = {*updates[:1], *updates[len(updates) // 2 :][:1], *updates[-1:]}
            # a running sum of a weight begins with the weight, so only its first cells depend on it
            if 2 * sum(_depends(flow, pattern, update) for update in some) >= len(some) > 0:
                found += updates
                break
    chained = _in_chains(book, flow, found)
    return sorted([*chained, *_companions(book, flow, chained)])


def _updates_at(cells: Iterable[Address], place: CellReference) -> list[RuleUpdate]:
    """The updates of these cells that continue from the cell at a relative place."""
    both = ((cell, place.at(cell)) for cell in cells)
    return [RuleUpdate(cell, base) for cell, base in both if base is not None and base != cell]


def bases(pattern: Pattern) -> list[CellReference]:
    """The cells from which a formula continues whatever its conditions are."""
    said = pattern.expression
    if said is None or isinstance(said, Reference):
        return []
    first, *others = _ways(said)
    kept = (word for word in dict.fromkeys(first) if all(word in way for way in others))
    places = (pattern.place_of(Reference(word)) for word in kept)
    return [place for place in places if place is not None]


def _ways(expression: Expression) -> list[list[str]]:
    """The cells that are added unchanged, for each outcome of the conditions."""
    match expression:
        case Call("IF", (_, then, otherwise)) if then is not None and otherwise is not None:
            return [*_ways(then), *_ways(otherwise)]
        case Call("SUM", arguments):
            return [[part.text for part in arguments if isinstance(part, Reference)]]
    added = terms(expression)
    return [[part.text for sign, part in added if sign > 0 and isinstance(part, Reference)]]


def _depends(flow: Flow, pattern: Pattern, update: RuleUpdate) -> bool:
    """Whether the change that a cell adds depends on the cell from which it continues."""
    base, origin = update.base, flow.plain(update.base)
    spend(LOOKED_THROUGH)
    others = list(flow.mentioned_cells(pattern.places, update.cell))
    said = pattern.expression
    if said and could_step(pattern) and others.count(base) > len(_ways(said)):
        return True  # the formula contains the whole step
    start = [at for at in others if at != base and flow.plain(at) != origin]
    return flow.depends(start, lambda at: at == base or flow.plain(at) == origin, origin, NEAR)


def _in_chains(book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> list[RuleUpdate]:
    """The updates whose formulas form chains. Others only look like updates: a target minus its
    output also depends on that target, if only through earlier steps."""
    cells = {update.cell for update in updates}
    before = {flow.plain(update.base) for update in updates}
    chained = {
        book.patterns[update.cell]
        for update in updates
        if update.cell in before or flow.plain(update.base) in cells
    }
    return [u for u in updates if book.patterns[u.cell] in chained] or list(updates)


def _companions(book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> list[RuleUpdate]:
    """Cells beside the updates with formulas like theirs, though no sum uses their weight."""
    patterns = book.patterns
    shapes, ways = {patterns[u.cell].shape for u in updates}, {u.cell - u.base for u in updates}
    near = {u.cell + step * k for u in updates for step in (1, ROW) for k in NEXT_TO}
    weights = {cell for update in updates for cell in (update.cell, update.base)}
    found: list[RuleUpdate] = []
    for cell in sorted(near & patterns.keys() - {update.cell for update in updates}):
        if patterns[cell].shape in shapes:
            taken = weights.intersection(flow.sources(cell))  # a sum of weights takes a second one
            places = (place for place in bases(patterns[cell]) if place.moves)
            options = (update for place in places for update in _updates_at([cell], place))
            found += [u for u in options if cell - u.base in ways and taken <= {u.base}][:1]
    return found


# The cells that they depend on ---------------------------------------------------------

MOST_CELLS = 400  # of one update
FEW_MORE = 24  # of one that goes back to earlier steps

Signature = tuple[object, ...]


class RuleBook:
    """A workbook with all its updates by the perceptron rule.

    Knows all weights' cells and the cells that depend on them. The form of an update and the
    formulas behind it are determined once for all updates with equal formulas.
    """

    def __init__(self, book: Book, flow: Flow, updates: Sequence[RuleUpdate]) -> None:
        self.book, self.flow, self.plain, self.updates = book, flow, flow.plain, updates
        self.weight_cells = {c for u in updates for c in (u.cell, self.plain(u.base))}
        self.varying = flow.below(self.weight_cells) | self.weight_cells
        self._computed = self.varying & book.patterns.keys() - self.weight_cells
        self._forms: dict[Signature, tuple[RuleForm | None, list[Address]]] = {}
        self._inside: dict[Address, list[Address]] = {}
        self._bases = {u.cell: self.plain(u.base) for u in updates}
        self._going_back: set[Address] = set()  # updates that use the weight of an earlier step

    def before(self, cell: Address, other: Address) -> bool:
        """Always false: only weights carry values from one step to the next."""
        return False

    def form(self, update: RuleUpdate) -> RuleForm | None:
        """The form of an update, determined once for all updates with equal formulas; None if it
        also uses its weight as it was before an earlier step, as with momentum."""
        self.inside(update)
        if update.cell in self._going_back:
            return None
        made_of, leaves = self.signature(update)
        if made_of not in self._forms:
            self._forms[made_of] = form_of(self, update, {}), leaves
        form, places = self._forms[made_of]
        return form.for_cells(dict(zip(places, leaves, strict=True))) if form else None

    def signature(self, update: RuleUpdate) -> tuple[Signature, list[Address]]:
        """A key that updates with equal formulas share, and their leaves in the same order."""
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
        """The formulas of the step that an update depends on, its own first."""

        def further(cell: Address) -> Iterable[Address]:
            return filter(self._computed.__contains__, map(self.plain, self.flow.sources(cell)))

        if update.cell not in self._inside:
            older, most = self._bases.get(self.plain(update.base)), MOST_CELLS
            inside = self._inside[update.cell] = []
            for cell in walk([update.cell], further, MOST_CELLS):
                if older is not None and older in map(self.plain, self.flow.sources(cell)):
                    self._going_back.add(update.cell)
                    most = min(most, len(inside) + FEW_MORE)
                if len(inside) == most:
                    break
                inside.append(cell)
        return self._inside[update.cell]

    def weights_behind(self, update: RuleUpdate) -> set[Address]:
        """The weights that an update depends on, including its own previous value."""
        sources = (s for cell in self.inside(update) for s in self.flow.sources(cell))
        return self.weight_cells.intersection(map(self.plain, sources))
