"""Every cell of a step has its place in the others, however far apart these are."""

from __future__ import annotations

import numpy as np

from tests.audit.material.network import NETWORK, groups_of, two_samples
from tests.audit.material.small import all_at, at
from tests.cases import for_each


def first(*sheets):
    """The first of most steps, and where its cells stand."""
    tested = groups_of(*sheets)[0]
    return tested, tested.positions


@for_each(
    ("cell", "there"),
    [("A2", "A5"), ("A3", "A6"), ("D2", "D5"), ("I2", "I5"), ("L1", "L1"), ("K1", "K1")],
    ids=["a weight", "the next one", "an activation", "a gradient", "an input", "a heading"],
)
def test_what_is_a_steps_own_moves_with_it_and_what_serves_all_stays(cell, there):
    tested, positions = first(NETWORK)
    assert positions.there(at(cell), tested.alike[3]) == at(there)
    assert positions.there(at(cell), tested.step) == at(cell)


def test_samples_move_by_their_own_distance_and_weights_by_theirs():
    tested, positions = first(*two_samples())
    later = tested.alike[2]
    assert positions.there(at("A2"), later) == at("A4")
    assert positions.there(at("C2", 1), later) == at("C6", 1)
    assert positions.there(at("C3", 1), later) == at("C7", 1)


def test_a_cell_that_nothing_uses_moves_with_those_beside_it():
    tested, positions = first({**NETWORK, "M2:M8": 0.3})
    assert not positions.owns(at("M2"))
    assert positions.there(at("M2"), tested.alike[2]) == at("M4")


def test_after_the_last_update_a_weight_goes_no_further():
    tested, positions = first(NETWORK)
    assert positions.there(at("A7"), tested.alike[1]) == at("A8")
    assert positions.there(at("A7"), tested.alike[4]) == at("A7")


def test_a_step_owns_its_weights_and_all_it_is_made_of():
    _, positions = first(NETWORK)
    assert all(positions.owns(at(cell)) for cell in ("A2", "B2", "C2", "I2", "L1"))
    assert not any(positions.owns(at(cell)) for cell in ("A3", "C3", "K1"))


def test_rows_hold_what_belongs_to_the_step_alone():
    _, positions = first(NETWORK)
    assert {frozenset(cells) for cells in positions.rows.values()} == {frozenset(all_at("A2:I2"))}


def test_cells_of_other_steps_are_computed_from_their_weights():
    _, positions = first(NETWORK)
    assert all(map(positions.is_of_other_steps, all_at("C3:I8")))
    assert not any(map(positions.is_of_other_steps, all_at("C2:I2")))


def test_a_cell_of_two_steps_is_neithers_alone():
    _, positions = first({**NETWORK, "M3:M8": "=0.9*C2+C3"})
    assert not positions.is_of_other_steps(at("M3"))
    assert positions.is_of_other_steps(at("M4"))


def test_a_formula_that_neither_the_loss_nor_a_claim_uses_is_unused():
    assert first(NETWORK)[1].unused_formulas == []
    beside = {**NETWORK, "M2:M8": "=A2*2", "N2:N8": "=$L$1*2"}
    assert first(beside)[1].unused_formulas == [at("M2")]  # the other one depends on no weight


def test_a_blank_counts_as_nothing_and_words_as_no_number():
    _, positions = first(NETWORK)
    assert positions.value(at("L1")) == 0.7
    assert positions.value(at("Z9")) == 0
    assert np.isnan(positions.value(at("K1")))


def test_the_values_of_a_cell_are_those_in_every_step():
    tested, positions = first(*two_samples())
    some = tested.alike[:3]
    assert positions.values(at("A3", 1), some).tolist() == [0.7] * 3
    book = tested.training.book
    wanted = [book.values[cell] for cell in all_at("C3,C5,C7", 1)]
    assert positions.values(at("C3", 1), some).tolist() == wanted
    assert len(set(wanted)) == 3


# What a formula may mention, and in which words it does so from where it stands --------


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


@for_each(
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
