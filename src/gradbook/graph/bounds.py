"""Between which numbers a value lies, whatever the numbers are that it is computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp, inf, isinf, log, pi, sqrt
from types import MappingProxyType

from gradbook.graph.node import Node, ancestors

Range = tuple[float, float]  # from and to; both may be infinite

EVERYTHING: Range = (-inf, inf)
OF_OP: Mapping[str, Range] = {  # whatever the inputs are
    "exp": (0, inf),
    "sqrt": (0, inf),
    "relu": (0, inf),
    "softplus": (0, inf),
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "sin": (-1, 1),
    "cos": (-1, 1),
    "erf": (-1, 1),
    "sign": (-1, 1),
    "abs": (0, inf),
    "cosh": (1, inf),
    "acosh": (0, inf),
    "acos": (0, pi),
    "asin": (-pi / 2, pi / 2),
    "atan": (-pi / 2, pi / 2),
}


def bounds(result: Node, known: Mapping[Node, Range] = MappingProxyType({})) -> Range:
    """The range of a value over all finite leaves, or over those in their `known` ranges.

    It may be wider than necessary.
    """
    ranges = dict(known)
    for node in ancestors([result]):
        if node not in known:
            ranges[node] = _range(node, [ranges[part] for part in node.inputs])
    return ranges[result]


def _range(node: Node, ranges: Sequence[Range]) -> Range:
    if node.is_constant():
        return node.number, node.number
    usual = OF_OP.get(node.op.name, EVERYTHING)
    rule = RULES.get(node.op.name)
    low, high = rule(node, *ranges) if rule else EVERYTHING
    return max(low, usual[0]), min(high, usual[1])


def _product(node: Node, a: Range, b: Range) -> Range:
    x, y = node.inputs
    if x is y:
        return _power(2.0, a)
    corners = [_times(p, q) for p in a for q in b]
    return min(corners), max(corners)


def _times(p: float, q: float) -> float:
    return p * q if p and q else 0.0  # 0 times a bound that isn't reached


def _quotient(node: Node, a: Range, b: Range) -> Range:
    if b[0] <= 0 <= b[1] and not (b[0] == 0 < b[1] and a[0] >= 0):
        return EVERYTHING
    if b[0] == 0:
        return 0.0, inf
    corners = [_times(p, 1 / q) for p in a for q in b]
    return min(corners), max(corners)


def _power(exponent: float, x: Range) -> Range:
    if exponent > 0 and exponent % 2 == 0:
        low, high = sorted(map(abs, x))
        return 0.0 if x[0] < 0 < x[1] else _raised(low, exponent), _raised(high, exponent)
    if x[0] < 0 and exponent < 0:
        return EVERYTHING
    if x[0] < 0:  # an odd power; a root of it isn't a number
        return (-_raised(-x[0], exponent), _raised(max(x[1], 0), exponent))
    ends = sorted(_raised(end, exponent) for end in x)
    return ends[0], ends[1]


def _raised(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (ZeroDivisionError, OverflowError):
        return inf


def _absolute(node: Node, x: Range) -> Range:
    low, high = sorted(map(abs, x))
    return 0.0 if x[0] < 0 < x[1] else low, high


def _largest(node: Node, *ranges: Range) -> Range:
    is_size = any(
        part.op.name == "negate" and part.inputs[0] in node.inputs for part in node.inputs
    )
    low = max(low for low, _ in ranges)
    return max(low, 0.0) if is_size else low, max(high for _, high in ranges)


def _grows(function: Callable[[float], float]) -> Callable[[Node, Range], Range]:
    """The rule of a function that never falls."""

    def rule(node: Node, x: Range) -> Range:
        return function(x[0]), function(x[1])

    return rule


def _exp(x: float) -> float:
    return exp(x) if x < 700 else inf


def _log(x: float) -> float:
    return (inf if isinf(x) else log(x)) if x > 0 else -inf


RULES: Mapping[str, Callable[..., Range]] = {
    "add": lambda node, a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda node, a, b: (a[0] - b[1], a[1] - b[0]),
    "multiply": _product,
    "divide": _quotient,
    "power": lambda node, x, n: _power(n[0], x),
    "negate": lambda node, x: (-x[1], -x[0]),
    "abs": _absolute,
    "largest": _largest,
    "total": lambda node, x: (0.0 if x[0] >= 0 else -inf, 0.0 if x[1] <= 0 else inf),
    "copy": lambda node, x: x,
    "exp": _grows(_exp),
    "log": _grows(_log),
    "sqrt": _grows(lambda x: sqrt(max(x, 0.0))),
    "relu": _grows(lambda x: max(x, 0.0)),
}
