"""The meaning of a formula: its parts, from the innermost outwards, as ops of the graph.

What names values (LET, LAMBDA and the functions that apply one) or asks for a place (ROW, COLUMN)
needs more than the values of its parts, and has its meaning here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.cells.budget import spend_exactly
from gradbook.cells.formula.expression import inner
from gradbook.cells.formula.formula_values import (
    ERRORS,
    CellBlock,
    Corners,
    Lookup,
    Meaning,
    NeedsNumbers,
    NotUnderstood,
    Places,
    Single,
    as_block,
    error,
    has_copies,
    has_values_only,
    map_values,
    number,
    refuse_many,
    whole_number,
)
from gradbook.cells.formula.function_table import call, plain_name
from gradbook.cells.formula.operators import infix
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
)
from gradbook.graph.node import Graph
from gradbook.language.message import Message

APPLYING = 1_600  # budget for applying a LAMBDA once, in numbers
IN_EACH = 120  # budget for each value of a range that is read in it
_PARAMETER = "_xlpm."  # before each name of a LET, in the file


@dataclass(frozen=True)
class NamedValues:
    """What the names in a formula mean."""

    graph: Graph
    look: Lookup
    place: Places
    functions: Mapping[str, Definition] = field(default_factory=dict)  # in upper case

    def with_names(self, names: Mapping[str, Meaning]) -> NamedValues:
        """The scope with further names, in lower case."""

        def aware(reference: Reference) -> Meaning:
            word = reference.text.lower().removeprefix(_PARAMETER)
            meaning = names[word] if word in names else self.look(reference)
            if isinstance(meaning, CellBlock):
                height, width = meaning.shape
                spend_exactly(IN_EACH * height * width)
            return meaning

        return replace(self, look=aware)


@dataclass(frozen=True)
class Definition:
    """A LAMBDA: the names of its arguments, its result, and what other names mean there."""

    names: tuple[str, ...]
    result: Expression
    scope: NamedValues

    def apply_to(self, args: Sequence[Meaning]) -> Meaning:
        if len(args) != len(self.names):
            raise NotUnderstood(Message("a LAMBDA with other arguments than it names"))
        spend_exactly(APPLYING)
        return meaning_in(
            self.scope.with_names(dict(zip(self.names, args, strict=True))), self.result
        )

    def single(self, *args: Meaning) -> Single:
        """The result, where one value belongs."""
        result = self.apply_to(args)
        return result if not isinstance(result, CellBlock) else number(self.scope.graph, result)


def meaning(
    graph: Graph,
    expression: Expression,
    look: Lookup,
    place: Places = lambda reference: None,
) -> Meaning:
    """The value of a formula; `look` returns the meaning of its references, and `place` where they
    are."""
    return meaning_in(NamedValues(graph, look, place), expression)


def meaning_in(scope: NamedValues, expression: Expression) -> Meaning:
    graph = scope.graph
    meanings: dict[int, Meaning] = {}
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:  # not recursive: a sum may be thousands of terms deep
        part, ready = waiting.pop()
        if ready:
            meanings[id(part)] = _combined(graph, part, meanings)
        elif isinstance(part, Call) and (form := _form(scope, part)):
            meanings[id(part)] = form(scope, part)
        elif isinstance(part, Reference):
            is_error = part.text in ERRORS and has_values_only(graph)
            meanings[id(part)] = error(graph) if is_error else scope.look(part)
        elif isinstance(part, Number):
            meanings[id(part)] = graph.constant(part.value)
        elif isinstance(part, Text):
            meanings[id(part)] = part.value
        else:
            waiting.append((part, True))
            waiting.extend((piece, False) for piece in inner(part))
    return meanings[id(expression)]


def _combined(graph: Graph, part: Expression, meanings: dict[int, Meaning]) -> Meaning:
    match part:
        case Infix(operator, left, right):
            return infix(graph, operator, meanings[id(left)], meanings[id(right)])
        case Prefix("-", operand):
            return map_values(lambda x: -number(graph, x), meanings[id(operand)])
        case Prefix(_, operand):
            return meanings[id(operand)]
        case Postfix(_, operand):
            return map_values(lambda x: number(graph, x) / 100, meanings[id(operand)])
        case Call(function, arguments):
            args = [meanings[id(a)] if a is not None else None for a in arguments]
            return call(graph, function, args)
    raise NotUnderstood(Message("a formula of an unknown kind"))


Form = Callable[[NamedValues, Call], Meaning]


def _form(scope: NamedValues, part: Call) -> Form | None:
    """How a call is understood as a whole, if the values of its arguments aren't enough."""
    word = plain_name(part.function)
    if word.removeprefix(_PARAMETER.upper()) in scope.functions:
        return _defined
    return FORMS.get(word)


def _argument(part: Call, place: int) -> Expression:
    if place < len(part.arguments) and (argument := part.arguments[place]) is not None:
        return argument
    raise NotUnderstood(Message("{function} with these arguments", function=part.function))


# Names ----------------------------------------------------------------------------


def _let(scope: NamedValues, part: Call) -> Meaning:
    """LET(name, value, …, result): each name means its value from there on."""
    if len(part.arguments) % 2 == 0:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    *pairs, result = part.arguments
    if result is None:
        raise NotUnderstood(Message("a LET without pairs of names and values"))
    known: dict[str, Meaning] = {}
    inside = scope.with_names(known)
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Reference) or value is None:
            raise NotUnderstood(Message("a LET without pairs of names and values"))
        word = name.text.lower().removeprefix(_PARAMETER)
        if isinstance(value, Call) and plain_name(value.function) == "LAMBDA":
            functions = {**inside.functions, word.upper(): _definition(inside, value)}
            inside = replace(inside, functions=functions)
        else:
            known[word] = meaning_in(inside, value)
    return meaning_in(inside, result)


def _definition(scope: NamedValues, part: Expression) -> Definition:
    if isinstance(part, Reference):
        word = part.text.upper().removeprefix(_PARAMETER.upper())
        if word in scope.functions:
            return scope.functions[word]
    if not isinstance(part, Call) or plain_name(part.function) != "LAMBDA" or not part.arguments:
        raise NotUnderstood(Message("a function where a LAMBDA belongs"))
    *names, result = part.arguments
    if result is None or not all(isinstance(name, Reference) for name in names):
        raise NotUnderstood(Message("a LAMBDA without names and a result"))
    words = (name.text.lower().removeprefix(_PARAMETER) for name in names)  # type: ignore[union-attr]
    return Definition(tuple(words), result, scope)


def _defined(scope: NamedValues, part: Call) -> Meaning:
    word = plain_name(part.function).removeprefix(_PARAMETER.upper())
    args = [None if a is None else meaning_in(scope, a) for a in part.arguments]
    return scope.functions[word].apply_to(args)


def _map(scope: NamedValues, part: Call) -> Meaning:
    """MAP: one value for each element of a range, or of several of the same size."""
    *areas, function = part.arguments
    if not areas or function is None:
        raise NotUnderstood(Message("{function} with these arguments", function="MAP"))
    blocks = [as_block(meaning_in(scope, _argument(part, k))) for k in range(len(areas))]
    if len({block.shape for block in blocks}) > 1:
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    definition = _definition(scope, function)
    height, width = blocks[0].shape
    refuse_many(height * width)
    return CellBlock(
        tuple(
            tuple(definition.single(*(block.rows[r][c] for block in blocks)) for c in range(width))
            for r in range(height)
        )
    )


def _by_row(scope: NamedValues, part: Call) -> Meaning:
    block = as_block(meaning_in(scope, _argument(part, 0)))
    definition = _definition(scope, _argument(part, 1))
    return CellBlock(tuple((definition.single(CellBlock((row,))),) for row in block.rows))


def _by_column(scope: NamedValues, part: Call) -> Meaning:
    block = as_block(meaning_in(scope, _argument(part, 0)))
    definition = _definition(scope, _argument(part, 1))
    columns = zip(*block.rows, strict=True)
    return CellBlock(
        (tuple(definition.single(CellBlock(tuple((x,) for x in c))) for c in columns),)
    )


def _scan(scope: NamedValues, part: Call) -> CellBlock:
    """SCAN: every value on the way of REDUCE, in the shape of its range."""
    start = part.arguments[0] if part.arguments else None
    block = as_block(meaning_in(scope, _argument(part, 1)))
    definition = _definition(scope, _argument(part, 2))
    total: Meaning = None if start is None else meaning_in(scope, start)
    rows: list[tuple[Single, ...]] = []
    for row in block.rows:
        results: list[Single] = []
        for value in row:
            total = definition.single(total, value)
            results.append(total)
        rows.append(tuple(results))
    return CellBlock(tuple(rows))


def _reduce(scope: NamedValues, part: Call) -> Meaning:
    return _scan(scope, part).rows[-1][-1]


def _make_array(scope: NamedValues, part: Call) -> Meaning:
    height, width = (
        whole_number(scope.graph, meaning_in(scope, _argument(part, k))) for k in range(2)
    )
    definition = _definition(scope, _argument(part, 2))
    if height < 1 or width < 1:
        raise NotUnderstood(Message("an array without cells"))
    refuse_many(height * width)
    make = scope.graph.constant
    return CellBlock(
        tuple(
            tuple(definition.single(make(r + 1), make(c + 1)) for c in range(width))
            for r in range(height)
        )
    )


# Places ---------------------------------------------------------------------------


def _corners(scope: NamedValues, part: Call) -> Corners:
    """Where the argument of ROW or COLUMN is; the formula itself, if there is none."""
    about = part.arguments[0] if part.arguments else None
    if isinstance(about, Reference | None):
        if has_copies(scope.graph):  # copies of the formula are elsewhere
            raise NeedsNumbers(Message("the function {function}", function=part.function))
        if (place := scope.place(about)) is not None:
            return place
    raise NotUnderstood(Message("the function {function}", function=part.function))


def _row(scope: NamedValues, part: Call) -> Meaning:
    _, top, _, bottom, _ = _corners(scope, part)
    refuse_many(bottom - top)
    return _one_or_many([(scope.graph.constant(k + 1),) for k in range(top, bottom + 1)])


def _column(scope: NamedValues, part: Call) -> Meaning:
    _, _, left, _, right = _corners(scope, part)
    return _one_or_many([tuple(scope.graph.constant(k + 1) for k in range(left, right + 1))])


def _one_or_many(rows: Sequence[tuple[Single, ...]]) -> Meaning:
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else CellBlock(tuple(rows))


def _size(axis: int) -> Form:
    def count(scope: NamedValues, part: Call) -> Meaning:
        about = _argument(part, 0)
        corners = scope.place(about) if isinstance(about, Reference) else None
        if corners is not None and not has_copies(scope.graph):
            _, top, left, bottom, right = corners
            return scope.graph.constant((bottom - top + 1, right - left + 1)[axis])
        return scope.graph.constant(as_block(meaning_in(scope, about)).shape[axis])

    return count


def _one_of(scope: NamedValues, part: Call) -> Meaning:
    """@A1:A9: the cell of a range in the formula's own row or column."""
    value = meaning_in(scope, about := _argument(part, 0))
    if not isinstance(value, CellBlock):
        return value
    corners = scope.place(about) if isinstance(about, Reference) else None
    if corners is None or value.shape == (1, 1):
        return value.rows[0][0]
    if has_copies(scope.graph):
        raise NeedsNumbers(Message("the function {function}", function=part.function))
    home, (_, top, left, bottom, right) = scope.place(None), corners
    if home is None:
        raise NotUnderstood(Message("the function {function}", function=part.function))
    if left == right and top <= home[1] <= bottom:
        return value.rows[home[1] - top][0]
    if top == bottom and left <= home[2] <= right:
        return value.rows[0][home[2] - left]
    return error(scope.graph)


FORMS: Mapping[str, Form] = {
    "LET": _let,
    "MAP": _map,
    "BYROW": _by_row,
    "BYCOL": _by_column,
    "REDUCE": _reduce,
    "SCAN": _scan,
    "MAKEARRAY": _make_array,
    "ROW": _row,
    "COLUMN": _column,
    "ROWS": _size(0),
    "COLUMNS": _size(1),
    "SINGLE": _one_of,
}
"""The functions whose arguments aren't only values."""
