"""A loss that rises far above its start is said, to whoever trains in Python as well."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gradbook as gb

X = np.random.default_rng(4).normal(size=(120, 3))
Y = X @ [1.0, 2.0, 3.0]
NET = "input 3; dense 4; tanh; dense 1; update descent; rate {}"


def test_a_rate_that_is_far_too_high_is_a_warning_and_a_doubt():
    with pytest.warns(RuntimeWarning, match="the training diverges: the loss rose from"):
        trained = gb.train(NET.format(1), X, Y, epochs=4)
    assert "try a tenth of it" in trained.doubts[0]


def test_a_rate_that_trains_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gb.train(NET.format(0.05), X, Y, epochs=20).doubts == ()


def test_a_training_that_is_driven_warns_once():
    step = gb.steps("input 3; dense 1; update descent", rate=1e3)
    with pytest.warns(RuntimeWarning, match="diverges") as heard:
        losses = [step(X, Y[:, None]) for _ in range(4)]
    assert len(heard) == 1
    assert losses[-1] > losses[0]


def test_the_loss_of_the_course_that_sticks_is_no_divergence():
    """At a rate of 1,000 the outputs saturate, and the loss stays at 0.25."""
    step = gb.steps(gb.builtin("worked"), rate=1000)
    losses = [step([[0.05, 0.1]], [[0.5, 0.5]]) for _ in range(70)]
    assert losses[-1] == pytest.approx(0.25, abs=1e-3)


def test_a_loss_that_has_no_value_at_the_start_is_no_matter_of_the_rate():
    """Whether the first epoch has one step or many."""
    for batch in (32, 200):
        with pytest.raises(gb.GradbookError, match="isn't a number before the first update"):
            gb.train(NET.format(0.1), X, Y, loss="ln(a - 1000)", epochs=2, set=f"batch {batch}")
