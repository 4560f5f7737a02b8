"""What put most steps right is tried again in the others."""

from __future__ import annotations

from gradbook.audit.repair.symptoms import EarlierRows
from tests.audit.material.network import NETWORK, groups_of, proposed, symptoms_of
from tests.audit.material.small import at
from tests.cases import for_each

# What put a column or a claim right in most rows is tried again in a row of another ----


SUM = {"E2:E8": "=B2*C2"}
CLAIM = {"H2:H8": "=G2*C2"}
APART = {"F5": "=($L$2-E5)^2/2"}  # a row that says the same in other words


def in_the_other_row(changed, known):
    """What generators say of the fourth row, once `known` has told what most rows taught."""
    usual, other = groups_of({**NETWORK, **changed})
    earlier = EarlierRows()
    known(symptoms_of(usual), earlier)
    return symptoms_of(other, earlier)


def column(usual, earlier):
    hypothesis = max(proposed("changed columns", usual), key=lambda one: len(one.explains))
    earlier.columns.append((usual.under_test.step, hypothesis))


def test_a_column_is_put_right_as_in_other_rows():
    (hypothesis,) = proposed("known columns", in_the_other_row({**SUM, **APART}, column))
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E5"),), ("B5*D5",))


@for_each(
    ("name", "changed", "known"),
    [
        ("known columns", {**SUM, "E5": "=B5*D5"}, column),
        ("known columns", {**SUM, "E5": "=A5*D5"}, column),
    ],
    ids=["a right cell", "another formula"],
)
def test_where_the_row_says_something_else_nothing_is_proposed(name, changed, known):
    assert proposed(name, in_the_other_row(changed, known)) == []


def test_where_nothing_is_known_nothing_is_proposed():
    found = in_the_other_row({**SUM, **CLAIM, **APART}, lambda usual, earlier: None)
    assert found.wrong
    assert proposed("known columns", found) == []
