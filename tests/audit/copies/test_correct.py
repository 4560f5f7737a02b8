"""A corrected copy computes what the right book computes, and loses nothing."""

from __future__ import annotations

import re
from math import isclose

import pytest
from openpyxl import Workbook

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from tests.audit.material.copies import (
    COLUMN,
    SHEET,
    WRONG,
    opened,
    parts,
    put,
    repacked,
    rich,
)
from tests.audit.material.lookalikes import FORMULAS, ROWS, TOP, book, letter
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate_all

ROWS_OF_TABLE = range(TOP + 2, TOP + 2 + ROWS)
CHAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"


def copy_of(path):
    copy = path.with_name("copy.xlsx")
    copy.write_bytes(correct(path, check(path)).content)
    return copy


def with_shared_formulas(content):
    """As Excel keeps a column: one formula, and the others refer to it."""
    text = content[SHEET].decode()
    for k, row in enumerate(ROWS_OF_TABLE):
        area = f' ref="{COLUMN}{TOP + 2}:{COLUMN}{TOP + 1 + ROWS}"' if not k else ""
        cell = rf'(<c r="{COLUMN}{row}"[^>]*>)<f>(.*?)</f>'
        new = rf'\1<f t="shared"{area} si="0">\2</f>' if not k else r'\1<f t="shared" si="0"/>'
        text, count = re.subn(cell, new, text)
        assert count == 1
    content[SHEET] = text.encode()


def with_calculation_chain(content):
    content["xl/calcChain.xml"] = (
        b'<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<c r="B6" i="1"/></calcChain>'
    )
    put(
        "[Content_Types].xml",
        "</Types>",
        rf'<Override PartName="/xl/calcChain.xml" ContentType="{CHAIN}"/></Types>',
    )(content)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="calcChain.xml"/></Relationships>'
    put("xl/_rels/workbook.xml.rels", "</Relationships>", relation)(content)


@for_each(
    "changed",
    [
        WRONG,
        {"∂E/∂w1": FORMULAS["∂E/∂w1"].replace("(({a_o1}", "({a_o1}").replace("{w7})*", "{w7}*")},
        {"∂E/∂w5": FORMULAS["∂E/∂w5"].replace("({a_o1}-{t1})", "({a_o1}+{t1})")},
        {**WRONG, "∂E/∂w7": FORMULAS["∂E/∂w8"]},
    ],
)
def test_a_corrected_book_is_right(changed, tmp_path):
    path = rich(tmp_path / "book.xlsx", changed)
    assert check(path).verdict == "wrong"
    assert check(copy_of(path)).verdict == "right"


def test_only_the_sheet_and_the_wish_to_calculate_change(path):
    repacked(path, put("xl/workbook.xml", ' fullCalcOnLoad="1"', ""))
    before, after = parts(path), parts(copy_of(path))
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {SHEET, "xl/workbook.xml"}
    assert b'fullCalcOnLoad="1"' in after["xl/workbook.xml"]


def test_formulas_that_were_right_stand_as_they_stood(path):
    before, after = (opened(file)["Sheet1"] for file in (path, copy_of(path)))
    for row in before.iter_rows():
        for cell in row:
            if cell.coordinate.rstrip("0123456789") != COLUMN:
                assert after[cell.coordinate].value == cell.value
            assert after[cell.coordinate].number_format == cell.number_format


def test_a_column_that_shares_one_formula_gets_right_ones(path):
    repacked(path, with_shared_formulas)
    sheet = opened(copy_of(path))["Sheet1"]
    for row in ROWS_OF_TABLE:
        assert f"{letter('a_h2')}{row}*(1-" in sheet[f"{COLUMN}{row}"].value
    assert check(copy_of(path)).verdict == "right"


def test_who_shared_a_formula_that_goes_gets_its_own(tmp_path):
    right = rich(tmp_path / "right.xlsx", {})
    path = rich(tmp_path / "book.xlsx", {}, special={("∂E/∂w3", 0): "=1"})
    repacked(path, with_shared_formulas)  # the first row's formula is all that the others have
    repacked(
        path,
        put(SHEET, r'(si="0">)[^<]*', r"\g<1>" + opened(right)["Sheet1"][f"{COLUMN}6"].value[1:]),
    )
    report = check(path)
    assert report.verdict == "right"
    wrong = book(tmp_path / "wrong.xlsx", special={("∂E/∂w3", 0): "=J6*2"})
    finding = check(wrong).sheets[0].findings[0]
    assert finding.cells == f"{COLUMN}6"
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(correct(path, check(wrong)).content)
    sheet, expected = opened(copy)["Sheet1"], opened(right)["Sheet1"]
    for row in ROWS_OF_TABLE[1:]:
        assert sheet[f"{COLUMN}{row}"].value == expected[f"{COLUMN}{row}"].value
    assert sheet[f"{COLUMN}6"].value == finding.fixes[f"{COLUMN}6"]


@for_each(
    "changed",
    [WRONG, {"∂E/∂w5": FORMULAS["∂E/∂w5"].replace("{t1}", "{t2}")}],
    ids=["the formula has it", "the repair brings it in"],
)
def test_what_is_carried_down_is_taken_from_each_row(changed, tmp_path):
    carried = {
        (name, k): f"={letter(name)}{TOP + 1 + k}" for name in ("t1", "t2") for k in range(1, ROWS)
    }
    targets = {("t1", 0): 0.01, ("t2", 0): 0.99}
    path = book(tmp_path / "book.xlsx", changed, special={**targets, **carried})
    before, after = (opened(file)["Sheet1"] for file in (path, copy_of(path)))
    (name,) = changed
    for row in ROWS_OF_TABLE:
        cell = f"{letter(name)}{row}"
        assert after[cell].value != before[cell].value
        assert f"{letter('t1')}{row}" in after[cell].value
        assert "$" not in after[cell].value


def test_the_order_of_calculation_is_dropped_with_all_that_speaks_of_it(path):
    repacked(path, with_calculation_chain)
    after = parts(copy_of(path))
    assert "xl/calcChain.xml" not in after
    assert not any(b"calcChain" in data for data in after.values())


@for_each("pasted", [0.25, None, "oops"])
def test_a_pasted_cell_gets_its_formula_back(pasted, tmp_path):
    path = book(tmp_path / "book.xlsx", special={("∂E/∂w3", 3): pasted})
    copy = copy_of(path)
    assert check(copy).verdict == "right"
    assert str(opened(copy)["Sheet1"][f"{COLUMN}{TOP + 5}"].value).startswith("=")


def test_what_has_no_right_formula_is_said(tmp_path):
    path = book(tmp_path / "book.xlsx", {"h1": "={a_h1}*2"})  # which is computed from h1
    result = correct(path, check(path))
    assert result.leftovers
    assert result.content == path.read_bytes()


@pytest.mark.witness("libreoffice")
@pytest.mark.filterwarnings("ignore:Sparkline")
def test_libreoffice_computes_what_the_right_book_computes_and_what_the_copy_says(tmp_path):
    paths = [tmp_path / "right.xlsx", tmp_path / "wrong.xlsx", tmp_path / "pasted.xlsx"]
    rich(paths[0], {}), rich(paths[1]), rich(paths[2], {}, special={("∂E/∂w3", 3): 0.25})
    copies = []
    for path in paths[1:]:
        copy = path.with_name(f"copy-{path.name}")
        copy.write_bytes(correct(path, check(path)).content)
        copies.append(copy)
    right, *seen = recalculate_all([paths[0], *copies], tmp_path / "seen")
    expected = read_values(right)["Sheet1"]
    for copy, file in zip(copies, seen, strict=True):
        said, found = read_values(copy)["Sheet1"], read_values(file)["Sheet1"]
        for row in ROWS_OF_TABLE:
            for name in ("w3", "E_total", "∂E/∂w3", "∂E/∂w8"):
                cell = f"{letter(name)}{row}"
                assert isclose(found[cell], expected[cell], rel_tol=1e-14)
                if row > (TOP + 2 if copy.name == "copy-wrong.xlsx" else TOP + 5):
                    assert isclose(said[cell], expected[cell], rel_tol=1e-13)


# How the loss would go on


def test_the_corrected_curve_is_the_right_books(tmp_path):
    wrong = book(tmp_path / "wrong.xlsx", WRONG)
    right = read_book(book(tmp_path / "right.xlsx"))
    numbers = Evaluation(right, Flow(right))
    curve = check(wrong).sheets[0].curve
    cells = [cell for cell in right.patterns if right.name_of(cell).endswith(tuple(losses()))]
    assert len(curve.made) == len(curve.corrected) == ROWS == len(cells)
    assert curve.made[0] == curve.corrected[0]
    assert curve.made[-1] != curve.corrected[-1]
    for cell, loss in zip(sorted(cells), curve.corrected, strict=True):
        assert isclose(numbers.value(cell), loss, rel_tol=1e-12)


def losses():
    return [f"!{letter('E_total')}{row}" for row in range(6, 6 + ROWS)]


def one_neuron(path, steps):
    """One sample on a line: a gradient is wrong, and the loss falls to nothing all the same."""
    rows = [("eta", 0.5), ("x", 0.7), ("t", 0.3), (), ("w", "b", "y", "E", "dE/dw", "dE/db")]
    for row in range(6, 6 + steps):
        before = row - 1
        weights = (f"=A{before}-$B$1*E{before}", f"=B{before}-$B$1*F{before}")
        values = (f"=A{row}*$B$2+B{row}", f"=($B$3-C{row})^2/2")
        slopes = (f"=(C{row}-$B$3)*$B$2*1.5", f"=C{row}-$B$3")
        rows.append((*(weights if row > 6 else (0.9, 0.2)), *values, *slopes))
    workbook = Workbook()
    for cells in rows:
        workbook.active.append(cells)
    workbook.save(path)
    return path


def test_losses_that_differ_by_rounding_alone_are_not_compared(tmp_path):
    sheet = check(one_neuron(tmp_path / "long.xlsx", 120)).sheets[0]
    assert [finding.cells for finding in sheet.findings] == ["E6:E125"]
    assert sheet.curve is None
    sheet = check(one_neuron(tmp_path / "short.xlsx", 8)).sheets[0]
    assert sheet.curve.made[-1] < sheet.curve.corrected[-1]


def test_a_right_book_has_nothing_to_correct(tmp_path):
    assert check(book(tmp_path / "book.xlsx")).sheets[0].curve is None
