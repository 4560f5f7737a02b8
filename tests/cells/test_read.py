"""A workbook's parts become a book: sheets in their order, shared texts, names, formulas."""

from __future__ import annotations

import pytest

from gradbook.audit.check_book import check
from gradbook.cells.package import WorkbookError
from gradbook.cells.read import read_book
from tests.audit.material import lookalikes
from tests.audit.material.copies import put, repacked
from tests.audit.material.hostile import BOOK, SHEET, package
from tests.audit.material.small import at

SHEET1 = "xl/worksheets/sheet1.xml"


@pytest.fixture
def read(tmp_path):
    return lambda **parts: read_book(package(tmp_path / "book.xlsx", **parts))


def test_cells_get_their_values_and_formulas(read):
    row = '<row r="1"><c r="A1"><v>2</v></c><c r="B1"><f>A1*3</f><v>6</v></c></row>'
    book = read(sheet=SHEET.format(rows=row))
    assert book.values == {at("A1"): 2.0, at("B1"): 6.0}
    assert book.formula(at("B1")) == "=A1*3"
    assert [sheet.title for sheet in book.sheets] == ["S"]


def test_cells_that_do_not_say_where_they_are_follow_each_other(read):
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    book = read(sheet=SHEET.format(rows=rows))
    assert book.values == {at("A1"): 1.0, at("B1"): 2.0, at("A2"): 3.0}


def test_shared_texts_leave_out_how_they_are_pronounced(read):
    strings = "<sst><si><r><t>ra</t></r><r><t>te</t></r><rPh><t>aloud</t></rPh></si></sst>"
    cell = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    assert read(strings=strings, sheet=SHEET.format(rows=cell)).values == {at("A1"): "rate"}


def test_names_are_kept_with_the_sheet_that_they_are_for(read):
    more = (
        '<definedNames><definedName name="Rate">S!$A$1</definedName>'
        '<definedName name="own" localSheetId="0">0.5</definedName></definedNames>'
        '<calcPr fullCalcOnLoad="1"/>'
    )
    book = read(book=BOOK.format(title="S", more=more))
    assert book.names == {"rate": "S!$A$1", "0!own": "0.5"}
    assert book.reader.cell("RATE", at("C3")) == at("A1")
    assert book.recalculates


def test_a_book_without_sheets_of_cells_is_refused(read):
    with pytest.raises(WorkbookError, match="no sheets of cells"):
        read(relations="")
    with pytest.raises(WorkbookError, match="isn't a workbook"):
        read(book="", relations="")


def test_cells_beyond_the_sheet_are_named_and_the_rest_is_judged(tmp_path):
    path = lookalikes.book(tmp_path / "book.xlsx")
    row = '<row r="1048577"><c r="A1048577"><f>A1*2</f><v>1</v></c></row></sheetData>'
    repacked(path, put(SHEET1, "</row>", '<c r="XFE1"><v>3</v></c></row>'))
    repacked(path, put(SHEET1, "</sheetData>", row))
    report = check(path)
    assert report.verdict == "right"
    assert any("Sheet1!XFE1" in note and "beyond the last cell" in note for note in report.notes)
