"""The meaning of a formula: its parts, from the innermost outwards, as ops of the graph."""

from __future__ import annotations

from gradbook.cells.formula.expression import inner
from gradbook.cells.formula.functions import call
from gradbook.cells.formula.operators import infix
from gradbook.cells.formula.values import Lookup, Meaning, NotUnderstood, map_values, number
from gradbook.graph.node import Graph
from gradbook.language.message import Message
from gradbook.targets.excel.language import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
)

_PARAMETER = "_xlpm."  # before each name of a LET, in the file


def meaning(graph: Graph, expression: Expression, look: Lookup) -> Meaning:
    """The value of a formula; `look` returns the meaning of its references."""
    found: dict[int, Meaning] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # not recursive: a sum may be thousands of terms deep
        part, ready = waiting.pop()
        if ready:
            found[id(part)] = _combined(graph, part, found)
        elif isinstance(part, Call) and part.function in ("LET", "_XLFN.LET"):
            found[id(part)] = _let(graph, part, look)
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


def _combined(graph: Graph, part: Expression, found: dict[int, Meaning]) -> Meaning:
    match part:
        case Infix(operator, left, right):
            return infix(graph, operator, found[id(left)], found[id(right)])
        case Prefix("-", operand):
            return map_values(lambda x: -number(graph, x), found[id(operand)])
        case Prefix(_, operand):
            return found[id(operand)]
        case Postfix(_, operand):
            return map_values(lambda x: number(graph, x) / 100, found[id(operand)])
        case Call(function, arguments):
            given = [found[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, given)
    raise NotUnderstood(Message("a formula of an unknown kind"))


def _let(graph: Graph, part: Call, look: Lookup) -> Meaning:
    """LET(name, value, …, result): each name means its value from there on."""
    known: dict[str, Meaning] = {}

    def aware(reference: Reference) -> Meaning:
        word = reference.text.lower()
        return known[word] if word in known else look(reference)

    if len(part.arguments) % 2 == 0:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    *pairs, result = part.arguments
    if result is None:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood(Message("a LET without pairs of names and values"))
        word = name.text.lower()
        known[word] = known[word.removeprefix(_PARAMETER)] = meaning(graph, value, aware)
    return meaning(graph, result, aware)
