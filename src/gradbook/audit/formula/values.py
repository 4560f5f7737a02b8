"""What a part of a formula means (a node, a text, or a block of those) and the operators on it.

A blank cell is None within a block and 0 where a single value is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import add, mul, sub

from gradbook.graph.node import Graph, Node
from gradbook.targets.excel.language.grammar import Reference


class NotUnderstood(Exception):
    """Something in a formula that has no meaning here; the message names it."""


class TooMuch(NotUnderstood):
    """More cells or values than are followed; it may well have a meaning."""


class LeadsBack(NotUnderstood):
    """A formula that is computed from itself."""

    def __init__(self, message: str, cell: int) -> None:
        super().__init__(message)
        self.cell = cell


Single = Node | str | None
MOST_VALUES = 50_000  # of one part of a formula


@dataclass(frozen=True)
class CellBlock:
    """Values side by side and one below the other: a range, an array."""

    rows: tuple[tuple[Single, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def numbers(self) -> Iterator[Node]:
        """The numbers among them: texts and blanks don't count."""
        yield from (value for row in self.rows for value in row if isinstance(value, Node))

    def at(self, row: int, column: int) -> Single:
        """One of the values; a single row or column stands for any number of them."""
        height, width = self.shape
        return self.rows[row if height > 1 else 0][column if width > 1 else 0]


Meaning = Single | CellBlock
Lookup = Callable[[Reference], Meaning]


def as_block(value: Meaning) -> CellBlock:
    return value if isinstance(value, CellBlock) else CellBlock(((value,),))


def number(graph: Graph, value: Meaning) -> Node:
    """A single value as a number: a blank is 0, and so Excel reads digits in a text."""
    if isinstance(value, Node):
        return value
    if value is None:
        return graph.constant(0)
    if isinstance(value, CellBlock):
        if value.shape == (1, 1):
            return number(graph, value.rows[0][0])
        raise NotUnderstood("a range where one value belongs")
    try:
        return graph.constant(float(value))
    except ValueError as error:
        raise NotUnderstood(f"the text {value[:30]!r} where a number belongs") from error


def each(one: Callable[[Meaning], Node], value: Meaning) -> Meaning:
    if isinstance(value, CellBlock):
        return CellBlock(tuple(tuple(one(x) for x in row) for row in value.rows))
    return one(value)


def pairs(one: Callable[[Single, Single], Single], a: Meaning, b: Meaning) -> Meaning:
    """Element by element; a single value, row or column is repeated to fit, as Excel does."""
    if not isinstance(a, CellBlock) and not isinstance(b, CellBlock):
        return one(a, b)
    left, right = as_block(a), as_block(b)
    height, width = map(_common, left.shape, right.shape)
    refuse_many(height * width)
    return CellBlock(
        tuple(
            tuple(one(left.at(r, c), right.at(r, c)) for c in range(width)) for r in range(height)
        )
    )


def refuse_many(count: int) -> None:
    """Two columns, one of them turned round, are as many values as their lengths multiplied."""
    if count > MOST_VALUES:
        raise TooMuch(f"more than {MOST_VALUES:,} values at once")


def _common(a: int, b: int) -> int:
    if a == b or 1 in (a, b):
        return max(a, b)
    raise NotUnderstood("ranges of different sizes side by side")


# Operators --------------------------------------------------------------------


def infix(graph: Graph, operator: str, a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: _infix(graph, operator, x, y), a, b)


def _infix(graph: Graph, operator: str, a: Single, b: Single) -> Single:
    if operator == "&":
        return "joined text"
    if operator not in "+-*/^" and isinstance(a, str) | isinstance(b, str):
        return _texts(graph, operator, a, b)
    return _ON_NUMBERS[operator](number(graph, a), number(graph, b))


def _sigmoid(above: Node, below: Node) -> Node | None:
    """1/(1 + e^−z), recognised, so that its derivative is a·(1 − a)."""
    if not above.is_constant(1) or below.op.name != "add":
        return None
    a, b = below.inputs
    one, power = (a, b) if a.is_constant(1) else (b, a)
    if not one.is_constant(1) or power.op.name != "exp":
        return None
    (exponent,) = power.inputs
    if exponent.op.name == "negate":
        return above.graph.make("sigmoid", exponent.inputs[0])
    if exponent.op.name == "multiply" and exponent.inputs[0].is_constant(-1):
        return above.graph.make("sigmoid", exponent.inputs[1])
    return None


def power(x: Node, n: Node) -> Node:
    """x to the n: as such where n is a number, else by way of the logarithm."""
    graph = x.graph
    if n.is_constant(-1):
        return _sigmoid(graph.constant(1.0), x) or x**n
    if n.is_constant():
        return x**n
    if x.op.name == "exp":  # EXP(1)^n
        return graph.make("exp", n * x.inputs[0])
    return graph.make("exp", n * graph.make("log", x))


def _texts(graph: Graph, operator: str, a: Single, b: Single) -> Node:
    """Texts compared; a number equals none of them."""
    if operator not in ("=", "<>"):
        raise NotUnderstood("the order of texts")
    both = not isinstance(a, Node) and not isinstance(b, Node)
    same = both and str(a or "").lower() == str(b or "").lower()
    return graph.constant(float(same == (operator == "=")))


def if_positive(x: Node, then: Node | float, otherwise: Node | float) -> Node:
    return x.graph.make("choose", x, then, otherwise)


_ON_NUMBERS: dict[str, Callable[[Node, Node], Node]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": lambda a, b: _sigmoid(a, b) or a / b,
    "^": power,
    ">": lambda a, b: if_positive(a - b, 1, 0),
    "<": lambda a, b: if_positive(b - a, 1, 0),
    ">=": lambda a, b: if_positive(b - a, 0, 1),
    "<=": lambda a, b: if_positive(a - b, 0, 1),
    "=": lambda a, b: if_positive(a - b, 0, if_positive(b - a, 0, 1)),
    "<>": lambda a, b: if_positive(a - b, 1, if_positive(b - a, 1, 0)),
}


def truth(graph: Graph, value: Meaning) -> Node:
    """A node above 0 where the condition holds."""
    condition = number(graph, value)
    if condition.op.name in ("choose", "constant"):
        return condition
    return condition * condition
