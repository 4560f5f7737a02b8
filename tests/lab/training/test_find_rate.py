"""A range test: what it finds, what it leaves as it was, where it says that nothing was found."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import UsageError
from gradbook.lab.images import adapt
from gradbook.lab.recipes.recipe_text import change_recipe, parse, recipe
from gradbook.lab.training.run_training import Listener, TrainingRun, set_up
from gradbook.lab.training.train import (
    STEPS,
    RangeTest,
    range_test,
    rising_rates,
    smooth,
    train,
)
from tests.cases import for_each
from tests.lab import made

SET = made.dataset()
NET = "input 1x8x8; flatten; dense 8; {}; dense 4; softmax; batch 32; epochs 3; update descent"


def found(text):
    ready = set_up(adapt(recipe(text), SET), 1)
    return range_test(ready), ready


class Hearing(Listener):
    def on_start(self, training: TrainingRun) -> None:
        self.remarks = training.remarks


@for_each("kind", ["tanh", "sigmoid"])
def test_the_rate_that_is_found_trains_well(kind):
    test, _ = found(NET.format(kind))
    trained = train(recipe(NET.format(kind)), f"rate {test.suggested_rate}", data=SET)
    slow = train(recipe(NET.format(kind)), f"rate {test.suggested_rate / 1000}", data=SET)
    assert trained.test_accuracy > 0.9 > slow.test_accuracy


def test_the_engine_stands_at_its_start_again():
    _, ready = found(NET.format("tanh"))
    fresh = set_up(adapt(recipe(NET.format("tanh")), SET), 1).engine.state()
    for name, values in ready.engine.state().items():
        np.testing.assert_array_equal(values, fresh[name])


def test_a_recipe_may_ask_for_it_and_the_run_says_what_it_found(tmp_path):
    heard = Hearing()
    asked = recipe(NET.format("tanh") + "; rate find")
    trained = train(asked, data=SET, folder=tmp_path, listener=heard)
    wanted = found(NET.format("tanh"))[0].suggested_rate
    assert trained.recipe.schedule.rate == wanted
    assert not trained.recipe.find_rate
    assert any(remark.startswith("rate found: the loss falls from") for remark in heard.remarks)
    assert "rate find" not in (tmp_path / "recipe.txt").read_text()
    assert train(asked, data=SET, folder=tmp_path, resume=True).test_accuracy


def test_a_rate_that_is_said_afterwards_takes_its_place():
    asked = recipe(NET.format("tanh") + "; rate find")
    assert parse(str(asked)) == asked
    assert change_recipe(asked, "epochs 4").find_rate
    assert not change_recipe(asked, "rate 0.1").find_rate
    assert not change_recipe(asked, "schedule cosine 0.2").find_rate
    assert change_recipe(recipe("quick"), "rate find").find_rate


def test_rates_rise_by_a_constant_factor():
    factors = rising_rates(STEPS)[1:] / rising_rates(STEPS)[:-1]
    np.testing.assert_allclose(factors, factors[0])


def test_the_suggestion_lies_below_the_rate_with_the_lowest_loss():
    losses = np.array([2.0, 1.9, 1.5, 1.0, 0.8, 1.0, 9.0])
    test = RangeTest(np.geomspace(1e-4, 100, 7), losses)
    assert test.rates[test.lowest] == pytest.approx(1)
    assert test.suggested_rate == pytest.approx(0.2)  # a quarter, in one digit
    assert test.lost_step == 6
    assert test.why == (
        "the loss falls from 2 to 0.8 as the rate rises to 1 and is lost from 100 on; "
        "0.2 is a quarter of that, to be safe"
    )


def test_a_running_mean_of_equal_losses_is_that_loss():
    np.testing.assert_allclose(smooth(np.full(9, 1.7)), 1.7)


def test_where_no_loss_falls_nothing_is_suggested():
    images = made.dataset()
    images.training_and_validation.pixels.flags.writeable = True
    images.training_and_validation.pixels[:] = 7  # all alike
    ready = set_up(adapt(recipe(NET.format("tanh")), images), 1)
    with pytest.raises(UsageError, match="doesn't fall in .* steps at any rate from 1e-05 to 100"):
        range_test(ready)
