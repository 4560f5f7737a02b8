"""A formula seen from its own cell, so that a whole column of equal ones is read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_uppercase, digits

from gradbook.audit.address import (
    MOST_COLUMNS,
    MOST_ROWS,
    Address,
    column_number,
    column_of,
    letters,
    pack,
    row_of,
    sheet_of,
)
from gradbook.targets.excel.grammar import Call, Expression, Infix, Postfix, Prefix, Reference
from gradbook.targets.excel.reader import FormulaError, read

_CELL = r"""
    (?P<sheet>'(?:[^']|'')+'!|[\w.\[\]]+!)?
    (?<![\w.])
    (?P<fix_column>\$?)(?P<column>[A-Za-z]{1,3})(?P<fix_row>\$?)(?P<row>[1-9][0-9]{0,6})
    (?![\w.(!\[])
"""
_NO_DIGITS, _NO_LETTERS = (str.maketrans("", "", some) for some in (digits, ascii_uppercase))
LAST_COLUMN = MOST_COLUMNS - 1
LAST_ROW = pack(0, MOST_ROWS - 1, 0)
_POINTERS = re.compile(r"(?:'(?:[^']|'')+'!|[\w.\[\]]+!)?\x01[^\x02]*\x02")
_ONE = re.compile(_CELL, re.VERBOSE)
_MARKS = re.compile(rf'"(?:[^"]|"")*" | {_CELL}', re.VERBOSE)  # texts are passed over


@dataclass(frozen=True)
class Place:
    """One cell as a formula points to it: fixed, or so many rows and columns away."""

    sheet: int | None  # None: the formula's own
    row: int
    row_fixed: bool
    column: int
    column_fixed: bool

    def at(self, home: Address) -> Address | None:
        """The cell meant from `home`; None where that lies outside the sheet."""
        kept, added, top, bottom, left, right = self._way
        inside = left <= home & LAST_COLUMN <= right and top <= home & LAST_ROW <= bottom
        return (home & kept) + added if inside else None

    @cached_property
    def _way(self) -> tuple[int, int, int, int, int, int]:
        """What of a packed address stays, what is added to it, and from which rows (packed) and
        columns that leads to a cell: a formula's places are asked for more often than all else."""
        kept = 0 if self.sheet is not None else ~(LAST_ROW | LAST_COLUMN)
        kept |= 0 if self.row_fixed else LAST_ROW
        kept |= 0 if self.column_fixed else LAST_COLUMN
        top, bottom = _limits(self.row, self.row_fixed, MOST_ROWS)
        left, right = _limits(self.column, self.column_fixed, MOST_COLUMNS)
        added = pack(self.sheet or 0, self.row, self.column)
        return kept, added, pack(0, top, 0), pack(0, bottom, 0), left, right

    @property
    def moves(self) -> bool:
        """Whether another cell is meant elsewhere."""
        return not (self.row_fixed and self.column_fixed)


def _limits(offset: int, fixed: bool, count: int) -> tuple[int, int]:
    """The first and the last of so many rows that have another one so far away."""
    return (0, count - 1) if fixed else (max(0, -offset), min(count, count - offset) - 1)


@dataclass(frozen=True)
class Area:
    """A range of cells, from one corner to the other."""

    first: Place
    last: Place

    @property
    def moves(self) -> bool:
        return self.first.moves or self.last.moves

    def size(self, home: Address) -> int:
        """How many cells it has."""
        corners = self.corners(home)
        if corners is None:
            return 0
        _, top, left, bottom, right = corners
        return (bottom - top + 1) * (right - left + 1)

    def corners(self, home: Address) -> tuple[int, int, int, int, int] | None:
        """Sheet, first row, first column, last row, last column."""
        a, b = self.first.at(home), self.last.at(home)
        if a is None or b is None:
            return None
        rows, columns = sorted((row_of(a), row_of(b))), sorted((column_of(a), column_of(b)))
        return sheet_of(a), rows[0], columns[0], rows[1], columns[1]


@dataclass(frozen=True)
class Unknown:
    """Something a formula mentions that can't be followed, and why."""

    why: str


Mention = Place | Area | float | Unknown


@dataclass(frozen=True, eq=False)
class Pattern:
    """A formula read once: what it says, where it points, and how it looks from any cell."""

    key: str
    home: Address
    text: str  # as it stands in `home`, without its =
    expression: Expression | None
    mentions: Mapping[str, Mention]
    problem: str = ""
    places: tuple[Place | Area, ...] = field(default=())  # in their order, each as often as typed

    @cached_property
    def shape(self) -> str:
        """The formula with its references left out: what copies to other places share."""
        return _POINTERS.sub("@", self.key)

    def text_at(self, cell: Address) -> str:
        """The formula as it stands in another cell of the column."""
        down, right = row_of(cell) - row_of(self.home), column_of(cell) - column_of(self.home)
        return moved(self.text, down, right)


def moved(text: str, down: int, right: int) -> str:
    """A formula copied so many cells away."""
    if not down and not right:
        return text

    def shift(found: re.Match[str]) -> str:
        if not found["column"]:
            return found[0]
        column = column_number(found["column"]) + (0 if found["fix_column"] else right)
        row = int(found["row"]) + (0 if found["fix_row"] else down)
        if column < 0 or row < 1:
            return "#REF!"
        return (
            f"{found['sheet'] or ''}{found['fix_column']}{letters(column)}{found['fix_row']}{row}"
        )

    return _MARKS.sub(shift, text)


def relaid(text: str, follow: Callable[[str], str]) -> str:
    """A formula with every cell that it mentions put through a function."""
    return _MARKS.sub(lambda found: follow(found[0]) if found["column"] else found[0], text)


class Copies:
    """How a formula looks where it is copied down its column, or along its row.

    Most formulas are such copies, and to tell one is quicker than to read it.
    """

    def __init__(self, pattern: Pattern, text: str, line: int, down: bool) -> None:
        self.pattern = pattern
        self.text = text
        self.line = line
        self.down = down

    def in_line(self, line: int) -> str:
        """The formula in another row, or in another column; '' where it can't stand."""
        form, offsets, first, last = self._form
        if not first <= line <= last:
            return ""
        if self.down:
            return form % tuple([line + offset for offset in offsets])
        return form % tuple([letters(line + offset) for offset in offsets])

    @cached_property
    def _form(self) -> tuple[str, list[int], int, int]:
        """The formula with gaps for what moves, how far each is away, and where it can stand."""
        group, fixed = ("row", "fix_row") if self.down else ("column", "fix_column")
        pieces: list[str] = []
        offsets: list[int] = []
        done = 0
        for found in _MARKS.finditer(self.text):
            if found["column"] and not found[fixed]:
                start, end = found.span(group)
                pieces += [self.text[done:start].replace("%", "%%"), "%s"]
                place = int(found[group]) if self.down else column_number(found[group])
                offsets.append(place - self.line)
                done = end
        form = "".join([*pieces, self.text[done:].replace("%", "%%")])
        lowest, count = (1, MOST_ROWS + 1) if self.down else (0, MOST_COLUMNS)
        return form, offsets, lowest - min(offsets, default=0), count - 1 - max(offsets, default=0)


class Reader:
    """Makes patterns: each different one once. Knows the sheets' numbers and the names."""

    def __init__(self, sheets: Mapping[str, int], names: Mapping[str, str]) -> None:
        self.sheets = sheets
        self.names = names
        self._known: dict[str, Pattern] = {}
        self._still: dict[str, Pattern] = {}  # those that say the same everywhere
        self._above: dict[int, Copies] = {}  # the last formula of each column
        self._copies: dict[tuple[bool, int, str], Copies] = {}  # of a column, or of a row

    @property
    def count(self) -> int:
        """How many different formulas there are."""
        return len(self._known)

    def pattern(self, text: str, home: Address) -> Pattern:
        text = text.strip()
        if text in self._still:
            return self._still[text]
        above = self._above.get(home & ~LAST_ROW)
        if above is not None and above.in_line(row_of(home)) == text:
            return above.pattern
        return self._copy(text, home)

    def _copy(self, text: str, home: Address) -> Pattern:
        """A formula that isn't the one above again, but maybe one from further up or the left."""
        below, beside = (
            (True, column_of(home), text.translate(_NO_DIGITS)),
            (False, row_of(home), text.translate(_NO_LETTERS)),
        )
        for key, line in ((below, row_of(home)), (beside, column_of(home))):
            copies = self._copies.get(key)
            if copies is not None and copies.in_line(line) == text:
                if copies.down:
                    self._above[home & ~LAST_ROW] = copies
                return copies.pattern
        found = self._found(text, home)
        if not any(place.moves for place in found.places):
            self._still[text] = found
        copies = Copies(found, text, row_of(home), down=True)
        self._copies[below] = self._above[home & ~LAST_ROW] = copies
        self._copies[beside] = Copies(found, text, column_of(home), down=False)
        return found

    def _found(self, text: str, home: Address) -> Pattern:
        row, column = row_of(home), column_of(home)

        def relative(found: re.Match[str]) -> str:
            if not found["column"]:
                return found[0]
            r, c = int(found["row"]) - 1, column_number(found["column"])
            r_part = f"${r}" if found["fix_row"] else f"~{r - row}"
            c_part = f"${c}" if found["fix_column"] else f"~{c - column}"
            return f"{found['sheet'] or ''}\1{r_part}{c_part}\2"

        key = _MARKS.sub(relative, text).replace(" ", "")
        if key not in self._known:
            self._known[key] = self._read(key, text, home)
        return self._known[key]

    def typed(self, text: str, home: Address) -> Pattern:
        """The formula read as it stands in this very cell."""
        return self._read(self._found(text, home).key, text, home)

    def _read(self, key: str, text: str, home: Address) -> Pattern:
        try:
            expression = read(text.removeprefix("+"))
        except FormulaError as error:
            return Pattern(key, home, text, None, {}, problem=str(error))
        typed = [ref.text for ref in references(expression)]
        mentions = {text: self.mention(text, home) for text in dict.fromkeys(typed)}
        every = (mentions[text] for text in typed)
        places = tuple(m for m in every if isinstance(m, Place | Area))
        return Pattern(key, home, text, expression, mentions, places=places)

    def cell(self, text: str, home: Address) -> Address | None:
        """The one cell that a reference, typed in `home`, points to."""
        found = self.mention(text, home)
        return found.at(home) if isinstance(found, Place) else None

    def mention(self, text: str, home: Address) -> Mention:
        """What a reference, as it is typed, points to."""
        sheet, _, rest = text.rpartition("!")
        first, _, last = rest.partition(":")
        start = self._place(f"{sheet}!{first}" if sheet else first, home)
        if start is None:
            return self._name(text, home)
        if not last or isinstance(start, Unknown):
            return start
        end = self._place(f"{sheet}!{last}" if sheet else last, home)
        return Area(start, end) if isinstance(end, Place) else Unknown(f"the range {text}")

    def _place(self, text: str, home: Address) -> Place | Unknown | None:
        found = _ONE.fullmatch(text)
        if found is None:
            return None
        number: int | None = None
        if found["sheet"]:
            title = found["sheet"][:-1].strip("'").replace("''", "'").lower()
            if title not in self.sheets:
                return Unknown(f"{text}, which is no sheet of this workbook")
            number = self.sheets[title]
        row, column = int(found["row"]) - 1, column_number(found["column"])
        if row >= MOST_ROWS or column >= MOST_COLUMNS:
            return None
        row_fixed, column_fixed = bool(found["fix_row"]), bool(found["fix_column"])
        return Place(
            number,
            row if row_fixed else row - row_of(home),
            row_fixed,
            column if column_fixed else column - column_of(home),
            column_fixed,
        )

    def _name(self, text: str, home: Address) -> Mention:
        word = text.rpartition("!")[2].lower()
        if word in ("true", "false"):
            return float(word == "true")
        meant = self.names.get(f"{sheet_of(home)}!{word}") or self.names.get(word)
        if meant is None:
            return Unknown(f"the name {text}")
        try:
            return float(meant)
        except ValueError:
            pass
        if _ONE.fullmatch(meant.partition(":")[0]) and "$" in meant:
            return self.mention(meant, home)
        return Unknown(f"the name {text}")


def references(expression: Expression) -> Iterator[Reference]:
    """Every reference in a formula, in the order they are typed."""
    yield from (part for part in parts(expression) if isinstance(part, Reference))


def parts(expression: Expression) -> Iterator[Expression]:
    """An expression and all it is made of, from the left; no recursion, sums may be long."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(inner(part)))


def inner(part: Expression) -> list[Expression]:
    """What an expression is directly made of."""
    match part:
        case Infix(_, left, right):
            return [left, right]
        case Prefix(_, operand) | Postfix(_, operand):
            return [operand]
        case Call(_, arguments):
            return [argument for argument in arguments if argument is not None]
        case _:
            return []
