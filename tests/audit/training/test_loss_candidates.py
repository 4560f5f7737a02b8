"""The cell that is most likely the loss is asked first."""

from __future__ import annotations

from gradbook.audit.training.steps import called_a_loss, candidates, inside_of, is_cut
from tests.audit.material.small import all_at, at
from tests.audit.training.test_training import ONE, the_training

TABLE = {
    **ONE,
    "F1": "out",
    "F2:F8": "=A2*$K$1",
    "G1": "E1",
    "G2:G8": "=(F2-$K$2)^2",
    "H1": "penalty",
    "H2:H8": "=0.01*A2^2",
    "I1": "E_total",
    "I2:I8": "=G2+H2",
    "B2:B8": "=2*(F2-$K$2)*$K$1+0.02*A2",
    "K1": 0.7,
    "K2": 0.4,
}


def test_the_total_comes_before_its_parts_and_no_gradient_is_among_them():
    found = candidates(the_training(TABLE))
    assert found[0] == at("I2")
    assert set(found) == set(map(at, ("F2", "G2", "H2", "I2")))


def test_cells_are_called_losses_by_their_headings():
    training = the_training({**TABLE, "F1": "output", "H1": "J2"})
    assert [called_a_loss(training, at(f"{word}3")) for word in "FGHI"] == [
        False,
        True,
        True,
        True,
    ]


def test_what_is_inside_a_cell_ends_at_the_weights():
    training = the_training(TABLE)
    assert inside_of(training, at("F4")) == {at("F4"), at("A4"), at("K1")}
    assert inside_of(training, at("A4")) == {at("A4")}


def test_a_blank_on_the_way_cuts_a_cell_off():
    assert not is_cut(the_training(TABLE), at("I2"))
    assert is_cut(the_training({**TABLE, "G2:G8": "=(F2-Z2)^2"}), at("I2"))


def test_a_cell_that_repeats_the_loss_names_it():
    training = the_training({**TABLE, "I1": "", "M1": "loss", "M2:M8": "=I2"})
    assert candidates(training)[0] == at("I2")
    assert not {*all_at("M2:M8")} & set(candidates(training))
