"""Weights of a perceptron that each step only repeats, though the sum uses them like the others.

A fixed threshold that is carried down and only compared with the sum isn't one of them, nor is a
setting: each step takes it from the step before, as it takes its weights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gradbook.audit.edits.formula_edits import edits_of
from gradbook.audit.findings import CHANGE, finding_in
from gradbook.audit.judge.update_judgement import KIND
from gradbook.audit.rules.perceptron import Perceptron
from gradbook.audit.rules.perceptron_updates import RuleBook, is_step
from gradbook.audit.rules.rule_form import RuleUpdate, form_of
from gradbook.audit.search.wording import Fault
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import SignedTerm, parts, references, terms
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Call, Expression, Infix, Reference, write
from gradbook.language.message import Message, joined

FEWEST = 3  # steps that carry a weight on
HALF = 0.5  # of the steps
FURTHEST = 4  # cells from the weight of one step to that of the next
BOTH = 2  # lines of cells that a sum multiplies
SAME = 1e-6


@dataclass(frozen=True)
class CarriedWeight:
    """A weight that no step changes: the cells that should, each with what it repeats."""

    start: Address
    repeats: Mapping[Address, Address]
    factor: Address | None  # what the first of the cells is multiplied by in the sum
    right: Pattern | None

    @property
    def cells(self) -> list[Address]:
        return sorted(self.repeats)

    @property
    def fixes(self) -> dict[Address, Pattern]:
        return dict.fromkeys(self.repeats, self.right) if self.right else {}


def carried_weights(perceptron: Perceptron) -> Iterator[CarriedWeight]:
    """The weights that are never updated, in the order of their first cells."""
    for start, cells in sorted(_numbers_carried_on(perceptron).items()):
        repeats: dict[Address, Address] = {}
        is_apart = False  # whether the next weight is beside this one
        for before, after in pairwise(cells):
            way = _way_back(perceptron, after, before)
            if way:
                repeats[way[-1]] = before
                is_apart = is_apart or len(way) > 1
        enough = max(FEWEST, HALF * (len(perceptron.steps) - 1))
        if len(repeats) < enough:
            continue
        if is_apart or _use(perceptron, cells[1]).is_added:
            repeats |= _further(perceptron, cells[-1])
            update = RuleUpdate(*min(repeats.items()))
            x = _use(perceptron, update.base).factor
            yield CarriedWeight(start, repeats, x, _right(perceptron, repeats, update, x))


def carried_fault(perceptron: Perceptron, carried: CarriedWeight) -> Fault:
    """The fault of the cells that should update a weight."""
    book, cells, axis = perceptron.book, carried.cells, perceptron.axis
    label = book.label(carried.start, axis) if axis else ""
    name = label or book.name_of(carried.start, cells[0])
    x = carried.factor
    called = "" if x is None else (axis and book.label(x, axis)) or book.name_of(x, cells[0])
    rule = Message(
        "the perceptron rule changes {weight} by {change}",
        weight=name,
        change="η·(t − y)" + (f"·{called}" if called else ""),
    )
    why = joined("; ", (rule, Message("this formula computes something else")))
    right = carried.right
    found = finding_in(book, cells, KIND, f"{CHANGE}{name}", why, name, right)
    fixes = {cell: right.text_at(cell) for cell in cells} if right else {}
    wrong = book.patterns[cells[0]]
    return Fault(-1, replace(found, judges=CHANGE), tuple(cells), right, fixes=fixes, wrong=wrong)


def _numbers_carried_on(perceptron: Perceptron) -> dict[Address, list[Address]]:
    """The typed numbers that steps use by repeating them, with the cell that each step uses."""
    flow, patterns = perceptron.flow, perceptron.book.patterns
    known = perceptron.known.values()
    settings = {c for form in known for c in (*form.rates, *form.inputs, form.target)}
    found: defaultdict[Address, dict[int, Address]] = defaultdict(dict)
    for number, step in enumerate(perceptron.steps):
        for cell in perceptron.inside(step):
            for source in flow.sources(cell):
                start = flow.plain(source)
                if start in patterns or start in perceptron.weights or start in settings:
                    continue
                if source != start or not number:
                    found[start].setdefault(number, source)
    return {
        start: [cells[k] for k in sorted(cells)]
        for start, cells in found.items()
        if len(set(cells.values())) > FEWEST and perceptron.is_number(start)
    }


def _way_back(perceptron: Perceptron, cell: Address, before: Address) -> list[Address]:
    """The cells that repeat each other, from a step's weight to that of the step before, without
    it; empty if they don't lead there."""
    way: list[Address] = []
    while len(way) < FURTHEST:
        pattern = perceptron.book.patterns.get(cell)
        place = pattern.repeated_reference if pattern else None
        source = place.at(cell) if place and place.moves else None
        if source is None:
            return []
        way.append(cell)
        if source == before:
            return way
        cell = source
    return []


def _further(perceptron: Perceptron, last: Address) -> dict[Address, Address]:
    """The cells after the last step that repeat its weight, as those before do."""
    found: dict[Address, Address] = {}
    patterns = perceptron.book.patterns
    while last not in found.values():
        users = sorted(perceptron.flow.users.get(last, ()))
        after = next((user for user in users if _way_back(perceptron, user, last) == [user]), None)
        if after is None or patterns[after].repeated_reference is None:
            break
        found[after], last = last, after
    return found


@dataclass(frozen=True)
class CellUse:
    """How a sum of weights uses a cell."""

    is_added: bool = False  # alone or in a product, to what depends on weights
    factor: Address | None = None


def _use(perceptron: Perceptron, cell: Address) -> CellUse:
    """How the sum of a step uses a weight, in a cell of its own or in a comparison with it."""
    book, flow, others = perceptron.book, perceptron.flow, perceptron.rules.varying - {cell}
    for user in flow.users.get(cell, ()):
        pattern = book.patterns[user]
        said = None if pattern.repeated_reference is not None else book.read_typed(user).expression
        for added in _sums(said) if said else ():
            mentions: list[tuple[int, list[list[Address]]]] = []  # each reference's cells, by term
            for sign, part in added:
                places = (book.reader.read_typed(r.text, user).places for r in references(part))
                mentions.append((sign, [list(flow.mentioned_cells(p, user)) for p in places]))
            weighted = {  # with another weight, or a sum of them
                sign for sign, some in mentions if any(not others.isdisjoint(c) for c in some)
            }
            for sign, some in mentions:
                if sign in weighted and any(cell in cells for cells in some):
                    factor = None  # what it is multiplied by, alone or as one of a line's
                    if len(some) == BOTH and len(some[0]) == len(some[1]):
                        own, other = sorted(some, key=lambda cells: cell not in cells)
                        factor = other[own.index(cell)]
                    return CellUse(True, factor)
    return CellUse()


def _sums(said: Expression) -> Iterator[Sequence[SignedTerm]]:
    """The terms of a formula, of what it takes the sign of, or of the difference of two sides that
    it compares."""
    steps = [part for part in parts(said) if is_step(part)]
    for part in steps:
        match part:
            case Infix(_, left, right):
                yield [*terms(left), *((-sign, term) for sign, term in terms(right))]
            case Call("SIGN", (inside,)) if inside is not None:
                yield terms(inside)
    if not steps:
        yield terms(said)


# What should be there ------------------------------------------------------------------


def _right(
    perceptron: Perceptron,
    repeats: Mapping[Address, Address],
    update: RuleUpdate,
    factor: Address | None,
) -> Pattern | None:
    """The update that the cells should have: that of another weight, for this one."""
    book = perceptron.book
    updates = [RuleUpdate(cell, base) for cell, base in sorted(repeats.items())]
    rules = RuleBook(book, perceptron.flow, [*perceptron.rules.updates, *updates])
    beside = sorted(perceptron.known, key=lambda other: abs(other.cell - update.cell))
    for other in beside[: perceptron.size]:
        for right in _candidates(perceptron, update, other, factor):
            form, known = form_of(rules, update, {update.cell: right}), perceptron.known[other]
            if form is None or (form.target, form.rates) != (known.target, known.rates):
                continue
            if abs(form.factor - known.factor) <= SAME * abs(known.factor):
                return right
    return None


def _candidates(
    perceptron: Perceptron, update: RuleUpdate, other: RuleUpdate, factor: Address | None
) -> Iterator[Pattern]:
    """Another weight's update as a copy, or with this weight and its input instead; with an input
    more or less; and subtracted, as that of a threshold."""
    book, cell = perceptron.book, update.cell
    if other.cell not in book.patterns:
        return
    yield book.reader.read_typed(book.patterns[other.cell].text_at(cell), cell)
    renamed = book.renamed(other.cell, cell, {other.base: update.base})
    if renamed is None or renamed.expression is None:
        return
    yield renamed
    said = renamed.expression
    if factor is not None:
        name = book.name_of(factor, cell)
        for taken in sorted(perceptron.known[other].inputs):
            yield book.with_another_cell(cell, taken, name, renamed)
        yield book.reader.read_typed(f"{write(said)}*{name}", cell)
        return
    for edit in edits_of(said, ("omissions",), (), ()):
        shorter = edit.apply_to(said)
        yield book.reader.read_typed(write(shorter), cell)
        match shorter:
            case Infix("+", Reference() as base, change):
                yield book.reader.read_typed(write(Infix("-", base, change)), cell)
