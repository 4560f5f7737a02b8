"""Training code of one's own, checked in the same process: `gb.check(step, …)` and `gb.watch()`."""

from __future__ import annotations

import copy
import math
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gradbook as gb
from gradbook.audit.programs.program_report import ProgramReport
from gradbook.errors import UsageError

Arrays = tuple[np.ndarray[Any, Any], ...]


@pytest.fixture(autouse=True)
def _nothing_stays_replaced() -> Iterator[None]:
    """NumPy, `math` and `random` are the same objects after each test."""
    modules = [part for name, part in sys.modules.items() if name.split(".")[0] == "numpy"]
    owners = [*modules, math, random, random.Random]
    before = [dict(vars(owner)) for owner in owners]
    yield
    for module, names in zip(owners, before, strict=True):
        changed = [name for name, value in names.items() if vars(module)[name] is not value]
        assert not changed
    assert "random" not in vars(random.Random)


def samples() -> Arrays:
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(12, 3))
    return inputs, (inputs[:, :1] * inputs[:, 1:2] > 0).astype(float)


def weights() -> Arrays:
    draw = np.random.default_rng(2)
    return draw.normal(size=(3, 4)), np.zeros((1, 4)), draw.normal(size=(4, 1)), np.zeros((1, 1))


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def step_in_place(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    m = len(X)
    A1 = np.tanh(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    loss = -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))
    dZ2 = (A2 - y) / m
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    W1 -= 0.5 * dW1
    b1 -= 0.5 * db1
    W2 -= 0.5 * dW2
    b2 -= 0.5 * db2
    return loss


def step_that_returns(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    m = len(X)
    A1 = np.tanh(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    dZ2 = (A2 - y) / m
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    db1 = np.sum(dZ1) * np.ones_like(b1)  # wrong
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    return W1 - 0.5 * X.T @ dZ1, b1 - 0.5 * db1, W2 - 0.5 * A1.T @ dZ2, b2 - 0.5 * db2


def step_with_a_sum(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
    m = len(X)
    A1 = np.tanh(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    loss = -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))
    dZ2 = (A2 - y) / m
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1)  # the line
    W1 -= 0.5 * dW1
    b1 -= 0.5 * db1
    W2 -= 0.5 * dW2
    b2 -= 0.5 * db2
    return loss


def gradients_with_a_slope(X: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    A1 = np.tanh(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    loss = -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))
    dZ2 = (A2 - y) / len(X)
    dZ1 = dZ2 @ W2.T * (1 - A1)  # the line
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    return loss, {"dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


class Network:
    """Weights in attributes, a training in a method."""

    def __init__(self, is_wrong: bool) -> None:
        self.W1, self.b1, self.W2, self.b2 = weights()
        self.is_wrong = is_wrong

    def fit(self, X: Any, y: Any, steps: int = 15) -> None:
        for _ in range(steps):
            A1 = np.tanh(X.dot(self.W1) + self.b1)
            A2 = sigmoid(A1.dot(self.W2) + self.b2)
            dZ2 = (A2 - y) / len(X)
            dZ1 = dZ2.dot(self.W2.T) * (1 - A1**2)
            if self.is_wrong:
                dZ1 = dZ2.dot(self.W2.T)  # the line
            self.W2 -= 0.5 * A1.T.dot(dZ2)
            self.b2 -= 0.5 * np.sum(dZ2, axis=0)
            self.W1 -= 0.5 * X.T.dot(dZ1)
            self.b1 -= 0.5 * np.sum(dZ1, axis=0)


def line_of(function: Callable[..., Any], words: str = "# the line") -> int:
    import inspect

    lines, first = inspect.getsourcelines(function)
    return first + next(n for n, line in enumerate(lines) if words in line)


def wrong_weights(report: ProgramReport) -> list[str]:
    return [g.weight for m in report.models for g in m.gradients if g.is_right is False]


# Functions


def test_a_right_step_is_right_and_leaves_its_arguments_alone() -> None:
    values = weights()
    before = copy.deepcopy(values)
    report = gb.check(step_in_place, *values, *samples())
    assert report.verdict == "right"
    assert [g.weight for g in report.models[0].gradients] == ["W1", "b1", "W2", "b2"]
    assert all((a == b).all() for a, b in zip(values, before, strict=True))
    assert all(type(value) is np.ndarray for value in values)


def test_a_wrong_step_is_told_to_the_expression() -> None:
    report = gb.check(step_with_a_sum, *weights(), *samples())
    (finding,) = report.models[0].findings
    assert report.verdict == "wrong"
    assert finding.span.line == line_of(step_with_a_sum)
    assert finding.span.text == "np.sum(dZ1)"
    assert finding.replacement is not None
    assert "axis=0" in finding.replacement
    assert wrong_weights(report) == ["b1"]


def test_new_weights_that_are_returned_go_into_the_next_call() -> None:
    report = gb.check(step_that_returns, *weights(), *samples())
    assert wrong_weights(report) == ["b1"]
    assert report.models[0].steps >= 5


def test_gradients_that_are_returned_are_those_of_the_arguments() -> None:
    report = gb.check(gradients_with_a_slope, *samples(), *weights())
    (finding,) = report.models[0].findings
    assert finding.span.line == line_of(gradients_with_a_slope)
    assert finding.replacement == "1 - A1**2"
    assert sorted(wrong_weights(report)) == ["W1", "b1"]


def test_weights_may_be_in_a_dict_and_in_single_precision() -> None:
    def step(params: dict[str, Any], X: Any, y: Any, lr: float) -> dict[str, Any]:
        error = X @ params["W"] + params["b"] - y
        grads = {"W": X.T @ error / len(X), "b": np.mean(error, axis=0)}
        for name, slope in grads.items():
            params[name] = params[name] - lr * slope
        return params

    X, y = samples()
    params = {"W": np.ones((3, 1), np.float32), "b": np.zeros(1, np.float32)}
    report = gb.check(step, params, X.astype(np.float32), y, lr=0.1)
    assert report.verdict == "right"
    assert len(report.models[0].gradients) == 2
    assert params["W"].dtype == np.float32
    assert (params["W"] == 1).all()


def test_a_method_trains_a_copy_of_its_object() -> None:
    net = Network(is_wrong=True)
    report = gb.check(net.fit, *samples())
    assert sorted(wrong_weights(report)) == ["self.W1", "self.b1"]
    assert (weights()[0] == net.W1).all()


def test_a_function_that_trains_nothing_is_told_so() -> None:
    report = gb.check(sigmoid, np.ones(3))
    assert report.verdict == "no training"
    assert "nothing is updated" in str(report)


def test_where_the_trail_is_lost_is_said() -> None:
    def step(W: Any, X: Any, y: Any) -> None:
        error = X @ W - y
        W -= 0.1 * float(error[0, 0]) * X[:1].T  # the line

    report = gb.check(step, np.zeros((3, 1)), *samples())
    assert report.verdict == "no training"
    ((span, why),) = report.lost
    assert (span.line, span.text) == (line_of(step), "float(error[0, 0])")
    assert "forgets" in why
    assert "float(error[0, 0])" in str(report)


def test_a_function_without_source_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError) as refusal:
        gb.check(np.tanh, np.ones(3))
    assert "\n" not in str(refusal.value)


def test_an_error_of_the_function_is_the_callers() -> None:
    def step(W: Any) -> None:
        np.zeros(2) @ W
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        gb.check(step, np.ones(2))


def test_a_workbook_has_no_arguments() -> None:
    with pytest.raises(UsageError):
        gb.check("worked.xlsx", 1)  # type: ignore[call-overload]


# Code within `with gb.watch()`


@pytest.mark.parametrize("is_wrong", [False, True])
def test_objects_that_existed_before_are_followed(is_wrong: bool) -> None:
    net = Network(is_wrong)
    first = net.W1
    with gb.watch() as seen:
        net.fit(*samples())
    report = seen.check()
    assert report.verdict == ("wrong" if is_wrong else "right")
    assert wrong_weights(report) == (["self.W1", "self.b1"] if is_wrong else [])
    assert net.W1 is first
    assert type(first) is np.ndarray
    assert not (first == weights()[0]).all()


def test_a_loop_of_a_function_with_its_own_variables() -> None:
    X, y = samples()
    W, rate = np.zeros((3, 1)), 0.1
    with gb.watch() as seen:
        for _ in range(20):
            error = X @ W - y
            loss = np.mean(error**2)
            W = W - rate * X.T @ error
    assert type(W) is np.ndarray
    assert type(rate) is float
    assert type(X) is np.ndarray
    assert isinstance(float(loss), float)
    report = seen.check()
    assert report.verdict == "factor"
    assert report.models[0].loss is not None
    assert len(report.models[0].loss.course) >= 8


def test_what_was_drawn_and_made_within_is_plain_afterwards() -> None:
    draw = np.random.default_rng(0)
    with gb.watch():
        made = np.zeros(3)
        drawn = draw.normal(size=3)
        other = np.random.default_rng(1)
        number = random.gauss(0, 1)
    assert type(made) is np.ndarray
    assert type(drawn) is np.ndarray
    assert type(number) is float
    assert type(draw) is np.random.Generator
    assert type(other) is np.random.Generator


def test_numbers_in_lists_are_followed() -> None:
    inputs, targets = [0.5, -1.0, 2.0], [1.0, -2.0, 4.0]
    weight = [0.1, 0.2]
    with gb.watch() as seen:
        for _ in range(12):
            for x, t in zip(inputs, targets, strict=True):
                error = weight[0] * x + weight[1] - t
                weight[0] -= 0.1 * error * x
                weight[1] -= 0.1 * error * x
    assert [type(each) for each in weight] == [float, float]
    assert seen.check().verdict == "wrong"


def test_an_error_puts_everything_back_and_is_not_swallowed() -> None:
    W = np.ones(2)
    with pytest.raises(ZeroDivisionError), gb.watch() as seen:
        W = np.ones(2) * W
        1 / 0  # noqa: B018
    assert type(W) is np.ndarray
    assert seen.check().verdict == "no training"


def test_nested_use_is_refused_in_one_line() -> None:
    with gb.watch() as seen:
        with pytest.raises(UsageError) as refusal, gb.watch():
            pass
        with pytest.raises(UsageError):
            gb.check(sigmoid, np.ones(3))
        with pytest.raises(UsageError):
            seen.check()
    assert "\n" not in str(refusal.value)
    with gb.watch():
        pass
    with pytest.raises(UsageError), seen:
        pass


def test_each_watch_keeps_what_it_saw() -> None:
    nets = Network(is_wrong=True), Network(is_wrong=False)
    seen = []
    for net in nets:
        with gb.watch() as each:
            net.fit(*samples())
        seen.append(each)
    assert [each.check().verdict for each in seen] == ["wrong", "right"]


def test_another_thread_cannot_watch_at_the_same_time_and_works_on_afterwards() -> None:
    refusals: list[str] = []
    go_on = threading.Event()
    net = Network(is_wrong=False)

    def train() -> None:
        try:
            with gb.watch():
                pass
        except UsageError as refusal:
            refusals.append(str(refusal))
        net.fit(*samples(), steps=3)
        go_on.wait(10)
        net.fit(*samples(), steps=3)

    with gb.watch():
        thread = threading.Thread(target=train)
        thread.start()
        while not refusals:
            pass
    go_on.set()
    thread.join(10)
    assert refusals
    assert not thread.is_alive()
    assert np.isfinite(np.asarray(net.W1)).all()
    assert type(np.zeros(2)) is np.ndarray


# How it shows itself


def test_a_report_prints_itself_and_shows_itself() -> None:
    report = gb.check(step_with_a_sum, *weights(), *samples())
    assert "test_in_python.py:" in str(report)
    assert "np.sum(dZ1, axis=0" in str(report)
    assert "<iframe" in report._repr_html_()
    assert "np.sum(dZ1)" in report._repr_html_()


# Chains


def test_a_chain_leads_from_the_loss_back_to_the_weight() -> None:
    W1, b1, W2, b2 = weights()
    X, y = samples()
    with gb.watch() as seen:
        for _ in range(10):
            step_in_place(W1, b1, W2, b2, X, y)
    chain = seen.explain("W1")
    assert [link.name for link in chain.links] == ["loss", "A2", "A1"]
    assert chain.links[0].slopes == (1.0,)
    assert chain.links[1].shape == (12, 1)
    assert chain.links[2].span.line == line_of(step_in_place, "A1 = np.tanh")
    assert chain.formula == "∂loss/∂W1 = ∂loss/∂A2 · ∂A2/∂A1 · ∂A1/∂W1"
    moved = weights()[0]
    moved[0, 0] += 1e-6
    before, after = weights(), (moved, *weights()[1:])
    nudged = step_in_place(*after, X, y) - step_in_place(*before, X, y)
    assert chain.slopes[0] == pytest.approx(nudged / 1e-6, rel=1e-4)
    assert "A2 = sigmoid(A1 @ W2 + b2)" in str(chain)
    assert "<code>A2 = sigmoid(A1 @ W2 + b2)</code>" in chain._repr_html_()


def test_a_chain_is_of_a_weight_that_is_trained() -> None:
    net = Network(is_wrong=True)
    with gb.watch() as seen:
        net.fit(*samples())
    chain = seen.explain("W1")
    assert chain.weight == "self.W1"
    assert chain.gradient is not None
    assert chain.gradient.is_right is False
    with pytest.raises(UsageError) as refusal:
        seen.explain("W7")
    assert "self.W1" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_paths_that_part_have_no_product() -> None:
    X, y = samples()
    W = np.full((3, 1), 0.1)
    with gb.watch() as seen:
        for _ in range(10):
            Z = X @ W
            left = np.tanh(Z)
            right = Z * Z
            error = left + right - y
            loss = np.sum(error**2)  # noqa: F841
            slope = 2 * error * (1 - left**2 + 2 * Z)
            W -= 0.001 * X.T @ slope
    chain = seen.explain("W")
    assert {"Z", "left", "right"} <= {link.name for link in chain.links}
    assert not chain.formula
