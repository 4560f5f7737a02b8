from __future__ import annotations

import numpy as np
import pytest

from gradbook.lab.recipes.recipe_text import change_recipe, recipe
from gradbook.report.training_text import run_charts, runs_charts
from tests.runs import curve

ONE = change_recipe(recipe("quick"), "epochs 5")


def test_the_charts_show_the_history():
    history = curve(6)
    loss, right, rate = run_charts(recipe("quick"), history)
    assert [c.label for c in loss.curves] == ["training", "validation"]
    assert loss.curves[1].values.tolist() == [epoch.validation_loss for epoch in history]
    assert right.curves[0].values.tolist() == [epoch.train_accuracy for epoch in history]
    assert rate.curves[0].values.tolist() == [epoch.rate for epoch in history]


def test_runs_that_share_their_rates_share_the_curve():
    several_runs = [("a", ONE, curve(4)), ("b", ONE, curve(4, start=2))]
    loss, _, rate = runs_charts(several_runs)
    assert [c.label for c in loss.curves] == ["a", "b"]
    assert [c.label for c in rate.curves] == ["all"]


def test_training_speaks_for_runs_that_held_nothing_back():
    loss, right, _ = runs_charts([("a", ONE, curve(4)), ("b", ONE, curve(5, validated=False))])
    assert (loss.title, right.title) == ("Training loss", "Training accuracy")
    assert len(loss.curves[1].values) == 5


def test_the_rate_is_drawn_by_steps_so_that_its_peak_within_an_epoch_shows():
    quick = recipe("quick")  # one cycle, warm 0.2, 3 epochs: highest after 0.6 of the first
    (rate,) = run_charts(quick, curve(3))[2].curves
    assert rate.steps.max() == pytest.approx(quick.schedule.rate, rel=0.01)
    places, values = rate.points(100)
    assert places[int(np.argmax(values))] == pytest.approx(0.6, abs=0.02)
    assert places[-1] == 3


def test_a_chart_by_steps_begins_before_the_first_epoch_ends():
    chart = run_charts(recipe("quick"), curve(3))[2]
    assert chart.counts == [0, 1, 2, 3]
    assert [chart.across(epoch) for epoch in (0, 1.5, 3)] == [0, 0.5, 1]


def test_a_smoothed_loss_is_named_beside_one_that_is_not():
    smoothed, plain = recipe("quick"), recipe("best")
    assert run_charts(smoothed, curve(3))[0].title == "Loss (of training with smoothing 0.05)"
    assert run_charts(plain, curve(3))[0].title == "Loss"
    assert run_charts(smoothed, curve(3, validated=False))[0].title == "Loss"
