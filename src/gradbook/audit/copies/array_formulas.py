"""What becomes of array formulas when some of the cells they fill are corrected.

One cell of an array can't be changed alone: each gets a formula of its own, unless one is known
that is right for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradbook.audit.copies.sheet_xml import NewFormula, SheetXml
from gradbook.audit.formula.address import Address, cells_of, sheet_of, written
from gradbook.audit.workbook.book import Book


def new_formulas(
    sheet: SheetXml, book: Book, wanted: Mapping[Address, str], wholes: Mapping[str, str]
) -> dict[Address, NewFormula]:
    """What is put into the sheet's cells: the wanted formulas, and those of the arrays around them.

    `wholes` are right formulas of whole arrays, by the cells that they fill.
    """
    found = {cell: NewFormula(text) for cell, text in wanted.items()}
    for first, area in _arrays(sheet, book):
        cells = tuple(cells_of(area, sheet_of(first)))
        if wanted.keys().isdisjoint(cells):
            continue
        if area in wholes:
            for cell in cells:
                found.pop(cell, None)
            found[first] = NewFormula(wholes[area], area)
        else:
            for cell in cells:
                text = wanted.get(cell) or book.patterns[cell].text_at(cell)
                found[cell] = NewFormula(text, written(cell))
    return found


def _arrays(sheet: SheetXml, book: Book) -> Iterator[tuple[Address, str]]:
    """The cell in which each array formula stands, and the cells that it fills."""
    for cell, there in sheet.cells.items():
        formula = there.formula
        if formula is not None and formula.attribute("t") == "array":
            yield cell, formula.attribute("ref") if cell in book.arrays else written(cell)
