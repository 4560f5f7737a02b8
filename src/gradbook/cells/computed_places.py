"""Formulas that compute a reference: INDEX(B:B,ROW()-8) in row 24, OFFSET(B3,-1,0).

Such formulas are common in blocks of rows. Once the cell is known, the formula is treated like any
other: in the next block it refers to the cell at the same distance. References to whole columns end
where the sheet's content ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import floor
from operator import add, mul, sub, truediv

from gradbook.cells.formula.address import (
    CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    Address,
    column_number,
    column_of,
    letters,
    row_of,
)
from gradbook.cells.formula.expression import parts, rename_cells, replace_parts
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import (
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

_LAST, _ROW = str(MOST_ROWS), "$0123456789"
_COMPUTED = re.compile(r"\b(?:INDEX|OFFSET|INDIRECT)\s*\(", re.IGNORECASE)
_AREA = re.compile(  # a range, or whole columns
    r"""(?P<sheet>(?:.*!)?) (?P<fix_column>\$?)(?P<left>[A-Za-z]{1,3})
        (?:(?P<fix_row>\$?)(?P<top>[1-9][0-9]*))? :
        \$?(?P<right>[A-Za-z]{1,3}) (?:\$?(?P<bottom>[1-9][0-9]*))?""",
    re.VERBOSE,
)
_ROWS = re.compile(r"(?P<sheet>(?:.*!)?)\$?(?P<top>[1-9][0-9]*):\$?(?P<bottom>[1-9][0-9]*)")
_ACROSS_SHEETS = re.compile(  # texts are skipped
    r"""(?P<text>"(?:[^"]|"")*"?)
      | (?:'(?P<first>[^':]+):(?P<last>[^':]+)'|(?<![\w.])(?P<plain>[\w.]+):(?P<end>[\w.]+))
        !(?P<cells>\$?[A-Za-z]{1,3}\$?[1-9][0-9]*(?::\$?[A-Za-z]{1,3}\$?[1-9][0-9]*)?)""",
    re.VERBOSE,
)
LONGEST = 2_000  # characters of a formula that is examined
MOST_SHEETS = 100  # of one reference


class NotFixed(Exception):
    """A value that doesn't follow from the formula's place alone."""


def with_places(formula: str, home: Address) -> str:
    """The formula with plain references, where they follow from its own place."""
    if "(" not in formula or len(formula) > LONGEST or not _COMPUTED.search(formula):
        return formula

    def cell(part: Expression) -> Expression | None:
        if not isinstance(part, Call) or part.function not in _CELLS:
            return None
        try:
            return _CELLS[part.function](part, home)
        except (NotFixed, ArithmeticError, TypeError, ValueError):
            return None

    try:
        expression = read(formula)
        replaced = replace_parts(expression, cell)
    except FormulaError:
        return formula
    return formula if replaced is expression or replaced == expression else write(replaced)


def with_each_sheet(formula: str, titles: Sequence[str]) -> str:
    """The formula with a reference for each sheet in place of one across several: of
    SUM(May:July!B2), SUM('May'!B2,'June'!B2,'July'!B2). Such references are arguments of functions
    that gather."""
    if len(formula) > LONGEST:
        return formula
    places = {title.lower(): k for k, title in enumerate(titles)}

    def each(match: re.Match[str]) -> str:
        if match["text"] is not None:
            return match[0]
        ends = [places.get((match[a] or match[b]).lower()) for a, b in _SPAN]
        if None in ends:
            return match[0]
        low, high = sorted(k for k in ends if k is not None)
        if high - low >= MOST_SHEETS:
            return match[0]
        return ",".join(f"{_quoted(title)}!{match['cells']}" for title in titles[low : high + 1])

    return _ACROSS_SHEETS.sub(each, formula)


_SPAN = (("first", "plain"), ("last", "end"))


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"


GATHERING = (
    *("SUM", "AVERAGE", "COUNT", "MAX", "MIN", "PRODUCT", "SUMPRODUCT", "SUMSQ"),
    *("SUMXMY2", "SUMX2MY2", "SUMX2PY2", "SUMIF", "SUMIFS", "COUNTIF", "COUNTIFS", "COUNTA"),
    *("AVERAGEIF", "AVERAGEIFS", "STDEV", "VAR", "MEDIAN", "LARGE", "SMALL"),
    *("VLOOKUP", "HLOOKUP", "LOOKUP", "MATCH", "_XLFN.XLOOKUP", "XLOOKUP"),
)


def mentions_lines(pattern: Pattern) -> bool:
    """Whether a formula mentions whole columns, B:B or B1:B1048576, or whole rows, 2:3."""
    return any(_whole_columns(word) or _ROWS.fullmatch(word) for word in pattern.mentions)


def _whole_columns(text: str) -> re.Match[str] | None:
    area = _AREA.fullmatch(text)
    is_whole = area and (area["top"] or "1", area["bottom"] or _LAST) == ("1", _LAST)
    return area if is_whole else None


def close_ranges(expression: Expression, last_cell: Callable[[str], tuple[int, int]]) -> Expression:
    """The formula with aggregated whole columns and rows cut off at the last cell of their sheet:
    SUM(B$1:B$40). INDEX and OFFSET are left alone, because they mean single cells."""

    def name(reference: Reference) -> str:
        text = reference.text
        if columns := _whole_columns(text):
            sheet, (last, _) = columns["sheet"], last_cell(columns["sheet"].rstrip("!"))
            left, _, right = text.removeprefix(sheet).partition(":")
            return f"{sheet}{left.rstrip(_ROW)}$1:{right.rstrip(_ROW)}${last}"
        if rows := _ROWS.fullmatch(text):
            sheet, (_, last) = rows["sheet"], last_cell(rows["sheet"].rstrip("!"))
            top, _, bottom = text.removeprefix(sheet).partition(":")
            return f"{sheet}$A{top}:${letters(last - 1)}{bottom}"
        return text

    def gathered(part: Expression) -> Expression | None:
        gathers = isinstance(part, Call) and part.function in GATHERING
        return rename_cells(part, name) if gathers else None

    return replace_parts(expression, gathered)


def _index(part: Call, home: Address) -> Reference:
    """The cell with a given position in a range."""
    area, *numbers = part.arguments
    match = _AREA.fullmatch(area.text) if isinstance(area, Reference) else None
    if match is None or not 1 <= len(numbers) <= 2:
        raise NotFixed
    top, bottom = int(match["top"] or 1) - 1, int(match["bottom"] or MOST_ROWS) - 1
    left, right = column_number(match["left"]), column_number(match["right"])
    wanted = [_integer(number, home) for number in numbers]
    if len(wanted) == 1:
        wanted = [1, *wanted] if top == bottom else [*wanted, 1]
    row, column = top + wanted[0] - 1, left + wanted[1] - 1
    if not (top <= row <= bottom and left <= column <= right):
        raise NotFixed
    fix_row = "$" if match["top"] is None else match["fix_row"]
    return _cell(match["sheet"], row, column, match["fix_column"], fix_row, part)


def _offset(part: Call, home: Address) -> Reference:
    """The cell at a given distance from another."""
    start, *ways = part.arguments
    corner = CELL.fullmatch(start.text) if isinstance(start, Reference) else None
    if corner is None or not 2 <= len(ways) <= 4:
        raise NotFixed
    down, right = (0 if way is None else _integer(way, home) for way in ways[:2])
    if ways[2:]:
        height, width = ([1 if way is None else _integer(way, home) for way in ways[2:]] + [1])[:2]
        return moved_area(corner[0], down, right, height, width)
    row, column = int(corner["row"]) - 1 + down, column_number(corner["column"]) + right
    return _cell(corner["sheet"] or "", row, column, corner["fix_column"], corner["fix_row"], part)


def moved_area(
    start: str, down: int, right: int, height: int | None, width: int | None
) -> Reference:
    """The range that OFFSET means, with the $ signs of the one from which it is counted."""
    sheet, mark, rest = start.rpartition("!")
    corners = [CELL.fullmatch(corner) for corner in rest.split(":")]
    first, last = corners[0], corners[-1]
    if first is None or last is None or len(corners) > 2:
        raise NotFixed
    top, left = int(first["row"]) - 1, column_number(first["column"])
    height = int(last["row"]) - top if height is None else height
    width = column_number(last["column"]) - left + 1 if width is None else width
    if not height or not width:
        raise NotFixed
    rows = sorted((top + down, top + down + height - (1 if height > 0 else -1)))
    columns = sorted((left + right, left + right + width - (1 if width > 0 else -1)))
    if not (0 <= rows[0] <= rows[1] < MOST_ROWS and 0 <= columns[0] <= columns[1] < MOST_COLUMNS):
        raise NotFixed
    fix = first["fix_column"], first["fix_row"]
    ends = [
        f"{fix[0]}{letters(column)}{fix[1]}{row + 1}"
        for row, column in zip(rows, columns, strict=True)
    ]
    return Reference(f"{sheet}{mark}{':'.join(dict.fromkeys(ends))}")


def _indirect(part: Call, home: Address) -> Reference:
    """The cell whose name a text gives, which may be composed."""
    (words,) = part.arguments
    corner = CELL.fullmatch(_text(words, home))
    if corner is None:
        raise NotFixed
    row, column = int(corner["row"]) - 1, column_number(corner["column"])
    return _cell(corner["sheet"] or "", row, column, "", "", part)


_CELLS: dict[str, Callable[[Call, Address], Reference]] = {
    "INDEX": _index,
    "OFFSET": _offset,
    "INDIRECT": _indirect,
}


def _cell(
    sheet: str, row: int, column: int, fixed_column: str, fixed_row: str, part: Call
) -> Reference:
    """The reference. Its row is relative, except with MOD, where samples repeat. If the formula
    doesn't use its own place, the $ signs are those of the reference from which it is counted."""
    if not (0 <= row < MOST_ROWS and 0 <= column < MOST_COLUMNS):
        raise NotFixed
    called = {inside.function for inside in parts(part) if isinstance(inside, Call)}
    if not called.isdisjoint(("ROW", "COLUMN")):
        fixed_row = "$" * ("MOD" in called)
    return Reference(f"{sheet}{fixed_column}{letters(column)}{fixed_row}{row + 1}")


# Numbers that follow from a formula's place -------------------------------------------


def _integer(expression: Expression | None, home: Address) -> int:
    return floor(_number(expression, home))


def _text(expression: Expression | None, home: Address) -> str:
    match expression:
        case Text(value):
            return value
        case Infix("&", left, right):
            return _text(left, home) + _text(right, home)
    return f"{_number(expression, home):.10g}"


def _number(expression: Expression | None, home: Address) -> float:
    match expression:
        case Number(value):
            return value
        case Prefix(sign, operand):
            return _number(operand, home) * (-1 if sign == "-" else 1)
        case Infix(operator, left, right) if operator in _OF_NUMBERS:
            return _OF_NUMBERS[operator](_number(left, home), _number(right, home))
        case Call("ROW" | "COLUMN" as way, arguments) if len(arguments) <= 1:
            return _row_or_column(way, arguments[0] if arguments else None, home) + 1
        case Call(function, arguments) if function in _OF_NUMBERS:
            return _OF_NUMBERS[function](*(_number(a, home) for a in arguments))
    raise NotFixed


def _row_or_column(way: str, of: Expression | None, home: Address) -> int:
    """The row, or the column, of the formula itself or of a cell that it names."""
    if of is None:
        return row_of(home) if way == "ROW" else column_of(home)
    named = CELL.fullmatch(of.text) if isinstance(of, Reference) else None
    if named is None:
        raise NotFixed
    return int(named["row"]) - 1 if way == "ROW" else column_number(named["column"])


_OF_NUMBERS: dict[str, Callable[..., float]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "INT": floor,
    "TRUNC": int,
    "MOD": lambda a, b: a - b * floor(a / b),
    "QUOTIENT": lambda a, b: int(a / b),
    "ABS": abs,
    "MAX": max,
    "MIN": min,
}
