"""Weights are put together with those they learn with, and their learning rate is found."""

from __future__ import annotations

from gradbook.audit.training.sheet_training import find_trainings
from tests.audit.material.small import all_at, at, small
from tests.cases import for_each

ONE = {
    "A1": "w",
    "B1": "slope",
    "D1": "η",
    "E1": 0.1,
    "A2": 0.5,
    "A3:A8": "=A2-$E$1*B2",
    "B2:B8": "=2*A2",
}
VELOCITY = {**ONE, "C2": "=B2", "C3:C8": "=0.9*C2+B3", "A3:A8": "=A2-$E$1*C2"}


def the_training(*sheets):
    (found,) = find_trainings(*small(*sheets))
    return found


def test_weights_that_depend_on_each_other_learn_together():
    other = {"F1": "v", "F2": 0.2, "F3:F8": "=F2-$E$1*G2", "G2:G8": "=F2*A2"}
    training = the_training({**ONE, **other})
    assert training.names == ("w", "v")
    assert [weight.start for weight in training.weights] == [at("A2"), at("F2")]


def test_two_sheets_that_have_nothing_in_common_are_two_trainings():
    assert [training.sheet for training in find_trainings(*small(ONE, ONE))] == [0, 1]


def test_weights_that_are_called_the_same_are_told_apart_by_their_cells():
    other = {"F1": "w", "F2": 0.2, "F3:F8": "=F2-$E$1*G2", "G2:G8": "=F2*A2"}
    assert the_training({**ONE, **other}).names == ("w[A2]", "w[F2]")


def test_a_training_knows_its_cells():
    training = the_training(ONE)
    assert training.steps == 6
    assert training.weight_cells[at("A4")] == (0, 2)
    assert training.computed_cells == set(all_at("B2:B8"))
    assert training.varying == {*all_at("A2:A8"), *all_at("B2:B8")}


@for_each(
    ("changed", "rate"),
    [
        ({}, "E1"),
        ({"A3:A8": "=A2-E1*B2"}, "E1"),  # it drifts from the second row on
        ({"E1": "=F1", "F1": 0.1}, "F1"),
        ({"A3:A8": "=A2-0.1*B2"}, None),
        ({"A3:A8": "=A2-$H$7*B2"}, "E1"),  # a blank; the one that is called so is used by nobody
    ],
    ids=["anchored", "drifting", "repeated", "typed into the formula", "unused"],
)
def test_the_rate_is_what_updates_multiply_with_though_it_depends_on_no_weight(changed, rate):
    assert the_training({**ONE, **changed}).rate == (at(rate) if rate else None)


def test_a_cell_that_is_computed_from_what_it_was_looks_back():
    assert the_training(ONE).looking_back == set()
    training = the_training(VELOCITY)
    assert training.looking_back == set(all_at("C3:C8"))
    assert training.before(at("C4"), at("C3"))
    assert not training.before(at("A4"), at("A3"))  # a weight goes on, which is another matter


def test_a_cell_that_repeats_a_constant_stands_for_it():
    training = the_training({**ONE, "F2:F8": "=$E$1", "A3:A8": "=A2-F2*B2"})
    assert training.plain(at("F5")) == at("E1")
    assert training.plain(at("B5")) == at("B5")


def test_an_update_that_cannot_be_read_leaves_the_rate_to_the_others():
    other = {"F1": "v", "F2": 0.2, "F3:F8": "=F2-$E$1*G2", "G2:G8": "=F2*A2"}
    training = the_training({**ONE, **other, "F3": "=F2-)$E$1*G2"})
    assert training.names == ("w", "v")
    assert training.rate == at("E1")
