"""Formulas taken apart and put together say the same."""

from __future__ import annotations

from gradbook.cells.formula.expression import (
    factors,
    makeup,
    once,
    part_at,
    parts,
    paths,
    product,
    put,
    references,
    rename_cells,
    terms,
    total,
    with_sign,
)
from gradbook.cells.formula.syntax import Number, Reference, read, write
from tests.cases import for_each

FORMULAS = ["A1", "-A1*B2/(C3+1)^2", "SUM(A1:B2,,3)-IF(A1>0,-B2,50%)", "A1-(B2-(C3-D4))*2"]


@for_each("text", FORMULAS)
def test_every_part_is_found_at_its_path(text):
    expression = read(text)
    assert [part for _, part in paths(expression)] == list(parts(expression))
    for path, part in paths(expression):
        assert part_at(expression, path) is part
        assert put(expression, path, part) == expression


@for_each("text", FORMULAS)
def test_terms_and_factors_put_together_say_the_same(text):
    expression = read(text)
    split = factors(expression)
    for again in (total(terms(expression)), with_sign(split.sign, product(split.parts))):
        assert [r.text for r in references(again)] == [r.text for r in references(expression)]
        assert read(write(again)) == again


def test_a_minus_before_parentheses_turns_their_terms():
    shown = [(sign, write(part)) for sign, part in terms(read("A1-(B1-C1*2)+D1"))]
    assert shown == [(1, "A1"), (-1, "B1"), (1, "C1*2"), (1, "D1")]


def test_a_divisor_of_a_divisor_multiplies():
    split = factors(read("-A1/(B1/C1)"))
    assert split.sign == -1
    assert [(write(f.part), f.above) for f in split.parts] == [
        ("A1", True),
        ("B1", False),
        ("C1", True),
    ]


def test_a_part_is_replaced_where_it_stands():
    assert write(put(read("A1+B1*C1"), (1, 0), Number(2.0))) == "A1+2*C1"


def test_cells_are_called_by_other_words():
    named = rename_cells(read("A1*MAX(B1,2)"), lambda mention: {"A1": "w", "B1": "h"}[mention.text])
    assert named == read("w*MAX(h,2)")


def test_what_was_made_of_an_expression_is_kept_for_that_very_one():
    asked = []
    kept = once(lambda expression: asked.append(expression) or len(asked))
    one, other = Reference("A1"), Reference("A1")
    assert [kept(one), kept(one), kept(other)] == [1, 1, 2]


def test_what_is_made_of_the_same_in_another_order_is_made_alike():
    alike = ["(A1*B1)*C1*(1-C1)", "D2*(1-D2)*(E2*F2)", "A1*B1*C1*(-C1+1)"]
    assert len({makeup(read(text)) for text in alike}) == 1
    for other in ("A1*B1*(1-C1)", "A1*B1*C1*(1+C1)", "A1*B1*(1-C1)/C1", "-A1*B1*C1*(1-C1)"):
        assert makeup(read(other)) != makeup(read(alike[0]))
