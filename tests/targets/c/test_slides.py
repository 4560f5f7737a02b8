"""Which convolutions go Winograd's way, and which gradients share a loop."""

from __future__ import annotations

import pytest

from gradbook.graph.build import training_step
from gradbook.net import builtin, parse
from gradbook.targets.c.kernels import kernel
from gradbook.targets.c.machine import machine
from gradbook.targets.c.plan import Plan, plan
from gradbook.targets.c.simplify import simplified
from gradbook.targets.c.slides import forward, winograd_size


def planned(text: str) -> Plan:
    step = training_step(parse(text), batch=32)
    once = [step.loss, *step.next.values()]
    new = simplified(once)
    return plan([], [new[node] for node in once])


def layers(*lines: str, channels: int = 8, side: int = 9) -> str:
    head = [f"input {channels}x{side}x{side}", *lines]
    return "\n".join([*head, "flatten", "dense 2", "log softmax", "loss cross-entropy"])


def conv(line: str, **sizes: int) -> int:
    """m of Winograd for the only convolution, or 0."""
    made = planned(layers(line, **sizes))
    (node,) = [p.heavy for p in made.passes if p.heavy and p.heavy.op.name == "conv"]
    return winograd_size(forward(node))


def test_winograd_takes_small_windows_that_slide_by_one():
    assert conv("conv 8 3x3 pad 1", side=8) == 4
    assert conv("conv 8 3x3", side=5) == 3
    assert [
        conv("conv 8 5x5"),
        conv("conv 8 3x3 stride 2"),
        conv("depthwise 3x3"),
        conv("conv 8 1x1"),
        conv("conv 8 3x3", channels=1),
    ] == [0] * 5


def pairs(text: str) -> list[bool]:
    """Of each gradient of a convolution's weights: whether the input's comes with it."""
    made = planned(text)
    return [
        p.beside is not None for p in made.passes if p.heavy and p.heavy.op.name == "conv_weights"
    ]


def test_both_gradients_share_a_loop_where_winograd_is_used():
    text = layers("conv 8 3x3", "relu", "conv 8 3x3", "relu", "conv 8 1x1", side=16)
    assert pairs(text) == [
        False,  # 1×1
        True,
        False,  # nobody asks for the gradient of the images
    ]


def test_the_input_s_gradient_is_made_once():
    made = planned(layers("conv 8 3x3", "relu", "conv 8 3x3", side=16))
    back = [p.makes for p in made.passes if p.makes and p.makes.op.name == "conv_back"]
    assert len(back) == len(set(back)) == 1


@pytest.mark.parametrize("network", ["reference", "blocks", "flat"])
def test_hardly_a_band_of_winograd_s_gradients_is_empty(network):
    step = training_step(builtin(network), batch=32)
    once = [step.loss, *step.next.values()]
    new = simplified(once)
    made = plan([], [new[node] for node in once])
    for weights, back in made.beside.items():
        slide = forward(weights)
        m = winograd_size(slide)
        call = kernel(weights, machine("avx512"), back).call
        bands = int(call.split("}}, ")[-1].split(", ")[0])
        down = -(-slide.result[1] // m)
        assert -(-down // bands) * bands <= down * 8 / 7
