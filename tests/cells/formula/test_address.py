"""Cells as numbers, as people write them, and the two ways in which a table goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    MOST_COLUMNS,
    MOST_ROWS,
    axis_of,
    cells_of,
    column_number,
    column_of,
    letters,
    name_of,
    pack,
    ranges,
    row_and_column,
    row_of,
    sheet_of,
)
from tests.cases import for_each

CELLS = st.builds(
    pack, st.integers(0, 300), st.integers(0, MOST_ROWS - 1), st.integers(0, MOST_COLUMNS - 1)
)


@given(CELLS)
def test_a_cell_keeps_its_sheet_row_and_column(cell):
    assert pack(sheet_of(cell), row_of(cell), column_of(cell)) == cell
    assert row_and_column(name_of(cell)) == (row_of(cell), column_of(cell))


@for_each(("number", "word"), [(0, "A"), (25, "Z"), (26, "AA"), (16383, "XFD")])
def test_columns_are_counted_in_letters(number, word):
    assert (letters(number), column_number(word.lower())) == (word, number)


@for_each("word", ["", "A", "7", "A0", "$A$1", "A1:B2", "ABCD1"])
def test_what_names_no_cell_has_no_row_and_column(word):
    assert row_and_column(word) is None


@given(CELLS)
def test_an_axis_is_the_other_one_turned(cell):
    assert DOWN.along(cell) == ACROSS.beside(cell) == row_of(cell)
    assert DOWN.line(cell) == ACROSS.crossing(cell) == (sheet_of(cell), column_of(cell))


@for_each("axis", [DOWN, ACROSS])
def test_a_step_along_an_axis_stays_in_its_line(axis):
    here = pack(3, 5, 7)
    there = here + 4 * axis.step
    assert axis.line(there) == axis.line(here)
    assert axis.along(there) == axis.along(here) + 4
    assert axis_of(axis.step) is axis_of(-2 * axis.step) is axis


def test_neighbours_are_written_as_ranges():
    assert ranges([pack(0, 32, 25), pack(0, 33, 25), pack(0, 40, 0)]) == "A41,Z33:Z34"
    assert ranges([pack(0, 2, 1), pack(0, 2, 2), pack(0, 2, 5)]) == "B3:C3,F3"
    assert ranges([]) == ""


@given(st.sets(st.builds(pack, st.just(2), st.integers(0, 6), st.integers(24, 28))))
def test_ranges_say_exactly_their_cells(cells):
    assert sorted(cells_of(ranges(cells), 2)) == sorted(cells)
