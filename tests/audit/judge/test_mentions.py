"""What a formula may mention, and in which words it does so from where it stands."""

from __future__ import annotations

import pytest

from tests.audit.material.network import NETWORK, groups_of, two_samples
from tests.audit.material.small import all_at, at


def mentions(*sheets):
    return groups_of(*sheets)[0].mentions


def without(cells, columns):
    """The cells but for the formulas of some columns."""
    return {name: said for name, said in cells.items() if name[0] not in columns or name[1:] == "1"}


def test_a_formula_may_mention_what_is_not_computed_from_it():
    found = mentions(NETWORK).candidates([at("D2")])
    assert {at("A2"), at("B2"), at("C2"), at("L1"), at("L2")} <= set(found)
    assert set(found).isdisjoint(all_at("D2:I2"))


def test_cells_of_other_steps_are_no_candidates():
    later = {**NETWORK, "H2:H8": "=G3*D2"}
    found = mentions(later).candidates([at("I2")])
    assert at("D2") in found
    assert set(found).isdisjoint(all_at("A3:I8"))


def test_what_nobody_uses_any_more_is_a_candidate():
    unused = {**NETWORK, "M2:M8": "=A2*2"}
    assert at("M2") in mentions(unused).candidates([at("H2")])


def test_the_nearest_comes_first_and_another_sheet_last():
    found = mentions(*two_samples()).candidates([at("E2", 1)])
    assert found[:2] == list(all_at("D2,C2", 1))
    assert found[-1] == at("A2")


@pytest.mark.parametrize(
    ("cell", "said"), [("D2", "D2"), ("A2", "A2"), ("L1", "$L$1")], ids=["row", "weight", "all"]
)
def test_what_serves_every_step_is_fixed(cell, said):
    assert mentions(NETWORK).reference(at(cell), at("H2")).text == said


def test_a_cell_of_another_sheet_is_called_by_that():
    found = mentions(*two_samples())
    assert found.reference(at("A2"), at("E2", 1)).text == "Sheet1!A2"
    assert found.reference(at("E2", 1), at("B2")).text == "Sheet2!E2"
    assert found.reference(at("C2", 1), at("E2", 1)).text == "C2"


def test_a_copy_on_the_formulas_own_sheet_is_mentioned_in_its_place():
    weights, samples = two_samples()
    copies = {"F2:F13": "=Sheet1!$G$1", "D2:D13": "=(C2-F2)^2"}
    shares = {"E2:E13": "=(C2-F2)*A2*2"}
    found = mentions({**weights, "G1": 0.8}, {**without(samples, "DE"), **copies, **shares})
    assert found.seen_from(at("G1"), at("E2", 1)) == at("F2", 1)
    assert found.seen_from(at("G1"), at("E3", 1)) == at("F3", 1)  # the nearest of two
    assert found.seen_from(at("G1"), at("B2")) == at("G1")
    assert found.reference(at("G1"), at("E3", 1)).text == "F3"


def test_a_copy_that_goes_along_with_the_steps_is_not_fixed():
    repeated = {**NETWORK, "J2:J8": "=$L$1", "C2:C8": "=A2*J2"}
    assert mentions(repeated).reference(at("L1"), at("I2")).text == "J2"
    down = {"M2": 0.4, "M3:M8": "=M2", "F2:F8": "=0.5*(E2-M2)^2", "G2:G8": "=E2-M2"}
    assert mentions({**NETWORK, **down}).reference(at("M2"), at("G2")).text == "M2"
