"""A formula with what it leaves out of the chain rule: a term for a way, a factor for a slope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import (
    Edit,
    EditKind,
    Factor,
    Factored,
    Path,
    factors,
    put,
    signed,
    terms,
    total,
)
from gradbook.audit.formula.expression import product as multiplied
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.judge.omissions import ChainOmission, Omissions
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.edits.alternatives import EvaluatedFormula, hits
from gradbook.audit.repair.edits.wrong_formula import WrongFormula, anew, spelled
from gradbook.audit.repair.hypotheses import Cause, Hypothesis, LeftOut
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Expression, Infix, write

GROUPED = 2  # factors that a term shares with one of a sum, to belong beside what that multiplies


@dataclass(frozen=True)
class Joined:
    """A formula, or a part of one, with something added to a part of it."""

    whole: Expression
    added: Expression
    beside: Expression


@dataclass(frozen=True)
class PutBack:
    """One part put back into a formula."""

    edit: Edit
    left_out: LeftOut  # as it was put in


def restored(
    wrong: WrongFormula,
    of: Node,
    omissions: Omissions[Node],
    cause: Cause = Cause.CLAIM,
    per: Node | None = None,
) -> Hypothesis | None:
    """The formula as it is with all that it leaves out of ∂loss/∂ a value, or of that `per` as
    much; written anew where the parts can't be put into it one by one."""
    if _mentions_a_blank(wrong):
        return None
    slopes_first = sorted(omissions, key=lambda one: one.is_way)
    left = [_left_out(wrong, of, one, per) for one in slopes_first]
    known = [one for one in left if one is not None]
    if len(known) < len(left):
        return None
    done = _put_back(wrong, of, slopes_first, known)
    if done is not None:
        edits = tuple(one.edit for one in done)
        expression = _after(wrong.expression, edits)
        put_in = tuple(one.left_out for one in done)
        return Hypothesis(cause, (wrong.home,), (write(expression),), edits, left_out=put_in)
    whole = anew(wrong.tested, wrong.home, wrong.expression, wrong.target)
    if whole is None:
        return None
    named = (replace(one, is_put_in=False) for one in known)
    return replace(whole, cause=cause, left_out=tuple(named))


def _mentions_a_blank(wrong: WrongFormula) -> bool:
    """Whether something that was meant to be in a formula is only taken from a wrong cell."""
    training = wrong.tested.training
    return any(map(training.book.is_blank, training.flow.sources(wrong.home)))


def _after(expression: Expression, edits: Sequence[Edit]) -> Expression:
    for edit in edits:
        expression = edit.applied(expression)
    return expression


# What is left out, as a formula -------------------------------------------------------------


def _left_out(
    wrong: WrongFormula, of: Node, one: ChainOmission[Node], per: Node | None
) -> LeftOut | None:
    """What is left out, as the sheet would say it in that cell."""
    tested, home = wrong.tested, wrong.home
    if tested.chain is None:
        return None
    if one.is_way:
        target = _through(tested, one.places, of)
        target = target if per is None or per.is_constant(1.0) else target / per
    else:
        (source,) = tested.chain.partials[one.first]
        target = gradients(one.first, [source], [source])[source]
    said = spelled(tested, home, target, own_slopes(tested, home))
    if said is None:
        return None
    kind = EditKind.TERM if one.is_way else EditKind.FACTOR
    return LeftOut(kind, tested.cells_of_values.get(one.first), said)


def _through(tested: StepUnderTest, nodes: Sequence[Node], of: Node) -> Node:
    """What comes to ∂loss/∂ a value through some others."""
    each = [tested.slopes[node] * gradients(node, [of])[of] for node in nodes]
    found = each[0]
    for share in each[1:]:
        found = found + share
    return found


def own_slopes(tested: StepUnderTest, home: Address) -> dict[Node, Address]:
    """The cells beside one that hold the slope of the loss by some value on the way to it."""
    if tested.chain is None:
        return {}
    row, users = tested.positions.row, tested.training.flow.users
    weights = tested.training.weight_cells
    near = [c for c in tested.mentions.candidates([home]) if row(c) == row(home)]
    back = [c for c in near if c not in tested.forward and c not in weights]
    found: dict[Node, Address] = {}
    for cell in back:
        try:
            value = tested.graph.node(cell)
        except NotUnderstood:
            continue
        if weights.keys() >= set(users.get(cell, ())):
            continue  # a gradient, which only updates take
        for slope in tested.slopes.values():
            if slope not in found and tested.same(value, slope) and not slope.is_constant():
                found[slope] = cell
    return found


# Where it belongs ---------------------------------------------------------------------------


def _put_back(
    wrong: WrongFormula, of: Node, omissions: Sequence[ChainOmission[Node]], left: Sequence[LeftOut]
) -> list[PutBack] | None:
    """The parts put back one after the other, each into what the last one made."""
    found: list[PutBack] = []
    expression = wrong.expression
    for k, one in enumerate(left):
        wanted = _worth(wrong, of, omissions, k + 1)
        done = None if wanted is None else next(_places(wrong, expression, one, wanted), None)
        if done is None:
            return None
        found.append(done)
        expression = done.edit.applied(expression)
    return found


def _worth(
    wrong: WrongFormula, of: Node, omissions: Sequence[ChainOmission[Node]], done: int
) -> Array | None:
    """What the formula is worth once some are put back: it goes evenly from what it is to what it
    should be, as the derivative does."""
    chain = wrong.tested.chain
    if done == len(omissions) or chain is None:
        return wrong.wanted
    true, then, now = chain.derivatives([(), (*omissions[done:],), (*omissions,)])[of]
    with np.errstate(all="ignore"):
        share = (then - now) / (true - now)
        found: Array = wrong.evaluated.whole + (wrong.wanted - wrong.evaluated.whole) * share
    return found


def _places(
    wrong: WrongFormula, expression: Expression, left: LeftOut, wanted: Array
) -> Iterator[PutBack]:
    """The ways to put a part back, the outermost place first."""
    formula = EvaluatedFormula(expression, wrong.evaluated.value_of)
    more = wrong.value_of(left.said)
    for path in sorted(formula.parts, key=len):
        part = formula.parts[path]
        for joined, values in _joined(formula, path, left, more):
            if not hits(np.atleast_2d(formula.with_({path: values})), wanted):
                continue
            said = put(expression, path, joined.whole)
            whole = EvaluatedFormula(said, wrong.evaluated.value_of).whole
            if hits(np.atleast_2d(whole), wanted):
                beside = joined.beside if path or joined.beside is not part else None
                part_put = replace(left, said=joined.added, beside=beside)
                yield PutBack(Edit(left.kind, (path,), part, joined.whole), part_put)


def _joined(
    formula: EvaluatedFormula, path: Path, left: LeftOut, more: Array
) -> Iterator[tuple[Joined, Array]]:
    part, value, said = formula.parts[path], formula.values[path], left.said
    with np.errstate(all="ignore"):
        if left.kind is EditKind.FACTOR:
            around = formula.parts[path[:-1]] if path else None
            if not (isinstance(around, Infix) and around.operator in "*/"):
                yield Joined(with_factor(part, said), said, part), value * more
            return
        yield with_term(part, said), value + more
        turned = [(-sign, term) for sign, term in terms(said)]
        yield Joined(total([*terms(part), *turned]), total(turned), part), value - more


def with_factor(part: Expression, factor: Expression) -> Expression:
    """A product with another factor, or several."""
    some, others = factors(part), factors(factor)
    return signed(some.sign * others.sign, multiplied([*some.parts, *others.parts]))


def with_term(part: Expression, term: Expression) -> Joined:
    """A sum with another term, beside what it shares its factors with: a·b·s and c·d·s make
    (a·b + c·d)·s."""
    every = terms(part)
    if len(every) > 1:
        shared = [len(_common(factors(one), factors(term))) for _, one in every]
        k = max(range(len(every)), key=shared.__getitem__)
        sign, like = every[k]
        if shared[k] >= GROUPED and sign > 0 and _has_a_sum(factors(like)):
            inner = with_term(like, term)
            whole = total([*every[:k], (1, inner.whole), *every[k + 1 :]])
            return replace(inner, whole=whole)
        return Joined(total([*every, *terms(term)]), term, part)
    some, others = factors(part), factors(term)
    common = _common(some, others)
    rest, more = (_without(split, common) for split in (some, others))
    if not common or not rest or not more:
        return Joined(total([*every, *terms(term)]), term, part)
    if len(rest) == 1 and rest[0].above and some.sign == others.sign:
        inside = with_term(rest[0].part, multiplied(more))
        sign = some.sign
    else:
        both = (some.sign, multiplied(rest)), (others.sign, multiplied(more))
        inside = Joined(total(both), signed(*both[1]), signed(*both[0]))
        sign = 1
    both_have = [factor for factor in some.parts if not any(factor is other for other in rest)]
    before = next(k for k, factor in enumerate(some.parts) if factor is rest[0])
    grouped = [*both_have[:before], Factor(inside.whole, True), *both_have[before:]]
    return replace(inside, whole=signed(sign, multiplied(grouped)))


def _has_a_sum(split: Factored) -> bool:
    return any(len(terms(factor.part)) > 1 for factor in split.parts if factor.above)


def _common(some: Factored, others: Factored) -> Counter[tuple[str, bool]]:
    """The factors that two products share."""
    return Counter(map(_said, some.parts)) & Counter(map(_said, others.parts))


def _without(split: Factored, common: Mapping[tuple[str, bool], int]) -> list[Factor]:
    left = Counter(common)
    found: list[Factor] = []
    for factor in reversed(split.parts):
        said = _said(factor)
        if left[said] > 0:
            left[said] -= 1
        else:
            found.append(factor)
    return found[::-1]


def _said(factor: Factor) -> tuple[str, bool]:
    return write(factor.part).replace("$", ""), factor.above
