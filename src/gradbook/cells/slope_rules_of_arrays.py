"""How the slope of a formula goes through arrays that are put together, and through LAMBDAs.

An element of such an array is another formula: the third of SORT(A1:A9) is SMALL(A1:A9,3), the
second of MAP(A1:A9,LAMBDA(x,x^2)) is A2^2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gradbook.cells.formula.expression import count_parts, replace_parts
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.simplify import (
    ONE,
    ZERO,
    call_of,
    constant_of,
    negative,
    plus,
    times,
)
from gradbook.cells.formula.syntax import Call, Expression, Number, Reference
from gradbook.cells.partials import (
    FormulaDerivation,
    Rule,
    Shape,
    added,
    argument,
    arguments_of,
    present,
    scaled,
)
from gradbook.cells.slope_rules_of_statistics import through_elements
from gradbook.cells.written_out import NotDerivable
from gradbook.language.message import Message

MOST_PARTS = 5_000  # of a LAMBDA that is applied again and again

Element = Callable[[FormulaDerivation, Call, int, int], Expression]
Measure = Callable[[FormulaDerivation, Call], Shape]


def _refusal(part: Call) -> NotDerivable:
    name = plain_name(part.function)
    return NotDerivable(Message("{function} with these arguments", function=name))


def _known(part: Call, place: int, usual: float) -> int:
    """An argument that is a number in the formula."""
    expression = argument(part.arguments, place)
    value = float(usual) if expression is None else constant_of(expression)
    if value is None or not value.is_integer():
        raise _refusal(part)
    return int(value)


# Numbers in order ---------------------------------------------------------------------


def _sequence_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    start, step = argument(part.arguments, 2), argument(part.arguments, 3)
    count = Number(float(i * d.shape(part)[1] + j))
    return plus(ONE if start is None else start, times(count, ONE if step is None else step))


def _sort_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    a = part.arguments[0]
    if a is None or 1 not in d.shape(a):
        raise _refusal(part)
    name = "SMALL" if _known(part, 2, 1) == 1 else "LARGE"
    return call_of(name, a, Number(max(i, j) + 1.0))


def _first_shape(d: FormulaDerivation, part: Call) -> Shape:
    return d.shape(arguments_of(part)[0])


# Arrays put together ------------------------------------------------------------------


def _stack_shape(d: FormulaDerivation, part: Call) -> Shape:
    shapes = [d.shape(a) for a in present(arguments_of(part))]
    heights, widths = zip(*shapes, strict=True)
    if plain_name(part.function) == "VSTACK":
        return sum(heights), max(widths)
    return max(heights), sum(widths)


def _stack_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    is_down = plain_name(part.function) == "VSTACK"
    for a in present(part.arguments):
        height, width = d.shape(a)
        if i < height and j < width:
            return d.at(a, i, j)
        if is_down and i >= height:
            i -= height
        elif not is_down and j >= width:
            j -= width
        else:
            break
    return Reference("#N/A")


def _row_shape(d: FormulaDerivation, part: Call) -> Shape:
    height, width = d.shape(arguments_of(part, 1, 3)[0])
    is_column = plain_name(part.function) == "TOCOL"
    return (height * width, 1) if is_column else (1, height * width)


def _row_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    a = part.arguments[0]
    if len(part.arguments) > 1:
        raise _refusal(part)
    return d.at(a, *divmod(max(i, j), d.shape(a)[1]))


def _picked(d: FormulaDerivation, part: Call) -> tuple[list[int], list[int]]:
    """The rows and columns that TAKE, DROP, CHOOSECOLS and CHOOSEROWS leave."""
    height, width = d.shape(arguments_of(part, 2)[0])
    rows, columns = list(range(height)), list(range(width))
    name = plain_name(part.function)
    if name in ("CHOOSECOLS", "CHOOSEROWS"):
        line = columns if name == "CHOOSECOLS" else rows
        wanted = [_known(part, k, 0) for k in range(1, len(part.arguments))]
        if any(not 0 < abs(k) <= len(line) for k in wanted):
            raise _refusal(part)
        chosen = [line[k - 1 if k > 0 else k] for k in wanted]
        return (rows, chosen) if name == "CHOOSECOLS" else (chosen, columns)
    picked = []
    for line, place in ((rows, 1), (columns, 2)):
        if argument(part.arguments, place) is None:
            picked.append(line)
            continue
        k = _known(part, place, 0)
        first, last = (line[:k], line[k:])
        takes_first = (name == "TAKE") == (k > 0)
        picked.append(first if takes_first else last)
    return picked[0], picked[1]


def _picked_shape(d: FormulaDerivation, part: Call) -> Shape:
    rows, columns = _picked(d, part)
    return len(rows), len(columns)


def _picked_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    rows, columns = _picked(d, part)
    return d.at(part.arguments[0], rows[i], columns[j])


# LAMBDAs ------------------------------------------------------------------------------


def applied(function: Expression | None, values: list[Expression]) -> Expression:
    """A LAMBDA's body with these values for its parameters."""
    if not isinstance(function, Call) or plain_name(function.function) != "LAMBDA":
        raise NotDerivable(Message("a function that isn't a LAMBDA"))
    *parameters, body = function.arguments
    names = [p.text.lower() for p in parameters if isinstance(p, Reference)]
    if body is None or len(names) != len(values):
        raise NotDerivable(Message("a LAMBDA with these arguments"))
    return with_values(body, dict(zip(names, values, strict=True)))


def with_values(body: Expression, values: Mapping[str, Expression]) -> Expression:
    def value(part: Expression) -> Expression | None:
        return values.get(part.text.lower()) if isinstance(part, Reference) else None

    replaced = replace_parts(body, value)
    if count_parts(replaced) > MOST_PARTS:
        raise NotDerivable(Message("its formula is too long, written out"))
    return replaced


def _map_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    *arrays, function = part.arguments
    return applied(function, [d.at(a, i, j) for a in arrays])


def _by_line_shape(d: FormulaDerivation, part: Call) -> Shape:
    height, width = d.shape(arguments_of(part, 2, 2)[0])
    return (height, 1) if plain_name(part.function) == "BYROW" else (1, width)


def _by_line_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    a, function = part.arguments
    if a is None:
        raise _refusal(part)
    height, width = d.shape(a)
    is_row = plain_name(part.function) == "BYROW"
    top, left, bottom, right = (i, 0, i, width - 1) if is_row else (0, j, height - 1, j)
    if d.cells(a):
        return applied(function, [d.area(a, top, left, bottom, right)])
    shape = bottom - top + 1, right - left + 1
    return applied(function, [d.table(shape, lambda r, c: d.at(a, top + r, left + c))])


def _make_array_shape(d: FormulaDerivation, part: Call) -> Shape:
    arguments_of(part, 3, 3)
    return _known(part, 0, 0), _known(part, 1, 0)


def _reduced(d: FormulaDerivation, part: Call, count: int | None = None) -> Expression:
    """REDUCE written out: the LAMBDA of the LAMBDA of … the start."""
    start, array, function = arguments_of(part, 3, 3)
    total = ZERO if start is None else start
    height, width = d.shape(array)
    if height * width > MOST_PARTS:
        raise NotDerivable(Message("its formula is too long, written out"))
    places = [(i, j) for i in range(height) for j in range(width)]
    for i, j in places[:count]:
        total = applied(function, [total, d.at(array, i, j)])
    return total


# Inverse matrices ---------------------------------------------------------------------


def _inverse(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """d(A⁻¹) = −A⁻¹·dA·A⁻¹."""
    (a,) = arguments_of(part, 1, 1)
    size = d.shape(a)[0]
    d.spend(size**4)

    def element(i: int, j: int) -> Expression:
        return negative(
            added(
                scaled(d.at(seed, r, c), times(_of(part, r, i), _of(part, j, c)))
                for r in range(size)
                for c in range(size)
                if d.at(seed, r, c) != ZERO
            )
        )

    d.each(a, element)


def _of(part: Expression, row: int, column: int) -> Expression:
    return call_of("INDEX", part, Number(row + 1.0), Number(column + 1.0))


def _determinant(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    (a,) = arguments_of(part, 1, 1)
    value = d.value(part)
    d.each(a, lambda i, j: scaled(seed, times(value, _of(call_of("MINVERSE", a), j, i))))


ARRAY_ELEMENTS: dict[str, Element] = {
    "SEQUENCE": _sequence_element,
    "SORT": _sort_element,
    **dict.fromkeys(("VSTACK", "HSTACK"), _stack_element),
    **dict.fromkeys(("TOCOL", "TOROW"), _row_element),
    **dict.fromkeys(("TAKE", "DROP", "CHOOSECOLS", "CHOOSEROWS"), _picked_element),
    "MAP": _map_element,
    **dict.fromkeys(("BYROW", "BYCOL"), _by_line_element),
    "MAKEARRAY": lambda d, p, i, j: applied(p.arguments[2], [Number(i + 1.0), Number(j + 1.0)]),
    "SCAN": lambda d, part, i, j: _reduced(d, part, i * d.shape(part)[1] + j + 1),
    "SINGLE": lambda d, part, i, j: d.at(arguments_of(part, 1, 1)[0], i, j),
    "ARRAYFORMULA": lambda d, part, i, j: d.at(arguments_of(part, 1, 1)[0], i, j),
}
ARRAY_SHAPES: dict[str, Measure] = {
    "SEQUENCE": lambda d, part: (_known(part, 0, 1), _known(part, 1, 1)),
    **dict.fromkeys(("SORT", "MINVERSE", "ARRAYFORMULA", "SINGLE"), _first_shape),
    **dict.fromkeys(("VSTACK", "HSTACK"), _stack_shape),
    **dict.fromkeys(("TOCOL", "TOROW"), _row_shape),
    **dict.fromkeys(("TAKE", "DROP", "CHOOSECOLS", "CHOOSEROWS"), _picked_shape),
    "MAP": lambda d, part: d.common(*arguments_of(part, 2)[:-1]),
    **dict.fromkeys(("BYROW", "BYCOL"), _by_line_shape),
    "MAKEARRAY": _make_array_shape,
    "SCAN": lambda d, part: d.shape(arguments_of(part, 3, 3)[1]),
}
ARRAYS: dict[str, Rule] = {
    **dict.fromkeys(ARRAY_ELEMENTS, through_elements),
    "REDUCE": lambda d, part, seed: d.push(_reduced(d, part), seed),
    "MINVERSE": _inverse,
    "MDETERM": _determinant,
}
