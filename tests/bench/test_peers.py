"""Networks of others are asked as ours are: by their own code, with all the memory they use."""

import numpy as np
import pytest

from bench.peers.floats import by_onnx2c, dense_layers
from bench.peers.peer import Peer, asked_on
from gradbook.data.sources import load
from gradbook.lab.models.model import Model, untrained_model
from gradbook.net import Net
from tests.cases import for_each
from tests.outside.devices.avr import UNO
from tests.outside.devices.boards import BOARDS, Question

DEEP = """
#include <stdint.h>
#include <string.h>
int net_predict(const uint8_t *image, int32_t *each)
{
    volatile uint8_t kept[SIZE];
    for (int k = 0; k < SIZE; k++)
        kept[k] = image[k % 4];
    for (int k = 0; k < 10; k++)
        each[k] = kept[k];
    return kept[SIZE - 1];
}
"""


def deep(size: int) -> Peer:
    images = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.uint8)
    return Peer("deep", DEEP.replace("SIZE", str(size)), images)


DIGITS = "input 1x28x28; {}; flatten; dense 7; {}; dropout 0.2; dense 10; log softmax"


def model_of(*layers: str) -> Model:
    net = Net.parse(DIGITS.format(*layers).replace("; ; ", "; "))
    return untrained_model(net, load("digits"))


@pytest.mark.witness("cc")
def test_a_peer_is_asked_by_its_own_c():
    assert deep(1000).classify().tolist() == [4, 8]


@pytest.mark.witness("qemu-system-arm", "arm-none-eabi-gcc")
@for_each("size", [200, 1000])
def test_the_stack_that_a_call_uses_is_seen(size):
    found = asked_on(BOARDS[0], deep(size), deep(size).images, "-O2")
    assert found.classes.tolist() == [4, 8]
    assert size <= found.stack < size + 100


@pytest.mark.witness("simavr", "avr-gcc")
def test_the_stack_of_an_avr_is_seen():
    found = UNO.ask(Question(deep(1000).text, deep(1000).images, 10, strict=False))
    assert 1000 <= found.stack < 1100


@pytest.mark.witness("cc", "onnx")
def test_what_a_program_makes_is_given_the_numbers_that_the_network_takes(tmp_path):
    made = tmp_path / "made.c"
    made.write_text(
        "#include <stdint.h>\nvoid entry(const float *in, float *out) "
        "{ for (int k = 0; k < 10; k++) out[k] = k == 4 ? 0.25f : in[k]; }\n"
    )
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\ntest -s "$3" && cat {made}\n')
    program.chmod(0o755)
    model = model_of("", "relu")
    images = np.zeros((2, 784), np.uint8)
    scaling = model.trained().scaling
    quarter = (0.25 - scaling.shift.item()) / scaling.scale.item()  # the byte that becomes 0.25
    images[:, 7] = np.floor(quarter), np.ceil(quarter)
    assert by_onnx2c(str(program), model, images).classify().tolist() == [4, 7]


def test_dense_layers_say_what_the_network_says():
    model = model_of("", "sigmoid")
    activations, weights, biases = dense_layers(model)
    assert activations == ["logistic", "softmax"]
    images = np.random.default_rng(3).integers(0, 256, (5, 28, 28), np.uint8)
    scaling = model.trained().scaling
    numbers = images.reshape(5, -1) * scaling.scale + scaling.shift
    hidden = 1 / (1 + np.exp(-(numbers @ weights[0] + biases[0])))
    sums = hidden @ weights[1] + biases[1]
    expected = np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(images), expected, atol=1e-6)
