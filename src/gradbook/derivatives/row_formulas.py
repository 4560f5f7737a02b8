"""Formulas of a workbook's cells for use in one row of another sheet, which repeats.

Cells that have a column there become cells of the row, all others absolute references. What adds
up or multiplies ranges is written out for the cells of the row, which lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, column_number, letters
from gradbook.cells.formula.expression import inner, rebuild
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.pattern import Pattern, anchor
from gradbook.cells.formula.simplify import ONE, call_of, minus, plus, square, times
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference, Text
from gradbook.cells.partials import FormulaDerivation, added, multiplied, present
from gradbook.cells.slopes import RULES
from gradbook.cells.written_out import NotDerivable
from gradbook.errors import LimitError

THIS_ROW = "\x01"  # stands for the number of the row
MOST_ARGUMENTS = 255
MOST_NESTED = 30  # conditions within each other, in place of a position
MOST_ELEMENTS = 20_000  # of one formula
SPREAD = frozenset(
    """
SUM AVERAGE MAX MIN PRODUCT SUMSQ COUNT COUNTA MEDIAN STDEV STDEV.S STDEV.P STDEVP VAR VAR.S VAR.P
VARP DEVSQ GEOMEAN HARMEAN AND OR XOR
""".split()  # noqa: SIM905 - a list of words
)
"""Functions for which a range means the same as its cells one by one."""
PAIRED: Mapping[str, Callable[[Expression, Expression], Expression]] = {
    "SUMXMY2": lambda x, y: square(minus(x, y)),
    "SUMX2MY2": lambda x, y: minus(square(x), square(y)),
    "SUMX2PY2": lambda x, y: plus(square(x), square(y)),
}


MADE_OF_CELLS = ("MMULT", "TRANSPOSE", "INDEX")


class RowFormula:
    """One formula of the book, or one of its partial slopes, for a row of cells."""

    def __init__(
        self,
        book: Book,
        flow: Flow,
        pattern: Pattern,
        home: Address,
        columns: Mapping[Address, int],
    ) -> None:
        self.name = book.name_of(home)
        self.columns = columns
        try:
            self.formula = FormulaDerivation(book, flow, pattern, home, columns.__contains__, RULES)
        except NotDerivable as error:
            raise self._refusal(str(error)) from error
        self.left = MOST_ELEMENTS

    def expression(self) -> Expression:
        """The formula with references to cells of the row."""
        try:
            return self._single(self.formula.root)
        except (NotDerivable, IndexError) as error:
            raise self._refusal(str(error)) from error
        except RecursionError:
            raise self._refusal("it is nested too deeply") from None

    def _refusal(self, reason: str) -> LimitError:
        return LimitError(
            f"{self.name}: its formula can't be written in one row ({reason}): write it with "
            "single cells, sums or matrix products"
        )

    def _moves(self, part: Expression | None) -> bool:
        """Whether a part depends on cells of the row."""
        return self.formula.is_live(part)

    def _single(self, part: Expression) -> Expression:
        """A part that is one value."""
        if not self._moves(part):
            return (
                Reference(anchor(part.text)) if isinstance(part, Reference) else self._fixed(part)
            )
        if isinstance(part, Reference):
            return self._element(part, 0, 0)
        if not isinstance(part, Call):
            return rebuild(part, [self._single(piece) for piece in inner(part)])
        name = plain_name(part.function)
        arguments = [a for a in part.arguments if a is not None]
        if name in SPREAD:
            return self._spread(part, arguments)
        if name == "SUMPRODUCT":
            return self._sum_of_products(arguments)
        if name in PAIRED and len(arguments) == 2:
            x, y = arguments
            pairs = (
                PAIRED[name](self._element(x, *at), self._element(y, *at)) for at in self._places(x)
            )
            return added(pairs)
        if name in MADE_OF_CELLS:
            return self._element(part, 0, 0)
        for a in arguments:
            if self._moves(a) and self.formula.shape(a) != (1, 1):
                raise NotDerivable(f"{name} of a range")
        return Call(
            part.function, tuple(None if a is None else self._single(a) for a in part.arguments)
        )

    def _fixed(self, part: Expression) -> Expression:
        """A part without cells of the row, with its references absolute."""
        if isinstance(part, Number | Text):
            return part
        if isinstance(part, Reference):
            return Reference(anchor(part.text))
        return rebuild(part, [self._fixed(piece) for piece in inner(part)])

    def _element(self, part: Expression, row: int, column: int) -> Expression:
        """One value of a part that may be a range."""
        self.left -= 1
        if self.left < 0:
            raise NotDerivable("it has too many terms")
        height, width = self.formula.shape(part)
        row, column = row if height > 1 else 0, column if width > 1 else 0
        if isinstance(part, Reference):
            return self._cell(part, row, column)
        is_made = isinstance(part, Call) and plain_name(part.function) in MADE_OF_CELLS
        if (height, width) == (1, 1) and not is_made:
            return self._single(part)
        if not isinstance(part, Call):
            return rebuild(part, [self._element(piece, row, column) for piece in inner(part)])
        name = plain_name(part.function)
        if name in MADE_OF_CELLS:
            return self._computed(name, part, row, column)
        if not self.formula.works_by_element(name):
            raise NotDerivable(f"{name} of a range")
        return Call(
            part.function,
            tuple(None if a is None else self._element(a, row, column) for a in part.arguments),
        )

    def _cell(self, part: Reference, row: int, column: int) -> Reference:
        cells = self.formula.cells(part)
        if not cells:
            return Reference(anchor(part.text))
        cell = cells[row][column]
        if cell in self.columns:
            return Reference(f"{letters(self.columns[cell])}{THIS_ROW}")
        return Reference(anchor(self.formula.book.name_of(cell)))

    def _computed(self, name: str, part: Call, row: int, column: int) -> Expression:
        """One value of a product of matrices, or of what chooses from one."""
        a, *others = present(part.arguments)
        if name == "INDEX":
            exact = self.formula.at(part, row, column)
            return self._single(exact) if isinstance(exact, Reference) else self._chosen(a, others)
        if name == "TRANSPOSE":
            return self._element(a, column, row)
        return added(
            times(self._element(a, row, k), self._element(others[0], k, column))
            for k in range(self.formula.shape(a)[1])
        )

    def _chosen(self, a: Expression, places: list[Expression]) -> Expression:
        """One value of a range, at a computed position."""
        height, width = self.formula.shape(a)
        raw = map(self._single, places)
        rounded: list[Expression] = [x if isinstance(x, Number) else call_of("INT", x) for x in raw]
        position, *others = rounded
        if others and height > 1:
            ahead = times(minus(position, ONE), Number(float(width)))
            position = plus(ahead, others[0])
        elif others:
            position = others[0]
        elif min(height, width) > 1:
            raise NotDerivable("INDEX of a whole row or column")
        values = [self._element(a, *at) for at in self._places(a)]
        if len(values) >= MOST_ARGUMENTS:
            raise NotDerivable("INDEX of many cells")
        if len(values) > MOST_NESTED:
            return call_of("CHOOSE", position, *values)
        *earlier, chosen = values
        for place, value in reversed(list(enumerate(earlier, 1))):
            chosen = call_of("IF", Infix("=", position, Number(float(place))), value, chosen)
        return chosen

    def _places(self, part: Expression) -> Iterator[tuple[int, int]]:
        height, width = self.formula.shape(part)
        return product(range(height), range(width))

    def _spread(self, part: Call, arguments: list[Expression]) -> Expression:
        """A function of all its numbers, with the cells of the row in place of ranges."""
        values: list[Expression] = []
        for a in arguments:
            if not self._moves(a):
                values.append(self._fixed(a))
            else:
                values += _joined([self._element(a, *at) for at in self._places(a)])
        if len(values) > MOST_ARGUMENTS:
            if plain_name(part.function) != "SUM":
                raise NotDerivable(f"{plain_name(part.function)} of many cells")
            values = [
                call_of("SUM", *values[start : start + MOST_ARGUMENTS])
                for start in range(0, len(values), MOST_ARGUMENTS)
            ]
        return Call(part.function, tuple(values))

    def _sum_of_products(self, arguments: list[Expression]) -> Expression:
        height, width = self.formula.common(*arguments)
        places = product(range(height), range(width))
        return added(multiplied(self._element(a, *at) for a in arguments) for at in places)


def _joined(cells: list[Expression]) -> list[Expression]:
    """Cells of the row that lie side by side as ranges."""
    joined: list[Expression] = []
    run: list[str] = []

    def close() -> None:
        if run:
            joined.append(Reference(run[0] if len(run) == 1 else f"{run[0]}:{run[-1]}"))
            run.clear()

    for cell in cells:
        text = cell.text if isinstance(cell, Reference) and THIS_ROW in cell.text else ""
        if not text or (run and not _follows(run[-1], text)):
            close()
        if text:
            run.append(text)
        else:
            joined.append(cell)
    close()
    return joined


def _follows(first: str, second: str) -> bool:
    return column_number(second[:-1]) == column_number(first[:-1]) + 1
