"""Workbooks of formulas, recalculated by LibreOffice, and what the audit says of them."""

from __future__ import annotations

import pytest

import gradbook as gb
from gradbook.net.formulas import parse_formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import losses
from tests.outside.witness import read_values, recalculate_all

BOOKS = {
    "neuron": "h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1; "
    "sample x t",
    "micrograd": "L = (a*b + c)*f; a = 2; b = -3; c = 10; f = -2; rate 0.01",
    "wave": "y = A*sin(k1*x) + cos(x)/3; S = abs(y - t) + 0.1*A^2; A = 1; k1 = 1.2; "
    "x = 1, 2, 3; t = 1, 0, -1",
    "choices": "E = max(p, q, p*q) - min(p, 2) + relu(q)^1.5 + exp(p*ln(2 + q)); p = 0.3; q = 0.7; "
    "rate 0.01",
}
EPOCHS = 20


@pytest.mark.witness("libreoffice")
def test_libreoffice_trains_formulas_to_the_same_losses(tmp_path):
    written = {
        name: gb.write_workbook(text, tmp_path / f"{name}.xlsx", epochs=EPOCHS).path
        for name, text in BOOKS.items()
    }
    recalculate_all(list(written.values()), tmp_path / "recalculated")
    for name, text in BOOKS.items():
        sheets = read_values(tmp_path / "recalculated" / f"{name}.xlsx")
        cells = [value for sheet in sheets.values() for value in sheet.values()]
        assert [value for value in cells if str(value).startswith("#")] == [], name
        *_, last = losses(scalar_step(parse_formulas(text)), EPOCHS)
        assert sheets["Network"]["C7"] == pytest.approx(last), name
        agree = [value for value in sheets["Network"].values() if "agree in" in str(value)]
        assert len(agree) == 2, (name, agree)
    assert gb.check(written["neuron"]).verdict == "right"
