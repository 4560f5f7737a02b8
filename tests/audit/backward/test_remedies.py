"""A matrix turned, two exchanged, another in its place."""

from __future__ import annotations

from functools import partial

import pytest

from gradbook.audit.backward.remedies import WrongBlock, other_ranges
from gradbook.audit.edits.formula_edits import matrix_edits
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.syntax import read, write
from tests.audit.material.small import at
from tests.audit.material.worked_once.list import cells_of, listed_pass
from tests.cases import for_each

CELLS = {
    "A1:B2": 1.0,
    "D1:E2": 2.0,
    "G1:H2": "=SUMPRODUCT($A1:$B1,TRANSPOSE(D$1:D$2))",
    "J1:K2": 0.5,
    "M1": "=SUMXMY2(G1:H2,J1:K2)",
}


def edited(text, array=True):
    expression = read(text)
    others = partial(other_ranges, cells_of(CELLS), home=at("P1"))
    edits = matrix_edits(expression, array, others)
    return {write(edit.apply_to(expression)): edit.kind.value for edit in edits}


def test_a_product_is_exchanged_and_turned():
    found = edited("MMULT(A1:B2,D1:E2)")
    assert found["MMULT(D1:E2,A1:B2)"] == "swapped references"
    assert found["MMULT(TRANSPOSE(A1:B2),D1:E2)"] == "transposition"
    assert found["MMULT(TRANSPOSE(D1:E2),A1:B2)"] == "transposition"


def test_what_is_turned_may_be_meant_as_it_is():
    assert edited("MMULT(TRANSPOSE(A1:B2),D1:E2)")["MMULT(A1:B2,D1:E2)"] == "transposition"


def test_another_range_of_the_same_size_with_the_same_anchors():
    found = edited("MMULT($A$1:$B$2,D1:E2)", array=False)
    assert found["MMULT($J$1:$K$2,D1:E2)"] == "wrong reference"
    assert not any("M1" in text for text in found)


def test_the_whole_is_taken_twice_or_with_the_other_sign():
    found = edited("A1:B2")
    assert found["-A1:B2"] == "wrong sign"
    assert found["2*A1:B2"] == "missing factor"
    assert edited("-A1:B2")["A1:B2"] == "wrong sign"


# What puts a wrong cell right is small where a small edit does it, else that of one ----


def found(cell, of, text, **more):
    back = listed_pass(**{cell: text}, **more)
    return WrongBlock(back, (at(cell),), (at(of),)).mended().remedy


@for_each(
    ("cell", "of", "text", "kind"),
    [
        ("E6", "B3", "=E2*B2", EditKind.REFERENCE),
        ("E2", "B9", "=E1*B7*B11*(1+B11)", EditKind.OPERATOR),
        ("E2", "B9", "=E1*B7*B11*1-B11", EditKind.PARENTHESES),
        ("E2", "B9", "=-E1*B7*B11*(1-B11)", EditKind.SIGN),
        ("E2", "B9", "=E1*B7*B11*(1-B11)*B1", EditKind.OMISSION),
        ("E2", "B9", "=E1*B7", EditKind.FACTOR),
    ],
)
def test_the_smallest_edit(cell, of, text, kind):
    known = found(cell, of, text)
    assert known is not None
    assert known.edit.kind is kind
    assert set(known.formulas) == {at(cell)}


def test_a_path_of_the_chain_that_is_missing():
    second = {"A16": "o2", "B16": "=B11*B7+B12*B8*2+B9", "B17": 0.2}
    back = listed_pass(
        **second,
        B15="=0.5*((B13-B14)^2+(B16-B17)^2)",
        E10="=B16-B17",
        E11="=(E1*B7)*B11*(1-B11)",
    )
    known = WrongBlock(back, (at("E4"),), (at("B7"),)).mended().remedy
    assert known is not None
    assert back.cells.value_of(known.formulas[at("E4")], at("E4")) == pytest.approx(
        back.loss.slopes[at("B7")]
    )


def test_no_remedy_for_what_no_formula_comes_near():
    assert found("E3", "B10", "=EXP(B1)+E1^3*B2", E2="=E1") is None
