"""Outputs are found by what formulas compare: a result with a number that it doesn't depend on."""

from __future__ import annotations

from gradbook.audit.backward.outputs import OutputPair, cells_of_sheet
from tests.audit.material.small import at, small
from tests.audit.material.worked_once.list import listed, listed_cells


def test_an_output_and_its_target():
    assert listed_cells().pairs == (OutputPair(at("B13"), at("B14")),)


def test_a_sheet_that_compares_nothing_has_none():
    assert cells_of_sheet(*small({"A1": 1.0, "A2": 2.0, "A3": "=A1-A2"}), 0) is None


def test_matrices_are_compared_cell_by_cell():
    cells = {"A1:B2": 1.0, "A5": 2.0, "C1:D2": "=A1+$A$5", "F1:G2": 0.5}
    cells |= {"H1": "=SUMXMY2(C1:D2,F1:G2)"}
    found = cells_of_sheet(*small(cells), 0)
    pairs = {
        OutputPair(at(o), at(t))
        for o, t in zip(("C1", "D1", "C2", "D2"), ("F1", "G1", "F2", "G2"), strict=True)
    }
    assert found is not None
    assert set(found.pairs) == pairs


def test_one_target_used_twice_leaves_the_other_to_the_second_output():
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=A1*A2", "B2": "=A1+A2", "C1": 0.1, "C2": 0.9}
    compared = {"D1": "=(B1-C1)^2", "D2": "=(B2-C1)^2"}
    found = cells_of_sheet(*small({**cells, **compared}), 0)
    assert found is not None
    assert set(found.pairs) == {OutputPair(at("B1"), at("C1")), OutputPair(at("B2"), at("C2"))}


def test_outputs_that_add_to_one_are_a_group():
    cells = {"A1:A2": 1.0, "B1:B2": "=EXP(A1*$A$1)", "C1:C2": "=B1/SUM(B$1:B$2)", "D1:D2": 0.5}
    found = cells_of_sheet(*small({**cells, "E1:E2": "=C1-D1"}), 0)
    assert found is not None
    assert [{pair.output for pair in group} for group in found.groups] == [{at("C1"), at("C2")}]


def test_what_depends_on_a_target_is_below_it():
    cells = listed_cells()
    assert at("E1") in cells.below_targets
    assert at("B13") not in cells.below_targets
    assert cells.is_leaf(at("B3"))
    assert not cells.is_leaf(at("B9"))


def test_a_blank_with_a_user_is_a_number_that_nobody_has_typed_yet():
    book, flow = small({k: v for k, v in listed().items() if k != "B14"})
    found = cells_of_sheet(book, flow, 0)
    assert found is not None
    assert found.pairs == (OutputPair(at("B13"), at("B14")),)
