"""Which cells go on from a weight, whichever way a condition goes."""

from __future__ import annotations

import pytest

from gradbook.audit.rules.perceptron import bases, find_perceptrons, rule_updates
from gradbook.audit.rules.rule_form import RATE
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, edited
from tests.audit.material.small import all_at, at, small, small_book


@pytest.mark.parametrize(
    ("formula", "kept"),
    [
        ("=A1+B1*C1", ["A1"]),
        ("=A1-B1", ["A1"]),
        ("=A1+B1", ["A1", "B1"]),
        ("=SUM(A1,B1)", ["A1", "B1"]),
        ("=IF(B1=C1,A1,A1+B1*C1)", ["A1"]),
        ("=IF(B1=C1,A1,B1)", []),
        ("=A1", []),
        ("=A1*B1", []),
    ],
)
def test_a_formula_goes_on_from_what_it_keeps_either_way(formula, kept):
    pattern = small_book({"E5": formula}).patterns[at("E5")]
    assert [place.at(at("E5")) for place in bases(pattern)] == [at(name) for name in kept]


@pytest.mark.parametrize(("areas", "weights"), [(ROWS, "D3:F10"), (COLUMNS, "C5:H6")])
def test_the_updates_are_those_cells_whose_change_depends_on_them(areas, weights):
    book, flow = small(areas)
    updates = rule_updates(book, flow)
    assert {update.cell for update in updates} == set(all_at(weights))


def test_a_sum_of_errors_is_no_weight():
    book, flow = small({**ROWS, "L2": 0.0, "L3:L10": "=L2+ABS(I2)"})
    assert not {update.cell for update in rule_updates(book, flow)} & set(all_at("L3:L10"))


def test_what_no_step_leads_to_is_no_update_by_the_rule():
    descent = {"A1": 1.0, "A2:A5": "=A1-0.1*A1"}
    book, flow = small({**descent, "C1:C5": '=IF(A1>0.5,"large","small")'})
    assert not rule_updates(book, flow)


# An update's form is read off its behaviour, in whatever words it is said --------------


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
    return found.form(next(update for update in found.updates if update.cell == at(name)))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("update", UPDATES)
def test_the_rule_is_known_in_many_words(step, update):
    found = form({"H2:H9": step, "D3:D10": update})
    assert found is not None
    assert (found.scales, found.apart, found.follows) == (True, True, True)
    assert found.factor == pytest.approx(RATE)
    assert (found.target, found.inputs) == (at("C2"), {at("A2")})
    assert (found.rates, found.levels) == ({at("K2")}, (0.0, 1.0))
    assert found.weights == set(all_at("D2:F2"))


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


@pytest.mark.parametrize(
    "update", ["=D2+$K$2*I2*B2", "=D2+$K$2*I2", "=D2+$K$2*C2*A2", "=D2+$K$2*I2*A2^2", "=D2+A2*H2"]
)
def test_anything_else_has_no_form(update):
    assert form({"D3:D10": update}) is None


def test_a_target_that_is_an_input_is_not_apart():
    found = form({"I2:I9": "=B2-H2"})
    assert found is not None
    assert not found.apart


def test_another_target_in_the_condition_does_not_only_scale():
    found = form({"D3:D10": "=IF(J2=H2,D2,D2+$K$2*I2*A2)", "J2:J9": 1.0})
    assert found is not None
    assert not found.scales


def test_what_the_sum_is_compared_with_is_a_threshold():
    found = form({"H2:H9": "=(G2>$L$2)*1", "L2": 0.5})
    assert found is not None
    assert found.thresholds == {at("L2")}
