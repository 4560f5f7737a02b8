"""What the cells will show: the reference's numbers, and the errors that overflow makes."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import losses
from gradbook.targets.excel.plan.cell_layout import NUMBER_ERROR, cell_value, record
from gradbook.targets.excel.plan.column_order import Exercise
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan

FAR = "input 1; dense 1; {}; loss half squared error; rate 1; weights -800; biases 0; sample 1 -> 0"


def test_the_numbers_are_the_references():
    step = scalar_step(builtin("mazur"))
    (found,) = record(step, 5, [0.5])
    assert np.array_equal(found.values[step.loss], losses(step, 5, 0.5))
    assert found.extreme == frozenset()


def test_a_rate_far_too_large_ends_in_errors_that_stay():
    step = scalar_step(parse("input 1; dense 1; loss half squared error; seed 1; sample 3 -> 1"))
    loss = record(step, 400, [1e3])[0].values[step.loss]
    first = int(np.argmax(np.isnan(loss)))
    assert first > 1
    assert np.isnan(loss[first:]).all()


def test_an_exercise_is_spelled_as_it_must_be_once_it_is_filled_in():
    step = scalar_step(parse(FAR.format("sigmoid").replace("-800", "8").replace("rate 1", "")))
    blank, solved = (
        WorkbookPlan(step, 4, 1e6, (), exercise=exercise) for exercise in (Exercise(), None)
    )
    assert not blank.record.extreme
    assert blank.guarded == solved.guarded != frozenset()


SEVERAL = "; ".join(f"sample {k} {k * k / 5} -> {k / 3} 1" for k in range(1, 10))
SIDE_BY_SIDE = {
    "one sample": builtin("mazur"),
    "several": parse(f"input 2; dense 3; tanh; dense 2; softmax; dense 2; loss mse; {SEVERAL}"),
    "memories": parse(f"input 2; dense 2; gelu; dense 2; loss mse; update adam; {SEVERAL}"),
    "constant slopes": parse("input 1; dense 1; loss mae; sample 3 -> 1; sample 4 -> 9"),
}


@pytest.mark.parametrize("net", SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE)
def test_rates_side_by_side_are_what_each_is_alone(net):
    step = scalar_step(net)
    rates = [0.1, 1e200, -0.5, 3.0]
    for rate, run in zip(rates, record(step, 6, rates), strict=True):
        (alone,) = record(step, 6, [rate])
        for node, values in alone.values.items():
            assert run.values[node] == pytest.approx(values, rel=1e-9, nan_ok=True)
        assert alone.extreme <= run.extreme


def test_a_sigmoid_far_below_zero_is_found_even_within_an_expansion():
    for activation in ("sigmoid", "silu"):
        (found,) = record(scalar_step(parse(FAR.format(activation))), 1, [1.0])
        assert "sigmoid" in found.extreme


def test_blank_gradients_leave_the_weights_alone():
    step = scalar_step(builtin("mazur"))
    values = record(step, 3, [0.5], blank=step.gradients.values())[0].values
    for weight in step.weights:
        assert len(set(values[weight])) == 1


def test_what_is_no_number_is_shown_as_a_sheet_shows_it():
    assert [cell_value(x) for x in (1, np.nan, np.inf)] == [1.0, NUMBER_ERROR, NUMBER_ERROR]
