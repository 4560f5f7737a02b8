"""The slopes of a result by every cell on its way from the inputs, in reverse mode, as formulas.

The slope of the result by a cell is the sum, over the formulas that use the cell, of the slope by
that formula times the formula's own slope by the cell. Each of these partial slopes is a formula
in the book's own cells; the result by itself has slope 1. Formulas that are copies of each other
are differentiated once.
"""

from __future__ import annotations

import operator
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from gradbook.cells.book import Book, show_value
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, column_of, pack, row_of
from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.expression import rename_cells
from gradbook.cells.formula.formula_values import TooMuch
from gradbook.cells.formula.pattern import (
    CellReference,
    Pattern,
    RangeReference,
    UnknownReference,
)
from gradbook.cells.formula.syntax import Expression, Infix, Number, Prefix, Reference
from gradbook.cells.partials import FormulaDerivation, FormulaSlopes, Rules, name_at
from gradbook.cells.present_places import is_placed, settle_places
from gradbook.cells.recomputation import Disagreement, recomputed
from gradbook.cells.slope_rules import (
    BY_ELEMENT,
    ELEMENTS,
    FLAT,
    FLAT_BY_ELEMENT,
    SHAPES,
    STRUCTURAL,
)
from gradbook.cells.slope_rules_of_arrays import ARRAY_ELEMENTS, ARRAY_SHAPES, ARRAYS
from gradbook.cells.slope_rules_of_lookups import LOOKUP_ELEMENTS, LOOKUP_SHAPES, LOOKUPS
from gradbook.cells.slope_rules_of_statistics import (
    STATISTICS,
    STATISTICS_ELEMENTS,
    STATISTICS_SHAPES,
)
from gradbook.cells.written_out import NotDerivable
from gradbook.errors import GradbookError
from gradbook.language.message import Message

MOST_FORMULAS = 100_000  # on the way
MOST_NESTED = 3  # places that depend on places
MOST_TERMS, MOST_DIFFERENT = 400_000, 30_000  # slopes of formulas, and of those that aren't copies

RULES = Rules(
    structural={**STRUCTURAL, **STATISTICS, **LOOKUPS, **ARRAYS},
    shapes={**SHAPES, **STATISTICS_SHAPES, **LOOKUP_SHAPES, **ARRAY_SHAPES},
    elements={**ELEMENTS, **STATISTICS_ELEMENTS, **LOOKUP_ELEMENTS, **ARRAY_ELEMENTS},
    slopes=ELEMENTWISE,
    by_element=BY_ELEMENT | FLAT_BY_ELEMENT,
    flat=FLAT,
)


PLACES = Message("OFFSET and INDIRECT mean the cells that they use now")


class NoDerivative(GradbookError):
    """A result that can't be differentiated: the cell that stands in the way, and the reason."""

    def __init__(self, message: str, cell: Address, name: str) -> None:
        super().__init__(message)
        self.cell, self.name = cell, name

    def where(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Term:
    """What a cell's slope gets from one formula that uses it: that formula's slope times this
    partial slope."""

    user: Address
    pattern: Pattern  # the partial slope, shared by copies of the formula
    book: Book

    @property
    def partial(self) -> Expression:
        """The partial slope in the book's own cells, whose names include their sheets."""
        expression = self.pattern.expression
        assert expression is not None
        return rename_cells(expression, lambda part: self.name(part.text))

    def name(self, word: str) -> str:
        """One of the pattern's references in the book's own cells."""
        mention, book, home = self.pattern.mentions[word], self.book, self.user
        if isinstance(mention, CellReference):
            cell = mention.at(home)
            return "#REF!" if cell is None else book.name_of(cell)
        corners = mention.corners(home) if isinstance(mention, RangeReference) else None
        if corners is None:
            return word
        sheet, top, left, bottom, right = corners
        first = book.name_of(pack(sheet, top, left))
        return f"{first}:{name_at(bottom, right)}"


@dataclass(frozen=True)
class Slopes:
    """The slopes of a result by the cells on its way."""

    book: Book
    flow: Flow
    result: Address
    inputs: tuple[Address, ...]  # in the order of the sheets
    order: tuple[Address, ...]  # formulas on the way, each after its sources
    terms: Mapping[Address, tuple[Term, ...]]
    arrays: frozenset[Address]  # users whose partials only work as array formulas
    fixed: Mapping[str, tuple[Address, ...]]  # what is held fixed, and where
    counts: frozenset[Address]  # typed whole numbers on which FACT and the like depend
    cells: Evaluation  # the book's values

    def values(self) -> dict[Address, float]:
        """The slope of the result by each cell on the way, as its formula gives it once; NaN where
        the cells' values don't allow one."""
        return dict(self._values)

    @cached_property
    def _values(self) -> dict[Address, float]:
        slopes = {self.result: 1.0}
        for cell in (*reversed(self.order), *self.inputs):
            total = slopes.get(cell, 0.0) if cell == self.result else 0.0
            for term in self.terms.get(cell, ()):
                outside = slopes.get(term.user, 0.0)
                if outside:
                    total += outside * _number(self.cells, term)
            slopes[cell] = total
        return slopes

    def local(self, term: Term) -> float:
        """A partial slope as a number; NaN where the cells' values don't allow one."""
        return self.cells.value_of(term.pattern, term.user)


def _number(cells: Evaluation, term: Term) -> float:
    """The value of a partial slope."""
    partial = term.pattern.expression
    quick = None if partial is None else _by_arithmetic(cells, term, partial)
    return cells.value_of(term.pattern, term.user) if quick is None else quick


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
DEEPEST = 20  # operations within each other that are computed one by one


def _by_arithmetic(cells: Evaluation, term: Term, part: Expression, deep: int = 0) -> float | None:
    """The value of a partial slope that is only arithmetic with single cells, as most of those are
    that only one cell has; None for any other."""
    match part:
        case Number(value):
            return value
        case Reference(word):
            mention = term.pattern.mentions.get(word)
            cell = mention.at(term.user) if isinstance(mention, CellReference) else None
            shown = cells.of(cell) if cell is not None else None
            return shown if isinstance(shown, float) else None
        case Prefix("-", operand):
            inside = _by_arithmetic(cells, term, operand, deep + 1)
            return None if inside is None else -inside
        case Infix("^", base, Number(2.0)):
            root = _by_arithmetic(cells, term, base, deep + 1)
            return None if root is None else root * root
        case Infix(sign, left, right) if sign in ARITHMETIC and deep < DEEPEST:
            a = _by_arithmetic(cells, term, left, deep + 1)
            b = None if a is None else _by_arithmetic(cells, term, right, deep + 1)
            if a is None or b is None or (sign == "/" and not b):
                return None
            return ARITHMETIC[sign](a, b)
    return None


def slopes_of(
    book: Book, result: Address, inputs: Sequence[Address] = (), flow: Flow | None = None
) -> Slopes:
    """The slopes of a result by the inputs and by all cells between; without inputs, by the typed
    numbers on which it depends."""
    return _Reverse(book, result, inputs, settled_flow(book, flow)).slopes()


def blocked(
    book: Book, result: Address, flow: Flow | None = None
) -> tuple[tuple[Address, str], ...]:
    """The cells that stand in the way of a result's slopes, and why."""
    search = _Reverse(book, result, (), settled_flow(book, flow))
    search.blocked = []
    search.slopes()
    return tuple(search.blocked)


def settled_flow(book: Book, flow: Flow | None) -> Flow:
    """Who uses whom, once OFFSET and INDIRECT refer to the cells that they use now."""
    for _ in range(MOST_NESTED):  # a place may depend on other places
        if not settle_places(book):
            break
        flow = None
    return flow or Flow(book)


def disagreement(error: Disagreement) -> Message:
    """What is said of a formula that means something else here than in the file."""
    return Message(
        "its formula gives {here} here, but the file shows {there}: open and save the file "
        "in a spreadsheet program, or choose a result that doesn't depend on it",
        here=show_value(error.here),
        there=show_value(error.there),
    )


@lru_cache(maxsize=10_000)
def is_unclear(pattern: Pattern) -> bool:
    """Whether a formula may depend on more cells than those that it is known to use."""
    unknown = (m for m in pattern.mentions.values() if isinstance(m, UnknownReference))
    return pattern.form is None or any(unknown)


@dataclass
class _OnTheWay:
    """What the cells between the result and its inputs contribute, gathered from the result on."""

    cells: list[Address] = field(default_factory=list)
    terms: defaultdict[Address, list[Term]] = field(default_factory=lambda: defaultdict(list))
    arrays: set[Address] = field(default_factory=set)
    fixed: defaultdict[str, list[Address]] = field(default_factory=lambda: defaultdict(list))
    counts: set[Address] = field(default_factory=set)

    def take(self, cell: Address, local: FormulaSlopes, book: Book) -> list[Address]:
        """Add the slopes of one cell's formula; return the cells that it uses."""
        for note in local.fixed:
            self.fixed[note].append(cell)
        self.counts |= {at for place in local.counts if (at := place.at(cell)) is not None}
        if local.is_array:
            self.arrays.add(cell)
        sources: list[Address] = []
        for place, pattern in local.partials:
            source = place.at(cell)
            if source is not None:
                self.terms[source].append(Term(cell, pattern, book))
                sources.append(source)
        return sources


class _Reverse:
    """A result whose slopes are sought."""

    def __init__(self, book: Book, result: Address, inputs: Sequence[Address], flow: Flow) -> None:
        self.book, self.flow, self.result = book, flow, result
        self.named = tuple(dict.fromkeys(inputs))
        self.blocked: list[tuple[Address, str]] | None = None
        self._known: dict[object, FormulaSlopes | str] = {}
        self._active: set[Address] = set()

    def refuse(self, reason: str, cell: Address) -> NoDerivative:
        return NoDerivative(reason, cell, self.book.name_of(cell))

    def _without_formula(self) -> NoDerivative:
        reason = Message("it has no formula: choose a cell that has one")
        if self.book.not_kept and self.book.values.get(self.result) is None:
            reason = Message("it depends on rows beyond what is read of so large a workbook")
        return self.refuse(reason, self.result)

    def slopes(self) -> Slopes:
        book, result = self.book, self.result
        if result not in book.patterns:
            raise self._without_formula()
        order = self._order()
        self._mark_active(order)
        self._require_short(order)
        on_the_way = self._on_the_way(order)
        if placed := [cell for cell in on_the_way.cells if is_placed(book.typed.get(cell, ""))]:
            on_the_way.fixed[PLACES] += placed
        counts = on_the_way.counts | self.flow.behind(on_the_way.counts) & self._active
        counts = {cell for cell in counts if _is_whole(book, cell)}
        terms = on_the_way.terms
        inputs = self.named or {cell for cell in terms if cell not in book.patterns} | counts
        return Slopes(
            book,
            self.flow,
            result,
            tuple(sorted(inputs)),
            tuple(reversed(on_the_way.cells)),
            {cell: tuple(terms_of_cell) for cell, terms_of_cell in terms.items()},
            frozenset(on_the_way.arrays),
            {note: tuple(sorted(cells)) for note, cells in on_the_way.fixed.items()},
            frozenset(counts),
            self._recomputed(order),
        )

    def _on_the_way(self, order: Sequence[Address]) -> _OnTheWay:
        """Go backwards from the result to all cells whose slopes it needs."""
        gathered, reached = _OnTheWay(), {self.result}
        for cell in reversed(order):
            if cell not in reached or cell not in self._active:
                continue
            gathered.cells.append(cell)
            local = self._local(cell)
            if isinstance(local, str):
                if self.blocked is None:
                    raise self.refuse(local, cell)
                self.blocked.append((cell, local))
                reached.update(self.flow.sources(cell))
                continue
            reached.update(gathered.take(cell, local, self.book))
        return gathered

    def _recomputed(self, order: Sequence[Address]) -> Evaluation:
        """The book's values, unless a formula on the way means something else here."""
        if self.blocked is not None:
            return Evaluation.of_stored(self.book, self.flow)
        try:
            return recomputed(self.book, self.flow, filter(self._active.__contains__, order))
        except Disagreement as error:
            raise self.refuse(disagreement(error), error.cell) from error

    def _order(self) -> list[Address]:
        try:
            order, circle = self.flow.in_order([self.result])
        except TooMuch as error:
            raise self.refuse(str(error), self.result) from error
        if circle is not None:
            reason = Message("it depends on itself: a derivative needs formulas without circles")
            raise self.refuse(reason, circle)
        return order

    def _mark_active(self, order: Sequence[Address]) -> None:
        """Find the cells between the inputs and the result."""
        book, sources = self.book, self.flow.sources
        active = self._active = set(self.named)
        if not active:
            for cell in order:
                for source in sources(cell):
                    if source not in book.patterns and type(book.values.get(source)) is float:
                        active.add(source)
        for cell in order:
            if is_unclear(book.patterns[cell]) or not active.isdisjoint(sources(cell)):
                active.add(cell)
        if self.result not in active:
            reason = Message("no typed number is behind it: choose another cell")
            if self.named:
                reason = Message("it doesn't depend on these inputs: choose others")
            raise self.refuse(reason, self.result)

    def _require_short(self, order: Sequence[Address]) -> None:
        """Refuse at once what would take minutes."""
        kinds: dict[Pattern, int] = {}
        formulas = terms = 0
        for cell in filter(self._active.__contains__, order):
            size = len(self.flow.sources(cell))
            formulas, terms = formulas + 1, terms + size
            kinds[self.book.patterns[cell]] = size
        reason = ""
        if formulas > MOST_FORMULAS:
            reason = Message(
                "it depends on more than {limit} formulas: choose one that depends on fewer",
                limit=f"{MOST_FORMULAS:,}",
            )
        elif terms > MOST_TERMS or sum(kinds.values()) > MOST_DIFFERENT:
            reason = Message(
                "its derivative is too long, with {terms} slopes of which {kinds} aren't copies: "
                "choose a result that depends on fewer cells",
                terms=f"{terms:,}",
                kinds=f"{sum(kinds.values()):,}",
            )
        if reason:
            raise self.refuse(reason, self.result)

    def _local(self, cell: Address) -> FormulaSlopes | str:
        """A formula's slopes, or why it has none."""
        pattern = self.book.patterns[cell]
        key = pattern, self._variant(pattern, cell)
        known = self._known.get(key)
        if known is None:
            try:
                known = FormulaDerivation(
                    self.book, self.flow, pattern, cell, self._active.__contains__, RULES
                ).slopes()
            except (NotDerivable, TooMuch) as error:
                known = error.args[0] if error.args else str(error)
            self._known[key] = known
        return known

    def _variant(self, pattern: Pattern, cell: Address) -> tuple[object, ...]:
        """What the slopes of a copy depend on: which of its cells are on the way and which contain
        no number, which are the same, and the form of ranges that grow."""
        sources, active, values = self.flow.sources(cell), self._active, self.book.values
        kinds = bytes(
            [
                2 if source in active else 1 if type(values.get(source)) is float else 0
                for source in sources
            ]
        )
        first: dict[Address, int] = {}
        same = tuple([first.setdefault(source, k) for k, source in enumerate(sources)])
        growing = [p for p in pattern.places if isinstance(p, RangeReference) and p.grows]
        return (
            kinds,
            same if len(first) < len(sources) else len(same),
            tuple([self._form(place, cell) for place in growing]),
        )

    def _form(self, place: RangeReference, cell: Address) -> tuple[int, ...]:
        corners = place.corners(cell)
        if corners is None:
            return ()
        _, top, left, bottom, right = corners
        row, column = row_of(cell), column_of(cell)
        return top - row, left - column, bottom - top, right - left


# Which result may be meant ------------------------------------------------------------

PROPOSED, COUNTED = 3, 64  # results, and those whose inputs are counted
MOST_FOLLOWED = 200_000  # references, while they are counted


def propose_results(book: Book, flow: Flow) -> list[Address]:
    """The formulas whose slopes are most likely of interest, likeliest first: they show a number,
    no other that shows one uses them, and they depend on the most typed numbers; of equals the
    last."""
    seen, users = book.in_sight(), flow.users
    order = _without_circles(book, flow)
    most = _most_behind(book, flow, order)
    ends = [
        cell
        for cell in order
        if cell in seen
        and most[cell]
        and _may_be_number(book, cell)
        and not any(_may_be_number(book, user) for user in users.get(cell, ()))
    ]
    ends.sort(key=lambda cell: (most[cell], cell), reverse=True)
    exact: list[tuple[int, Address]] = []
    followed = 0
    for cell in ends[:COUNTED]:
        if followed > MOST_FOLLOWED:
            break
        behind = flow.behind([cell])
        followed += len(behind)
        exact.append((sum(_is_typed(book, source) for source in behind), cell))
    return [cell for _, cell in sorted(exact, reverse=True)[:PROPOSED]]


def _may_be_number(book: Book, cell: Address) -> bool:
    return type(book.values.get(cell)) in (float, type(None))


def _without_circles(book: Book, flow: Flow) -> list[Address]:
    """The formulas that don't depend on themselves or on one that does, each after its sources."""
    patterns, users = book.patterns, flow.users
    missing = {cell: sum(s in patterns for s in set(flow.sources(cell))) for cell in patterns}
    waiting = deque(cell for cell, count in missing.items() if not count)
    order: list[Address] = []
    while waiting:
        cell = waiting.popleft()
        order.append(cell)
        for user in users.get(cell, ()):
            missing[user] -= 1
            if not missing[user]:
                waiting.append(user)
    return order


def _is_whole(book: Book, cell: Address) -> bool:
    """Whether a whole number is typed in a cell."""
    return _is_typed(book, cell) and float(book.values[cell] or 0.0).is_integer()


def _is_typed(book: Book, cell: Address) -> bool:
    return cell not in book.patterns and type(book.values.get(cell)) is float


def _most_behind(book: Book, flow: Flow, order: Sequence[Address]) -> dict[Address, int]:
    """For each formula, a number that its typed numbers don't exceed."""
    most: dict[Address, int] = {}
    limit = len(book.values)
    for cell in order:
        counts = (
            most[source] if source in most else _is_typed(book, source)
            for source in set(flow.sources(cell))
        )
        most[cell] = min(limit, sum(counts))
    return most
