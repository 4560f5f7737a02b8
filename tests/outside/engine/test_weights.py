"""Samples that count differently: losses and gradients against PyTorch's weighted ones."""

import numpy as np
import pytest

from gradbook.engine.engines import PlainEngine
from gradbook.engine.native import NativeEngine
from gradbook.layers.losses import weighed_targets
from gradbook.net import Net

BODY = "input 5; dense 4; tanh; dense {}; {}; loss {}; rate 0"
CASES = {
    "softmax": BODY.format(3, "softmax", "cross-entropy"),
    "smoothed": BODY.format(3, "log softmax", "cross-entropy smoothing 0.1"),
    "one output": BODY.format(1, "sigmoid", "binary cross-entropy"),
    "squares": BODY.format(3, "sigmoid", "half squared error"),
    "a number": BODY.format(1, "identity", "mean squared error"),
    "distances": BODY.format(3, "tanh", "mean absolute error"),
}


def given(outputs):
    random = np.random.default_rng(3)
    labels = random.integers(0, max(outputs, 2), 9)
    plain = np.eye(outputs)[labels] if outputs > 1 else labels[:, None].astype(float)
    return random.normal(size=(9, 5)), labels, plain, random.uniform(0.1, 3, 9)


def theirs(torch, net, weights, x, labels, plain, counts):
    """Each sample's loss times what it counts, over the number of samples."""
    values = {name: torch.tensor(w, requires_grad=True) for name, w in weights.items()}
    w1, b1, w2, b2 = values.values()
    sums = torch.tanh(torch.tensor(x) @ w1.T + b1) @ w2.T + b2
    loss, functional = str(net.loss), torch.nn.functional
    if loss == "cross-entropy":
        smoothing = {"reduction": "none", "label_smoothing": net.smoothing}
        each = functional.cross_entropy(sums, torch.tensor(labels), **smoothing)
    elif loss == "binary cross-entropy":
        wanted = torch.tensor(plain)
        each = functional.binary_cross_entropy_with_logits(sums, wanted, reduction="none")[:, 0]
    else:
        answers = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}.get(net.ending, lambda x: x)(sums)
        off = answers - torch.tensor(plain)
        of_each = {"half squared error": off**2 / 2 * 3, "mean squared error": off**2}
        each = of_each.get(loss, off.abs()).mean(1)
    total = (each * torch.tensor(counts)).mean()
    total.backward()
    return total.item(), {name: w.grad.numpy() for name, w in values.items()}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
@pytest.mark.parametrize("native", [False, True], ids=["plain", "native"])
def test_weighted_gradients_are_pytorchs(torch, text, native):
    net = Net.parse(text)
    x, labels, plain, counts = given(net.outputs)
    engine = (
        NativeEngine(net, 16, precision="float64", weighted=True)
        if native
        else PlainEngine(net, 16, weighted=True)
    )
    start = engine.weights()
    seen = engine.epoch(x, weighed_targets(plain, counts), 0.0)
    loss, gradients = theirs(torch, net, start, x, labels, plain, counts)
    assert seen.losses[0] == pytest.approx(loss, rel=1e-6)  # kept in 32 bits
    for name, gradient in engine.gradients().items():
        np.testing.assert_allclose(gradient, gradients[name], atol=1e-14)


def test_a_weighed_answer_is_right_where_the_plain_one_is(torch):
    for text in CASES.values():
        net = Net.parse(text)
        x, _, plain, counts = given(net.outputs)
        weighed = PlainEngine(net, 16, weighted=True).epoch(x, weighed_targets(plain, counts), 0.0)
        assert weighed.right == PlainEngine(net, 16).epoch(x, plain, 0.0).right
