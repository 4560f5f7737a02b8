"""Values that remember how they were computed: numbers, gradients, and the formulas they become."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.net.lower import scalar_step
from gradbook.net.step import run


def test_micrograd_s_example():
    a, b, c, f = gb.values(a=2.0, b=-3.0, c=10.0, f=-2.0)
    e = (a * b).named("e")
    result = (e + c) * f
    result.backward()
    assert result.data == -8
    assert [value.grad for value in (a, b, c, f, e)] == [6, -4, -2, 4, -2]
    assert result.formulas().equations == ["e = a * b", "L = (e + c) * f"]


def test_random_programs_have_the_gradients_of_autograd(torch):
    draw, words = random.Random(7), ("tanh", "sigmoid", "exp", "sin", "cos", "relu")
    for _ in range(30):
        starts = {name: draw.uniform(-1, 1) for name in "pqrs"}
        ours = list(gb.values(**starts))
        leaves = [torch.tensor(start, requires_grad=True) for start in starts.values()]
        theirs = list(leaves)
        for _ in range(12):
            i, j, kind = draw.randrange(len(ours)), draw.randrange(len(ours)), draw.randrange(6)
            word = draw.choice(words)
            for values in (ours, theirs):
                x, y = values[i], values[j]
                made = (x + y, x - 2 * y, x * y, x / (3 + y**2), (1.5 - y) ** 2 - x, None)[kind]
                values.append(getattr(x, word)() * 0.5 if made is None else made)
        total, expected = sum(ours[4:], 0 * sum(ours[:4])), sum(theirs[4:])
        total.backward()
        (expected + 0 * sum(leaves)).backward()
        assert total.data == pytest.approx(float(expected.detach()))
        slopes = [float(leaf.grad) for leaf in leaves]
        assert [value.grad for value in ours[:4]] == pytest.approx(slopes, abs=1e-12)
        step = scalar_step(total.formulas())
        worked = next(run(step, 1))
        assert float(worked[step.loss]) == pytest.approx(total.data)
        gradients = {str(w.name): float(worked[step.gradients[w]]) for w in step.trained}
        assert gradients == pytest.approx(dict(zip(starts, slopes, strict=True)), abs=1e-12)


def test_a_value_without_a_name_has_a_gradient_like_any_other():
    x, one = gb.Value(3), gb.Value(1)
    (one * x**2 + one).backward()
    assert (x.grad, one.grad) == (6, 10)


def test_a_thousand_steps_in_a_row_need_no_recursion():
    (x,) = gb.values(x=0.5)
    value = x
    for _ in range(1000):
        value = value * 0.999 + 0.001
    value.backward()
    assert x.grad == pytest.approx(0.999**1000)


def test_a_training_loop_as_people_write_it():
    w, x, t = gb.values(w=0.5, x=2.0, t=3.0)
    for _ in range(50):
        error = (w * x - t) ** 2
        error.backward()
        w.data -= 0.05 * w.grad
    assert w.data == pytest.approx(1.5)


def test_what_can_t_be_a_value_is_refused_in_a_line():
    for make, message in (
        (lambda: gb.values(w="a"), "a value is a number such as 0.15, not 'a'"),
        (lambda: gb.values(η=1), "'η' can't name a value"),
        (lambda: gb.explain(gb.values(w=1)[0]), "this is only a number"),
        (lambda: gb.Value(1) * "a", "a value is a number such as 0.15, not 'a'"),
    ):
        with pytest.raises(GradbookError) as caught:
            make()
        assert message in str(caught.value)


def test_explain_and_the_workbook_take_them(tmp_path):
    w, b = gb.values(w=0.5, b=0.1)
    error = ((w * 2 + b).tanh().named("a") - 1) ** 2
    assert "∂L/∂w = ∂L/∂a·∂a/∂w" in str(gb.explain(error))
    assert gb.check(gb.write_workbook(error, tmp_path / "error.xlsx").path).verdict == "right"


def test_arrays_of_values_have_the_gradients_of_autograd(torch):
    draw = np.random.default_rng(5)
    start = {name: draw.normal(size=shape) for name, shape in SHAPES.items()}
    targets = draw.normal(size=6)

    def loss(X, W, b, w, c, tanh):
        hidden = tanh(X @ W + b)
        return ((hidden @ w + c - targets_like(X)) ** 2).mean() + 0.1 * (W * W).sum() - c / 2

    def targets_like(X):
        return targets if isinstance(X, np.ndarray) else torch.tensor(targets)

    ours = gb.values(**start, c=0.25)
    theirs = [torch.tensor(it, requires_grad=True) for it in (*start.values(), 0.25)]
    found, expected = loss(*ours, np.tanh), loss(*theirs, torch.tanh)
    found.backward()
    expected.backward()
    assert found.data == pytest.approx(float(expected.detach()))
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own.grad, other.grad.numpy(), rtol=1e-10)
    np.testing.assert_array_equal(ours[1].numbers, start["W"])


SHAPES = {"X": (6, 3), "W": (3, 4), "b": (4,), "w": (4,)}


def test_an_array_s_values_have_names_and_make_formulas():
    W, x = gb.values(W=[[1, 2], [3, 4]], x=np.array([0.5, -1]))
    y = (W @ x).sum().named("y")
    assert y.formulas().equations == ["y = W1_1 * x1 + W1_2 * x2 + (W2_1 * x1 + W2_2 * x2)"]
    y.backward()
    np.testing.assert_array_equal((W @ x).numbers, [-1.5, -2.5])
    np.testing.assert_array_equal(W.grad, [[0.5, -1], [0.5, -1]])
    np.testing.assert_array_equal(x.grad, [4, 6])


def test_an_array_with_too_many_numbers_is_refused_with_its_name():
    with pytest.raises(GradbookError, match=r"X has 1,200 numbers.* 1,000 is the most"):
        gb.values(X=np.zeros((40, 30)))


def test_numpy_s_functions_have_the_gradients_of_autograd(torch):
    start = np.random.default_rng(3).normal(size=(3, 4)) / 2
    functions = {
        "abs": (lambda x: abs(x).sum(), lambda x: abs(x).sum()),
        "where": (
            lambda x: np.where(x > 0.1, x**2, -x).sum(),
            lambda x: torch.where(x > 0.1, x**2, -x).sum(),
        ),
        "maximum": (
            lambda x: np.maximum(x, 0.2).sum(),
            lambda x: torch.maximum(x, torch.tensor(0.2).double()).sum(),
        ),
        "max": (lambda x: x.max(), lambda x: x.max()),
        "max of rows": (lambda x: np.max(x, axis=1).sum(), lambda x: x.max(dim=1).values.sum()),
        "min": (lambda x: x.min(axis=0).mean(), lambda x: x.min(dim=0).values.mean()),
        "std": (lambda x: x.std(), lambda x: x.std(correction=0)),
        "std of rows": (
            lambda x: np.std(x, axis=1, ddof=1).sum(),
            lambda x: x.std(dim=1, correction=1).sum(),
        ),
        "var": (np.var, lambda x: x.var(correction=0)),
        "tan": (lambda x: np.tan(x).mean(), lambda x: torch.tan(x).mean()),
        "norm": (np.linalg.norm, torch.linalg.norm),
        "sinh": (
            lambda x: (np.sinh(x) * x[0, 0].tan()).sum(),
            lambda x: (x.sinh() * x[0, 0].tan()).sum(),
        ),
        "clip": (
            lambda x: np.minimum(np.maximum(x, -0.2), 0.3).sum(),
            lambda x: x.clip(-0.2, 0.3).sum(),
        ),
        "product": (lambda x: ((x >= 0) * x).sum(), lambda x: x.relu().sum()),
    }
    wrong = {}
    for name, (ours, theirs) in functions.items():
        (x,) = gb.values(x=start)
        leaf = torch.tensor(start, requires_grad=True)
        made, expected = ours(x), theirs(leaf)
        made.backward()
        expected.backward()
        same = made.data == pytest.approx(float(expected.detach()))
        if not same or not np.allclose(x.grad, leaf.grad.numpy(), atol=1e-12):
            wrong[name] = made.data, x.grad
        worked = next(run(step := scalar_step(made.formulas()), 1))
        assert float(worked[step.loss]) == pytest.approx(made.data), name
    assert wrong == {}


def test_what_can_t_remember_says_so_by_name():
    a, x = gb.values(a=2.0, x=[1.0, 2.0])
    for make, message in (
        (lambda: np.arctan2(x, a), "np.arctan2 can't remember how its numbers are computed"),
        (lambda: np.sort(x), "np.sort can't remember"),
        (lambda: np.linalg.inv(np.outer(x, x)), "np.inv can't remember"),
        (lambda: np.sum(x, where=[True, False]), "np.sum can't remember"),
        (lambda: math.sin(a), "use np.sin(x) or x.sin() instead of math.sin(x)"),
        (lambda: max(a, x[0]), "a comparison of values is a value, too"),
    ):
        with pytest.raises(GradbookError) as caught:
            make()
        assert message in str(caught.value)
    with pytest.raises(AttributeError, match="a value has no 'tahn': did you mean 'tan'"):
        a.tahn()
