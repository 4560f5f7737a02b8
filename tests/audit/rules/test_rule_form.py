"""An update's form is read off its behaviour, in whatever words it is said."""

from __future__ import annotations

import pytest

from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.rule_form import RATE
from tests.audit.material.perceptrons.small import ROWS, edited
from tests.audit.material.small import at, small
from tests.cases import for_each

STEPS = [
    "=IF(G2>0,1,0)",
    "=--(G2>=0)",
    "=N(G2>0)",
    "=INT(G2>0)",
    "=IF(G2<=0,0,1)",
    "=(SIGN(G2)+1)/2",
    "=ROUND(1/(1+EXP(-G2)),0)",
]
UPDATES = [
    "=D2+$K$2*I2*A2",
    "=D2-A2*$K$2*(H2-C2)",
    "=SUM(D2,$K$2*(C2-H2)*A2)",
    "=IF(C2=H2,D2,D2+$K$2*I2*A2)",
    "=D2+IF(I2<>0,A2*I2*$K$2,0)",
    "=IF(I2=0,D2,IF(I2>0,D2+$K$2*A2,D2-$K$2*A2))",
]


def form(cells, name="D3"):
    book, flow = small(edited(ROWS, cells))
    (found,) = find_perceptrons(book, flow)
    return found.rules.form(next(update for update in found.updates if update.cell == at(name)))


@for_each("step", STEPS)
@for_each("update", UPDATES)
def test_the_rule_is_known_in_many_words(step, update):
    found = form({"H2:H9": step, "D3:D10": update})
    assert found is not None
    assert found.follows
    assert found.factor == pytest.approx(RATE)
    assert (found.target, found.inputs) == (at("C2"), {at("A2")})
    assert (found.rates, found.levels) == ({at("K2")}, (0.0, 1.0))


def test_a_typed_rate_is_its_factor():
    found = form({"D3:D10": "=D2+0.25*I2*A2"})
    assert found is not None
    assert (found.factor, found.rates) == (pytest.approx(0.25), set())


def test_a_bias_has_no_input():
    found = form({}, "F3")
    assert found is not None
    assert not found.inputs


def test_an_update_the_wrong_way_has_a_negative_factor():
    found = form({"D3:D10": "=D2-$K$2*I2*A2"})
    assert found is not None
    assert found.factor == pytest.approx(-RATE)


@for_each(
    "update", ["=D2+$K$2*I2*B2", "=D2+$K$2*I2", "=D2+$K$2*C2*A2", "=D2+$K$2*I2*A2^2", "=D2+A2*H2"]
)
def test_anything_else_has_no_form(update):
    assert form({"D3:D10": update}) is None


def test_a_target_that_is_an_input_is_none_of_a_right_update():
    (found,) = find_perceptrons(*small(edited(ROWS, {"I2:I9": "=B2-H2"})))
    assert form({"I2:I9": "=B2-H2"}).target is None
    assert all(found.wrong(step) == set(step) for step in found.steps)


def test_another_target_in_the_condition_leaves_none_that_is_sure():
    found = form({"D3:D10": "=IF(J2=H2,D2,D2+$K$2*I2*A2)", "J2:J9": 1.0})
    assert found is not None
    assert found.target is None


def test_what_the_sum_is_compared_with_is_a_threshold():
    found = form({"H2:H9": "=(G2>$L$2)*1", "L2": 0.5})
    assert found is not None
    assert found.thresholds == {at("L2")}
