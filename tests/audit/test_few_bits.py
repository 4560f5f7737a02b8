"""Sheets of networks whose weights have few bits: right ones are right, a mistake in one is found.

The derivative of a level by its weight is taken as 1, whatever the scale is made of.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.formula.translate import Translator

from gradbook.audit.check import check
from gradbook.net import parse
from gradbook.report.workbook import write_workbook

NETWORK = "input 2; dense 2 {}; tanh; dense 1; loss half squared error; sample 0.3 -0.7 -> 0.4"
BITS = ("bits 8", "bits 4", "bits 2", "ternary")
OTHERS = {
    "two layers": "input 2; dense 3 bits 4; tanh; dense 2 ternary; sigmoid; seed 3"
    "; loss half squared error; sample 0.3 -0.7 -> 0.4 0.1; sample 0.9 0.2 -> 0.3 0.8",
    "one weight": "input 1; dense 2 bits 4; tanh; dense 1; sample 0.3 -> 0.4; seed 1",
    "momentum": f"{NETWORK.format('bits 4')}; update momentum; decay 0.1",
    "adam": f"{NETWORK.format('bits 2')}; update adam; seed 4",
    "again": "input 2; dense 2 bits 4; tanh; again 2; dense 1; sample 0.3 -0.7 -> 0.4; seed 3",
}
EPOCHS = 9
Edit = tuple[str, int, str]  # a column of Training, the row of the first formula, and that formula
MISTAKES = {
    "sign": ("AB", 5, "=-AA5*U5*(1-R5*R5)"),
    "factor": ("AB", 5, "=AA5*U5"),
    "stale": ("AB", 6, "=AA6*U5*(1-R6*R6)"),
    "another weight's": ("AH", 5, "=AE5"),
    "a scale in the gradient": ("AH", 5, "=AD5*K5"),
    "a rounded gradient": ("AH", 5, "=ROUND(AD5,2)"),
    "added": ("E", 6, "=E5+eta*AH5"),
}


def planted(path: Path, *edits: Edit) -> Path:
    """The sheet of a network with another formula in some columns."""
    write_workbook(parse(NETWORK.format("bits 4")), path, epochs=EPOCHS)
    book = load_workbook(path)
    sheet = book["Training"]
    for column, first, formula in edits:
        for row in range(first, 5 + EPOCHS):
            cell = f"{column}{row}"
            sheet[cell] = Translator(formula, f"{column}{first}").translate_formula(cell)
    book.save(path)
    return path


@pytest.mark.parametrize(
    "text", [*map(NETWORK.format, BITS), *OTHERS.values()], ids=[*BITS, *OTHERS]
)
def test_a_right_sheet_is_right(text, path):
    net = parse(text)
    report = check(write_workbook(net, path, epochs=EPOCHS).path)
    assert (report.verdict, report.findings) == ("right", ())
    assert {name for sheet in report.sheets for name in sheet.weights} >= {"w1", "b1"}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_it_is_found_where_it_is(name, path):
    column, first, _ = MISTAKES[name]
    report = check(planted(path, MISTAKES[name]))
    assert [found.cells for found in report.findings] == [f"{column}{first}:{column}{4 + EPOCHS}"]
    assert report.verdict == "wrong"
