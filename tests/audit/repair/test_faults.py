"""What is told of a fault holds for every step: each gets the right formula of its own cells."""

from __future__ import annotations

import random

from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape

LINE = Shape(3, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 w3 b1


def test_an_update_on_a_sheet_of_its_own_is_put_right_with_the_sheet_before(path):
    sketch = with_rule(LINE, random.Random(7), "descent")
    judged = changed(path, sketch, "a sheet per step", "w2", "{w2<}-{η}*{∂E/∂w3<}")
    assert judged.found, judged.words
    assert judged.repaired
