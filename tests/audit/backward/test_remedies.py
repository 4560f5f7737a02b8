"""What puts a wrong cell right is small where a small edit does it, else that of one like it."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.blocks import MatrixBlock
from gradbook.audit.backward.remedies import WrongBlock, remedy
from gradbook.audit.formula.expression import EditKind
from tests.audit.material.small import at
from tests.audit.material.worked_once.list import listed_pass


def found(cell, of, text, **more):
    back = listed_pass(**{cell: text}, **more)
    wrong = WrongBlock(MatrixBlock((at(cell),)), (at(of),))
    return remedy(back, wrong)


@pytest.mark.parametrize(
    ("cell", "of", "text", "kind"),
    [
        ("E6", "B3", "=E2*B2", EditKind.REFERENCE),
        ("E2", "B9", "=E1*B7*B11*(1+B11)", EditKind.OPERATOR),
        ("E2", "B9", "=E1*B7*B11*1-B11", EditKind.PARENTHESES),
        ("E2", "B9", "=-E1*B7*B11*(1-B11)", EditKind.SIGN),
        ("E2", "B9", "=E1*B7*B11*(1-B11)*B1", EditKind.OMISSION),
        ("E2", "B9", "=E1*B7", EditKind.FACTOR),
    ],
)
def test_the_smallest_edit(cell, of, text, kind):
    known = found(cell, of, text)
    assert known is not None
    assert known.edit.kind is kind
    assert set(known.formulas) == {at(cell)}


def test_a_path_of_the_chain_that_is_missing():
    second = {"A16": "o2", "B16": "=B11*B7+B12*B8*2+B9", "B17": 0.2}
    back = listed_pass(
        **second,
        B15="=0.5*((B13-B14)^2+(B16-B17)^2)",
        E10="=B16-B17",
        E11="=(E1*B7)*B11*(1-B11)",
    )
    wrong = WrongBlock(MatrixBlock((at("E4"),)), (at("B7"),))
    known = remedy(back, wrong)
    assert known is not None
    assert back.values.value_of(known.formulas[at("E4")], at("E4")) == pytest.approx(
        back.slopes[at("B7")]
    )


def test_no_remedy_for_what_no_formula_comes_near():
    assert found("E3", "B10", "=EXP(B1)+E1^3*B2", E2="=E1") is None
