"""Formulas that compute which cell they mean: INDEX(B:B,ROW()-8) in row 24, OFFSET(B3,-1,0).

Blocks of rows are often addressed so. Once the cell is known, the formula is like any other: in the
next block it means the cell that is as far away. What mentions whole columns means them as far as
the sheet goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import floor

from gradbook.audit.formula.address import (
    CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    Address,
    column_number,
    column_of,
    letters,
    row_of,
)
from gradbook.audit.formula.expression import parts, rename_cells, replace_parts
from gradbook.audit.formula.pattern import Pattern
from gradbook.targets.excel.language import (
    Call,
    Expression,
    FormulaError,
    Infix,
    Number,
    Prefix,
    Reference,
    Text,
    read,
    write,
)

_COMPUTED = re.compile(r"\b(?:INDEX|OFFSET|INDIRECT)\s*\(", re.IGNORECASE)
_SPAN = re.compile(r"((?:.*!)?)(\$?)([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")  # whole columns
LONGEST = 2_000  # characters of a formula that is looked at


class _NoNumber(Exception):
    """What isn't known from a formula's place alone."""


def with_places(formula: str, home: Address) -> str:
    """The formula with the cells that it means, where its own place tells them."""
    if len(formula) > LONGEST or not _COMPUTED.search(formula):
        return formula

    def cell(part: Expression) -> Expression | None:
        if not isinstance(part, Call) or part.function not in _CELLS:
            return None
        try:
            return _CELLS[part.function](part, home)
        except (_NoNumber, ArithmeticError, TypeError, ValueError):
            return None

    try:
        whole = read(formula)
        found = replace_parts(whole, cell)
    except FormulaError:
        return formula
    return formula if found is whole or found == whole else write(found)


GATHERING = (
    *("SUM", "AVERAGE", "COUNT", "MAX", "MIN", "PRODUCT", "SUMPRODUCT", "SUMSQ"),
    *("SUMXMY2", "SUMX2MY2", "SUMX2PY2"),
)
_COLUMN = r"\$?[A-Za-z]{1,3}"
_WHOLE = re.compile(
    rf"(?P<sheet>(?:.*!)?)(?P<first>{_COLUMN})(?:\$?1)?:(?P<last>{_COLUMN})(?:\$?{MOST_ROWS})?"
)


def mentions_columns(pattern: Pattern) -> bool:
    """Whether a formula mentions whole columns: B:B, or B1:B1048576."""
    return any(map(_is_whole, pattern.mentions))


def _is_whole(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None


def close_ranges(expression: Expression, last_row: Callable[[str], int]) -> Expression:
    """The formula with what it gathers of whole columns as far as their sheet goes, to its last
    row: SUM(B$1:B$40). What looks something up there means single cells."""

    def name(reference: Reference) -> str:
        found = _WHOLE.fullmatch(reference.text)
        if found is None:
            return reference.text
        last = last_row(found["sheet"].rstrip("!"))
        return f"{found['sheet']}{found['first']}$1:{found['last']}${last}"

    def gathered(part: Expression) -> Expression | None:
        gathers = isinstance(part, Call) and part.function in GATHERING
        return rename_cells(part, name) if gathers else None

    return replace_parts(expression, gathered)


def _asks_place(part: Expression) -> bool:
    return any(isinstance(p, Call) and p.function in ("ROW", "COLUMN") for p in parts(part))


def _index(part: Call, home: Address) -> Reference:
    """A cell of a range, by its number there."""
    area, *numbers = part.arguments
    if not isinstance(area, Reference) or not 1 <= len(numbers) <= 2:
        raise _NoNumber
    down, *right = (_whole(number, home) for number in numbers)
    columns = _SPAN.fullmatch(area.text)
    if columns:
        sheet, fixed, first, last = columns.groups()
        place, fixed_row = (0, column_number(first)), "$"
        size = MOST_ROWS, column_number(last) - column_number(first) + 1
    else:
        sheet, _, rest = area.text.rpartition("!")
        ends = [CELL.fullmatch(end) for end in rest.split(":")]
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            raise _NoNumber
        sheet, fixed = f"{sheet}!" * bool(sheet), ends[0]["fix_column"]
        fixed_row = ends[0]["fix_row"]
        (top, left), (bottom, last_column) = (
            (int(end["row"]) - 1, column_number(end["column"])) for end in ends if end
        )
        place, size = (top, left), (bottom - top + 1, last_column - left + 1)
    if not right:
        down, right = (1, [down]) if size[0] == 1 else (down, [1])
    if not (1 <= down <= size[0] and 1 <= right[0] <= size[1]):
        raise _NoNumber
    return _cell(sheet, place[0] + down - 1, place[1] + right[0] - 1, fixed, fixed_row, part)


def _offset(part: Call, home: Address) -> Reference:
    """A cell so far away from another."""
    if len(part.arguments) != 3 or not isinstance(part.arguments[0], Reference):
        raise _NoNumber
    start = CELL.fullmatch(part.arguments[0].text)
    if start is None:
        raise _NoNumber
    down, right = (0 if a is None else _whole(a, home) for a in part.arguments[1:])
    row, column = int(start["row"]) - 1 + down, column_number(start["column"]) + right
    fixed = start["fix_column"], start["fix_row"]
    return _cell(start["sheet"] or "", row, column, *fixed, part)


def _indirect(part: Call, home: Address) -> Reference:
    """A cell by its name, which is put together."""
    if len(part.arguments) != 1:
        raise _NoNumber
    found = CELL.fullmatch(_text(part.arguments[0], home))
    if found is None:
        raise _NoNumber
    row, column = int(found["row"]) - 1, column_number(found["column"])
    return _cell(found["sheet"] or "", row, column, "", "", part)


_CELLS: dict[str, Callable[[Call, Address], Reference]] = {
    "INDEX": _index,
    "OFFSET": _offset,
    "INDIRECT": _indirect,
}


def _cell(
    sheet: str, row: int, column: int, fixed_column: str, fixed_row: str, part: Call
) -> Reference:
    """The cell's name. Its row moves along with the formula's own, but where samples come round
    again; where the formula's place isn't asked for, it is as fixed as what it is counted from."""
    if not (0 <= row < MOST_ROWS and 0 <= column < MOST_COLUMNS):
        raise _NoNumber
    if _asks_place(part):
        comes_round = any(isinstance(p, Call) and p.function == "MOD" for p in parts(part))
        fixed_row = "$" * comes_round
    return Reference(f"{sheet}{fixed_column}{letters(column)}{fixed_row}{row + 1}")


# Numbers that follow from a formula's place --------------------------------------------


def _whole(expression: Expression | None, home: Address) -> int:
    return floor(_number(expression, home))


def _text(expression: Expression | None, home: Address) -> str:
    match expression:
        case Text(value):
            return value
        case Infix("&", left, right):
            return _text(left, home) + _text(right, home)
    number = _number(expression, home)
    return f"{number:.10g}"


def _number(expression: Expression | None, home: Address) -> float:
    match expression:
        case Number(value):
            return value
        case Prefix(sign, operand):
            return _number(operand, home) * (-1 if sign == "-" else 1)
        case Infix(operator, left, right) if operator in _ON_NUMBERS:
            return _ON_NUMBERS[operator](_number(left, home), _number(right, home))
        case Call("ROW" | "COLUMN" as way, arguments) if len(arguments) <= 1:
            return _own(way, arguments[0] if arguments else None, home) + 1
        case Call(function, arguments) if function in _OF_NUMBERS:
            return _OF_NUMBERS[function](*(_number(a, home) for a in arguments))
    raise _NoNumber


def _own(way: str, of: Expression | None, home: Address) -> int:
    """The row, or the column, of the formula itself or of a cell that is named."""
    if of is None:
        return row_of(home) if way == "ROW" else column_of(home)
    named = CELL.fullmatch(of.text) if isinstance(of, Reference) else None
    if named is None:
        raise _NoNumber
    return int(named["row"]) - 1 if way == "ROW" else column_number(named["column"])


_ON_NUMBERS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
_OF_NUMBERS: dict[str, Callable[..., float]] = {
    "INT": floor,
    "TRUNC": int,
    "MOD": lambda a, b: a - b * floor(a / b),
    "QUOTIENT": lambda a, b: int(a / b),
    "ABS": abs,
    "MAX": max,
    "MIN": min,
}
