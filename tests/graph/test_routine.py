"""What evaluates a value again and again says what the reference says."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.graph.reference import evaluate
from gradbook.graph.routine import Routine
from gradbook.net import parse
from gradbook.net.build import inference
from gradbook.net.work.at_work import at_start


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize(
    "text",
    [
        "input 5; dense 7; relu; dense 3; softmax",
        "input 5; dense 4; leaky relu; layernorm; dense 2; gelu; dense 3; log softmax",
        "input 5; dense 4; batchnorm; tanh; dense 1; sigmoid",
        "input 5; dense 5; softmax; dense 2",
        "input 2x6x6; conv 3 3x3; batchnorm; relu; maxpool 2; flatten; dense 2; softmax",
        "input 6x3; gru 4; dense 2; softmax",
        "input 6x3; attention heads 1; flatten; dense 2",
    ],
)
def test_a_routine_gives_the_same_bits_and_leaves_its_inputs(text, real):
    net = parse(text)
    forward, values = inference(net), {k: v.astype(real) for k, v in at_start(net).items()}
    random = np.random.default_rng(1)
    leaves = {forward.graph.by_name[name]: value for name, value in values.items()}
    sample = np.zeros((1, *net.input), real)
    routine = Routine(forward.outputs, forward.inputs, sample, values)
    for count in (1, 4, 1):
        inputs = random.normal(size=(count, *net.input)).astype(real)
        kept = inputs.copy()
        slow = evaluate([forward.outputs], {**leaves, forward.inputs: inputs})[forward.outputs]
        quick = routine(inputs)
        assert (quick.tobytes(), quick.dtype) == (slow.tobytes(), slow.dtype)
        assert inputs.tobytes() == kept.tobytes()
