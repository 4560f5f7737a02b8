"""PyTorch, which knows nothing of our graph, finds the same gradients and trains the same way."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from gradbook.layers import LOSSES
from gradbook.net import LESSONS, Loss, builtin, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.agree.runs import (
    apart,
    compared,
    distance,
    doubts,
    on_a_corner,
    outputs,
    reference_run,
    slopes,
)
from tests.families import UPDATES, networks, steady

EPOCHS = 30


@given(net=networks())
def test_pytorch_finds_the_same_loss_outputs_and_gradients(twin, net):
    for step in (training_step(net), scalar_step(net)):
        values = next(run(step, 1))
        assert float(values[step.loss]) == pytest.approx(twin.loss(net), rel=1e-12, abs=1e-14)
        assert outputs(step, values) == pytest.approx(twin.outputs(net), rel=1e-12, abs=1e-13)
        assume(not on_a_corner(step))
        assert apart(slopes(step), twin.gradients(net)) <= 1e-12


def test_pytorch_trains_random_networks_the_same_way(twin):
    epochs = []

    @given(networks().map(steady))
    def train(net):
        step = training_step(net)
        assume(not on_a_corner(step))
        ours, theirs = reference_run(step, EPOCHS), twin.history(net, EPOCHS)
        epochs.append(compared(ours, theirs, doubts(step, EPOCHS)))

    train()
    assert sum(epochs) > 0.7 * EPOCHS * len(epochs), "hardly any run was determined"


KINDS = {
    "tied embeddings, twice": parse(
        """input tokens 4 of 5; embed 3; sinusoids; attention causal; unembed 5
        conv1d 3 1; tanh; unembed 5; softmax; loss cross-entropy; rate 0.1; seed 3
        sample 0 1 2 3 -> 1 2 3 4; sample 4 2 0 0 -> -1 3 3 -1"""
    ),
    "mel bands of what is learned": parse(
        """input 14x1; conv1d 1 3; tanh; mel 2 frame 8 step 2 rate 100 low 5 high 45
        conv1d 2 2; relu; flatten; dense 2; softmax; loss cross-entropy; rate 0.01; seed 3"""
    ),
    "a spectrogram": parse(
        """input 10x1; conv1d 1 2; spectrogram frame 5 step 2; flatten; dense 2; tanh
        loss mse; rate 0.001; seed 2"""
    ),
    "few bits, applied again": parse(
        """input 2; dense 2 bits 4; tanh; again 2; dense 1 ternary; loss half squared error
        rate 0.1; seed 5; sample 0.3 -0.7 -> 0.4; sample 0.9 0.2 -> -0.1"""
    ),
    "worked": builtin("worked"),
    "mazur": builtin("mazur"),
    "xor": builtin("xor"),
    "strokes": builtin("strokes"),
    "deep tanh, softmax": parse(
        """input 3; dense 5; tanh; dense 4; tanh; dense 4; tanh; dense 3; softmax
        loss cross-entropy; rate 0.5; seed 11
        sample 0.2 -0.4 0.9 -> 1 0 0; sample -0.7 0.1 0.3 -> 0 0 1"""
    ),
    "xor with relu": parse(
        """input 2; dense 4; relu; dense 1; sigmoid; loss binary cross-entropy; seed 4; rate 0.5
        sample 0 0 -> 0; sample 0 1 -> 1; sample 1 0 -> 1; sample 1 1 -> 0"""
    ),
    "convolution, pooling": parse(
        """input 1x6x6; conv 2 3x3 pad 1; leaky relu 0.1; avgpool 2; conv 2 2x2 shared bias
        softplus; maxpool 2; flatten; dense 2; loss mean squared error; rate 0.2; seed 5"""
    ),
    "batch normalisation": parse(
        """input 2x2x2; conv 2 2x2 pad 1; batchnorm; relu; flatten; dense 3; batchnorm; tanh
        dense 2; log softmax; loss cross-entropy; rate 0.1; seed 6
        sample 1 2 3 4 5 6 7 8 -> 1 0; sample 8 1 7 2 6 3 5 4 -> 0 1
        sample 4 4 1 1 3 3 2 2 -> 0.5 0.5"""
    ),
    "three branches of one layer": parse(
        """input 3; dense 3; tanh; dense 2; sigmoid; go back 2; dense 2; silu; add back 3
        go back 6; dense 1; concat back 2 0; dense 2; loss mean squared error; rate 0.3; seed 8
        sample 0.2 -0.4 0.9 -> 1 0; sample -0.7 0.1 0.3 -> 0.5 -1"""
    ),
    "gelu, added back over two layers": parse(
        """input 2; dense 3; gelu; dense 3; add back 2; gelu; dense 1; sigmoid
        loss binary cross-entropy; rate 0.5; seed 14
        sample 0 0 -> 0; sample 0 1 -> 1; sample 1 0 -> 1; sample 1 1 -> 0"""
    ),
    "silu, planes and the input added back": parse(
        """input 1x4x4; conv 1 3x3 pad 1; silu; add back 2; conv 2 2x2; batchnorm; silu; add back 1
        avgpool all; flatten; dense 2; softmax; loss cross-entropy; rate 0.2; seed 15
        sample 0 1 0 0  0 1 0 0  0 1 0 0  0 1 0 0 -> 1 0
        sample 0 0 0 0  1 1 1 1  0 0 0 0  0 0 0 0 -> 0 1"""
    ),
    "side by side": parse(
        """input 1x4x4; conv 2 3x3 pad 1; silu; concat back 2; conv 2 2x2; tanh; concat back 1 0
        avgpool all; flatten; dense 3; concat back 1; dense 2; softmax; rate 0.2; seed 16
        sample 0 1 0 0  0 1 0 0  0 1 0 0  0 1 0 0 -> 1 0
        sample 0 0 0 0  1 1 1 1  0 0 0 0  0 0 0 0 -> 0 1"""
    ),
    "learned slopes": parse(
        """input 1x4x4; conv 3 3x3; prelu; conv 2 2x2 pad 1; prelu shared; flatten; dense 3; prelu
        dense 2; softmax; loss cross-entropy; rate 0.2; seed 22; decay 0.01 slopes"""
    ),
    "learned ranges": parse(
        """input 1x4x4; conv 3 3x3; relu; quantize 3; conv 2 2x2 pad 1; quantize 4 signed; flatten
        dense 3; quantize 2; dense 2; softmax; loss cross-entropy; rate 0.2; seed 23
        ranges 1.3 0.7 0.9; decay 0.01 ranges"""
    ),
    "a range of both signs that shrinks below 0": parse(
        """input 2; dense 3; quantize 2 signed; dense 1; loss half squared error; rate 0.3; seed 4
        ranges 0.3; sample 0.3 -0.7 -> 0.4; sample 0.9 0.2 -> -0.1"""
    ),
    "a range that shrinks below 0": parse(
        """input 2; dense 3; relu; quantize 2; dense 1; loss half squared error; rate 0.3; seed 2
        ranges 0.3; sample 0.3 -0.7 -> 0.4; sample 0.9 0.2 -> -0.1"""
    ),
    "group and layer normalisation": parse(
        """input 1x4x4; conv 4 3x3; groupnorm 2; silu; conv 2 1x1; layernorm epsilon 0.01; flatten
        dense 4; layernorm; tanh; dense 2; softmax; loss cross-entropy; rate 0.2; seed 17
        sample 0 1 0 0  0 1 0 0  0 1 0 0  0 1 0 0 -> 1 0
        sample 0 0 0 0  1 1 1 1  0 0 0 0  0 0 0 0 -> 0 1"""
    ),
    "place by place": parse(
        """input 3x3x4; placenorm; conv 4 2x2; placenorm epsilon 0.1; silu; conv 2 1x1
        placenorm epsilon 0.5; flatten; dense 2; softmax; loss cross-entropy; rate 0.2; seed 21"""
    ),
    "instance normalisation": parse(
        """input 2x3x3; instancenorm; conv 2 2x2; instancenorm; tanh; flatten; dense 1; rate 0.1
        seed 18"""
    ),
    "applied again": parse(
        """input 2; dense 3; tanh; dense 3; sigmoid; again 3; dense 1; sigmoid
        loss binary cross-entropy; rate 0.5; seed 19
        sample 0 0 -> 0; sample 0 1 -> 1; sample 1 0 -> 1; sample 1 1 -> 0"""
    ),
    "convolved and normalised again": parse(
        """input 2x4x4; conv 2 2x2; batchnorm; silu; again 3; flatten; dense 2; softmax
        loss cross-entropy; rate 0.1; seed 20; update momentum 0.5"""
        f"\nsample {' '.join(str(k % 7 / 7) for k in range(32))} -> 1 0"
        f"\nsample {' '.join(str(k % 5 / 5) for k in range(32))} -> 0 1"
        f"\nsample {' '.join(str(k % 3 / 3) for k in range(32))} -> 1 0"
    ),
    "momentum": parse(
        """input 2; dense 3; softplus; dense 2; sigmoid; update momentum 0.8; rate 0.3; seed 7
        sample 1 0 -> 1 0; sample 0 1 -> 0 1"""
    ),
    "groups, smoothing, nesterov": parse(
        """input 2x3x3; conv 4 2x2 groups 2; tanh; depthwise 2x2; flatten; dense 3; softmax
        loss cross-entropy smoothing 0.1; update momentum 0.5 nesterov; rate 0.02; seed 12
        sample 1 2 3 4 5 6 7 8 9 1 1 1 2 2 2 3 3 3 -> 1 0 0
        sample 3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 -> 0 0.5 0.5"""
    ),
    "a pool of all, adamw": parse(
        """input 1x3x3; conv 2 2x2; softplus; avgpool all; flatten; dropout 0; dense 2; sigmoid
        loss binary cross-entropy; update adamw; decay 0.1; decay 0.01 biases; rate 0.02; seed 13
        sample 1 0 0 0 1 0 0 0 1 -> 1 0"""
    ),
    "adam": parse(
        """input 2; dense 3 shared bias; sigmoid; dense 2; loss mean squared error; update adam
        rate 0.05; seed 8; sample 1 0 -> 1 0; sample 0 1 -> 0 1"""
    ),
}


def same_run(ours, theirs):
    for epoch, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert distance(one, other) <= 1e-12, f"epoch {epoch}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [None, 0.02])
def test_pytorch_trains_every_kind_the_same_way_for_70_epochs(twin, kind, rate):
    net = KINDS[kind]
    for step in (training_step(net), scalar_step(net)):
        same_run(reference_run(step, 70, rate), twin.history(net, 70, rate))


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("loss", LOSSES.values())
def test_pytorch_agrees_on_every_pair_of_loss_and_update(twin, loss, update):
    """So that no pair is left to chance."""
    end = {Loss.CROSS: "softmax", Loss.BINARY: "sigmoid"}.get(loss, "tanh")
    net = parse(
        f"""input 2; dense 3; tanh; dense 2; {end}; loss {loss}; update {update}; rate 0.1; seed 9
        sample 1 0.5 -> 1 0; sample 0.2 1 -> 0 1; sample 0.3 0.3 -> 0.5 0.5"""
    )
    same_run(reference_run(scalar_step(net), 40), twin.history(net, 40))


def test_the_twin_knows_every_built_in_network(twin):
    for name in LESSONS:
        assert len(twin.gradients(builtin(name))) == len(scalar_step(builtin(name)).gradients)
