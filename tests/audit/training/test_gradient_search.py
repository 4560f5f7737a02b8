"""The gradient behind an update is found, whatever the rule makes of it before it is subtracted."""

from __future__ import annotations

import random

import pytest

from gradbook.audit.check import check
from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from tests.audit.material.layouts.optimisers import RATES, RULES, drawn_sketch
from tests.audit.material.layouts.places import laid
from tests.audit.material.made import cells_of

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


@pytest.mark.parametrize("decay", ["", "decay 0.01\n"], ids=["plain", "decay"])
@pytest.mark.parametrize("update", UPDATES)
def test_the_books_that_sheet_writes_are_right(update, decay, tmp_path):
    net = parse(f"{NETWORK}update {update}\n{decay}")
    path = tmp_path / "book.xlsx"
    write_workbook(net, path, epochs=5, rates=())
    assert check(path).verdict == "right"


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {ELSEWHERE}))
def test_a_rule_is_right_in_other_words(rule, tmp_path):
    for seed in (3, 8):
        table = laid(drawn_sketch(random.Random(seed), rule), "a step a row")
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.verdict, len(report.sheets)) == ("right", 1), report.findings


@pytest.mark.parametrize("rate", sorted(RATES))
def test_a_rate_may_go_on_with_the_steps(rate, tmp_path):
    for rule in ("descent", "momentum"):
        table = laid(drawn_sketch(random.Random(4), rule, rate), "a step a row")
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.verdict, len(report.sheets)) == ("right", 1), report.findings


@pytest.mark.parametrize(
    "rule", ["nesterov, rewritten", "adagrad, own rates", "descent, change apart", "adam"]
)
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
