"""Marked copies of .ods: what is wrong is filled and noted, and everything else is as it was."""

from __future__ import annotations

import re

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.copies.annotate import annotate
from gradbook.cells import open_copy
from gradbook.cells.formula.address import pack
from gradbook.cells.open_copy import CellMark, OpenPart
from gradbook.cells.package import WorkbookError
from gradbook.palette import ERROR
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.audit.material.mangled.bases import OPENED
from tests.cases import for_each
from tests.outside.witness import recalculate_all, save_as_opendocument

RIGHT, WRONG = "ods, a list", "ods, one weight, wrong"
SPACES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "table": "table",
        "text": "text",
        "style": "style",
        "fo": "xsl-fo-compatible",
    }.items()
)
CELL = '<table:table-cell table:style-name="a" office:value-type="float" office:value="{}"/>'
BOOK = f"""<office:document-content{SPACES}><office:automatic-styles><style:style style:name="a" \
style:family="table-cell"><style:text-properties fo:color="#ff0000"/></style:style>\
</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="One">\
<table:table-column table:number-columns-repeated="9" table:default-cell-style-name="a"/>\
<table:table-row table:number-rows-repeated="5"><table:table-cell/>\
<table:table-cell table:number-columns-repeated="4"/></table:table-row>\
<table:table-row>{CELL.format(1)}{CELL.format(2)}</table:table-row></table:table>\
</office:spreadsheet></office:body></office:document-content>"""


def marked(notes, filled=()):
    part = OpenPart(BOOK.encode(), "#abcdef", 1)
    places = {*notes, *filled}
    part.show(0, {pack(0, *at): CellMark(notes.get(at, ""), at in filled) for at in places})
    return part.text().decode()


def test_likes_are_parted_where_one_is_marked():
    text = marked({(2, 3): "here"}, {(2, 3)})
    rows = re.findall(r"<table:table-row.*?</table:table-row>", text)
    assert [re.search(r'rows-repeated="(\d)"', row) for row in rows][1] is None
    counts = [re.search(r'rows-repeated="(\d)"', row) for row in rows]
    assert [int(found[1]) if found else 1 for found in counts] == [2, 1, 2, 1]
    assert re.findall(r"columns-repeated=\"(\d)\"", rows[1]) == ["2"]
    assert rows[1].count("<table:table-cell") == 4
    assert "<office:annotation><text:p>here</text:p></office:annotation>" in rows[1]
    assert "here" not in rows[0] + rows[2]


def test_a_filled_cell_keeps_its_look_or_its_columns():
    for place in ((5, 1), (0, 0)):
        text = marked({}, {place})
        (style,) = re.findall(r'<style:style style:name="gradbook0".*?</style:style>', text)
        assert 'fo:background-color="#abcdef"' in style
        assert 'fo:color="#ff0000"' in style
        assert text.count('"gradbook0"') == 2


def test_nothing_else_is_touched():
    text = marked({(5, 1): "a & b\nc"})
    assert (
        text.replace(
            "><office:annotation><text:p>a &amp; b</text:p><text:p>c</text:p></office:annotation>"
            "</table:table-cell>",
            "/>",
        )
        == BOOK
    )


def test_a_part_that_calls_things_otherwise_is_refused():
    with pytest.raises(WorkbookError, match="has no prefix table"):
        OpenPart(BOOK.replace("xmlns:table=", "xmlns:t=").encode(), "#abcdef", 1)


@for_each("is_wrong", [False, True])
def test_a_copy_is_the_same_book_and_has_a_note_where_it_is_wrong(tmp_path, is_wrong):
    path, copy = tmp_path / "mine.ods", tmp_path / "marked.ods"
    OPENED[WRONG if is_wrong else RIGHT](path)
    report = check(path)
    assert report.verdict == ("wrong" if is_wrong else "right")
    copy.write_bytes(annotate(path, report))
    assert (copy.read_bytes() == path.read_bytes()) != is_wrong
    assert check(copy).findings == report.findings


@pytest.mark.witness("libreoffice")
def test_libreoffice_shows_the_marks_and_computes_the_same(tmp_path):
    variation = Variation.of(3)
    entries = next(iter(mistakes(variation))).entries
    book = hand_in(exercise(variation, tmp_path), entries, variation, name="bad")
    (ods,) = save_as_opendocument([book], tmp_path / "ods")
    report = check(ods)
    copy = tmp_path / "marked.ods"
    copy.write_bytes(annotate(ods, report, score(report, Rubric(20.0))))
    before, after = (
        load_workbook(path, data_only=True)
        for path in recalculate_all([ods, copy], tmp_path / "again")
    )
    assert after.sheetnames == [*before.sheetnames, "Score"]
    for sheet in before.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                now = after[sheet.title][cell.coordinate]
                assert now.value == cell.value
                assert now.number_format == cell.number_format
    finding = report.findings[0]
    first = after[finding.sheet][finding.cells.partition(":")[0]]
    assert first.fill.fgColor.rgb == f"FF{ERROR.dark_ink[1:].upper()}"
    assert str(finding.why) in first.comment.text
    assert str(after["Score"]["A1"].value).endswith("of 20 points")


def test_rows_that_are_alike_fill_no_memory_when_they_are_told_apart(monkeypatch):
    monkeypatch.setattr(open_copy, "LARGEST", 200)
    with pytest.raises(WorkbookError, match="too many repeated rows"):
        marked({(row, 0): "here" for row in range(4)})


def test_sheets_within_sheets_are_refused():
    with pytest.raises(WorkbookError, match="sheets are nested"):
        OpenPart(BOOK.encode(), "#abcdef", 2)
