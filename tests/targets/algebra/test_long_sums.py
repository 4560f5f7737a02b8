"""A wide layer is a long sum, and a long sum is written all the same."""

from __future__ import annotations

import pytest

from gradbook.graph.lower import scalar_step
from gradbook.net import parse
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.writers import latex, markdown, text


@pytest.mark.parametrize("form", [text, latex, markdown])
def test_a_sum_of_a_thousand_terms_is_no_deeper_than_a_short_one(form):
    document = derive(scalar_step(parse("input 1000; dense 1")), only="w1000")
    assert "1000" in form.write(document)
