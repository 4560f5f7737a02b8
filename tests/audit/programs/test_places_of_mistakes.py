"""Where gradients go wrong is told by what each value would have to be, though no edit is known."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import gradbook as gb
from gradbook.audit.programs.program_report import ProgramReport

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(12, 3))
Y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
W1, B1 = DRAW.normal(size=(3, 5)), np.zeros((1, 5))
W2, B2 = DRAW.normal(size=(5, 1)), np.full((1, 1), 0.3)
FEEDBACK = DRAW.normal(size=(1, 5))


def forward(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden = np.tanh(X @ w1 + b1)
    return hidden, hidden @ w2 + b2 - Y


def two_mistakes(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden, error = forward(w1, b1, w2, b2)
    loss = np.mean(error**2)
    d2 = 2 * error / len(X)
    d1 = d2 @ w2.T * (1 - hidden)  # wrong
    g1, g2, h1 = X.T @ d1, hidden.T @ d2, d1.sum(axis=0)
    h2 = (d2 * error).sum(axis=0)  # wrong
    w1 -= 0.1 * g1
    b1 -= 0.1 * h1
    w2 -= 0.1 * g2
    b2 -= 0.1 * h2
    return loss


def another_shape(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden, error = forward(w1, b1, w2, b2)
    loss = np.mean(error**2) + 0.05 * np.sum(w1**2) + 0.05 * np.sum(w2**2)
    d2 = 2 * error / len(X)
    d1 = d2 @ w2.T * (1 - hidden**2)
    g1 = X.T @ d1 + 0.1 * w1
    g2 = hidden.T @ d2 + 0.1 * b2  # wrong
    w1 -= 0.1 * g1
    b1 -= 0.1 * d1.sum(axis=0)
    w2 -= 0.1 * g2
    b2 -= 0.1 * d2.sum(axis=0)
    return loss


def no_known_edit(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden, error = forward(w1, b1, w2, b2)
    loss = np.mean(error**2)
    d2 = 2 * error / len(X)
    d1 = np.abs(d2 @ w2.T) ** 1.5 / (1 + hidden**4)  # wrong
    g1, g2 = X.T @ d1, hidden.T @ d2
    w1 -= 0.1 * g1
    b1 -= 0.1 * d1.sum(axis=0)
    w2 -= 0.1 * g2
    b2 -= 0.1 * d2.sum(axis=0)
    return loss


def other_weights_on_purpose(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden, error = forward(w1, b1, w2, b2)
    loss = np.mean(error**2)
    d2 = 2 * error / len(X)
    d1 = d2 @ FEEDBACK * (1 - hidden**2)
    g1, g2 = X.T @ d1, hidden.T @ d2
    w1 -= 0.1 * g1
    b1 -= 0.1 * d1.sum(axis=0)
    w2 -= 0.1 * g2
    b2 -= 0.1 * d2.sum(axis=0)
    return loss


def through_time(inner: Any, outer: Any, out: Any) -> Any:
    states = [np.zeros((len(X), 4))]
    for t in range(3):
        states.append(np.tanh(X[:, t : t + 1] @ inner + states[-1] @ outer))
    error = states[-1] @ out - Y
    loss = np.mean(error**2)
    d_out = 2 * error / len(X)
    d_state = d_out @ out.T
    g_inner, g_outer = np.zeros_like(inner), np.zeros_like(outer)
    for t in reversed(range(3)):
        d = d_state * (1 - states[t + 1])  # wrong
        g_inner += X[:, t : t + 1].T @ d
        g_outer += states[t].T @ d
        d_state = d @ outer.T
    g_out = states[-1].T @ d_out
    inner -= 0.1 * g_inner
    outer -= 0.1 * g_outer
    out -= 0.1 * g_out
    return loss


def check(step: Callable[..., Any]) -> ProgramReport:
    return gb.check(step, W1, B1, W2, B2)


def wrong_lines(step: Callable[..., Any]) -> list[int]:
    lines, first = inspect.getsourcelines(step)
    return [first + n for n, line in enumerate(lines) if line.endswith("# wrong\n")]


def findings(report: ProgramReport) -> list[Any]:
    return [finding for model in report.models for finding in model.findings]


def test_several_mistakes_are_told_one_after_another():
    report = check(two_mistakes)
    assert report.verdict == "wrong"
    assert [each.span.line for each in findings(report)] == wrong_lines(two_mistakes)
    assert [each.replacement for each in findings(report)] == ["1 - hidden**2", "d2"]


def test_a_value_of_another_shape_belongs_there():
    report = check(another_shape)
    (finding,) = findings(report)
    assert finding.span.line == wrong_lines(another_shape)[0]
    assert (finding.span.text, finding.replacement) == ("b2", "w2")


def test_a_loop_over_time_is_one_place():
    report = gb.check(
        through_time,
        DRAW.normal(size=(1, 4)),
        DRAW.normal(size=(4, 4)) * 0.5,
        DRAW.normal(size=(4, 1)),
    )
    (finding,) = findings(report)
    assert finding.span.line == wrong_lines(through_time)[0]
    assert finding.replacement is not None


def test_a_place_is_underlined_though_no_edit_is_known():
    report = check(no_known_edit)
    (finding,) = findings(report)
    assert report.verdict == "wrong"
    assert finding.span.line == wrong_lines(no_known_edit)[0]
    assert finding.replacement is None


def test_feedback_by_other_weights_is_no_mistake():
    report = check(other_weights_on_purpose)
    assert report.verdict == "unknown"
    assert findings(report) == []
