"""A gradient gathered from shares that stand here and there: the wrong share is told."""

from __future__ import annotations

import random

import pytest

from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape

SAMPLES = Shape(2, 0, 1, "sigmoid", "sigmoid", 3, False, True)  # w1 w2 b1, three of each share
SKETCH = with_rule(SAMPLES, random.Random(3), "descent")


@pytest.mark.parametrize("layout", ["a form per step", "a step a row"])
@pytest.mark.parametrize("share", ["{δo1@2}*{x2@2}", "{δo1@2}+{x1@2}"])
def test_one_samples_wrong_share_is_put_right(layout, share, path):
    judged = changed(path, SKETCH, layout, "g_w1@2", share)
    assert judged.found, judged.words
    assert judged.repaired


def test_where_all_shares_are_right_the_sum_is_to_blame(path):
    judged = changed(path, SKETCH, "a form per step", "∂E/∂w1", "SUM({g_w1@*})/2")
    assert judged.found, judged.words
    assert judged.repaired
