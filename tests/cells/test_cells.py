"""What a cell's kind, value and formula come to in the book, and how much a book may hold."""

from __future__ import annotations

import pytest

from gradbook.cells import sheet_rows as limits
from gradbook.cells.book import Book, SheetPart
from gradbook.cells.formula.address import MOST_COLUMNS, MOST_ROWS
from gradbook.cells.package import WorkbookError
from gradbook.cells.sheet_rows import LONGEST_FORMULA, BookCells, EnoughRead
from tests.audit.material.small import at


@pytest.fixture
def cells():
    cells = BookCells(Book(), ["first", "second"])
    cells.next_sheet(0)
    return cells


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("n", "1.5e-3", 0.0015),
        ("n", "abc", "abc"),
        ("s", "1", "second"),
        ("s", "2", None),
        ("s", "-1", None),
        ("s", "\u00b2", None),
        ("s", "9" * 5000, None),
        ("b", "1", True),
        ("b", "0", False),
        ("e", "#DIV/0!", "#DIV/0!"),
        ("str", "2", "2"),
        ("n", None, None),
    ],
)
def test_a_value_is_read_by_its_kind(cells, kind, raw, value):
    cells.keep(0, 0, kind, None, "", raw)
    assert cells.book.values.get(at("A1")) == value


def test_a_shared_formula_is_that_of_its_sheet_alone(cells):
    cells.keep(0, 1, "n", {"t": "shared", "si": "0"}, "A1*2", "4")
    cells.keep(1, 1, "n", {"t": "shared", "si": "0"}, "", "6")
    assert cells.book.formula(at("B2")) == "=A2*2"
    cells.next_sheet(1)
    cells.keep(1, 1, "n", {"t": "shared", "si": "0"}, "", "6")
    assert cells.book.formula(at("B2", sheet=1)) == ""


def test_an_array_formula_gives_each_cell_its_element(cells):
    cells.keep(0, 2, "n", {"t": "array", "ref": "C1:C2"}, "A1:A2*B1:B2", "3")
    assert [cells.book.patterns[at(k)].text_at(at(k)) for k in ("C1", "C2")] == ["A1*B1", "A2*B2"]
    assert cells.book.formula(at("C2")) == "{=A1:A2*B1:B2}"


def test_an_array_of_other_cells_than_its_own_fills_none(cells):
    cells.keep(0, 2, "n", {"t": "array", "ref": "A1:B9"}, "A1:A2*B1:B2", "3")
    assert list(cells.book.patterns) == [at("C1")]
    assert not cells.book.arrays


@pytest.mark.parametrize(
    ("place", "area"),
    [((MOST_ROWS - 1, 0), f"A{MOST_ROWS}:B{MOST_ROWS + 1}"), ((0, MOST_COLUMNS - 1), "XFD1:XFE2")],
)
def test_an_array_that_leaves_the_sheet_fills_none_and_is_noted(cells, place, area):
    cells.keep(*place, "n", {"t": "array", "ref": area}, "A1:B2*2", "1")
    assert not cells.book.arrays
    assert len(cells.book.outside) == 1


def test_an_array_that_fills_too_many_cells_is_refused(cells):
    with pytest.raises(WorkbookError, match="too many cells"):
        cells.keep(0, 0, "n", {"t": "array", "ref": "A1:ZZ999"}, "B1:B2*2", "1")


def test_a_formula_that_is_too_long_is_kept_but_not_read(cells):
    cells.keep(0, 0, "n", {}, "+".join(["B1"] * LONGEST_FORMULA), "1")
    assert cells.book.patterns[at("A1")].expression is None


@pytest.mark.parametrize("place", [(-1, 0), (MOST_ROWS, 0), (0, MOST_COLUMNS)])
def test_a_cell_outside_the_sheet_is_noted_and_the_others_are_kept(cells, place):
    cells.keep(*place, "n", None, "", "1")
    cells.keep(0, 0, "n", None, "", "2")
    assert cells.book.outside == [(0, *place)]
    assert cells.book.values == {at("A1"): 2.0}


def test_full_and_empty_cells_are_counted_apart(cells, monkeypatch):
    monkeypatch.setattr(limits, "MOST_READ", 2)
    monkeypatch.setattr(limits, "MOST_EMPTY", 3)
    for column in range(3):
        cells.keep(0, column, "n", None, "", None)
    for column in range(2):
        cells.keep(1, column, "n", None, "", "1")
    with pytest.raises(EnoughRead):
        cells.keep(2, 0, "n", None, "", "1")


def test_of_a_large_book_a_sheet_may_take_half_of_what_is_left_and_the_last_one_all(monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 100)
    book = Book(sheets=[SheetPart(f"Sheet{k}", "") for k in range(3)])
    cells = BookCells(book, [], size=limits.LARGE + 1)
    kept = []
    for number in range(len(book.sheets)):
        cells.next_sheet(number)
        before = cells.kept
        with pytest.raises(EnoughRead):
            for row in range(200):
                cells.keep(row, 0, "n", None, "", "1")
        cells.stop()
        kept.append(cells.kept - before)
    assert kept == [51, 25, 25]
    assert [span.sheet for span in book.unread] == [0, 1, 2]


def test_very_many_letters_of_different_formulas_are_enough(cells, monkeypatch):
    monkeypatch.setattr(limits, "MOST_LETTERS", 30)
    cells.keep(0, 0, "n", {}, "B1*2+C1*3+D1*4", "1")
    cells.keep(1, 0, "n", {}, "B2*2+C2*3+D2*4", "1")  # the same one, which costs nothing
    with pytest.raises(EnoughRead):
        cells.keep(2, 0, "n", {}, "B3*2+C3*3+D3*4+E3*5", "1")
