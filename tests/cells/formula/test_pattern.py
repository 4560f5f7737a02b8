"""A formula seen from its own cell: where it points, and how it reads when it is copied."""

from __future__ import annotations

from gradbook.cells.formula.address import MOST_COLUMNS, MOST_ROWS, pack
from gradbook.cells.formula.pattern import (
    CellReference,
    RangeReference,
    move_formula,
    neighbours,
    rename_cells_in,
)
from tests.audit.material.small import at
from tests.cases import for_each

LEFT_ABOVE = CellReference(None, -1, False, -1, False)
FIXED = CellReference(2, 0, True, 3, True)


@for_each(
    ("text", "copy"),
    [
        ("A1+$A1+A$1+$A$1", "C4+$A4+C$1+$A$1"),
        ("Data!B2*'other one'!B2", "Data!D5*'other one'!D5"),
        ("SUM(A1:B2)", "SUM(C4:D5)"),
        ('IF(A1="A1","say ""B2""",LOG10(A1))', 'IF(C4="A1","say ""B2""",LOG10(C4))'),
    ],
)
def test_a_copied_formula_moves_its_loose_references_alone(text, copy):
    assert move_formula(text, 3, 2) == copy
    assert move_formula(copy, -3, -2) == text


def test_a_copy_that_would_leave_the_sheet_says_so():
    assert move_formula("A1+B2", 0, -1) == "#REF!+A2"
    assert move_formula("A1+B2", -1, 0) == "#REF!+B1"


def test_a_reference_points_nowhere_beyond_the_sheets_edges():
    assert LEFT_ABOVE.at(at("B2")) == at("A1")
    assert LEFT_ABOVE.at(at("A2")) is None
    assert LEFT_ABOVE.at(at("B1")) is None
    below = CellReference(None, 1, False, 1, False)
    assert below.at(pack(0, MOST_ROWS - 1, 0)) is None
    assert below.at(pack(0, 0, MOST_COLUMNS - 1)) is None


def test_a_fixed_reference_means_one_cell_from_everywhere():
    assert {FIXED.at(at(name)) for name in ("A1", "Z9")} == {at("D1", sheet=2)}
    assert not FIXED.moves
    assert LEFT_ABOVE.moves


def test_a_range_has_its_corners_in_order_and_its_size():
    area = RangeReference(CellReference(None, 2, False, 0, False), LEFT_ABOVE)
    assert area.corners(at("B2")) == (0, 0, 0, 3, 1)
    assert area.size(at("B2")) == 8
    assert area.size(at("A1")) == 0


def test_words_in_quotes_are_never_taken_for_cells():
    assert rename_cells_in('A1&"A1"&Data!$B2', str.lower) == 'a1&"A1"&data!$b2'


@for_each("text", ["A:A", "1:1", "A1:B2:C3", "A1:", "rates", "'C:\\x'!A1"])
def test_only_ranges_of_two_corners_have_neighbours(text):
    assert list(neighbours(text)) == []


def test_a_ranges_neighbours_are_on_its_sheet():
    found = set(neighbours("Data!A1:B2"))
    assert {"Data!A2:B3", "Data!A1:B3"} <= found
    assert "Data!A0:B1" not in found
