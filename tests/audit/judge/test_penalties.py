"""A cost's penalty for large weights and the decay of the updates belong together, or one of them
is missing on purpose."""

from __future__ import annotations

import random
from dataclasses import replace

from gradbook.audit.check_book import check
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.places import laid
from tests.audit.material.layouts.sketch import Quantity, Shape
from tests.cases import for_each

LINE = Shape(2, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 b1
SQUARES = "({w1}^2+{w2}^2+{b1}^2)"


def with_cost(formula, rule="decay"):
    """Weight decay, and a cost with some penalty beside the loss."""
    sketch = with_rule(LINE, random.Random(3), rule)
    return replace(sketch, quantities=(*sketch.quantities, Quantity("J", formula)))


@for_each(
    "formula", ["{E_total}+{λ}/2*" + SQUARES, "0.5*{λ}*" + SQUARES + "+{E_total}", "{E_total}"]
)
def test_a_penalty_with_the_slope_that_updates_subtract_is_right(formula, path):
    assert check(laid(with_cost(formula), "a step a row").save(path)).verdict == "right"


def test_a_penalty_in_the_cost_alone_is_a_choice_that_is_said(path):
    sketch = with_cost("{E_total}+0.1*" + SQUARES, "descent")
    report = check(laid(sketch, "a step a column").save(path))
    assert report.verdict == "right"
    assert "no update subtracts its slope" in str(report)


def test_decay_in_the_updates_alone_is_a_choice_that_is_said(path):
    sketch = with_cost("{E_total}").with_formula("w2", "{w2<}-{η}*{∂E/∂w2<}")
    report = check(laid(sketch, "a step a row").save(path))
    assert report.verdict == "right"
    assert "weight decay in the updates of w1, b1 alone" in str(report)


@for_each("layout", ["a step a row", "a sheet per step"])
def test_a_penalty_without_its_half_is_found(layout, path):
    wrong = with_cost("{E_total}+{λ}*" + SQUARES)
    findings = check(laid(wrong, layout).save(path)).findings
    assert {finding.kind for finding in findings} == {"wrong number"}
    assert all(finding.expected.endswith("^2)/2") for finding in findings)
    assert len(findings) == (6 if layout == "a sheet per step" else 1)


def test_an_update_that_alone_forgets_its_decay_is_found(path):
    wrong = with_cost("{E_total}+{λ}/2*" + SQUARES).with_formula("w2", "{w2<}-{η}*{∂E/∂w2<}")
    (finding,) = check(laid(wrong, "a step a row").save(path)).findings
    assert finding.weight == "w2"
    assert "decay" in finding.why
    assert "*(" in finding.expected


@for_each("decay", ["-{λ}*{w2<}", "+2*{λ}*{w2<}"])
def test_an_update_that_alone_decays_otherwise_is_found(decay, path):
    update = "{w2<}-{η}*({∂E/∂w2<}" + decay + ")"
    wrong = with_cost("{E_total}+{λ}/2*" + SQUARES).with_formula("w2", update)
    (finding,) = check(laid(wrong, "a step a row").save(path)).findings
    assert (finding.weight, "its penalty" in finding.why) == ("w2", True)


@for_each("half", [True, False])
def test_a_bias_that_no_penalty_has_needs_no_decay(half, path):
    sketch = with_cost("{E_total}+{λ}/2*({w1}^2+{w2}^2)").with_formula(
        "b1", "{b1<}-{η}*{∂E/∂b1<}" if half else "{b1<}-{η}*({∂E/∂b1<}+{λ}*{b1<})"
    )
    assert check(laid(sketch, "a step a row").save(path)).verdict == "right"
