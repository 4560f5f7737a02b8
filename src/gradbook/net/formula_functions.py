"""What the operators and functions of a formula mean: nodes of the graph, and vectors of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import e, pi
from operator import add, mul

from gradbook.graph.node import OPS, Node, ancestors
from gradbook.layers import ACTIVATIONS

CONSTANTS = {"e": e, "pi": pi, "π": pi}
Function = Callable[..., Node]
Parts = Node | tuple[Node, ...]  # a value, or a vector of them


def _op(name: str) -> Function:
    return lambda *inputs: inputs[0].graph.make(name, *inputs)


def is_number(node: Node) -> bool:
    """Whether nothing that can change is in it."""
    return all(part.op.name != "leaf" for part in ancestors([node]))


def _power(base: Node, exponent: Node) -> Node:
    """x^n; if the exponent isn't a plain number, e^(n·ln x)."""
    if is_number(exponent) and not base.is_constant():
        return base**exponent
    if base.is_constant(e):
        return _op("exp")(exponent)
    if exponent.is_constant():
        return base**exponent
    return _op("exp")(exponent * _op("log")(base))


def _smallest(*values: Node) -> Node:
    return -_op("largest")(*(-value for value in values))


def _difference(a: Node, b: Node) -> Node:
    return a if b.is_constant(0) else a - b


def _choose(condition: Node, yes: Node, no: Node) -> Node:
    return condition.graph.make("choose", condition, yes, no)


def _equal(a: Node, b: Node, yes: Node, no: Node) -> Node:
    return _choose(_difference(a, b), no, _choose(_difference(b, a), no, yes))


def _mean(*values: Node) -> Node:
    return reduce(add, values) / len(values)


COMPARISONS: dict[str, Function] = {  # the third value if they hold, else the fourth
    ">": lambda a, b, yes, no: _choose(_difference(a, b), yes, no),
    "<": lambda a, b, yes, no: _choose(_difference(b, a), yes, no),
    "≥": lambda a, b, yes, no: _choose(_difference(b, a), no, yes),
    "≤": lambda a, b, yes, no: _choose(_difference(a, b), no, yes),
    "=": _equal,
    "≠": lambda a, b, yes, no: _equal(a, b, no, yes),
}
OPERATORS: dict[str, Function] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": _power,
}
OF_SEVERAL: dict[str, Function] = {  # of values, or of the numbers of a vector
    "max": _op("largest"),
    "min": _smallest,
    "sum": lambda *values: reduce(add, values),
    "mean": _mean,
    "prod": lambda *values: reduce(mul, values),
}
SAME_AS_OPS = (
    *("exp", "log", "sqrt", "abs", "sign", "floor", "erf", "log10", "log2"),
    *("sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
SYNONYMS = {
    "ln": "log",
    "lg": "log10",
    "ld": "log2",
    "tg": "tan",
    "sgn": "sign",
    "σ": "sigmoid",
    **{f"arc{word}": f"a{word}" for word in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "Phi": "normal_share",
    "Φ": "normal_share",
    "Σ": "sum",
    "average": "mean",
}
FUNCTIONS: dict[str, tuple[int | None, Function]] = {  # with the number of arguments
    **{word: (1, _op(word)) for word in SAME_AS_OPS},
    **{word: (None, function) for word, function in OF_SEVERAL.items()},
    "ceil": (1, lambda x: -_op("floor")(-x)),
    "when": (3, _choose),
    "if": (
        3,
        lambda condition, yes, no: COMPARISONS["≠"](
            condition, condition.graph.constant(0), yes, no
        ),
    ),
}


def function_called(word: str) -> tuple[int | None, Function] | None:
    """One of FUNCTIONS, or an activation on one value without settings."""
    word = SYNONYMS.get(word, word)
    if word in FUNCTIONS:
        return FUNCTIONS[word]
    card = ACTIVATIONS.get(word.replace("_", " "))
    has_op = word == "normal_share" or (card is not None and not card.form.fields and word in OPS)
    return (1, _op(word)) if has_op else None


def by_element(function: Function, *values: Parts) -> Parts:
    """A function of single values for each number of vectors; a single value fits them all."""
    sizes = {len(value) for value in values if isinstance(value, tuple)}
    if not sizes:
        return function(*values)
    if len(sizes) > 1:
        raise ValueError(f"vectors of {' and '.join(map(str, sorted(sizes)))} numbers don't fit")
    return tuple(
        function(*(value[k] if isinstance(value, tuple) else value for value in values))
        for k in range(*sizes)
    )
