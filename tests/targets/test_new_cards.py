"""Made-up cards in a workbook that reads images: written as formulas, or refused by name."""

from __future__ import annotations

import pytest

from gradbook.errors import TargetError
from gradbook.net import parse
from gradbook.targets.excel.reader import ReaderPlan

pytestmark = pytest.mark.usefixtures("toys")


def test_a_workbook_that_reads_says_which_layer_it_has_no_words_for():
    plan = ReaderPlan(parse("input 1x4x4; conv 4 3x3; pairnorm; wavy; flatten; dense 2; softmax"))
    normalised, activated = plan.stages[1:3]
    with pytest.raises(TargetError, match="layer 2: .* has no formula for pairnorm: leave it out"):
        plan.formula(normalised, 0, 0, 0)
    assert "TANH(2*" in plan.formula(activated, 0, 0, 0)


@pytest.mark.usefixtures("six_cards")
def test_nor_has_it_words_for_a_layer_that_sums_with_parameters_of_its_own():
    plan = ReaderPlan(parse("input 1x4x4; conv 2 3x3; flatten; highway; dense 2; softmax"))
    with pytest.raises(TargetError, match="layer 3: .* has no formula for highway: leave it out"):
        plan.formula(plan.stages[1], 0, 0, 0)
