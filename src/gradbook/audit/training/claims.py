"""What each update takes for its gradient, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.formula.address import Address
from gradbook.audit.training.gradient_search import Found, GradientSearch
from gradbook.audit.training.repeated_steps import RepeatedSteps
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.training.weight_columns import WeightColumn, change
<<<<<<< HEAD
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Prefix
=======
from gradbook.targets.excel.language.grammar import Expression
>>>>>>> de651d2f7a5459941ecb8babdd1e44421e8ba402

MEMORY = 40  # cells to look through for the gradient that other steps take


@dataclass(frozen=True)
class Claim:
    """What a sheet says ∂loss/∂w is: an expression in some cell; the update subtracts sign × it."""

    owner: Address
    expression: Expression
    whole: bool  # whether it is all that the owner says
    sign: int  # +1 where the update subtracts the claim
    via: tuple[Address, ...] = ()  # the cells from the update to the one that mentions the owner

    def later(self, away: Mapping[Address, int], steps: int) -> Claim:
        """The claim made so many steps later, its cells being so far away with each."""
        owner = self.owner + steps * away.get(self.owner, 0)
        via = tuple([cell + steps * away.get(cell, 0) for cell in self.via])
        return replace(self, owner=owner, via=via)


def every_claim(training: SheetTraining, weight: WeightColumn) -> list[tuple[Claim, ...]]:
    """What the update after each step may mean by the gradient."""
    found: list[tuple[Claim, ...]] = []
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
            tuple([claim.later(repeated.away, k) for claim in said]) if k else said
            for k in range(repeated.steps)
        ]
    return found


def claims(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> list[Claim]:
    """What the update after a step may mean by the gradient, the likeliest first.

    The cells whose formulas are read on the way are added to `read`.
    """
<<<<<<< HEAD
    base, home = weight.steps[step]
    pattern = training.book.patterns.get(home)
    if pattern is None or pattern.expression is None:
        return []
    read = [] if read is None else read
    parts: Sequence[SignedTerm] = change(pattern, base, home)
    sign = -1
    levels: list[list[Claim]] = [[]]  # another one behind each running mean or velocity
    way: list[Address] = []
    while home not in way and len(way) < DEEPEST:
        way.append(home)
        read.append(home)
        own = [term for term in parts if not _is_decay(training, term[1], home, base)]
        found, further = _claimed(training, own or parts, home, base, sign)
        levels[-1] += found
        if own and len(own) < len(parts):  # unless the loss counts the weights, too
            levels[-1] += _claimed(training, parts, home, base, sign)[0]
        if further is None:
            break
        home, sign = further
        read.append(home)
        expression = training.book.patterns[home].expression
        assert expression is not None
        rest = _without_memory(training, expression, home)
        if rest is not None:
            levels.append([])
            parts = rest
        elif _times_rate(training, expression, home):
            levels.append([])
            parts = ((1, expression),)
        elif _remembers(training, home, read):
            parts = ((1, expression),)
        else:
            break
    found = levels[-1] or levels[0]
    return [
        replace(c, via=tuple(way[: way.index(c.owner)] if c.owner in way else way)) for c in found
    ]


def _claimed(
    training: SheetTraining, parts: Sequence[SignedTerm], home: Address, base: Address, sign: int
) -> tuple[list[Claim], tuple[Address, int] | None]:
    """The claims that one formula makes, and the cell behind it with its sign."""
    varying = [term for term in parts if training.varies(term[1], home)] or list(parts)
    if not varying:
        return [], None
    if len(varying) > 1:
        return [Claim(home, _sum_but_rates(training, varying, home, sign), False, 1)], None
    term_sign, part = varying[0]
    split = factors(part)
    sign *= term_sign * split.sign
    rest = [factor for factor in split.parts if not _is_rate(training, factor, home, split.parts)]
    moving = [factor for factor in rest if training.varies(factor.part, home)] or rest
    inline = Claim(home, product(rest), False, sign)
    if len(moving) == 1 and len(inside := terms(moving[0].part)) > 1 and moving[0].above:
        kept = [term for term in inside if not _is_decay(training, term[1], home, base)]
        if kept and len(kept) < len(inside):
            claimed, further = _claimed(training, kept, home, base, sign)
            return [*claimed, inline], further
    above = [training.cell_of(factor.part, home) for factor in moving if factor.above]
    owner = above[0] if len(above) == 1 else None
    if owner is None:
        return [inline], None
    pattern = training.book.patterns.get(owner)
    if pattern is None:
        return [Claim(owner, moving[0].part, True, sign)], None
    if pattern.expression is None or owner in training.weight_cells:
        return [], None
    own = Claim(owner, pattern.expression, True, sign)
    if len(rest) == 1:
        return [own], (owner, sign)
    updated = training.update_cells.intersection(training.flow.users.get(owner, ()))
    by_several = len(updated) > 1  # of other weights too: it is a factor of their gradients
    return [inline, own] if by_several else [own, inline], (owner, sign)


def _sum_but_rates(
    training: SheetTraining, parts: Sequence[SignedTerm], home: Address, sign: int
) -> Expression:
    """Some terms as a sum, the learning rate left out of each."""
    signed: list[Expression] = []
    for own, part in parts:
        split = factors(part)
        bare = product([f for f in split.parts if not _is_rate(training, f, home, split.parts)])
        bare = Prefix("-", bare) if split.sign < 0 else bare
        signed.append(Prefix("-", bare) if sign * own < 0 else bare)
    return reduce(lambda a, b: Infix("+", a, b), signed)


def _is_rate(
    training: SheetTraining, factor: Factor, home: Address, beside: Sequence[Factor]
) -> bool:
    """Whether a factor is the learning rate, or a number in its place."""
    cell = training.cell_of(factor.part, home)
    if cell is not None and training.flow.plain(cell) == training.rate:
        return True
    if training.varies(factor.part, home):
        return False
    if isinstance(factor.part, Number) and 0 < factor.part.value < 1 and factor.above:
        return training.rate is None
    return training.rate is None and not isinstance(factor.part, Infix) and len(beside) == 2


def _times_rate(training: SheetTraining, expression: Expression, home: Address) -> bool:
    """Whether a cell holds the whole change: the gradient times the learning rate."""
    cells = (training.cell_of(factor.part, home) for factor in factors(expression).parts)
    return training.rate is not None and any(
        cell is not None and training.flow.plain(cell) == training.rate for cell in cells
    )


def _is_decay(training: SheetTraining, part: Expression, home: Address, base: Address) -> bool:
    """Whether a term is a share of the weight itself."""
    return {cell for cell in training.mentioned(part, home) if cell in training.varying} == {base}


def _remembers(training: SheetTraining, cell: Address, read: list[Address]) -> bool:
    """Whether a little further back there is a cell that goes on from its value before."""

    def looks_back(at: Address) -> bool:
        if at not in training.weight_cells:
            read.append(at)
        return at in training.looking_back

    return bool(training.looking_back) and training.flow.reaches([cell], looks_back, MEMORY)


def _without_memory(
    training: SheetTraining, expression: Expression, home: Address
) -> Sequence[SignedTerm] | None:
    """The terms of a running mean or a velocity but for what it was before; None of others."""
    if home not in training.looking_back:
=======
    search = _search(training, weight, step, read)
    found = search.found if search else []
    if step == 0 and len(weight.cells) > 2:
        found = [*_as_after(training, weight, found), *found]
    return [Claim(f.owner, f.expression, f.whole, f.sign, f.via) for f in dict.fromkeys(found)]


def _search(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> GradientSearch | None:
    base, home = weight.cells[step : step + 2]
    pattern = training.book.patterns.get(home)
    if pattern is None or pattern.expression is None:
>>>>>>> de651d2f7a5459941ecb8babdd1e44421e8ba402
        return None
    search = GradientSearch(training, frozenset(weight.cells), base, [] if read is None else read)
    search.update(home, change(pattern, base, home))
    return search


def _as_after(training: SheetTraining, weight: WeightColumn, first: Sequence[Found]) -> list[Found]:
    """What the first update means if it means what the second does: nothing is remembered yet, so
    its formulas may say less."""
    patterns, home = training.book.patterns, weight.cells[1]
    known = {found.owner for found in first if found.whole}
    likely = []
    second = _search(training, weight, 1)
    for found in second.found if second and second.remembers else ():
        owner = found.owner - weight.stride
        pattern = patterns.get(owner)
        if (
            found.whole
            and owner not in known
            and pattern is not None
            and pattern.expression is not None
            and owner in training.computed
            and training.flow.reaches([home], owner.__eq__, MEMORY)
        ):
            via = tuple(cell - weight.stride for cell in found.via)
            likely.append(Found(owner, pattern.expression, True, found.sign, via))
    return likely


__all__ = ["Claim", "claims", "every_claim"]
