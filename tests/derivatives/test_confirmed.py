"""What is told of a derivative is confirmed, or says that it isn't: by the file's own values, by a
nudge of its input, by a step of one of a whole number."""

from __future__ import annotations

import json

import pytest
from xlsxwriter import Workbook

import gradbook as gb
from gradbook.cells import slopes
from gradbook.cli.main import main
from gradbook.errors import GradbookError
from tests.cases import for_each


def book(path, cells: dict[str, object], arrays: dict[str, str] | None = None, **shown: object):
    """A workbook with these cells; formulas show 0 unless a value is given (by its cell)."""
    with Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Model")
        for cell, content in cells.items():
            if isinstance(content, str) and content.startswith("="):
                sheet.write_formula(cell, content, None, shown.get(cell, 0))
            else:
                sheet.write(cell, content)
        for area, formula in (arrays or {}).items():
            first = area.partition(":")[0]
            sheet.write_array_formula(area, formula, None, shown.get(first, 0))
    return path


def explained(path, capsys, *words: str) -> str:
    assert main(["explain", str(path), *words]) == 0
    return capsys.readouterr().out


GRADES = {"A1": 1, "A2": 0, "A3": 1, "A4": 1, "B1": 4.0, "B2": 9.0, "B3": 5.0, "B4": 3.0}


@for_each(
    "total, expected",
    [
        ("AVERAGE({})", 1 / 3),
        ("COUNT({})*B1", 3.0),
        ("PRODUCT({})", 15.0),
        ("MIN({},B1)", 0.0),
        ("MEDIAN({})", 1.0),
        ("GEOMEAN({})", 60 ** (1 / 3) / 12),
        ("SUM({})", 1.0),
        ("STDEV({})", 0.0),
        ("AVERAGE(2*{})", 0.5),
    ],
)
def test_a_missing_else_is_skipped_by_what_takes_all_numbers(total, expected, tmp_path):
    formula = "{=" + total.format("IF(A1:A4=1,B1:B4)") + "}"
    found = gb.read_book(book(tmp_path / "b.xlsx", GRADES, {"D1": formula})).derivatives("D1")
    assert found["B1"] == pytest.approx(expected, abs=1e-12)
    assert all(one.is_confirmed for one in found.inputs)


def test_a_formula_whose_value_is_not_the_files_is_not_derived(tmp_path):
    cells = {"A1": 2, "A2": 3, "A3": "=A1*A2", "A4": "=A3+A1"}
    right = book(tmp_path / "right.xlsx", cells, A3=6, A4=8)
    assert gb.read_book(right).derivatives("A4")["A1"] == 4
    other = book(tmp_path / "other.xlsx", cells, A3=7, A4=9)
    with pytest.raises(GradbookError, match=r"A3: its formula gives 6 here, but the file shows 7"):
        gb.read_book(other).derivatives("A4")
    without = book(tmp_path / "without.xlsx", cells)
    assert gb.read_book(without).derivatives("A4")["A1"] == 4


def test_what_nothing_confirms_says_so_everywhere(tmp_path, capsys):
    cells = {"A1": "price", "B1": 2, "A2": "noise", "B2": "=CUBEVALUE(B1)", "B3": "=B1*3+B2"}
    path = book(tmp_path / "b.xlsx", {**cells, "B4": "=B3*B1+MAX(B1,2)"}, B2=1, B3=7, B4=16)
    with pytest.raises(GradbookError, match="CUBEVALUE"):
        gb.read_book(path).derivatives("B4")
    tie = book(tmp_path / "tie.xlsx", {"A1": "price", "B1": 2, "B4": "=B1*3+MAX(B1,2)"}, B4=8)
    text = " ".join(explained(tie, capsys, "--of", "B4").split())
    assert text.count("not confirmed: a nudge gives 3.5") >= 2  # in the list and in words
    (one,) = json.loads(explained(tie, capsys, "--of", "B4", "--json"))["inputs"]
    assert not one["confirmed"]
    assert one["nudged"] == pytest.approx(3.5)
    assert "not confirmed" in one["remark"]
    copy = tmp_path / "copy.xlsx"
    gb.read_book(tie).derivatives("B4").write(copy)
    assert any(v == one["remark"] for v in gb.read_book(copy).content.values.values())


def test_a_whole_number_is_answered_by_a_step_of_one(tmp_path, capsys):
    cells = {"A1": "load", "B1": 2.0, "A2": "servers", "B2": 3, "A3": "term", "B3": "=FACT(B2)"}
    path = book(tmp_path / "queue.xlsx", {**cells, "A4": "wait", "B4": "=B1^B2/B3"})
    found = gb.read_book(path).derivatives("B4")
    assert found["servers"] == pytest.approx(2**4 / 24 - 2**3 / 6)
    text = " ".join(explained(path, capsys, "--of", "B4").split())
    assert "If servers (Model!B2) rises by 1, wait falls by about 0.667 (a whole number" in text


def test_a_header_that_counts_is_said_to_be_one_and_comes_last(tmp_path, capsys):
    cells = {"A1": "rate", "B1": 0.1, "A3": "Year", "A4": "cash"}
    for year, column in enumerate("BCDEF", 1):
        cells |= {
            f"{column}3": year,
            f"{column}4": 100.0,
            f"{column}5": f"={column}4/(1+$B$1)^{column}3",
        }
    path = book(tmp_path / "cash.xlsx", {**cells, "B7": "=SUM(B5:F5)"})
    inputs = gb.read_book(path).derivatives("B7").inputs
    assert [one.header for one in inputs[-5:]] == [(1.0, 5.0)] * 5
    assert all(one.header is None for one in inputs[:-5])
    assert "a header: 1 to 5" in explained(path, capsys, "--of", "B7")


def test_a_circle_elsewhere_and_texts_hide_no_result(tmp_path):
    cells = {"A1": 2.5, "A2": "=A1*3", "A3": '=IF(A2>5,"high","low")', "A4": "=A2=A1"}
    cells |= {"C1": "=C2+1", "C2": "=C1/2"}
    workbook = gb.read_book(book(tmp_path / "b.xlsx", cells, A2=7.5, A3="high", A4=True))
    assert [result.name for result in workbook.results] == ["Model!A2"]


def test_what_would_take_minutes_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(slopes, "MOST_DIFFERENT", 500)
    cells: dict[str, object] = {f"A{row}": 0.5 for row in range(1, 80)}
    cells |= {f"C{row}": f"=SUM(A$1:A$20)*A{row}+A{2 * row}" for row in range(1, 30)}
    path = book(tmp_path / "b.xlsx", {**cells, "D1": "=SUM(C1:C29)"})
    with pytest.raises(GradbookError, match="D1: its derivative is too long"):
        gb.read_book(path).derivatives("D1")


def test_a_training_starts_at_a_rate_that_falls_and_a_rate_that_diverges_is_named(tmp_path, capsys):
    cells = {"A1": 3.0, "B1": 200.0, "C1": 500.0, "D1": "=(A1*B1-C1)^2"}
    path, copy = book(tmp_path / "b.xlsx", cells), tmp_path / "copy.xlsx"
    words = ["sheet", str(path), "--of", "D1", "--learn", "A1", "-o", str(copy)]
    assert main(words) == 0
    assert "the loss falls from 10000 to" in capsys.readouterr().out.replace(",", "")
    copy.unlink()
    assert main([*words, "--set", "rate 0.5"]) == 0
    assert "it diverges, and --set 'rate 2e-05' doesn't" in capsys.readouterr().out
