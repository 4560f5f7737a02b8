"""What a formula means: its parts from the innermost on, said with the ops of the graph."""

from __future__ import annotations

from collections.abc import Callable

from gradbook.audit.formula.expression import inner
from gradbook.audit.formula.functions import call
from gradbook.audit.formula.values import Look, NotUnderstood, Value, each, infix, number
from gradbook.graph.node import Graph
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
)


def meaning(graph: Graph, expression: Expression, look: Look) -> Value:
    """The value of a formula, `look` giving what its references stand for."""
    found: dict[int, Value] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # no recursion: a sum may be thousands of terms deep
        part, ready = waiting.pop()
        if isinstance(part, Call) and part.function in _SPECIAL and not ready:
            found[id(part)] = _SPECIAL[part.function](graph, part, look)
        elif ready:
            found[id(part)] = _combined(graph, part, found)
        elif isinstance(part, Reference):
            found[id(part)] = look(part)
        elif isinstance(part, Number):
            found[id(part)] = graph.constant(part.value)
        elif isinstance(part, Text):
            found[id(part)] = part.value
        else:
            waiting.append((part, True))
            waiting.extend((piece, False) for piece in inner(part))
    return found[id(expression)]


def _combined(graph: Graph, part: Expression, found: dict[int, Value]) -> Value:
    match part:
        case Infix(operator, left, right):
            return infix(graph, operator, found[id(left)], found[id(right)])
        case Prefix("-", operand):
            return each(lambda x: -number(graph, x), found[id(operand)])
        case Prefix(_, operand):
            return found[id(operand)]
        case Postfix(_, operand):
            return each(lambda x: number(graph, x) / 100, found[id(operand)])
        case Call(function, arguments):
            given = [found[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, given)
    raise NotUnderstood("a formula of an unknown kind")


def _let(graph: Graph, part: Call, look: Look) -> Value:
    """LET(name, value, …, result): each name stands for its value from there on."""
    known: dict[str, Value] = {}

    def aware(reference: Reference) -> Value:
        word = reference.text.lower()
        return known[word] if word in known else look(reference)

    *pairs, result = part.arguments
    if len(pairs) % 2 or result is None:
        raise NotUnderstood("this LET")
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood("this LET")
        known[name.text.lower().removeprefix("_xlpm.")] = meaning(graph, value, aware)
        known[name.text.lower()] = known[name.text.lower().removeprefix("_xlpm.")]
    return meaning(graph, result, aware)


_SPECIAL: dict[str, Callable[[Graph, Call, Look], Value]] = {
    "LET": _let,
    "_XLFN.LET": _let,
}
