"""A right table is left alone by every generator; those of claims put their own formulas right."""

from __future__ import annotations

from gradbook.audit.repair.gradients import GENERATORS
from tests.audit.material.network import NETWORK, proposed, symptoms
from tests.audit.material.small import at
from tests.cases import for_each


@for_each("name", [generator.name for generator in GENERATORS])
def test_nothing_is_proposed_for_a_right_table(name):
    right = symptoms(NETWORK)
    assert right.wrong == {}
    assert proposed(name, right) == []


@for_each(
    ("name", "formula", "right"),
    [
        ("one edit", "=G2*C2", "G2*D2"),
        ("two edits", "=F2*C2", "G2*D2"),
        ("written anew", "=EXP(F2)", "G2*D2"),
    ],
)
def test_a_claims_own_formula_is_put_right(name, formula, right):
    (hypothesis,) = proposed(name, symptoms({**NETWORK, "H2:H8": formula}))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("H2"),), (right,))


@for_each(
    ("name", "formula"),
    [("one edit", "=F2*C2"), ("two edits", "=EXP(F2)"), ("one edit", "=EXP(F2)")],
)
def test_what_takes_more_is_left_to_those_that_are_asked_later(name, formula):
    assert proposed(name, symptoms({**NETWORK, "H2:H8": formula})) == []
