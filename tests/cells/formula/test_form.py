"""Formulas that differ in their references share what they say, and each keeps its own ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.cells.formula.pattern import FormReader, Reader
from gradbook.cells.formula.syntax import FormulaError, read, write
from tests.cases import for_each


def test_formulas_that_differ_in_their_cells_have_one_form():
    reader = FormReader()
    one, cells = reader.read("Training!B5*$F6+SUM(A1:A3)")
    other, further = reader.read("Training!B7*$F9+SUM(A2:A8)")
    assert one is other
    assert cells == ("Training!B5", "$F6", "A1:A3")
    assert further == ("Training!B7", "$F9", "A2:A8")
    assert reader.read("Training!B5-$F6+SUM(A1:A3)")[0] is not one


def test_names_and_texts_stay_as_they_are():
    form, typed = FormReader().read('IF(A5="A5",eta*B5,eta)')
    assert typed == ("A5", "eta", "B5", "eta")
    assert form.references == ("A1", "eta", "A2", "eta")


def test_a_name_that_looks_like_a_far_cell_is_none():
    _, typed = FormReader().read("B5*A12345678")
    assert typed == ("B5", "A12345678")


def test_what_is_wrong_with_a_formula_is_said_of_it():
    with pytest.raises(FormulaError):
        FormReader().read("B7*")


CELLS = st.sampled_from(["A1", "$B$7", "AA3", "Data!C5", "'my data'!$D9", "F6:G9", "eta", "A:A"])
PARTS = st.sampled_from(["{}+{}", "{}*({}-1)", "SUM({},{})", "IF({}>0,{},A1)", '{}&"A1"&{}'])


@given(PARTS, CELLS, CELLS)
def test_a_pattern_says_what_its_text_says(part, one, other):
    text = part.format(one, other)
    pattern = Reader({"data": 1, "my data": 2}, {}).pattern(text, 0)
    assert pattern.expression is not None
    assert write(pattern.expression) == write(read(text))


SLOPE = {"slope": "_xlfn.LAMBDA(_xlpm.a,_xlpm.a*(1-_xlpm.a))", "twice": "LAMBDA(x,2*SLOPE(x))"}


@for_each(
    ("text", "written_out"),
    [
        ("B5*SLOPE(C5)", "ZZZ1*LET(_xlpm.a,ZZZ2,_xlpm.a*(1-_xlpm.a))"),
        ("LAMBDA(x,y,x*y)(B5,C5)", "LET(x,ZZZ1,y,ZZZ2,x*y)"),
        ("twice(B5)", "LET(x,ZZZ1,2*LET(_xlpm.a,x,_xlpm.a*(1-_xlpm.a)))"),
        ("SLOPE(B5,C5)", "SLOPE(ZZZ1,ZZZ2)"),  # nobody knows what that is
    ],
)
def test_a_book_s_own_functions_are_written_out(text, written_out):
    form, _ = FormReader(SLOPE).read(text)
    assert write(form.expression) == written_out


def test_a_function_made_of_itself_comes_to_an_end():
    form, _ = FormReader({"f": "LAMBDA(x,F(x)+F(x))"}).read("F(B5)")
    assert "F(" in write(form.expression)


def test_functions_that_grow_without_end_are_refused():
    grows = {f"f{k}": f"LAMBDA(x,{'+'.join([f'F{k + 1}(x)'] * 60)})" for k in range(6)}
    with pytest.raises(FormulaError):
        FormReader(grows).read("F0(B5)")
