"""Cells: numbers as any country writes them, dates, and what a column's cells decide together."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.formats.cells import (
    EPOCH,
    CellEvidence,
    NumberStyle,
    days,
    is_header,
    mark_of,
    meanings,
    order_of,
    orders,
    split_unit,
    unit_of,
)
from gradbook.errors import DataError
from tests.cases import for_each


def of(*cells):
    found = CellEvidence()
    for row, cell in enumerate(cells, 2):
        found.add(row, cell)
    return found


@for_each(
    ("cell", "decimal", "value"),
    [
        ("1.234,56", ",", 1234.56),
        ("1,234.56", ".", 1234.56),
        ("1 234,56", ",", 1234.56),
        ("1\u00a0234,56", ",", 1234.56),
        ("1\u202f234\u202f567", ",", 1234567),
        ("1'234.56", ".", 1234.56),
        ("1’234’567", ".", 1234567),
        ("−0,5", ",", -0.5),
        (",5", ",", 0.5),
        ("1,5e3", ",", 1500),
        ("12.500", ",", 12500),
        ("12.500", ".", 12.5),
        ("1,234", ".", 1234),
        ("1,234", ",", 1.234),
    ],
)
def test_a_number_is_read_by_its_marks(cell, decimal, value):
    assert decimal in meanings(cell)
    assert NumberStyle(decimal).value(cell) == value


@for_each(
    "cell", ["1,23,456", "12,5,0", "1.2.3", "1'23", "0,123.5", "1 2", "1_000", "1.234 567,5", "--1"]
)
def test_what_is_nearly_a_number_is_none(cell):
    assert not meanings(cell)


def as_a_german_writes(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_a_column_of_money_is_read_alike_in_english_german_french_and_swiss(cents):
    values = [cent / 100 for cent in cents]
    english = [f"{value:,.2f}" for value in values]
    german = list(map(as_a_german_writes, values))
    french = [cell.replace(".", "\u202f") for cell in german]
    swiss = [cell.replace(",", "'") for cell in english]
    for cells, decimal in ((english, "."), (german, ","), (french, ","), (swiss, ".")):
        found = of(*cells)
        assert mark_of(found) == decimal
        assert [NumberStyle(decimal).value(cell) for cell in cells] == values


def test_the_whole_column_decides_its_mark():
    assert mark_of(of("1,234", "12")) == ""
    assert of("1,234", "12").doubtful == "1,234"
    assert mark_of(of("1,234", "0,5")) == ","
    assert mark_of(of("1,234", "0.5")) == "."
    assert mark_of(of("1,234", "1,234,567")) == "."
    assert mark_of(of("1.234", "12")) == ""
    with pytest.raises(DataError, match="a decimal point in row 3 and a decimal comma in row 2"):
        mark_of(of("1,5", "1.5"))


@for_each(
    ("cell", "text", "unit"),
    [
        ("€ 1.234,56", "1.234,56", "€"),
        ("1.234,56 €", "1.234,56", "€"),
        ("-$5.00", "-5.00", "$"),
        ("CHF 1'200.00", "1'200.00", "CHF"),
        ("12,5 %", "12,5", "%"),
        ("€ 5 €", "€ 5 €", ""),
        ("12 kg", "12 kg", ""),
    ],
)
def test_a_sign_beside_a_number_is_no_part_of_it(cell, text, unit):
    assert split_unit(cell) == (text, unit)


def test_a_column_has_one_sign():
    assert unit_of(of("5 €", "7")) == "€"
    with pytest.raises(DataError, match="units .'€' in row 2, '.' in row 3.: write all"):
        unit_of(of("5 €", "$7"))
    with pytest.raises(DataError, match="'%' in row 2, none in row 3"):
        unit_of(of("5 %", "7"))


@given(st.dates(), st.sampled_from(["ymd", "dmy", "mdy"]))
def test_a_date_is_its_day_in_every_order(day, order):
    cell = {
        "ymd": f"{day.year:04}-{day.month:02}-{day.day:02}",
        "dmy": f"{day.day}.{day.month}.{day.year:04}",
        "mdy": f"{day.month}/{day.day}/{day.year:04}",
    }[order]
    assert order in orders(cell)
    assert days(cell, order) == (day - date(1970, 1, 1)).days


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_time_of_day_is_a_part_of_it(moment):
    moment = moment.replace(microsecond=0)
    assert days(moment.isoformat(), "ymd") == (moment - EPOCH) / timedelta(days=1)
    assert days(f"{moment.isoformat()}+02:00", "ymd") == days(
        (moment - timedelta(hours=2)).isoformat(" "), "ymd"
    )


def test_a_column_decides_the_order_of_its_dates():
    assert order_of(of("3/4/2024", "3/14/2024")) == "mdy"
    assert order_of(of("3/4/2024", "14/3/2024")) == "dmy"
    assert order_of(of("3.4.2024")) == "dmy"
    assert order_of(of("3/4/2024"), "mdy") == "mdy"
    with pytest.raises(DataError, match="use --set 'dates dmy' or --set 'dates mdy'"):
        order_of(of("3/4/2024"))
    with pytest.raises(DataError, match="dates in different orders"):
        order_of(of("14/3/2024", "3/14/2024"))
    for cell in ("3.4.24", "3. April 2024", "April 3, 2024", "03-Apr-2024"):
        with pytest.raises(DataError, match="write them as 2024-03-31"):
            order_of(of(cell))
    assert not orders("30.2.2024")


@for_each("row", [["area", "25%"], ["Preis in €", "Ort"], ["2024-01-01", "town"]])
def test_names_are_a_header(row):
    assert is_header(row)


@for_each("row", [["1'200", "x"], ["1,5", "x"], ["€ 5", "x"], ["NA", ""]])
def test_numbers_are_no_header(row):
    assert not is_header(row)


@given(st.text(max_size=60))
def test_any_cell_is_something_or_nothing(cell):
    found = of(cell)
    assert found.present + (found.present == 0) == 1
    for mark in meanings(split_unit(cell)[0]):
        NumberStyle(mark, split_unit(cell)[1]).value(cell)
