"""What each update takes for its gradient, found behind rates, signs and momentum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import Factor, SignedTerm, factors, product, terms
from gradbook.audit.training.repeated_steps import RepeatedSteps
from gradbook.audit.training.training import Training
from gradbook.audit.training.weight_columns import WeightColumn, change
from gradbook.targets.excel.language.grammar import Expression, Infix, Prefix

DEEPEST = 8  # cells between a weight and its gradient


@dataclass(frozen=True)
class Claim:
    """What a sheet says ∂loss/∂w is: an expression in some cell; the update subtracts sign × it."""

    owner: Address
    expression: Expression
    whole: bool  # whether it is all that the owner says
    sign: int  # +1 where the update subtracts the claim
    via: tuple[Address, ...] = ()  # the cells from the update to the one that mentions the owner


def every_claim(training: Training, lane: WeightColumn) -> list[tuple[Claim, ...]]:
    """What the update after each step may mean by the gradient."""
    found: list[tuple[Claim, ...]] = []
    while (left := len(lane.cells) - 1 - len(found)) > 0:
        step = len(found)
        read: list[Address] = []
        said = tuple(claims(training, lane, step, read))
        away = {lane.cells[step]: lane.stride, lane.cells[step + 1]: lane.stride}
        if training.rate is not None:
            away.setdefault(training.rate, 0)
        onward = RepeatedSteps(training, away, left if read else 1)
        onward.follow(dict.fromkeys(read))
        found.append(said)
        later = range(1, onward.steps)
        found += [tuple([_later(claim, onward.away, k) for claim in said]) for k in later]
    return found


def _later(claim: Claim, away: Mapping[Address, int], steps: int) -> Claim:
    """The claim, made so many steps later."""
    owner, via = claim.owner, claim.via
    return Claim(
        owner + steps * away.get(owner, 0),
        claim.expression,
        claim.whole,
        claim.sign,
        tuple([cell + steps * away.get(cell, 0) for cell in via]),
    )


def claims(
    training: Training, lane: WeightColumn, step: int, read: list[Address] | None = None
) -> list[Claim]:
    """What the update after a step may mean by the gradient, the likeliest first.

    The cells whose formulas are read on the way are added to `read`.
    """
    base, cell = lane.cells[step], lane.cells[step + 1]
    pattern = training.book.patterns.get(cell)
    if pattern is None or pattern.expression is None:
        return []
    read = [] if read is None else read
    levels: list[list[Claim]] = [[]]
    parts: Sequence[SignedTerm] = change(pattern, base, cell)
    home, sign = cell, -1
    known: dict[Address, None] = {}
    while home not in known and len(known) < DEEPEST:
        known[home] = None
        read.append(home)
        own = [term for term in parts if not _is_decay(training, term[1], home, base)]
        found, further = _level(training, own or parts, home, base, sign)
        levels[-1] += found
        if own and len(own) < len(parts):  # unless the loss counts the weights, too
            levels[-1] += _level(training, parts, home, base, sign)[0]
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
        elif _remembers(training, home, read):
            parts = ((1, expression),)
        else:
            break
    way = tuple(known)
    return [replace(claim, via=_up_to(way, claim.owner)) for claim in levels[-1] or levels[0]]


def _up_to(way: Sequence[Address], owner: Address) -> tuple[Address, ...]:
    return tuple(way[: way.index(owner)] if owner in way else way)


def _is_decay(training: Training, part: Expression, home: Address, base: Address) -> bool:
    """Whether a term is a share of the weight itself."""
    moving = {cell for cell in training.mentioned(part, home) if cell in training.varying}
    return moving == {base}


def _level(
    training: Training, parts: Sequence[SignedTerm], home: Address, base: Address, sign: int
) -> tuple[list[Claim], tuple[Address, int] | None]:
    """The claims that one formula makes, and the cell behind it with its sign."""
    varying = [term for term in parts if training.varies(term[1], home)] or list(parts)
    if not varying:
        return [], None
    if len(varying) > 1:
        bare = [(sign * s, _stripped(training, part, home)) for s, part in varying]
        return [Claim(home, _sum(bare), False, 1)], None
    (term_sign, part) = varying[0]
    split = factors(part)
    sign = sign * term_sign * split.sign
    rest = [factor for factor in split.parts if not _is_rate(training, factor, home, split.parts)]
    moving = [factor for factor in rest if training.varies(factor.part, home)] or rest
    behind = [
        cell
        for factor in moving
        if factor.above
        for cell in [training.cell_of(factor.part, home)]
        if cell is not None
    ]
    inline = Claim(home, product(rest), False, sign)
    if len(moving) == 1 and len(inside := terms(moving[0].part)) > 1 and moving[0].above:
        kept = [term for term in inside if not _is_decay(training, term[1], home, base)]
        if kept and len(kept) < len(inside):
            claimed, further = _level(training, kept, home, base, sign)
            return [*claimed, inline], further
    if len(behind) != 1 or any(f.above for f in moving if training.cell_of(f.part, home) is None):
        return [inline], None
    owner = behind[0]
    pattern = training.book.patterns.get(owner)
    if pattern is None or pattern.expression is None or owner in training.weight_cells:
        return ([Claim(owner, moving[0].part, True, sign)], None) if pattern is None else ([], None)
    own = Claim(owner, pattern.expression, True, sign)
    return ([own, inline] if len(rest) > 1 else [own]), (owner, sign)


def _is_rate(training: Training, factor: Factor, home: Address, beside: Sequence[Factor]) -> bool:
    """Whether a factor is the learning rate, or a number in its place."""
    cell = training.cell_of(factor.part, home)
    if cell is not None and training.flow.plain(cell) == training.rate:
        return True
    if training.varies(factor.part, home):
        return False
    return training.rate is None and not isinstance(factor.part, Infix) and len(beside) == 2


def _stripped(training: Training, part: Expression, home: Address) -> Expression:
    split = factors(part)
    rest = [f for f in split.parts if not _is_rate(training, f, home, split.parts)]
    bare = product(rest)
    return Prefix("-", bare) if split.sign < 0 else bare


def _sum(parts: Sequence[SignedTerm]) -> Expression:
    signed = [Prefix("-", part) if sign < 0 else part for sign, part in parts]
    return reduce(lambda a, b: Infix("+", a, b), signed)


def _remembers(training: Training, cell: Address, read: list[Address]) -> bool:
    """Whether a little further back there is a cell that goes on from its value before."""

    def looks_back(at: Address) -> bool:
        if at not in training.weight_cells:
            read.append(at)
        return training.looks_back(at)

    return training.looks_back_anywhere and training.flow.reaches([cell], looks_back, 12)


def _without_memory(
    training: Training, expression: Expression, home: Address
) -> Sequence[SignedTerm] | None:
    """The terms of a running mean or a velocity but for what it was before; None of others."""
    if not training.looks_back(home):
        return None
    parts = terms(expression)
    rest = [term for term in parts if not _mentions_before(training, term[1], home)]
    return rest if len(rest) < len(parts) and rest else None


def _mentions_before(training: Training, part: Expression, home: Address) -> bool:
    return any(training.before(home, cell) for cell in training.mentioned(part, home))
