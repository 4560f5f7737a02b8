"""A book's formulas relative to their own cells, so that a copy is recognised instead of read.

Formulas that differ only in their references share a form, which is read once. This matters if each
step of a training has a block of rows: then no formula is a copy of another, because references to
the row of weights advance by one row per step, and all others by the rows of a block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import digits

from gradbook.cells.formula.address import (
    CELL,
    LAST_COLUMN,
    LAST_ROW,
    MARKS,
    MOST_COLUMNS,
    MOST_ROWS,
    QUOTED,
    Address,
    column_number,
    column_of,
    edit_cells,
    letters,
    pack,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.expression import (
    count_parts,
    makeup,
    parts,
    references,
    rename_cells,
    replace_parts,
)
from gradbook.cells.formula.formula_values import Corners
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.syntax import (
    LAMBDAS,
    LINE,
    TABLE,
    Call,
    Expression,
    FormulaError,
    Number,
    Reference,
    read,
    with_arguments,
    write,
)
from gradbook.language.message import Message, words_of

# Forms ------------------------------------------------------------------------

OWN, BEYOND = "A", "ZZZ"  # a column with a short name, and one that no sheet has
SLOT = "\3"  # for a reference
MOST_NESTED = 4  # depth of functions that a book defines by others
MOST_PARTS = 5_000  # parts of a formula with expanded functions


@dataclass(frozen=True, eq=False)
class FormulaForm:
    """A formula with its cells renamed A1, A2, … in order; or ZZZ1, ZZZ2, … in a book that defines
    functions, since those may mention an A1 themselves."""

    expression: Expression

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Its references in order, each as often as it occurs."""
        return tuple(part.text for part in references(self.expression))

    @cached_property
    def between(self) -> list[str]:
        """What is written before, between and after its references."""
        return write(rename_cells(self.expression, lambda part: SLOT)).split(SLOT)


class FormReader:
    """Reads each different form once; functions that the book defines are expanded."""

    def __init__(self, names: Mapping[str, str] = {}) -> None:
        self._names = names
        self._known: dict[str, FormulaForm] = {}

    @property
    def count(self) -> int:
        return len(self._known)

    @cached_property
    def _functions(self) -> dict[str, Call]:
        """The names that refer to a LAMBDA, and the LAMBDAs."""
        functions = {}
        for name, text in self._names.items():
            with suppress(FormulaError):
                expression = read(text) if "LAMBDA" in text.upper() else None
                if isinstance(expression, Call) and expression.function in LAMBDAS:
                    functions[name.rpartition("!")[2].upper()] = expression
        return functions

    def _read_with_functions(self, text: str) -> Expression:
        """The expression of a text, with the book's own functions replaced by their definitions,
        repeatedly if those use further ones."""
        functions, expression = self._functions, read(text)
        for _ in range(MOST_NESTED if functions else 0):
            calls = [
                p for p in parts(expression) if isinstance(p, Call) and p.function in functions
            ]
            if not calls:
                break
            if sum(count_parts(functions[call.function]) for call in calls) > MOST_PARTS:
                raise FormulaError("too long, written out", len(text))
            expression = replace_parts(expression, lambda part: None, self._written_out)
        return expression

    def _written_out(self, part: Expression) -> Expression:
        function = self._functions.get(part.function) if isinstance(part, Call) else None
        if function is None or not isinstance(part, Call):
            return part
        return with_arguments(function, part.arguments) or part

    def read(self, text: str) -> tuple[FormulaForm, tuple[str, ...]]:
        """A formula's form and its references; raises FormulaError if it can't be read."""
        column, cells = BEYOND if self._functions else OWN, dict[str, str]()

        def number_cell(match: re.Match[str]) -> str:
            name = f"{column}{len(cells) + 1}"
            cells[name] = match[0]
            return name

        plain = edit_cells(text, number_cell)
        if plain not in self._known:
            self._known[plain] = FormulaForm(self._read_with_functions(plain))
        form = self._known[plain]
        return form, tuple(
            [":".join([cells.get(end, end) for end in r.split(":")]) for r in form.references]
        )


# Patterns ---------------------------------------------------------------------

_POINTERS = re.compile(rf"(?:(?<!'){QUOTED}!|(?<![\w.\[\]])[\w.\[\]]++!)?\x01[^\x01\x02]*\x02")
_QUOTED_WORD = re.compile(r"'(\w+)'!")
_NUMBERS = re.compile(r"(?<![\w.$])(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d+)?(?![\w.(!])", re.IGNORECASE)
SHIFTS = (*((0, k) for n in range(1, 7) for k in (n, -n)), (1, 0), (-1, 0), (2, 0), (-2, 0))
ENDS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class CellReference:
    """A reference to one cell: absolute, or at a distance in rows and columns."""

    sheet: int | None  # None: the formula's own
    row: int
    row_fixed: bool
    column: int
    column_fixed: bool

    def at(self, home: Address) -> Address | None:
        """The cell seen from `home`; None if that is off the sheet."""
        kept, added, top, bottom, left, right = self._way
        inside = left <= home & LAST_COLUMN <= right and top <= home & LAST_ROW <= bottom
        return (home & kept) + added if inside else None

    @cached_property
    def _way(self) -> tuple[int, int, int, int, int, int]:
        """The bits of a packed address that are kept, what is added to them, and the rows (packed)
        and columns for which the result is on the sheet: cached, since it is used very often."""
        kept = 0 if self.sheet is not None else ~(LAST_ROW | LAST_COLUMN)
        kept |= 0 if self.row_fixed else LAST_ROW
        kept |= 0 if self.column_fixed else LAST_COLUMN
        top, bottom = _limits(self.row, self.row_fixed, MOST_ROWS)
        left, right = _limits(self.column, self.column_fixed, MOST_COLUMNS)
        added = pack(self.sheet or 0, self.row, self.column)
        return kept, added, pack(0, top, 0), pack(0, bottom, 0), left, right

    def corners(self, home: Address) -> Corners | None:
        """The cell as a range."""
        cell = self.at(home)
        if cell is None:
            return None
        row, column = row_of(cell), column_of(cell)
        return sheet_of(cell), row, column, row, column

    @property
    def moves(self) -> bool:
        """Whether a copy of the formula elsewhere refers to another cell."""
        return not (self.row_fixed and self.column_fixed)


def _limits(offset: int, fixed: bool, count: int) -> tuple[int, int]:
    """The first and last row, or column, for which adding the offset stays on the sheet."""
    return (0, count - 1) if fixed else (max(0, -offset), min(count, count - offset) - 1)


@dataclass(frozen=True)
class RangeReference:
    """A range of cells, from one corner to the other."""

    first: CellReference
    last: CellReference

    @property
    def grows(self) -> bool:
        """Whether one corner is absolute where the other is relative."""
        first, last = self.first, self.last
        return first.row_fixed != last.row_fixed or first.column_fixed != last.column_fixed

    def size(self, home: Address) -> int:
        corners = self.corners(home)
        if corners is None:
            return 0
        _, top, left, bottom, right = corners
        return (bottom - top + 1) * (right - left + 1)

    def corners(self, home: Address) -> Corners | None:
        a, b = self.first.at(home), self.last.at(home)
        if a is None or b is None:
            return None
        rows, columns = sorted((row_of(a), row_of(b))), sorted((column_of(a), column_of(b)))
        return sheet_of(a), rows[0], columns[0], rows[1], columns[1]


@dataclass(frozen=True)
class UnknownReference:
    """A reference that can't be followed, and why."""

    why: str


Mention = CellReference | RangeReference | float | UnknownReference


@dataclass(frozen=True, eq=False)
class Pattern:
    """A formula read once: its expression, its references, and its text in any cell."""

    key: str
    home: Address
    text: str  # its text in `home`, without its =
    form: FormulaForm | None  # shared by formulas that differ only in their references
    words: tuple[str, ...]  # the references of `home`, in order, each as often as it occurs
    mentions: Mapping[str, Mention]
    problem: str = ""

    @cached_property
    def places(self) -> tuple[CellReference | RangeReference, ...]:
        """The references to cells and ranges: in order, each as often as it occurs."""
        every = (self.mentions[word] for word in self.words)
        return tuple(m for m in every if isinstance(m, CellReference | RangeReference))

    @property
    def corners(self) -> Iterator[CellReference]:
        """The cells that it refers to, and the corners of its ranges."""
        for place in self.places:
            yield from (place.first, place.last) if isinstance(place, RangeReference) else (place,)

    @cached_property
    def expression(self) -> Expression | None:
        """The formula with its own references; made when first needed, since few are."""
        return None if self.form is None else rename_cells(self.form.expression, self.word_for)

    @cached_property
    def shape(self) -> str:
        """The formula without its references, which copies share."""
        return _POINTERS.sub("@", self.key)

    def is_copy_of(self, other: Pattern) -> bool:
        """Whether two formulas are the same, relative to their cells, with or without quotes around
        the title of a sheet."""
        return _QUOTED_WORD.sub(r"\1!", self.key) == _QUOTED_WORD.sub(r"\1!", other.key)

    @cached_property
    def kindred(self) -> str:
        """The shape regardless of its numbers, but for 0 and 1 and whether they are less than 1:
        what is said of one formula holds for all that share it."""
        return self.shape if '"' in self.shape else _NUMBERS.sub(_kind_of_number, self.shape)

    @property
    def makeup(self) -> str:
        """The shape regardless of the order of its terms and factors."""
        return self.shape if self.form is None else makeup(self.form.expression)

    def word_for(self, part: Reference) -> str:
        """The text of one of the form's references in this formula."""
        return self._words[part.text]

    @cached_property
    def _words(self) -> dict[str, str]:
        return dict(zip(self.form.references, self.words, strict=True)) if self.form else {}

    @cached_property
    def repeated_reference(self) -> CellReference | None:
        """The cell that the formula repeats, if it consists of one reference."""
        alone = self.form is not None and isinstance(self.form.expression, Reference)
        return self.place_of(self.expression) if alone else None

    def place_of(self, part: Expression | None) -> CellReference | None:
        """The reference that a part of the formula is, if it is to one cell."""
        place = self.mentions.get(part.text) if isinstance(part, Reference) else None
        return place if isinstance(place, CellReference) else None

    def text_at(self, cell: Address) -> str:
        """The formula's text in another cell of the column."""
        return copy_formula(self.text, self.home, cell)


def _kind_of_number(match: re.Match[str]) -> str:
    value = float(match[0])
    return match[0] if value in (0, 1) else "0~" if value < 1 else "1~"


def copy_formula(text: str, home: Address, cell: Address) -> str:
    """A formula, or a part of one, copied from one cell to another."""
    return move_formula(text, row_of(cell) - row_of(home), column_of(cell) - column_of(home))


def move_formula(text: str, down: int, right: int) -> str:
    """A formula copied a number of rows and columns away."""
    if not down and not right:
        return text
    return edit_cells(
        text,
        lambda match: _at(
            match, 0 if match["fix_row"] else down, 0 if match["fix_column"] else right
        ),
    )


def neighbours(text: str) -> Iterator[str]:
    """Ranges similar to one: of its size and a few cells away, or a row or a column larger or
    smaller at one end; none for whole columns or rows, or unless it has two corners."""
    corners = [match for corner in text.split(":") if (match := CELL.fullmatch(corner))]
    if len(corners) != 2 or text.count(":") != 1:
        return
    first, last = corners
    for down, right in SHIFTS:
        yield f"{_at(first, down, right)}:{_at(last, down, right)}"
    height = int(last["row"]) - int(first["row"])
    width = column_number(last["column"]) - column_number(first["column"])
    for down, right in ENDS:
        if down <= height and right <= width:
            yield f"{_at(first, down, right)}:{_at(last, 0, 0)}"
        if down >= -height and right >= -width:
            yield f"{_at(first, 0, 0)}:{_at(last, down, right)}"


def _at(corner: re.Match[str], down: int, right: int) -> str:
    """A corner of a range moved by some rows and columns, even if it is absolute."""
    column, row = column_number(corner["column"]) + right, int(corner["row"]) + down
    if column < 0 or row < 1:
        return "#REF!"
    sheet, fix_column, fix_row = corner["sheet"] or "", corner["fix_column"], corner["fix_row"]
    return f"{sheet}{fix_column}{letters(column)}{fix_row}{row}"


def rename_cells_in(text: str, follow: Callable[[str], str]) -> str:
    """A formula with each cell name replaced by the result of `follow`."""
    return edit_cells(text, lambda match: follow(match[0]))


def anchor(text: str) -> str:
    """A formula with all its references made absolute."""
    return edit_cells(
        text, lambda match: f"{match['sheet'] or ''}${match['column']}${match['row']}"
    )


# Reading ----------------------------------------------------------------------

MOST_REMEMBERED = 30_000  # cells as typed, or relative to a formula
_NO_DIGITS = str.maketrans("", "", digits)


class CopiedText:
    """A text with gaps for the row numbers that change when it is copied down.

    Most formulas are such copies, and comparing one with the expected text is faster than reading.
    """

    def __init__(
        self, text: str, row: int, gaps: Callable[[str], Iterable[tuple[int, int]]]
    ) -> None:
        self.text = text
        self.row = row
        self._gaps = gaps

    def at(self, row: int) -> str:
        """The copy in another row; '' if it would refer to a row off the sheet."""
        form, offsets, first, last = self._form
        return form % tuple([row + offset for offset in offsets]) if first <= row <= last else ""

    @cached_property
    def _form(self) -> tuple[str, list[int], int, int]:
        """The text with gaps, their offsets from the row, and the first and last possible row."""
        pieces: list[str] = []
        offsets: list[int] = []
        done = 0
        for start, end in self._gaps(self.text):
            pieces += [self.text[done:start].replace("%", "%%"), "%d"]
            offsets.append(int(self.text[start:end]) - self.row)
            done = end
        form = "".join([*pieces, self.text[done:].replace("%", "%%")])
        return form, offsets, 1 - min(offsets, default=1), MOST_ROWS - max(offsets, default=0)


def moving_rows(text: str, *span: int) -> Iterator[tuple[int, int]]:
    """The positions of the row numbers that change when a formula is copied down."""
    for match in MARKS.finditer(text, *span):
        if match["column"] and not match["fix_row"]:
            yield match.span("row")


class Reader:
    """Reads each different formula once. Knows the sheets' numbers and the defined names."""

    def __init__(self, sheets: Mapping[str, int], names: Mapping[str, str]) -> None:
        self.sheets = sheets
        self.names = names
        self._forms = FormReader(names)
        self._known: dict[str, Pattern] = {}
        self._copied: dict[tuple[int, str], tuple[CopiedText, Pattern]] = {}  # per column

    @property
    def count(self) -> int:
        return len(self._known)

    @property
    def forms(self) -> int:
        """The number of formulas that differ in more than their references."""
        return self._forms.count

    def pattern(self, text: str, home: Address) -> Pattern:
        text, row = text.strip(), row_of(home)
        key = home & ~LAST_ROW, text.translate(_NO_DIGITS)
        copied = self._copied.get(key)
        if copied is None or copied[0].at(row) != text:
            copied = CopiedText(text, row, moving_rows), self._pattern_of_text(text, home)
            self._copied[key] = copied
        return copied[1]

    def _pattern_of_text(self, text: str, home: Address) -> Pattern:
        row, column = row_of(home), column_of(home)

        def relative(match: re.Match[str]) -> str:
            r, c = int(match["row"]) - 1, column_number(match["column"])
            r_part = f"${r}" if match["fix_row"] else f"~{r - row}"
            c_part = f"${c}" if match["fix_column"] else f"~{c - column}"
            return f"{match['sheet'] or ''}\1{r_part}{c_part}\2"

        key = edit_cells(text, relative).replace(" ", "")
        if key not in self._known:
            self._known[key] = self._read(key, text, home)
        return self._known[key]

    def read_typed(self, text: str, home: Address) -> Pattern:
        """The formula read anew, with its references as typed in this cell."""
        return self._read(self._pattern_of_text(text, home).key, text, home)

    def shared(self, pattern: Pattern) -> Pattern:
        """The pattern that stands for all copies of a formula."""
        return self._known.setdefault(pattern.key, pattern)

    def _read(self, key: str, text: str, home: Address) -> Pattern:
        try:
            form, typed = self._forms.read(text.removeprefix("+"))
        except FormulaError as error:
            return Pattern(key, home, text, None, (), {}, problem=words_of(error))
        mentions = {word: self.mention(word, home) for word in dict.fromkeys(typed)}
        return Pattern(key, home, text, form, typed, mentions)

    def cell(self, text: str, home: Address) -> Address | None:
        """The cell that a reference typed in `home` refers to, if it is one cell."""
        mention = self.mention(text, home)
        return mention.at(home) if isinstance(mention, CellReference) else None

    def mention(self, text: str, home: Address) -> Mention:
        """What a reference, as typed, refers to."""
        return self._cells(text, home) or self._name(text, home)

    def _cells(self, text: str, home: Address) -> Mention | None:
        """What a reference refers to, unless it is a name."""
        sheet, mark, rest = text.rpartition("!")
        first, _, last = rest.partition(":")
        start = self._place(sheet + mark + first, home)
        if start is None or not last or isinstance(start, UnknownReference):
            return start
        end = self._place(sheet + mark + last, home)
        if isinstance(end, CellReference):
            return RangeReference(start, end)
        return UnknownReference(Message("the range {range}", range=text))

    def _place(self, text: str, home: Address) -> CellReference | UnknownReference | None:
        corner = _corner(text)
        if corner is None:
            return None
        title, row, column, row_fixed, column_fixed = corner
        if title and title not in self.sheets:
            return UnknownReference(
                Message("{reference}, whose sheet isn't in this workbook", reference=text)
            )
        return _reference(
            self.sheets[title] if title else None,
            row if row_fixed else row - row_of(home),
            row_fixed,
            column if column_fixed else column - column_of(home),
            column_fixed,
        )

    def _name(self, text: str, home: Address) -> Mention:
        title, _, word = text.lower().rpartition("!")
        if word in ("true", "false"):
            return float(word == "true")
        sheet = self.sheets.get(title.strip("'").replace("''", "'"), sheet_of(home))
        definition = self.names.get(f"{sheet}!{word}") or self.names.get(word)
        if definition is None:
            return UnknownReference(Message("the name {name}", name=text))
        try:
            return float(definition)
        except ValueError:
            pass
        cells = self._cells(definition, home) if "$" in definition else None  # no names of names
        return UnknownReference(Message("the name {name}", name=text)) if cells is None else cells

    # Array formulas

    def element(self, text: str, home: Address, down: int, right: int) -> str:
        """The formula of one element of an array formula typed in `home`, by its row and column.

        A formula that can't be read is returned unchanged.
        """
        try:
            return write(self._share(read(text.removeprefix("+")), home, down, right))
        except FormulaError:
            return text

    def _share(
        self, expression: Expression, home: Address, row: int | None, column: int | None
    ) -> Expression:
        """The part of an array expression that one row, column or element needs: of a matrix
        product, a row of the first factor and a column of the second."""

        def of(part: Expression) -> Expression | None:
            match part:
                case Reference(word):
                    mention = self.mention(word, home)
                    if isinstance(mention, RangeReference):
                        return _share_of_range(part, mention, home, row, column)
                    return part
                case Call("MMULT", (a, b)) if a is not None and b is not None:
                    factors = self._share(a, home, row, None), self._share(b, home, None, column)
                    return Call("MMULT", factors)
                case Call("TRANSPOSE", (a,)) if a is not None:
                    return Call("TRANSPOSE", (self._share(a, home, column, row),))
                case Call(function, _) if is_array_maker(function):
                    return _share_of_array(part, row, column)
                case Call(function, args) if each := one_for_each(function, len(args)):
                    shared = (
                        self._share(a, home, row, column) if a is not None and k in each else a
                        for k, a in enumerate(args)
                    )
                    return _in_a_line(Call(function, tuple(shared)), row, column)
                case Call(function, _) if not _works_on_each(function):
                    return part
            return None

        return replace_parts(expression, of)


CHOOSING = ("IF", "IFERROR", "IFNA", "CHOOSE", "IFS", "SWITCH")  # element by element
ONE_FOR_EACH = {  # the arguments of which each element of an array formula has its own; others stay
    **dict.fromkeys(("MATCH", "XMATCH", "LOOKUP", "VLOOKUP", "HLOOKUP", "XLOOKUP", "RANK"), (0,)),
    **dict.fromkeys(("ROW", "COLUMN"), (0,)),
    **dict.fromkeys(("SUMIF", "COUNTIF", "AVERAGEIF", "LARGE", "SMALL"), (1,)),
    "INDEX": (1, 2),
}
FIRST_CONDITION = {"COUNTIFS": 1, "SUMIFS": 2, "AVERAGEIFS": 2, "MAXIFS": 2, "MINIFS": 2}


def _works_on_each(function: str) -> bool:
    """Whether a function works on an array element by element."""
    return plain_name(function) in ELEMENTWISE or plain_name(function) in CHOOSING


def one_for_each(function: str, count: int) -> Collection[int]:
    """The places of a function's arguments that are shared among an array's elements."""
    word = plain_name(function)
    if word in FIRST_CONDITION:
        return range(FIRST_CONDITION[word], count, 2)
    return [place for place in ONE_FOR_EACH.get(word, ()) if place < count]


def _in_a_line(call: Call, row: int | None, column: int | None) -> Call:
    """The element of an INDEX that takes a whole row or column; any other call as it is."""
    if plain_name(call.function) != "INDEX" or row is None or len(call.arguments) < 2:
        return call
    is_whole = [part in (None, Number(0.0)) for part in (*call.arguments[1:3], Number(1.0))[:2]]
    if not any(is_whole):
        return call
    places = (
        place + 1 if is_line else 1
        for place, is_line in zip((row, column or 0), is_whole, strict=True)
    )
    return Call("INDEX", (call, *(Number(float(place)) for place in places)))


_ARRAY_MAKERS = """
    LINEST LOGEST TREND GROWTH MINVERSE MUNIT FREQUENCY SORT SORTBY UNIQUE FILTER SEQUENCE VSTACK
    HSTACK TOCOL TOROW TAKE DROP CHOOSECOLS CHOOSEROWS EXPAND WRAPROWS WRAPCOLS MAP BYROW BYCOL SCAN
    MAKEARRAY
"""
ARRAY_MAKERS = frozenset(_ARRAY_MAKERS.split())


def is_array_maker(function: str) -> bool:
    """Whether a function's result has a shape of its own."""
    return function == TABLE or plain_name(function) in ARRAY_MAKERS


def _share_of_array(part: Call, row: int | None, column: int | None) -> Expression:
    """One row, one column or one element of an array; an INDEX of one whose shape isn't known."""
    if row is None and column is None:
        return part
    if part.function != TABLE:
        places = (0.0 if place is None else place + 1.0 for place in (row, column))
        return Call("INDEX", (part, *map(Number, places)))
    rows = [line.arguments for line in part.arguments if isinstance(line, Call)]
    first, last = _share_of_line(0, len(rows) - 1, row)
    left, right = _share_of_line(0, min(map(len, rows), default=0) - 1, column)
    rows = [line[left : right + 1] for line in rows[first : last + 1]]
    if not rows or not all(rows):
        return Reference("#N/A")
    single = rows[0][0] if len(rows) == len(rows[0]) == 1 else None
    return single or Call(TABLE, tuple(Call(LINE, line) for line in rows))


def _share_of_range(
    part: Reference, mention: RangeReference, home: Address, row: int | None, column: int | None
) -> Reference:
    """One row, one column or one cell of a range."""
    corners = mention.corners(home)
    if corners is None:
        return part
    _, top, left, bottom, right = corners
    rows, columns = _share_of_line(top, bottom, row), _share_of_line(left, right, column)
    sheet, mark, _ = part.text.rpartition("!")
    fix_column, fix_row = "$" * mention.first.column_fixed, "$" * mention.first.row_fixed
    first, last = (
        f"{fix_column}{letters(c)}{fix_row}{r + 1}" for c, r in zip(columns, rows, strict=True)
    )
    if rows[0] > bottom or columns[0] > right:
        return Reference("#N/A")
    return Reference(f"{sheet}{mark}{first}:{last}" if first != last else f"{sheet}{mark}{first}")


def _share_of_line(first: int, last: int, wanted: int | None) -> tuple[int, int]:
    """The row or column with an index, or all of them for None; a single one has any index."""
    if wanted is None or first == last:
        return first, last
    return first + wanted, first + wanted


# Formulas have few different references, relative to their cells, and use them again and again

_reference = lru_cache(maxsize=MOST_REMEMBERED)(CellReference)


@lru_cache(maxsize=MOST_REMEMBERED)
def _corner(text: str) -> tuple[str, int, int, bool, bool] | None:
    """The parts of a cell reference: its sheet's title in lower case, its row and column, and
    whether they are absolute; None for any other text."""
    match = CELL.fullmatch(text)
    if match is None:
        return None
    title = (match["sheet"] or "")[:-1].strip("'").replace("''", "'").lower()
    row, column = int(match["row"]) - 1, column_number(match["column"])
    if row >= MOST_ROWS or column >= MOST_COLUMNS:
        return None
    return title, row, column, bool(match["fix_row"]), bool(match["fix_column"])
