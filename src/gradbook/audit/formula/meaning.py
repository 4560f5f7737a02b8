"""What a formula means: its parts, from the innermost out, in ops of the graph."""

from __future__ import annotations

from gradbook.audit.formula.expression import inner
from gradbook.audit.formula.functions import call
from gradbook.audit.formula.values import Lookup, Meaning, NotUnderstood, each, infix, number
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

_PARAMETER = "_xlpm."  # before each name that a LET gives, in the file


def meaning(graph: Graph, expression: Expression, look: Lookup) -> Meaning:
    """The value of a formula, `look` giving what its references stand for."""
    found: dict[int, Meaning] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # no recursion: a sum may be thousands of terms deep
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
            return each(lambda x: -number(graph, x), found[id(operand)])
        case Prefix(_, operand):
            return found[id(operand)]
        case Postfix(_, operand):
            return each(lambda x: number(graph, x) / 100, found[id(operand)])
        case Call(function, arguments):
            given = [found[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, given)
    raise NotUnderstood("a formula of an unknown kind")


def _let(graph: Graph, part: Call, look: Lookup) -> Meaning:
    """LET(name, value, …, result): each name stands for its value from there on."""
    known: dict[str, Meaning] = {}

    def aware(reference: Reference) -> Meaning:
        word = reference.text.lower()
        return known[word] if word in known else look(reference)

    if len(part.arguments) % 2 == 0:
        raise NotUnderstood("this LET")
    *pairs, result = part.arguments
    if result is None:
        raise NotUnderstood("this LET")
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood("this LET")
        word = name.text.lower()
        known[word] = known[word.removeprefix(_PARAMETER)] = meaning(graph, value, aware)
    return meaning(graph, result, aware)
