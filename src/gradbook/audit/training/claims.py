"""What each update takes for its gradient, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import references, renamed
from gradbook.audit.training.gradient_search import Found, GradientSearch
from gradbook.audit.training.repeated_steps import RepeatedSteps
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language.grammar import Expression

MEMORY = 40  # cells to look through for the gradient that other steps take


@dataclass(frozen=True)
class Claim:
    """What a sheet says ∂loss/∂w is: an expression in some cell; the update subtracts sign × it."""

    owner: Address
    expression: Expression
    whole: bool  # whether it is all that the owner says
    sign: int  # +1 where the update subtracts the claim
    via: tuple[Address, ...] = ()  # the cells from the update to the one that mentions the owner

    def later(self, book: Book, away: Mapping[Address, int], steps: int) -> Claim:
        """The claim made so many steps later, its cells being so far away with each."""
        owner = self.owner + steps * away.get(self.owner, 0)
        via = tuple([cell + steps * away.get(cell, 0) for cell in self.via])
        return replace(self, owner=owner, expression=self._said_in(book, owner), via=via)

    def _said_in(self, book: Book, cell: Address) -> Expression:
        """What it says, in the words of a cell with such a formula."""
        own, there = (book.patterns.get(at) for at in (self.owner, cell))
        if own is there or not (own and own.expression and there and there.expression):
            return self.expression
        if self.whole:
            return there.expression
        both = zip(references(own.expression), references(there.expression), strict=True)
        words = {typed.text: other.text for typed, other in both}
        return renamed(self.expression, lambda part: words.get(part.text, part.text))


OfEach = list[tuple[Claim, ...]]  # of the weights, or of a weight's updates

_every: WeakKeyDictionary[SheetTraining, list[OfEach]] = WeakKeyDictionary()
_first: WeakKeyDictionary[SheetTraining, OfEach] = WeakKeyDictionary()


def every_claim(training: SheetTraining) -> list[OfEach]:
    """What the update of each weight after each step may mean by the gradient: asked more than
    once."""
    if training not in _every:
        _every[training] = [_step_by_step(training, weight) for weight in training.weights]
    return _every[training]


def first_claims(training: SheetTraining) -> OfEach:
    """The same of the first update of each weight alone."""
    if training not in _first:
        _first[training] = [tuple(claims(training, weight, 0)) for weight in training.weights]
    return _first[training]


def _step_by_step(training: SheetTraining, weight: WeightColumn) -> OfEach:
    found: OfEach = []
    while (left := len(weight.updates) - len(found)) > 0:
        step = len(found)
        read: list[Address] = []
        said = tuple(claims(training, weight, step, read))
        away = dict.fromkeys(weight.steps[step], weight.stride)
        if training.rate is not None:
            away.setdefault(training.rate, 0)
        repeated = RepeatedSteps(training, away, left if read and step else 1)
        repeated.follow(dict.fromkeys(read))
        found += [
            tuple([claim.later(training.book, repeated.away, k) for claim in said]) if k else said
            for k in range(repeated.steps)
        ]
    return found


def claims(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> list[Claim]:
    """What the update after a step may mean by the gradient, the likeliest first.

    The cells whose formulas are read on the way are added to `read`.
    """
    search = _search(training, weight, step, read)
    found = search.found if search else []
    if step == 0 and len(weight.steps) > 1:
        found = [*_as_after(training, weight, found), *found]
    return [Claim(f.owner, f.expression, f.whole, f.sign, f.via) for f in dict.fromkeys(found)]


def _search(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> GradientSearch | None:
    base, home = weight.steps[step]
    pattern = training.book.patterns.get(home)
    if pattern is None or pattern.expression is None or weight.stray:
        return None
    search = GradientSearch(training, frozenset(weight.cells), base, [] if read is None else read)
    search.update(home, change(pattern, base, home))
    return search


def _as_after(training: SheetTraining, weight: WeightColumn, first: Sequence[Found]) -> list[Found]:
    """What the first update means if it means what the second does: nothing is remembered yet, so
    its formulas may say less."""
    patterns, home = training.book.patterns, weight.updates[0]
    known = {found.owner: found for found in reversed(first) if found.whole}
    likely = []
    second = _search(training, weight, 1)
    for found in second.found if second and second.remembers else ():
        via = tuple(cell - weight.stride for cell in found.via)
        owner = found.owner - weight.stride
        if via and not training.flow.reaches([home], owner.__eq__, MEMORY):
            owner = _taken_in(training, via[-1]) or owner
        pattern = patterns.get(owner)
        if found.whole and owner in known:
            likely.append(known[owner])
        elif (
            found.whole
            and pattern is not None
            and pattern.expression is not None
            and owner in training.computed
            and training.flow.reaches([home], owner.__eq__, MEMORY)
        ):
            likely.append(Found(owner, pattern.expression, True, found.sign, via))
    return likely


def _taken_in(training: SheetTraining, cell: Address) -> Address | None:
    """The one cell that what remembers nothing yet takes of its step: the second step may take
    another in its place, which is another weight's gradient."""
    sources = dict.fromkeys(training.flow.sources(cell))
    found = [s for s in sources if s in training.computed and s not in training.looking_back]
    return found[0] if len(found) == 1 else None


__all__ = ["Claim", "claims", "every_claim", "first_claims"]
