"""Engines train as PyTorch does: its gradients in double precision, its losses and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradbook.engine.native import NativeEngine
from gradbook.net import DIGITS, BatchNorm, Dropout, Net, builtin, parse
from tests.engine.against import CLOSE, QUICK, Batch, a_batch, distance, run

pytestmark = pytest.mark.witness("cc")

SMOOTH = """\
input 2x12x12
conv 8 3x3 pad 1 no bias
batchnorm
softplus
conv 6 3x3 groups 2
sigmoid
avgpool 2
batchnorm
conv 8 3x3 stride 2
tanh
avgpool all
flatten
dense 3
log softmax
loss cross-entropy smoothing 0.1
"""
UPDATES = {
    "descent": "update descent; rate 0.1; decay 0.01",
    "momentum": "update momentum 0.9; rate 0.05; decay 0.0005 weights shifts",
    "Nesterov": "update momentum 0.9 nesterov; rate 0.05",
    "AdamW": "update adamw; rate 0.01; decay 0.1 weights biases",
}
DIGITS_BATCH = 64


def feed(there, engine: NativeEngine, batch: Batch) -> None:
    """The same batch to PyTorch's twin, with dropout's masks as the reference draws them."""
    step = engine.step_graph
    leaves = batch.leaves(step)
    there.feed(batch.inputs, batch.targets, {mask.layer: leaves[mask.leaf] for mask in step.masks})


def undisturbed(net: Net) -> Net:
    """Without dropout."""
    still = [replace(x, rate=0.0) if isinstance(x, Dropout) else x for x in net.layers]
    return replace(net, layers=tuple(still))


def taken_off_again(net: Net) -> set[str]:
    """Biases before batch normalisation: they stay what they were, but for rounding."""
    return {
        f"b_layer_{p.layer}"
        for p in net.parameters
        if p.role == "b" and isinstance(net.layers[p.layer + 1], BatchNorm)
    }


@pytest.mark.parametrize("name", DIGITS)
def test_the_digit_networks_gradients_are_pytorchs(name, twin):
    engine = NativeEngine(builtin(name), DIGITS_BATCH, 2, "float64", extra=QUICK)
    batch, there = a_batch(engine.net, 19), twin.Twin(engine.net)
    feed(there, engine, batch)
    run(engine, batch)
    there.loss().backward()
    found = engine.gradients()
    pairs = dict(zip(engine.weights(), there.weights, strict=True))
    unfelt = taken_off_again(engine.net)
    for weight, value in pairs.items():
        expected = value.grad.numpy()
        if weight in unfelt:
            assert max(np.abs(found[weight]).max(), np.abs(expected).max()) < 1e-15
        else:
            assert distance(found[weight], expected) < CLOSE["float64"], weight


@pytest.mark.parametrize("precision", CLOSE)
@pytest.mark.parametrize("words", UPDATES.values(), ids=UPDATES)
def test_ten_steps_follow_pytorchs(words, precision, twin):
    """Without corners, so that float32 takes the same way."""
    net = parse(SMOOTH + words)
    engine = NativeEngine(net, 40, 2, precision, extra=QUICK)
    close = {"float32": 1e-4, "float64": 1e-9}[precision]
    for there in ten_steps(engine, twin, 40, close):
        for (name, found), expected in zip(engine.weights().items(), there.weights, strict=True):
            assert distance(found, expected.detach().numpy()) < close, name


def test_ten_steps_of_the_reference_network_follow_pytorchs(twin):
    """A weight that starts at 0 shows every flip: so all of them together."""
    net = undisturbed(builtin("reference"))
    engine = NativeEngine(net, DIGITS_BATCH, 2, "float32", extra=QUICK)
    for there in ten_steps(engine, twin, 24, 1e-4):
        expected = [np.ravel(w.detach().numpy()) for w in there.weights]
        found = [np.ravel(w) for w in engine.weights().values()]
        assert distance(np.concatenate(found), np.concatenate(expected)) < 1e-4


def ten_steps(engine: NativeEngine, twin, size: int, close: float) -> Iterator[Any]:
    """PyTorch's twin after each, once the losses before it were compared."""
    there = twin.Twin(engine.net)
    optimizer = there.optimizer(engine.net.learning_rate)
    for number in range(10):
        batch = a_batch(engine.net, size - number, number)
        feed(there, engine, batch)
        optimizer.zero_grad()
        loss = there.loss()
        loss.backward()
        optimizer.step()
        assert run(engine, batch) == pytest.approx(loss.item(), rel=close), number
        yield there
