"""Array formulas, taken apart: what each of their cells says by itself."""

from __future__ import annotations

from gradbook.audit.formula.address import Address, column_of, row_of, written
from gradbook.audit.formula.expression import inner, rebuilt
from gradbook.audit.formula.functions import ELEMENTWISE
from gradbook.audit.formula.pattern import RangeReference
from gradbook.audit.formula.reader import Reader
from gradbook.targets.excel.language.grammar import (
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    write,
)
from gradbook.targets.excel.language.reader import FormulaError, read

FILLED = ("MMULT", "TRANSPOSE")  # functions whose value is several cells


def element(reader: Reader, text: str, home: Address, down: int, right: int) -> str:
    """What an array formula, typed in `home`, says of the cell so far down and right of it.

    A formula that can't be read stays as it is.
    """
    try:
        return write(_Element(reader, home, down, right).of(read(text.removeprefix("+"))))
    except FormulaError:
        return text


class _Element:
    def __init__(self, reader: Reader, home: Address, down: int, right: int) -> None:
        self.reader = reader
        self.home = home
        self.down = down
        self.right = right

    def of(self, part: Expression) -> Expression:
        match part:
            case Reference(text):
                mention = self.reader.mention(text, self.home)
                return self.cell(text, mention) if isinstance(mention, RangeReference) else part
            case Infix() | Prefix() | Postfix():
                return rebuilt(part, [self.of(piece) for piece in inner(part)])
            case Call(function, _) if function in ELEMENTWISE or function == "IF":
                return rebuilt(part, [self.of(piece) for piece in inner(part)])
            case Call(function, _) if function in FILLED:
                row, column = Number(self.down + 1.0), Number(self.right + 1.0)
                return Call("INDEX", (part, row, column))
        return part

    def cell(self, text: str, area: RangeReference) -> Expression:
        """The one cell of a range that goes with this one; a single row goes with every row."""
        corners = area.corners(self.home)
        if corners is None:
            return Reference(text)
        _, top, left, bottom, right = corners
        sheet, _, _ = text.rpartition("!")
        row = top + (self.down if bottom > top else 0)
        column = left + (self.right if right > left else 0)
        word = written((row << 14) + column)
        letters = word.rstrip("0123456789")
        fix_column = "$" if area.first.column_fixed else ""
        fix_row = "$" if area.first.row_fixed else ""
        name = f"{fix_column}{letters}{fix_row}{word[len(letters) :]}"
        return Reference(f"{sheet}!{name}" if sheet else name)


def places(first: Address, last: Address) -> list[tuple[int, int]]:
    """How far down and right each cell of an area is from its first."""
    rows, columns = row_of(last) - row_of(first) + 1, column_of(last) - column_of(first) + 1
    return [(down, right) for down in range(rows) for right in range(columns)]
