"""How the slope of a formula goes through what chooses cells: by position, by key, by condition.

Positions, keys and conditions are held fixed. What is chosen has the slope, also after another
choice: the partial slope of each cell is a formula that asks whether this cell is the chosen one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.simplify import ONE, ZERO, call_of, constant_of, times
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Text
from gradbook.cells.partials import (
    CONDITIONS,
    POSITIONS,
    TIES,
    FormulaDerivation,
    Rule,
    Shape,
    argument,
    arguments_of,
    divided,
    guarded,
    present,
)
from gradbook.cells.slope_rules import first_equal
from gradbook.cells.written_out import NotDerivable
from gradbook.language.message import Message


def _index(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    a, *places = arguments_of(part, 1, 3)
    if a is None:
        return
    row, column = _two_places(d, a, places)
    for place in places:
        d.hold(place, POSITIONS)
    height, width = d.shape(a)
    row = None if height == 1 else row
    column = None if width == 1 else column
    shown = d.shape(part)

    def element(i: int, j: int) -> Expression:
        chosen = d.at(seed, i if shown[0] > 1 else 0, j if shown[1] > 1 else 0)
        for place, k in ((column, j), (row, i)):
            known = constant_of(place)
            if known and int(known) != k + 1:
                return ZERO
            if place is not None and known is None:
                is_whole = isinstance(place, Call) and plain_name(place.function) in WHOLE
                index = place if is_whole else call_of("INT", place)
                chosen = guarded(chosen, Infix("=", index, Number(k + 1.0)))
        return chosen

    d.each(a, element)


WHOLE = ("MATCH", "XMATCH", "ROW", "COLUMN", "INT")


def _two_places(
    d: FormulaDerivation, a: Expression, places: Sequence[Expression | None]
) -> tuple[Expression | None, Expression | None]:
    if len(places) == 1 and d.shape(a)[0] == 1:
        return None, places[0]
    return argument(tuple(places), 0), argument(tuple(places), 1)


def _index_shape(d: FormulaDerivation, part: Call) -> Shape:
    a, *places = arguments_of(part, 1, 3)
    if a is None:
        return 1, 1
    row, column = _two_places(d, a, places)
    height, width = d.shape(a)

    def is_all(place: Expression | None) -> bool:
        return place is None or constant_of(place) == 0

    return height if is_all(row) else 1, width if is_all(column) else 1


def _index_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    a, *places = arguments_of(part, 1, 3)
    if a is None:
        return ZERO
    row, column = _two_places(d, a, places)
    known = [constant_of(place) for place in (row, column)]
    if any(k is None and p is not None for k, p in zip(known, (row, column), strict=True)):
        down = Number(i + 1.0) if row is None or known[0] == 0 else row
        across = Number(j + 1.0) if column is None or known[1] == 0 else column
        return call_of("INDEX", a, down, across)
    return d.at(a, int(known[0] or i + 1) - 1, int(known[1] or j + 1) - 1)


# By a key -----------------------------------------------------------------------------


def _table_lookup(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """VLOOKUP and HLOOKUP."""
    arguments = arguments_of(part, 3, 4)
    key, table, chosen = arguments[:3]
    if table is None or not d.cells(table) or d.shape(part) != (1, 1):
        raise NotDerivable(
            Message("{function} in what is computed", function=plain_name(part.function))
        )
    for fixed in (key, chosen):
        d.hold(fixed, POSITIONS)
    kind = argument(arguments, 3)
    kind = ONE if len(arguments) == 3 else ZERO if kind is None else kind
    height, width = d.shape(table)
    is_down = plain_name(part.function) == "VLOOKUP"
    bottom, right = (height - 1, 0) if is_down else (0, width - 1)
    place = call_of("MATCH", key, d.area(table, 0, 0, bottom, right), kind)
    known = constant_of(chosen)

    def element(i: int, j: int) -> Expression:
        along, across = (i, j) if is_down else (j, i)
        if known is not None and int(known) != across + 1:
            return ZERO
        here = guarded(seed, Infix("=", place, Number(along + 1.0)))
        if known is not None or chosen is None:
            return here
        return guarded(here, Infix("=", chosen, Number(across + 1.0)))

    d.each(table, element)


def _lookup(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """LOOKUP and XLOOKUP: a range of keys, and a range of results."""
    arguments = arguments_of(part, 2, 6)
    key, keys = arguments[:2]
    results = arguments[2] if len(arguments) > 2 else keys
    if keys is None or results is None or 1 not in d.shape(keys):
        raise NotDerivable(
            Message("{function} with these arguments", function=plain_name(part.function))
        )
    d.hold(key, POSITIONS)
    d.hold(keys, POSITIONS)
    if plain_name(part.function) == "LOOKUP":
        place = call_of("MATCH", key, keys)
    elif present(arguments[4:]):
        place = call_of(
            "_XLFN.XMATCH", key, keys, *(a or ZERO for a in arguments[4:5]), *arguments[5:]
        )
    else:
        place = call_of("MATCH", key, keys, ZERO)
        instead = argument(arguments, 3)
        if instead is not None:
            is_missing = call_of("ISNA", place)
            d.spread(instead, guarded(seed, is_missing), d.shape(part))
            seed = guarded(seed, is_missing, holds=False)
    is_line = 1 in d.shape(results)  # LOOKUP takes a row of keys with a column of results
    is_down = d.shape(results if is_line else keys)[0] > 1

    def element(i: int, j: int) -> Expression:
        along, across = (i, j) if is_down else (j, i)
        share = d.at(seed, 0, across) if is_down else d.at(seed, across, 0)
        return guarded(share, Infix("=", place, Number(along + 1.0)))

    d.each(results, element)


def _lookup_shape(d: FormulaDerivation, part: Call) -> Shape:
    """One value, or a row or column of results."""
    arguments = arguments_of(part, 2, 6)
    if len(arguments) == 2 or d.shape(arguments[0]) != (1, 1):
        return d.shape(arguments[0])
    keys, (height, width) = d.shape(arguments[1]), d.shape(arguments[2])
    return (1, width) if keys[0] > 1 else (height, 1)


# By a condition -----------------------------------------------------------------------

Pairs = Sequence[tuple[Expression, Expression]]  # ranges and their criteria
ANY_NUMBER = Text(">=-1E+300"), Text("<1E+300")


def _conditional(part: Call) -> tuple[Expression, Pairs]:
    """The range that SUMIF and the like add up, and its conditions."""
    name, arguments = plain_name(part.function), arguments_of(part, 2)
    if name.endswith("IFS"):
        target, *rest = arguments
    else:
        rest = list(arguments[:2])
        target = arguments[2] if len(arguments) > 2 else arguments[0]
    if len(rest) % 2 or target is None or None in rest:
        raise NotDerivable(Message("{function} with these arguments", function=name))
    return target, list(zip(rest[::2], rest[1::2], strict=True))  # type: ignore[arg-type]


def _sum_if(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """SUMIF, SUMIFS, AVERAGEIF and AVERAGEIFS."""
    name = plain_name(part.function)
    target, pairs = _conditional(part)
    _check_conditions(d, target, pairs)
    if name.startswith("AVERAGE"):
        counted = [*pairs, *((target, end) for end in ANY_NUMBER)]
        seed = divided(seed, _count(counted if not d.all_count(target) else pairs))
    d.each(target, lambda i, j: _where(d, pairs, i, j, seed))


def _count(pairs: Pairs) -> Expression:
    each = [a for pair in pairs for a in pair]
    return call_of("COUNTIF" if len(pairs) == 1 else "COUNTIFS", *each)


def _check_conditions(d: FormulaDerivation, target: Expression, pairs: Pairs) -> None:
    for area, criterion in pairs:
        d.hold(area, CONDITIONS)
        d.hold(criterion, CONDITIONS)
        wide, tall = d.shape(area), d.shape(target)
        if not d.cells(area) or wide[0] < tall[0] or wide[1] < tall[1]:
            raise NotDerivable(Message("conditions on ranges of different sizes"))


def _where(d: FormulaDerivation, pairs: Pairs, i: int, j: int, seed: Expression) -> Expression:
    """The seed of an element that meets the conditions."""
    meets = _count([(d.cell(area, i, j), criterion) for area, criterion in pairs])
    if d.common(*(criterion for _, criterion in pairs)) == (1, 1):
        return times(seed, meets) if seed == ONE else guarded(seed, Infix(">", meets, ZERO))
    return call_of("SUMPRODUCT", times(seed, meets))  # several criteria at once


def _extreme_if(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """MAXIFS and MINIFS: the first of equals that meets the conditions."""
    target, pairs = _conditional(part)
    _check_conditions(d, target, pairs)
    height, width = d.shape(target)
    if 1 not in (height, width) or d.shape(part) != (1, 1):
        raise NotDerivable(Message("the largest or smallest of computed rows and columns"))
    value = d.value(part)
    conditions = [*pairs, (target, value)]

    def element(i: int, j: int) -> Expression:
        here = _count([(d.cell(area, i, j), criterion) for area, criterion in conditions])
        chosen = guarded(seed, Infix(">", here, ZERO))
        if not i and not j:
            return chosen
        last = (i - 1, 0) if width == 1 else (0, j - 1)
        before = _count([(d.area(area, 0, 0, *last), criterion) for area, criterion in conditions])
        return guarded(chosen, Infix("=", before, ZERO))

    d.note(TIES)
    d.each(target, element)


def _conditional_shape(d: FormulaDerivation, part: Call) -> Shape:
    _, pairs = _conditional(part)
    return d.common(*(criterion for _, criterion in pairs))


def _conditional_element(d: FormulaDerivation, part: Call, i: int, j: int) -> Expression:
    is_several = plain_name(part.function).endswith("IFS")

    def element(k: int, a: Expression | None) -> Expression | None:
        is_criterion = k >= 2 and k % 2 == 0 if is_several else k == 1
        return d.at(a, i, j) if is_criterion else a

    return Call(part.function, tuple(element(k, a) for k, a in enumerate(part.arguments)))


# Totals of what is shown --------------------------------------------------------------

SHOWN = {1: "AVERAGE", 4: "MAX", 5: "MIN", 9: "SUM"}


def _subtotal(d: FormulaDerivation, part: Call, seed: Expression) -> None:
    """SUBTOTAL and AGGREGATE, which skip cells that are subtotals themselves."""
    name, arguments = plain_name(part.function), arguments_of(part, 2)
    code = int(constant_of(arguments[0]) or 0) % 100
    ranges = present(arguments[1 if name == "SUBTOTAL" else 2 :])
    if code not in SHOWN or not all(d.cells(a) for a in ranges):
        raise NotDerivable(Message("{function} of this kind", function=name))
    d.note(Message("hidden rows count like others"))
    kind, value = SHOWN[code], d.value(part)
    if kind == "AVERAGE":
        seed = divided(seed, call_of("SUBTOTAL", Number(2.0), *ranges))
    if kind in ("MAX", "MIN"):
        d.note(TIES)
    for a in ranges:

        def element(i: int, j: int, a: Expression = a) -> Expression:
            if d.is_subtotal(d.cells(a)[i][j]):
                return ZERO
            return seed if kind in ("SUM", "AVERAGE") else first_equal(d, a, i, j, value, seed)

        d.each(a, element)


LOOKUPS: dict[str, Rule] = {
    "INDEX": _index,
    **dict.fromkeys(("VLOOKUP", "HLOOKUP"), _table_lookup),
    **dict.fromkeys(("LOOKUP", "XLOOKUP"), _lookup),
    **dict.fromkeys(("SUMIF", "SUMIFS", "AVERAGEIF", "AVERAGEIFS"), _sum_if),
    **dict.fromkeys(("MAXIFS", "MINIFS"), _extreme_if),
    **dict.fromkeys(("SUBTOTAL", "AGGREGATE"), _subtotal),
}
CONDITIONAL = ("SUMIF", "SUMIFS", "AVERAGEIF", "AVERAGEIFS", "MAXIFS", "MINIFS")
LOOKUP_SHAPES: dict[str, Callable[[FormulaDerivation, Call], Shape]] = {
    "INDEX": _index_shape,
    **dict.fromkeys(("LOOKUP", "XLOOKUP"), _lookup_shape),
    **dict.fromkeys(CONDITIONAL, _conditional_shape),
}
LOOKUP_ELEMENTS: dict[str, Callable[[FormulaDerivation, Call, int, int], Expression]] = {
    "INDEX": _index_element,
    **dict.fromkeys(CONDITIONAL, _conditional_element),
}
