"""A training that its caller drives, beside PyTorch and `gb.train`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gradbook as gb

NET = "input 4; dense 5; tanh; dense 3; softmax; loss cross-entropy"
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(30, 4)), np.arange(30) % 3


@pytest.mark.witness("torch")
def test_losses_weights_and_gradients_are_those_of_pytorch():
    import torch

    step = gb.steps(NET, rate=0.3, engine="plain")
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    model.double()
    for place, name in ((0, "dense1"), (2, "dense2")):
        model[place].weight.data = torch.tensor(step.weights[f"{name}.weight"])
        model[place].bias.data = torch.tensor(step.weights[f"{name}.bias"])
    descent = torch.optim.SGD(model.parameters(), lr=0.3)
    for some in (slice(0, 10), slice(10, 30), slice(0, 30), slice(5, 6)):
        descent.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            model(torch.tensor(X[some])), torch.tensor(Y[some])
        )
        loss.backward()
        slopes = model[0].weight.grad.clone()
        descent.step()
        assert step(X[some], Y[some]) == pytest.approx(loss.item())
        np.testing.assert_allclose(step.gradients["dense1.weight"], slopes, atol=1e-12)
    for place, name in ((0, "dense1"), (2, "dense2")):
        np.testing.assert_allclose(
            step.weights[f"{name}.weight"], model[place].weight.detach(), atol=1e-12
        )
    sure = torch.softmax(model(torch.tensor(X)), 1).detach()
    np.testing.assert_allclose(step.predict(X), sure, atol=1e-12)


def test_the_bits_are_those_of_train():
    net = gb.builtin("xor")
    step = gb.steps(net)
    x = [sample.inputs for sample in net.samples]
    t = [sample.targets for sample in net.samples]
    losses = [step(x, t) for _ in range(70)]
    trained = gb.train(net)
    assert [epoch.train_loss for epoch in trained.history] == losses
    first = trained.model.values["w_layer_0"]
    assert step.weights["dense1.weight"].tobytes() == first.tobytes()
    assert step.weights["w3"] == first.reshape(-1)[2]


def test_weights_can_be_set_and_the_rate_changed():
    step = gb.steps(NET, rate=0.1)
    step.weights["dense1.weight"] = np.zeros((5, 4))
    step.weights["w1"] = 0.5
    assert step.weights["dense1.weight"][0].tolist() == [0.5, 0, 0, 0]
    step.rate = 0.0
    before = {name: array.copy() for name, array in step.weights.items()}
    step(X, Y)
    for name, array in step.weights.items():
        assert (array == before[name]).all()
    assert set(before) == {f"dense{k}.{what}" for k in (1, 2) for what in ("weight", "bias")}
    assert set(step.gradients) == set(before)


@pytest.mark.witness("torch")
def test_shapes_and_names_of_a_convolution_are_those_of_the_exports():
    net = gb.Net.parse("input 1x8x8; conv 3 3x3; batchnorm; relu; flatten; dense 2; softmax")
    step = gb.steps(net, rate=0.01)
    assert step.weights["conv1.weight"].shape == (3, 1, 3, 3)
    assert step.weights["batchnorm1.scale"].shape == (3,)
    pictures = RANDOM.normal(size=(20, 8, 8))
    assert step(pictures, np.arange(20) % 2) > 0
    assert "batchnorm1.mean" not in step.gradients


@pytest.mark.witness("cc")
def test_compiled_steps_agree_with_those_of_numpy():
    both = [gb.steps(NET, rate=0.2, engine=engine) for engine in ("native", "plain")]
    losses = [[step(X, Y) for _ in range(20)] for step in both]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_loss_that_is_not_named_follows_from_the_targets():
    plain = replace(gb.Net.parse(NET), loss=None)
    step = gb.steps(plain, rate=0.1)
    step(X, Y)
    assert str(step.net.loss) == "cross-entropy"
    numbers = gb.steps("input 4; dense 1", rate=0.1)
    numbers(X, X[:, 0])
    assert str(numbers.net.loss) == "mean squared error"


def test_tokens_are_the_same_as_numbers_and_as_rows_of_0_and_1():
    text = "input tokens 3 of 4; embed 2; flatten; dense 2; softmax; loss cross-entropy"
    by_number, by_row = (gb.steps(text, rate=0.5, engine="plain") for _ in range(2))
    tokens, classes = np.arange(18).reshape(6, 3) * 5 % 4, np.arange(6) % 2
    for _ in range(3):
        assert by_number(tokens, classes) == by_row(np.eye(4)[tokens], classes)


def test_what_cannot_be_meant_is_refused():
    step = gb.steps(NET, rate=0.1)
    spoilt = X.copy()
    spoilt[2, 1] = np.nan
    cases = {
        "the inputs, row 3, column 2: nan isn't a finite number": lambda: step(spoilt, Y),
        "29 labels for 30 images": lambda: step(X, Y[:-1]),
        "no weights 'dense1.wieght': did you mean 'dense1.weight'": lambda: step.weights[
            "dense1.wieght"
        ],
        "dense1.bias has the shape (5,), not (4,)": lambda: step.weights.update(
            {"dense1.bias": np.zeros(4)}
        ),
        "gradients are computed": lambda: step.gradients.update({"w1": 0.0}),
        "classes are numbered from 0 to 2": lambda: step(X, Y + 1),
        "unknown engine 'cpu'": lambda: gb.steps(NET, engine="cpu"),
    }
    for message, does in cases.items():
        with pytest.raises(gb.GradbookError) as refused:
            does()
        assert message in str(refused.value)


def test_a_notebook_shows_how_large_weights_and_gradients_are():
    step = gb.steps("input 2; dense 3; tanh; dense 1", rate=0.1)
    step([[1.0, 2.0]], [[0.5]])
    cell = step._repr_html_()
    assert "1 done, rate 0.1" in cell
    assert "dense1.weight" in cell
    assert f"{abs(step.gradients['dense2.bias']).mean():.3g}" in cell
