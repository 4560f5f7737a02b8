"""The same table as other people lay it: moved, turned, renamed, in other words."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from gradbook.cells.formula.address import column_number, letters
from gradbook.cells.formula.expression import factors, inner, product, rebuild
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, read, write
from tests.audit.material.made import Content, Table

REFERENCE = re.compile(
    r"(?:('(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?(\$?)([A-Z]{1,3})(\$?)([1-9][0-9]{0,6})(?![\w(!])"
)
Move = Callable[[str, int, int], tuple[str, int, int]]
Style = Callable[[Table], Table]


def is_formula(content: Content) -> bool:
    return isinstance(content, str) and content.startswith(("=", "{"))


# Where it stands ----------------------------------------------------------------


def moved(table: Table, move: Move, turned: bool = False) -> Table:
    """Every cell elsewhere, and every formula with it."""
    found = Table({}, marked=frozenset(move(*spot) for spot in table.marked))
    if table.values is not None:
        found.values = {move(*spot): value for spot, value in table.values.items()}
    for title, cells in table.sheets.items():
        for (row, column), content in cells.items():
            sheet, r, c = move(title, row, column)
            new = _followed(str(content), title, sheet, move, turned)
            found.sheets.setdefault(sheet, {})[r, c] = new if is_formula(content) else content
    for name, where in table.names.items():
        title = where.partition("!")[0].strip("'")
        shown = _followed(where, title, "", move, turned)
        found.names[name] = shown if "!" in shown else f"{title}!{shown}"
    return found


def _followed(formula: str, home: str, there: str, move: Move, turned: bool) -> str:
    last = [home, there]

    def follow(match: re.Match[str]) -> str:
        sheet = (match[1] or home).strip("'")
        before = formula[: match.start()]
        if before.endswith(":") and not match[1]:
            sheet = last[0]
        last[0] = sheet
        row, column = int(match[5]) - 1, column_number(match[3])
        to, r, c = move(sheet, row, column)
        fix_column, fix_row = (match[4], match[2]) if turned else (match[2], match[4])
        prefix = "" if to == there or before.endswith(":") else f"'{to}'!"
        return f"{prefix}{fix_column}{letters(c)}{fix_row}{r + 1}"

    return REFERENCE.sub(follow, formula)


def transposed(table: Table) -> Table:
    return moved(table, lambda sheet, row, column: (sheet, column, row), turned=True)


def offset(table: Table) -> Table:
    return moved(table, lambda sheet, row, column: (sheet, row + 7, column + 5))


def one_sheet(table: Table) -> Table:
    """Everything on one sheet, the tables beside each other."""
    width = 0
    starts: dict[str, int] = {}
    for title, cells in table.sheets.items():
        starts[title] = width
        width += max(column for _, column in cells) + 3
    return moved(table, lambda sheet, row, column: ("Sheet1", row, column + starts[sheet]))


def sheet_per_layer(table: Table) -> Table:
    """The columns of Training dealt over sheets; blank ones beyond them are on the last, for no
    formula can mention a sheet that isn't there."""
    last = max(column for _, column in table.sheets["Training"]) // 9

    def move(sheet: str, row: int, column: int) -> tuple[str, int, int]:
        if sheet != "Training":
            return sheet, row, column
        part = min(column // 9, last)
        return f"Part{part}", row, column - 9 * part

    return moved(table, move)


# What it says -------------------------------------------------------------------


def _contents(table: Table, change: Callable[[int, Content], Content | None]) -> Table:
    """The table with other contents of its cells, by their column; None takes a cell away."""
    found = table.copy()
    for title, cells in table.sheets.items():
        new = {place: change(place[1], content) for place, content in cells.items()}
        found.sheets[title] = {place: c for place, c in new.items() if c is not None}
    return found


def renamed(table: Table) -> Table:
    def change(_: int, content: Content) -> Content:
        if is_formula(content) or not isinstance(content, str):
            return content
        return content.replace("∂E/∂", "d").replace("E_total", "Err")

    return _contents(table, change)


def without_headings(table: Table) -> Table:
    return _contents(table, lambda _, c: c if is_formula(c) or not isinstance(c, str) else None)


def without_names(table: Table) -> Table:
    """Cells instead of names, anchored."""
    words = sorted(table.names, key=len, reverse=True)
    if not words:
        return table
    pattern = re.compile(r"(?<![\w.!])(" + "|".join(map(re.escape, words)) + r")(?![\w.(!])", re.I)

    def change(_: int, content: Content) -> Content:
        if not is_formula(content):
            return content
        return pattern.sub(lambda m: table.names[m[1].lower()], str(content))

    found = _contents(table, change)
    found.names = {}
    return found


def _reworded(word: Callable[[Expression, random.Random], Expression]) -> Style:
    """A style that says each formula in other words, one column like the other."""

    def style(table: Table) -> Table:
        def change(column: int, content: Content) -> Content:
            if not is_formula(content) or str(content).startswith("{"):
                return content
            return "=" + write(word(read(str(content)), random.Random(column)))

        return _contents(table, change)

    return style


def _shuffled(part: Expression, draw: random.Random) -> Expression:
    """Products with their factors in another order."""
    if isinstance(part, Infix) and part.operator == "*":
        split = factors(part)
        if split.sign > 0 and all(factor.above for factor in split.parts):
            order = list(split.parts)
            draw.shuffle(order)
            return product([f.__class__(_shuffled(f.part, draw), True) for f in order])
    return rebuild(part, [_shuffled(piece, draw) for piece in inner(part)])


def _as_functions(part: Expression, draw: random.Random) -> Expression:
    """x^2 as POWER(x,2), 1/x as x^-1, a·b as PRODUCT."""
    match rebuild(part, [_as_functions(piece, draw) for piece in inner(part)]):
        case Infix("^", base, exponent):
            return Call("POWER", (base, exponent))
        case Infix("/", Number(1.0), below):
            return Infix("^", below, read("-1"))
        case other:
            return other


def array_updates(table: Table) -> Table:
    """All updates of a row as one array formula, where weights and gradients stand in order."""
    found = table.copy()
    cells = found.sheets["Training"]
    rows = sorted({row for row, _ in cells})
    for row in rows:
        line = sorted(column for r, column in cells if r == row)
        for first in line:
            width = 1
            while _goes_on(cells.get((row, first)), cells.get((row, first + width)), width):
                width += 1
            if width > 1 and not any(
                spot in found.marked
                for spot in ((("Training", row, first + k)) for k in range(width))
            ):
                _gather(cells, row, first, width)
    return found


_UPDATE = re.compile(r"=([A-Z]+)(\d+)-eta\*([A-Z]+)(\d+)")


def _goes_on(first: Content | None, other: Content | None, by: int) -> bool:
    a, b = (_UPDATE.fullmatch(str(content)) for content in (first, other))
    return (
        a is not None
        and b is not None
        and (a[2], a[4]) == (b[2], b[4])
        and all(column_number(b[k]) - column_number(a[k]) == by for k in (1, 3))
    )


def _gather(cells: dict[tuple[int, int], Content], row: int, first: int, width: int) -> None:
    found = _UPDATE.fullmatch(str(cells[row, first]))
    assert found
    w, g = (
        f"{found[k]}{found[k + 1]}:{letters(column_number(found[k]) + width - 1)}{found[k + 1]}"
        for k in (1, 3)
    )
    area = f"{letters(first)}{row + 1}:{letters(first + width - 1)}{row + 1}"
    for k in range(width):
        del cells[row, first + k]
    cells[row, first] = f"{{{area}={w}-eta*{g}}}"


PLACES: dict[str, Style] = {
    "as written": lambda table: table,
    "transposed": transposed,
    "offset": offset,
    "one sheet": lambda table: one_sheet(without_names(table)),
    "sheet per layer": sheet_per_layer,
}
WORDS: dict[str, Style] = {
    "same words": lambda table: table,
    "no names": without_names,
    "renamed": renamed,
    "no headings": without_headings,
    "other order": _reworded(_shuffled),
    "functions": _reworded(_as_functions),
    "array updates": array_updates,
}
STYLES: dict[tuple[str, str], Style] = {
    (place, words): (lambda table, p=place, w=words: PLACES[p](WORDS[w](table)))  # type: ignore[misc]
    for place in PLACES
    for words in WORDS
    if not (words == "array updates" and place in ("transposed", "sheet per layer"))
}
