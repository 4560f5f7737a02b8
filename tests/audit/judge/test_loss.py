"""The loss is what most gradients are gradients of."""

from __future__ import annotations

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.audit.judge.loss import (
    every_step,
    find_loss,
    loss_findings,
    loss_notes,
    name_of_loss,
)
from gradbook.audit.training.training_steps import AssumedLoss, StepLoss
from gradbook.cells.formula import formula_values
from gradbook.cells.formula.formula_values import TooMuch
from tests.audit.material.lookalikes import book, cells, findings
from tests.audit.material.small import all_at, at, saved
from tests.audit.training.test_steps import TABLE
from tests.audit.training.test_training import the_training
from tests.cases import for_each


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


def test_a_loss_that_is_too_large_to_follow_is_said_and_no_training_denied(monkeypatch):
    monkeypatch.setattr(formula_values, "MOST_VALUES", 3)
    cleared = {"F1:H8": "x", "K3:K4": 0.1, "B2:B8": "=EXP(A2)"}
    total = {"I2:I8": "=SUM((A2*TRANSPOSE($K$1:$K$4)-$K$2)^2)"}
    with pytest.raises(TooMuch, match="I2 has more than 3 values at once"):
        find_loss(the_training({**TABLE, **cleared, **total}))


# A weight that learns from an error; what it could be the slope of stands in column I, if anywhere

DELTA = {
    "A1": "w",
    "B1": "output",
    "C1": "target",
    "D1": "error",
    "E1": "gradient",
    "K1": "η",
    "K2": 0.5,
    "J1": "input",
    "J2:J8": 0.3,
    "C2:C8": 0.8,
    "A2": 0.4,
    "A3:A8": "=A2-$K$2*E2",
    "B2:B8": "=A2*J2",
    "D2:D8": "=B2-C2",
    "E2:E8": "=D2*J2",
}


def test_where_no_cell_holds_the_loss_it_is_the_one_whose_slope_the_error_is():
    training = the_training(DELTA)
    loss, share = find_loss(training)
    assert share == 1
    assert loss[0].assumption is AssumedLoss.SQUARED
    assert name_of_loss(training, loss[0]) == "1/2 * (B2-C2)^2"
    assert "no cell contains the loss" in next(loss_notes(training, loss[0], all_right=True))


def test_an_assumed_loss_is_that_of_every_step():
    loss, _ = find_loss(the_training(DELTA))
    said = [step.errors[0].pattern.text_at(step.cells[0]) for step in loss[:7]]
    assert said == [f"B{row}-C{row}" for row in range(2, 9)]


def test_an_error_is_no_loss_though_it_is_called_one():
    loss, _ = find_loss(the_training({**DELTA, "D1": "total loss", "E2:E8": "=D2*C2"}))
    assert loss[0].assumption is AssumedLoss.SQUARED


def test_a_logarithm_of_the_output_is_assumed_where_it_explains_more():
    changed = {"B2:B8": "=1/(1+EXP(-A2*J2))"}
    loss, share = find_loss(the_training({**DELTA, **changed}))
    assert (loss[0].assumption, share) == (AssumedLoss.BINARY, 1)


@for_each(("scaled", "said"), [("=D2*J2*2/7", "2/7"), ("=3*J2*D2", "3")])
def test_one_factor_in_all_gradients_belongs_to_the_scale_of_the_loss(scaled, said):
    training = the_training({**DELTA, "H1": "loss", "H2:H8": "=(B2-C2)^2/2", "E2:E8": scaled})
    loss, share = find_loss(training)
    assert (loss[0].cells, share) == ((at("H2"),), 1)
    assert f"every gradient is {said} times the slope of H2" in next(
        loss_notes(training, loss[0], all_right=True)
    )


def test_the_root_of_a_mean_is_looked_at_and_not_descended():
    training = the_training({**DELTA, "H1": "RMSE", "H2:H8": "=SQRT((B2-C2)^2/7)"})
    assert find_loss(training)[0][0].assumption is AssumedLoss.SQUARED


@for_each(
    ("term", "wrong"),
    [
        ("E1", "=0.5*({t2}-{a_o1})^2"),
        ("E2", "=0.5*({t2}-{a_o1})^2"),
        ("E1", "=0.5*({t1}-{o1})^2"),
        ("E2", "=0.5"),
        ("E1", "=({t1}-{a_o1})^2"),
    ],
)
def test_a_term_unlike_the_others_is_to_blame_and_not_the_gradients(path, term, wrong):
    (finding,) = findings(book(path, {term: wrong}))
    assert (finding.quantity, finding.cells) == (term, cells(term))
    mended = path.with_name("mended.xlsx")
    mended.write_bytes(correct(path, check(path)).content)
    assert check(mended).verdict == "right"


@for_each("end", [10, 22])
def test_descents_below_each_other_from_points_that_are_typed_have_a_loss_each(path, end):
    """As where x is typed again row by row: f, f' and x − α·f' beside it."""
    rows = {"A1": "x", "B1": "f'", "C1": "x - f'*(alpha)", "D1": "f", "E1": "alpha", "E2": 0.05}
    for row in range(2, end):
        rows |= {f"A{row}": 11.1 - 0.9 * row, f"B{row}": f"=2*A{row}-2"}
        rows |= {f"C{row}": f"=A{row}-B{row}*$E$2", f"D{row}": f"=A{row}^2-2*A{row}+1"}
    report = check(saved(path, rows))
    (sheet,) = report.sheets
    assert (report.verdict, sheet.loss) == ("right", "D2+D3+D4+D5+D6+…")
    assert check(saved(path, {**rows, "B9": "=2*A9"})).verdict == "wrong"


@for_each("title", ["E", "x", ""], ids=["called a loss", "called something else", "not called"])
def test_an_output_that_is_compared_with_its_target_is_no_loss(title, path):
    cells = {"B2": 0.4, "B3:B9": "=B2-0.5*E2", "A2:A9": 0.7, "C2:C9": "=1/(1+EXP(-A2*B2))"}
    rest = {"D2:D9": "=($F$2-C2)^2/2", "E2:E9": "=C2*(1-C2)*A2", "F2": 0.2}
    heads = {"A1": "i1", "B1": "w1", "C1": "a", "D1": title or None, "E1": "∂E/∂w1"}
    report = check(saved(path, {**cells, **rest, **heads}))
    assert [(f.cells, f.expected) for s in report.sheets for f in s.findings] == [
        ("E2:E9", "=C2*(1-C2)*A2*(C2-$F$2)")
    ]


BELL = {  # two units exp(-(x-m)^2/2), whose gradients are those of a sum with a minus
    "A1": "rate",
    "B1": 0.3,
    "C1": "x",
    "D1": 0.8,
    "E1": "t",
    "F1": 1.1,
    "A3": "m1",
    "B3": "m2",
    "C3": "c",
    "D3": "u1",
    "E3": "u2",
    "F3": "error",
    "G3": "loss",
    "H3": "g1",
    "I3": "g2",
    "J3": "gc",
    "A4": 0.2,
    "B4": 1.7,
    "C4": 0.6,
    "A5:A10": "=A4-$B$1*H4",
    "B5:B10": "=B4-$B$1*I4",
    "C5:C10": "=C4-$B$1*J4",
    "D4:E10": "=EXP(-((A4-$D$1)^2)/2)",
    "F4:F10": "=C4*D4+E4-$F$1",
    "G4:G10": "=F4^2/2",
    "H4:H10": "=F4*C4*D4*($D$1-A4)",
    "I4:I10": "=F4*E4*($D$1-B4)",
    "J4:J10": "=F4*D4",
}


def test_a_minus_before_a_square_is_squared_with_it(path):
    assert check(saved(path, BELL)).verdict == "right"
    (finding,) = check(saved(path, BELL | {"D4:E10": "=EXP(-(A4-$D$1)^2/2)"})).findings
    assert finding.cells == "D4:D10,E4:E10"
    assert finding.fixes["E5"] == "=EXP(-((B5-$D$1)^2)/2)"
