"""A copy with derivatives is the workbook byte for byte, and sheets that are added to it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.dom.minidom import parseString

import pytest
from openpyxl import load_workbook

from gradbook.cells.package import WorkbookError
from gradbook.cells.read import read_book
from gradbook.derivatives.sensitivities import sensitivities
from gradbook.derivatives.sheets import write_derivatives
from gradbook.errors import TargetError
from tests.audit.material.copies import parts, put, repacked, with_parts_nobody_knows
from tests.cases import for_each
from tests.derivatives.models import MODELS, dressed, slopes_in, written

LISTED = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "[Content_Types].xml")


def with_derivatives(path: Path, result: str, **options: object) -> Path:
    copy = path.with_name(f"with-derivatives{path.suffix}")
    write_derivatives(path, slopes_in(path, result), copy, **options)  # type: ignore[arg-type]
    return copy


@for_each("name", MODELS)
def test_the_added_sheets_open_and_show_the_slopes(tmp_path, name):
    fill, result = MODELS[name]
    path = written(tmp_path / "book.xlsx", fill)
    copy = with_derivatives(path, result)
    slopes = slopes_in(path, result)
    book, values = load_workbook(copy), load_workbook(copy, data_only=True)
    assert book.sheetnames[0] == "Derivatives"
    there = [sheet.title for sheet in slopes.book.sheets]
    assert book.sheetnames[1 : 1 + len(there)] == there
    for cell, slope in slopes.values().items():
        title, _, place = slopes.book.name_of(cell).rpartition("!")
        mirror = "∂ " + title.strip("'").replace("''", "'")
        said = book[mirror][place].value
        assert getattr(said, "text", said).startswith("=")
        assert values[mirror][place].value == pytest.approx(slope, rel=1e-12)
    listed = [row for row in values["Derivatives"].iter_rows(min_row=7, values_only=True) if row[1]]
    assert len(listed) == len(slopes.inputs)
    close = 5e-3 if name in ("loan", "cash flow") else 1e-6  # which round
    for _, _, _, slope, _, words, nudge in listed:
        assert slope == pytest.approx(nudge, rel=close, abs=close / 10)
        assert "rises by" in words


def test_nothing_else_changes(tmp_path):
    path = written(tmp_path / "book.xlsx", dressed)
    path = repacked(path, with_parts_nobody_knows)
    before, after = parts(path), parts(with_derivatives(path, "Model!B14"))
    changed = {name for name, data in before.items() if after.get(name) != data}
    assert changed == set(LISTED)
    for name, data in after.items():
        if name.endswith((".xml", ".rels", ".vml")):
            parseString(data)


def test_names_and_views_mean_the_sheets_that_they_meant(tmp_path):
    path = written(tmp_path / "book.xlsx", dressed)
    copy = with_derivatives(path, "Model!B14")
    before, after = load_workbook(path), load_workbook(copy)
    assert after.active.title == before.active.title == "Other"
    for sheet in before.worksheets:
        same = after[sheet.title]
        assert same.print_area == sheet.print_area
        assert same.print_title_rows == sheet.print_title_rows
        assert set(same.defined_names) == set(sheet.defined_names)
    assert after["∂ Model"].freeze_panes == before["Model"].freeze_panes
    assert after["Derivatives"].print_title_rows == "$6:$6"
    assert read_book(copy).names["price"] == "Model!$B$14"


def test_programs_compute_it_anew_in_an_order_of_their_own(tmp_path):
    chain = '<calcChain xmlns="urn:x"><c r="B10" i="1"/></calcChain>'
    path = written(tmp_path / "book.xlsx", dressed)

    def with_a_chain(content: dict[str, bytes]) -> None:
        content["xl/calcChain.xml"] = chain.encode()
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
        relation = f'<Relationship Id="rId99" Type="{kind}" Target="calcChain.xml"/>'
        put("xl/_rels/workbook.xml.rels", "</Relationships>", f"{relation}</Relationships>")(
            content
        )

    copy = parts(with_derivatives(repacked(path, with_a_chain), "Model!B14"))
    assert "xl/calcChain.xml" not in copy
    assert b'fullCalcOnLoad="1"' in copy["xl/workbook.xml"]


def test_a_title_that_is_taken_or_long_gets_another(tmp_path):
    def fill(workbook):
        long = workbook.add_worksheet("a title as long as titles can b")
        long.write("A1", 2)
        workbook.add_worksheet("Derivatives").write("A1", "='a title as long as titles can b'!A1^2")
        workbook.add_worksheet("∂ Derivatives")

    path = written(tmp_path / "book.xlsx", fill)
    titles = load_workbook(with_derivatives(path, "Derivatives!A1")).sheetnames
    assert titles[0] == "Derivatives 2"
    assert titles[-2:] == ["∂ a title as long as titles can", "∂ Derivatives 2"]
    assert all(len(title) <= 31 for title in titles)


def test_sums_of_very_many_terms_are_split(tmp_path):
    users = 900

    def fill(workbook):
        sheet = workbook.add_worksheet("Rows")
        sheet.write("A1", 0.5)
        for row in range(users):
            sheet.write(row + 1, 1, f"=SIN(A$1+{row})")
        sheet.write("C1", f"=SUM(B2:B{users + 1})")

    path = written(tmp_path / "book.xlsx", fill)
    copy = with_derivatives(path, "Rows!C1")
    book = load_workbook(copy)
    sums = book["∂ sums"]
    assert book["∂ Rows"]["A1"].value == f"=SUM('∂ sums'!A1:A{sums.max_row})"
    written_out = "".join(str(cell.value) for cell in sums["A"])
    assert written_out.count("COS(") == users
    assert max(len(str(cell.value)) for cell in sums["A"]) < 8192


def test_a_range_counts_as_one_input_where_asked(tmp_path):
    path = written(tmp_path / "book.xlsx", MODELS["regression"][0])
    slopes = slopes_in(path, "Data!F4")
    column = [cell for cell in slopes.inputs if slopes.book.name_of(cell).startswith("Data!B")]
    copy = path.with_name("copy.xlsx")
    write_derivatives(path, slopes, copy, together=[column])
    row = next(
        row
        for row in load_workbook(copy)["Derivatives"].iter_rows(min_row=7)
        if ":" in str(row[1].value)
    )
    assert [row[k].value for k in range(4)] == [
        "y",
        "Data!B2:B6",
        "=AVERAGE(Data!B2:B6)",
        "=SUM('∂ Data'!B2:B6)",
    ]
    single = {one.cell: one.slope for one in sensitivities(slopes)}
    (whole,) = (one for one in sensitivities(slopes, [column]) if len(one.cells) > 1)
    assert whole.slope == pytest.approx(sum(single[cell] for cell in column))
    assert whole.nudged == pytest.approx(whole.slope, rel=1e-6)
    assert whole.sentence.startswith("If each of y (Data!B2:B6) rises by 0.1, error ")


def test_a_book_with_macros_keeps_its_ending(tmp_path):
    path = written(tmp_path / "book.xlsx", dressed)
    kind = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

    def with_macros(content: dict[str, bytes]) -> None:
        usual = r"application/vnd\.openxmlformats-officedocument\.spreadsheetml\.sheet\.main\+xml"
        put("[Content_Types].xml", usual, kind)(content)
        content["xl/vbaProject.bin"] = b"macros"

    path = repacked(path, with_macros).rename(tmp_path / "book.xlsm")
    assert parts(with_derivatives(path, "Model!B14"))["xl/vbaProject.bin"] == b"macros"
    with pytest.raises(TargetError, match=re.escape("ends in .xlsm")):
        write_derivatives(path, slopes_in(path, "Model!B14"), tmp_path / "copy.xlsx")


def test_opendocument_is_refused_with_a_remedy(tmp_path):
    path = written(tmp_path / "book.xlsx", dressed)
    slopes = slopes_in(path, "Model!B14")

    def as_opendocument(content: dict[str, bytes]) -> None:
        content.clear()
        content["mimetype"] = b"application/vnd.oasis.opendocument.spreadsheet"
        content["content.xml"] = b"<office:document-content/>"

    repacked(path, as_opendocument)
    with pytest.raises(WorkbookError, match="save it as .xlsx"):
        write_derivatives(path, slopes, tmp_path / "copy.xlsx")
    assert not (tmp_path / "copy.xlsx").exists()
