"""The loss is what most gradients are gradients of."""

from __future__ import annotations

from gradbook.audit.judge.loss import every_step, find_loss, loss_findings
from gradbook.audit.training.step_loss import StepLoss
from tests.audit.material.lookalikes import book, cells, findings
from tests.audit.material.small import all_at, at
from tests.audit.training.test_loss_candidates import TABLE
from tests.audit.training.test_training import the_training


def test_a_loss_that_leaves_out_a_term_is_found(path):
    (finding,) = findings(book(path, {"E_total": "={E1}"}))
    assert (finding.kind, finding.cells) == ("loss without a term", cells("E_total"))


def test_the_loss_is_the_cell_that_the_gradients_are_of_however_it_is_called():
    loss, share = find_loss(the_training({**TABLE, "H1": "loss", "I1": "x"}))
    assert loss[0] == StepLoss((at("I2"),))
    assert share == 1


def test_the_loss_of_every_step_stands_in_its_own_row():
    loss, _ = find_loss(the_training(TABLE))
    assert loss == [StepLoss((cell,)) for cell in all_at("I2:I8")]


def test_a_row_without_a_formula_has_no_loss():
    training = the_training({**TABLE, "I5": 0.1})
    assert every_step(training, StepLoss((at("I2"),)))[3] is None


def test_a_term_that_the_gradients_count_belongs_to_the_loss():
    training = the_training({**TABLE, "I2:I8": "=1*G2"})
    loss, share = find_loss(training)
    assert set(loss[0].cells) == {at("I2"), at("H2")}
    assert share == 1
    (finding,) = loss_findings(training, loss)
    assert (finding.kind, finding.cells) == ("loss without a term", "I2:I8")
    assert "penalty" in finding.why


def test_what_no_gradient_fits_is_no_loss_unless_it_is_called_one():
    other = {"B2:B8": "=EXP(A2)", "G1": "x", "H1": "x", "I1": "x", "F1": "x"}
    straight = {"F2:F8": "=A2*0.7", "G2:G8": "=F2-$K$2", "H2:H8": "=0.01*A2"}
    assert find_loss(the_training({**TABLE, **other, **straight})) == ([], 0.0)
    loss, share = find_loss(the_training({**TABLE, **other}))
    assert loss
    assert share == 0
