"""Formulas as typed forms: precedence when they are written, and when they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.cells.formula.syntax import (
    DEEPEST,
    INFIX,
    LINE,
    LONGEST_FORMULA,
    TABLE,
    Call,
    FormulaError,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
    number,
    read,
    write,
)
from tests.cases import for_each

A, B, C = Reference("A1"), Reference("B2"), Reference("C3")

LINES = (
    Call(LINE, (Number(1), Prefix("-", Number(2)))),
    Call(LINE, (Text("a"), Reference("TRUE"))),
)

names = st.sampled_from(["A1", "$B$2", "C3:D9", "Training!E5", "'Rates work'!$A$1", "eta", "TRUE"])
leaves = st.one_of(
    st.floats(0, allow_nan=False, allow_infinity=False).map(abs).map(Number),
    names.map(Reference),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(Text),
)


def compounds(parts):
    return st.one_of(
        st.builds(Infix, st.sampled_from(sorted(INFIX)), parts, parts),
        st.builds(Prefix, st.sampled_from("+-"), parts),
        st.builds(Postfix, st.just("%"), parts),
        st.builds(
            Call,
            st.sampled_from(["SUM", "IF", "LOG10"]),
            st.lists(parts, min_size=1, max_size=3).map(tuple),
        ),
    )


expressions = st.recursive(leaves, compounds, max_leaves=12)


@given(expressions)
def test_what_is_written_is_read_as_it_was_meant(expression):
    assert read(write(expression)) == expression


@given(expressions)
def test_what_was_read_is_written_the_same(expression):
    text = write(expression)
    assert write(read(f"={text}")) == text


@for_each(
    ("expression", "text"),
    [
        (Infix("-", Infix("-", A, B), C), "A1-B2-C3"),
        (Infix("-", A, Infix("-", B, C)), "A1-(B2-C3)"),
        (Infix("+", A, Infix("+", B, C)), "A1+(B2+C3)"),
        (Infix("*", Infix("+", A, B), C), "(A1+B2)*C3"),
        (Infix("+", Infix("*", A, B), C), "A1*B2+C3"),
        (Infix("/", A, Infix("*", B, C)), "A1/(B2*C3)"),
        (Infix("^", Infix("^", A, B), C), "A1^B2^C3"),
        (Infix("^", A, Infix("^", B, C)), "A1^(B2^C3)"),
        (Prefix("-", Infix("^", A, Number(2))), "-(A1^2)"),
        (Infix("^", Prefix("-", A), Number(2)), "(-A1)^2"),
        (Infix("-", A, Prefix("-", B)), "A1-(-B2)"),
        (Infix("*", Prefix("-", A), B), "-A1*B2"),
        (Infix("&", A, Infix("=", B, C)), "A1&(B2=C3)"),
        (Postfix("%", Infix("^", A, B)), "(A1^B2)%"),
        (Call("IF", (Infix(">", A, Number(0)), None, Text('"'))), 'IF(A1>0,,"""")'),
        (Number(1e-8), "1E-08"),
        (Number(0.1), "0.1"),
        (Number(70.0), "70"),
        (number(-0.25), "-0.25"),
        (number(-0.0), "0"),
    ],
)
def test_only_the_parentheses_that_are_needed_are_written(expression, text):
    assert write(expression) == text


def test_excel_negates_before_it_raises():
    assert read("-2^2") == Infix("^", Prefix("-", Number(2)), Number(2))
    assert read("2^-2") == Infix("^", Number(2), Prefix("-", Number(2)))


def test_powers_associate_to_the_left_too():
    assert read("2^3^2") == Infix("^", Infix("^", Number(2), Number(3)), Number(2))


@for_each(
    ("text", "expression"),
    [
        ("= 1 / ( 1 + EXP( -I66 ) )", read("1/(1+EXP(-I66))")),
        ("sum(A:A,$1:$3)", Call("SUM", (Reference("A:A"), Reference("$1:$3")))),
        ("AA570", Reference("AA570")),
        ("LOG10(2)", Call("LOG10", (Number(2),))),
        ("'it''s'!A1", Reference("'it''s'!A1")),
        ("[1]Sheet1!B2", Reference("[1]Sheet1!B2")),
        ("w1_start", Reference("w1_start")),
        ("_xlfn.STDEV.S(A1)", Call("_XLFN.STDEV.S", (A,))),
        ("#REF!+1", Infix("+", Reference("#REF!"), Number(1))),
        ("50%", Postfix("%", Number(50))),
        (".5e-3", Number(0.0005)),
        ("NOW()", Call("NOW", ())),
        ('{1,-2;"a",TRUE}', Call(TABLE, LINES)),
    ],
)
def test_strangers_formulas_are_read(text, expression):
    assert read(text) == expression


@for_each(
    ("text", "told"),
    [
        ("=", "character 2 of the formula: it ends too early"),
        ("=1+", "character 4 of the formula: it ends too early"),
        ("=(1", "character 4 of the formula: ')' is missing"),
        ("=1)", "character 3 of the formula: ')' doesn't belong here"),
        ("=A1 B1", "character 5 of the formula: 'B1' doesn't belong here"),
        ("={A1,2}", "character 3 of the formula: 'A1' doesn't belong here"),
        ("={1,2", "character 6 of the formula: '}' is missing"),
        ("={1;2,3}", "character 9 of the formula: the lines of this array differ in length"),
        ('="open', "character 2 of the formula: '\"' has no meaning here"),
        ("=SUM(1", "character 7 of the formula: ')' is missing"),
        ("=1 2", "character 4 of the formula: '2' doesn't belong here"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, told):
    with pytest.raises(FormulaError) as error:
        read(text)
    assert str(error.value) == told


@for_each("text", ["(" * 5000, "-" * 5000 + "1", "1" + "%" * 5000, "SUM(" * 2000])
def test_a_formula_that_is_too_deep_is_refused_and_not_fallen_into(text):
    with pytest.raises(FormulaError, match=f"more than {DEEPEST} nested parts"):
        read(text)


def test_a_formula_that_is_too_long_is_refused():
    with pytest.raises(FormulaError, match="longer than 8,192 characters"):
        read("=" + "1" * (LONGEST_FORMULA + 1))


def test_thousands_of_terms_are_read_and_written():
    text = "+".join(["A1"] * 2700)
    assert write(read(text)) == text
