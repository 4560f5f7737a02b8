"""Formulas read once, and recognised where they are copied."""

from __future__ import annotations

import pytest

from gradbook.cells.formula.address import pack
from gradbook.cells.formula.pattern import (
    CellReference,
    RangeReference,
    Reader,
    UnknownReference,
    copy_formula,
)
from tests.audit.material.small import at
from tests.cases import for_each


@pytest.fixture
def reader() -> Reader:
    return new_reader()


def new_reader() -> Reader:
    return Reader({"sheet1": 0, "my sheet": 1}, {"rate": "Sheet1!$C$2", "two": "2"})


@for_each(
    ("text", "home", "text_there", "there"),
    [
        ("A1*B$2", "C3", "A9*B$2", "C11"),  # down its column
        ("A1*$B2", "C3", "E1*$B2", "G3"),  # along its row
        ("SUM(A1:B2)+'My sheet'!A1", "C3", "SUM(D5:E6)+'My sheet'!D5", "F7"),  # anywhere
    ],
)
def test_a_copy_is_the_same_pattern(text, home, text_there, there):
    reader = new_reader()  # of each case, which counts
    first = reader.pattern(text, at(home))
    assert reader.pattern(text_there, at(there)) is first
    assert first.text_at(at(there)) == text_there == copy_formula(text, at(home), at(there))
    assert reader.count == 1


def test_a_formula_that_moves_otherwise_is_another_pattern(reader):
    first = reader.pattern("A1", at("C3"))
    assert reader.pattern("A1", at("C4")) is not first
    assert reader.pattern('"A1"', at("C3")) is reader.pattern('"A1"', at("D9"))  # a text


def test_references_point_where_they_are_typed(reader):
    home = at("C3")
    assert reader.cell("B$1", home) == at("B1")
    assert reader.cell("'My Sheet'!B1", home) == pack(1, 0, 1)
    assert reader.cell("rate", home) == at("C2")
    assert reader.mention("two", home) == 2.0
    assert isinstance(reader.mention("A1:B2", home), RangeReference)
    for unknown in ("elsewhere", "Sheet9!A1"):
        assert isinstance(reader.mention(unknown, home), UnknownReference)


def test_a_reference_leads_off_the_sheet_to_no_cell(reader):
    up = reader.mention("A1", at("A2"))
    assert isinstance(up, CellReference)
    assert up.moves
    assert up.at(at("A1")) is None


def test_what_cannot_be_read_says_why(reader):
    pattern = reader.pattern("A1+*", at("C3"))
    assert pattern.expression is None
    assert pattern.problem


@for_each(
    ("text", "element"),
    [
        ("A1:A3*$C$1:$E$1", "A2*$E$1"),
        ("EXP(-A1:A3)+D7", "EXP(-A2)+D7"),
        ("MMULT(A1:B3,D1:F2)", "MMULT(A2:B2,F1:F2)"),
        ("MMULT(TRANSPOSE(A1:B3),D1:F3*2)", "MMULT(TRANSPOSE(B1:B3),F1:F3*2)"),
        ("TRANSPOSE($A$1:$B$3)", "TRANSPOSE($B$3)"),
        ("MMULT(A1:B1,D1:F2)", "MMULT(A1:B1,F1:F2)"),  # a single row stands in each
        ("MMULT(SUM(A1:B3),D1:F2)", "MMULT(SUM(A1:B3),F1:F2)"),
        ("A1:B3+1", "#N/A+1"),  # there is no third column
        ("IFERROR(A1:A3/B1:D3,0)", "IFERROR(A2/D2,0)"),
        ("SUM(A1:A3)", "SUM(A1:A3)"),
    ],
)
def test_an_array_formula_says_one_thing_of_each_cell(reader, text, element):
    assert reader.element(text, at("H1"), 1, 2) == element
