"""A copy of a row is known by its text, whatever its values; anything else isn't."""

from __future__ import annotations

from gradbook.cells.sheet_rows import RowTexts, row_number
from tests.cases import for_each


def text(number: int, formula: str, value: str = "1", style: str = "") -> str:
    cell = f'<c r="A{number}"{style}><f>{formula}</f><v>{value}</v></c>'
    return f'<row r="{number}">{cell}</row>'


def is_copy(first: str, second: str, number: int = 5, period: int = 1) -> bool:
    texts = RowTexts()
    texts.remember(number - period, first)
    return texts.is_copy(number, second, period)


@for_each(
    ("formula", "copied"),
    [
        ("A3-B3", "A4-B4"),
        ("A3-$B$1*C3", "A4-$B$1*C4"),
        ("SUM(A1:A3)", "SUM(A2:A4)"),
        ("SUM($A$1:A3)", "SUM($A$1:A4)"),
        ("A3&lt;50%*B3", "A4&lt;50%*B4"),
        ("Sheet2!A3+1E2", "Sheet2!A4+1E2"),
    ],
)
def test_what_goes_along_with_a_row_is_a_copy(formula, copied):
    assert is_copy(text(4, formula, "7"), text(5, copied, "-3.5e2"))


@for_each(
    ("formula", "other"),
    [
        ("A3-B3", "A4-B3"),
        ("A3-B3", "A4+B4"),
        ("A3-$B$1", "A4-$B$2"),
        ("A3*2", "A4*3"),
        ("A3-B3", "A4-C4"),
        ("IF(A3=&quot;A3&quot;,1,2)", "IF(A4=&quot;A4&quot;,1,2)"),  # what is in a text stays
    ],
)
def test_another_formula_is_no_copy(formula, other):
    assert not is_copy(text(4, formula), text(5, other))


def test_another_format_or_number_of_a_row_is_no_copy():
    assert not is_copy(text(4, "A3"), text(5, "A4", style=' s="3"'))
    assert not is_copy(text(4, "A3"), text(6, "A4"))


def test_a_row_is_compared_with_the_one_a_period_above():
    assert is_copy(text(4, "A1*2"), text(7, "A4*2"), number=7, period=3)
    assert not is_copy(text(4, "A1*2"), text(7, "A3*2"), number=7, period=3)


def test_a_copy_of_a_copy_is_one():
    texts = RowTexts()
    texts.remember(1, text(1, "A1*2"))
    assert all(texts.is_copy(n, text(n, f"A{n}*2"), 1) for n in range(2, 50))


def test_a_reference_above_the_sheet_is_no_copy():
    assert not is_copy(text(9, "A1"), text(5, "A1"), number=5, period=-4)


def test_a_row_without_its_number_is_not_known():
    assert row_number("<row><c/></row>", 0) is None
    assert row_number('<row r="12" spans="1:3">', 0) == 11
