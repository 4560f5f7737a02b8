"""Edits of a formula: what one of them makes of it."""

from __future__ import annotations

from itertools import islice

from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    pointless_parts,
    regroup,
    shorten,
    tidy,
)
from gradbook.cells.formula.syntax import Reference, read, write
from tests.cases import for_each


@for_each(
    ("text", "other"),
    [
        ("A1+B1*C1", "(A1+B1)*C1"),
        ("(A1+B1)*C1", "A1+B1*C1"),
        ("A1*(B1-C1)", "A1*B1-C1"),
        ("A1+B1^2", "(A1+B1)^2"),
        ("(A1-B1)^2", "A1-B1^2"),
        ("-(A1^2)", "(-A1)^2"),
    ],
)
def test_parentheses_stand_elsewhere_after_one_edit(text, other):
    assert read(other) in list(regroup(read(text)))


def test_a_formula_without_one_factor_or_one_term():
    found = {(write(rest), write(out)) for rest, out in shorten(read("A1*B1-C1"))}
    assert found == {("B1-C1", "A1"), ("A1-C1", "B1"), ("-C1", "A1*B1"), ("A1*B1", "C1")}


@for_each(
    ("text", "count"),
    [
        ("A1-A1", 1),
        ("B1/B1+0*A1", 2),
        ("A1^0", 1),
        ("A1^-0", 1),
        ("A1*B1", 0),
        ("IF(1>0,A1)", 1),
        ("IF(A1*A1>0,A1)", 1),
        ("IF(A1*B1>0,A1)", 0),
    ],
)
def test_parts_that_come_to_nothing_are_counted(text, count):
    assert pointless_parts(read(text)) == count


@for_each(
    ("text", "shown"),
    [
        ("2*A1*3", "6*A1"),
        ("-(A1-B1)*C1", "(B1-A1)*C1"),
        ("2*(A1-B1)*C1/2", "(A1-B1)*C1"),
        ("2/2", "1"),
        ("2*A1/20", "2*A1/20"),
        ("A1--B1", "A1+B1"),
        ("A1+-B1", "A1-B1"),
        ("IF(IF(A1-0>0,1,0)>0,B1,0)", "IF(A1>0,B1,0)"),
        ("EXP($D$1*LN(1-A1))/A1", "(1-A1)^$D$1/A1"),
        ("EXP(-(2*LN(A1)))", "A1^(-2)"),
        ("IF(IF(A1-1>0,0,IF(1-A1>0,0,1))>0,B1,C1)", "IF(A1=1,B1,C1)"),
        ("IF(A1=1,0,B1)+IF(A1=1,C1,0)", "IF(A1=1,C1,B1)"),
        ("5*(A1/5-B1/5/C1)", "A1-B1/C1"),
        ("5*IF(A1>0,A1/5,-B1/5)*C1", "IF(A1>0,A1,-B1)*C1"),
        ("5*(A1/5-B1)", "5*(A1/5-B1)"),
    ],
)
def test_a_formula_is_written_as_one_would(text, shown):
    assert write(tidy(read(text))) == shown


def test_an_edit_is_applied_at_each_of_its_paths():
    old, new = Reference("A1"), Reference("B1")
    edit = Edit(EditKind.REFERENCE, ((0,), (1, 0)), old, new)
    assert write(edit.apply_to(read("A1*(A1+C1)"))) == "B1*(B1+C1)"


def test_exchanged_references_stand_in_each_others_places():
    edit = Edit(EditKind.EXCHANGE, ((0,), (1,)), Reference("A1"), Reference("B1"))
    assert write(edit.apply_to(read("A1-B1"))) == "B1-A1"


def test_an_edit_is_the_same_wherever_its_cells_stand():
    def edit(one: str, other: str) -> Edit:
        return Edit(EditKind.REFERENCE, ((0,),), Reference(one), Reference(other))

    here = edit("J33", "L33").with_names(_by("J33", "L33"))
    there = edit("M5", "O5").with_names(_by("M5", "O5"))
    assert here == there


def _by(one: str, other: str):
    return lambda mention: {one: "a_h1", other: "a_h2"}[mention.text]


def test_the_groupings_of_a_long_sum_are_made_as_they_are_asked_for():
    long = "+".join(f"A{k}*B{k}" for k in range(1, 400))
    few = list(islice(regroup(read(long)), 50))
    assert len(set(few)) == 50
