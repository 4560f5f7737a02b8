"""What formulas mean is what Excel computes."""

from __future__ import annotations

import math

import pytest

from gradbook.cells.evaluate import Evaluation
from gradbook.cells.formula.formula_values import NotUnderstood
from tests.audit.material.small import at, small
from tests.cases import for_each

TABLE = {"A1": 2.0, "B1": 3.0, "A2": -1.0, "B2": 0.5, "C1": "text", "D1": "4"}


def computed(formula: str) -> object:
    book, flow = small({**TABLE, "F9": f"={formula}"})
    return Evaluation(book, flow).of(at("F9"))


@for_each(
    ("formula", "value"),
    [
        ("-A1^2", 4),
        ("A1^-2", 0.25),
        ("A1^B2", math.sqrt(2)),
        ("EXP(1)^B2", math.exp(0.5)),
        ("1/(1+EXP(-A1))", 1 / (1 + math.exp(-2))),
        ("50%*A1", 1),
        ("A1+E5", 2),  # a blank is 0
        ("A1*D1", 8),  # digits in a text are a number
        ("SUM(A1:D2)", 4.5),  # but not in a range
        ("PRODUCT(A1:B1,4)", 24),
        ("AVERAGE(A1:B2)", 1.125),
        ("SUMSQ(A1:B1)", 13),
        ("SUMPRODUCT(A1:B1,A2:B2)", -0.5),
        ("SUMXMY2(A1:B1,A2:B2)", 15.25),
        ("SUMX2MY2(A1:B1,A2:B2)", 11.75),
        ("SUMX2PY2(A1:B1,A2:B2)", 14.25),
        ("MAX(A1:B2)-MIN(A1:B2)", 4),
        ("COUNT(A1:D2)", 4),
        ("SUM(MMULT(A1:B1,A2:A2*TRANSPOSE(A1:B1)))", -13),
        ("INDEX(A1:B2,2,1)", -1),
        ("INDEX(A1:B1,2)", 3),
        ("LOG(8,2)+LOG10(100)+LOG(10)", 6),
        ("COSH(B2)-SINH(B2)", math.exp(-0.5)),
        ("SIN(B2)+COS(B2)*TAN(A2)", math.sin(0.5) + math.cos(0.5) * math.tan(-1)),
        ("NORMSDIST(B2)", math.erfc(-0.5 / math.sqrt(2)) / 2),
        ("ERF(B2)", math.erf(0.5)),
        ("ABS(A2)+SIGN(A2)+SQRT(4)", 2),
        ("IF(A1>B1,1,IF(A1<=2,5))", 5),
        ('IF(C1="TEXT",1,2)', 1),
        ("IF(AND(A1>1,B1>5),1,0)+IF(OR(A1>1,B1>5),10,0)+IF(NOT(A1=2),100,0)", 10),
        ("IFERROR(A1,7)", 2),
        ("LET(x,A1+1,y,x*2,y+x)", 9),
        ("PI()*TRUE()+FALSE()", math.pi),
        ("INT(A2*B2)+10*INT(A1*1.3)", 19),  # below, whatever the sign
        ("ROUND(A2*B2,0)+10*ROUND(2.45,1)", 24),  # a half away from 0
        ("ROUND(1234.5,-2)", 1200),
        ("ROUND(2.345,A1)", 2.35),
        ("TRUNC(-2.7)+10*ROUNDDOWN(2.79,1)", 25),
        ("MROUND(B1,A1)", 4),
        ("FLOOR(B1,A1)+10*CEILING(B1,A1)+100*ROUNDUP(-2.1)", -258),
        ("A1*MAX(-1,MIN(1,ROUND(B1*9/A1,0)))", 2),  # a level of 27: a scale of 2, once
    ],
)
def test_a_formula_is_worth_what_excel_says(formula, value):
    assert computed(formula) == pytest.approx(value, rel=1e-15)


@for_each(
    "formula",
    [
        "FOURIER(A1)",
        "C1*2",
        "A1/0",
        "LN(0)",
        "MMULT(A1:B1,A1:B1)",
        "INDEX(A1:B2,3,1)",
    ],
)
def test_what_has_no_value_is_nan(formula):
    assert math.isnan(computed(formula))


@for_each("formula", ["LET()", "LET(x,1)", "LET(1,2,3)", "LET(x,,x)", "LET(,,)"])
def test_a_let_without_pairs_and_a_result_has_no_value(formula):
    assert math.isnan(computed(formula))


def test_very_many_values_at_once_are_not_understood():
    book, flow = small({"A1:A300": 1.0, "B1": "=SUM(A1:A300*TRANSPOSE(A1:A300))"})
    assert math.isnan(Evaluation(book, flow).value(at("B1")))


def test_joined_texts_are_a_text():
    assert isinstance(computed('C1&"!"'), str)


def test_what_is_not_understood_is_named():
    book, flow = small({"A1": "=FOURIER(1)"})
    from gradbook.cells.formula.meaning import meaning
    from gradbook.graph.node import Graph

    pattern = book.patterns[at("A1")]
    with pytest.raises(NotUnderstood, match="FOURIER"):
        meaning(Graph(), pattern.expression, lambda reference: None)
    assert flow.sources(at("A1")) == ()
