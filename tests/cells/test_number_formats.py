"""Number formats are read as spreadsheets show them, as far as a page shows numbers alike."""

from __future__ import annotations

import pytest
import xlsxwriter

from gradbook.cells.number_formats import NumberFormat, number_formats, read_format
from gradbook.cells.read import read_book
from tests.cases import for_each
from tests.outside.witness import save_as_opendocument

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


@pytest.mark.witness("libreoffice")
def test_what_libreoffice_shows_is_read_in_its_own_files(tmp_path):
    shown = {
        "A1": (0.0725, "0.00%"),
        "A2": (1234567.891, "#,##0.0"),
        "A3": (-19.9, '0.00 "€"'),
        "A4": (46000, "dd.mm.yyyy"),
        "A5": (0.123456789, "General"),
        "A6": (12, "0"),
    }
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        sheet = book.add_worksheet("A")
        for cell, (number, code) in shown.items():
            sheet.write(cell, number, book.add_format({"num_format": code, "bold": True}))
    (file,) = save_as_opendocument([tmp_path / "book.xlsx"], tmp_path / "open")
    book = read_book(file)
    formats = number_formats(book, file, [*book.values])
    assert {book.name_of(cell): it for cell, it in formats.items()} == {
        "A!A1": NumberFormat(2, is_percent=True),
        "A!A2": NumberFormat(1, is_grouped=True),
        "A!A3": NumberFormat(2, after="€"),
        "A!A4": NumberFormat(is_date=True),
        "A!A6": NumberFormat(0),
    }
