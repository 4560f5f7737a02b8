"""Every slope of a result is what a nudge of the cell says."""

from __future__ import annotations

from math import isclose, isnan

import pytest

from gradbook.cells.book import Book
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, name_of
from gradbook.cells.slopes import NoDerivative, propose_results, slopes_of
from gradbook.targets.excel.language import write
from tests.audit.material.small import at, small
from tests.cases import for_each


def nudged(book: Book, flow: Flow, result: Address, cell: Address) -> float:
    """The slope by differences, which Richardson's rule makes exact to the fourth order."""
    typed = book.values[cell]
    assert isinstance(typed, float)
    step = 1e-3 * max(1.0, abs(typed))

    def difference(size: float) -> float:
        ends = []
        for value in (typed + size, typed - size):
            book.values[cell] = value
            ends.append(Evaluation(book, flow).value(result))
        book.values[cell] = typed
        return (ends[0] - ends[1]) / (2 * size)

    return (4 * difference(step / 2) - difference(step)) / 3


NUMBERS = {"A1": 1.5, "A2": 2.5, "A3": -0.5, "A4": 4.0, "B1": 0.1, "B2": 0.2, "B3": 0.3, "B4": 0.4}
FORMULAS = [
    "=A1*A2+A3/B1-A4",
    "=-A1^2+A2^-1*B1%",
    "=A1^B2",
    "=1/(1+EXP(-A1))",
    "=A1/(1+EXP(-A1))",
    "=SUM(A1:A4)*SUM(B1:B4)",
    "=SUM(EXP(A1:A4)*B1)",
    "=SUM((A1:A4-AVERAGE(A1:A4))^2*B1:B4)",
    "=EXP(A1)/SUM(EXP(A1:A4))",
    "=SUMPRODUCT(A1:A4,B1:B4)",
    "=SUMPRODUCT((A1:A4>0)*B1:B4)",
    "=SUMPRODUCT(A1:A4*B1,B1:B4)",
    "=SUMSQ(A1:A4,B1)",
    "=PRODUCT(A1:A4)*PRODUCT(A1:B2,3)",
    "=SUMXMY2(A1:A4,B1:B4)",
    "=SUMX2MY2(A1:A4,B1:B4)+SUMX2PY2(A1:A4,B1:B4)",
    "=MMULT(TRANSPOSE(A1:A4),B1:B4)",
    "=SUM(MMULT(A1:B2,A3:B4))",
    "=INDEX(MMULT(A1:B2,A3:B4),2,1)",
    "=SUM(A1:A4*TRANSPOSE(B1:B4))",
    "=IF(A1>1,A1*A2,LN(B1))",
    "=IF(A1>2,A1*A2,LN(B1))",
    "=IF(B1<0,1/(B1-0.1),B1)",
    "=INDEX(A1:B4,2,1)*INDEX(B1:B4,A2)",
    "=INDEX(A1:A4,2)^2",
]


@for_each("formula", FORMULAS)
def test_a_slope_is_what_a_nudge_says(formula):
    book, flow = small({**NUMBERS, "C1": formula, "C2": "=C1*3"})
    slopes = slopes_of(book, at("C2"))
    values = slopes.values()
    assert slopes.inputs
    compared = 0
    for cell in slopes.inputs:
        expected = nudged(book, flow, at("C2"), cell)
        if not isnan(expected):
            assert isclose(values[cell], expected, rel_tol=1e-6, abs_tol=1e-8), name_of(cell)
            compared += 1
    assert compared or "INDEX(B1:B4,A2)" in formula


@for_each(
    ("formula", "partial"),
    [
        ("=A1*A2", "Sheet1!A2"),
        ("=A2/A1", "-Sheet1!C1/Sheet1!A1"),
        ("=TANH(A1*A2)", "(1-Sheet1!C1^2)*Sheet1!A2"),
        ("=1/(1+EXP(-A1))", "Sheet1!C1*(1-Sheet1!C1)"),
        ("=SUM(A1:A4)", "1"),
        ("=SUMPRODUCT(A1:A2,B1:B2)", "Sheet1!B1"),
        ("=A1^3", "3*Sheet1!A1^2"),
        ("=IF(A2>0,A1*B1,1)", "IF(Sheet1!A2>0,Sheet1!B1,0)"),
    ],
)
def test_a_partial_slope_is_written_as_a_person_writes_it(formula, partial):
    book, _ = small({**NUMBERS, "C1": formula})
    slopes = slopes_of(book, at("C1"), [at("A1")])
    (term,) = slopes.terms[at("A1")]
    assert write(term.partial) == partial


def test_the_result_by_itself_has_slope_one_and_each_formula_comes_once():
    cells = {"A1": 2.0, "B1": "=A1*3", "B2": "=B1+A1", "B3": "=B1*B2+B1"}
    book, _ = small(cells)
    slopes = slopes_of(book, at("B3"))
    assert slopes.order == (at("B1"), at("B2"), at("B3"))
    assert slopes.values()[at("B3")] == 1
    assert slopes.values()[at("A1")] == 6 * 2 * 4 + 3


def test_copies_of_a_formula_are_differentiated_in_their_own_cells():
    book, flow = small({"A1:A9": 0.5, "B1": 1.0, "B2:B9": "=B1*$A$1+A2"})
    slopes = slopes_of(book, at("B9"))
    assert write(slopes.terms[at("A1")][0].partial) == "Sheet1!B8"
    values = slopes.values()
    for cell in slopes.inputs:
        assert isclose(values[cell], nudged(book, flow, at("B9"), cell), rel_tol=1e-6)


@for_each(
    ("cells", "said"),
    [
        ({"A1": 1.0, "C1": "=FOURIER(A1)"}, "Sheet1!C1: gradbook doesn't know the derivative"),
        ({"A1": 1.0, "A2": "=C1+A1", "C1": "=A2*2"}, "it depends on itself"),
        ({"A1": "x", "C1": "=A1"}, "no typed number is behind it"),
        ({"A1": 1.0}, "it has no formula"),
    ],
)
def test_what_has_no_slopes_is_refused_with_its_cell(cells, said):
    book, _ = small(cells)
    with pytest.raises(NoDerivative, match="Sheet1!") as refusal:
        slopes_of(book, at("C1"))
    assert said in str(refusal.value)


def test_the_proposed_result_depends_on_most_numbers_and_is_the_last_of_equals():
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=A1", "B2": "=A1+A2", "B3": "=A2+A1", "B4": "=B3"}
    book, flow = small(cells)
    assert propose_results(book, flow) == [at("B4"), at("B2"), at("B1")]
