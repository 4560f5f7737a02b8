"""The gradient behind an update is found, whatever the rule makes of it before it is subtracted."""

from __future__ import annotations

import random

from gradbook.audit.check_book import check
from gradbook.audit.training.claims import claims, every_claim, first_claims
from gradbook.cells.formula.syntax import write
from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from tests.audit.material.layouts.optimisers import RATES, RULES, drawn_sketch, with_rule
from tests.audit.material.layouts.places import laid
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.made import cells_of
from tests.audit.material.small import at
from tests.audit.training.test_training import ONE, VELOCITY, the_training
from tests.cases import for_each

UPDATES = ["momentum 0.8", "momentum 0.8 nesterov", "adam", "adam 0.8 0.9 0.001", "adamw"]
NETWORK = """input 2
dense 3
tanh
dense 2
sigmoid
loss half squared error
sample 0.1 0.9 -> 0.3 0.6
sample 0.5 0.2 -> 0.7 0.1
"""
ELSEWHERE = "descent, new weight apart"  # no line of cells, each the next of the one above


@for_each("decay", ["", "decay 0.01\n"], ids=["plain", "decay"])
@for_each("update", UPDATES)
def test_the_books_that_sheet_writes_are_right(update, decay, tmp_path):
    net = parse(f"{NETWORK}update {update}\n{decay}")
    path = tmp_path / "book.xlsx"
    write_workbook(net, path, epochs=5, rates=())
    assert check(path).verdict == "right"


@for_each("rule", sorted(RULES.keys() - {ELSEWHERE}))
def test_a_rule_is_right_in_other_words(rule, tmp_path):
    for seed in (3, 8):
        table = laid(drawn_sketch(random.Random(seed), rule), "a step a row")
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.verdict, len(report.sheets)) == ("right", 1), report.findings


@for_each("rate", sorted(RATES))
def test_a_rate_may_go_on_with_the_steps(rate, tmp_path):
    for rule in ("descent", "momentum"):
        table = laid(drawn_sketch(random.Random(4), rule, rate), "a step a row")
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.verdict, len(report.sheets)) == ("right", 1), report.findings


@for_each("rule", ["nesterov, rewritten", "adagrad, own rates", "descent, change apart", "adam"])
def test_a_wrong_gradient_behind_a_rule_is_blamed_and_not_the_rule(rule, tmp_path):
    sketch = drawn_sketch(random.Random(11), rule)
    wrong = sketch.of("gradient")[0]
    spoilt = sketch.with_formula(wrong.called, f"2*({wrong.formula})")
    clean, table = (laid(each, "a step a row") for each in (sketch, spoilt))
    report = check(table.save(tmp_path / "book.xlsx"))
    (finding,) = report.findings
    changed = {
        place
        for place, content in table.sheets["Sheet1"].items()
        if clean.sheets["Sheet1"][place] != content
    }
    assert {(finding.sheet, *place) for place in cells_of(finding.cells)} == {
        ("Sheet1", *place) for place in changed
    }


# What an update takes for the gradient is found behind rates, signs and momentum -------


def claimed(changed, step=1):
    training = the_training({**ONE, **changed})
    return training, claims(training, training.weights[0], step)


@for_each(
    ("update", "owner", "said", "whole", "sign"),
    [
        ("=A2-$E$1*B2", "B3", "2*A2", True, 1),
        ("=A2+$E$1*B2", "B3", "2*A2", True, -1),
        ("=A2-$E$1*(-B2)", "B3", "2*A2", True, -1),
        ("=A2-$E$1*EXP(A2)*C2", "A4", "EXP(A2)*C2", False, 1),
        ("=A2-0.1*B2", "B3", "2*A2", True, 1),
        ("=A2*(1-$E$1*0.01)-$E$1*B2", "B3", "2*A2", True, 1),
        ("=A2-$E$1*(B2+0.01*A2)", "B3", "2*A2", True, 1),
    ],
    ids=["cell", "added", "negated", "typed out", "typed rate", "decay", "decay inside"],
)
def test_a_claim_is_what_is_left_of_an_update_without_the_rate(update, owner, said, whole, sign):
    _, (first, *_) = claimed({"A3:A8": update, "C2:C8": 0.3})
    assert (first.owner, first.whole, first.sign) == (at(owner), whole, sign)
    assert write(first.expression) == said  # as it stands in the first cell of its column


def test_several_terms_are_claimed_as_one_sum():
    _, (only,) = claimed({"A3:A8": "=A2-$E$1*B2-$E$1*C2", "C2:C8": "=3*A2"})
    assert write(only.expression) == "B2+C2"
    assert (only.owner, only.whole) == (at("A4"), False)


def test_a_velocity_claims_what_it_adds_to_what_it_was():
    _, (first, *_) = claimed(VELOCITY)
    assert first.owner == at("B3")
    assert first.via == (at("A4"), at("C3"))


def test_an_update_by_a_blank_claims_that_cell():
    _, (only,) = claimed({"B3": "", "B2": "=2*A2"}, step=1)
    assert (only.owner, only.whole) == (at("B3"), True)


def test_every_step_claims_what_stands_in_its_own_row():
    training = the_training(ONE)
    owners = [options[0].owner for options in every_claim(training)[0]]
    assert owners == [at(f"B{row}") for row in range(2, 8)]


def test_a_row_that_differs_claims_something_else():
    training = the_training({**ONE, "A5": "=A4+$E$1*B4"})
    signs = [options[0].sign for options in every_claim(training)[0]]
    assert signs == [1, 1, -1, 1, 1, 1]


def test_a_velocity_is_found_behind_its_correction():
    """Adam's m/(1−β^t) in a column of its own, between the update and what goes on."""
    corrected = {"D2:D8": "=C2/(1-0.9^F2)", "F2": 1.0, "F3:F8": "=F2+1"}
    _, (first, *_) = claimed({**VELOCITY, **corrected, "A3:A8": "=A2-$E$1*D2"})
    assert first.owner == at("B3")


def test_a_first_step_that_remembers_nothing_claims_what_the_others_do(path):
    line = Shape(3, 0, 1, "sigmoid", "sigmoid", 1, False, True)
    for rule in ("momentum as a mean", "adam, correction inside"):
        sketch = with_rule(line, random.Random(7), rule)
        judged = changed(path, sketch, "a form per step", "∂E/∂w2", "{δo1}*{x3}")
        assert "wrong formula" not in judged.words, judged.words  # in the first step alone


def test_a_first_step_claims_what_it_takes_where_the_others_take_another_weights(path):
    shape = Shape(2, 2, 1, "tanh", "sigmoid", 2, False, True)
    sketch = with_rule(shape, random.Random(7), "adamw")
    wrong = "{β1}*{m_b1<}+(1-{β1})*{∂E/∂w3}"
    judged = changed(path, sketch, "a block per step", "m_b1", wrong)
    assert judged.found, judged.words  # the first step, which takes its own, isn't blamed


@for_each(
    "changed",
    [
        {},
        {"B5": "=3*A5"},
        {"B5": "=2*A4"},
        {"B5": 0.25},
        {"A5": "=A4+$E$1*B4"},
        {"B2:B8": "=2*A2*C2*$C$4", "C2:C8": 0.3},  # a cell that has two parts in one step
        {"B2:B8": "=2*A2*C2", "C2:C8": 0.3},
    ],
)
def test_claims_that_are_carried_on_are_those_that_would_be_found(changed):
    training = the_training({**ONE, **changed})
    (weight,) = training.weights
    (carried,) = every_claim(training)
    assert carried == [tuple(claims(training, weight, k)) for k in range(len(weight.updates))]
    assert first_claims(training) == [carried[0]]
