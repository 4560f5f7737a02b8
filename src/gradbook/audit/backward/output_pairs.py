"""The outputs that a workbook's formulas compare with targets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.pattern import CellReference, Pattern
from gradbook.cells.formula.syntax import Call, Infix, Reference

FEW_LEAVES = 2  # the fewest typed numbers that an output depends on


@dataclass(frozen=True)
class OutputPair:
    """An output and the typed number that it is compared with."""

    output: Address
    target: Address


def output_pairs(book: Book, flow: Flow, sheet: int) -> list[OutputPair]:
    """The pairs that formulas of a sheet compare: a formula's result, and a typed number on which
    neither it nor any other such result depends."""
    compared = [
        (flow.plain(a), flow.plain(b))
        for cell, pattern in book.patterns.items()
        if sheet_of(cell) == sheet
        for a, b in _compared(pattern, cell, flow)
    ]
    blanks = blanks_that_count(book) if compared else ()

    def is_typed(cell: Address) -> bool:
        number = isinstance(book.values.get(cell), float) or cell in blanks
        return number and cell not in book.patterns

    @cache
    def behind(output: Address) -> set[Address]:
        return flow.behind([output])

    counts = Counter(
        OutputPair(output, target)
        for a, b in compared
        for output, target in ((a, b), (b, a))
        if output in book.patterns and is_typed(target) and target not in behind(output)
    )
    known = [p for p in counts if sum(map(is_typed, behind(p.output))) >= FEW_LEAVES]
    every = set().union(*(behind(pair.output) for pair in known))
    apart = {p: counts[p] for p in known if p.target not in every and p.output not in every}
    return _one_target_each(apart, lambda cell: is_typed(cell) and not flow.users.get(cell))


def _one_target_each(
    counts: Mapping[OutputPair, int], is_unused: Callable[[Address], bool]
) -> list[OutputPair]:
    """Choose one target for each output. If formulas compare several outputs with one target by
    mistake, the others get a target that is left, or an unused number at the same relative place
    as the target of the first."""
    options: defaultdict[Address, list[Address]] = defaultdict(list)
    for pair in counts:
        options[pair.output].append(pair.target)
    found: dict[Address, Address] = {}
    for output, targets in sorted(options.items(), key=lambda entry: len(entry[1])):
        free = [target for target in targets if target not in found.values()] or targets
        found[output] = max(free, key=lambda target: counts[OutputPair(output, target)])
    uses = Counter(found.values())
    for one, other in permutations([o for o in sorted(found) if uses[found[o]] > 1], 2):
        beside = one + found[other] - other
        if found[one] == found[other] and is_unused(beside):
            found[one] = beside
    return [OutputPair(output, target) for output, target in sorted(found.items())]


def _compared(pattern: Pattern, home: Address, flow: Flow) -> Iterator[tuple[Address, Address]]:
    """The pairs of cells whose difference a formula takes, or of which one is in a logarithm."""
    for part in parts(pattern.expression) if pattern.expression is not None else ():
        match part:
            case (
                Infix("-", Reference() as a, Reference() as b)
                | Call("SUMXMY2", (Reference() as a, Reference() as b))
                | Infix("*", Reference() as a, Call("LN" | "LOG", (Reference() as b, *_)))
                | Infix("*", Call("LN" | "LOG", (Reference() as b, *_)), Reference() as a)
                | Call("SUMPRODUCT", (Reference() as a, Call("LN", (Reference() as b,))))
                | Call("SUMPRODUCT", (Call("LN", (Reference() as b,)), Reference() as a))
            ):
                one, other = (
                    list(flow.mentioned_cells([pattern.mentions.get(side.text)], home))
                    for side in (a, b)
                )
                if len(one) == len(other):
                    yield from zip(one, other, strict=True)


def blanks_that_count(book: Book) -> set[Address]:
    """The blank cells that formulas mention individually, or that have names: numbers that nobody
    has typed yet."""
    mentioned = {
        place.at(cell)
        for cell, pattern in book.patterns.items()
        for place in pattern.places
        if isinstance(place, CellReference)
    }
    named = {book.reader.cell(name, 0) for name in book.names if "!" not in name}
    known = book.values.keys() | book.patterns.keys()
    return {cell for cell in mentioned | named if cell is not None and cell not in known}
