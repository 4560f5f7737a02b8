"""An annotated copy shows the wrong cells and loses nothing."""

from __future__ import annotations

import re
from xml.dom.minidom import parseString

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.copies.annotate import annotate
from gradbook.cells.package import WorkbookError
from gradbook.cells.patch import CellEdit, apply_edits, read_sheet
from gradbook.palette import ERROR
from tests.audit.material.copies import (
    COLUMN,
    FIRST,
    NOTED,
    SHEET,
    opened,
    parts,
    repacked,
    rich,
)
from tests.audit.material.hostile import SHEET as SHEET_OF
from tests.audit.material.lookalikes import FORMULAS, TOP, book, letter
from tests.audit.material.small import at
from tests.cases import for_each
from tests.outside.witness import recalculate

FILL = f"FF{ERROR.dark_ink[1:]}"
CHANGED = {SHEET, "xl/styles.xml", "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml"}


def copy_of(path, name="copy.xlsx"):
    copy = path.with_name(name)
    copy.write_bytes(annotate(path, check(path)))
    return copy


def coloured(copy, sheet="Sheet1"):
    rows = opened(copy)[sheet].iter_rows()
    return {cell.coordinate for row in rows for cell in row if cell.fill.fgColor.rgb == FILL}


def test_every_part_but_those_that_say_it_is_the_same_to_the_byte(path):
    before, after = parts(path), parts(copy_of(path))
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == CHANGED


def test_what_is_added_is_well_formed(path):
    for name, data in parts(copy_of(path)).items():
        if name.endswith((".xml", ".rels", ".vml")):
            parseString(data)


def test_exactly_the_wrong_cells_are_coloured(path):
    rows = range(TOP + 2, TOP + 8)
    assert coloured(copy_of(path)) == {f"{COLUMN}{row}" for row in rows}


def test_a_coloured_cell_keeps_the_rest_of_its_format(path):
    cell = opened(copy_of(path))["Sheet1"][FIRST]
    assert (cell.number_format, cell.font.italic) == ("0.0000", True)
    assert cell.fill.fgColor.rgb == FILL


def test_a_note_says_why_and_what_is_right_in_its_own_row(path):
    sheet = opened(copy_of(path))["Sheet1"]
    last = f"{COLUMN}{TOP + 7}"
    assert "a_h2" in sheet[FIRST].comment.text
    assert f"{letter('a_h2')}{TOP + 7}" in sheet[last].comment.text
    assert f"as in {FIRST}" in sheet[last].comment.text


def test_notes_that_are_there_stay(path):
    sheet = opened(copy_of(path))["Sheet1"]
    assert sheet["B2"].comment.text == "the rate"
    assert sheet[NOTED].comment.text.startswith("is this right?")
    assert "a_h2" in sheet[NOTED].comment.text


def test_every_note_has_its_own_box(path):
    drawing = parts(copy_of(path))["xl/drawings/vmlDrawing1.vml"].decode()
    names = re.findall(r'<v:shape id="(_x0000_s\d+)"', drawing)
    assert len(names) == len(set(names)) == 2 + 5  # one of the six wrong cells had a note


def test_the_first_notes_of_a_book_are_related_and_declared(tmp_path):
    path = book(tmp_path / "book.xlsx", {"∂E/∂w5": FORMULAS["∂E/∂w6"]})
    after = parts(copy_of(path))
    assert b"/xl/comments1.xml" in after["[Content_Types].xml"]
    assert b'Extension="vml"' in after["[Content_Types].xml"]
    assert after["xl/worksheets/_rels/sheet1.xml.rels"].count(b"<Relationship ") == 2
    assert after[SHEET].index(b"<pageMargins") < after[SHEET].index(b"<legacyDrawing")
    assert opened(path.with_name("copy.xlsx"))["Sheet1"][f"{letter('∂E/∂w5')}{TOP + 2}"].comment


def test_a_right_book_is_copied_as_it_is(tmp_path):
    path = rich(tmp_path / "book.xlsx", {})
    assert copy_of(path).read_bytes() == path.read_bytes()


def test_the_same_copy_comes_out_again(path):
    assert copy_of(path).read_bytes() == copy_of(path, "again.xlsx").read_bytes()


def test_a_copy_is_judged_as_its_book_is(path):
    told = [sheet.findings for sheet in check(path).sheets]
    assert [sheet.findings for sheet in check(copy_of(path)).sheets] == told


def test_a_blank_cell_can_be_marked(tmp_path):
    path = book(tmp_path / "book.xlsx", rate=None)
    copy = copy_of(path)
    assert "C2" in coloured(copy)
    assert opened(copy)["Sheet1"]["C2"].comment


def test_names_with_a_prefix_keep_it(path):
    def change(content):
        text = content[SHEET].decode().replace('xmlns="http', 'xmlns:x="http')
        content[SHEET] = re.sub(r"<(/?)(?=[a-z])(?!\w+:)", r"<\1x:", text).encode()

    repacked(path, change)
    copy = copy_of(path)
    parseString(parts(copy)[SHEET])
    assert FIRST in coloured(copy)


def test_a_sheet_in_another_encoding_can_be_added_to(path):
    def change(content):
        text = content[SHEET].decode().replace("UTF-8", "UTF-16")
        content[SHEET] = text.encode("utf-16")

    repacked(path, change)
    assert FIRST in coloured(copy_of(path))


def test_a_hostile_heading_is_only_words_in_a_note(tmp_path):
    name = "w3</t></r><r><t>&amp;\x07 ]]>"
    path = book(tmp_path / "book.xlsx", {"∂E/∂w3": FORMULAS["∂E/∂w4"]}, headings={"w3": name})
    copy = copy_of(path)
    for part, data in parts(copy).items():
        if "comments" in part:
            parseString(data)
    assert coloured(copy)


@pytest.mark.witness("libreoffice")
def test_libreoffice_shows_the_colours_the_notes_and_the_chart(path, tmp_path):
    seen = recalculate(copy_of(path), tmp_path / "seen")
    sheet = opened(seen)["Sheet1"]
    assert coloured(seen) >= {FIRST, NOTED}
    assert "Should be:" in sheet[FIRST].comment.text
    assert sheet[NOTED].comment.text.startswith("is this right?")
    kinds = {re.sub(r"\d+", "", name) for name in parts(seen)}  # it goes on counting them
    assert {"xl/charts/chart.xml", "xl/media/image.png"} <= kinds


def test_empty_rows_take_several_cells():
    data = b'<worksheet><sheetData><row r="5" ht="20"/></sheetData></worksheet>'
    cells = {at(name): CellEdit(style="7") for name in ("A5", "C5")}
    edits = read_sheet(data, SHEET, 0, cells).edits(cells)
    whole = b'<row r="5" ht="20"><c s="7" r="A5"/><c s="7" r="C5"/></row>'
    assert whole in apply_edits(data, edits)


def test_a_sheet_without_a_table_takes_no_cells():
    sheet = read_sheet(b"<worksheet/>", SHEET, 0, [at("A5")])
    with pytest.raises(WorkbookError, match="has no <sheetData>"):
        list(sheet.edits({at("A5"): CellEdit()}))


def test_a_sheet_whose_table_is_empty_takes_cells():
    data = b"<worksheet><sheetData/></worksheet>"
    cells = {at(name): CellEdit() for name in ("B7", "A5", "C5")}
    new = apply_edits(data, read_sheet(data, SHEET, 0, cells).edits(cells))
    rows = b'<row r="5"><c r="A5"/><c r="C5"/></row><row r="7"><c r="B7"/></row>'
    assert new == data.replace(b"<sheetData/>", b"<sheetData>" + rows + b"</sheetData>")


def test_rows_that_aren_t_there_are_made_between_the_others():
    data = b'<worksheet><sheetData><row r="6"><c r="B6"/></row></sheetData></worksheet>'
    cells = {at(name): CellEdit() for name in ("A6", "C6", "A5", "C5", "A9")}
    new = apply_edits(data, read_sheet(data, SHEET, 0, cells).edits(cells))
    names = [name.decode() for name in re.findall(rb'r="(\w+)"', new)]
    assert names == ["5", "A5", "C5", "6", "A6", "B6", "C6", "9", "A9"]


@for_each("number", ["\u00b2", "\u0661", "9" * 5000])
def test_odd_digits_are_no_formats(number):
    data = SHEET_OF.format(rows=f'<row r="{number}"><c r="A1" s="{number}"/></row>')
    assert read_sheet(data.encode(), SHEET, 0, [at("A1")]).style_of(at("A1")) in (0, 1)
