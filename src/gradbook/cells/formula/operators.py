"""The operators of formulas as ops of the graph: arithmetic, comparisons, joined texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add, sub

from gradbook.cells.formula.formula_values import (
    Meaning,
    MovedGraph,
    NoElse,
    NotUnderstood,
    NumberedGraph,
    OpenGraph,
    Single,
    has_values_only,
    joined,
    number,
    pairs,
    present,
    text_of,
)
from gradbook.cells.formula.rounding import product
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message


def infix(graph: Graph, operator: str, a: Meaning, b: Meaning) -> Meaning:
    return pairs(lambda x, y: _infix(graph, operator, x, y), a, b)


def _infix(graph: Graph, operator: str, a: Single, b: Single) -> Single:
    if operator == "&":
        return joined(graph, map(text_of, (a, b))) if has_values_only(graph) else "joined text"
    a, b = (number(graph, x) if isinstance(x, NoElse) else x for x in (a, b))
    if operator not in "+-*/^" and isinstance(a, str) | isinstance(b, str):
        return _texts(graph, operator, a, b)
    return _ON_NUMBERS[operator](number(graph, a), number(graph, b))


SIGNED = ("negate", "divide", "multiply")  # may begin with a sign


def _sigmoid(above: Node, below: Node) -> Node | None:
    """1/(1 + e^−z), also with another base, as a sigmoid, so that its derivative is a·(1 − a); None
    for anything else."""
    if not above.is_constant(1) or below.op.name != "add":
        return None
    a, b = below.inputs
    numerator, power = (a, b) if a.is_constant(1) else (b, a)
    if not numerator.is_constant(1) or power.op.name != "exp":
        return None
    return above.graph.make("sigmoid", _opposite(*power.inputs))


def _opposite(x: Node) -> Node:
    """−x, without a sign that it already has: that of −z/T, or of −z·ln 10."""
    match x.op.name, x.inputs:
        case "negate", (inside,):
            return inside
        case "multiply", (number, inside) if number.is_constant(-1):
            return inside
        case "multiply", (inside, other) if inside.op.name in SIGNED:
            return _opposite(inside) * other
        case "divide", (inside, other) if inside.op.name in SIGNED:
            return _opposite(inside) / other
    return -x


def power(x: Node, n: Node) -> Node:
    """x to the power n: directly if n is a number, otherwise through the logarithm, whose slopes
    are known; a negative x has a value, too, and no slope by n."""
    graph = x.graph
    if n.is_constant(-1):
        return _sigmoid(graph.constant(1.0), x) or x**n
    if n.is_constant():
        return x**n
    if isinstance(graph, OpenGraph) and not isinstance(graph, MovedGraph):
        return x**n
    if isinstance(graph, NumberedGraph) and not present(x) > 0:
        return x ** present(n)
    if x.op.name == "exp":  # EXP(1)^n
        through = graph.make("exp", n * x.inputs[0])
    else:
        through = graph.make("exp", n * graph.make("log", x))
    if isinstance(graph, NumberedGraph | MovedGraph):  # 2^3 is exactly 8
        return graph.make("straight", x**n, through)
    return through


def _texts(graph: Graph, operator: str, a: Single, b: Single) -> Node:
    """Compare texts; a number equals none of them."""
    if operator not in ("=", "<>"):
        if has_values_only(graph):
            return graph.constant(float(_in_order(operator, a, b)))
        raise NotUnderstood(Message("a comparison of texts by order"))
    are_texts = not isinstance(a, Node) and not isinstance(b, Node)
    same = are_texts and str(a or "").lower() == str(b or "").lower()
    return graph.constant(float(same == (operator == "=")))


def _in_order(operator: str, a: Single, b: Single) -> bool:
    """Compare by order where one is a text: every number is before every text."""
    first, second = ((isinstance(x, str), x.lower() if isinstance(x, str) else "") for x in (a, b))
    return {
        "<": first < second,
        ">": first > second,
        "<=": first <= second,
        ">=": first >= second,
    }[operator]


def if_positive(x: Node, then: Node | float, otherwise: Node | float) -> Node:
    return x.graph.make("choose", x, then, otherwise)


def one_of(graph: Graph, position: Node, values: Sequence[Single]) -> Node:
    """The value at a position, counted from 1, whichever it is."""
    chosen = number(graph, values[-1])
    for place, value in enumerate(values[:-1], 1):
        is_before, is_after = place - position, position - place
        otherwise = if_positive(is_before, chosen, number(graph, value))
        chosen = if_positive(is_after, chosen, otherwise)
    return chosen


_ON_NUMBERS: dict[str, Callable[[Node, Node], Node]] = {
    "+": add,
    "-": sub,
    "*": product,
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
    """A node that is above 0 if the condition is true."""
    condition = number(graph, value)
    if condition.op.name in ("choose", "constant"):
        return condition
    return condition * condition
