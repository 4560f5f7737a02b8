"""A matrix turned, two exchanged, another in its place."""

from __future__ import annotations

from gradbook.audit.backward.outputs import cells_of_sheet
from gradbook.audit.backward.remedies import matrix_edits
from gradbook.targets.excel.language.grammar import read, write
from tests.audit.material.small import at, small

CELLS = {
    "A1:B2": 1.0,
    "D1:E2": 2.0,
    "G1:H2": "=SUMPRODUCT($A1:$B1,TRANSPOSE(D$1:D$2))",
    "J1:K2": 0.5,
    "M1": "=SUMXMY2(G1:H2,J1:K2)",
}


def edited(text, array=True):
    cells = cells_of_sheet(*small(CELLS), 0)
    assert cells is not None
    expression = read(text)
    edits = matrix_edits(cells, expression, at("P1"), array)
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
