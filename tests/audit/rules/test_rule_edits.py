"""The edits of a formula that are tried: each undoes one slip."""

import pytest

from gradbook.audit.formula.expression import EditKind
from gradbook.audit.rules.perceptron_findings import larger_edits, small_edits
from gradbook.targets.excel.language.grammar import read, write


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        ("D2+K2*I2*A2", "D2+K2*I2*B2", EditKind.REFERENCE),
        ("D2-K2*I2", "D2+K2*I2", EditKind.OPERATOR),
        ("H2-C2", "C2-H2", EditKind.ORDER),
        ("IF(G2>0,1,0)", "IF(G2<0,1,0)", EditKind.OPERATOR),
        ("IF(G2>0,0,1)", "IF(G2>0,1,0)", EditKind.ORDER),
        ("IF(G2>1,1,0)", "IF(G2>0,1,0)", EditKind.NUMBER),
        ("D2+I2*B2*B2", "D2+I2*B2", EditKind.OMISSION),
        ("D2+K2*I2", "D2+K2*I2*B2", EditKind.FACTOR),
        ("D2+(-K2)", "D2+K2", EditKind.SIGN),
    ],
)
def test_a_small_slip_is_one_edit_away(wrong, right, kind):
    expression, wanted = read(wrong), read(right)
    edits = [e for e in small_edits(expression, ["B2"]) if e.apply_to(expression) == wanted]
    assert kind in {edit.kind for edit in edits}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("A2*D2", "D2*A2"), ("A2*D2+F2", "A2*(D2+F2)"), ("A2*D2", "A2*D2+B2*E2"), ("A2", "A2+B2")],
)
def test_larger_ones_exchange_regroup_or_add_a_term(wrong, right):
    expression = read(wrong)
    made = {write(e.apply_to(expression)) for e in larger_edits(expression, ["B2"], [("B2", "E2")])}
    assert write(read(right)) in made


def test_ranges_are_left_alone():
    edits = small_edits(read("SUMPRODUCT(A2:B2,D2:E2)"), ["B2"])
    assert EditKind.REFERENCE not in {edit.kind for edit in edits}
