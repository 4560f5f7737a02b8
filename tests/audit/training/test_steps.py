"""Steps that say the same of other cells are gathered, and the others stand apart."""

from __future__ import annotations

from gradbook.audit.training.steps import StepLoss, group_steps, steps_of
from tests.audit.material.small import all_at, at
from tests.audit.training.test_training import ONE, the_training

SQUARE = {**ONE, "B2:B8": "=2*A2*$G$1", "C1": "E", "C2:C8": "=$G$1*A2^2", "G1": 3.0}


def steps(changed, loss="C2:C8"):
    training = the_training({**SQUARE, **changed})
    return training, steps_of(training, [StepLoss((cell,)) for cell in all_at(loss)])


def test_a_step_is_its_weights_its_loss_and_its_claims():
    _, found = steps({})
    assert [step.number for step in found] == list(range(7))
    assert found[2].weights == (at("A4"),)
    assert found[2].loss == StepLoss((at("C4"),))
    assert found[2].claims[0][0].owner == at("B4")


def test_the_last_row_claims_what_the_row_before_it_claims():
    _, found = steps({})
    assert found[-1].claims[0][0].owner == at("B8")
    _, without = steps({"B8": "=EXP(2)"})
    assert without[-1].claims[0][0].owner == at("B8")
    _, blank = steps({"B8": ""})
    assert blank[-1].claims == ((),)


def test_of_a_weight_whose_column_has_ended_nothing_is_claimed():
    second = {"D2": 2.0, "D3:D5": "=D2-$E$1*F2", "F2:F8": "=2*D2*$G$1", "C2:C8": "=A2^2+D2^2"}
    _, found = steps(second)
    assert [len(step.claims[1]) for step in found] == [1, 1, 1, 1, 0, 0, 0]
    assert [step.weights[1] is None for step in found] == [False] * 4 + [True] * 3


def test_equal_rows_are_one_group_whose_cells_share_an_order():
    training, found = steps({})
    (group,) = group_steps(training, found)
    assert [step.number for step in group] == list(range(7))
    first, last = group[0].cells, group[-1].cells
    assert first.index(at("C2")) == last.index(at("C8"))
    assert first.index(at("G1")) == last.index(at("G1"))


def test_a_row_with_another_gradient_is_a_group_of_its_own():
    training, found = steps({"B5": "=3*A5*$G$1"})
    groups = sorted(group_steps(training, found), key=len)
    assert [[step.number for step in group] for group in groups] == [[3], [0, 1, 2, 4, 5, 6]]


def test_a_row_with_a_pasted_loss_is_a_group_of_its_own():
    training, found = steps({"C5": 0.75})
    assert sorted(map(len, group_steps(training, found))) == [1, 6]


def test_a_step_without_a_loss_is_none():
    training = the_training(SQUARE)
    assert [
        s.number for s in steps_of(training, [StepLoss((at("C2"),)), None, StepLoss((at("C4"),))])
    ] == [0, 2]
