"""An OpenDocument spreadsheet becomes the same book as Excel's: sheets, names, formulas, values."""

from __future__ import annotations

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.cells.package import WorkbookError
from gradbook.cells.read import read_book
from tests.audit.material.opendocument import (
    SPACES,
    content,
    number,
    row,
    saved,
    sheet,
    text,
)
from tests.audit.material.small import at
from tests.cases import for_each

EMPTY = "<table:table-cell/>"
HIDDEN = (
    '<style:style style:name="ta2" style:family="table">'
    '<style:table-properties table:display="false"/></style:style>'
)


@pytest.fixture
def read(tmp_path):
    def opened(*rows, more="", **parts):
        return read_book(
            saved(tmp_path / "book.ods", content(sheet("".join(rows)) + more), **parts)
        )

    return opened


def test_cells_get_their_values_and_formulas(read):
    book = read(row(number(2), number(6, "of:=[.A1]*3")), row(EMPTY, number(1)))
    assert book.values == {at("A1"): 2.0, at("B1"): 6.0, at("B2"): 1.0}
    assert book.formula(at("B1")) == "=A1*3"
    assert [sheet.title for sheet in book.sheets] == ["S"]


def test_cells_and_rows_that_are_repeated_stand_there_as_often(read):
    gap = '<table:table-cell table:number-columns-repeated="3"/>'
    alike = number(5, more=' table:number-columns-repeated="2"')
    book = read(row(gap, alike), row(gap, repeated=10), row(number(1), repeated=2), row(number(9)))
    places = ("D1", "E1", "A12", "A13", "A14")
    assert book.values == dict(zip(map(at, places), (5.0, 5.0, 1.0, 1.0, 9.0), strict=True))


def test_values_are_what_excel_has_for_them(read):
    book = read(
        row('<table:table-cell office:value-type="percentage" office:value="0.25"/>'),
        row('<table:table-cell office:value-type="boolean" office:boolean-value="true"/>'),
        row('<table:table-cell office:value-type="date" office:date-value="2024-03-01T12:00:00"/>'),
        row('<table:table-cell office:value-type="time" office:time-value="PT36H00M00S"/>'),
        row(text("", ' office:string-value="said"')),
        row(text("", ' table:formula="of:=1/0" calcext:value-type="error"')),
    )
    assert list(book.values.values()) == [0.25, True, 45352.5, 1.5, "said"]


def test_a_text_is_its_paragraphs_and_none_of_a_note(read):
    note = "<office:annotation><text:p>a note</text:p></office:annotation>"
    drawn = "<draw:frame><draw:text-box><text:p>drawn</text:p></draw:text-box></draw:frame>"
    words = (
        '<text:p>learning<text:s text:c="2"/><text:span>rate</text:span></text:p><text:p>η</text:p>'
    )
    assert read(row(text(note + words + drawn))).values == {at("A1"): "learning  rate\nη"}


def test_a_matrix_formula_is_told_for_each_of_its_cells(read):
    spanned = ' table:number-matrix-columns-spanned="1" table:number-matrix-rows-spanned="2"'
    book = read(row(number(1), number(2, "of:=[.A1:.A2]*2", spanned)), row(number(2), number(4)))
    assert [book.formula(at(name)) for name in ("B1", "B2")] == ["{=A1:A2*2}"] * 2
    assert [book.patterns[at(name)].text_at(at(name)) for name in ("B1", "B2")] == ["A1*2", "A2*2"]


def test_names_and_hidden_sheets_are_known_before_the_first_formula(tmp_path):
    own = (
        "<table:named-expressions><table:named-range table:name='Own' "
        "table:cell-range-address='$B.$A$1'/></table:named-expressions>"
    )
    names = (
        "<table:named-expressions><table:named-range table:name='Eta' "
        "table:cell-range-address='$B.$A$1'/><table:named-expression table:name='half' "
        "table:expression='of:=0.5'/></table:named-expressions>"
    )
    tables = sheet(row(number(1, "of:=[$B.A1]*eta*half")), "A") + sheet(
        row(number(2)) + own, "B", ' table:style-name="ta2"'
    )
    book = read_book(saved(tmp_path / "a.ods", content(tables, HIDDEN, names)))
    assert book.names == {"1!own": "B!$A$1", "eta": "B!$A$1", "half": "0.5"}
    assert [sheet.is_hidden for sheet in book.sheets] == [False, True]
    assert book.formula(at("A1")) == "=B!A1*eta*half"
    assert book.reader.cell("eta", at("A1")) == at("A1", 1)


def test_sheets_of_other_books_and_changes_that_were_recorded_are_none(tmp_path):
    kept = sheet(row(number(7)), "'file:///other.ods'#$S")
    changes = f"<table:tracked-changes>{number(8)}</table:tracked-changes>"
    book = read_book(saved(tmp_path / "a.ods", content(changes + kept + sheet(row(number(1))))))
    assert [sheet.title for sheet in book.sheets] == ["S"]
    assert book.values == {at("A1"): 1.0}


def test_who_made_it_is_told_in_excels_words(read):
    meta = (
        f"<office:document-meta {SPACES}><office:meta>"
        "<meta:initial-creator>Ada</meta:initial-creator><dc:creator>Bob</dc:creator><meta:creation-date>2024</meta:creation-date>"
        "<dc:date>2025</dc:date></office:meta></office:document-meta>"
    )
    expected = {"creator": "Ada", "lastModifiedBy": "Bob", "created": "2024", "modified": "2025"}
    assert read(row(number(1)), **{"meta.xml": meta}).properties == expected


@for_each(
    ("whole", "parts", "why"),
    [
        ("<x/>", {}, "no sheets of cells"),
        ("<office:x/>", {}, "isn't XML"),
        (content(sheet(""), document='<!DOCTYPE x [<!ENTITY a "b">]>'), {}, "entities"),
        (b"\x9f\x12", {"META-INF/manifest.xml": "<m><encryption-data/></m>"}, "encrypted"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(whole, parts, why, tmp_path):
    with pytest.raises(WorkbookError, match=why):
        read_book(saved(tmp_path / "a.ods", whole, **parts))


def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path):
    whole = content(sheet(row(number(1)) + " " * 60_000_000))
    with pytest.raises(WorkbookError, match="unpacks to more"):
        read_book(saved(tmp_path / "a.ods", whole))


def test_a_sheet_full_of_one_repeated_cell_is_left_out_after_its_share(read):
    full = number(1, more=' table:number-columns-repeated="16384"')
    book = read(row(full, repeated=1_048_576), more=sheet(row(number(2)), "T"))
    assert len(book.values) <= 250_000
    assert [span.sheet for span in book.unread] == [0]
    assert book.values[at("A1", 1)] == 2.0


def test_it_is_not_corrected_and_the_remedy_is_said(tmp_path):
    cells = {
        "A1": ("w", ""),
        "B1": ("x", ""),
        "C1": ("E", ""),
        "D1": ("dw", ""),
    }
    head = row(*(text(f"<text:p>{words}</text:p>") for words, _ in cells.values()))
    steps = [
        row(
            number(0, f"of:=[.A{k - 1}]-0.1*[.D{k - 1}]") if k > 2 else number(0.3),
            number(2),
            number(0, f"of:=([.A{k}]*[.B{k}]-1)^2"),
            number(0, f"of:=([.A{k}]*[.B{k}]-1)*[.B{k}]*[.B{k}]"),
        )
        for k in range(2, 8)
    ]
    path = saved(tmp_path / "a.ods", content(sheet(head + "".join(steps))))
    report = check(path)
    assert report.verdict == "wrong"
    assert [finding.cells for sheet in report.sheets for finding in sheet.findings] == ["D2:D7"]
    with pytest.raises(WorkbookError, match=r"save it as \.xlsx and check that file"):
        correct(path, report)
