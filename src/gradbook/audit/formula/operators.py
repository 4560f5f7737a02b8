"""Excel's operators, said with the ops of the graph."""

from __future__ import annotations

from collections.abc import Callable

from gradbook.audit.formula.value import NotUnderstood, Value, number, pairs
from gradbook.graph.node import Graph, Node


def infix(graph: Graph, operator: str, a: Value, b: Value) -> Value:
    return pairs(lambda x, y: _infix(graph, operator, x, y), a, b)


def _infix(graph: Graph, operator: str, a: Value, b: Value) -> Value:
    if operator == "&":
        return "joined text"
    if operator in _COMPARED and isinstance(a, str) | isinstance(b, str):
        return _texts(graph, operator, a, b)
    x, y = number(graph, a), number(graph, b)
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case "/":
            return _sigmoid(x, y) or x / y
        case "^":
            return power(x, y)
    return _COMPARED[operator](x, y)


def _sigmoid(above: Node, below: Node) -> Node | None:
    """1/(1 + e^−z), known as what it is, so that its derivative is a·(1 − a)."""
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
    if n.is_constant():
        return x**n
    if x.op.name == "exp":  # EXP(1)^n
        return graph.make("exp", n * x.inputs[0])
    return graph.make("exp", n * graph.make("log", x))


def _texts(graph: Graph, operator: str, a: Value, b: Value) -> Node:
    if operator not in ("=", "<>"):
        raise NotUnderstood("the order of texts")
    same = str(a or "").lower() == str(b or "").lower() if _both_texts(a, b) else False
    return graph.constant(float(same == (operator == "=")))


def _both_texts(a: Value, b: Value) -> bool:
    return all(value is None or isinstance(value, str) for value in (a, b))


def if_positive(x: Node, then: Node | float, otherwise: Node | float) -> Node:
    return x.graph.make("choose", x, then, otherwise)


_COMPARED: dict[str, Callable[[Node, Node], Node]] = {
    ">": lambda a, b: if_positive(a - b, 1, 0),
    "<": lambda a, b: if_positive(b - a, 1, 0),
    ">=": lambda a, b: if_positive(b - a, 0, 1),
    "<=": lambda a, b: if_positive(a - b, 0, 1),
    "=": lambda a, b: if_positive(a - b, 0, if_positive(b - a, 0, 1)),
    "<>": lambda a, b: if_positive(a - b, 1, if_positive(b - a, 1, 0)),
}


def truth(graph: Graph, value: Value) -> Node:
    """A node above 0 where the condition holds."""
    condition = number(graph, value)
    if condition.op.name in ("choose", "constant"):
        return condition
    return condition * condition
