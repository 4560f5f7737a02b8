"""Which of several cells is to blame where an edit of each would put the gradient right."""

from __future__ import annotations

import random

from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.cases import for_each

HIDDEN = Shape(2, 2, 1, "sigmoid", "sigmoid", 2, False, False)  # w1 … w4, w5 w6
NARROW = Shape(1, 2, 1, "sigmoid", "line", 1, False, False)  # w1 and w2, w3 w4
CUT = Shape(2, 2, 1, "relu", "sigmoid", 1, False, True)


@for_each(
    ("shape", "called", "formula", "layouts"),
    [
        # a sum of that sample could as well mention the target, but then it alone would
        (HIDDEN, "g_w3@2", "{δh2@2}*{t1@2}", ["a step a row", "a form per step"]),
        (HIDDEN, "g_w4@2", "{δh2@2}", ["a form per step"]),
        # ∂E/∂w1 = δ·x is as the others are; δ lacks what the other unit's has
        (NARROW, "δh1", "({δo1}*{w3})*(1-{a_h1})", ["a step a row", "a form per step"]),
        # half of the weights lead nowhere: the loss is the cell that is called so
        (CUT, "a_o1", "1/(1+EXP(-{h2}))", ["a step a row", "a form per step"]),
    ],
    ids=["another number", "a number left out", "a delta unlike another", "an output cut off"],
)
def test_what_becomes_unlike_its_likes_is_not_to_blame(shape, called, formula, layouts, path):
    sketch = with_rule(shape, random.Random(3), "descent")
    for layout in layouts:
        judged = changed(path, sketch, layout, called, formula)
        assert judged.found, judged.words
        assert judged.repaired


def test_a_weight_taken_twice_is_told_of_the_whole_loss_and_not_of_the_error_left(path):
    """With w1 for w2 all gradients are wrong of the loss, and half of them right of one error."""
    outputs = Shape(1, 0, 2, "sigmoid", "sigmoid", 1, False, False)
    sketch = with_rule(outputs, random.Random(3), "descent")
    judged = changed(path, sketch, "a step a row", "o2", "{w1}*{x1}")
    assert judged.found, judged.words
    assert judged.repaired


def test_what_explains_some_gradients_waits_for_what_explains_all(path):
    """A target that could as well be the weight's cell explains one gradient, the sum both."""
    outputs = Shape(3, 0, 2, "sigmoid", "line", 1, True, True)
    sketch = with_rule(outputs, random.Random(3), "descent")
    judged = changed(path, sketch, "a form per step", "o1", "{w1}*{x1}+{w2}*{x2}+{w3}*{x3}+{w6}")
    assert judged.found, judged.words
    assert judged.repaired


ONE_WEIGHT = Shape(1, 0, 1, "sigmoid", "sigmoid", 1, False, False)


@for_each(
    ("called", "formula"),
    [
        ("∂E/∂w1", "{δo1}"),  # δ is the slope at o1, as it stands
        ("δo1", "({a_o1}-{t1})*(1-{a_o1})"),  # δ is no slope, and becomes one
    ],
)
def test_of_a_single_chain_what_is_a_slope_as_it_stands_is_not_to_blame(called, formula, path):
    sketch = with_rule(ONE_WEIGHT, random.Random(3), "descent")
    judged = changed(path, sketch, "a step a row", called, formula)
    assert judged.found, judged.words
    assert judged.repaired
