"""Books of a few cells, typed as one would: a formula in A3:A8 is filled down or across."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, pack
from gradbook.cells.formula.pattern import move_formula
from tests.audit.material.made import Cells, Content, Table, cells_of
from tests.audit.material.tables import book_of


def small_table(*sheets: Mapping[str, Content]) -> Table:
    """The cells of Sheet1, Sheet2 and so on."""
    return Table({f"Sheet{k}": filled(cells) for k, cells in enumerate(sheets, 1)})


def small_book(*sheets: Mapping[str, Content]) -> Book:
    """A book with such sheets."""
    return book_of(small_table(*sheets))


def saved(path: Path, *sheets: Mapping[str, Content]) -> Path:
    """The same as a file."""
    return small_table(*sheets).save(path)


def small(*sheets: Mapping[str, Content]) -> tuple[Book, Flow]:
    """The book, and who refers to whom in it."""
    book = small_book(*sheets)
    return book, Flow(book)


def filled(cells: Mapping[str, Content]) -> Cells:
    """Cell by cell, with each formula copied over its area."""
    found: Cells = {}
    for area, content in cells.items():
        (top, left), *_ = places = cells_of(area)
        for row, column in places:
            is_formula = isinstance(content, str) and content.startswith("=")
            found[row, column] = (
                move_formula(content, row - top, column - left) if is_formula else content  # type: ignore[arg-type]
            )
    return found


def at(name: str, sheet: int = 0) -> Address:
    """The cell B3, of the first sheet."""
    ((row, column),) = cells_of(name)
    return pack(sheet, row, column)


def all_at(names: str, sheet: int = 0) -> tuple[Address, ...]:
    """The cells A2:A6."""
    return tuple(pack(sheet, row, column) for row, column in cells_of(names))
