"""Python expressions as text: whatever is put into one gets the brackets that Python requires."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

ATOM = 6  # a name, a number, a call, an index: nothing binds more tightly
NEGATED = 4
PRECEDENCE: dict[type[ast.operator], int] = {
    ast.Add: 2,
    ast.Sub: 2,
    ast.Mult: 3,
    ast.Div: 3,
    ast.MatMult: 3,
    ast.Pow: 5,
}
COMPARED = 1
ALONE = 0  # between commas or brackets, where any expression may be

ARITHMETIC = {  # of values that {0} and {1} stand for
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "negate": "-{0}",
}


@dataclass(frozen=True)
class Expression:
    """A Python expression and how tightly its outermost operator binds."""

    text: str
    level: int = ATOM

    def where(self, least: int) -> str:
        """Write it at a place that requires this level at least."""
        return self.text if self.level >= least else f"({self.text})"

    @property
    def atom(self) -> str:
        return self.where(ATOM)


def places(count: int) -> list[str]:
    """The names that stand for so many expressions in a pattern."""
    return [f"_{number}_" for number in range(count)]


def put_into(pattern: str, *inputs: Expression, **words: object) -> Expression:
    """Put expressions into a pattern such as '{0} + {1}', and words as they are.

    A word that refers to the expressions contains their `places`.
    """
    names = places(len(inputs))
    text = pattern.format(*names, **words)
    if text in names:
        return inputs[names.index(text)]
    level, levels = _levels(text)
    for begin, end, name, least in reversed(levels):
        if name in names:
            text = text[:begin] + inputs[names.index(name)].where(least) + text[end:]
    return Expression(text, level)


@lru_cache(maxsize=256)
def _levels(text: str) -> tuple[int, Sequence[tuple[int, int, str, int]]]:
    """The level of an expression; and for each name in it where it begins and ends, the name, and
    the level that its place requires."""
    tree = ast.parse(text, mode="eval").body
    names = []
    for parent in ast.walk(ast.Expression(tree)):
        for field, child in ast.iter_fields(parent):
            for node in child if isinstance(child, list) else [child]:
                if isinstance(node, ast.Name) and node.end_col_offset is not None:
                    least = _required(parent, field)
                    names.append((node.col_offset, node.end_col_offset, node.id, least))
    return _level(tree), sorted(names)


def _level(node: ast.expr) -> int:
    match node:
        case ast.BinOp(op=operator):
            return PRECEDENCE[type(operator)]
        case ast.UnaryOp():
            return NEGATED
        case ast.Compare():
            return COMPARED
    return ATOM


def _required(parent: ast.AST, field: str) -> int:
    """The least level of an expression in this field of another one."""
    match parent:
        case ast.BinOp(op=ast.Pow()):
            return ATOM if field == "left" else NEGATED
        case ast.BinOp(op=operator):
            return PRECEDENCE[type(operator)] + (field == "right")
        case ast.UnaryOp():
            return NEGATED
        case ast.Compare():
            return COMPARED + 1
        case ast.Attribute() | ast.Subscript() | ast.Call() if field in ("value", "func"):
            return ATOM
    return ALONE


def literal(number: float) -> Expression:
    return Expression(repr(number), NEGATED if number < 0 else ATOM)
