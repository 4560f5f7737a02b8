"""Workbooks in Python: their cells, and the derivatives of one."""

from __future__ import annotations

import math
import sys

import pytest

import gradbook as gb
from gradbook.derivatives.labels import label
from tests.audit.material.small import at, small
from tests.cases import for_each
from tests.derivatives.cell_models import CALL, LESSON, STAND, TWO_SHEETS, write_model


@pytest.fixture
def stand(tmp_path):
    return gb.read_book(write_model(tmp_path / "stand.xlsx", STAND))


def profit(price=1.2, heat=27.0, lemons=0.5, lemon=0.4, rent=20.0, days=60.0):
    return days * (4 * heat * math.exp(-0.8 * price) * (price - lemons * lemon - 0.12) - rent)


def test_derivatives_equal_those_of_the_formula_by_nudging(stand):
    derivatives = stand.derivatives("B13")
    words = ["Price per cup", "Temperature", "Lemons per cup", "Price of a lemon", "Rent per day"]
    for word, name in zip(words, ["price", "heat", "lemons", "lemon", "rent"], strict=True):
        usual = {"price": 1.2, "heat": 27, "lemons": 0.5, "lemon": 0.4, "rent": 20}[name]
        step = 1e-6 * usual
        nudged = profit(**{name: usual + step}) - profit(**{name: usual - step})
        assert derivatives[word] == pytest.approx(nudged / (2 * step), rel=1e-7)


def test_a_cell_knows_its_name_label_value_and_formula(stand):
    cell = stand["Profit"]
    assert (cell.name, cell.label, cell.formula) == ("Model!B13", "Profit", "=B8*B12")
    assert cell.value == pytest.approx(profit())
    assert stand["B3"].formula == ""
    assert repr(stand) == f"Workbook({str(stand.path)!r}, 1 sheets, 4 formulas)"


def test_derivatives_are_a_mapping_by_names_most_sensitive_first(stand):
    derivatives = stand.derivatives("Profit")
    assert len(derivatives) == 6
    assert set(derivatives) == {f"Model!B{k}" for k in range(3, 9)}
    assert (
        derivatives["B4"]
        == derivatives["Model.B4"]
        == derivatives["Temperature"]
        == derivatives["Model!B4"]
    )
    assert derivatives["B12"] == 60  # a cell between
    assert "B4" in derivatives
    assert "B99" not in derivatives
    elasticities = [abs(one.elasticity) for one in derivatives.inputs]
    assert elasticities == sorted(elasticities, reverse=True)
    with pytest.raises(gb.GradbookError, match="no cell is called 'Prize'"):
        derivatives["Prize"]


def test_without_a_cell_the_likeliest_result_is_chosen(stand):
    derivatives = stand.derivatives()
    assert derivatives.result.name == "Model!B13"
    assert derivatives.proposed == []
    assert stand.derivatives("B13").proposed is None


def test_other_inputs_may_be_chosen(stand):
    derivatives = stand.derivatives("B13", by=["B10", "Cost per cup"])
    assert set(derivatives) == {"Model!B10", "Model!B11"}
    assert stand.derivatives("B13", by="B3:B4").keys() == {"Model!B3", "Model!B4"}


def test_a_result_that_has_none_is_refused_in_one_line(tmp_path):
    cells = {**STAND, "B14": '=IF(B3>1,"dear","cheap")', "B15": "=B15+B3", "B16": "=1+2"}
    book = gb.read_book(write_model(tmp_path / "odd.xlsx", cells))
    for name in ("B3", "A3", "B14", "B15", "B16"):
        with pytest.raises(gb.GradbookError) as refusal:
            book.derivatives(name)
        assert f"Model!{name}" in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_greeks_equal_their_closed_forms(tmp_path):
    found = gb.read_book(write_model(tmp_path / "call.xlsx", CALL)).derivatives("Call price")
    spot, strike, rate, time, sigma = 100, 105, 0.03, 1, 0.2
    d1 = (math.log(spot / strike) + (rate + sigma**2 / 2) * time) / (sigma * math.sqrt(time))
    d2 = d1 - sigma * math.sqrt(time)
    share, density = (lambda x: math.erfc(-x / math.sqrt(2)) / 2), math.exp(-d1 * d1 / 2)
    assert found["Spot"] == pytest.approx(share(d1), rel=1e-12)
    vega = spot * density / math.sqrt(2 * math.pi) * math.sqrt(time)
    assert found["Volatility"] == pytest.approx(vega, rel=1e-12)
    rho = strike * time * math.exp(-rate * time) * share(d2)
    assert found["Rate"] == pytest.approx(rho, rel=1e-12)


def test_a_frame_has_a_row_for_each_input(stand):
    pandas = pytest.importorskip("pandas")
    frame = stand.derivatives("B13").to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.loc["Model!B7", "derivative"] == pytest.approx(-60)
    assert frame.loc["Model!B7", "label"] == "Rent per day"


def test_without_pandas_it_says_what_to_install(stand, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gb.GradbookError, match="pip install pandas"):
        stand.derivatives("B13").to_frame()


def test_a_copy_is_written_and_never_over_the_book(stand, tmp_path):
    before = stand.path.read_bytes()
    written = stand.write(tmp_path / "copy.xlsx", "B13")
    assert "Derivatives" in gb.read_book(written).sheets
    assert stand.path.read_bytes() == before
    with pytest.raises(gb.GradbookError, match="name another file"):
        stand.write(stand.path, "B13")
    with pytest.raises(gb.GradbookError, match="its own ending"):
        stand.write(tmp_path / "copy.ods", "B13")


def test_a_lesson_becomes_one_that_trains(tmp_path):
    book = gb.read_book(write_model(tmp_path / "lesson.xlsx", LESSON))
    out = book.write(tmp_path / "trains.xlsx", "E", learn=["w", "b"], epochs=10, rate=0.5)
    trained = gb.read_book(out)
    assert {"Derivatives", "Training"} <= set(trained.sheets)
    assert gb.check(out).verdict == "right"


def test_it_prints_and_shows_itself(stand):
    derivatives = stand.derivatives("B13")
    assert "Temperature" in str(derivatives)
    shown = derivatives._repr_html_()
    assert "<table" in shown
    assert "rgba(" in shown
    assert repr(derivatives) == "Derivatives(Profit (Model!B13), 6 inputs)"


def test_a_label_is_beside_or_before_the_numbers_of_a_row_and_a_column():
    cells = {"B1": "north", "C1": "south", "A2": "wood:", "A3": "iron =", "A5": "total"}
    book, _ = small({**cells, "B2:C3": 1.0, "B5": "=SUM(B2:C3)", "E5": 2.0})
    names = {"B2": "wood", "C2": "wood, south", "C3": "iron, south", "B5": "total"}
    assert {name: label(book, at(name)) for name in names} == names


def test_labels_of_other_languages_are_found(tmp_path):
    book = gb.read_book(write_model(tmp_path / "zwei.xlsx", **TWO_SHEETS))
    assert book.derivatives("Preis")["Größe"] == 5 * 12.5 + 1


@for_each(
    ("name", "content", "complaint"),
    [
        ("none.xlsx", None, "it doesn't exist"),
        ("text.xlsx", b"hello", "isn't a workbook"),
        ("zip.xlsx", b"PK\x03\x04" + bytes(100), "zip.xlsx"),
    ],
)
def test_what_is_no_workbook_is_refused(name, content, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(gb.GradbookError) as refusal:
        gb.read_book(name)
    assert complaint in str(refusal.value)
    assert name in str(refusal.value)
