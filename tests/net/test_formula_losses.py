"""A loss that the text gives as a formula: how it is read, and its slopes beside PyTorch's.

That it goes through every door is in `tests/agree/test_every_door.py`.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.net.build import training_step
from gradbook.net.network import Net, parse
from gradbook.net.step import run
from tests.cases import for_each

NET = "input 2; dense 3; tanh; dense 2; seed 3; sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2"
FORMULAS = {
    "(a-t)^4": lambda torch, a, t: ((a - t) ** 4).mean(),
    "mean(|a - t|^1.5)": lambda torch, a, t: ((a - t).abs() ** 1.5).mean(),
    "sum(ln(cosh(a - t)))": lambda torch, a, t: torch.log(torch.cosh(a - t)).sum() / len(a),
    "if(a > t, 0.9(a-t), 0.1(t-a))": lambda torch, a, t: torch.where(
        a > t, 0.9 * (a - t), 0.1 * (t - a)
    ).mean(),
    "√((a-t)² + 1) - 1": lambda torch, a, t: (((a - t) ** 2 + 1).sqrt() - 1).mean(),
    "sum(e^a) - t*a": lambda torch, a, t: (torch.exp(a) - t * a).mean(),
}
REFUSED = {
    "(a-t)^": "line 1, column 45: this formula can't be read: it ends too early",
    "(a-x)^2": "'x' isn't known here: a loss is a formula of the output a and the target t",
    "t^2": "a loss needs the output a",
    "foo(a-t)": "unknown function 'foo'",
    "a-t smoothing 0.1": "smoothing is only for cross-entropy",
    "hubber": "unknown loss 'hubber': did you mean 'huber",
}


@for_each("formula", [*FORMULAS])
def test_the_gradients_are_those_of_autograd(formula, torch):
    net = parse(f"{NET}; loss {formula}")
    step = training_step(net)
    values = next(run(step, 1))
    leaves = {node: torch.tensor(np.array(x)).requires_grad_() for node, x in step.start.items()}
    w1, b1, w2, b2 = leaves.values()
    x = torch.tensor([sample.inputs for sample in net.samples])
    t = torch.tensor([sample.targets for sample in net.samples])
    error = FORMULAS[formula](torch, torch.tanh(x @ w1.T + b1) @ w2.T + b2, t)
    error.backward()
    assert float(values[step.loss]) == pytest.approx(error.item(), rel=1e-12)
    for node, tensor in leaves.items():
        slopes = values[step.gradients[node]]
        np.testing.assert_allclose(slopes, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


@for_each("formula", [*FORMULAS])
def test_it_is_written_and_carried_as_it_was_read(formula):
    net = parse(f"{NET}; loss {formula}")
    assert str(net.loss) == formula
    assert parse(str(net)) == net
    assert pickle.loads(pickle.dumps(net)) == net
    assert Net(net.input, net.layers, formula).loss == net.loss


@for_each(("formula", "problem"), [*REFUSED.items()])
def test_what_is_no_loss_is_refused_at_its_place(formula, problem):
    with pytest.raises(GradbookError) as refused:
        parse(f"input 2; dense 3; tanh; dense 2; loss {formula}")
    assert problem in str(refused.value)


def test_a_training_takes_a_loss_of_its_own():
    random = np.random.default_rng(5)
    inputs = random.normal(size=(200, 2))
    targets = inputs @ [[1.0], [-2.0]]
    settings = {"epochs": 3, "seed": 1}
    trained = gb.train("input 2; dense 1", inputs, targets, loss="mean((a-t)^4)", **settings)
    written = gb.train("input 2; dense 1; loss mean((a-t)^4)", inputs, targets, **settings)
    usual = gb.train("input 2; dense 1", inputs, targets, **settings)
    losses = [[epoch.train_loss for epoch in it.history] for it in (trained, written, usual)]
    assert losses[0] == losses[1] != losses[2]
