"""Whether a formula is what networks are made of: a weighted sum, or a function of one."""

from __future__ import annotations

from enum import IntEnum

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import factors, parts, references, terms
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.remedy import Remedy
from gradbook.targets.excel.language.grammar import Call, Expression, Prefix, Reference, write

ACTIVATIONS = ("sigmoid", "tanh")


class Properness(IntEnum):
    """How much a formula is like those that networks are made of."""

    NONE = 0
    USUAL = 1  # a weighted sum, some function of one cell
    KNOWN = 2  # an activation that has a name


def is_made_proper(tested: StepUnderTest, remedy: Remedy) -> bool:
    stands, then = properness(tested, remedy)
    return then > stands


def properness(tested: StepUnderTest, remedy: Remedy) -> tuple[Properness, Properness]:
    """What a formula on the way to the loss is as it stands, and once changed."""
    owner, book = remedy.cells[0], tested.training.book
    if owner not in tested.forward:
        return Properness.NONE, Properness.NONE
    stands = book.reader.typed(book.patterns[owner].text_at(owner), owner)
    then = book.reader.typed(write(remedy.repair.expression), owner)
    return _properness(tested, stands, owner), _properness(tested, then, owner)


def _properness(tested: StepUnderTest, pattern: Pattern, owner: Address) -> Properness:
    if pattern.expression is None:
        return Properness.NONE
    if _is_weighted_sum(tested, pattern.expression, owner):
        return Properness.USUAL
    known = _has_a_name(tested, pattern, owner)
    said = {reference.text for reference in references(pattern.expression)}
    if len(said) == 1:
        cell = tested.training.book.reader.cell(said.pop(), owner)
        if cell in tested.training.computed:
            return Properness.KNOWN if known else Properness.USUAL
    return Properness.KNOWN if known and _takes_a_sum(tested, pattern, owner) else Properness.NONE


def _has_a_name(tested: StepUnderTest, pattern: Pattern, owner: Address) -> bool:
    if pattern.expression is None or isinstance(pattern.expression, Reference):
        return False
    try:
        node = tested.graph.expression(pattern.expression, owner, pattern)
    except NotUnderstood:
        return False
    return node.op.name in ACTIVATIONS


def _takes_a_sum(tested: StepUnderTest, pattern: Pattern, owner: Address) -> bool:
    """Whether the first function in a formula is one of a weighted sum."""
    assert pattern.expression is not None
    called = [part for part in parts(pattern.expression) if isinstance(part, Call)]
    inside = called[0].arguments[0] if called else None
    inside = inside.operand if isinstance(inside, Prefix) else inside
    return inside is not None and _is_weighted_sum(tested, inside, owner)


def _is_weighted_sum(tested: StepUnderTest, expression: Expression, owner: Address) -> bool:
    """Whether all terms are a weight times something else, each of them once, but for one bias."""
    weights = set(tested.step.own)
    reader = tested.training.book.reader
    seen: list[Address] = []
    biases = 0
    for sign, term in terms(expression):
        parts = factors(term).parts
        cells = [
            reader.cell(f.part.text, owner) if isinstance(f.part, Reference) else None
            for f in parts
        ]
        own = [cell for cell in cells if cell in weights]
        if sign < 0 or len(own) != 1 or len(parts) > 2 or None in cells:
            return False
        if not all(f.above for f in parts):
            return False
        seen += [cell for cell in cells if cell is not None]
        biases += len(parts) == 1
    products = len(terms(expression)) - biases
    return products > 0 and biases < 2 and len(seen) == len(set(seen))
