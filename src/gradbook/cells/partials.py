"""The slopes of one formula by each cell that it mentions, written as a person writes them.

The formula is differentiated as it stands, from the outside inwards: each part gets a seed, the
slope of the formula by that part, and hands seeds on to its own parts. A seed is a formula, too,
with as many rows and columns as its part, or one value for all of them. So SUM, MMULT and
SUMPRODUCT stay whole, and only where a range is reached does each of its cells get its own element.

A branch that isn't taken must not let its errors out: a condition stands around the whole seed,
and whatever is multiplied later goes inside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gradbook.cells.book import Book, quote_title
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    Address,
    column_of,
    name_of,
    pack,
    row_of,
)
from gradbook.cells.formula.expression import inner, parts, references, replace_parts
from gradbook.cells.formula.formula_values import ARGUMENTS, Elementwise
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.pattern import (
    CellReference,
    FormulaForm,
    Mention,
    Pattern,
    RangeReference,
    one_for_each,
)
from gradbook.cells.formula.simplify import (
    ONE,
    ZERO,
    call_of,
    constant_of,
    fill_in_slope,
    minus,
    negative,
    over,
    plus,
    sigmoid_of,
    slope_of_base,
    square,
    times,
    with_sign_first,
)
from gradbook.cells.formula.syntax import (
    LINE,
    TABLE,
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
    number,
    read,
)
from gradbook.cells.written_out import NotDerivable, parameters_of, without_names
from gradbook.language.message import Message

MOST_SEEDS = 100_000  # elements of the parts of one formula
HUNDRED = Number(100.0)
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
COUNTS = ("FACT", "FACTDOUBLE", "COMBIN", "COMBINA", "PERMUT", "MULTINOMIAL", "GCD", "LCM")
STRAIGHT = ("ROUND", "ROUNDDOWN", "ROUNDUP", "MROUND")  # with the slope of what they round
HANDED_ON = {  # the arguments whose elements a function returns as they are
    **dict.fromkeys(("IF", "CHOOSE"), (1, None)),
    **dict.fromkeys(("IFERROR", "IFNA", "VSTACK", "HSTACK", TABLE, LINE), (0, None)),
    **dict.fromkeys(("TRANSPOSE", "INDEX", "TOCOL", "TOROW", "TAKE", "DROP", "SORT"), (0, 1)),
    **dict.fromkeys(("CHOOSECOLS", "CHOOSEROWS", "SINGLE", "ARRAYFORMULA"), (0, 1)),
    **dict.fromkeys(("IFS", "SWITCH"), (1, None)),
}
TIES = Message("at a tie, the first of equals has the slope")
CONDITIONS = Message("conditions are held fixed")
POSITIONS = Message("positions and keys of lookups are held fixed")

Arguments = tuple[Expression | None, ...]
Given = TypeVar("Given")
Shape = tuple[int, int]
Change = Callable[[Expression], Expression]
Rule = Callable[["FormulaDerivation", Call, Expression], None]


@dataclass(frozen=True, eq=False)
class FormulaSlopes:
    """The slopes of a formula by the cells that it mentions, for its cell and for copies of it."""

    partials: tuple[tuple[CellReference, Pattern], ...]
    is_array: bool  # whether some of them work only as array formulas
    fixed: tuple[str, ...]  # what is held fixed
    counts: tuple[CellReference, ...] = ()  # what functions of whole numbers depend on


@dataclass(frozen=True)
class Rules:
    """What is known about functions by their names."""

    structural: Mapping[str, Rule]  # functions of ranges, branches, lookups
    shapes: Mapping[str, Callable[[FormulaDerivation, Call], Shape]]
    elements: Mapping[str, Callable[[FormulaDerivation, Call, int, int], Expression]]
    slopes: Mapping[str, Elementwise]  # functions of single values
    by_element: frozenset[str]  # functions that a range makes an array of
    flat: frozenset[str]  # functions whose value is held fixed


def inside_guards(seed: Expression, change: Change) -> Expression:
    """The seed with a change made inside the conditions around it."""
    guards: list[Call] = []
    while isinstance(seed, Call) and seed.function == "IF" and ZERO in seed.arguments[1:]:
        guards.append(seed)
        seed = seed.arguments[1 if seed.arguments[2] == ZERO else 2] or ZERO
    seed = change(seed)
    for guard in reversed(guards):
        if seed == ZERO:
            return ZERO
        condition, then, _ = guard.arguments
        branches = (ZERO, seed) if then == ZERO else (seed, ZERO)
        seed = Call("IF", (condition, *branches))
    return seed


def scaled(seed: Expression, factor: Expression) -> Expression:
    return inside_guards(seed, lambda part: times(part, factor))


def divided(seed: Expression, divisor: Expression) -> Expression:
    return inside_guards(seed, lambda part: over(part, divisor))


def turned(seed: Expression) -> Expression:
    """The seed with the other sign."""
    return inside_guards(seed, negative)


def guarded(seed: Expression, condition: Expression, *, holds: bool = True) -> Expression:
    """The seed where a condition holds (or doesn't), and 0 elsewhere."""

    def guard(part: Expression) -> Expression:
        if part == ZERO:
            return ZERO
        return call_of("IF", condition, *((part, ZERO) if holds else (ZERO, part)))

    return inside_guards(seed, guard)


class FormulaDerivation:
    """One formula being differentiated."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        pattern: Pattern,
        home: Address,
        is_active: Callable[[Address], bool],
        rules: Rules,
    ) -> None:
        if pattern.expression is None:
            raise NotDerivable(
                Message("its formula can't be read: {reason}", reason=pattern.problem)
            )
        self.book, self.flow, self.home, self.rules = book, flow, home, rules
        self.is_active = is_active
        self.notes: dict[str, None] = {}
        self._counts: dict[CellReference, None] = {}
        self._mentions: dict[str, Mention] = {}
        self._unknown: dict[str, str] = {}
        self._known: dict[int, tuple[Expression, Shape | None, bool]] = {}
        self._shares: dict[Address, tuple[CellReference, list[Expression]]] = {}
        self._waiting: list[tuple[Expression, Expression]] = []
        self._next: list[tuple[Expression, Expression]] = []
        self._seeds = 0
        self.root = self._placed(
            self._qualified(without_names(pattern.expression), pattern.mentions)
        )

    # References

    def _qualified(self, expression: Expression, mentions: Mapping[str, Mention]) -> Expression:
        """A formula with the names of the sheets in its references."""

        parameters = parameters_of(expression)

        def name(part: Expression) -> Expression | None:
            if not isinstance(part, Reference):
                return None
            if part.text.lower() in parameters:
                return part
            mention = mentions.get(part.text)
            if isinstance(mention, float):
                word = part.text.rpartition("!")[2].upper()
                return Reference(word) if word in ("TRUE", "FALSE") else number(mention)
            if isinstance(mention, CellReference | RangeReference):
                return self.refer(mention)
            if mention is not None and not part.text.startswith("#"):
                self._unknown[part.text] = mention.why
            return part

        return replace_parts(expression, name)

    def _placed(self, root: Expression) -> Expression:
        """What the formula's own cell shows: of an array its own element, of a range that isn't
        entered as an array formula the cell in its own row or column."""
        height, width = self._measured(root)[1] or (1, 1)
        if (height, width) == (1, 1):
            return root
        if self.home in self.book.arrays:
            row, column = self.flow.places_in_arrays.get(self.home, (0, 0))
            return self.at(root, min(row, height - 1), min(column, width - 1))
        crossing = replace_parts(root, self.crossed)
        return self.at(crossing, 0, 0)

    def crossed(self, part: Expression) -> Expression | None:
        """The cell of a range in the formula's own row or column; None for what works element by
        element."""
        if isinstance(part, Call) and not self.works_by_element(plain_name(part.function)):
            return part
        if not isinstance(part, Reference):
            return None
        rows = self.cells(part)
        if rows and len(rows) > 1 and len(rows[0]) == 1:
            row = row_of(self.home) - row_of(rows[0][0])
            return self.cell(part, row, 0) if 0 <= row < len(rows) else part
        if rows and len(rows) == 1 and len(rows[0]) > 1:
            column = column_of(self.home) - column_of(rows[0][0])
            return self.cell(part, 0, column) if 0 <= column < len(rows[0]) else part
        return part

    def refer(self, mention: CellReference | RangeReference) -> Reference:
        """A reference as it is written here, with its sheet."""
        corners = mention.corners(self.home)
        if corners is None:
            return Reference("#REF!")
        sheet, top, left, bottom, right = corners
        first, last = name_at(top, left), name_at(bottom, right)
        title = quote_title(self.book.sheets[sheet].title)
        text = f"{title}!{first}" if first == last else f"{title}!{first}:{last}"
        self._mentions.setdefault(text, mention)
        return Reference(text)

    def mention(self, part: Expression | None) -> CellReference | RangeReference | None:
        """What a part refers to, if it is a reference to cells."""
        mention = self._mentions.get(part.text) if isinstance(part, Reference) else None
        return mention if isinstance(mention, CellReference | RangeReference) else None

    def cells(self, part: Expression | None) -> Sequence[Sequence[Address]]:
        """The cells of a reference, row by row; none for any other part."""
        mention = self.mention(part)
        if isinstance(mention, RangeReference):
            return self.flow.rows(mention, self.home)
        cell = mention.at(self.home) if mention is not None else None
        return ((cell,),) if cell is not None else ()

    def area(self, part: Expression, top: int, left: int, bottom: int, right: int) -> Reference:
        """A part of a range, by its first and last row and column, counted from 0."""
        mention, rows = self.mention(part), self.cells(part)
        if mention is None:
            raise NotDerivable(Message("a part of what is computed"))
        first = self._element(mention, rows[top][left])
        if (top, left) == (bottom, right):
            return self.refer(first)
        return self.refer(RangeReference(first, self._element(mention, rows[bottom][right])))

    def _element(self, mention: CellReference | RangeReference, cell: Address) -> CellReference:
        """The reference to one cell of a mention, which moves as it does in copies."""
        if isinstance(mention, CellReference):
            return mention
        first, last = mention.first, mention.last
        row_fixed = first.row_fixed and last.row_fixed
        column_fixed = first.column_fixed and last.column_fixed
        row, column = row_of(cell), column_of(cell)
        return CellReference(
            first.sheet,
            row if row_fixed else row - row_of(self.home),
            row_fixed,
            column if column_fixed else column - column_of(self.home),
            column_fixed,
        )

    @property
    def own_cell(self) -> Reference:
        """The formula's own cell, whose value is the formula's."""
        return self.refer(CellReference(None, 0, False, 0, False))

    def is_number(self, cell: Address) -> bool:
        """Whether a cell has a number, or a formula that may give one."""
        value = self.book.values.get(cell)
        if type(value) is float or self.is_active(cell):
            return True
        return value is None and cell in self.book.patterns

    def is_subtotal(self, cell: Address) -> bool:
        """Whether a cell's formula is a subtotal, which others leave out."""
        pattern = self.book.patterns.get(cell)
        expression = pattern.expression if pattern else None
        return isinstance(expression, Call) and plain_name(expression.function) in (
            "SUBTOTAL",
            "AGGREGATE",
        )

    def counts(self, part: Expression, row: int, column: int) -> bool:
        """Whether an element is a number for functions that skip texts and blanks in ranges."""
        rows = self.cells(part)
        return not rows or self.is_number(rows[row][column])

    def all_count(self, part: Expression) -> bool:
        return all(self.is_number(cell) for row in self.cells(part) for cell in row)

    def is_full(self, part: Expression | None) -> bool:
        """Whether every element of a part is a number, for functions that skip texts, blanks and
        the FALSE of a missing else."""
        waiting: list[Expression | None] = [part]
        while waiting:
            match waiting.pop():
                case None | Text():
                    return False
                case Reference() as area if not self.all_count(area):
                    return False
                case Call(function, arguments) as call if self.shape(call) != (1, 1):
                    name = plain_name(function)
                    if name == "IF" and len(arguments) < 3:
                        return False
                    first, last = HANDED_ON.get(name, (0, 0))
                    waiting += arguments[first:last]
        return True

    # Shapes

    def shape(self, part: Expression | None) -> Shape:
        """The rows and columns of a part."""
        if part is None:
            return 1, 1
        shape = self._measured(part)[1]
        if shape is None:
            raise NotDerivable(Message("ranges of different sizes in one operation"))
        return shape

    def is_live(self, part: Expression | None) -> bool:
        """Whether a part depends on an input."""
        return part is not None and self._measured(part)[2]

    def _measured(self, part: Expression) -> tuple[Expression, Shape | None, bool]:
        known = self._known
        if id(part) not in known:
            for piece in reversed(list(parts(part))):
                if id(piece) not in known:
                    known[id(piece)] = piece, self._shape(piece), self._is_live(piece)
        return known[id(part)]

    def _is_live(self, part: Expression) -> bool:
        if not isinstance(part, Reference):
            return any(self._known[id(piece)][2] for piece in inner(part))
        if part.text in self._unknown:
            self._meet_unknown(part.text)
        return any(self.is_active(cell) for row in self.cells(part) for cell in row)

    def _meet_unknown(self, text: str) -> None:
        """Hold another workbook's cell fixed; refuse a name, which may lead to an input."""
        if "[" in text or ("!" in text and ":" not in text):
            self.note(Message("another workbook's cell is held fixed"))
        else:
            raise NotDerivable(Message("gradbook can't follow {reference}", reference=text))

    def _shape(self, part: Expression) -> Shape | None:
        match part:
            case Reference():
                rows = self.cells(part)
                return (len(rows), len(rows[0])) if rows else (1, 1)
            case Number() | Text():
                return 1, 1
            case Call("{}", lines):
                return len(lines), len(inner(lines[0])) if lines and lines[0] else 0
            case Call(function, arguments):
                name = plain_name(function)
                if each := self._one_for_each(part):
                    return self._common([self._known[id(arguments[k])][1] for k in each])
                try:
                    if name in self.rules.shapes:
                        return self.rules.shapes[name](self, part)
                except NotDerivable:
                    return None
                if not self.works_by_element(name):
                    return 1, 1
        return self._common([self._known[id(piece)][1] for piece in inner(part)])

    def _common(self, shapes: Sequence[Shape | None]) -> Shape | None:
        height = width = 1
        for shape in shapes:
            if shape is None or (shape[0] not in (1, height) and height > 1):
                return None
            if shape[1] not in (1, width) and width > 1:
                return None
            height, width = max(height, shape[0]), max(width, shape[1])
        return height, width

    def common(self, *several: Expression | None) -> Shape:
        shape = self._common([self.shape(part) for part in several])
        if shape is None:
            raise NotDerivable(Message("ranges of different sizes in one operation"))
        return shape

    def works_by_element(self, name: str) -> bool:
        return name in self.rules.slopes or name in self.rules.by_element

    def _one_for_each(self, part: Call) -> Collection[int]:
        """The places of arguments of which each element of the result has its own."""
        places = one_for_each(part.function, len(part.arguments))
        each = {k: a for k in places if (a := part.arguments[k]) is not None}
        is_array = any(self._measured(a)[1] != (1, 1) for a in each.values())
        return each if is_array else ()

    # Elements

    def at(self, part: Expression | None, row: int, column: int) -> Expression:
        """One element of a part, as a formula."""
        if part is None:
            return ZERO
        if self.shape(part) == (1, 1) and self.is_writable(part):
            return part
        return replace_parts(part, lambda piece: self._element_of(piece, row, column))

    def _element_of(self, part: Expression, row: int, column: int) -> Expression | None:
        """An element of a part; None for an operation that works element by element."""
        if isinstance(part, Call):
            name = plain_name(part.function)
            if part.function == TABLE:
                height, width = self.shape(part)
                line = part.arguments[row if height > 1 else 0]
                return inner(line)[column if width > 1 else 0] if line else ZERO
            if each := self._one_for_each(part):
                split = (
                    self.at(a, row, column) if k in each else a
                    for k, a in enumerate(part.arguments)
                )
                return Call(part.function, tuple(split))
            if name in self.rules.elements:
                height, width = self.shape(part)
                where = row if height > 1 else 0, column if width > 1 else 0
                if (height, width) != (1, 1) or not self.is_writable(part):
                    return self.rules.elements[name](self, part, *where)
                return part
            if not self.works_by_element(name):
                return self._whole_element(part, row, column)
        if isinstance(part, Reference):
            rows = self.cells(part)
            if not rows or len(rows) == len(rows[0]) == 1:
                return part
            return self.cell(part, row if len(rows) > 1 else 0, column if len(rows[0]) > 1 else 0)
        return None

    def cell(self, part: Expression, row: int, column: int) -> Reference:
        """One cell of a range."""
        return self.area(part, row, column, row, column)

    def _whole_element(self, part: Call, row: int, column: int) -> Expression:
        height, width = self.shape(part)
        if (height, width) == (1, 1):
            return part
        where = row if height > 1 else 0, column if width > 1 else 0
        return call_of("INDEX", part, *(Number(float(k + 1)) for k in where))

    def is_writable(self, part: Expression) -> bool:
        """Whether a part can stand in a cell's formula."""
        lines = (p for p in parts(part) if isinstance(p, Call) and p.function == LINE)
        return all(
            isinstance(element, Text) or constant_of(element) is not None
            for line in lines
            for element in inner(line)
        )

    def table(self, shape: Shape, element: Callable[[int, int], Expression]) -> Expression:
        """A table of formulas."""
        self.spend(shape[0] * shape[1])
        rows = [Call(LINE, tuple(element(i, j) for j in range(shape[1]))) for i in range(shape[0])]
        return Call(TABLE, tuple(rows))

    # Seeds

    def note(self, message: str) -> None:
        """List what is held fixed."""
        self.notes[message] = None

    def hold(self, part: Expression | None, message: str) -> None:
        """List what is held fixed, if it depends on an input."""
        if self.is_live(part):
            self.note(message)

    def hold_whole(self, part: Expression, name: str) -> None:
        """Hold a function of whole numbers fixed, and remember the cells that it depends on."""
        self.hold(part, Message("{function} is held fixed", function=name))
        for area in references(part):
            for cell in (cell for row in self.cells(area) for cell in row if self.is_active(cell)):
                if (mention := self.mention(area)) is not None:
                    self._counts[self._element(mention, cell)] = None

    def spend(self, elements: int) -> None:
        self._seeds += elements
        if self._seeds > MOST_SEEDS:
            raise NotDerivable(Message("its derivative is too long"))

    def push(self, part: Expression | None, seed: Expression) -> None:
        """Give a part its seed, which has the part's shape or is one value for all elements."""
        if part is not None and seed != ZERO and self.is_live(part):
            self._next.append((part, seed))

    def spread(self, part: Expression | None, seed: Expression, shape: Shape) -> None:
        """Give a part the seed of an operation by elements of this shape: a value that was used for
        many of them gets the sum of their seeds."""
        if part is not None and seed != ZERO and self.is_live(part):
            self.push(part, self.reduced(seed, shape, self.shape(part)))

    def reduced(self, seed: Expression, shape: Shape, wanted: Shape) -> Expression:
        """The seeds of a shape, added up along the directions in which a part has only one."""
        if shape == wanted:
            return seed
        seeded = self.shape(seed)
        if seeded == (1, 1) and self.is_writable(seed):
            factor = (shape[0] // wanted[0]) * (shape[1] // wanted[1])
            return scaled(seed, Number(float(factor))) if seed != ONE else Number(float(factor))
        if wanted == (1, 1):
            if seeded == shape and self.is_writable(seed):
                return call_of("SUM", seed)
            return self._total(seed, range(shape[0]), range(shape[1]))
        return self.table(
            wanted,
            lambda i, j: self._total(
                seed,
                range(shape[0]) if wanted[0] == 1 else (i,),
                range(shape[1]) if wanted[1] == 1 else (j,),
            ),
        )

    def _total(self, seed: Expression, rows: Sequence[int], columns: Sequence[int]) -> Expression:
        self.spend(len(rows) * len(columns))
        total: Expression = ZERO
        for i in rows:
            for j in columns:
                total = plus(total, self.at(seed, i, j))
        return total

    def each(self, part: Expression | None, seed_at: Callable[[int, int], Expression]) -> None:
        """Give each live element of a part its own seed."""
        if part is None or not self.is_live(part):
            return
        rows = self.cells(part)
        if not rows:
            self.push(part, self.table(self.shape(part), seed_at))
            return
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if self.is_active(cell):
                    self._share(part, cell, seed_at(i, j))

    def value(self, part: Expression) -> Expression:
        """A part's value: the formula's own cell, if it is the whole formula."""
        return self.own_cell if part is self.root and self.shape(part) == (1, 1) else part

    def _share(self, part: Expression, cell: Address, seed: Expression) -> None:
        """Add a term to the slope by a cell."""
        if seed == ZERO:
            return
        self.spend(1)
        mention = self.mention(part)
        if mention is None:
            raise NotDerivable(Message("a reference off the sheet"))
        if cell not in self._shares:
            self._shares[cell] = self._element(mention, cell), []
        self._shares[cell][1].append(seed)

    # The chain rule

    def slopes(self) -> FormulaSlopes:
        """The formula's slopes by its cells."""
        if self.is_live(self.root):
            self.push(self.root, ONE)
            self._go_on()
        while self._waiting:
            part, seed = self._waiting.pop()
            self._hand_on(part, seed)
            self._go_on()
        return self._gathered()

    def _go_on(self) -> None:
        self._waiting.extend(reversed(self._next))
        self._next.clear()

    def _gathered(self) -> FormulaSlopes:
        partials = []
        written: dict[int, tuple[Expression, Pattern]] = {}  # many cells have the same slope
        is_array = False
        for place, seeds in self._shares.values():
            total = seeds[0]
            for seed in seeds[1:]:
                total = plus(total, seed)
            if total == ZERO:
                continue
            if id(total) not in written:
                if not self.is_writable(total):
                    raise NotDerivable(Message("its derivative is too long"))
                is_truth = isinstance(total, Infix) and total.operator in COMPARISONS
                slope = call_of("IF", total, ONE, ZERO) if is_truth else with_sign_first(total)
                written[id(total)] = total, self._pattern(slope)
                is_array = is_array or self._needs_array(total)
            partials.append((place, written[id(total)][1]))
        return FormulaSlopes(tuple(partials), is_array, tuple(self.notes), tuple(self._counts))

    def _pattern(self, partial: Expression) -> Pattern:
        words = tuple(part.text for part in references(partial))
        mentions = {word: self._mentions[word] for word in words if word in self._mentions}
        for word in words:
            mentions.setdefault(word, float(word == "TRUE"))
        return Pattern("", self.home, "", FormulaForm(partial), words, mentions)

    def _needs_array(self, partial: Expression) -> bool:
        """Whether a formula works element by element on a range, or multiplies matrices."""
        for part in parts(partial):
            if isinstance(part, Call):
                name = plain_name(part.function)
                if name in ("MMULT", "TRANSPOSE", "MINVERSE"):
                    return True
                if not self.works_by_element(name):
                    continue
            if not isinstance(part, Reference) and self.shape(part) != (1, 1):
                return True
        return False

    def _hand_on(self, part: Expression, seed: Expression) -> None:
        match part:
            case Reference():
                rows = self.cells(part)
                for i, row in enumerate(rows):
                    for j, cell in enumerate(row):
                        if self.is_active(cell):
                            self._share(part, cell, self.at(seed, i, j))
            case Prefix("-", operand):
                self.push(operand, turned(seed))
            case Prefix(_, operand):
                self.push(operand, seed)
            case Postfix(_, operand):
                self.push(operand, divided(seed, HUNDRED))
            case Infix():
                self._through_infix(part, seed)
            case Call(function, _):
                self._through_call(plain_name(function), part, seed)

    def _through_infix(self, part: Infix, seed: Expression) -> None:
        a, b, shape = part.left, part.right, self.shape(part)
        match part.operator:
            case "+":
                self.spread(a, seed, shape)
                self.spread(b, seed, shape)
            case "-":
                self.spread(a, seed, shape)
                self.spread(b, turned(seed), shape)
            case "*":
                self.spread(a, scaled(seed, b), shape)
                self.spread(b, scaled(seed, a), shape)
            case "/":
                self._through_quotient(part, seed)
            case "^":
                self.spread(a, scaled(seed, slope_of_base(a, b)), shape)
                if self.is_live(b):
                    value = scaled(seed, times(self.value(part), call_of("LN", a)))
                    self.spread(b, guarded(value, Infix(">", a, ZERO)), shape)
            case "&":
                self.note(Message("texts are held fixed"))
            case _:
                self.note(Message("comparisons are held fixed"))

    def _through_quotient(self, part: Infix, seed: Expression) -> None:
        a, b, shape = part.left, part.right, self.shape(part)
        exponent = sigmoid_of(part)
        if exponent is not None and part is self.root and shape == (1, 1):
            value = self.own_cell
            self.push(exponent, scaled(seed, times(value, minus(ONE, value))))
            return
        self.spread(a, divided(seed, b), shape)
        if self.is_live(b):
            if part is self.root and shape == (1, 1):
                self.push(b, turned(scaled(seed, over(self.own_cell, b))))
            else:
                self.spread(b, turned(divided(scaled(seed, a), square(b))), shape)

    def _through_call(self, name: str, part: Call, seed: Expression) -> None:
        rules = self.rules
        if self._one_for_each(part):
            height, width = self.shape(part)
            self.spend(height * width)
            for i in range(height):
                for j in range(width):
                    self.push(self.at(part, i, j), self.at(seed, i, j))
        elif name in rules.structural:
            rules.structural[name](self, part, seed)
        elif name in rules.slopes:
            self.by_element(name, part, seed)
        elif name in COUNTS:
            self.hold_whole(part, name)
        elif name in rules.flat:
            self.note(Message("{function} is held fixed", function=name))
        else:
            raise NotDerivable(
                Message("gradbook doesn't know the derivative of {function}", function=name)
            )

    def by_element(self, name: str, part: Call, seed: Expression) -> None:
        arguments_of(part, most=len(self.rules.slopes[name].slopes))
        function, shape = self.rules.slopes[name], self.shape(part)
        named = {word: read(text) for word, text in _named(function.defaults) if text}
        for word, argument in _named(part.arguments):
            if argument is not None or word not in named:
                named[word] = argument or ZERO
        named["value"] = self.value(part)
        for argument, text in zip(part.arguments, function.slopes, strict=False):
            if text and self.is_live(argument):
                self.spread(argument, scaled(seed, fill_in_slope(text, named)), shape)
            elif not text:
                self.hold(argument, Message("{function} is held fixed", function=name))
        if name in STRAIGHT:
            self.note(Message("{function} has the slope of what it rounds", function=name))


def _named(arguments: Sequence[Given]) -> list[tuple[str, Given]]:
    """Arguments with the names that slopes give them."""
    return list(zip(ARGUMENTS, arguments, strict=False))


def name_at(row: int, column: int) -> str:
    return name_of(pack(0, row, column))


# What rules share ---------------------------------------------------------------------


def arguments_of(part: Call, fewest: int = 1, most: int = 255) -> Arguments:
    """A call's arguments; refused if they are too few or too many."""
    if not fewest <= len(part.arguments) <= most:
        name = plain_name(part.function)
        raise NotDerivable(Message("{function} with these arguments", function=name))
    return part.arguments


def present(arguments: Arguments) -> list[Expression]:
    return [argument for argument in arguments if argument is not None]


def argument(arguments: Arguments, place: int) -> Expression | None:
    return arguments[place] if place < len(arguments) else None


def whole_number(part: Expression | None, name: str) -> int:
    """A number that was typed in a formula, as a position is."""
    value = constant_of(part)
    if value is None or not value.is_integer():
        raise NotDerivable(Message("{function} with a computed position", function=name))
    return int(value)


def added(several: Iterable[Expression]) -> Expression:
    total: Expression = ZERO
    for part in several:
        total = plus(total, part)
    return total


def multiplied(several: Iterable[Expression]) -> Expression:
    product: Expression = ONE
    for part in several:
        product = times(product, part)
    return product
