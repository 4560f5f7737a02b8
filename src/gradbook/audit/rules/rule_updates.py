"""Cells that may be weights after an update: the weight before, and what the update adds.

Where the one before stands doesn't matter: above, on the left, in another table, or behind a cell
that only repeats it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import inner, once, parts, references, terms
from gradbook.audit.formula.pattern import CellReference, Mention, Pattern
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language.grammar import Call, Expression, Infix, Reference

LOOKED_THROUGH = 20_000  # numbers: what it costs to look for one in the other
NEAR = 3000  # cells to look through on the way from an update back to its weight
SOME = 3  # cells of a formula that are looked at, for all that have it
COMPARING = ("=", "<>", "<", ">", "<=", ">=")
STEPPING = ("SIGN", "ROUND", "INT", "TRUNC")


@dataclass(frozen=True)
class RuleUpdate:
    """A weight's cell, and the cell of the weight before the update, as the formula names it."""

    cell: Address
    base: Address


def _could_step(pattern: Pattern) -> bool:
    """Whether a formula, or a part of it, could be a step."""
    return pattern.form is not None and _steps(pattern.form.expression)


@once
def _steps(form: Expression) -> bool:
    return any(map(_is_stepping, parts(form)))


def _is_stepping(part: Expression) -> bool:
    if isinstance(part, Infix):
        return part.operator in COMPARING
    return isinstance(part, Call) and part.function in STEPPING


def followed(pattern: Pattern) -> list[Mention | None]:
    """What a formula may follow little by little: all that it mentions but in its conditions."""
    if pattern.form is None:
        return []
    return [pattern.mentions.get(pattern.word_for(r)) for r in _followed(pattern.form.expression)]


@once
def _followed(form: Expression) -> list[Reference]:
    found, waiting = [], [form]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Reference):
            found.append(part)
        elif isinstance(part, Call) and part.function == "IF":
            waiting += filter(None, part.arguments[1:])
        elif not _is_stepping(part):
            waiting += inner(part)
    return found


def rule_updates(book: Book, flow: Flow) -> list[RuleUpdate]:
    """Every cell whose change depends on the weight that it goes on from, and on some step."""
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        homes[pattern].append(cell)
    steps = {cell for pattern in filter(_could_step, homes) for cell in homes[pattern]}
    stepped = flow.below(steps) | steps
    found = []
    for pattern, cells in homes.items():
        for place in bases(pattern) if not stepped.isdisjoint(cells) else ():
            if _learns(flow, pattern, place, cells):
                found += list(updates_at(cells, place))
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
    kept = [update for update in updates if book.patterns[update.cell] in chained]
    return kept or list(updates)


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


def _learns(flow: Flow, pattern: Pattern, place: CellReference, cells: Sequence[Address]) -> bool:
    """Whether what some of the cells add depends on the cell that they go on from."""
    some = {cells[0], cells[min(1, len(cells) - 1)], cells[len(cells) // 2]}
    return any(_depends(flow, pattern, place, cell) for cell in sorted(some)[:SOME])


def _depends(flow: Flow, pattern: Pattern, place: CellReference, cell: Address) -> bool:
    base = place.at(cell)
    if base is None or pattern.expression is None:
        return False
    spend(LOOKED_THROUGH)
    origin = flow.plain(base)
    others = [
        at
        for reference in references(pattern.expression)
        for at in flow.mentioned([pattern.mentions.get(reference.text)], cell)
    ]
    if others.count(base) > len(_ways(pattern.expression)):
        return True  # the formula holds the whole step
    start = [at for at in others if at != base and flow.plain(at) != origin]
    return flow.depends(start, lambda at: at == base or flow.plain(at) == origin, origin, NEAR)
