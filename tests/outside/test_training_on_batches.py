"""Steps on batches from outside do what PyTorch does, in double precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.graph.build import inference, training_step
from gradbook.graph.masks import drawn
from gradbook.graph.node import Node
from gradbook.graph.reference import evaluate, follow
from gradbook.graph.step import Step
from gradbook.net import BatchNorm, Net, builtin, parse
from tests.families import networks
from tests.outside.twin import Twin

pytestmark = pytest.mark.witness("torch")

DIGITS = ("reference", "blocks", "flat")
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
        targets: random.dirichlet(np.ones(targets.shape[0]), size),
        **drawn(step.masks, seed, 0, np.arange(size)),
    }


def twin_batch(step: Step, batch: dict[Node, np.ndarray]) -> tuple:
    masks = {mask.layer: batch[mask.leaf] for mask in step.masks}
    return batch[step.inputs[0]], batch[step.targets[0]], masks


def twin_of(step: Step, torch) -> Twin:
    return Twin(step.net, torch, [step.start[weight] for weight in step.weights])


def feeds_batchnorm(net: Net, layer: int) -> bool:
    """A bias there moves the mean alone, which is taken off again: its gradient is 0."""
    return isinstance(net.layers[layer + 1], BatchNorm)


@pytest.mark.parametrize("name", DIGITS)
def test_the_digit_networks_gradients_are_pytorchs(name, torch):
    step = training_step(builtin(name), batch=8)
    (batch,) = batches(step, 6)
    (values,) = follow(step, [batch])
    twin = twin_of(step, torch)
    expected = twin.gradients(*twin_batch(step, batch))
    for parameter, weight, slope in zip(step.net.parameters, step.weights, expected, strict=True):
        found = values[step.gradients[weight]]
        if parameter.role == "b" and feeds_batchnorm(step.net, parameter.layer):
            assert max(np.abs(found).max(), np.abs(slope).max()) < 1e-15
        else:
            assert distance(found, slope) < 1e-12, weight.name


@pytest.fixture(scope="module")
def any_torch():
    """For Hypothesis, which asks for a fixture that outlives the example."""
    import torch

    torch.set_num_threads(1)
    return torch


@given(networks(dropout=True, samples=0), st.integers(2, 6), st.integers(0, 99))
def test_any_network_has_pytorchs_gradients(any_torch, net, size, seed):
    """To 1e-12 of the largest gradient: single ones may cancel to nothing but rounding."""
    step = training_step(net, batch=size)
    batch = any_batch(step, size, seed)
    (values,) = follow(step, [batch])
    twin = twin_of(step, any_torch)
    loss = twin.loss(*twin_batch(step, batch)).item()
    assert values[step.loss] == pytest.approx(loss, rel=1e-12, abs=1e-15)
    expected = dict(zip(step.weights, twin.gradients(*twin_batch(step, batch)), strict=True))
    largest = max(np.linalg.norm(np.ravel(slope)) for slope in expected.values())
    for weight, slope in step.gradients.items():
        error = np.linalg.norm(np.ravel(values[slope] - expected[weight]))
        assert error <= 1e-12 * largest + 1e-15, weight.name


@pytest.mark.parametrize("words", UPDATES.values(), ids=UPDATES)
def test_ten_steps_are_pytorchs(words, torch):
    net = parse(SMALL + words)
    step = training_step(net, batch=8)
    twin = twin_of(step, torch)
    optimiser = twin.optimiser()
    given = list(batches(step, 8, count=10))
    for batch, values in zip(given, follow(step, given), strict=True):
        for weight, value in zip(step.weights, twin.values, strict=True):
            assert distance(values[weight], value.detach().numpy()) < 1e-9, weight.name
        optimiser.zero_grad()
        loss = twin.loss(*twin_batch(step, batch))
        loss.backward()
        optimiser.step()
        assert values[step.loss] == pytest.approx(loss.item(), rel=1e-9)


@pytest.mark.parametrize("name", DIGITS)
def test_the_digit_networks_train_as_in_pytorch(name, torch):
    step = training_step(builtin(name), batch=4)
    twin = twin_of(step, torch)
    optimiser = twin.optimiser()
    given = list(batches(step, 4, count=3))
    for batch, values in zip(given, follow(step, given), strict=True):
        optimiser.zero_grad()
        loss = twin.loss(*twin_batch(step, batch))
        loss.backward()
        optimiser.step()
        assert values[step.loss] == pytest.approx(loss.item(), rel=1e-9)


def test_running_statistics_and_inference_are_pytorchs(torch):
    net = parse(SMALL)
    step = training_step(net, batch=8)
    twin = twin_of(step, torch)
    given = list(batches(step, 8, count=3))
    *_, last = follow(step, given, rate=0)
    for batch in given:
        twin.loss(*twin_batch(step, batch))
    state = {leaf.name: last[following] for leaf, following in step.next.items()}
    running = [array.numpy() for pair in twin.running.values() for array in pair]
    for leaf, expected in zip(running_leaves(step), running, strict=True):
        assert distance(state[leaf.name], expected) < 1e-12

    forward = inference(net)
    pictures = given[0][step.inputs[0]]
    leaves = [*forward.weights, *(change.leaf for change in forward.statistics)]
    known = {leaf: state[leaf.name] for leaf in leaves} | {forward.inputs: pictures}
    found = evaluate([forward.outputs], known)[forward.outputs]
    twin.training = False
    expected, _ = twin.outputs(pictures, {})
    assert distance(found, expected.detach().numpy()) < 1e-12


def running_leaves(step: Step) -> list[Node]:
    return [leaf for leaf in step.start if leaf.name and leaf.name.stem == "r"]


def test_a_smaller_last_batch_is_averaged_over_its_own_size(torch):
    step = training_step(parse(SMALL), batch=8)
    (batch,) = batches(step, 5)
    (values,) = follow(step, [batch])
    twin = twin_of(step, torch)
    assert values[step.loss] == pytest.approx(twin.loss(*twin_batch(step, batch)).item(), rel=1e-12)
