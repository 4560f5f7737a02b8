"""Rows that repeat others aren't kept; what refers to them goes with them, and single rows among
them that say something else are looked at elsewhere."""

from __future__ import annotations

from contextlib import suppress

import pytest

from gradbook.cells import sheet_rows as limits
from gradbook.cells.book import Book, RowSpan, SheetPart
from gradbook.cells.formula.address import row_of
from gradbook.cells.read import read_book
from tests.audit.material.long_tables import LATER, STEP, table
from tests.audit.material.small import all_at, at
from tests.cases import for_each

ROWS = 400
KEPT = 200  # cells, before rows that repeat others are left out
LAST = ROWS + 1


@pytest.fixture(autouse=True)
def _a_small_table_is_large(monkeypatch):
    monkeypatch.setattr(limits, "KEPT_ANYWAY", KEPT)


@pytest.fixture
def read(tmp_path):
    def made(spoilt: dict[int, dict[str, str]] | None = None) -> Book:
        return read_book(table(tmp_path / "book.xlsx", ROWS, spoilt))

    return made


def test_a_long_table_is_kept_in_part(read):
    book = read()
    (part,) = book.repeated_parts
    assert (part.last, part.period) == (ROWS, 1)
    assert max(map(row_of, book.patterns)) == part.first - 1
    assert len(book.patterns) < (KEPT / len(STEP) + 70) * len(STEP)
    assert not book.unread


def test_the_weights_after_the_last_update_repeat_those_above(read):
    book = read({LAST: dict.fromkeys(STEP.keys() - LATER.keys(), "")})
    (part,) = book.repeated_parts
    assert (part.last, part.tail) == (ROWS - 1, {2, 3})
    assert not book.unread


def test_other_weights_after_the_last_update_are_told(read):
    blank = dict.fromkeys(STEP.keys() - LATER.keys(), "")
    book = read({LAST: {**blank, "w2": "={w1'}-0.5*{g2'}"}})
    assert book.unread == [RowSpan(0, LAST - 1, LAST - 1)]


def test_whether_a_cell_is_kept_is_known(read):
    book = read()
    assert book.is_kept(at("A50"))
    assert not book.is_kept(at("A300"))


@for_each("formula", ["=SUM({x}:B300)", "=B$300", "=B300+1"])
def test_what_refers_to_rows_that_are_not_kept_goes_with_them(read, formula):
    book = read({20: {"w2": formula}})
    gone = [cell for cell in all_at(f"D20:D{LAST}") if cell in book.patterns]
    assert not gone  # the weight itself, and all that goes on from it
    assert at("D19") in book.patterns


def test_a_single_row_that_departs_stands_in_for_one_that_was_kept(read):
    book = read({300: {"g2": "={h}"}})
    (stand_in,) = book.stand_ins
    assert (stand_in.sheet, stand_in.real) == (0, 299)
    (part,) = book.repeated_parts  # and the rows around it still repeat
    assert stand_in.row < part.first
    assert book.formula(at(f"K{stand_in.row + 1}")) == f"=E{stand_in.row + 1}"


def test_a_pasted_number_is_looked_at_too(tmp_path, read):
    book = read({300: {"g2": "=0.25"}, 310: {"w1": "={w1'}+0.5*{g1'}"}})
    assert [stand_in.real for stand_in in book.stand_ins] == [299, 309]
    assert len({stand_in.row for stand_in in book.stand_ins}) == 2


def test_of_very_many_departing_rows_the_rest_is_told(read, monkeypatch):
    monkeypatch.setattr(limits, "MOST_DEPARTING", 2)
    book = read({row: {"g2": f"={{h}}*{row}"} for row in (200, 250, 300)})
    assert [stand_in.real for stand_in in book.stand_ins] == [199, 249]
    assert RowSpan(0, 299, 299) in book.unread


def test_a_departing_row_that_fits_nowhere_else_is_told(read):
    book = read({300: {"g2": "=E10"}})  # 290 rows above: there is no such cell further up
    assert not book.stand_ins
    assert book.unread == [RowSpan(0, 299, 299)]


def test_the_rest_of_a_sheet_that_is_too_much_is_told(read, monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 500)
    book = read({row: LATER | {"g2": f"={row}*{{h}}"} for row in range(3, LAST)})
    (span,) = book.unread
    assert span.first > 500 // len(STEP)
    assert max(map(row_of, book.patterns)) <= span.first


@for_each(("size", "kept"), [(limits.LARGE_HIDDEN, 20), (limits.LARGE_HIDDEN + 1, 3)])
def test_of_a_hidden_sheet_with_more_cells_than_are_kept_few_are(monkeypatch, size, kept):
    monkeypatch.setattr(limits, "FEW_OF_HIDDEN", 2)
    cells = limits.BookCells(Book(sheets=[SheetPart("Behind", "", is_hidden=True)]), [])
    cells.next_sheet(0, size)
    with suppress(limits.EnoughRead):
        for row in range(20):
            cells.keep(row, 0, "n", None, "", "1")
    assert len(cells.book.values) == kept
