"""Whether a formula is what networks are made of: a weighted sum, or a function of one."""

from __future__ import annotations

from enum import IntEnum

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import factors, parts, references, terms
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.targets.excel.language.grammar import Call, Expression, Prefix, Reference

ACTIVATIONS = ("sigmoid", "tanh")


class Convention(IntEnum):
    """How much a formula is like those that networks are made of."""

    NONE = 0
    USUAL = 1  # a weighted sum, some function of one cell
    NAMED = 2  # an activation that has a name


def convention(tested: StepUnderTest, pattern: Pattern, home: Address) -> Convention:
    """What a formula is in a cell on the way to the loss."""
    if pattern.expression is None or isinstance(pattern.expression, Reference):
        return Convention.NONE
    if _is_weighted_sum(tested, pattern.expression, home):
        return Convention.USUAL
    named = _has_a_name(tested, pattern, home)
    said = {reference.text for reference in references(pattern.expression)}
    one = tested.training.book.reader.cell(said.pop(), home) if len(said) == 1 else None
    if one in tested.training.computed_cells:
        return Convention.NAMED if named else Convention.USUAL
    takes_a_sum = named and _is_weighted_sum(tested, _argument(pattern.expression), home)
    return Convention.NAMED if takes_a_sum else Convention.NONE


def _has_a_name(tested: StepUnderTest, pattern: Pattern, home: Address) -> bool:
    if pattern.expression is None:
        return False
    try:
        node = tested.graph.expression(pattern.expression, home, pattern)
    except NotUnderstood:
        return False
    return node.op.name in ACTIVATIONS


def _argument(expression: Expression) -> Expression | None:
    """What the first function in a formula is of, but for its sign."""
    called = (part.arguments[0] for part in parts(expression) if isinstance(part, Call))
    inside = next(called, None)
    return inside.operand if isinstance(inside, Prefix) else inside


def _is_weighted_sum(tested: StepUnderTest, expression: Expression | None, home: Address) -> bool:
    """Whether all terms are a weight times something else, each of them once, but for one bias."""
    if expression is None:
        return False
    reader, weights = tested.training.book.reader, set(tested.step.own)
    seen: list[Address | None] = []
    biases = 0
    for sign, term in terms(expression):
        split = factors(term).parts
        cells = [
            reader.cell(f.part.text, home) if isinstance(f.part, Reference) else None for f in split
        ]
        own = sum(cell in weights for cell in cells)
        if sign < 0 or own != 1 or len(split) > 2 or None in cells:
            return False
        if not all(f.above for f in split):
            return False
        seen += cells
        biases += len(split) == 1
    products = len(terms(expression)) - biases
    return products > 0 and biases < 2 and len(seen) == len(set(seen))
