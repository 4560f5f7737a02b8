"""Steps on batches from outside do what PyTorch does, in double precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradbook.graph.node import Node
from gradbook.graph.reference import evaluate
from gradbook.net import DIGITS, builtin, parse
from gradbook.net.build import inference, training_step
from gradbook.net.step import Step, drawn, follow
from tests.cases import for_each
from tests.families import networks

SMALL = """\
input 1x8x8
conv 4 3x3 pad 1 no bias
batchnorm
relu
dropout 0.1
conv 6 3x3 groups 2
relu
dropout 0.2 channels
maxpool 2
batchnorm
depthwise 2x2 no bias
avgpool all
flatten
dense 3
log softmax
loss cross-entropy smoothing 0.1
"""
UPDATES = {
    "descent": "update descent; rate 0.1",
    "descent with decay": "update descent; rate 0.1; decay 0.01; decay 0.002 biases scales",
    "momentum": "update momentum 0.9; rate 0.05",
    "momentum with decay": "update momentum 0.8; rate 0.05; decay 0.0005 weights shifts",
    "Nesterov": "update momentum 0.9 nesterov; rate 0.05; decay 0.0005",
    "Adam": "update adam; rate 0.01; decay 0.01",
    "AdamW": "update adamw 0.9 0.99; rate 0.01",
    "AdamW with decay": "update adamw; rate 0.01; decay 0.1 weights biases; decay 0.05 scales",
}


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Relative, of whole tensors."""
    norm = np.linalg.norm(np.ravel(expected))
    return float(np.linalg.norm(np.ravel(found) - np.ravel(expected)) / (norm or 1))


def batches(step: Step, size: int, count: int = 1) -> Iterator[dict[Node, np.ndarray]]:
    """Random pictures and classes, and dropout's masks."""
    random = np.random.default_rng(7)
    inputs, targets = step.inputs[0], step.targets[0]
    for epoch in range(count):
        yield {
            inputs: random.normal(size=(size, *inputs.shape)),
            targets: np.eye(targets.shape[0])[random.integers(0, targets.shape[0], size)],
            **drawn(step.masks, 3, epoch, np.arange(size)),
        }


def any_batch(step: Step, size: int, seed: int) -> dict[Node, np.ndarray]:
    """Random inputs, and targets that any loss can read."""
    random = np.random.default_rng(seed)
    inputs, targets = step.inputs[0], step.targets[0]
    return {
        inputs: random.normal(size=(size, *inputs.shape)),
        targets: random.dirichlet(np.ones(targets.shape[-1]), (size, *targets.shape[:-1])),
        **drawn(step.masks, seed, 0, np.arange(size)),
    }


def feed(there, step: Step, batch: dict[Node, np.ndarray]) -> None:
    """The same batch to PyTorch's twin of the network."""
    masks = {mask.layer: batch[mask.leaf] for mask in step.masks}
    there.feed(batch[step.inputs[0]], batch[step.targets[0]], masks)


def train(there, optimizer) -> float:
    """One step of PyTorch's; the loss before it."""
    optimizer.zero_grad()
    loss = there.loss()
    loss.backward()
    optimizer.step()
    return loss.item()


def slopes(there) -> list[np.ndarray]:
    there.loss().backward()
    return [np.zeros(w.shape) if w.grad is None else w.grad.numpy() for w in there.weights]


@given(networks(dropout=True, samples=0), st.integers(2, 6), st.integers(0, 99))
@example(parse("input 2x1x1; flatten; multiply back 1; flatten; dense 1"), 2, 0)
def test_any_network_has_pytorchs_gradients(twin, net, size, seed):
    """To 1e-12 of the largest gradient: single ones may cancel to nothing but rounding."""
    step = training_step(net, batch=size)
    batch = any_batch(step, size, seed)
    (values,) = follow(step, [batch])
    there = twin.Twin(net)
    feed(there, step, batch)
    assert values[step.loss] == pytest.approx(there.loss().item(), rel=1e-12, abs=1e-15)
    expected = dict(zip(step.weights, slopes(there), strict=True))
    largest = max(np.linalg.norm(np.ravel(slope)) for slope in expected.values())
    for weight, slope in step.gradients.items():
        error = np.linalg.norm(np.ravel(values[slope] - expected[weight]))
        assert error <= 1e-12 * largest + 1e-15, weight.name


@for_each("words", UPDATES.values(), ids=UPDATES)
def test_ten_steps_are_pytorchs(words, twin):
    net = parse(SMALL + words)
    step = training_step(net, batch=8)
    there = twin.Twin(net)
    optimizer = there.optimizer(net.learning_rate)
    given_ = list(batches(step, 8, count=10))
    for batch, values in zip(given_, follow(step, given_), strict=True):
        for weight, value in zip(step.weights, there.weights, strict=True):
            assert distance(values[weight], value.detach().numpy()) < 1e-9, weight.name
        feed(there, step, batch)
        assert values[step.loss] == pytest.approx(train(there, optimizer), rel=1e-9)


@pytest.mark.parametrize("name", DIGITS)
def test_the_digit_networks_train_as_in_pytorch(name, twin):
    step = training_step(builtin(name), batch=4)
    there = twin.Twin(step.net)
    optimizer = there.optimizer(step.net.learning_rate)
    given_ = list(batches(step, 4, count=3))
    for batch, values in zip(given_, follow(step, given_), strict=True):
        feed(there, step, batch)
        assert values[step.loss] == pytest.approx(train(there, optimizer), rel=1e-9)


def test_running_statistics_and_inference_are_pytorchs(twin):
    net = parse(SMALL)
    step = training_step(net, batch=8)
    there = twin.Twin(net)
    given_ = list(batches(step, 8, count=3))
    *_, last = follow(step, given_, rate=0)
    for batch in given_:
        feed(there, step, batch)
        there.loss()
    state = {leaf.name: last[following] for leaf, following in step.next.items()}
    running = [array.numpy() for pair in there.running.values() for array in pair]
    for leaf, expected in zip(running_leaves(step), running, strict=True):
        assert distance(state[leaf.name], expected) < 1e-12

    forward = inference(net)
    leaves = [*forward.weights, *(change.leaf for change in forward.statistics)]
    known = {leaf: state[leaf.name] for leaf in leaves}
    known[forward.inputs] = given_[-1][step.inputs[0]]
    found = evaluate([forward.outputs], known)[forward.outputs]
    there.training = False
    assert distance(found, there.run(net.layers).detach().numpy()) < 1e-12


def running_leaves(step: Step) -> list[Node]:
    return [leaf for leaf in step.start if leaf.name and leaf.name.stem == "r"]


def test_a_smaller_last_batch_is_averaged_over_its_own_size(twin):
    step = training_step(parse(SMALL), batch=8)
    (batch,) = batches(step, 5)
    (values,) = follow(step, [batch])
    there = twin.Twin(step.net)
    feed(there, step, batch)
    assert values[step.loss] == pytest.approx(there.loss().item(), rel=1e-12)
