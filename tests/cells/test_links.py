"""Formulas that refer to very many cells become unknown; the others are followed as ever."""

from __future__ import annotations

import pytest

from gradbook.cells import book
from gradbook.cells.book import leave_out_widest
from tests.audit.material.small import all_at, at, small_book


@pytest.fixture
def growing():
    """Sums that grow down their column, beside a column of single references."""
    return small_book({"A1:A40": 1, "B1:B40": "=SUM(A$1:A1)", "C1:C40": "=A1*2"})


def test_a_book_of_few_links_stays_as_it_is(growing):
    before = dict(growing.patterns)
    leave_out_widest(growing)
    assert growing.too_wide == []
    assert growing.patterns == before


def test_the_widest_formulas_are_left_out_first(growing, monkeypatch):
    monkeypatch.setattr(book, "MOST_LINKS", 500)
    monkeypatch.setattr(book, "CELLS_TO_KEEP", 400)  # the growing sums have 820
    leave_out_widest(growing)
    assert growing.too_wide == list(all_at("B1:B40"))
    assert growing.patterns[at("B40")].expression is None
    assert growing.patterns[at("C40")].expression is not None


def test_a_formula_left_out_still_says_how_it_is_typed(growing, monkeypatch):
    monkeypatch.setattr(book, "MOST_LINKS", 500)
    monkeypatch.setattr(book, "CELLS_TO_KEEP", 400)
    leave_out_widest(growing)
    assert growing.formula(at("B9")) == "=SUM(A$1:A9)"


def test_one_range_that_is_too_wide_costs_only_its_own_formula():
    book = small_book({"A1": "=SUM(C1:Z60000)", "A2": "=B2+1"})
    leave_out_widest(book)
    assert book.too_wide == [at("A1")]
    assert book.patterns[at("A2")].expression is not None


def test_a_formula_that_is_too_deep_to_read_is_noted():
    book = small_book({"A1": "=" + "(" * 101 + "1" + ")" * 101, "A2": "=B2+1"})
    leave_out_widest(book)
    assert book.too_wide == [at("A1")]
