"""Values that remember how they were computed: numbers, gradients, and the formulas they become."""

from __future__ import annotations

import random

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
