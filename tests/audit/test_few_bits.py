"""Sheets of networks whose weights have few bits: right ones are right, a mistake in one is found.

The derivative of a level by its weight is taken as 1, whatever the scale is made of.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.formula.translate import Translator

from gradbook.audit.check_book import check
from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from tests.cases import for_each

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
    "a rounded update": ("E", 6, "=ROUND(E5-eta*AH5,2)"),
    "an update of the level": ("E", 6, "=M5-eta*AH5"),
    "another channel's scale": ("M", 5, "=IF(L5>0,L5*INT(E5/L5+0.5),0)"),
    "a scale of another channel": ("K", 5, "=MAX(G5,-G5,H5,-H5)/7"),
    "a scale without a weight": ("K", 5, "=MAX(E5,-E5)/7"),
}
ROUNDED_GRADIENTS = [
    ("AK", 5, "=ROUND(AG5,4)"),
    ("AL", 5, "=ROUND(AB5,4)"),
    ("AM", 5, "=ROUND(AC5,4)"),
]


def planted(path: Path, *edits: Edit) -> Path:
    """The sheet of a network with another formula in some columns."""
    write_workbook(parse(NETWORK.format("bits 4")), path, epochs=EPOCHS, rates=())
    book = load_workbook(path)
    sheet = book["Training"]
    for column, first, formula in edits:
        for row in range(first, 5 + EPOCHS):
            cell = f"{column}{row}"
            sheet[cell] = Translator(formula, f"{column}{first}").translate_formula(cell)
    book.save(path)
    return path


@for_each("text", [*map(NETWORK.format, BITS), *OTHERS.values()], ids=[*BITS, *OTHERS])
def test_a_right_sheet_is_right(text, path):
    net = parse(text)
    report = check(write_workbook(net, path, epochs=EPOCHS, rates=()).path)
    assert (report.verdict, report.findings) == ("right", ())
    assert {name for sheet in report.sheets for name in sheet.weights} >= {"w1", "b1"}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_it_is_found_where_it_is(name, path):
    column, first, _ = MISTAKES[name]
    report = check(planted(path, MISTAKES[name]))
    assert [found.cells for found in report.findings] == [f"{column}{first}:{column}{4 + EPOCHS}"]
    assert report.verdict == "wrong"


@for_each(
    ("name", "expected"),
    [
        ("a rounded update", "=E5-eta*AD5"),
        ("an update of the level", "=E5-eta*AD5"),
        ("another channel's scale", "=IF(K5>0,K5*INT(E5/K5+0.5),0)"),
        ("a scale of another channel", "=MAX(E5,-E5,F5,-F5)/7"),
        ("a scale without a weight", "=MAX(E5,-E5,F5,-F5)/7"),
    ],
)
def test_what_belongs_there_is_said(name, expected, path):
    (finding,) = check(planted(path, MISTAKES[name])).findings
    assert finding.expected == expected


def test_updates_of_all_levels_are_wrong_and_nothing_else(path):
    weights = zip("EFGH", "MNOP", ("AH", "AI", "AJ", "AK"), strict=True)
    edits = [(weight, 6, f"={level}5-eta*{slope}5") for weight, level, slope in weights]
    report = check(planted(path, *edits))
    assert [found.cells for found in report.findings] == [f"{c}6:{c}13" for c in "EFGH"]
    assert {found.kind for found in report.findings} == {"wrong update"}


def test_values_that_are_all_rounded_to_digits_are_right(path):
    edits = [("R", 5, "=ROUND(TANH(Q5),3)"), ("T", 5, "=ROUND(TANH(S5),3)")]
    slopes = [(c, 5, f"=ROUND({of}5,4)") for c, of in zip(("AH", "AI"), ("AD", "AE"), strict=True)]
    report = check(planted(path, *edits, *slopes, ("AJ", 5, "=ROUND(AF5,4)"), *ROUNDED_GRADIENTS))
    assert (report.verdict, report.findings) == ("right", ())


def test_what_is_not_understood_on_the_way_to_the_loss_is_said_and_nothing_accused(path):
    sheet = next(s for s in check(planted(path, ("R", 5, "=BESSELJ(Q5,1)"))).sheets if s.weights)
    assert (sheet.verdict, sheet.findings) == ("unfinished", ())
    assert list(map(str, sheet.notes)) == [
        "the rest can't be judged: Training!R5 has the function BESSELJ"
    ]


HAND_MADE = {  # a level as others write it, of the weight in E5 by the scale in K5
    "nearest": "=K5*ROUND(E5/K5,0)",
    "between bounds": "=MIN(7,MAX(-7,ROUND(E5/K5,0)))*K5",
    "a multiple": "=IF(K5=0,0,SIGN(E5)*MROUND(ABS(E5),K5))",
    "to two digits": "=ROUND(E5,2)",
    "of a typed scale": "=ROUND(E5/0.125,0)*0.125",
}


@for_each("name", HAND_MADE)
def test_a_level_that_is_written_otherwise_is_one_too(name, path):
    report = check(planted(path, ("M", 5, HAND_MADE[name])))
    assert (report.verdict, report.findings) == ("right", ())
