"""A formula with the names of its LETs replaced by their values, which is differentiated."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.cells.formula.expression import count_parts, parts, replace_parts
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.syntax import Call, Expression, Reference
from gradbook.language.message import Message

PARAMETER = "_xlpm."  # before each name of a LET, in the file
MOST_PARTS = 5_000  # of a formula whose names are written out


class NotDerivable(Exception):
    """A formula that has no derivative; the message says why."""


def parameters_of(expression: Expression) -> set[str]:
    """The names of the parameters of a formula's LAMBDAs."""
    return {
        parameter.text.lower()
        for part in parts(expression)
        if isinstance(part, Call) and plain_name(part.function) == "LAMBDA"
        for parameter in part.arguments[:-1]
        if isinstance(parameter, Reference)
    }


def without_names(expression: Expression) -> Expression:
    """A formula with the names of its LETs written out."""
    if not any(isinstance(p, Call) and plain_name(p.function) == "LET" for p in parts(expression)):
        return expression
    return _written_out(expression, {})


def _written_out(expression: Expression, names: Mapping[str, Expression]) -> Expression:
    def value(part: Expression) -> Expression | None:
        if isinstance(part, Reference):
            return names.get(part.text.lower())
        if isinstance(part, Call) and plain_name(part.function) == "LET":
            return _result_of_let(part, names)
        return None

    replaced = replace_parts(expression, value)
    if count_parts(replaced) > MOST_PARTS:
        raise NotDerivable(Message("its formula is too long, written out"))
    return replaced


def _result_of_let(part: Call, names: Mapping[str, Expression]) -> Expression:
    *pairs, result = part.arguments or (None,)
    known = dict(names)
    for name, value in zip(pairs[::2], pairs[1::2], strict=False):
        if isinstance(name, Reference) and value is not None:
            word, written = name.text.lower(), _written_out(value, known)
            known[word] = known[word.removeprefix(PARAMETER)] = written
    if result is None or len(pairs) % 2:
        raise NotDerivable(Message("a LET without pairs of names and values"))
    return _written_out(result, known)
