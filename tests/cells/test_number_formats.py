"""Number formats are read as spreadsheets show them, as far as a page shows numbers alike."""

from __future__ import annotations

import xlsxwriter

from gradbook.cells.number_formats import NumberFormat, number_formats, read_format
from gradbook.cells.read import read_book
from tests.cases import for_each

FORMATS = {
    "0.00%": NumberFormat(2, is_percent=True),
    "#,##0.0": NumberFormat(1, is_grouped=True),
    '#,##0.00 "€"': NumberFormat(2, is_grouped=True, after="€"),
    "[$€-407] #,##0": NumberFormat(0, is_grouped=True, before="€"),
    "_($* #,##0.00_);_($* (#,##0.00);-": NumberFormat(2, is_grouped=True, before="$"),
    "[Red]0.0;[Blue]-0.0": NumberFormat(1),
    '0.0"x"': NumberFormat(1, after="x"),
    "dd/mm/yyyy": NumberFormat(is_date=True),
    "[$-409]d\\-mmm\\-yy;@": NumberFormat(is_date=True),
    **dict.fromkeys(("General", "@", "h:mm", "# ?/?", "0.00E+00", '#,##0,,"M"', "", ";;;")),
}


@for_each("code, expected", list(FORMATS.items()))
def test_a_code_says_how_numbers_are_shown(code, expected):
    assert read_format(code) == expected


def test_cells_have_the_formats_of_their_file(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        first, second = book.add_worksheet("A"), book.add_worksheet("B")
        first.write("A1", 0.5, book.add_format({"num_format": "0.0%"}))
        first.write("A2", 3)
        second.write("B7", 46000, book.add_format({"num_format": 14}))
    book = read_book(tmp_path / "book.xlsx")
    formats = number_formats(book, tmp_path / "book.xlsx", [*book.values])
    assert {book.name_of(cell): it for cell, it in formats.items()} == {
        "A!A1": NumberFormat(1, is_percent=True),
        "B!B7": NumberFormat(is_date=True),
    }
