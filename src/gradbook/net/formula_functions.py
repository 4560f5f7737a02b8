"""What the operators and functions of a formula mean: nodes of the graph, and vectors of them.

Parts of a formula that would be too long to write out get names here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, reduce
from itertools import chain, count
from math import e, pi
from operator import add, mul
from typing import NamedTuple

from gradbook.graph.names import Name
from gradbook.graph.node import OPS, Attribute, Graph, Node, ancestors
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


# Parts that are named since a formula would be too long ----------------------------------

LONGEST_WRITTEN = 1_000  # parts of a formula, or of its derivatives, that stay as they are
READABLE = 200  # parts of one, if it doesn't
MOST_TIMES = 8  # how often they may contain each value, on average
SMALL = 3  # parts that are written again rather than named
SUMS = ("add", "subtract", "negate", "copy")  # their slopes don't contain their values
AS_ONE = {*SAME_AS_OPS, *SUMS, "multiply", "divide", "power", "choose", "sigmoid", "largest"}


class Length(NamedTuple):
    """How much there is to write if no part has a name: counted, since it may never end."""

    parts: int
    paths: int  # from the whole to the names in it
    in_slopes: int  # parts of the derivatives


A_NAME, A_NUMBER = Length(1, 1, 0), Length(1, 0, 0)
Lengths = dict[Node, Length]


def unused(words: Collection[str]) -> Iterator[Name]:
    """u1, u2 and so on, or another letter if a word begins with it."""
    stems = chain("uvs", ("u" * k for k in count(2)))
    stem = next(stem for stem in stems if not any(word.startswith(stem) for word in words))
    return (Name(stem, (k,)) for k in count(1))


def name_long_parts(wholes: Collection[Node], names: Iterator[Name]) -> None:
    """Give names to parts of formulas that would be too long to read.

    gelu(gelu(gelu(x))) contains x 27 times. Whatever occurs several times doubles with each
    function around it, and in derivatives so does everything that isn't added.
    """
    graph, lengths = next(iter(wholes)).graph, Lengths()
    below = [node for node in ancestors(wholes, stop=graph.names) if node not in graph.names]
    for node in below:
        lengths[node] = _length(node, lengths)
    if not any(_is_long(node, lengths[node], LONGEST_WRITTEN, len(below)) for node in below):
        return
    for place, node in enumerate(below, 1):
        lengths[node] = _length(node, lengths)
        if _is_long(node, lengths[node], READABLE, place):
            for part in node.inputs:
                length = lengths.get(part, A_NAME)
                if length.paths and length.parts > SMALL:
                    graph.named(part, next(names))
                    lengths[part] = A_NAME
            lengths[node] = _length(node, lengths)


def _is_long(node: Node, length: Length, most: int, values: int) -> bool:
    long = length.parts if node.op.name in SUMS else length.in_slopes
    return long > max(most, MOST_TIMES * values)


def _length(node: Node, lengths: Lengths) -> Length:
    inputs = [lengths.get(part, A_NAME) for part in node.inputs]
    if node.op.name not in AS_ONE and node.op.expansion:
        leaves, steps = _expanded(node.op.name, len(inputs), node.attributes)
        inside = dict(zip(leaves, inputs, strict=True))
        for step in steps:
            inside[step] = _length(step, inside)
        return inside[steps[-1]]
    if not inputs:
        return A_NUMBER
    parts = 1 + sum(length.parts for length in inputs)
    slope = {"multiply": parts // 2, **dict.fromkeys(SUMS, 0)}.get(node.op.name, parts)
    paths = sum(length.paths for length in inputs)
    return Length(parts, paths, sum(length.in_slopes for length in inputs) + paths * slope)


@cache
def _expanded(
    op: str, size: int, attributes: tuple[Attribute, ...]
) -> tuple[Sequence[Node], Sequence[Node]]:
    """The values of a function, and the steps by which it is written."""
    graph, expand = Graph(), OPS[op].expansion
    assert expand is not None
    leaves = [graph.leaf(Name("x", (k,))) for k in range(size)]
    steps = ancestors([expand(*leaves, *attributes)])
    return leaves, [step for step in steps if step.op.name != "leaf"]
